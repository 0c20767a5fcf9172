import MScanBytes
import MScanFacts

/// What the runs over one pickle saw, in order, each thing once. Several readings of the same bytes add to one
/// recorder; what an earlier reading already saw is not counted again.
final class PickleRecorder {
  struct Global {
    let module: String
    let name: String
    /// Module and name in the words of Python 3, joined.
    let path: String
    let meaning: CallMeaning?
    let range: ByteRange
    let builder: TensorBuilder?
  }

  enum Event {
    case named(global: Int, via: String)
    case invoked(callee: PickleValue, path: String, via: String, arguments: [String])
    case anomaly(AnomalyFact)
    case reference(ReferenceFact)
    case tensor(TensorFact)
  }

  struct Record {
    var event: Event
    var artifact: Int
    var range: ByteRange
    var opcode: Int
    var count: Int
  }

  private struct CallKey: Hashable {
    let callee: Int
    let path: String
    let via: String
  }

  private struct CallSite {
    var records: [(arguments: [String], index: Int)] = []
    /// Calls whose arguments were rendered.
    var rendered = 0
  }

  private struct BytesKey: Hashable {
    let offset: Int
    let count: Int
  }

  let limits: Limits
  /// Row that records go to: the pickle, or one of its further readings.
  var artifact: Int
  /// Set while a further reading runs: what is known is not counted again.
  var isRepeat = false
  private(set) var globals: [Global] = []
  private(set) var records: [Record] = []
  /// Globals asked for in the present run, each once, in order.
  private(set) var asked: [Int] = []
  private var askedSet: Set<Int> = []
  private var globalIndex: [String: [String: Int]] = [:]
  private var globalRecord: [Int: Int] = [:]
  private var calls: [CallKey: CallSite] = [:]
  private(set) var isFull = false
  private(set) var callCount = 0
  /// An extension code was met, which a registry outside the file turns into something callable.
  private(set) var sawExtension = false

  /// Bytes values that start like a pickle or an archive, and those that were given to a call.
  private(set) var candidates: [(offset: Int, count: Int)] = []
  private var candidateKeys: Set<BytesKey> = []
  private(set) var given: [(offset: Int, count: Int, toLoader: Bool)] = []
  private(set) var made: [(bytes: [UInt8], at: Int)] = []
  private var seenBytes: Set<BytesKey> = []
  private var madeBytes = 0

  /// Storages that a legacy torch checkpoint refers to: bytes on disk, by key.
  var collectsStorages = false
  private(set) var storages: [String: Int] = [:]
  private(set) var hasUnknownStorage = false

  private static let distinctArguments = 8
  /// Calls of one callable whose arguments are looked at for something new.
  private static let renderedCalls = 512
  private static let candidateLimit = 4096

  init(limits: Limits, artifact: Int) {
    self.limits = limits
    self.artifact = artifact
  }

  func beginRun() {
    asked.removeAll()
    askedSet.removeAll()
  }

  // MARK: Globals

  func name(
    _ module: String, _ name: String, via: String, range: ByteRange, opcode: Int, proto: Int
  ) -> Int {
    if let index = globalIndex[module]?[name] {
      countGlobal(index)
      return index
    }
    if globals.count >= limits.pickleGlobals {
      isFull = true
      return globals.count - 1
    }
    let mapped = PickleAliases.map(module, name) ?? (module, name)
    let path = mapped.module.isEmpty ? mapped.name : mapped.module + "." + mapped.name
    let index = globals.count
    globals.append(
      Global(
        module: module, name: name, path: path, meaning: CallMeaning.of(path), range: range,
        builder: TensorBuilder.of(path)))
    globalIndex[module, default: [:]][name] = index
    globalRecord[index] = records.count
    records.append(
      Record(event: .named(global: index, via: via), artifact: artifact, range: range, opcode: opcode, count: 1))
    ask(index)
    return index
  }

  func countGlobal(_ index: Int) {
    ask(index)
    if !isRepeat, let record = globalRecord[index] { records[record].count += 1 }
  }

  private func ask(_ index: Int) {
    if askedSet.insert(index).inserted { asked.append(index) }
  }

  func path(of index: Int) -> String { globals.indices.contains(index) ? globals[index].path : "?" }
  func meaning(of index: Int) -> CallMeaning? { globals.indices.contains(index) ? globals[index].meaning : nil }

