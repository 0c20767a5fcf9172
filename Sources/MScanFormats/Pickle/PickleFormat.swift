public import MScanBytes
public import MScanFacts

/// Python's pickle, protocols 0 to 5, as CPython's machines execute it; with the streams behind the first STOP, torch's
/// legacy container and joblib's arrays. Specification: `pickletools`; behaviour: CPython 3.8 to 3.14.
public enum PickleFormat: Format {
  public static let id = "pickle"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    // dbm.dumb has one name for its data; what another file hides behind padding is carved.
    if input.name.lowercased().hasSuffix(".dat"), DumbShelf.isShelf(input.source) {
      sink.artifacts.setLayout([DumbShelf.id], of: input.index)
      sink.emit(
        .artifact(ArtifactFact(format: DumbShelf.id, size: input.source.count)), artifact: input.index,
        range: ByteRange(0, input.source.count), place: .whole)
      return DumbShelf.read(input, into: &sink)
    }
    var reader = PickleReader(input: input, when: PickleLoaders.of(input.index, in: sink.artifacts))
    reader.read(into: &sink)
  }

  /// Whether bytes without a magic number are a pickle (protocols 0 and 1 have none); see ``PickleProbe``.
  public static func isPickle(_ source: ByteSource) -> Bool {
    var probe = PickleProbe(window: 1 << 12)
    return probe.look(source) != .no
  }
}

/// One artifact's runs: the reading of C over memory first, further ones where they may differ, and what they add up to.
struct PickleReader {
  struct Run {
    var streams: [ByteRange] = []
    var failure: ParseFailure?
    /// Start of the stream that failed, opcodes it executed and globals it asked for.
    var failedStream = 0
    var failedOpcodes = 0
    var failedNames = 0
    var end = 0
    var refusals = PickleMachine.Refusals()
    var irregularity: (subject: StaticString, offset: Int)?
    var isIrregular = false
    var isTorchLegacy = false
    var asked: [Int] = []
    /// Where joblib's first array of raw bytes starts.
    var firstArray: Int?
  }

  let input: ArtifactInput
  let when: [String]
  let recorder: PickleRecorder

  init(input: ArtifactInput, when: [String]) {
    self.input = input
    self.when = when
    recorder = PickleRecorder(limits: input.limits, artifact: input.index)
  }

  mutating func read(into sink: inout FactBuffer) {
    let first = run(.memory, .init())
    var isAccounted = first.failure == nil || !isFirst(first)
    if let odd = first.irregularity { note(odd.subject, odd.offset) }
    if first.failure != nil || first.isIrregular {
      recorder.isRepeat = true
      var runs = [first, run(.python, .init())]
      if first.isIrregular { runs.append(run(.file, .init())) }
      if Set(runs.map(\.asked)).count > 1 {
        let counts = runs.map { String($0.asked.count) }.joined(separator: ", ")
        recorder.note(
          "pickle.readers-disagree", at: first.irregularity?.offset ?? first.failedStream, end: input.source.count,
          opcode: -1, field: "FRAME", detail: "CPython's unpicklers ask for \(counts) names")
      }
    }
    if first.refusals.any {
      let lenient = further("lenient reading", .init(lenient: true), &sink)
      if lenient.failure == nil || !isFirst(lenient) { isAccounted = true }
      if first.refusals.computed {
        let at = first.failure?.offset ?? first.failedStream
        recorder.note(
          "pickle.computed-operand", at: at, end: min(at &+ 1, input.source.count), opcode: first.failedOpcodes,
          field: first.failure?.fieldName ?? "", detail: "\(first.failure?.fieldName ?? "") takes what a call returns")
      }
      if first.refusals.buffer { note("pickle.out-of-band-buffer", first.failure?.offset ?? 0) }
    }
    if recorder.names({
      $0.path.hasSuffix(".NumpyArrayWrapper")
        && ($0.path.hasPrefix("joblib.") || $0.path.hasPrefix("sklearn.externals."))
    }) {
      let joblib = further("joblib reading", .init(joblib: true), &sink, reading: .python)
      if joblib.failure == nil, joblib.end == input.source.count {
        isAccounted = true
        if let start = joblib.firstArray { recorder.dropIrregularities(of: input.index, from: start) }
      } else if let failure = joblib.failure, failure.reason != .limitExceeded {
        recorder.note(
          "pickle.joblib-unread", at: failure.offset, end: min(failure.offset &+ 1, input.source.count), opcode: -1,
          field: failure.fieldName, detail: "\(failure.fieldName) at byte \(failure.offset)", incomplete: true)
      }
      if isAccounted { return finish(joblib, accounted: true, into: &sink) }
    }
    finish(first, accounted: isAccounted, into: &sink)
  }

