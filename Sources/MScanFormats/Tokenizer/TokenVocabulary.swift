import MScanBytes

/// The ids of a vocabulary as its entries are read: whether each is a number in bounds that no other has. Nearly all
/// vocabularies are like that, and then nobody has to look at their entries again.
struct VocabularyIDs {
  private var seen: [UInt64] = []
  private(set) var count = 0
  private(set) var highest = 0
  private(set) var isClean = true

  @inline(__always)
  mutating func take(_ id: Int, below limit: Int) {
    count &+= 1
    guard isClean, id >= 0, id < limit else {
      isClean = false
      return
    }
    let word = id &>> 6
    if word >= seen.count { grow(to: word, limit) }
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: id & 63)
    if seen[word] & bit != 0 { isClean = false }
    seen[word] |= bit
    highest = max(highest, id)
  }

  private mutating func grow(to word: Int, _ limit: Int) {
    let size = max(word &+ 1, min(limit &>> 6 &+ 1, max(1024, seen.count &* 2)))
    seen.append(contentsOf: repeatElement(0, count: size &- seen.count))
  }

  func holds(_ id: Int) -> Bool {
    id >= 0 && id &>> 6 < seen.count && seen[id &>> 6] >> UInt64(truncatingIfNeeded: id & 63) & 1 == 1
  }
}

/// The tokens of a vocabulary and their ids, as its text has them: nothing is copied but where each token stands.
struct TokenVocabulary {
  enum Entry {
    case new(Int)
    /// Another token has the id.
    case taken(Int)
    /// Negative, or more than any vocabulary has.
    case outside(Int)
    case notAnInteger
  }

  private(set) var table: JSONKeys.Table
  /// A Unigram model: the place of a piece is its id.
  private var isOrdered = false
  /// A bit for each id that was seen.
  private var seen: [UInt64] = []
  private let limit: Int
  var highest: Int?

  init(_ table: JSONKeys.Table?, limit: Int) {
    self.table = table ?? JSONKeys.Table()
    self.limit = limit
  }

  mutating func setPieces(_ table: JSONKeys.Table) {
    self.table = table
    isOrdered = true
  }

  var count: Int { table.count }

  func key(_ number: Int) -> JSONToken? { table[number] }

  /// The id of the n-th token, which is from now on taken.
  mutating func take(_ number: Int, _ bytes: Span<UInt8>) -> Entry {
    guard let key = table[number], let id = Self.number(behind: key, bytes) else { return .notAnInteger }
    guard id >= 0, id < limit else { return .outside(id) }
    let word = id &>> 6
    if word >= seen.count {
      // At once for all tokens; beyond that by doubling.
      let size = max(word &+ 1, min(limit &>> 6, max(table.count &>> 6 &+ 1, seen.count &* 2)))
      seen.append(contentsOf: repeatElement(0, count: size &- seen.count))
    }
    highest = max(highest ?? 0, id)
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: id & 63)
    if seen[word] & bit != 0 { return .taken(id) }
    seen[word] |= bit
    return .new(id)
  }

  /// The id of the token that says `text`; nil when there is none.
  mutating func id(of text: Span<UInt8>, _ bytes: Span<UInt8>) -> Int? {
    guard let number = table.find(text, in: bytes), let key = table[number] else { return nil }
    return isOrdered ? number : Self.number(behind: key, bytes)
  }

  /// The first of the tokens before the n-th that has the id.
  ///
  /// - Complexity: linear; asked a few times for a vocabulary.
  func first(with id: Int, before number: Int, _ bytes: Span<UInt8>) -> JSONToken? {
    for earlier in 0..<max(0, min(number, count)) {
      if let key = table[earlier], Self.number(behind: key, bytes) == id { return key }
    }
    return nil
  }

  /// The whole number that stands behind a key and its colon.
  private static func number(behind key: JSONToken, _ bytes: Span<UInt8>) -> Int? {
    var at = key.end
    if at < bytes.count, bytes[at] != 0x3a { at = bytes.endOfBlanks(from: at) }
    guard at < bytes.count, bytes[at] == 0x3a else { return nil }
    at &+= 1
    if at < bytes.count, bytes[at] == 0x20 { at &+= 1 }
    if at < bytes.count, bytes[at] <= 0x20 { at = bytes.endOfBlanks(from: at) }
    let isNegative = at < bytes.count && bytes[at] == 0x2d
    if isNegative { at &+= 1 }
    let start = at
    var value = 0
    while at < bytes.count, bytes[at] &- 0x30 < 10 {
      // Eighteen digits stay below 2^63.
      guard at &- start < 18 else { return .max }
      value = value &* 10 &+ Int(bytes[at] &- 0x30)
      at &+= 1
    }
    guard at > start else { return nil }
    // `1.5` and `1e3` are no ids.
    if at < bytes.count, bytes[at] == 0x2e || bytes[at] | 0x20 == 0x65 { return nil }
    return isNegative ? -value : value
  }
}