  func names(_ isWanted: (Global) -> Bool) -> Bool { globals.contains(where: isWanted) }

  // MARK: Calls

  /// States a call. The first calls of a callable with different arguments are kept apart, the rest counted.
  func invoke(
    callee: PickleValue, path: String, via: String, opcode: Int, range: ByteRange, arguments: () -> [String]
  ) {
    callCount &+= 1
    let key = CallKey(
      callee: callee.tag == .global ? callee.index : -1, path: callee.tag == .global ? "" : path, via: via)
    var site = calls[key] ?? CallSite()
    let isKnown = site.records.count >= Self.distinctArguments || site.rendered >= Self.renderedCalls
    if isKnown, let last = site.records.last {
      if !isRepeat { records[last.index].count += 1 }
      return
    }
    if calls.count >= limits.pickleGlobals {
      isFull = true
      return
    }
    let rendered = arguments()
    site.rendered += 1
    if let known = site.records.first(where: { $0.arguments == rendered }) {
      if !isRepeat { records[known.index].count += 1 }
      calls[key]?.rendered = site.rendered
      return
    }
    site.records.append((rendered, records.count))
    calls[key] = site
    records.append(
      Record(
        event: .invoked(callee: callee, path: path, via: via, arguments: rendered), artifact: artifact, range: range,
        opcode: opcode, count: 1))
  }

  // MARK: Bytes

  /// A bytes value was pushed: remembered when it starts as a pickle of protocol 2 to 5 or as a zip member.
  func noteBytes(at offset: Int, _ count: Int, firstBytes: UInt64) {
    guard count >= 4 else { return }
    let isPickle = firstBytes & 0xff == 0x80 && (2...5).contains(firstBytes &>> 8 & 0xff)
    guard isPickle || firstBytes & 0xffff_ffff == 0x0403_4b50 else { return }
    guard candidates.count < Self.candidateLimit else { return }
    if candidateKeys.insert(BytesKey(offset: offset, count: count)).inserted { candidates.append((offset, count)) }
  }

  func giveBytes(at offset: Int, _ count: Int, toLoader: Bool) {
    let key = BytesKey(offset: offset, count: count)
    guard count > 0, toLoader || candidateKeys.contains(key), seenBytes.insert(key).inserted else { return }
    given.append((offset, count, toLoader))
  }

  func giveMade(_ bytes: [UInt8], at offset: Int) {
    guard !isRepeat, made.count < 256, madeBytes &+ bytes.count <= limits.heldBytes else { return }
    madeBytes &+= bytes.count
    made.append((bytes, offset))
  }

  func isGiven(_ offset: Int, _ count: Int) -> Bool {
    seenBytes.contains(BytesKey(offset: offset, count: count))
  }

  /// A persistent id of torch's legacy format: `("storage", type, key, location, count, …)`.
  func notePersistentID(_ id: PickleValue, _ machine: borrowing PickleMachine) {
    guard collectsStorages, storages.count < 1 << 18 else { return }
    let items = machine.argumentItems(id)
    guard items.count >= 5, items[2].isText, let count = items[4].intValue, count >= 0 else { return }
    let type = machine.path(of: items[1]) ?? ""
    guard let width = Self.storageWidths[type.split(separator: ".").last.map(String.init) ?? ""] else {
      hasUnknownStorage = true
      return
    }
    let (bytes, over) = count.multipliedReportingOverflow(by: width)
    storages[machine.text(of: items[2], limit: 256)] = over ? Int.max : bytes
  }

  /// Bytes per element of torch's storage classes.
  static let storageWidths: [String: Int] = [
    "FloatStorage": 4, "DoubleStorage": 8, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8, "IntStorage": 4,
    "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1, "ComplexFloatStorage": 8,
    "ComplexDoubleStorage": 16, "QUInt8Storage": 1, "QInt8Storage": 1, "QInt32Storage": 4,
  ]

  private(set) var tensorCount = 0

  func stateTensor(_ fact: TensorFact, _ range: ByteRange, _ opcode: Int) {
    guard tensorCount < limits.tensors else { return }
    tensorCount &+= 1
    records.append(Record(event: .tensor(fact), artifact: artifact, range: range, opcode: opcode, count: 1))
  }

