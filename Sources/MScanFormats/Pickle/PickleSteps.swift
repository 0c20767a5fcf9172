import MScanBytes

extension PickleMachine {
  /// Executes one opcode whose byte was taken; its operand is next.
  mutating func step(_ code: UInt8) throws(ParseFailure) {
    switch code {
    case Op.proto:
      let at = try stream.take(1, "PROTO")
      let version = Int(stream.byte(at))
      guard version <= 5 else { throw fail("PROTO", .unsupported) }
      if opcode > 0 { recorder.noteLateProtocol(at: opcodeStart, opcode: opcode) }
      proto = version
    case Op.frame: try stream.enterFrame()

    case Op.none: push(.none)
    case Op.newTrue: push(.bool(true))
    case Op.newFalse: push(.bool(false))
    case Op.int, Op.long, Op.float: try textNumber(code)
    case Op.binInt: push(.int(Int(Int32(truncatingIfNeeded: try operand(4, "BININT")))))
    case Op.binInt1: push(.int(Int(try operand(1, "BININT1"))))
    case Op.binInt2: push(.int(Int(try operand(2, "BININT2"))))
    case Op.long1: try binaryLong(Int(try operand(1, "LONG1")), "LONG1")
    case Op.long4: try binaryLong(Int(Int32(truncatingIfNeeded: try operand(4, "LONG4"))), "LONG4")
    case Op.binFloat:
      let raw = try operand(8, "BINFLOAT")
      push(PickleValue(.float, raw & 0xffff_ffff_ffff_ff7f == 0 ? 1 : 0))

    case Op.string: try quotedString()
    case Op.binString: try binaryString(Int(Int32(truncatingIfNeeded: try operand(4, "BINSTRING"))), "BINSTRING")
    case Op.shortBinString: try binaryString(Int(try operand(1, "SHORT_BINSTRING")), "SHORT_BINSTRING")
    case Op.unicode: try unicodeLine()
    case Op.shortBinUnicode: try binaryUnicode(try operand(1, "SHORT_BINUNICODE"), "SHORT_BINUNICODE")
    case Op.binUnicode: try binaryUnicode(try operand(4, "BINUNICODE"), "BINUNICODE")
    case Op.binUnicode8: try binaryUnicode(try operand(8, "BINUNICODE8"), "BINUNICODE8")
    case Op.shortBinBytes: try binaryBytes(try operand(1, "SHORT_BINBYTES"), "SHORT_BINBYTES")
    case Op.binBytes: try binaryBytes(try operand(4, "BINBYTES"), "BINBYTES")
    case Op.binBytes8: try binaryBytes(try operand(8, "BINBYTES8"), "BINBYTES8")
    case Op.byteArray8: try byteArray()
    case Op.nextBuffer:
      guard options.lenient else {
        refusals.buffer = true
        throw fail("NEXT_BUFFER", .unsupported)
      }
      push(heap.newObject(.buffer))
    case Op.readOnlyBuffer: try readOnlyBuffer()

    case Op.emptyTuple: push(.emptyTuple)
    case Op.tuple1, Op.tuple2, Op.tuple3:
      let start = stack.count &- Int(code &- Op.tuple1 &+ 1)
      guard start >= fence else { throw fail("TUPLE1") }
      makeTuple(from: start)
    case Op.tuple: makeTuple(from: try popMark("TUPLE"))
    case Op.emptyList: push(heap.newContainer(.list))
    case Op.emptyDict: push(heap.newContainer(.dict))
    case Op.emptySet: push(heap.newContainer(.set))
    case Op.list: try collect(.list)
    case Op.dict: try collectDict()
    case Op.frozenSet: try collectFrozenSet()
    case Op.append: try append(from: stack.count &- 1, floor: fence, "APPEND")
    case Op.appends:
      let mark = try popMark("APPENDS")
      try append(from: mark, floor: fence, "APPENDS")
    case Op.setItem: try setItems(from: stack.count &- 2, "SETITEM")
    case Op.setItems: try setItems(from: try popMark("SETITEMS"), "SETITEMS")
    case Op.addItems: try addItems()

    case Op.mark: marks.append(stack.count)
    case Op.pop:
      if stack.count > fence {
        stack.removeLast()
      } else if marks.popLast() == nil {
        throw fail("POP")
      }
    case Op.popMark: stack.removeSubrange((try popMark("POP_MARK"))...)
    case Op.dup: push(try top("DUP"))

    case Op.get: try textGet()
    case Op.binGet: try getMemo(Int(try operand(1, "BINGET")), "BINGET")
    case Op.longBinGet: try getMemo(Int(try operand(4, "LONG_BINGET")), "LONG_BINGET")
    case Op.put: try textPut()
    case Op.binPut: putMemo(Int(try operand(1, "BINPUT")), try top("BINPUT"))
    case Op.longBinPut: putMemo(Int(try operand(4, "LONG_BINPUT")), try top("LONG_BINPUT"))
    case Op.memoize: putMemo(memo.count, try top("MEMOIZE"))

    case Op.global, Op.stackGlobal, Op.inst, Op.obj, Op.reduce, Op.newObj, Op.newObjEx, Op.build, Op.persID,
      Op.binPersID, Op.ext1, Op.ext2, Op.ext4:
      try stepCall(code)
    default: throw fail("opcode")
    }
  }

