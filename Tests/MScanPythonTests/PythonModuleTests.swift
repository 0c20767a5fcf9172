import MScanBytes
import MScanFacts
import Testing

@testable import MScanPython

/// What a module looks like from outside.
@Suite struct PythonModuleTests {
  private func module(_ text: String) -> PythonModule {
    PythonModule(ByteSource(Array(text.utf8)), name: "m.py", limits: .standard)
  }

  @Test func namesStandForWhatTheyAreBoundTo() {
    var found = module("from os import system as run\nimport torch.nn as nn\ndef f(): pass\nalias = run\n")
    var meanings: [String: [PythonModule.Meaning]] = [:]
    for name in ["run", "nn", "f", "alias", "absent"] { meanings[name] = found.meanings(of: name) }
    #expect(
      meanings == [
        "run": [.path("os.system")], "nn": [.path("torch.nn")], "f": [.own], "alias": [.path("os.system")],
        "absent": [],
      ])
  }

  @Test func functionsRunWhenSomethingCallsThem() {
    var found = module(
      "def a():\n    b()\ndef b():\n    pass\nclass C:\n    def forward(self):\n        pass\n    def other(self):\n        a()\n"
    )
    #expect(found.moments()["a"] == .call)
    #expect(found.moments()["C.forward"] == .forward)
    let isNews = found.raise("a", to: .import)
    #expect(isNews)
    #expect(found.moments()["a"] == .import)
    #expect(found.moments()["b"] == .import)
    let isNewsAgain = found.raise("b", to: .construction)
    #expect(!isNewsAgain)
    let way = found.way(to: "b")
    #expect(way.start == "a")
    #expect(way.steps.map(\.message) == ["a calls b"])
    #expect(way.steps.map(\.line) == [2])
  }

  @Test func importsAreListedWithTheirMoments() {
    var found = module("from . import a\nfrom .b import c\ndef f():\n    import d\n")
    let imports = found.outgoing().filter(\.isImport)
    #expect(imports.map(\.targets) == [[".a"], [".b.c"], ["d"]])
    #expect(imports.map(\.moment) == [.import, .import, .call])
  }

  @Test(arguments: [
    ("x = 1\nimport os\nos.system(x)\n", ["os.system"]),
    ("import os\nd = {'k': os.system}\nd.get('k')(1)\n", ["os.system"]),
    ("import sys\nsys._getframe(0).f_builtins['exec'](1)\n", ["builtins.exec"]),
    ("().__class__.__base__.__subclasses__()\n", ["builtins.object.__subclasses__"]),
    ("import socket\ns = socket.socket()\ns.send(1)\n", ["(socket.socket).send"]),
    ("import torch\ntorch.os.system(1)\n", ["torch.os.system", "os.system"]),
  ])
  func calleesAreFound(_ text: String, _ wanted: [String]) {
    let facts = readPython(Array(text.utf8)).facts
    let subjects = facts.flatMap(\.subjects)
    for subject in wanted { #expect(subjects.contains(subject), "\(subjects)") }
  }

  @Test func dataIsFollowedIntoCalls() {
    let text = """
      import os, requests
      found = dict(os.environ)
      def body():
          return str(found)
      class M:
          def __init__(self):
              self.x = body()
              requests.post("u", data=f"{self.x}")
      """
    let sent = readPython(Array(text.utf8)).facts.compactMap { fact -> CallableFact? in
      guard case .callable(let callable) = fact.payload, callable.dotted == "requests.post" else { return nil }
      return callable
    }
    #expect(sent.first?.receives.contains("os.environ") == true)
    #expect(sent.first?.function == "M.__init__")
    #expect(sent.first?.when == ["construction"])
  }

  @Test func argumentsAreToldByNameAndPlace() {
    let text = "K = {'b': True}\nT = False\nf('x', 'y' + 'z', mode='w', t=T, n=None, **K)\n"
    let facts = readPython(Array(text.utf8)).facts
    let constants = facts.compactMap { fact -> [String]? in
      if case .callable(let callable) = fact.payload { callable.constants } else { nil }
    }
    #expect(constants == [["0:x", "1:yz", "mode=w", "t=False", "n=None", "b=True"]])
  }

  @Test func keywordsAreFoundInTexts() {
    let interest = TextInterest([".ssh/", "SECRET", "x"])
    #expect(interest.keywords == [".ssh/", "SECRET"])
    func found(_ interest: TextInterest, _ text: String) -> [String] {
      interest.matches(in: Array(text.utf8).span).map { "\($0.offset) \($0.keyword)" }
    }
    #expect(found(interest, "a/.ssh/b SECRET .ssh/") == ["2 .ssh/", "9 SECRET"])
    #expect(found(interest, "SECRE").isEmpty)
    #expect(found(interest, "S").isEmpty)
    #expect(found(.none, "SECRET").isEmpty)
  }
}
