import MScanBytes

/// The pickle machine: executes a stream symbolically, with CPython's stack, marks, memo and error behaviour.
///
/// Nothing is imported or called: a global is a name, a call is a record, and both stand on the stack as values that
/// accept what an imported object would. Source of the semantics: `Modules/_pickle.c` and `Lib/pickle.py` of CPython
/// 3.8 to 3.14; `pickletools` for the operands.
///
/// Cost is linear in the stream. Memory is bounded by `Limits.pickleMemo`, `pickleStack` and `pickleHeap`.
struct PickleMachine {
  /// What differs between the loaders that the machine stands for.
  struct Options: Sendable {
    /// A loader that decodes 8-bit strings as Latin-1, has the extension codes registered and supplies buffers; and where
    /// every call returns what the next instruction takes.
    var lenient = false
    /// joblib's unpickler, which steps over the array bytes behind a `NumpyArrayWrapper`.
    var joblib = false
  }

  /// Why a strict machine refused what another loader takes.
  struct Refusals: Sendable {
    var nonASCII = false
    var extensionCode = false
    var buffer = false
    /// The result of a call, or an attribute, stands where text or a tuple has to: `str(b"os", "ascii")` is one.
    var computed = false
    var any: Bool { nonASCII || extensionCode || buffer || computed }
  }

  var stream: PickleStream
  let options: Options
  let limits: Limits
  let recorder: PickleRecorder

  var stack: [PickleValue] = []
  var marks: [Int] = []
  var memo = PickleMemo()
  var heap = PickleHeap()
  var proto = 0
  /// Opcodes executed in this stream.
  var opcode = 0
  /// Offset of the opcode being executed.
  var opcodeStart = 0
  var refusals = Refusals()
  /// Callables that objects and dicts hold.
  var held = PicklePlanted()
  /// Wrappers of joblib whose array was read.
  var readWrappers: Set<Int> = []
  /// Estimated lengths of what calls make, by object.
  var sizes: [Int: Double] = [:]
  /// A stack, marks, memo and protocol that wait while a nested array of objects is read (joblib).
  var suspended: [(stack: [PickleValue], marks: [Int], memo: PickleMemo, proto: Int)] = []
  var globalCache: [GlobalKey: Int] = [:]
  /// Data bytes stepped over in the stream (joblib arrays); empty where the elements are a pickle of their own.
  var arrays: [ByteRange] = []
  var namedInStream = 0
  /// Item sizes that dtype objects were given, by object.
  var elementSizes: [Int: Int] = [:]
  /// Tensors that calls rebuild, by object.
  var tensors: [Int: PickleTensor] = [:]

  struct GlobalKey: Hashable {
    let module: UInt64
    let name: UInt64
  }

  init(
    source: ByteSource, reading: PickleReading, options: Options, limits: Limits, recorder: PickleRecorder,
    window: Int = PickleStream.windowSize
  ) {
    stream = PickleStream(source, reading: reading, lineLimit: limits.pickleLine, window: window)
    self.options = options
    self.limits = limits
    self.recorder = recorder
  }

  @inline(__always) var fence: Int { marks.last ?? 0 }

  /// Starts a new unpickler at `offset`.
  mutating func begin(at offset: Int) {
    stream.beginStream(at: offset)
    stack.removeAll(keepingCapacity: true)
    marks.removeAll(keepingCapacity: true)
    memo = PickleMemo()
    heap = PickleHeap()
    held = PicklePlanted()
    sizes.removeAll()
    readWrappers.removeAll()
    elementSizes.removeAll()
    tensors.removeAll()
    globalCache.removeAll(keepingCapacity: true)
    suspended.removeAll()
    proto = 0
    opcode = 0
    namedInStream = 0
  }

  /// Runs to STOP.
  ///
  /// - Returns: the object that the stream builds.
  /// - Throws: where and why CPython raises, or a limit.
  mutating func load() throws(ParseFailure) -> PickleValue {
    while true {
      runFast()
      opcodeStart = stream.position
      let at = try stream.take(1, "opcode")
      opcodeStart = at
      let code = stream.byte(at)
      if code == Op.stop {
        opcode &+= 1
        guard stack.count > fence, let value = stack.popLast() else { throw fail("STOP") }
        guard let outer = suspended.popLast() else { return value }
        resume(outer)
        continue
      }
      try step(code)
      opcode &+= 1
      if opcode & 0xff == 0 { try checkLimits() }
    }
  }