  @inline(__always) mutating func operand(_ width: Int, _ field: StaticString) throws(ParseFailure) -> UInt64 {
    stream.number(at: try stream.take(width, field), width)
  }

  /// The bytes of a line operand, with its newline where it has one.
  mutating func line(_ field: StaticString) throws(ParseFailure) -> (bytes: [UInt8], range: ByteRange) {
    let range = try stream.line(field)
    let bytes = stream.bytes(at: range.start, range.count)
    return (bytes, range)
  }

  private var isPython: Bool { stream.reading == .python }

  /// What `readline()[:-1]` gives: the last byte goes, whatever it is.
  func body(_ bytes: [UInt8]) -> ArraySlice<UInt8> { bytes.dropLast() }

  // MARK: Numbers

  private mutating func textNumber(_ code: UInt8) throws(ParseFailure) {
    let (bytes, _) = try line("number")
    if !isPython, bytes.count < 2 { throw fail("number") }
    let parsed: PickleNumber.Parsed?
    switch code {
    case Op.float:
      guard let isZero = PickleNumber.float(isPython ? body(bytes) : bytes[...], python: isPython) else {
        throw fail("FLOAT")
      }
      push(PickleValue(.float, isZero ? 1 : 0))
      return
    case Op.int:
      if bytes == [0x30, 0x30, 0x0a] || bytes == [0x30, 0x31, 0x0a] {
        push(.bool(bytes[1] == 0x31))
        return
      }
      parsed = isPython ? PickleNumber.long(bytes[...], base: 0, cutAtNUL: false) : PickleNumber.cInt(bytes[...])
    default:
      var digits = body(bytes)
      if digits.last == 0x4c { digits.removeLast() }
      // C overwrites the L with NUL and leaves the newline, Python cuts both: the same to either.
      parsed = PickleNumber.long(digits, base: 0, cutAtNUL: !isPython)
    }
    switch parsed {
    case .small(let value): push(.int(value))
    case .big: push(PickleValue(.bigInt))
    case nil: throw fail("INT")
    }
  }

  private mutating func binaryLong(_ count: Int, _ field: StaticString) throws(ParseFailure) {
    guard count >= 0 else { throw fail(field) }
    let start = try stream.take(count, field)
    guard count > 0, count <= 8 else {
      push(
        count == 0
          ? .int(0) : .span(.bigInt, offset: min(start, PickleValue.spanOffsetLimit - 1), count: min(count, 0xfffff)))
      return
    }
    let raw = stream.number(at: start, count)
    let shift = UInt64(64 &- 8 &* count)
    push(.int(Int(Int64(bitPattern: raw &<< shift) &>> Int64(shift))))
  }

