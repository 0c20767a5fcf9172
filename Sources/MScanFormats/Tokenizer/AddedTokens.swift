import MScanBytes

/// The tokens that are added to a vocabulary, by id and by what they say.
struct AddedTokens {
  struct Token {
    /// Where the file says it, as a string.
    var content: JSONToken
    var id: Int
  }

  private(set) var all: [Token] = []
  /// The last token of each id.
  private var byID: [Int: Int] = [:]
  private var ids: ClosedRange<Int>?
  /// Ids by a hash of the text, with a secret of this run.
  private var byText: [Int: Int] = [:]

  var count: Int { all.count }

  mutating func append(content: JSONToken, id: Int) { all.append(Token(content: content, id: id)) }

  /// Makes the look-ups by id, once all are there.
  mutating func index() {
    guard byID.count == 0, !all.isEmpty else { return }
    byID.reserveCapacity(all.count)
    for number in all.indices { byID[all[number].id] = number }
    if let first = byID.keys.min(), let last = byID.keys.max() { ids = first...last }
  }

  func content(of id: Int) -> JSONToken? {
    // Most ids of a vocabulary lie outside of those that were added.
    guard let ids, ids.contains(id) else { return nil }
    return byID[id].map { all[$0].content }
  }

  /// The first id of the token that says `text`; nil when none does.
  func id(of text: [UInt8]) -> Int? { byText.isEmpty ? nil : byText[text.hashValue] }

  /// Another id that a token of the same text had before.
  mutating func otherID(of token: Token, _ bytes: Span<UInt8>) -> Int? {
    var text: [UInt8] = []
    JSONText.decode(bytes, token.content, repairing: false, into: &text)
    let hash = text.hashValue
    guard let known = byText[hash] else {
      byText[hash] = token.id
      return nil
    }
    return known == token.id ? nil : known
  }
}

/// Walks the entries of a list of tokens in any of its forms: `[{"id": 1, "content": "<s>"}]`,
/// `{"1": {"content": "<s>"}}`, `["<s>"]`, `{"name": "<s>"}`.
struct AddedTokenEntries {
  struct Entry {
    var key: JSONToken?
    var content: JSONToken?
    var number: JSONToken?
    var isSpecial: Bool?
    var start: Int
    var end: Int

    func id(_ bytes: Span<UInt8>) -> Int? { number.flatMap { JSONText.integer(bytes, $0) } }
  }

  private enum Field { case id, content, special, other }

  private var reader: JSONReader

  init(_ range: ByteRange, nesting: Int) { reader = JSONReader(at: range.start, nesting: nesting, takesComments: true) }

  /// The next entry; nil behind the last.
  mutating func next(_ bytes: Span<UInt8>) throws(ParseFailure) -> Entry? {
    var entry = Entry(start: 0, end: 0)
    var field = Field.other
    while true {
      let token = try reader.next(bytes)
      switch token.kind {
      case .end: return nil
      case .key:
        if reader.depth == 1 { entry.key = token } else if reader.depth == 2 { field = Self.field(token, bytes) }
      case .beginObject, .beginArray:
        if reader.depth == 2 { entry.start = token.start }
      case .endObject, .endArray:
        guard reader.depth == 1 else { continue }
        entry.end = token.end
        return entry
      default:
        // The whole is a text or a number where a list should be.
        guard reader.depth > 0 else { return nil }
        if reader.depth == 1, token.kind == .string {
          (entry.content, entry.start, entry.end) = (token, token.start, token.end)
          return entry
        }
        guard reader.depth == 2 else { continue }
        switch (field, token.kind) {
        case (.id, .number): entry.number = token
        case (.content, .string): entry.content = token
        case (.special, .trueWord): entry.isSpecial = true
        case (.special, .falseWord): entry.isSpecial = false
        default: break
        }
      }
    }
  }

  private static func field(_ key: JSONToken, _ bytes: Span<UInt8>) -> Field {
    if JSONText.says("content", key, bytes) { return .content }
    if JSONText.says("id", key, bytes) { return .id }
    return JSONText.says("special", key, bytes) ? .special : .other
  }
}