  // MARK: Anomalies

  private var notedOnce: Set<String> = []
  /// No more anomalies are taken: what they would say need not be put into words.
  var isAnomalyFull: Bool { notedOnce.count >= 256 }

  /// Drops what the plain reading found irregular from `start` on, where raw array bytes stand that joblib reads as such.
  /// What an instruction does to something imported stays.
  func dropIrregularities(of artifact: Int, from start: Int) {
    let kept: Set<String> = ["pickle.state-overwrite", "pickle.item-overwrite", "pickle.extension-code"]
    records.removeAll { record in
      guard record.artifact == artifact, record.range.start >= start, case .anomaly(let fact) = record.event else {
        return false
      }
      return !kept.contains(fact.subject)
    }
  }

  func note(
    _ subject: String, at start: Int, end: Int, opcode: Int, field: String = "", detail: String = "",
    incomplete: Bool = false
  ) {
    guard !isAnomalyFull, notedOnce.insert(subject + detail).inserted else { return }
    records.append(
      Record(
        event: .anomaly(AnomalyFact(subject: subject, field: field, detail: detail, incomplete: incomplete)),
        artifact: artifact, range: ByteRange(start, end), opcode: opcode, count: 1))
  }

  /// A file beside the pickle that its loader opens by the name written here.
  func noteCompanion(_ target: String, at offset: Int, opcode: Int) {
    guard !isAnomalyFull, notedOnce.insert("companion " + target).inserted else { return }
    records.append(
      Record(
        event: .reference(ReferenceFact(field: "joblib.companion", type: .path, target: target)), artifact: artifact,
        range: ByteRange(at: offset, count: 1), opcode: opcode, count: 1))
  }

  /// joblib's wrapper of an array is handed to a call: what comes back is a wrapper that nobody sees as one.
  func noteHiddenWrapper(at offset: Int) {
    note(
      "pickle.joblib-unread", at: offset, end: offset &+ 1, opcode: -1, field: "NumpyArrayWrapper",
      detail: "joblib's wrapper of an array is made by a call", incomplete: true)
  }

  private func noteOnce(_ subject: String, at offset: Int, opcode: Int, _ detail: @autoclosure () -> String) {
    guard notedOnce.insert(subject).inserted else { return }
    records.append(
      Record(
        event: .anomaly(AnomalyFact(subject: subject, detail: detail())), artifact: artifact,
        range: ByteRange(at: offset, count: 1), opcode: opcode, count: 1))
  }

  func noteMeasure(_ nodes: Double, _ depth: UInt32, at offset: Int, opcode: Int) {
    if nodes > 4_294_967_296 {
      noteOnce("pickle.expansion", at: offset, opcode: opcode, "one object counts more than 2^32 others")
    }
    if depth >= 1000 {
      noteOnce("pickle.deep-nesting", at: offset, opcode: opcode, "objects nest 1,000 levels and deeper")
    }
  }

  func noteLateProtocol(at offset: Int, opcode: Int) {
    noteOnce("pickle.late-protocol", at: offset, opcode: opcode, "PROTO is opcode \(opcode)")
  }

  func noteNonASCII(at offset: Int, opcode: Int) {
    noteOnce("pickle.non-ascii-string", at: offset, opcode: opcode, "an 8-bit string of Python 2")
  }

  func noteMissingMemo(at offset: Int, opcode: Int, index: Int) {
    noteOnce("pickle.memo-missing", at: offset, opcode: opcode, "slot \(index) was never set")
  }

  func noteHugeMemoIndex(at offset: Int, opcode: Int, index: Int) {
    noteOnce("pickle.memo-index", at: offset, opcode: opcode, "slot \(index)")
  }

  func noteExtension(at offset: Int, opcode: Int, code: Int, end: Int) {
    sawExtension = true
    note("pickle.extension-code", at: offset, end: end, opcode: opcode, field: "EXT", detail: "code \(code)")
  }

  func noteOverwrite(_ subject: String, target: String, keys: [String], at offset: Int, end: Int, opcode: Int) {
    let what = keys.isEmpty ? target : target + ": " + keys.joined(separator: ", ")
    note(subject, at: offset, end: end, opcode: opcode, field: "BUILD", detail: what)
  }
}