  // MARK: Text and bytes

  /// A value for operand bytes at `offset`.
  mutating func span(
    _ tag: PickleValue.Tag, _ offset: Int, _ count: Int, _ kind: PickleValue.TextKind = .utf8
  ) -> PickleValue {
    if offset < PickleValue.spanOffsetLimit, count < PickleValue.spanLengthLimit {
      return .span(tag, offset: offset, count: count, kind: kind)
    }
    heap.longSpans.append((offset, count, kind))
    return PickleValue(tag == .text ? .longText : .longBytes, UInt64(truncatingIfNeeded: heap.longSpans.count &- 1))
  }

  private mutating func binaryUnicode(_ length: UInt64, _ field: StaticString) throws(ParseFailure) {
    guard let count = Int(exactly: length) else { throw fail(field) }
    let start = try stream.take(count, field)
    guard isUTF8(start, count) else { throw fail(field) }
    push(span(.text, start, count))
  }

  private mutating func isUTF8(_ start: Int, _ count: Int) -> Bool {
    var done = 0
    while done < count {
      let piece = min(count &- done, 1 << 16)
      let index = stream.window(start &+ done, piece)
      guard index &+ piece <= stream.buffer.count else { return false }
      let (valid, isValid) = PickleText.validUTF8(stream.buffer[index..<(index &+ piece)], surrogates: true)
      guard isValid, valid > 0 else { return false }
      if done &+ piece == count { return valid == piece }
      done &+= valid
    }
    return true
  }

  private mutating func isASCII(_ start: Int, _ count: Int) -> Bool {
    var done = 0
    while done < count {
      let piece = min(count &- done, 1 << 16)
      let index = stream.window(start &+ done, piece)
      guard index &+ piece <= stream.buffer.count,
        PickleText.isASCII(stream.buffer[index..<(index &+ piece)])
      else { return false }
      done &+= piece
    }
    return true
  }

  private mutating func binaryString(_ count: Int, _ field: StaticString) throws(ParseFailure) {
    guard count >= 0 else { throw fail(field) }
    let start = try stream.take(count, field)
    if !isASCII(start, count) { try allowNonASCII(field) }
    recorder.noteBytes(at: start, count, firstBytes: stream.number(at: start, min(4, count)))
    push(span(.text, start, count, .latin1))
  }

  private mutating func allowNonASCII(_ field: StaticString) throws(ParseFailure) {
    guard options.lenient || options.joblib else {
      refusals.nonASCII = true
      throw fail(field)
    }
    recorder.noteNonASCII(at: opcodeStart, opcode: opcode)
  }

  private mutating func quotedString() throws(ParseFailure) {
    let (bytes, range) = try line("STRING")
    let text = body(bytes)
    guard text.count >= 2, text.first == text.last, text.first == 0x27 || text.first == 0x22 else {
      throw fail("STRING")
    }
    let inner = text.dropFirst().dropLast()
    guard let plain = PickleText.unescape(inner) else { throw fail("STRING") }
    if !PickleText.isASCII(plain[...]) { try allowNonASCII("STRING") }
    push(span(.text, range.start &+ 1, inner.count, .quotedEscape))
  }

  private mutating func unicodeLine() throws(ParseFailure) {
    let (bytes, range) = try line("UNICODE")
    if !isPython, bytes.isEmpty { throw fail("UNICODE") }
    let text = body(bytes)
    guard PickleText.rawUnicode(text) != nil else { throw fail("UNICODE") }
    push(span(.text, range.start, text.count, .rawUnicodeEscape))
  }

  private mutating func binaryBytes(_ length: UInt64, _ field: StaticString) throws(ParseFailure) {
    guard let count = Int(exactly: length) else { throw fail(field) }
    let start = try stream.takeInto(count, field)
    recorder.noteBytes(at: start, count, firstBytes: stream.number(at: start, min(4, count)))
    push(span(.bytes, start, count))
  }

