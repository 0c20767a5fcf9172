/// How a model was made from another. The raw values are what reports say.
public enum Operation: String, Sendable, Hashable, CaseIterable {
  case copy, convert, quantize, finetune, adapter
  case loraMerge = "lora_merge"
  case merge, prune
  case extendVocabulary = "extend_vocab"
  /// Trained to answer like another: only the embedding is shared.
  case distill
}

/// What the weights say about where a model comes from.
public struct Conclusion: Sendable, Hashable {
  public var operation: Operation
  /// A closer word: `linear`, `depth`, `Q4_K`, `BF16 to F16`; empty when there is none.
  public var variant: String
  /// Names of the bases, each once.
  public var bases: [String]
  /// 0 to 1: how often such a conclusion is right.
  public var confidence: Double
  /// For people, one reason each.
  public var evidence: [String]
  /// Of a merge: weights of ``bases``, in their order; empty while unknown.
  public var weights: [Double]
  /// Of a merge of layers: for each layer the base it is from and its number there.
  public var layerMap: [(base: String, layer: Int)]
  /// Bits a weight, for what was quantised.
  public var bits: Int?

  init(
    _ operation: Operation, _ variant: String = "", bases: [String], confidence: Double, evidence: [String],
    weights: [Double] = [], layerMap: [(base: String, layer: Int)] = [], bits: Int? = nil
  ) {
    self.operation = operation
    self.variant = variant
    self.bases = bases
    self.confidence = confidence
    self.evidence = evidence
    self.weights = weights
    self.layerMap = layerMap
    self.bits = bits
  }

  public static func == (a: Conclusion, b: Conclusion) -> Bool {
    a.operation == b.operation && a.variant == b.variant && a.bases == b.bases && a.evidence == b.evidence
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(operation)
    hasher.combine(variant)
    hasher.combine(bases)
  }
}

/// Numbers as people read them.
enum Figures {
  /// `0.3%`, `12%`, `0.004%`.
  static func percent(_ share: Double) -> String {
    decimal(share * 100, digits: share < 0.001 ? 4 : share < 0.1 ? 2 : 0) + "%"
  }

  static func decimal(_ value: Double, digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return value.isNaN ? "?" : "very large" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let rounded = Int((abs(value) * scale).rounded())
    let whole = rounded / Int(scale)
    guard digits > 0 else { return (value < 0 ? "-" : "") + String(whole) }
    let rest = String(rounded % Int(scale))
    var text = String(whole) + "." + String(repeating: "0", count: digits - rest.count) + rest
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return (value < 0 && rounded > 0 ? "-" : "") + text
  }
}
