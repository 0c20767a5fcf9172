import MScanBytes
import MScanFacts

/// Whether bytes without a magic number are a pickle: a dry run of the machine, over all of the bytes if it must.
///
/// CPython takes the first byte as an opcode, so blanks or a comment in front are no disguise; long texts, padding and
/// opcodes that come to nothing are, and the run goes through them. Prose, source and tables fail it: a name must be an
/// identifier and be called, or the stream must come to its STOP. A run that is still going when its allowance ends is
/// taken for a pickle.
struct PickleProbe {
  enum Outcome: Hashable {
    case no
    /// Where the first stream ends, if it comes to an end and every machine agrees.
    case pickle(end: Int?)
    /// Nothing is left of the allowance.
    case spent
  }

  /// Opcodes that may still be executed, over all runs.
  private(set) var opcodesLeft: Int
  /// Bytes that a run reads at a time: few where many runs are short.
  private let window: Int
  private let total: Int
  /// Where every value is a pickle, plain data behind a PROTO is one, too.
  private let takesData: Bool
  /// Short texts that were decoded look like an extension code and a call now and then.
  private let takesExtensions: Bool

  /// An allowance for one file of any name: 4 million opcodes, some 50 ms.
  static let single = 4_000_000
  /// An allowance for all the places of one blob where a pickle could start.
  static let carving = 2_000_000

  init(opcodes: Int = single, window: Int = PickleStream.windowSize, data: Bool = false, extensions: Bool = true) {
    takesData = data
    takesExtensions = extensions
    opcodesLeft = opcodes
    total = opcodes
    self.window = window
  }

  mutating func look(_ source: ByteSource) -> Outcome {
    guard source.count >= 2 else { return .no }
    guard opcodesLeft > 0 else { return .spent }
    let allowance = opcodesLeft
    let isFresh = allowance == total
    var end: Int?
    var found = false
    var readings: [PickleReading] = [.python, .memory]
    while let reading = readings.popLast() {
      let run = dryRun(source, reading, allowance)
      if run.isUnfinished { return isFresh ? .pickle(end: nil) : .spent }
      if run.isIrregular, reading == .memory { readings.append(.file) }
      guard run.isPickle else { continue }
      if found, end != run.end { return .pickle(end: nil) }
      (found, end) = (true, run.end)
      // One machine that comes to its end over a plain stream settles it.
      if run.end == nil || !run.isIrregular { break }
    }
    return found ? .pickle(end: end) : .no
  }

  private mutating func dryRun(
    _ source: ByteSource, _ reading: PickleReading, _ allowance: Int
  ) -> (isPickle: Bool, end: Int?, isIrregular: Bool, isUnfinished: Bool) {
    var limits = Limits.standard
    limits.pickleOpcodes = allowance
    limits.pickleGlobals = 4096
    let recorder = PickleRecorder(limits: limits, artifact: 0)
    var machine = PickleMachine(
      source: source, reading: reading, options: .init(lenient: true), limits: limits, recorder: recorder,
      window: window)
    machine.begin(at: 0)
    var ended: Int?
    var isUnfinished = false
    do throws(ParseFailure) {
      _ = try machine.load()
      ended = machine.stream.endStream()
    } catch {
      isUnfinished = error.reason == .limitExceeded && !startsWithEndlessID(machine.opcode, source)
    }
    opcodesLeft -= machine.opcode &+ 16
    let isIrregular = machine.stream.isIrregular
    if isUnfinished { return (true, nil, isIrregular, true) }
    let names = recorder.names { Self.isPath($0.module) && Self.isPath($0.name) }
    if names, recorder.callCount > 0 || ended != nil { return (true, ended, isIrregular, false) }
    let isMarked = MagicBytes.isBinaryPickle(source.prefix(3))
    if takesData, ended != nil, isMarked { return (true, ended, isIrregular, false) }
    if recorder.sawExtension, takesExtensions || isMarked, recorder.callCount > 0 {
      return (true, ended, isIrregular, false)
    }
    // Data alone runs nothing; it is a pickle when it is nothing else.
    if let ended, machine.opcode >= 3, ended == source.count, !isIrregular { return (true, ended, isIrregular, false) }
    return (false, nil, isIrregular, false)
  }