  private mutating func resume(
    _ outer: (stack: [PickleValue], marks: [Int], memo: PickleMemo, proto: Int)
  ) {
    (stack, marks, memo, proto) = outer
  }

  private func checkLimits() throws(ParseFailure) {
    if stack.count > limits.pickleStack { throw ParseFailure(.limitExceeded, "pickleStack", at: opcodeStart) }
    if marks.count > limits.pickleStack { throw ParseFailure(.limitExceeded, "pickleStack", at: opcodeStart) }
    if memo.count > limits.pickleMemo || memo.sparseCount > 1 << 16 {
      throw ParseFailure(.limitExceeded, "pickleMemo", at: opcodeStart)
    }
    if heap.used > limits.pickleHeap { throw ParseFailure(.limitExceeded, "pickleHeap", at: opcodeStart) }
    if recorder.isFull { throw ParseFailure(.limitExceeded, "pickleGlobals", at: opcodeStart) }
    if opcode > limits.pickleOpcodes { throw ParseFailure(.limitExceeded, "pickleOpcodes", at: opcodeStart) }
  }

  func fail(_ field: StaticString, _ reason: ParseFailure.Reason = .malformed) -> ParseFailure {
    ParseFailure(reason, field, at: opcodeStart)
  }

  // MARK: Stack

  @inline(__always) mutating func push(_ value: PickleValue) { stack.append(value) }

  @inline(__always) mutating func pop(_ field: StaticString) throws(ParseFailure) -> PickleValue {
    guard stack.count > fence, let value = stack.popLast() else { throw fail(field) }
    return value
  }

  @inline(__always) func top(_ field: StaticString) throws(ParseFailure) -> PickleValue {
    guard stack.count > fence, let value = stack.last else { throw fail(field) }
    return value
  }

  /// Takes the topmost mark and returns the index of the first item above it.
  @inline(__always) mutating func popMark(_ field: StaticString) throws(ParseFailure) -> Int {
    guard let mark = marks.popLast(), mark <= stack.count else { throw fail(field) }
    return mark
  }

  @inline(__always) mutating func noteMeasure(_ nodes: Double, _ depth: UInt32) {
    if nodes > 4_294_967_296 || depth >= 1000 {
      recorder.noteMeasure(nodes, depth, at: stream.position, opcode: opcode)
    }
  }

  // MARK: The opcodes of data, while they lie wholly in the window

  /// Executes opcodes that only move data, as far as they and their operands lie in the window and nothing about them
  /// is unusual; stops before anything else. This is nine tenths of real streams.
  private mutating func runFast() {
    _ = stream.window(stream.position, 1)
    let bytes = stream.buffer
    let base = stream.bufferStart
    let end = min(bytes.count, stream.limit &- base) &- 9
    var at = stream.position &- base
    guard at >= 0 else { return }
    let stop = min(end, at &+ 1 << 16)
    loop: while at < stop {
      switch bytes[at] {
      case Op.none: push(.none)
      case Op.newTrue: push(.bool(true))
      case Op.newFalse: push(.bool(false))
      case Op.binInt1:
        push(.int(Int(bytes[at &+ 1])))
        at &+= 1
      case Op.binInt2:
        push(.int(Int(bytes[at &+ 1]) | Int(bytes[at &+ 2]) &<< 8))
        at &+= 2
      case Op.binInt:
        push(.int(Int(Int32(truncatingIfNeeded: Self.word(bytes, at &+ 1)))))
        at &+= 4
      case Op.binFloat:
        push(PickleValue(.float, Self.isZero(bytes, at &+ 1) ? 1 : 0))
        at &+= 8
      case Op.shortBinUnicode:
        let count = Int(bytes[at &+ 1])
        guard at &+ 2 &+ count < end, Self.isASCII(bytes, at &+ 2, count) else { break loop }
        push(.span(.text, offset: base &+ at &+ 2, count: count))
        at &+= count &+ 1
      case Op.binUnicode:
        let count = Self.word(bytes, at &+ 1)
        guard count < 1 << 16, at &+ 5 &+ count < end, Self.isASCII(bytes, at &+ 5, count) else { break loop }
        push(.span(.text, offset: base &+ at &+ 5, count: count))
        at &+= count &+ 4
      case Op.memoize:
        guard stack.count > fence, let value = stack.last else { break loop }
        memo.put(memo.count, value)
      case Op.binPut:
        guard stack.count > fence, let value = stack.last else { break loop }
        memo.put(Int(bytes[at &+ 1]), value)
        at &+= 1
      case Op.longBinPut:
        guard stack.count > fence, let value = stack.last else { break loop }
        memo.put(Self.word(bytes, at &+ 1), value)
        at &+= 4
      case Op.binGet:
        let value = memo.get(Int(bytes[at &+ 1]))
        guard value != .absent else { break loop }
        push(value)
        at &+= 1
      case Op.longBinGet:
        let value = memo.get(Self.word(bytes, at &+ 1))
        guard value != .absent else { break loop }
        push(value)
        at &+= 4
      case Op.emptyTuple: push(.emptyTuple)
      case Op.emptyList: push(heap.newContainer(.list))
      case Op.emptyDict: push(heap.newContainer(.dict))
      case Op.mark: marks.append(stack.count)
      case Op.tuple1: guard fastTuple(1) else { break loop }
      case Op.tuple2: guard fastTuple(2) else { break loop }
      case Op.tuple3: guard fastTuple(3) else { break loop }
      case Op.append: guard fastAppend(stack.count &- 1, marked: false) else { break loop }
      case Op.appends: guard let mark = marks.last, fastAppend(mark, marked: true) else { break loop }
      case Op.setItem: guard fastSetItems(stack.count &- 2, marked: false) else { break loop }
      case Op.setItems: guard let mark = marks.last, fastSetItems(mark, marked: true) else { break loop }
      default: break loop
      }
      at &+= 1
      opcode &+= 1
    }
    stream.position = base &+ at
  }

