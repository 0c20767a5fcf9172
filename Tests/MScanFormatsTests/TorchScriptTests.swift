import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct TorchScriptTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let source: String
    let expected: [String]
    var testDescription: String { source }
    init(_ source: String, _ expected: [String]) { (self.source, self.expected) = (source, expected) }
  }

  static func operations(_ source: String) -> [String] {
    read(TorchScriptFormat.self, Array(source.utf8), name: "m.py").facts.compactMap { fact in
      guard case .operation(let operation) = fact.payload else { return nil }
      let arguments = operation.arguments.isEmpty ? "" : "(\(operation.arguments.joined(separator: ", ")))"
      return fact.subjects.joined() + arguments
    }
  }

  @Test(arguments: [
    Case("torch.add(x, 1)", ["torchscript.aten.add"]),
    Case("torch.from_file(\"a\", False, 16)", ["torchscript.aten.from_file(a, False, 16)"]),
    Case("torch.from_file(filename=\"a\", size=x)", ["torchscript.aten.from_file(filename=a, size=…)"]),
    Case("torch . from_file (\n  'a'  # why\n)", ["torchscript.aten.from_file(a)"]),
    Case("ops.aten.save(x, '''b''')", ["torchscript.aten.save(…, b)"]),
    Case("ops.example.run(\"a\" \"b\\x41\\101\\n\")", ["torchscript.example.run(abAA\n)"]),
    Case("_0 = ops\n_1 = _0.aten\n_1.save(x, \"c\")", ["torchscript.aten.save(…, c)"]),
    Case("_0 = \"c\"\ntorch.save(x, _0)", ["torchscript.aten.save(…, c)"]),
    Case("_0 : str = \"c\"\ntorch.save(x, _0)", ["torchscript.aten.save(…, c)"]),
    Case("_0 = torch.save\n_0(x, \"c\")", ["torchscript.aten.save", "torchscript.aten.save(…, c)"]),
    Case("((torch)).save(x, \"c\")", ["torchscript.aten.save(…, c)"]),
    Case("(ops.aten).save(x, \"c\")", ["torchscript.aten.save(…, c)"]),
    Case("getattr(torch, \"save\")(x, \"c\")", ["torchscript.aten.save(…, c)"]),
    Case("getattr(getattr(ops, 'aten'), 'save')(x, 'c')", ["torchscript.aten.save(…, c)"]),
    Case("_0 = getattr(ops.aten, \"save\")", ["torchscript.aten.save"]),
    Case("getattr(ops.aten, name)", ["torchscript.?"]),
    Case("f(torch)", ["torchscript.builtin.f", "torchscript.?"]),
    Case("f(x, (ops.aten), y)", ["torchscript.builtin.f", "torchscript.?"]),
    Case("[torch, ops]", ["torchscript.?"]),
    Case("return torch", ["torchscript.?"]),
    Case("torch.autograd.save(x, \"c\")", ["torchscript.aten.save(…, c)"]),
    Case("ops.quantized.autograd.save(x, \"c\")", ["torchscript.aten.save(…, c)"]),
    Case("torch.save(x, CONSTANTS.c0)", ["torchscript.aten.save(…, CONSTANTS.c0)"]),
    Case("torch.add(torch.mul(x, 2), 1)", ["torchscript.aten.add", "torchscript.aten.mul"]),
    Case("x = [torch.add(x, y)[0], {\"a\": torch.neg(x)}]", ["torchscript.aten.add", "torchscript.aten.neg"]),
    Case("x : __torch__.torch.classes.tensorrt.Engine", ["torchscript.classes.tensorrt.Engine"]),
    Case("x : __torch__.vad.model.Net", ["torchscript.__torch__.vad.model.Net"]),
    Case("def f(self: __torch__.M,\n  x: Tensor=CONSTANTS.c0) -> Tensor:\n  return x", ["torchscript.__torch__.M"]),
    Case("(self).save(x, \"c\")\n(encoder).forward(x, )", []),
    Case("self.torch.save(x)", []),
    Case("# torch.save(x)\n\"torch.save\"", []),
    Case("fork(__torch__.f, x)", ["torchscript.builtin.fork", "torchscript.__torch__.f"]),
    Case("rpc_async(\"w\", f)", ["torchscript.builtin.rpc_async(w, …)"]),
    Case("x = 1.5e-05\ny = torch.inf_like(x)", ["torchscript.aten.inf_like"]),
    Case("", []),
  ])
  func names(_ sample: Case) { #expect(Self.operations(sample.source) == sample.expected) }

  @Test func placesAndScopes() {
    let source = "class M:\n  def __setstate__(self):\n    ü, x = 1, torch.save(x, \"c\")\n"
    let sink = read(TorchScriptFormat.self, Array(source.utf8), name: "m.py")
    let fact = sink.facts.first
    #expect(fact?.place == .line(3, column: 15, path: nil))
    #expect(fact?.attribute(named: "scope") == .text("__setstate__"))
    #expect(fact.map { Array(source.utf8)[$0.range.start..<$0.range.end].elementsEqual("torch.save".utf8) } == true)
  }

  /// Names of another function do not leak into the next.
  @Test func aliasesEndWithTheFunction() {
    #expect(Self.operations("def f(x):\n  _0 = torch\ndef g(_0):\n  _0.save(x, \"c\")") == [])
  }

  @Test(arguments: [
    ("\"no end", ["torchscript.malformed!"]), ("'''no end\ntorch.save()", ["torchscript.malformed!"]),
    ("x = \u{1}", ["torchscript.malformed!"]), (String(repeating: "(", count: 600), ["limit.nesting!"]),
    (String(repeating: "()", count: 600), []),
  ])
  func saysWhatItCannotRead(_ source: String, _ expected: [String]) {
    #expect(read(TorchScriptFormat.self, Array(source.utf8), name: "m.py").anomalySubjects == expected)
  }

  @Test func costIsLinear() {
    let line = "_0 = (torch).add(getattr(x, \"0\"), [1, 2], \"text\")\n"
    let source = String(repeating: line, count: 20_000)
    #expect(Self.operations(source).count == 2)
    #expect(Self.operations(String(repeating: "torch.", count: 100_000)).count <= 1)
    #expect(Self.operations(String(repeating: "\"", count: 100_001)).isEmpty)
  }

  @Test func bytecodeNames() {
    func text(_ text: String) -> [UInt8] { [0x58, UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8) }
    let bytes =
      latin1("\u{80}\u{2}(") + text("aten::add") + text("Tensor") + text("my_ops::run") + text("a::b::c")
      + text("no: x")
      + latin1("aten::loose") + latin1("t.")
    let sink = read(TorchScriptBytecodeFormat.self, bytes, name: "bytecode.pkl")
    #expect(sink.facts.flatMap(\.subjects) == ["torchscript.aten.add", "torchscript.my_ops.run"])
    expectNoSurprise(TorchScriptBytecodeFormat.self, bytes, name: "bytecode.pkl")
  }

  @Test func noSurprise() {
    let source =
      "class M(Module):\n  def f(self: __torch__.M,\n    x: Tensor=CONSTANTS.c0) -> Tensor:\n    _0 = ops\n"
      + "    _1 = getattr(_0.aten, \"save\")\n    return (_1)(x, '''a\\x41''', 1e-05)[0]\n"
    expectNoSurprise(TorchScriptFormat.self, Array(source.utf8), name: "m.py")
  }
}

