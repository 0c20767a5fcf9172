import MScanBytes

@testable import MScanLineage

/// Numbers that look random and are the same each time.
struct Dice {
  private var state: UInt64
  init(_ seed: UInt64) {
    state = seed
    // Seeds that are near each other must not give one stream, moved by a step.
    state = next() ^ 0xd134_2543_de82_ef95 &* (seed &+ 1)
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func uniform() -> Float { Float(next() >> 40) / Float(1 << 24) }

  /// Near enough to a normal distribution of deviation 1.
  mutating func normal() -> Float { (0..<12).reduce(Float(-6)) { sum, _ in sum + uniform() } }
}

/// A network small enough to make in memory.
struct TinyModel {
  var tensors: [(name: String, shape: [Int], values: [Float])] = []
  static let width = 32
  static let inner = 64

  init() {}

  init(_ seed: UInt64, layers: Int = 4, vocabulary: Int = 96) {
    var dice = Dice(seed)
    func matrix(_ name: String, _ rows: Int, _ columns: Int) {
      tensors.append((name, [rows, columns], (0..<(rows * columns)).map { _ in dice.normal() * 0.05 }))
    }
    func vector(_ name: String, _ count: Int) {
      tensors.append((name, [count], (0..<count).map { _ in 1 + 0.2 * dice.normal() }))
    }
    matrix("model.embed_tokens.weight", vocabulary, Self.width)
    for layer in 0..<layers {
      let stem = "model.layers.\(layer)."
      vector(stem + "input_layernorm.weight", Self.width)
      for role in ["q", "k", "v", "o"] { matrix(stem + "self_attn.\(role)_proj.weight", Self.width, Self.width) }
      vector(stem + "post_attention_layernorm.weight", Self.width)
      matrix(stem + "mlp.gate_proj.weight", Self.inner, Self.width)
      matrix(stem + "mlp.up_proj.weight", Self.inner, Self.width)
      matrix(stem + "mlp.down_proj.weight", Self.width, Self.inner)
    }
    vector("model.norm.weight", Self.width)
    self = rounded(to: .bfloat16)
  }

  func mapped(_ change: (String, [Float]) -> [Float]) -> TinyModel {
    var other = TinyModel()
    other.tensors = tensors.map { ($0.name, $0.shape, change($0.name, $0.values)) }
    return other
  }

  func rounded(to type: StoredType) -> TinyModel { mapped { _, values in values.map { Rounding.round($0, to: type) } } }

  /// Every value moved by a share of itself.
  func tuned(_ share: Float, seed: UInt64) -> TinyModel {
    var dice = Dice(seed)
    return mapped { _, values in values.map { $0 * (1 + share * dice.normal()) + share * 0.01 * dice.normal() } }
      .rounded(to: .bfloat16)
  }

  static func sum(_ parts: [(TinyModel, Float)]) -> TinyModel {
    guard var result = parts.first?.0 else { return TinyModel() }
    for index in result.tensors.indices {
      for place in result.tensors[index].values.indices {
        result.tensors[index].values[place] = parts.reduce(Float(0)) { $0 + $1.0.tensors[index].values[place] * $1.1 }
      }
    }
    return result.rounded(to: .bfloat16)
  }

  /// The layers of the plan, in its order; what stands outside them from the first model.
  static func stacked(_ plan: [(TinyModel, Int)]) -> TinyModel {
    var result = TinyModel()
    result.tensors = plan[0].0.tensors.filter { !$0.name.contains(".layers.") }
    for (place, (model, layer)) in plan.enumerated() {
      for tensor in model.tensors where tensor.name.hasPrefix("model.layers.\(layer).") {
        let rest = tensor.name.dropFirst("model.layers.\(layer).".count)
        result.tensors.append(("model.layers.\(place).\(rest)", tensor.shape, tensor.values))
      }
    }
    return result
  }

  /// A rank-two change of some matrices.
  func withLowRank(_ roles: [String], seed: UInt64) -> TinyModel {
    var dice = Dice(seed)
    var result = self
    for (index, tensor) in tensors.enumerated() where roles.contains(where: tensor.name.contains) {
      let (rows, columns) = (tensor.shape[0], tensor.shape[1])
      for _ in 0..<2 {
        let u = (0..<rows).map { _ in dice.normal() * 0.1 }
        let v = (0..<columns).map { _ in dice.normal() * 0.1 }
        for row in 0..<rows {
          for column in 0..<columns { result.tensors[index].values[row * columns + column] += u[row] * v[column] }
        }
      }
    }
    return result.rounded(to: .bfloat16)
  }

  func withRows(_ added: Int, seed: UInt64) -> TinyModel {
    var dice = Dice(seed)
    var result = self
    result.tensors[0].shape[0] += added
    result.tensors[0].values += (0..<(added * Self.width)).map { _ in
      Rounding.round(dice.normal() * 0.05, to: .bfloat16)
    }
    return result
  }

  // MARK: Files

  func weights(_ type: StoredType = .bfloat16, container: String = "safetensors") -> WeightSet {
    var bytes: [UInt8] = []
    var stored: [StoredTensor] = []
    for tensor in tensors {
      let start = bytes.count
      for value in tensor.values {
        switch type {
        case .bfloat16: bytes += Self.little(value.bitPattern >> 16, 2)
        case .float16: bytes += Self.little(UInt32(Float16(value).bitPattern), 2)
        default: bytes += Self.little(value.bitPattern, 4)
        }
      }
      stored.append(
        StoredTensor(
          name: tensor.name, dtype: type.label, shape: tensor.shape, bytes: ByteRange(start, bytes.count), source: 0))
    }
    return WeightSet(container: container, sources: [ByteSource(bytes)], tensors: stored)
  }

  /// In blocks of ggml's Q8_0; vectors stay F32.
  func quantized() -> WeightSet {
    var bytes: [UInt8] = []
    var stored: [StoredTensor] = []
    for tensor in tensors {
      let start = bytes.count
      let isMatrix = tensor.shape.count == 2
      for block in stride(from: 0, to: tensor.values.count, by: 32) {
        let part = tensor.values[block..<min(block + 32, tensor.values.count)]
        guard isMatrix else {
          for value in part { bytes += Self.little(value.bitPattern, 4) }
          continue
        }
        let scale = Float16((part.map { abs($0) }.max() ?? 0) / 127)
        bytes += Self.little(UInt32(scale.bitPattern), 2)
        for value in part { bytes.append(UInt8(bitPattern: Int8(clamping: Int((value / Float(scale)).rounded())))) }
      }
      stored.append(
        StoredTensor(
          name: tensor.name, dtype: isMatrix ? "Q8_0" : "F32", shape: tensor.shape,
          bytes: ByteRange(start, bytes.count), source: 0))
    }
    return WeightSet(container: "gguf", sources: [ByteSource(bytes)], tensors: stored)
  }

  static func little(_ value: UInt32, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
  }
}

/// A registry in memory.
enum TinyRegistry {
  static func of(_ models: [(name: String, parents: [String], model: TinyModel)], keepsValues: Bool = true) throws
    -> RegistryFile
  {
    var update = try RegistryUpdate(nil, valuesBytes: 0)
    for (name, parents, model) in models {
      guard let taken = Fingerprinting.take(model.weights(), name: name, parents: parents) else { continue }
      update.add(taken.record, taken.sketch, keepsValues: keepsValues)
    }
    return try RegistryFile(
      ByteSource(update.registry), values: keepsValues ? ByteSource(update.addedValues) : nil)
  }
}