  private func isFirst(_ run: Run) -> Bool { run.streams.isEmpty || run.failedNames > 0 }

  private func note(_ subject: StaticString, _ offset: Int) {
    recorder.note(
      subject.description, at: offset, end: min(offset &+ 1, input.source.count), opcode: -1, field: "FRAME",
      detail: "at byte \(offset)")
  }

  /// A reading that other loaders than `pickle.load` give the bytes: an artifact of its own beside the pickle.
  private func further(
    _ name: String, _ options: PickleMachine.Options, _ sink: inout FactBuffer, reading: PickleReading = .memory
  ) -> Run {
    recorder.isRepeat = true
    let row = sink.artifacts.append(
      Artifact(
        name: name, parent: input.index, rangeInParent: ByteRange(0, input.source.count), encoding: .reading,
        format: PickleFormat.id, size: input.source.count))
    recorder.artifact = row
    defer { recorder.artifact = input.index }
    return run(reading, options)
  }

  // MARK: Streams

  /// Runs one reading over all streams of the artifact.
  func run(_ reading: PickleReading, _ options: PickleMachine.Options) -> Run {
    var run = Run()
    recorder.beginRun()
    recorder.collectsStorages = false
    var machine = PickleMachine(
      source: input.source, reading: reading, options: options, limits: input.limits, recorder: recorder)
    var at = 0
    repeat {
      machine.begin(at: at)
      do throws(ParseFailure) {
        let value = try machine.load()
        let end = machine.stream.endStream()
        run.streams.append(ByteRange(at, end))
        if run.streams.count == 1, isTorchMagic(value) {
          run.isTorchLegacy = true
          recorder.collectsStorages = true
        }
        guard end > at else { break }
        at = end
        if run.isTorchLegacy, run.streams.count == 5, let rest = storageBytes(), rest == input.source.count &- at {
          at = input.source.count
        }
      } catch {
        run.failure = error
        run.failedStream = at
        run.failedOpcodes = machine.opcode
        run.failedNames = machine.namedInStream
        break
      }
    } while at < input.source.count
    run.end = at
    run.refusals = machine.refusals
    run.irregularity = machine.stream.irregularity
    run.isIrregular = machine.stream.isIrregular
    run.asked = recorder.asked
    run.firstArray = machine.arrays.first?.start
    return run
  }

  /// The number that opens torch's legacy format: 0x1950a86a20f9469cfc6c.
  private func isTorchMagic(_ value: PickleValue) -> Bool {
    guard value.tag == .bigInt, value.spanCount == 10 else { return false }
    return input.source.prefix(10, at: value.spanOffset)
      == [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]
  }

  /// Bytes that the raw storages behind the fifth stream take: a count of eight bytes and the elements, each.
  private func storageBytes() -> Int? {
    guard !recorder.hasUnknownStorage else { return nil }
    var total = 0
    for bytes in recorder.storages.values {
      let (sum, over) = total.addingReportingOverflow(bytes)
      let (next, overNext) = sum.addingReportingOverflow(8)
      guard !over, !overNext else { return nil }
      total = next
    }
    return total
  }

  // MARK: What it adds up to

  private mutating func finish(_ run: Run, accounted: Bool, into sink: inout FactBuffer) {
    if let failure = run.failure {
      if run.streams.isEmpty || run.failedNames > 0 || failure.reason == .limitExceeded {
        if !accounted || failure.reason == .limitExceeded {
          noteFailure(failure, opcode: run.failedOpcodes)
        }
      } else {
        noteTrailing(from: run.failedStream, into: &sink)
      }
    }
    if run.streams.count > 1, !run.isTorchLegacy {
      recorder.note(
        "pickle.second-stream", at: run.streams[1].start, end: run.streams[1].end, opcode: -1, field: "STOP",
        detail: "\(run.streams.count) pickles stand one behind the other")
    }
    queueChildren(into: &sink)
    let isLegacy = run.isTorchLegacy && run.streams.count == 5 && !recorder.hasUnknownStorage
    emit(into: &sink, storages: isLegacy ? storagePlaces(behind: run.streams[4].end) : [:])
  }

  private func noteFailure(_ failure: ParseFailure, opcode: Int) {
    let subject =
      failure.reason == .limitExceeded
      ? "limit.\(failure.fieldName)"
      : failure.reason == .truncated ? "pickle.truncated" : "pickle.malformed"
    recorder.note(
      subject, at: failure.offset, end: min(failure.offset &+ 1, input.source.count), opcode: opcode,
      field: failure.fieldName, detail: "\(failure.fieldName) at byte \(failure.offset)", incomplete: true)
  }

