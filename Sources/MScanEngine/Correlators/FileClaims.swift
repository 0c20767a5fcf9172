import MScanBytes
import MScanFacts

/// What a file says that other files have to bear out.
struct FileClaims: Sendable {
  /// Where an index says that a tensor lies.
  struct Entry: Sendable {
    var tensor: String
    var shard: String
    /// The fact that says so, in a table of one row: the index file.
    var fact: Fact
  }

  /// A token with the number it has, or a role without one.
  struct Token: Sendable {
    var role: String
    var text: String
    var id: Int?
    var fact: Fact
  }

  /// A number or a text of a configuration.
  struct Setting: Sendable {
    var text: String
    var fact: Fact
    var number: Int? { Int(text) }
  }

  /// `weight_map` of an index.
  var index: [Entry] = []
  /// Hashes of the names of the tensors of a weight file; nil when the file has none, or too many to know them all.
  var tensors: Set<UInt64>?
  /// What the tensors of a weight file say of the model.
  var weights: WeightClaims?
  /// Of the files of a tokenizer; plain marks only as far as they are stated.
  var tokens: [Token] = []
  /// By key path, of a configuration; keys of its top level and of lists there.
  var settings: [String: Setting] = [:]

  var isEmpty: Bool { index.isEmpty && tensors == nil && tokens.isEmpty && settings.isEmpty }

  /// Keys that configurations are held to.
  static let configKeys = [
    "bos_token_id", "eos_token_id", "pad_token_id", "vocab_size", "hidden_size", "n_embd", "d_model",
    "num_hidden_layers", "n_layer", "num_layers", "torch_dtype", "embedding_size", "word_embed_proj_dim",
    "quantization_config", "num_nextn_predict_layers", "is_encoder_decoder", "id2label", "label2id",
  ]

  private static let tokenFiles: Set<String> = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
  ]
  private static let configFiles: Set<String> = ["config.json", "generation_config.json"]

  /// Whether a file of that name says something that others are held to.
  static func isClaimant(_ name: String) -> Bool {
    name.hasSuffix(".index.json") || tokenFiles.contains(name) || configFiles.contains(name)
  }

  /// Takes the claims out of a file's facts.
  init(_ buffer: FactBuffer, fileName: String) {
    if fileName.hasSuffix(".index.json") {
      takeIndex(buffer)
    } else if Self.tokenFiles.contains(fileName) {
      takeTokens(buffer)
    } else if Self.configFiles.contains(fileName) {
      takeSettings(buffer)
    } else if fileName.hasSuffix(".safetensors"), buffer.fileFormat == "safetensors", !buffer.droppedFacts.contains(0) {
      takeTensors(buffer)
    }
  }

  private mutating func takeIndex(_ buffer: FactBuffer) {
    for fact in buffer.facts where fact.artifact == 0 {
      guard case .value(let value) = fact.payload, value.keyPath.hasPrefix("weight_map."),
        case .text(let shard) = value.value
      else { continue }
      index.append(Entry(tensor: String(value.keyPath.dropFirst(11)), shard: shard, fact: fact))
    }
  }

  private mutating func takeTokens(_ buffer: FactBuffer) {
    for fact in buffer.facts where fact.artifact == 0 {
      guard case .token(let token) = fact.payload, !["replaced", "inserted", "removed"].contains(token.role) else {
        continue
      }
      tokens.append(Token(role: token.role, text: token.text, id: token.id, fact: fact))
    }
  }

  private mutating func takeSettings(_ buffer: FactBuffer) {
    let keys = Set(Self.configKeys)
    for fact in buffer.facts where fact.artifact == 0 {
      guard case .value(let value) = fact.payload, let key = value.keyPath.split(separator: ".").first,
        keys.contains(String(key)), value.keyPath.utf8.count < 64
      else { continue }
      // The last of equal keys is the one that counts.
      settings[value.keyPath] = Setting(text: value.rendered, fact: fact)
    }
  }

  private mutating func takeTensors(_ buffer: FactBuffer) {
    var names: Set<UInt64> = []
    var claims = WeightClaims()
    for fact in buffer.facts where fact.artifact == 0 {
      guard case .tensor(let tensor) = fact.payload else { continue }
      names.insert(Self.hash(tensor.name))
      claims.take(tensor)
    }
    tensors = names
    weights = claims
  }

  static func hash(_ name: String) -> UInt64 {
    var hash = StableHash()
    hash.combine(name)
    return hash.value
  }
}

/// What the names and shapes of tensors say of a transformer: its table of words, its layers, its numbers. By the names
/// that `transformers` gives them.
struct WeightClaims: Sendable {
  struct Table: Sendable, Hashable {
    var name: String
    var shape: [Int]
  }

  /// Tables of words, by name.
  private(set) var tables: Set<Table> = []
  /// The highest number of a layer, by what stands before it in the name.
  private(set) var layers: [String: Int] = [:]
  private(set) var dtypes: Set<String> = []

  private static let tableNames = [
    "embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight", "tok_embeddings.weight",
    "shared.weight",
  ]
  private static let layerNames: Set<Substring> = ["layers", "layer", "h", "blocks", "block"]

  mutating func take(_ tensor: TensorFact) {
    dtypes.insert(tensor.dtype)
    if tensor.shape.count == 2, ["F64", "F32", "F16", "BF16"].contains(tensor.dtype), tables.count < 64,
      Self.tableNames.contains(where: { tensor.name == $0 || tensor.name.hasSuffix("." + $0) })
    {
      tables.insert(Table(name: tensor.name, shape: tensor.shape))
    }
    let steps = tensor.name.split(separator: ".")
    guard let place = steps.firstIndex(where: { Self.layerNames.contains($0) }), place + 1 < steps.count,
      let number = Int(steps[place + 1]), number >= 0
    else { return }
    let stem = steps[...place].joined(separator: ".")
    guard layers.count < 64 || layers[stem] != nil else { return }
    layers[stem] = max(layers[stem] ?? 0, number)
  }

  mutating func add(_ other: WeightClaims) {
    tables.formUnion(other.tables)
    layers.merge(other.layers) { max($0, $1) }
    dtypes.formUnion(other.dtypes)
  }
}
