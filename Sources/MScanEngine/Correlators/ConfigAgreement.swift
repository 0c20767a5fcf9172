import MScanBytes
import MScanFacts

/// Holds `config.json` against the weights beside it. What a configuration asks for and the weights do not have is made
/// up by loaders, with random numbers; what the weights have beyond it is passed over.
enum ConfigAgreement {
  static func state(of name: String, claims: [String: FileClaims], into buffer: inout FactBuffer) {
    guard name == "config.json", let settings = claims[name]?.settings, !settings.isEmpty else { return }
    holdTotal(settings, into: &buffer)
    holdLabels(settings, into: &buffer)
    guard let weights = weights(claims) else { return }
    holdTable(settings, weights, into: &buffer)
    holdLayers(settings, weights, into: &buffer)
    holdNumbers(settings, weights, into: &buffer)
  }

  /// Weights of a dense model, counted low; the largest known have some 2 * 10^12, those of experts included.
  private static let mostWeights = 1_000_000_000_000_000

  /// Sizes that are each within reason and multiply beyond it.
  private static func holdTotal(_ settings: [String: FileClaims.Setting], into buffer: inout FactBuffer) {
    func number(_ keys: [String]) -> FileClaims.Setting? { keys.lazy.compactMap { settings[$0] }.first }
    guard let width = number(["hidden_size", "n_embd", "d_model"]), let size = width.number, size > 0 else { return }
    let layers = max(1, number(["num_hidden_layers", "n_layer", "num_layers"])?.number ?? 1)
    let words = max(1, settings["vocab_size"]?.number ?? 1)
    let (square, isOver) = size.multipliedReportingOverflow(by: size)
    let (inLayers, isOverLayers) = square.multipliedReportingOverflow(by: layers)
    let (inTable, isOverTable) = size.multipliedReportingOverflow(by: words)
    guard isOver || isOverLayers || isOverTable || inLayers > mostWeights || inTable > mostWeights else { return }
    emit(
      "folder.model-too-large", width, "hidden_size", "\(layers) layers of \(size), and \(words) tokens",
      into: &buffer)
  }

  /// Classes of a model of which two that are called alike are no accident: lists of a thousand have such pairs.
  private static let fewLabels = 10

  /// What a class is called, in both directions: pipelines go by one of them, evaluations by the other.
  private static func holdLabels(_ settings: [String: FileClaims.Setting], into buffer: inout FactBuffer) {
    let names = "id2label."
    var ids: [String: [Int]] = [:]
    let keys = settings.keys.filter { $0.hasPrefix(names) }.sorted { $0.precedes($1) }
    for key in keys {
      guard let label = settings[key], let id = Int(key.dropFirst(names.count)) else { continue }
      ids[label.text, default: []].append(id)
      guard let known = ids[label.text], known.count > 1, keys.count <= fewLabels else { continue }
      return emit(
        "folder.labels-differ", label, "id2label", "'\(label.text.prefix(60))' is \(known[0]) and \(id)",
        into: &buffer)
    }
    for (label, known) in ids.sorted(by: { $0.key.precedes($1.key) }) {
      guard let back = settings["label2id." + label], let id = back.number, !known.contains(id) else { continue }
      return emit(
        "folder.labels-differ", back, "label2id",
        "'\(label.prefix(60))' is \(known[0]) in id2label and \(id) in label2id", into: &buffer)
    }
  }

  /// The weights of the folder: those its index names, all of them, or the one file.
  private static func weights(_ claims: [String: FileClaims]) -> WeightClaims? {
    let files: Set<String>
    if let index = claims["model.safetensors.index.json"]?.index, !index.isEmpty {
      files = Set(index.map(\.shard))
    } else {
      files = ["model.safetensors"]
    }
    var sum = WeightClaims()
    for file in files.sorted(by: { $0.precedes($1) }) {
      guard let weights = claims[file]?.weights else { return nil }
      sum.add(weights)
    }
    return sum
  }

  /// `vocab_size` rows of `hidden_size` numbers.
  private static func holdTable(
    _ settings: [String: FileClaims.Setting], _ weights: WeightClaims, into buffer: inout FactBuffer
  ) {
    // Models of several parts have several tables.
    guard let table = weights.tables.first, Set(weights.tables.map(\.shape)).count == 1, table.shape.count == 2 else {
      return
    }
    if let stated = settings["vocab_size"], let size = stated.number, size != table.shape[0] {
      emit(
        "folder.vocabulary-size", stated, "vocab_size",
        "vocab_size is \(size), \(table.name.prefix(80)) has \(table.shape[0]) rows", into: &buffer)
    }
    guard settings["embedding_size"] == nil, settings["word_embed_proj_dim"] == nil else { return }
    let key = ["hidden_size", "n_embd", "d_model"].first { settings[$0] != nil }
    guard let key, let stated = settings[key], let size = stated.number, size != table.shape[1] else { return }
    emit(
      "folder.hidden-size", stated, key,
      "\(key) is \(size), \(table.name.prefix(80)) has rows of \(table.shape[1])", into: &buffer)
  }

