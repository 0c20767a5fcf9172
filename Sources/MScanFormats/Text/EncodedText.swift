import MScanBytes
public import MScanFacts

/// Finds what a text carries in base64 or in hexadecimal digits: pickles, archives and programs that something decodes
/// and loads. Stable-Baselines3 keeps its pickles so in JSON, notebooks their outputs, scripts their payloads.
///
/// A run is letters, digits and `+/` or `-_`, over the end of a line where lines are wrapped. Its first bytes tell
/// whether it is looked at; it counts when they are those of an archive or a program, or when it is a pickle by a dry
/// run. Every byte of the text is looked at once, and nothing is kept but what counts.
public enum EncodedText {
  /// Searches a text file and queues what it carries.
  public static func search(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var scan = EncodedTextScan(source: input.source, limits: input.limits)
    let found = scan.search()
    var counter = PlaceCounter(input.source)
    for payload in found { state(payload, place: counter.place(of: payload.range.start), of: input, into: &sink) }
    if let rest = scan.unsearched { noteUnsearched(rest, place: .whole, of: input, into: &sink) }
    if mark < sink.facts.count { sink.sortFacts(after: mark) }
  }

  /// What a string of a document carries, freed of its escapes.
  static func payloads(in string: [UInt8], limits: Limits) -> (found: [EncodedTextScan.Payload], isWhole: Bool) {
    guard string.count >= EncodedTextScan.shortest else { return ([], true) }
    var scan = EncodedTextScan(source: ByteSource(string), limits: limits)
    let found = scan.search()
    return (found, scan.unsearched == nil)
  }

  static func state(
    _ payload: EncodedTextScan.Payload, place: Place, of input: ArtifactInput, into sink: inout FactBuffer
  ) {
    let encoding = payload.encoding.rawValue
    sink.emit(
      .anomaly(
        AnomalyFact(
          subject: "text.encoded-payload", field: encoding, detail: "\(payload.bytes.count) bytes of \(payload.what)")),
      artifact: input.index, range: payload.range, place: place)
    sink.addChild(
      Artifact(
        name: "\(encoding) at \(payload.range.start)", parent: input.index, rangeInParent: payload.range,
        encoding: payload.encoding, size: payload.bytes.count),
      source: ByteSource(payload.bytes), format: payload.what == "pickle" ? PickleFormat.id : nil)
    if payload.isCut {
      let failure = ParseFailure(.limitExceeded, "heldBytes", at: payload.range.start)
      sink.emit(failure, format: "text", artifact: input.index, size: input.source.count)
    }
  }

  static func noteUnsearched(
    _ range: ByteRange, place: Place, of input: ArtifactInput, into sink: inout FactBuffer
  ) {
    sink.emit(
      .anomaly(
        AnomalyFact(
          subject: "limit.encodedTexts", field: "encodedTexts",
          detail: "encoded texts from here on were not looked into", incomplete: true)),
      artifact: input.index, range: range, place: place)
  }
}

/// Lines and columns of a file that is not held in memory, asked for in rising order.
private struct PlaceCounter {
  private let source: ByteSource
  private var at = 0
  private var line = 1
  private var column = 1

  init(_ source: ByteSource) { self.source = source }

  mutating func place(of offset: Int) -> Place {
    var piece: [UInt8] = []
    while at < offset, source.read(at: at, count: min(1 << 16, offset &- at), into: &piece) > 0 {
      for byte in piece {
        if byte == 0x0a {
          line &+= 1
          column = 1
        } else if byte & 0xc0 != 0x80 {
          column &+= 1
        }
      }
      at &+= piece.count
    }
    return .line(line, column: column, path: nil)
  }
}

/// One pass over a text.
struct EncodedTextScan {
  struct Payload {
    /// Encoded bytes, in the text.
    var range: ByteRange
    var encoding: Artifact.Encoding
    var bytes: [UInt8]
    /// What the bytes are: a format id.
    var what: String
    var isCut = false
  }

  /// Characters of the shortest run that is looked at: a pickle with a call has 20 bytes and more.
  static let shortest = 24
  /// Characters on a line that may go on in the next.
  private static let wrapped = 48

  let source: ByteSource
  let limits: Limits
  private(set) var unsearched: ByteRange?
  private var probe = PickleProbe(opcodes: PickleProbe.carving, window: 1 << 12, extensions: false)
  private var payloads: [Payload] = []

  /// The run being read, over the ends of its lines; empty when there is none.
  private var run = ByteRange(0, 0)
  private var isHex = true
  /// The first byte that the run decodes to.
  private var firstByte: UInt8 = 0
  /// The run ends with a line that may go on in the next.
  private var mayGoOn = false
  /// Where a payload starts whose first bytes are beyond doubt.
  private var candidate: Int?

  init(source: ByteSource, limits: Limits) {
    self.source = source
    self.limits = limits
  }