  /// Whether the run came no further than a persistent id in text form that goes over its limit. Unpicklers that know such
  /// ids take tuples and pickled ones, and the others refuse any; but it is what a safetensors file of zeros looks like
  /// when the length of its header starts with a `P`.
  private func startsWithEndlessID(_ opcode: Int, _ source: ByteSource) -> Bool {
    let head = source.prefix(8)
    return opcode <= 1 && head.first == UInt8(ascii: "P") && head.suffix(4).allSatisfy { $0 == 0 }
  }

  private static func isPath(_ text: String) -> Bool {
    guard !text.isEmpty, text.utf8.count < 1024 else { return false }
    return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { step in
      guard let first = step.first, first.isLetter || first == "_" else { return false }
      return step.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
    }
  }
}

/// Finds pickles inside other bytes: values of a database, what stands behind a STOP. Each is dry-run before it counts.
struct PickleCarver {
  struct Find: Hashable {
    var range: ByteRange
    /// Its end is known, so that what follows is looked at by itself.
    var isWhole: Bool
  }

  let source: ByteSource
  private var probe: PickleProbe
  private(set) var finds: [Find] = []
  /// Places where a pickle seems to start that does not run: one of several pieces. The first few.
  private(set) var fragments: [Int] = []
  /// Set when the allowance ended before the bytes did.
  private(set) var unsearched: ByteRange?

  /// Pickles found in one blob.
  private static let findLimit = 4096
  private static let windowSize = 1 << 16

  /// - Parameter data: whether pickles of plain data count; see ``PickleProbe``.
  init(_ source: ByteSource, data: Bool = false) {
    self.source = source
    probe = PickleProbe(opcodes: PickleProbe.carving, window: 1 << 12, data: data)
  }

  /// Searches `range` for pickles that start with PROTO, and for others behind a newline or NUL in its first `lines`
  /// bytes.
  mutating func search(_ range: ByteRange, lines: Int = 0) {
    var at = range.start
    var piece: [UInt8] = []
    while at < range.end {
      source.read(at: at, count: min(Self.windowSize, range.end &- at), into: &piece)
      guard piece.count > 1 else { return }
      let isLast = at &+ piece.count >= range.end
      var step = 0
      // The last byte of a window opens the next one, so that no PROTO is cut in two.
      while step < (isLast ? piece.count : piece.count &- 1) {
        let isProto = piece[step] == 0x80 && step &+ 1 < piece.count && (2...5).contains(piece[step &+ 1])
        let place = at &+ step
        let isLine =
          place &- range.start < lines && place > range.start && step > 0
          && (piece[step &- 1] == 0x0a || piece[step &- 1] == 0)
        guard isProto || isLine else {
          step &+= 1
          continue
        }
        switch take(place, range) {
        case .no: step &+= 1
        case .spent:
          unsearched = ByteRange(place, range.end)
          return
        case .pickle(nil): return
        case .pickle(let end?): step &+= max(1, end)
        }
        guard finds.count < Self.findLimit else {
          unsearched = ByteRange(min(range.end, at &+ step), range.end)
          return
        }
      }
      at &+= max(1, step)
    }
  }

  private mutating func take(_ place: Int, _ range: ByteRange) -> PickleProbe.Outcome {
    let rest = ByteRange(place, range.end)
    guard MagicBytes.isBinaryPickle(source.prefix(3, at: place)) || source.prefix(1, at: place) != [0x80] else {
      return .no
    }
    let outcome = probe.look(source.slice(rest))
    switch outcome {
    case .pickle(let end):
      finds.append(Find(range: end.map { ByteRange(at: place, count: $0) } ?? rest, isWhole: end != nil))
    case .no:
      if fragments.count < 64, MagicBytes.isUnmistakable(source.prefix(16, at: place)) { fragments.append(place) }
    case .spent: break
    }
    return outcome
  }
}