  private mutating func byteArray() throws(ParseFailure) {
    guard let count = Int(exactly: try operand(8, "BYTEARRAY8")) else { throw fail("BYTEARRAY8") }
    let start = try stream.takeInto(count, "BYTEARRAY8")
    recorder.noteBytes(at: start, count, firstBytes: stream.number(at: start, min(4, count)))
    let value = heap.newContainer(.byteArray)
    if count > 0 {
      let contents = span(.bytes, start, count)
      heap.extend(value, with: [contents])
    }
    push(value)
  }

  private mutating func readOnlyBuffer() throws(ParseFailure) {
    let value = try top("READONLY_BUFFER")
    switch value.tag {
    case .bytes, .longBytes, .memoryView: break
    case .byteArray: stack[stack.count &- 1] = PickleValue(.memoryView, value.payload)
    case .object:
      guard options.lenient, heap.object(value)?.kind == .buffer else { throw fail("READONLY_BUFFER") }
    default: throw fail("READONLY_BUFFER")
    }
  }

  // MARK: Containers

  private mutating func collect(_ tag: PickleValue.Tag) throws(ParseFailure) {
    let start = try popMark("LIST")
    let value = heap.newContainer(tag)
    if start < stack.count {
      let (nodes, depth) = heap.extend(value, with: stack[start...])
      noteMeasure(nodes, depth)
    }
    stack.removeSubrange(start...)
    push(value)
  }

  private mutating func collectDict() throws(ParseFailure) {
    let start = try popMark("DICT")
    guard (stack.count &- start) & 1 == 0 else { throw fail("DICT") }
    for index in stride(from: start, to: stack.count, by: 2) where !stack[index].isHashable { throw fail("DICT") }
    let items = stack[start...]
    marks.append(start)
    try collect(.dict)
    guard let dict = stack.last else { return }
    for index in stride(from: items.startIndex, to: items.endIndex &- 1, by: 2) {
      try notePlanted(items[index], items[index &+ 1], in: dict)
    }
  }

  private mutating func collectFrozenSet() throws(ParseFailure) {
    let start = try popMark("FROZENSET")
    guard stack[start...].allSatisfy(\.isHashable) else { throw fail("FROZENSET") }
    for item in stack[start...] where item.tag == .object { callPlanted(["__hash__", "__eq__"], of: item, [item]) }
    let (value, nodes, depth) = heap.newTuple(stack[start...], tag: .frozenSet)
    noteMeasure(nodes, depth)
    stack.removeSubrange(start...)
    push(value)
  }

  private mutating func append(from start: Int, floor: Int, _ field: StaticString) throws(ParseFailure) {
    guard start > floor, start <= stack.count else { throw fail(field) }
    let target = stack[start &- 1]
    if start == stack.count {
      // The C machines do nothing; the Python one looks for `extend` first.
      if isPython, target.tag != .list, target.tag != .byteArray, !target.isStub { throw fail(field) }
      return
    }
    switch target.tag {
    case .list, .byteArray:
      if target.tag == .byteArray {
        guard stack[start...].allSatisfy({ (0...255).contains($0.intValue ?? -1) }) else { throw fail(field) }
      }
      let (nodes, depth) = heap.extend(target, with: stack[start...])
      noteMeasure(nodes, depth)
    case .global, .object:
      noteMutation(of: target, key: nil, "append")
      callPlanted(["append", "extend"], of: target, stack[start...])
    default: throw fail(field)
    }
    stack.removeSubrange(start...)
  }

