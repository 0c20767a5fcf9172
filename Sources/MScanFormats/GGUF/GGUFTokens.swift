import MScanBytes
import MScanFacts

/// The vocabulary that a GGUF file carries: which of its tokens are kept apart from words, and which of them start and
/// end a text. Source: `docs/gguf.md` and `llama-vocab.cpp` of llama.cpp.
extension GGUFReader {
  struct Vocabulary {
    fileprivate struct List {
      var count = 0
      /// Of its first element.
      var offset = 0
    }

    fileprivate var tokens = List()
    fileprivate var types = List()
    /// Bytes of one type.
    fileprivate var width = 4
    fileprivate var ids: [(role: String, id: UInt64, range: ByteRange)] = []

    mutating func add(_ path: String, _ type: GGUFValueType, count: Int, at offset: Int) {
      switch (path, type) {
      case ("tokenizer.ggml.tokens", .string): tokens = List(count: count, offset: offset)
      case ("tokenizer.ggml.token_type", .int32), ("tokenizer.ggml.token_type", .uint32):
        types = List(count: count, offset: offset)
      default: break
      }
    }

    mutating func add(_ path: String, id: UInt64, _ range: ByteRange) {
      guard ids.count < 64 else { return }
      let name = String(path.dropFirst("tokenizer.ggml.".count).dropLast("_token_id".count))
      let roles = ["padding": "pad", "unknown": "unk", "seperator": "sep", "separator": "sep"]
      ids.append((roles[name] ?? name, id, range))
    }
  }

  /// `LLAMA_TOKEN_TYPE_CONTROL`, `LLAMA_TOKEN_TYPE_USER_DEFINED`.
  private static let (control, userDefined): (UInt64, UInt64) = (3, 4)

  /// States the tokens that are control marks or were added, and those that a text starts and ends with.
  func stateTokens(into sink: inout FactBuffer) {
    let count = vocabulary.tokens.count
    guard count > 0 else { return }
    var roles: [Int: [String]] = [:]
    for (role, id, range) in vocabulary.ids {
      if let place = Int(exactly: id), place < count {
        roles[place, default: []].append(role)
      } else if id != UInt64(UInt32.max) {
        note(
          "gguf.token-id", range, field: "tokenizer.ggml.\(role)_token_id", detail: "\(id), of \(count) tokens",
          into: &sink)
      }
    }
    var texts = WindowReader(input.source, at: vocabulary.tokens.offset)
    var types = WindowReader(input.source, at: vocabulary.types.offset)
    texts.isBigEndian = wire.isBigEndian
    types.isBigEndian = wire.isBigEndian
    var plainLeft = input.limits.plainTokens
    // In the order they come, so that one comparison a token is enough.
    var steering = roles.keys.sorted()[...]
    // Both lists were walked already, so that nothing of this fails but where the file changes.
    for index in 0..<count {
      guard let length = try? texts.readUnsigned(version == 1 ? 4 : 8, "token") else { return }
      let type = index < vocabulary.types.count ? (try? types.readUnsigned(vocabulary.width, "type")) ?? 0 : 0
      let isApart = type == Self.control || type == Self.userDefined
      let isSteering = steering.first == index
      if isSteering { steering.removeFirst() }
      guard isApart || isSteering else {
        guard (try? texts.skip(length, "token")) != nil else { return }
        continue
      }
      let start = texts.offset
      guard let size = Int(exactly: length), let bytes = try? texts.bytes(min(size, Self.textLimit), "token"),
        (try? texts.skip(size &- bytes.count, "token")) != nil
      else { return }
      let range = ByteRange(start, texts.offset)
      for role in isSteering ? roles[index] ?? [] : [] { state(role, bytes, index, range, into: &sink) }
      guard isApart else { continue }
      if SentencePieceVisitor.isPlainMark(bytes), !input.interest.everything {
        guard plainLeft > 0 else { continue }
        plainLeft &-= 1
      }
      state(type == Self.control ? "special" : "added", bytes, index, range, into: &sink)
    }
  }

  private func state(
    _ role: String, _ bytes: [UInt8], _ id: Int, _ range: ByteRange, into sink: inout FactBuffer
  ) {
    sink.emit(
      .token(
        TokenFact(role: role, text: String(decoding: bytes, as: UTF8.self), id: id, scope: "tokenizer.ggml.tokens")),
      artifact: input.index, range: range, place: .path("/tokenizer.ggml.tokens/\(id)"))
  }
}
