import MScanBytes

/// The compiled map of characters of a SentencePiece normaliser: a length, a double array of that many bytes that leads
/// from a text to a place, and the texts that stand there, each with a zero behind it. Source: `src/normalizer.cc` of
/// SentencePiece and `darts.h` of Darts-clone.
///
/// The maps that come with SentencePiece fold single characters and what is composed of them. Two ASCII characters in a
/// row are none of theirs, so a search of the array along ASCII finds what was put there.
struct CharacterMap {
  /// Steps of that search. Count; 200,000: real maps take a few thousand.
  private static let most = 200_000
  /// Longest text that stands for one character in Unicode's own tables, in characters, and a little.
  private static let longest = 24
  private static let shown = 16

  /// Texts of ASCII that are replaced, single capitals by small letters not among them: maps that fold case do that.
  private(set) var rewrites: [(from: String, to: String)] = []
  /// Replacements that are longer than any of a character, or hold an address.
  private(set) var unusualTexts: [String] = []

  /// Nil for a map that readers of it would trip over.
  init?(_ bytes: [UInt8]) {
    var cursor = ByteCursor(bytes)
    guard let stated = try? cursor.readUInt32("trie_blob_size"), let size = Int(exactly: stated), size > 0,
      size % 4 == 0, size <= cursor.remaining, let trie = try? cursor.slice(size, "trie"),
      let texts = try? cursor.slice(cursor.remaining, "normalized"), texts.isEmpty || texts.last == 0
    else { return nil }
    let units = Units(bytes: trie)
    guard search(units, Array(texts)) else { return nil }
    for text in texts.split(separator: 0) where unusualTexts.count < Self.shown {
      guard let text = String(validating: text, as: UTF8.self) else { return nil }
      if text.unicodeScalars.count > Self.longest || text.firstRange(of: "://") != nil {
        unusualTexts.append(String(text.prefix(200)))
      }
    }
  }

  /// The double array, a word of 32 bits a unit.
  private struct Units {
    let bytes: ArraySlice<UInt8>
    var count: Int { bytes.count / 4 }

    subscript(index: Int) -> UInt32? {
      guard index >= 0, index < count else { return nil }
      let at = bytes.startIndex &+ index &* 4
      return UInt32(bytes[at]) | UInt32(bytes[at &+ 1]) &<< 8 | UInt32(bytes[at &+ 2]) &<< 16
        | UInt32(bytes[at &+ 3]) &<< 24
    }

    static func offset(_ unit: UInt32) -> Int { Int((unit &>> 10) &<< ((unit & 0x200) &>> 6)) }
    static func label(_ unit: UInt32) -> UInt32 { unit & 0x8000_00ff }
    static func hasValue(_ unit: UInt32) -> Bool { unit &>> 8 & 1 == 1 }
    static func value(_ unit: UInt32) -> Int { Int(unit & 0x7fff_ffff) }
  }

  private struct Step {
    /// Base of the children.
    var base: Int
    var text: [UInt8]
  }

  /// - Returns: false where the array leads out of itself or of the texts.
  private mutating func search(_ units: Units, _ texts: [UInt8]) -> Bool {
    guard let root = units[0] else { return false }
    var open = [Step(base: Units.offset(root), text: [])]
    var steps = 0
    while let step = open.popLast() {
      for byte in UInt8(0x20)..<0x7f {
        steps += 1
        guard steps < Self.most else { return true }
        let index = step.base ^ Int(byte)
        guard let unit = units[index], Units.label(unit) == UInt32(byte) else { continue }
        let next = Step(base: index ^ Units.offset(unit), text: step.text + [byte])
        if Units.hasValue(unit) {
          guard let leaf = units[next.base] else { return false }
          let place = Units.value(leaf)
          guard place < texts.count else { return false }
          let text = texts[place...].prefix { $0 != 0 }
          let isFolded = next.text.count == 1 && text.elementsEqual([byte | ((0x41...0x5a).contains(byte) ? 0x20 : 0)])
          if !isFolded, next.text != [0x20], rewrites.count < Self.shown {
            rewrites.append(
              (String(decoding: next.text, as: UTF8.self), String(decoding: text.prefix(200), as: UTF8.self)))
          }
        }
        if next.text.count < 64 { open.append(next) }
      }
    }
    return true
  }
}
