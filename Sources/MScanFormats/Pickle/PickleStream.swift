import MScanBytes

/// Which of CPython's machines reads the stream. They agree on a well-made one; where frames lie or a line is cut they
/// do not (`Modules/_pickle.c`, `Lib/pickle.py`), and each asks for other globals.
enum PickleReading: Sendable {
  /// The C unpickler over a BytesIO.
  case memory
  /// The C unpickler over a buffered file, which peeks.
  case file
  /// The pure Python unpickler, which joblib and dill build on.
  case python
}

/// The bytes of a pickle as one of CPython's machines takes them: a sliding window, and the state of framing.
struct PickleStream {
  let source: ByteSource
  let reading: PickleReading
  let size: Int
  let lineLimit: Int
  private let windowLength: Int

  /// The window.
  private(set) var buffer: [UInt8] = []
  private(set) var bufferStart = 0

  /// Next byte the machine reads.
  var position = 0
  /// End of what it can read from here without a boundary: of the frame, of the peeked buffer, or of the file.
  private(set) var limit: Int
  private(set) var isFramed = false
  /// A frame was crossed, nested or left early: the machines may read this stream differently.
  private(set) var isIrregular = false
  /// What was irregular first, and where.
  private(set) var irregularity: (subject: StaticString, offset: Int)?

  // The C machine over a file: how far the file was consumed, and Python's own read buffer below it.
  private var prefetched = 0
  private var filePosition = 0
  private var rawEnd = 0

  static let windowSize = 1 << 18
  private static let prefetch = 1 << 17
  private static let rawBlock = 4096

  init(_ source: ByteSource, reading: PickleReading, lineLimit: Int, window: Int = windowSize) {
    windowLength = window
    self.source = source
    self.reading = reading
    self.lineLimit = lineLimit
    size = source.count
    limit = reading == .file ? 0 : source.count
  }

  /// A new unpickler on the same file object.
  mutating func beginStream(at offset: Int) {
    position = offset
    isFramed = false
    if reading == .file {
      limit = offset
      prefetched = offset
      filePosition = offset
    } else {
      limit = size
    }
  }

  /// Where the file object stands after STOP.
  mutating func endStream() -> Int {
    switch reading {
    case .memory, .python:
      if isFramed, position < limit { note("pickle.frame-left-early", position) }
      return isFramed ? limit : position
    case .file:
      skipConsumed()
      return filePosition
    }
  }

  private mutating func note(_ subject: StaticString, _ offset: Int) {
    isIrregular = true
    if irregularity == nil { irregularity = (subject, offset) }
  }

  // MARK: Window

  /// Index in `buffer` of the byte at `offset`, with at least `count` bytes (at most `windowSize`) behind it as far as
  /// the source has them.
  @inline(__always) mutating func window(_ offset: Int, _ count: Int) -> Int {
    let index = offset &- bufferStart
    if index >= 0, index &+ count <= buffer.count { return index }
    return slide(to: offset, count)
  }

  private mutating func slide(to offset: Int, _ count: Int) -> Int {
    bufferStart = offset
    source.read(at: offset, count: max(windowLength, count), into: &buffer)
    return 0
  }

  /// Bytes that were read before: from the window while they stand there.
  func bytes(at offset: Int, _ count: Int) -> [UInt8] {
    let index = offset &- bufferStart
    if index >= 0, count >= 0, index <= buffer.count, count <= buffer.count &- index {
      return Array(buffer[index..<(index &+ count)])
    }
    return source.prefix(count, at: offset)
  }

  @inline(__always) mutating func byte(_ offset: Int) -> UInt8 {
    let index = window(offset, 1)
    return index < buffer.count ? buffer[index] : 0
  }

  // MARK: Reads

  /// Takes `count` bytes and returns the offset of the first.
  @inline(__always) mutating func take(_ count: Int, _ field: StaticString) throws(ParseFailure) -> Int {
    if count <= limit &- position {
      let start = position
      position = start &+ count
      return start
    }
    return try takeAcross(count, field)
  }

  private mutating func takeAcross(_ count: Int, _ field: StaticString) throws(ParseFailure) -> Int {
    switch reading {
    case .memory:
      if isFramed {
        if position < limit { note("pickle.frame-crossed", position) }
        position = limit
        isFramed = false
        limit = size
      }
    case .python:
      if isFramed {
        guard position == limit else { throw ParseFailure(.malformed, field, at: position) }
        isFramed = false
        limit = size
      }
    case .file:
      return try takeFromFile(count, field)
    }
    guard count <= size &- position else {
      let start = position
      position = size
      throw ParseFailure(.truncated, field, at: start)
    }
    let start = position
    position = start &+ count
    return start
  }

  /// Bytes as `readinto` gives them: what is left of the frame first, then the file. The offset returned is exact
  /// unless a frame was crossed.
  mutating func takeInto(_ count: Int, _ field: StaticString) throws(ParseFailure) -> Int {
    guard count > limit &- position, reading != .python else { return try take(count, field) }
    let start = position
    let rest = count &- max(0, limit &- position)
    switch reading {
    case .memory, .python:
      if isFramed, position < limit { note("pickle.frame-crossed", position) }
      position = limit
      isFramed = false
      limit = size
      guard rest <= size &- position else { throw ParseFailure(.truncated, field, at: start) }
      position &+= rest
    case .file:
      position = limit
      skipConsumed()
      guard rest <= size &- filePosition else { throw ParseFailure(.truncated, field, at: start) }
      readRaw(rest)
      position = filePosition
      limit = filePosition
      prefetched = filePosition
    }
    return start
  }