  mutating func search() -> [Payload] {
    let values = Self.values
    var piece: [UInt8] = []
    var base = 0
    /// Start of a line of the alphabet that reaches the end of the window.
    var open: Int?
    while unsearched == nil, source.read(at: base, count: 1 << 16, into: &piece) > 0 {
      var at = 0
      while at < piece.count {
        if open == nil, !mayGoOn { at = Self.skipShortWords(piece, from: at) }
        let start = at
        while at < piece.count, values[Int(piece[at])] < 64 { at &+= 1 }
        let first = open ?? (base &+ start)
        if at == piece.count {
          open = first
          break
        }
        open = nil
        if base &+ at &- first >= Self.shortest || mayGoOn, base &+ at > first {
          take(ByteRange(first, base &+ at), head(of: first, in: piece, base), next: piece[at])
        }
        while at < piece.count, values[Int(piece[at])] >= 64 { at &+= 1 }
      }
      base &+= piece.count
    }
    if let open { take(ByteRange(open, base), head(of: open, in: [], base), next: 0) }
    finish()
    return payloads
  }

  /// Where a run of ``shortest`` characters may start, from a place on where none is open. Words that are shorter are
  /// told from their ends, without looking at each character.
  private static func skipShortWords(_ piece: [UInt8], from start: Int) -> Int {
    let values = values
    var start = start
    while start &+ shortest <= piece.count {
      var back = start &+ shortest &- 1
      while back >= start, values[Int(piece[back])] < 64 { back &-= 1 }
      if back < start { return start }
      start = back &+ 1
    }
    return start
  }

  /// The first four characters of a line.
  private func head(of line: Int, in piece: [UInt8], _ base: Int) -> Head {
    let at = line &- base
    if at >= 0, at &+ 4 <= piece.count { return Head(piece[at], piece[at &+ 1], piece[at &+ 2], piece[at &+ 3]) }
    let bytes = source.prefix(4, at: line)
    guard bytes.count == 4 else { return Head(0, 0, 0, 0) }
    return Head(bytes[0], bytes[1], bytes[2], bytes[3])
  }

  private struct Head {
    /// What they decode to.
    let first: UInt8
    let second: UInt8
    /// Whether the line may be hexadecimal digits, with `0x` in front or without.
    let mayBeHex: Bool

