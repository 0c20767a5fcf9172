import MScanBytes
import MScanFacts

/// Turns a document's events into facts: values on paths that a rule could name, and what readers of JSON disagree on.
struct JSONFacts: JSONVisitor {
  private struct Frame {
    let isObject: Bool
    let start: Int
    let isWanted: Bool
    var count = 0
    var key: Range<Int> = 0..<0
    var keyIsEscaped = false
    var isKeyWanted: Bool
    let line: Int
    let column: Int
    /// Hashes of the keys seen, with where each stands: a few in a list, many in a table.
    var seen: [(hash: UInt64, key: Range<Int>, isEscaped: Bool)] = []
    var table: [UInt64: (key: Range<Int>, isEscaped: Bool)] = [:]
  }

  private let bytes: [UInt8]
  private let base: Int
  private let artifact: Int
  private let limits: Limits
  private let interest: ValueInterest
  private let wantedKeys: Set<UInt64>
  private var frames: [Frame] = []
  private var stated = 0
  private(set) var facts: [(payload: Fact.Payload, range: ByteRange, place: Place)] = []
  private var duplicates = 0

  // Line and column of the last place asked for; asked for in rising order.
  private var markOffset = 0
  private var markLine = 1
  private var markColumn = 1

  private static let textLimit = 4096

  init(_ bytes: [UInt8], base: Int, artifact: Int, limits: Limits, interest: ValueInterest) {
    self.bytes = bytes
    self.base = base
    self.artifact = artifact
    self.limits = limits
    self.interest = interest
    wantedKeys = Set(interest.keys.map { Self.hash(Array($0.utf8)[...]) })
  }