  /// The range of a line with its newline; the Python machine also takes a last line that has none.
  mutating func line(_ field: StaticString) throws(ParseFailure) -> ByteRange {
    if let end = try newline(from: position, to: limit, field) {
      defer { position = end }
      return ByteRange(position, end)
    }
    switch reading {
    case .memory:
      guard isFramed else { break }
      if position < limit { note("pickle.frame-crossed", position) }
      position = limit
      isFramed = false
      limit = size
    case .python:
      guard isFramed else {
        defer { position = size }
        return ByteRange(position, size)
      }
      guard position == limit else { throw ParseFailure(.malformed, field, at: position) }
      isFramed = false
      limit = size
      return try line(field)
    case .file:
      skipConsumed()
      position = filePosition
      guard let end = try newline(from: position, to: size, field) else { break }
      readRaw(end &- position)
      limit = filePosition
      prefetched = filePosition
      defer { position = end }
      return ByteRange(position, end)
    }
    if reading == .memory, let end = try newline(from: position, to: size, field) {
      defer { position = end }
      return ByteRange(position, end)
    }
    throw ParseFailure(.truncated, field, at: position)
  }

  /// End of the line that starts at `start`, behind its newline; nil if there is none before `end`.
  private mutating func newline(
    from start: Int, to end: Int, _ field: StaticString
  ) throws(ParseFailure) -> Int? {
    var at = start
    while at < end {
      let index = window(at, 1)
      let stop = min(buffer.count, index &+ (end &- at))
      guard index < stop else { return nil }
      for step in index..<stop where buffer[step] == 0x0a { return bufferStart &+ step &+ 1 }
      at = bufferStart &+ stop
      guard at &- start <= lineLimit else { throw ParseFailure(.limitExceeded, "pickleLine", at: start) }
    }
    return nil
  }

  /// FRAME.
  mutating func enterFrame() throws(ParseFailure) {
    let operand = try take(8, "FRAME")
    let length = number(at: operand, 8)
    guard let count = Int(exactly: length) else { throw ParseFailure(.malformed, "FRAME", at: operand) }
    switch reading {
    case .memory:
      if isFramed, count <= limit &- position {
        if count > 0 { note("pickle.frame-nested", operand) }
        return
      }
      if isFramed, position < limit { note("pickle.frame-crossed", operand) }
      if isFramed { position = limit }
      isFramed = false
      limit = size
      guard count <= size &- position else {
        note("pickle.frame-beyond-end", operand)
        throw ParseFailure(.truncated, "FRAME", at: operand)
      }
      if count > 0 {
        limit = position &+ count
        isFramed = true
      }
    case .python:
      if isFramed, position < limit { throw ParseFailure(.malformed, "FRAME", at: operand) }
      isFramed = true
      limit = count > size &- position ? size : position &+ count
    case .file:
      let start = try take(count, "FRAME")
      position = start
    }
  }

  /// A little-endian number of `width` bytes at an offset that was taken.
  mutating func number(at offset: Int, _ width: Int) -> UInt64 {
    let index = window(offset, width)
    var value: UInt64 = 0
    for step in 0..<width where index &+ step < buffer.count {
      value |= UInt64(buffer[index &+ step]) &<< UInt64(8 &* step)
    }
    return value
  }

  // MARK: The C machine over a file

  private mutating func takeFromFile(_ count: Int, _ field: StaticString) throws(ParseFailure) -> Int {
    skipConsumed()
    if count < Self.prefetch {
      if filePosition >= rawEnd { rawEnd = min(size, filePosition &+ Self.rawBlock) }
      position = filePosition
      limit = max(position, rawEnd)
      prefetched = filePosition
      if count <= limit &- position {
        position &+= count
        return position &- count
      }
    }
    let start = filePosition
    let got = min(count, size &- filePosition)
    readRaw(got)
    position = start
    limit = filePosition
    prefetched = filePosition
    guard got == count else { throw ParseFailure(.truncated, field, at: start) }
    position = start &+ count
    return start
  }

  private mutating func skipConsumed() {
    let consumed = position &- prefetched
    guard consumed > 0 else { return }
    readRaw(consumed)
    prefetched = position
  }

  /// Python's buffered reader: what it holds first, whole blocks straight, then one block into the buffer.
  private mutating func readRaw(_ count: Int) {
    let target = min(size, filePosition &+ count)
    if target > rawEnd {
      let from = max(filePosition, rawEnd)
      let blocks = (target &- from) / Self.rawBlock * Self.rawBlock
      let rest = target &- from &- blocks
      rawEnd = rest > 0 ? min(size, from &+ blocks &+ Self.rawBlock) : from &+ blocks
    }
    filePosition = target
  }
}
