import MScanBytes

/// Where the parts of a tokenizer stand in a JSON document, taken down while it is walked; what they say is read behind
/// the walk, from these places. Source: the `tokenizers` library's `tokenizer.json`, and the files of `transformers`.
struct TokenizerOutline {
  /// Parts of one sort that are kept, for a document that repeats its keys.
  private static let most = 16

  /// `normalizer`, `pre_tokenizer`, `post_processor`, `decoder`.
  private(set) var steps: [(name: String, range: ByteRange)] = []
  /// `added_tokens`: objects with `id` and `content`.
  private(set) var addedTokens: ByteRange?
  /// `added_tokens_decoder`: objects with `content`, by id.
  private(set) var addedTokensDecoder: ByteRange?
  /// `additional_special_tokens`, `extra_special_tokens`: texts, or objects with `content`.
  private(set) var specialTokens: [(name: String, range: ByteRange)] = []
  /// `bos_token`, `eos_token` …: a text, or an object with `content`.
  private(set) var controls: [(role: String, range: ByteRange)] = []
  /// `model.vocab` where it is an array of pairs.
  private(set) var pieces: ByteRange?
  private(set) var mergeRange: ByteRange?
  /// What the walk has seen of the merges already.
  var merges = MergeWalk()
  /// `type`, `unk_token` … of `model`.
  private(set) var model: [(name: String, range: ByteRange)] = []
  /// Tokens by id.
  var vocabulary: JSONKeys.Table?
  /// Its ids, where there is nothing to say of them.
  var vocabularyIDs: VocabularyIDs?

  /// A file that is nothing but a vocabulary: tokens by id.
  let isVocabularyFile: Bool
  /// A vocabulary of the tokens that come on top of another.
  let isAddedTokensFile: Bool

  init(fileName: String) {
    let name = fileName.lowercased()
    isAddedTokensFile = name == "added_tokens.json"
    isVocabularyFile = isAddedTokensFile || name == "encoder.json" || name.hasSuffix("vocab.json")
  }

  /// Nothing of a tokenizer was seen.
  var isEmpty: Bool {
    steps.isEmpty && addedTokens == nil && addedTokensDecoder == nil && specialTokens.isEmpty && controls.isEmpty
      && pieces == nil && vocabulary == nil
  }

  /// Another document begins.
  mutating func reset() {
    steps = []
    (addedTokens, addedTokensDecoder, pieces, mergeRange, vocabulary) = (nil, nil, nil, nil, nil)
    vocabularyIDs = nil
    merges = MergeWalk()
    specialTokens = []
    controls = []
    model = []
  }

  /// The merges begin. They are checked on the way when the vocabulary stands before them and nothing in it changes
  /// what two tokens make.
  mutating func beginMerges() {
    let prefix = model.contains { $0.name == "continuing_subword_prefix" && $0.range.count > 2 }
    merges = MergeWalk(vocabulary, checksWhole: !prefix)
  }

  /// A member of the document ends.
  mutating func take(_ key: JSONToken, _ range: ByteRange, _ bytes: Span<UInt8>) {
    let length = key.end &- key.start &- 2
    guard !key.isEscaped, length >= 7, length <= 25 else { return takeEscaped(key, range, bytes) }
    switch bytes[key.start &+ 1] {
    case UInt8(ascii: "a"), UInt8(ascii: "b"), UInt8(ascii: "c"), UInt8(ascii: "d"), UInt8(ascii: "e"),
      UInt8(ascii: "m"), UInt8(ascii: "n"), UInt8(ascii: "p"), UInt8(ascii: "s"), UInt8(ascii: "u"):
      take(JSONText.string(bytes, key, limit: 32), range)
    default: break
    }
  }

  private mutating func takeEscaped(_ key: JSONToken, _ range: ByteRange, _ bytes: Span<UInt8>) {
    if key.isEscaped { take(JSONText.string(bytes, key, limit: 32), range) }
  }

  private mutating func take(_ key: String, _ range: ByteRange) {
    switch key {
    case "normalizer", "pre_tokenizer", "post_processor", "decoder":
      if steps.count < Self.most { steps.append((key, range)) }
    case "added_tokens": addedTokens = range
    case "added_tokens_decoder": addedTokensDecoder = range
    case "additional_special_tokens", "extra_special_tokens", "model_specific_special_tokens":
      if specialTokens.count < Self.most { specialTokens.append((key, range)) }
    case "bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token":
      if controls.count < Self.most { controls.append((String(key.prefix { $0 != "_" }), range)) }
    default: break
    }
  }

  /// A member of `model` ends.
  mutating func takeModel(_ key: JSONToken, _ range: ByteRange, _ bytes: Span<UInt8>) {
    switch JSONText.string(bytes, key, limit: 32) {
    case "vocab": if vocabulary == nil { pieces = range }
    case "merges": mergeRange = range
    case let name where ["type", "unk_token", "continuing_subword_prefix"].contains(name):
      if model.count < Self.most { model.append((name, range)) }
    default: break
    }
  }
}