  @inline(__always) private static func word(_ bytes: [UInt8], _ at: Int) -> Int {
    Int(bytes[at]) | Int(bytes[at &+ 1]) &<< 8 | Int(bytes[at &+ 2]) &<< 16 | Int(bytes[at &+ 3]) &<< 24
  }

  private static func isZero(_ bytes: [UInt8], _ at: Int) -> Bool {
    // Minus zero is zero, too.
    bytes[at] & 0x7f == 0 && bytes[(at &+ 1)..<(at &+ 8)].allSatisfy { $0 == 0 }
  }

  @inline(__always) private static func isASCII(_ bytes: [UInt8], _ at: Int, _ count: Int) -> Bool {
    var seen: UInt8 = 0
    for index in at..<(at &+ count) { seen |= bytes[index] }
    return seen < 0x80
  }

  @inline(__always) private mutating func fastTuple(_ count: Int) -> Bool {
    let start = stack.count &- count
    guard start >= fence else { return false }
    makeTuple(from: start)
    return true
  }

  @inline(__always) mutating func makeTuple(from start: Int) {
    let (value, nodes, depth) = heap.newTuple(stack[start...])
    noteMeasure(nodes, depth)
    stack.removeSubrange(start...)
    stack.append(value)
  }

  /// APPEND and APPENDS on a list.
  @inline(__always) private mutating func fastAppend(_ start: Int, marked: Bool) -> Bool {
    let floor = marked ? (marks.count > 1 ? marks[marks.count &- 2] : 0) : fence
    guard start > floor, start <= stack.count else { return false }
    let list = stack[start &- 1]
    guard list.tag == .list else { return false }
    if start < stack.count {
      let (nodes, depth) = heap.extend(list, with: stack[start...])
      noteMeasure(nodes, depth)
      stack.removeSubrange(start...)
    }
    if marked { marks.removeLast() }
    return true
  }

  /// SETITEM and SETITEMS on a dict with hashable keys.
  @inline(__always) private mutating func fastSetItems(_ start: Int, marked: Bool) -> Bool {
    let floor = marked ? (marks.count > 1 ? marks[marks.count &- 2] : 0) : fence
    guard start > floor, start <= stack.count, (stack.count &- start) & 1 == 0 else { return false }
    let dict = stack[start &- 1]
    guard dict.tag == .dict else { return false }
    var index = start
    while index < stack.count {
      // What can be called is looked at.
      guard stack[index].isHashable, index &+ 1 < stack.count, !stack[index &+ 1].isStub else { return false }
      index &+= 2
    }
    if start < stack.count {
      let (nodes, depth) = heap.extend(dict, with: stack[start...])
      noteMeasure(nodes, depth)
      stack.removeSubrange(start...)
    }
    if marked { marks.removeLast() }
    return true
  }
}