    init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
      let (x, y, z) = (values[Int(a)], values[Int(b)], values[Int(c)])
      first = x &<< 2 | (y &>> 4) & 3
      second = y &<< 4 | (z &>> 2) & 15
      mayBeHex = isHexDigit(a) && (isHexDigit(b) || a == 0x30 && b == 0x78) && isHexDigit(c) && isHexDigit(d)
    }
  }

  /// Takes the letters of one line: they go on with the run, or start another.
  private mutating func take(_ line: ByteRange, _ head: Head, next: UInt8) {
    let goesOn =
      mayGoOn && line.start &- run.end <= 256
      && source.prefix(line.start &- run.end, at: run.end).allSatisfy { [0x0a, 0x0d, 0x20, 0x09].contains($0) }
    if goesOn {
      run = ByteRange(run.start, line.end)
    } else {
      finish()
      guard line.count >= Self.shortest else { return }
      run = line
      firstByte = head.first
      isHex = true
      candidate = nil
    }
    if isHex { isHex = (line.count < 4 || head.mayBeHex) && isHexadecimal(line) }
    if candidate == nil, line.count >= Self.shortest, Self.isTelling(head.first, head.second) { lookAtStart(of: line) }
    mayGoOn = (next == 0x0a || next == 0x0d) && line.count >= Self.wrapped
  }

  private func isHexadecimal(_ line: ByteRange) -> Bool {
    let start = line.start == run.start && source.prefix(2, at: line.start) == [0x30, 0x78] ? 2 : 0
    // Digits alone tell at once; a long line is looked at as far as it takes to tell.
    return source.prefix(min(line.count, 1 << 12), at: line.start).dropFirst(start).allSatisfy(Self.isHexDigit)
  }

  /// Any line of a run may be where a payload starts, whatever the lines before it are.
  private mutating func lookAtStart(of line: ByteRange) {
    let head = decode(ByteRange(at: line.start, count: min(line.count, 96)), limit: 64).bytes
    guard Self.isTellingBytes(head) else { return }
    if MagicBytes.isUnmistakable(head) || Self.program(head) != nil || Self.isZlib(head) { candidate = line.start }
  }

  private mutating func finish() {
    defer {
      run = ByteRange(0, 0)
      mayGoOn = false
    }
    guard run.count >= Self.shortest else { return }
    if isHex { takeHex() }
    if let candidate, add(ByteRange(candidate, run.end), .base64) { return }
    // The start of a run is also tried for pickles that have no magic number.
    if candidate != run.start, Self.mayStart[Int(firstByte)] { _ = add(run, .base64) }
  }

  private mutating func takeHex() {
    let prefix = source.prefix(2, at: run.start)
    let start = prefix == [0x30, 0x78] ? run.start &+ 2 : run.start
    _ = add(ByteRange(start, run.end), .hex)
  }

  /// By the first byte: whether ``what(_:)`` may know a text that decodes to it.
  private static let mayStart: [Bool] = (0..<256).map { byte in
    let first = UInt8(truncatingIfNeeded: byte)
    return Identify.mayStartPickle([first]) || (0..<256).contains { isTelling(first, UInt8(truncatingIfNeeded: $0)) }
  }

  private static func isTellingBytes(_ head: [UInt8]) -> Bool { head.count >= 3 && isTelling(head[0], head[1]) }

  /// Whether two decoded bytes could be the start of something with a magic number.
  private static func isTelling(_ first: UInt8, _ second: UInt8) -> Bool {
    switch first {
    case 0x80: return (2...5).contains(second)
    case 0x50: return second == 0x4b
    case 0x7f: return second == 0x45
    case 0x1f: return second == 0x8b
    case 0x37: return second == 0x7a
    case 0x4d: return second == 0x5a
    case 0x78: return [0x01, 0x5e, 0x9c, 0xda].contains(second)
    case 0x63, 0x28: return true
    default: return false
    }
  }

  // MARK: What a run holds

  private mutating func add(_ range: ByteRange, _ encoding: Artifact.Encoding) -> Bool {
    let head = decode(range, encoding, limit: 96).bytes
    guard head.count >= 12,
      Identify.mayStartPickle(head) || MagicBytes.isUnmistakable(head) || Self.isTellingBytes(head)
    else { return false }
    guard payloads.count < limits.encodedTexts else {
      unsearched = ByteRange(range.start, source.count)
      return false
    }
    let (bytes, isCut) = decode(range, encoding, limit: limits.heldBytes)
    guard let what = what(bytes) else { return false }
    payloads.append(Payload(range: range, encoding: encoding, bytes: bytes, what: what, isCut: isCut))
    return true
  }

  private mutating func what(_ bytes: [UInt8]) -> String? {
    let head = Array(bytes.prefix(96))
    if let program = Self.program(Array(bytes.prefix(1 << 12))) { return program }
    if head.starts(with: [0x50, 0x4b, 3, 4]) { return "zip" }
    if head.starts(with: [0x1f, 0x8b, 8]) { return "gzip" }
    if head.starts(with: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]) { return "7z" }
    if Self.isZlib(head) {
      let inner = Inflate.decode(ByteSource(bytes), .zlib, limit: 1 << 16).bytes
      return isPickle(inner) || MagicBytes.isUnmistakable(Array(inner.prefix(64))) ? "zlib" : nil
    }
    guard isPickle(bytes) else { return nil }
    return "pickle"
  }

  private mutating func isPickle(_ bytes: [UInt8]) -> Bool {
    guard Identify.mayStartPickle(bytes) else { return false }
    switch probe.look(ByteSource(bytes)) {
    case .pickle: return true
    case .no: return false
    case .spent:
      if unsearched == nil { unsearched = ByteRange(run.start, source.count) }
      return MagicBytes.isUnmistakable(Array(bytes.prefix(64)))
    }
  }

  private static func program(_ head: [UInt8]) -> String? { Executables.format(head) }

  private static func isZlib(_ head: [UInt8]) -> Bool {
    head.count > 2 && head[0] == 0x78 && (Int(head[0]) &* 256 &+ Int(head[1])) % 31 == 0
  }

  // MARK: Decoding

  private func decode(
    _ range: ByteRange, _ encoding: Artifact.Encoding = .base64, limit: Int
  ) -> (bytes: [UInt8], isCut: Bool) {
    var out: [UInt8] = []
    var piece: [UInt8] = []
    var at = range.start
    var bits: UInt32 = 0
    var held = 0
    let width = encoding == .hex ? 4 : 6
    while at < range.end {
      guard source.read(at: at, count: min(1 << 16, range.end &- at, max(256, limit)), into: &piece) > 0 else { break }
      at &+= piece.count
      for byte in piece {
        let value = encoding == .hex ? Self.hexValue(byte) : Self.values[Int(byte)]
        guard value < 64 else { continue }
        bits = bits &<< UInt32(width) | UInt32(value)
        held &+= width
        guard held >= 8 else { continue }
        held &-= 8
        guard out.count < limit else { return (out, true) }
        out.append(UInt8(truncatingIfNeeded: bits &>> UInt32(held)))
      }
    }
    return (out, false)
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool { hexValue(byte) < 16 }

  private static func hexValue(_ byte: UInt8) -> UInt8 {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x37
    case 0x61...0x66: byte &- 0x57
    default: 0xff
    }
  }

  /// Of each character, its six bits in either alphabet; 255 for others.
  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 0xff, count: 256)
    for (value, byte) in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8.enumerated() {
      table[Int(byte)] = UInt8(value)
    }
    table[0x2d] = 62
    table[0x5f] = 63
    return table
  }()
}
