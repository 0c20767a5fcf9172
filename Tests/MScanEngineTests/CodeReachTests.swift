import MScanBytes
import MScanFacts
import Testing

@testable import MScanEngine

/// From the configuration that a loader reads to the calls that it runs.
@Suite struct CodeReachTests {
  private static let configuration = #"{"auto_map": {"AutoModel": "modeling_x.X"}}"#

  /// The callable facts of one file of a folder, scanned as a whole folder would be.
  private func calls(of name: String, in files: [String: String]) throws -> [CallableFact] {
    let folder = try ScratchFolder()
    defer { withExtendedLifetime(folder) {} }
    for (name, text) in files { try folder.write(SystemPath(name), Array(text.utf8)) }
    let targets = Discovery().targets(of: [folder.path])
    let walker = Walker()
    let target = try #require(targets.first { $0.reported == name })
    let scan = try #require(walker.read(target))
    return scan.buffer.facts.compactMap { fact in
      if case .callable(let callable) = fact.payload { callable } else { nil }
    }
  }

  @Test func theWayIsTold() throws {
    let found = try calls(
      of: "tools.py",
      in: [
        "config.json": Self.configuration,
        "modeling_x.py": "from .tools import start\nclass X:\n    def __init__(self):\n        start()\n",
        "tools.py": "import os\ndef start():\n    inner()\ndef inner():\n    os.system('true')\n",
      ])
    let call = try #require(found.first { $0.dotted == "os.system" })
    #expect(call.when == ["construction"])
    #expect(call.flow.map(\.file) == ["config.json", "modeling_x.py", "tools.py"])
    #expect(call.flow.map(\.line) == [1, 4, 3])
    #expect(call.flow.last?.message == "start calls inner")
  }

  @Test func whatNothingImportsIsSaid() throws {
    let files = [
      "config.json": Self.configuration, "modeling_x.py": "import math\n", "other.py": "import os\nos.system('true')\n",
    ]
    #expect(try calls(of: "other.py", in: files).first?.when == ["not reached"])
    // Without a configuration that names a module, nobody knows.
    let plain = ["other.py": "import os\nos.system('true')\n", "config.json": "{}"]
    #expect(try calls(of: "other.py", in: plain).first?.when == ["import"])
  }

  /// What an install, a test runner or an endpoint imports is there, whoever calls its functions.
  @Test func whatIsImportedForItsNameIsLoaded() throws {
    let text = "import os\ndef start():\n    os.system('true')\n"
    #expect(try calls(of: "setup.py", in: ["setup.py": text]).first?.when == ["call", "loaded"])
    #expect(try calls(of: "handler.py", in: ["handler.py": text]).first?.when == ["call", "loaded"])
    #expect(try calls(of: "other.py", in: ["other.py": text]).first?.when == ["call"])
  }

  @Test(arguments: [
    "import importlib\nimportlib.import_module(input())\n", "exec(open('a' + input()).read())\n",
    "from .other import x\n", "from . import other\n", "import other\n", "__import__('other')\n",
    "import runpy\nrunpy.run_path('other.py')\n",
  ])
  func whatCouldBeImportedCounts(_ text: String) throws {
    let files = [
      "config.json": Self.configuration, "modeling_x.py": text, "other.py": "import os\nos.system('true')\n",
    ]
    #expect(try calls(of: "other.py", in: files).first { $0.dotted == "os.system" }?.when == ["import"])
  }

  @Test(arguments: [
    ("tokenizer_config.json", #"{"auto_map": {"AutoTokenizer": ["tok.T", null]}}"#, "tok.py"),
    ("config.json", #"{"custom_pipelines": {"p": {"impl": "pipe.P"}}}"#, "pipe.py"),
    ("config.json", #"{"auto_map": {"AutoModel": "org/name--far.near.M"}}"#, "far/near.py"),
    ("model_index.json", #"{"_class_name": ["pipeline", "P"]}"#, "pipeline.py"),
    ("model_index.json", #"{"unet": ["net", "U"]}"#, "unet/net.py"),
    ("modules.json", #"[{"idx": 0, "name": "0", "path": "", "type": "custom_st.T"}]"#, "custom_st.py"),
  ])
  func entriesAreFound(_ configuration: String, _ text: String, _ module: String) throws {
    let files = [configuration: text, module: "import os\nos.system('true')\n", "other.py": "import os\nos.getcwd()\n"]
    let found = try calls(of: module, in: files)
    #expect(found.first { $0.dotted == "os.system" }?.flow.first?.file == configuration)
    #expect(try calls(of: "other.py", in: files).first?.when == ["not reached"])
  }

  @Test func namesOfOtherModulesStandForWhatTheyAre() throws {
    let found = try calls(
      of: "modeling_x.py",
      in: [
        "config.json": Self.configuration,
        "modeling_x.py": "from .a import run\nfrom . import a\nrun('x')\na.again('x')\n",
        "a.py": "from .b import go as run\nagain = run\n", "b.py": "from os import system as go\n",
      ])
    #expect(found.filter { $0.subjects.contains("os.system") }.count == 2)
  }

  @Test func circlesEnd() throws {
    let found = try calls(
      of: "a.py",
      in: [
        "config.json": #"{"auto_map": {"AutoModel": "a.X"}}"#,
        "a.py": "from .b import f\ndef g():\n    f()\n    import os\n    os.system('true')\ng()\nx = f\n",
        "b.py": "from .a import g, x\ndef f():\n    g()\n    x()\nf()\ny = x\n",
      ])
    #expect(found.first { $0.dotted == "os.system" }?.when == ["import"])
  }

  @Test func nothingOutsideTheFolderIsRead() throws {
    let folder = try ScratchFolder()
    defer { withExtendedLifetime(folder) {} }
    try folder.write(SystemPath("inside/a.py"), [])
    try folder.write(SystemPath("b.py"), [])
    let inside = folder.path.appending(SystemPath("inside"))
    #expect(ModelFiles.file("a.py", in: inside) != nil)
    #expect(ModelFiles.file("../b.py", in: inside) == nil)
    #expect(ModelFiles.file("/etc/passwd", in: inside) == nil)
  }
}