  private mutating func setItems(from start: Int, _ field: StaticString) throws(ParseFailure) {
    guard start > fence, start <= stack.count else { throw fail(field) }
    guard (stack.count &- start) & 1 == 0 else { throw fail(field) }
    let target = stack[start &- 1]
    nameTensors(from: start)
    for index in stride(from: start, to: stack.count, by: 2) {
      let key = stack[index]
      switch target.tag {
      case .dict:
        guard key.isHashable else { throw fail(field) }
        if key.tag == .object { callPlanted(["__hash__", "__eq__"], of: key, [key]) }
      case .list, .byteArray:
        guard let position = key.intValue else { throw fail(field) }
        let held = target.tag == .list ? heap.count(target) : byteArrayCount(target)
        guard held >= 0xfff || (position < held && position >= 0 &- held) else { throw fail(field) }
        if target.tag == .byteArray, !(0...255).contains(stack[index &+ 1].intValue ?? -1) { throw fail(field) }
      case .global, .object:
        noteMutation(of: target, key: key, "item")
        callPlanted(["__setitem__"], of: target, [key, stack[index &+ 1]])
      default: throw fail(field)
      }
    }
    for index in stride(from: start, to: stack.count, by: 2) {
      try notePlanted(stack[index], stack[index &+ 1], in: target)
    }
    if target.tag == .dict, start < stack.count {
      let (nodes, depth) = heap.extend(target, with: stack[start...])
      noteMeasure(nodes, depth)
    }
    stack.removeSubrange(start...)
  }

  /// Length of a bytearray: of the bytes it was made from, and one for each item put in since.
  private func byteArrayCount(_ value: PickleValue) -> Int {
    let items = heap.items(of: value).items
    return items.reduce(0) { $0 &+ ($1.tag == .bytes ? $1.spanCount : $1.tag == .longBytes ? 0xfff : 1) }
  }

  private mutating func addItems() throws(ParseFailure) {
    let start = try popMark("ADDITEMS")
    guard start > fence, start <= stack.count else { throw fail("ADDITEMS") }
    let target = stack[start &- 1]
    if start == stack.count {
      if isPython, target.tag != .set, !target.isStub { throw fail("ADDITEMS") }
      return
    }
    switch target.tag {
    case .set:
      guard stack[start...].allSatisfy(\.isHashable) else { throw fail("ADDITEMS") }
      for item in stack[start...] where item.tag == .object { callPlanted(["__hash__", "__eq__"], of: item, [item]) }
      let (nodes, depth) = heap.extend(target, with: stack[start...])
      noteMeasure(nodes, depth)
    case .global, .object:
      noteMutation(of: target, key: nil, "add")
      callPlanted(["add", "update"], of: target, stack[start...])
    default: throw fail("ADDITEMS")
    }
    stack.removeSubrange(start...)
  }

  // MARK: Memo

  private mutating func getMemo(_ index: Int, _ field: StaticString) throws(ParseFailure) {
    let value = memo.get(index)
    guard value != .absent else {
      recorder.noteMissingMemo(at: opcodeStart, opcode: opcode, index: index)
      throw fail(field)
    }
    push(value)
  }

  private mutating func putMemo(_ index: Int, _ value: PickleValue) {
    memo.put(index, value)
    if memo.sawHugeIndex { recorder.noteHugeMemoIndex(at: opcodeStart, opcode: opcode, index: index) }
  }

  private mutating func memoKey(_ field: StaticString, put: Bool) throws(ParseFailure) -> Int {
    let (bytes, _) = try line(field)
    if !isPython, bytes.count < 2 { throw fail(field) }
    if put, !isPython { _ = try top(field) }
    let digits = isPython ? body(bytes) : bytes[...]
    guard case .small(let index) = PickleNumber.long(digits, base: 10, cutAtNUL: !isPython) else { throw fail(field) }
    return index
  }

  private mutating func textGet() throws(ParseFailure) {
    let index = try memoKey("GET", put: false)
    guard index >= 0 else { throw fail("GET") }
    try getMemo(index, "GET")
  }

  private mutating func textPut() throws(ParseFailure) {
    let index = try memoKey("PUT", put: true)
    guard index >= 0 else { throw fail("PUT") }
    putMemo(index, try top("PUT"))
  }
}