@Suite struct ZipLayoutTests {
  @Test(arguments: [
    (["m/data.pkl", "m/version"], ["torch-checkpoint"]),
    (["m/data.pkl", "m/constants.pkl", "m/code/__torch__.py"], ["torchscript-archive", "torch-checkpoint"]),
    (["m/data.pkl", "m/bytecode.pkl"], ["torchscript-archive", "torch-checkpoint"]),
    (["code/x.py", "constants.pkl"], ["torchscript-archive"]),
    (["m/code/x.py", "n/constants.pkl"], []),
    (["p/.data/extern_modules", "p/a.py"], ["torch-package"]),
    (["p/.data/extern_modules", "p/.data/ts_code/0/x.py"], ["torchscript-archive", "torch-package"]),
    (["m/archive_format", "m/models/model.json"], ["torch-export"]),
    (["serialized_exported_program.json"], ["torch-export"]),
    (["m/data/aotinductor/model/x.so"], ["torch-compiled-model"]),
    (["schema.json", "1.npy"], ["skops"]),
    (["a/schema.json"], []),
    ([], []),
  ])
  func tells(_ names: [String], _ expected: [String]) {
    #expect(ZipLayout(names: names).kinds.map(\.rawValue) == expected)
  }

  @Test func storages() {
    let package = ZipLayout(names: ["p/.data/extern_modules"])
    #expect(package.isStorage("p/.data/0.storage") && !package.isStorage("q/.data/0.storage"))
    #expect(!package.isStorage("p/.data/0.pkl"))
    let program = ZipLayout(names: ["m/archive_format", "m/models/model.json"])
    #expect(program.isStorage("m/data/weights/weight_0") && program.isStorage("m/data/constants/tensor_0"))
    #expect(!program.isStorage("m/data/constants/custom_obj_0") && !program.isStorage("m/data/weights/weight_0.so"))
  }
}