  private static func holdLayers(
    _ settings: [String: FileClaims.Setting], _ weights: WeightClaims, into buffer: inout FactBuffer
  ) {
    let key = ["num_hidden_layers", "n_layer", "num_layers"].first { settings[$0] != nil }
    guard let key, let stated = settings[key], let wanted = stated.number, wanted >= 0, weights.layers.count == 1,
      let (stem, last) = weights.layers.first, settings["is_encoder_decoder"]?.text != "true"
    else { return }
    let (held, over) = last.addingReportingOverflow(1)
    guard !over else { return }
    let extra = settings["num_nextn_predict_layers"]?.number ?? 0
    if wanted > held {
      emit(
        "folder.layers-missing", stated, key, "\(key) is \(wanted), the weights have \(held) of \(stem.prefix(80))",
        into: &buffer)
    } else if held - wanted > max(0, extra) {
      emit(
        "folder.layers-unused", stated, key, "\(key) is \(wanted), the weights have \(held) of \(stem.prefix(80))",
        into: &buffer)
    }
  }

  private static func holdNumbers(
    _ settings: [String: FileClaims.Setting], _ weights: WeightClaims, into buffer: inout FactBuffer
  ) {
    let names = ["float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16"]
    guard let stated = settings["torch_dtype"], settings["quantization_config"] == nil,
      let dtype = names[stated.text.split(separator: ".").last.map(String.init) ?? ""], !weights.dtypes.isEmpty,
      !weights.dtypes.contains(dtype)
    else { return }
    let held = weights.dtypes.sorted(by: { $0.precedes($1) }).prefix(6).joined(separator: ", ")
    emit(
      "folder.number-type", stated, "torch_dtype", "torch_dtype is \(stated.text), the weights are \(held)",
      into: &buffer)
  }

  private static func emit(
    _ subject: String, _ setting: FileClaims.Setting, _ field: String, _ detail: String, into buffer: inout FactBuffer
  ) {
    buffer.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail)), artifact: 0, range: setting.fact.range,
      place: setting.fact.place)
  }
}

/// Holds the numbers in a GGUF file's metadata against its tensors, which readers lay out by them.
enum GGUFShapes: Correlator {
  static func isConcerned(_ buffer: FactBuffer, _ folder: ModelFolder) -> Bool { buffer.fileFormat == "gguf" }

  static func correlate(_ buffer: inout FactBuffer, in folder: ModelFolder) {
    var (width, blocks): (Fact?, Fact?)
    var tokens = 0
    var table: [Int] = []
    var held: Set<Int> = []
    var isSplit = false
    for fact in buffer.facts where fact.artifact == 0 {
      switch fact.payload {
      case .value(let value):
        let steps = value.keyPath.split(separator: ".")
        if steps.count == 2, steps[1] == "embedding_length" { width = fact }
        if steps.count == 2, steps[1] == "block_count" { blocks = fact }
        if value.keyPath == "tokenizer.ggml.tokens", case .array(let count) = value.value { tokens = count }
        if value.keyPath == "split.count", value.rendered != "1", value.rendered != "0" { isSplit = true }
      case .tensor(let tensor):
        if tensor.name == "token_embd.weight" { table = tensor.shape }
        if tensor.name.hasPrefix("blk."), let number = Int(tensor.name.dropFirst(4).prefix { $0 != "." }) {
          held.insert(number)
        }
      default: break
      }
    }
    // A part of a model has a part of its tensors, and a vocabulary alone has none.
    guard !isSplit, ShardName(folder.fileName) == nil else { return }
    if let width, let number = number(width), table.count == 2, table[0] != number {
      note(
        "gguf.embedding-length", width, "the length is \(number), token_embd.weight has rows of \(table[0])", &buffer)
    }
    if let place = width ?? blocks, tokens > 0, table.count == 2, table[1] != tokens {
      note("gguf.token-table", place, "\(tokens) tokens, token_embd.weight has \(table[1]) rows", &buffer)
    }
    if let blocks, let number = number(blocks), let last = held.max(), number != last &+ 1 || number != held.count {
      note("gguf.block-count", blocks, "the count is \(number), the tensors are of \(held.count) blocks", &buffer)
    }
  }

  private static func number(_ fact: Fact) -> Int? {
    guard case .value(let value) = fact.payload else { return nil }
    return Int(value.rendered)
  }

  private static func note(_ subject: String, _ fact: Fact, _ detail: String, _ buffer: inout FactBuffer) {
    buffer.emit(AnomalyFact(subject: subject, field: "metadata", detail: detail), at: fact)
  }
}