  /// Bytes behind the last STOP that do not run: no unpickler reads them, something else may.
  private func noteTrailing(from start: Int, into sink: inout FactBuffer) {
    let size = input.source.count
    let head = input.source.prefix(1 << 16, at: start)
    let isPadding = head.allSatisfy { $0 == 0 } && size &- start <= head.count
    recorder.note(
      isPadding ? "pickle.trailing-zeros" : "pickle.trailing-bytes", at: start, end: size, opcode: -1, field: "STOP",
      detail: "\(size &- start) bytes behind the last STOP")
    guard !isPadding else { return }
    var carver = PickleCarver(input.source)
    carver.search(ByteRange(start, min(size, start &+ Self.carvedBytes)), lines: 4096)
    for find in carver.finds {
      recorder.note(
        "pickle.carved-stream", at: find.range.start, end: find.range.end, opcode: -1, field: "STOP",
        detail: "a pickle starts at byte \(find.range.start)")
      sink.addChild(
        Artifact(
          name: "stream at \(find.range.start)", parent: input.index, rangeInParent: find.range,
          encoding: .pickleBytes, size: find.range.count),
        source: input.source.slice(find.range), format: PickleFormat.id)
    }
    if let rest = carver.unsearched {
      recorder.note(
        "limit.pickleOpcodes", at: rest.start, end: rest.end, opcode: -1, field: "pickleOpcodes",
        detail: "bytes behind the last STOP were not searched to their end", incomplete: true)
    }
  }

  /// Bytes behind the last STOP that are searched for further pickles.
  private static let carvedBytes = 1 << 20

  private func queueChildren(into sink: inout FactBuffer) {
    for (offset, count, toLoader) in recorder.given {
      add(offset, count, toLoader: toLoader, into: &sink)
    }
    for (offset, count) in recorder.candidates where !recorder.isGiven(offset, count) {
      let source = input.source.slice(ByteRange(at: offset, count: count))
      guard PickleFormat.isPickle(source) || source.prefix(4) == [0x50, 0x4b, 3, 4] else { continue }
      recorder.note(
        "pickle.embedded-bytes", at: offset, end: offset &+ count, opcode: -1, field: "BINBYTES",
        detail: "\(count) bytes that are a pickle or an archive")
      add(offset, count, toLoader: false, into: &sink)
    }
    for (bytes, at) in recorder.made where bytes.count > 1 {
      sink.addChild(
        Artifact(
          name: "bytes made at \(at)", parent: input.index, rangeInParent: ByteRange(at: at, count: 1),
          encoding: .jsonString, size: bytes.count),
        source: ByteSource(bytes), format: PickleFormat.id)
    }
  }

  private func add(_ offset: Int, _ count: Int, toLoader: Bool, into sink: inout FactBuffer) {
    let source = input.source.slice(ByteRange(at: offset, count: count))
    let isZip = source.prefix(2) == [0x50, 0x4b]
    sink.addChild(
      Artifact(
        name: "bytes at \(offset)", parent: input.index, rangeInParent: ByteRange(at: offset, count: count),
        encoding: .pickleBytes, size: source.count),
      source: source, format: isZip ? nil : PickleFormat.id)
  }

  private func emit(into sink: inout FactBuffer, storages: [String: ByteRange]) {
    for record in recorder.records {
      let payload: Fact.Payload
      switch record.event {
      case .named(let index, let via):
        let global = recorder.globals[index]
        payload = .callable(
          CallableFact(
            module: global.module, name: global.name, stage: .named, via: via, when: when,
            subjects: PickleSubjects.of(module: global.module, name: global.name, path: global.path)))
      case .invoked(let callee, let path, let via, let arguments):
        payload = .callable(invoked(callee, path, via, arguments))
      case .anomaly(let fact): payload = .anomaly(fact)
      case .reference(let fact): payload = .reference(fact)
      case .tensor(let fact): payload = .tensor(placed(fact, storages))
      }
      sink.emit(
        payload, artifact: record.artifact, range: record.range,
        place: record.opcode < 0 ? .whole : .opcode(record.opcode),
        count: record.count)
    }
  }

  private func invoked(_ callee: PickleValue, _ path: String, _ via: String, _ arguments: [String]) -> CallableFact {
    guard callee.tag == .global, recorder.globals.indices.contains(callee.index) else {
      return CallableFact(
        module: "", name: path, stage: .invoked, via: via, arguments: arguments, when: when,
        subjects: PickleSubjects.of(path: path))
    }
    let global = recorder.globals[callee.index]
    return CallableFact(
      module: global.module, name: global.name, stage: .invoked, via: via, arguments: arguments, when: when,
      subjects: PickleSubjects.of(module: global.module, name: global.name, path: global.path), namedAt: global.range)
  }
}
