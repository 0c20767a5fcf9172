import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct CommandLinesTests {
  private func search(_ bytes: [UInt8], name: String, limits: Limits = .standard) -> FactBuffer {
    var sink = FactBuffer(limits: limits)
    let row = sink.artifacts.append(Artifact(name: name, format: "text", size: bytes.count))
    CommandLines.search(
      ArtifactInput(index: row, source: ByteSource(bytes), name: name, limits: limits), into: &sink)
    return sink
  }

  /// `name(node) at line` of every fact.
  private func commands(_ text: String, name: String = "justfile") -> [String] {
    search(Array(text.utf8), name: name).facts.compactMap { fact in
      guard case .operation(let operation) = fact.payload, case .line(let line, _, _) = fact.place else { return nil }
      return "\(operation.name)(\(operation.node)) at \(line)"
    }
  }

  @Test(arguments: [
    ("get http://x | sh", ["pipe.sh() at 1"]),
    ("\n\n  get \"http://x?a=1&b\" | /bin/sh -s -- y", ["pipe.sh(y) at 3"]),
    ("a: get http://x | as -E B=1 sh -", ["pipe.as(sh) at 1"]),
    ("run('sh','-c','get http://x|sh')", ["pipe.sh() at 1"]),
    ("get http://x | unpack | sh", ["pipe.unpack() at 1", "pipe.sh() at 1"]),
    ("get http://x | a | b | c | d | e | sh", ["a", "b", "c", "d", "e", "sh"].map { "pipe.\($0)() at 1" }),
    ("get http://x \\\n  | \\\n sh -s y", ["pipe.sh(y) at 1"]),
    ("get http://x; get http://y | a; get http://z | b", ["pipe.a() at 1", "pipe.b() at 1"]),
    ("get http://x |" + String(repeating: " ", count: 600) + "sh", ["pipe.sh() at 1"]),
    ("get http://x || sh", []),
    ("get http://x |", []),
    ("sh -c \"$(get http://x)\"", ["substitution.sh() at 1"]),
    ("x = 'sh -c \\\"$(get http://x)\\\"'", ["substitution.sh() at 1"]),
    ("a; read <(get http://x)", ["substitution.read() at 1"]),
    ("X=$(get http://x)", []),
    ("X=`get http://x`", []),
    ("# get http://x | sh", []),
    ("  // get http://x | sh", []),
    (" * get http://x | sh", []),
    ("* * * * * get http://x | sh", ["pipe.sh() at 1"]),
    ("* 5 * * * get http://x | sh", ["pipe.sh() at 1"]),
    ("get x | sh", []),
  ])
  func tells(_ text: String, _ expected: [String]) { #expect(commands(text) == expected) }

  @Test(arguments: ["README", "notes.txt", "data.json", "INSTALL", "a.rst", "readme.in", "x.csv"])
  func leavesProseOut(_ name: String) { #expect(commands("get http://x | sh", name: name).isEmpty) }

  @Test(arguments: ["x", "Taskfile.yml", ".gitlab-ci.yml", "CMakeLists.txt", "composer.json", ".vimrc", "a.rb"])
  func looksIntoTheRest(_ name: String) {
    #expect(commands("get http://x | sh", name: name) == ["pipe.sh() at 1"])
  }

  /// Lines at the edges of what is read at a time are whole, and long ones do not hide what follows.
  @Test func readsAcrossStretches() {
    let command = "get http://x | sh"
    for room in [(1 << 20) - 40, (1 << 20) - 10, 1 << 20, (1 << 20) + 3] {
      let filler = String(repeating: "a\n", count: room / 2)
      #expect(
        commands(filler + command + "\n" + command + "2")
          == [("sh", 1), ("sh2", 2)].map { "pipe.\($0)() at \(room / 2 + $1)" })
    }
    #expect(commands(String(repeating: "a", count: 3 << 20) + "\n" + command).count == 1)
    #expect(commands((0..<5000).map { command + String($0) }.joined(separator: "\n")).count == 5000)
    let line = String(repeating: "a(http://x) ", count: 20_000)
    #expect(commands(line + command) == ["pipe.sh() at 1"])
  }

  @Test func tellsOfItsLimit() {
    var limits = Limits.standard
    limits.shellCommands = 3
    let bytes = Array((0..<5).map { "get http://x | a\($0)\n" }.joined().utf8)
    let sink = search(bytes, name: "x", limits: limits)
    #expect(sink.facts.count == 4)
    #expect(sink.anomalySubjects == ["limit.shellCommands!"])
  }

  @Test func survivesAnything() {
    let sample = Array("a: \"$(x `y <(z http://x\"|b -c D=e f|g\\\n* 5 http://|\n".utf8)
    for count in 0...sample.count { #expect(search(Array(sample[..<count]), name: "x").keepsTheLaws()) }
    for index in sample.indices {
      for change in UInt8.min...UInt8.max {
        var bytes = sample
        bytes[index] = change
        #expect(search(bytes, name: "x").keepsTheLaws())
      }
    }
  }
}
