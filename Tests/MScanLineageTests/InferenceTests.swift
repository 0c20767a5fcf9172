import MScanBytes
import Testing

@testable import MScanLineage

/// What the weights of small models tell, each made from known ones in a known way.
@Suite struct InferenceTests {
  static let base = TinyModel(1)
  static let rival = TinyModel(2)
  static let chat = base.tuned(0.03, seed: 3)
  static let code = base.tuned(0.02, seed: 4)
  static let registry = try? TinyRegistry.of([
    ("acme/base", [], base), ("other/rival", [], rival), ("acme/chat", ["acme/base"], chat),
    ("acme/code", ["acme/base"], code),
  ])

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var operation: MScanLineage.Operation?
    var bases: [String]
    var weights: @Sendable () -> WeightSet
  }

  static let cases: [Case] = [
    Case(testDescription: "copy", operation: .copy, bases: ["acme/base"]) { base.weights() },
    Case(testDescription: "half precision", operation: .convert, bases: ["acme/base"]) { base.weights(.float16) },
    Case(testDescription: "single precision", operation: .convert, bases: ["acme/base"]) { base.weights(.float32) },
    Case(testDescription: "other container", operation: .convert, bases: ["acme/base"]) {
      base.weights(container: "torch")
    },
    Case(testDescription: "quantised", operation: .quantize, bases: ["acme/base"]) { base.quantized() },
    Case(testDescription: "fine-tune", operation: .finetune, bases: ["acme/base"]) {
      base.tuned(0.05, seed: 9).weights()
    },
    Case(testDescription: "fine-tune of a fine-tune", operation: .finetune, bases: ["acme/chat"]) {
      chat.tuned(0.01, seed: 10).weights()
    },
    Case(testDescription: "fine-tune, quantised", operation: .finetune, bases: ["acme/base"]) {
      base.tuned(0.08, seed: 11).quantized()
    },
    Case(testDescription: "low-rank change, merged", operation: .loraMerge, bases: ["acme/base"]) {
      base.withLowRank(["q_proj", "v_proj"], seed: 12).weights()
    },
    Case(testDescription: "linear merge", operation: .merge, bases: ["acme/chat", "acme/code"]) {
      TinyModel.sum([(chat, 0.4), (code, 0.6)]).weights()
    },
    Case(testDescription: "merge of strangers", operation: .merge, bases: ["acme/base", "other/rival"]) {
      TinyModel.sum([(base, 0.7), (rival, 0.3)]).weights()
    },
    Case(testDescription: "task arithmetic", operation: .merge, bases: ["acme/chat", "acme/code"]) {
      TinyModel.sum([(base, -0.4), (chat, 0.7), (code, 0.7)]).weights()
    },
    Case(testDescription: "layers of two", operation: .merge, bases: ["acme/base", "other/rival"]) {
      TinyModel.stacked([(base, 0), (base, 1), (rival, 2), (rival, 3)]).weights()
    },
    Case(testDescription: "layers repeated", operation: .merge, bases: ["acme/base"]) {
      TinyModel.stacked([(base, 0), (base, 1), (base, 1), (base, 2), (base, 3)]).weights()
    },
    Case(testDescription: "layers dropped", operation: .prune, bases: ["acme/base"]) {
      TinyModel.stacked([(base, 0), (base, 1), (base, 3)]).weights()
    },
    Case(testDescription: "small weights zeroed", operation: .prune, bases: ["acme/base"]) {
      base.mapped { name, values in name.contains("proj") ? values.map { abs($0) < 0.03 ? 0 : $0 } : values }.weights()
    },
    Case(testDescription: "vocabulary extended", operation: .extendVocabulary, bases: ["acme/base"]) {
      base.withRows(8, seed: 13).weights()
    },
    Case(testDescription: "independent, same architecture", operation: nil, bases: []) { TinyModel(99).weights() },
    Case(testDescription: "independent, fewer layers", operation: nil, bases: []) {
      TinyModel(98, layers: 2).weights()
    },
  ]

  @Test(arguments: cases) func theOriginIsFound(item: Case) throws {
    let registry = try #require(Self.registry)
    let origin = Matcher(registries: [registry]).find(item.weights(), declared: [], own: [])
    #expect(origin.conclusion?.operation == item.operation, "\(origin.conclusion?.evidence ?? [])")
    #expect(origin.conclusion?.bases ?? [] == item.bases)
  }

  @Test func mergeWeightsAreThoseOfTheMerge() throws {
    let registry = try #require(Self.registry)
    let merged = TinyModel.sum([(Self.chat, 0.25), (Self.code, 0.75)])
    let found = Matcher(registries: [registry]).find(merged.weights(), declared: [], own: []).conclusion
    let weights = try #require(found?.weights)
    #expect(weights.count == 2)
    #expect(abs((weights.first ?? 0) - 0.25) < 0.05 && abs((weights.last ?? 0) - 0.75) < 0.05)
  }

  /// Sixty-four pairs of independent initialisations of one architecture: the peer's shape test calls every pair a match.
  @Test func independentModelsAreNeverRelated() throws {
    let bases = (0..<8).map { (name: "acme/m\($0)", parents: [String](), model: TinyModel(1000 + UInt64($0))) }
    let registry = try TinyRegistry.of(bases)
    for seed in 0..<8 {
      let origin = Matcher(registries: [registry]).find(
        TinyModel(5000 + UInt64(seed)).weights(), declared: [], own: [])
      #expect(origin.conclusion == nil)
    }
  }

  @Test func aModelDoesNotComeFromItself() throws {
    let registry = try #require(Self.registry)
    let origin = Matcher(registries: [registry]).find(Self.rival.weights(), declared: [], own: ["other/rival"])
    #expect(origin.conclusion == nil)
  }

  @Test func hiddenDimensionPermuted() throws {
    let registry = try #require(Self.registry)
    let order = (0..<TinyModel.width).reversed()
    let turned = Self.base.mapped { name, values in
      guard values.count > TinyModel.width, values.count % TinyModel.width == 0, !name.contains("down_proj"),
        !name.contains("o_proj")
      else { return values }
      return stride(from: 0, to: values.count, by: TinyModel.width).flatMap { row in order.map { values[row + $0] } }
    }
    .mapped { name, values in
      // Rows of what writes into the hidden dimension.
      guard name.contains("down_proj") || name.contains("o_proj") else { return values }
      let columns = values.count / TinyModel.width
      return order.flatMap { row in values[(row * columns)..<((row + 1) * columns)] }
    }
    let found = Matcher(registries: [registry]).find(turned.weights(), declared: [], own: []).conclusion
    #expect(found?.bases == ["acme/base"] && found?.variant == "permuted or rotated")
  }

  @Test func signsAloneTellTheFamily() throws {
    let registry = try TinyRegistry.of(
      [("acme/base", [], Self.base), ("other/rival", [], Self.rival)], keepsValues: false)
    let found = Matcher(registries: [registry]).find(Self.chat.weights(), declared: [], own: []).conclusion
    #expect(found?.bases == ["acme/base"])
    #expect(found?.confidence == 0.5)
  }

  // MARK: What lies

  @Test func hostileTensorsAreNoCrash() throws {
    let registry = try #require(Self.registry)
    let plain = Self.base.weights()
    func changed(_ change: (inout StoredTensor) -> Void) -> WeightSet {
      var set = plain
      for index in set.tensors.indices { change(&set.tensors[index]) }
      return set
    }
    let odd: [WeightSet] = [
      Self.base.mapped { _, values in values.map { _ in .nan } }.weights(.float32),
      Self.base.mapped { _, values in values.map { _ in .infinity } }.weights(.float32),
      Self.base.mapped { _, values in values.map { _ in 0 } }.weights(),
      Self.base.mapped { _, values in values.map { _ in 3.4e38 } }.weights(.float32),
      changed { $0.bytes = ByteRange(0, 100) }, changed { $0.bytes = ByteRange(Int.max - 8, Int.max) },
      changed { $0.shape = $0.shape.map { _ in Int.max } }, changed { $0.shape = [0, 5] },
      changed { $0.shape = [-3, 4] }, changed { $0.shape = [] }, changed { $0.dtype = "Q4_K" },
      changed { $0.dtype = "F8_E4M3" }, changed { $0.dtype = "nonsense" }, changed { $0.source = 7 },
      changed { $0.strides = $0.shape.map { _ in Int.max } }, changed { $0.strides = [-1] },
      changed { $0.name = "model.layers.99999.self_attn.q_proj.weight" }, changed { $0.name = "" },
      WeightSet(container: "gguf"),
    ]
    for set in odd {
      let origin = Matcher(registries: [registry]).find(set, declared: ["acme/base"], own: [])
      #expect(origin.conclusion?.operation != .copy)
      _ = Fingerprinting.take(set, name: "a/b")
    }
  }

  @Test func tensorsWithoutEndAreBounded() throws {
    var set = Self.base.weights()
    let first = set.tensors[1]
    set.tensors = (0..<100_000).map { number in
      var tensor = first
      tensor.name = "model.layers.\(number % 7000).mlp.experts.\(number / 7000).w.weight"
      return tensor
    }
    let model = ModelWeights(set)
    #expect(model.tensors.count <= ModelWeights.tensorLimit)
  }
}