  private static func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return hash
  }

  // MARK: Position

  private mutating func position(of offset: Int) -> (line: Int, column: Int) {
    while markOffset < offset, markOffset < bytes.count {
      let byte = bytes[markOffset]
      if byte == 0x0a {
        markLine &+= 1
        markColumn = 1
      } else if byte & 0xc0 != 0x80 {
        markColumn &+= 1
      }
      markOffset &+= 1
    }
    return (markLine, markColumn)
  }

  // MARK: Path

  private func keyText(_ frame: Frame) -> String {
    guard frame.isObject else { return String(frame.count) }
    let cut = frame.key.lowerBound..<min(frame.key.upperBound, frame.key.lowerBound &+ Self.textLimit)
    return JSONScanner.text(bytes[cut], isEscaped: frame.keyIsEscaped)
  }

  private func path(_ frames: ArraySlice<Frame>) -> (dotted: String, pointer: String) {
    var dotted = ""
    var pointer = ""
    for frame in frames {
      let key = keyText(frame)
      if !dotted.isEmpty || !pointer.isEmpty { dotted += "." }
      dotted += key
      pointer += "/"
      for character in key {
        switch character {
        case "~": pointer += "~0"
        case "/": pointer += "~1"
        default: pointer.append(character)
        }
      }
    }
    return (dotted, pointer)
  }

  // MARK: Events

  private var isWanted: Bool { frames.last?.isKeyWanted ?? interest.everything }

  mutating func beginContainer(isObject: Bool, at offset: Int) {
    let wanted = isWanted
    let (line, column) = wanted ? position(of: offset) : (0, 0)
    frames.append(
      Frame(
        isObject: isObject, start: offset, isWanted: wanted, isKeyWanted: wanted, line: line, column: column))
  }

  mutating func endContainer(isObject: Bool, at end: Int) {
    guard let frame = frames.popLast() else { return }
    if frame.isWanted {
      let value: ValueFact.Scalar = isObject ? .object(frame.count) : .array(frame.count)
      state(value, frame.start..<end, line: frame.line, column: frame.column)
    }
    count()
  }

  mutating func key(_ range: Range<Int>, isEscaped: Bool) {
    guard let last = frames.indices.last else { return }
    frames[last].key = range
    frames[last].keyIsEscaped = isEscaped
    let plain = isEscaped ? Array(JSONScanner.text(bytes[range], isEscaped: true).utf8)[...] : bytes[range]
    let hash = Self.hash(plain)
    frames[last].isKeyWanted = frames[last].isWanted || wantedKeys.contains(hash)
    if isEscaped, JSONScanner.hasLoneSurrogate(bytes[range]) { anomaly("json.lone-surrogate", range) }
    noteDuplicate(hash, range, isEscaped, last)
  }

  private mutating func noteDuplicate(_ hash: UInt64, _ range: Range<Int>, _ isEscaped: Bool, _ last: Int) {
    let known: (key: Range<Int>, isEscaped: Bool)?
    if frames[last].count < 16 {
      let found = frames[last].seen.first { $0.hash == hash }
      known = found.map { ($0.key, $0.isEscaped) }
      frames[last].seen.append((hash, range, isEscaped))
    } else {
      if frames[last].table.isEmpty {
        for entry in frames[last].seen { frames[last].table[entry.hash] = (entry.key, entry.isEscaped) }
      }
      known = frames[last].table.updateValue((range, isEscaped), forKey: hash)
    }
    guard let known, duplicates < 64,
      JSONScanner.text(bytes[known.key], isEscaped: known.isEscaped)
        == JSONScanner.text(bytes[range], isEscaped: isEscaped)
    else { return }
    duplicates &+= 1
    anomaly("json.duplicate-key", range, detail: path(frames[...]).dotted)
  }

  mutating func string(_ range: Range<Int>, isEscaped: Bool) {
    if isWanted {
      let cut = range.lowerBound..<min(range.upperBound, range.lowerBound &+ Self.textLimit)
      let text = JSONScanner.text(bytes[cut], isEscaped: isEscaped)
      scalar(.text(text), (range.lowerBound &- 1)..<(range.upperBound &+ 1))
    }
    if isEscaped, JSONScanner.hasLoneSurrogate(bytes[range]) { anomaly("json.lone-surrogate", range) }
    count()
  }

  mutating func number(_ range: Range<Int>) {
    let digits = String(decoding: bytes[range.prefix(64)], as: UTF8.self)
    if range.count > 300 || bytes[range].contains(where: { $0 | 0x20 == 0x65 }) {
      let isInteger = !bytes[range].contains { $0 == 0x2e || $0 | 0x20 == 0x65 }
      if !isInteger, Double(String(decoding: bytes[range], as: UTF8.self))?.isInfinite == true {
        anomaly("json.not-a-number", range, detail: digits + " is infinite")
      }
    }
    if isWanted { scalar(.number(digits), range) }
    count()
  }

  mutating func literal(_ range: Range<Int>) {
    switch bytes[range.lowerBound] {
    case 0x74: if isWanted { scalar(.boolean(true), range) }
    case 0x66: if isWanted { scalar(.boolean(false), range) }
    case 0x6e: if isWanted { scalar(.null, range) }
    default:
      let word = String(decoding: bytes[range], as: UTF8.self)
      anomaly("json.not-a-number", range, detail: word)
      if isWanted { scalar(.number(word), range) }
    }
    count()
  }

  private mutating func count() {
    guard let last = frames.indices.last else { return }
    frames[last].count &+= 1
    if !frames[last].isObject { frames[last].isKeyWanted = frames[last].isWanted }
  }

  private mutating func scalar(_ value: ValueFact.Scalar, _ range: Range<Int>) {
    let (line, column) = position(of: range.lowerBound)
    state(value, range, line: line, column: column)
  }

  private mutating func state(_ value: ValueFact.Scalar, _ range: Range<Int>, line: Int, column: Int) {
    guard stated < limits.values else {
      if stated == limits.values {
        stated &+= 1
        facts.append(
          (
            .anomaly(
              AnomalyFact(
                subject: "limit.values", detail: "more than \(limits.values) values", incomplete: true)),
            absolute(range), .whole
          ))
      }
      return
    }
    stated &+= 1
    let (dotted, pointer) = path(frames[...])
    facts.append(
      (.value(ValueFact(keyPath: dotted, value: value)), absolute(range), .line(line, column: column, path: pointer)))
  }

  private func absolute(_ range: Range<Int>) -> ByteRange {
    ByteRange(base &+ range.lowerBound, base &+ range.upperBound)
  }

  private mutating func anomaly(_ subject: String, _ range: Range<Int>, detail: String = "") {
    let (line, column) = position(of: range.lowerBound)
    let (dotted, pointer) = path(frames[...])
    facts.append(
      (
        .anomaly(AnomalyFact(subject: subject, field: dotted, detail: detail.isEmpty ? dotted : detail)),
        absolute(range), .line(line, column: column, path: pointer)
      ))
  }
}
