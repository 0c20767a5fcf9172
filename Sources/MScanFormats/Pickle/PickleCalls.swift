import MScanBytes

extension PickleMachine {
  /// The opcodes that import and call.
  mutating func stepCall(_ code: UInt8) throws(ParseFailure) {
    switch code {
    case Op.global: try global()
    case Op.stackGlobal: try stackGlobal()
    case Op.inst: try inst()
    case Op.obj:
      let start = try popMark("OBJ")
      guard start < stack.count else { throw fail("OBJ") }
      let callee = stack[start]
      let arguments = heap.newTuple(stack[(start &+ 1)...]).value
      stack.removeSubrange(start...)
      guard callee.isStub else { throw fail("OBJ") }
      push(invoke(callee, arguments, via: "obj"))
    case Op.reduce:
      let arguments = try pop("REDUCE")
      let callee = try pop("REDUCE")
      guard callee.isStub, isArgumentList(arguments) else { throw fail("REDUCE") }
      let result = invoke(callee, arguments, via: "reduce")
      noteTensor(result, callee: callee, arguments)
      push(result)
    case Op.newObj, Op.newObjEx: try newObject(withKeywords: code == Op.newObjEx)
    case Op.build: try build()
    case Op.persID:
      let (bytes, range) = try line("PERSID")
      if stream.reading != .python, bytes.isEmpty { throw fail("PERSID") }
      let text = body(bytes)
      guard PickleText.isASCII(text) else { throw fail("PERSID") }
      push(heap.newObject(.persistentID, arguments: span(.text, range.start, text.count)))
    case Op.binPersID:
      let id = try pop("BINPERSID")
      recorder.notePersistentID(id, self)
      callStorageType(id)
      push(heap.newObject(.persistentID, arguments: id))
    default: try extensionCode(code)
    }
  }

  /// torch up to 1.10 calls the type of a storage with its size: `("storage", type, key, location, size, …)`.
  private mutating func callStorageType(_ id: PickleValue) {
    let items = argumentItems(id)
    guard items.count >= 5, items[1].isStub, items[0].isText, text(of: items[0], limit: 16) == "storage" else { return }
    let last = path(of: items[1])?.split(separator: ".").last.map(String.init) ?? "?"
    guard !last.hasSuffix("Storage") else { return }
    _ = invoke(items[1], heap.newTuple([items[4]]).value, via: "persistent-id")
  }

  /// What `f(*arguments)` takes: the C machines want a tuple, the Python one anything it can iterate to an end.
  private mutating func isArgumentList(_ value: PickleValue) -> Bool {
    switch value.tag {
    case .global, .object: isComputed(value)
    case .emptyTuple, .plainTuple, .tuple: true
    case .list, .dict, .set, .frozenSet, .text, .longText, .bytes, .longBytes, .byteArray, .memoryView:
      stream.reading == .python
    default: false
    }
  }

  /// Whether a value that only the load computes may stand here. The strict machine stops, as a stand-in for an
  /// imported object would make CPython stop.
  private mutating func isComputed(_ value: PickleValue) -> Bool {
    guard value.isStub else { return false }
    if !options.lenient { refusals.computed = true }
    return options.lenient
  }

  // MARK: Imports

  private mutating func globalLine(_ field: StaticString, ascii: Bool) throws(ParseFailure) -> String {
    let (bytes, _) = try line(field)
    if stream.reading != .python, bytes.count < 2 { throw fail(field) }
    let text = body(bytes)
    if ascii {
      guard PickleText.isASCII(text) else { throw fail(field) }
    } else {
      let (valid, isValid) = PickleText.validUTF8(text, surrogates: false)
      guard isValid, valid == text.count else { throw fail(field) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func global() throws(ParseFailure) {
    let module = try globalLine("GLOBAL", ascii: false)
    let name = try globalLine("GLOBAL", ascii: false)
    push(findClass(module, name, via: "global"))
  }

  private mutating func stackGlobal() throws(ParseFailure) {
    let name = try pop("STACK_GLOBAL")
    let module = try pop("STACK_GLOBAL")
    guard name.isText, module.isText else {
      guard name.isText || isComputed(name), module.isText || isComputed(module) else { throw fail("STACK_GLOBAL") }
      let known = (module.isText ? text(of: module) : "?", name.isText ? text(of: name) : "?")
      return push(findClass(known.0, known.1, via: "stack-global"))
    }
    let key = GlobalKey(module: module.bits, name: name.bits)
    if let index = globalCache[key] {
      recorder.countGlobal(index)
      namedInStream &+= 1
      push(PickleValue(.global, UInt64(truncatingIfNeeded: index)))
      return
    }
    let value = findClass(text(of: module), text(of: name), via: "stack-global")
    if globalCache.count < 1 << 16 { globalCache[key] = value.index }
    push(value)
  }

  private mutating func inst() throws(ParseFailure) {
    // The C machines look for the mark before they import, the Python one after.
    if stream.reading != .python, marks.isEmpty { throw fail("INST") }
    let module = try globalLine("INST", ascii: true)
    let name = try globalLine("INST", ascii: true)
    let callee = findClass(module, name, via: "inst")
    let start = try popMark("INST")
    let arguments = heap.newTuple(stack[start...]).value
    stack.removeSubrange(start...)
    push(invoke(callee, arguments, via: "inst"))
  }

  private mutating func findClass(_ module: String, _ name: String, via: String) -> PickleValue {
    namedInStream &+= 1
    let index = recorder.name(
      module, name, via: via, range: ByteRange(opcodeStart, stream.position), opcode: opcode, proto: proto)
    return PickleValue(.global, UInt64(truncatingIfNeeded: index))
  }

  private mutating func extensionCode(_ code: UInt8) throws(ParseFailure) {
    let number: Int
    switch code {
    case Op.ext1: number = Int(try operand(1, "EXT1"))
    case Op.ext2: number = Int(try operand(2, "EXT2"))
    default: number = Int(Int32(truncatingIfNeeded: try operand(4, "EXT4")))
    }
    recorder.noteExtension(at: opcodeStart, opcode: opcode, code: number, end: stream.position)
    guard options.lenient, number > 0 else {
      refusals.extensionCode = number > 0
      throw fail("EXT", .unsupported)
    }
    push(heap.newObject(.extensionCode, path: "extension.\(number)"))
  }

  // MARK: Objects

  private mutating func newObject(withKeywords: Bool) throws(ParseFailure) {
    var keywords = PickleValue.none
    if withKeywords { keywords = try pop("NEWOBJ_EX") }
    let arguments = try pop("NEWOBJ")
    let callee = try pop("NEWOBJ")
    guard callee.isStub, isArgumentList(arguments) else { throw fail("NEWOBJ") }
    if withKeywords {
      guard keywords.tag == .dict || isComputed(keywords) else { throw fail("NEWOBJ_EX") }
      let (items, _) = heap.items(of: keywords)
      for index in stride(from: 0, to: items.count, by: 2) where !items[index].isText { throw fail("NEWOBJ_EX") }
    }
    push(invoke(callee, arguments, via: withKeywords ? "newobj-ex" : "newobj", keywords: keywords))
  }

  private mutating func build() throws(ParseFailure) {
    guard stack.count &- 2 >= fence, let state = stack.popLast(), let instance = stack.last else { throw fail("BUILD") }
    guard instance.isStub else { return try buildPlain(state) }
    switch instance.tag {
    case .global: noteState(of: instance, state)
    default:
      guard let object = heap.object(instance) else { break }
      if object.kind == .reference || object.kind == .namespace { noteState(of: instance, state) }
      if let target = sharedTarget(of: object) { noteState(of: target, state) }
      callPlanted(["__setstate__"], of: instance, [state])
      if object.kind == .partial { rebuildPartial(instance, state) }
      // The object is of another class from here on, whose methods the unpickler calls.
      if let other = stateItem("__class__", of: state), other.isStub { noteState(of: other, state) }
      plant(state, on: instance)
      // Some classes unpickle the bytes of their state.
      if object.callee.tag == .global, recorder.meaning(of: object.callee.index) == .loads {
        noteNestedBytes(state, meaning: .loads)
      }
      noteCompanion(of: object, state)
      if options.joblib {
        noteElementSize(of: instance, object, state)
        try stepOverArray(behind: object, state)
      }
    }
  }

  /// BUILD on an object that Python makes itself: it has no `__dict__`, so only empty state passes.
  private func buildPlain(_ state: PickleValue) throws(ParseFailure) {
    var state = state
    var slots: PickleValue?
    if state.tag == .tuple || state.tag == .plainTuple, heap.tupleCount(state) == 2 {
      let items = heap.tupleItems(state)
      guard items.count == 2 else { throw fail("BUILD") }
      state = items[0]
      slots = items[1]
    }
    if stream.reading == .python {
      if isTrue(state) { throw fail("BUILD") }
      if let slots, isTrue(slots) { throw fail("BUILD") }
      return
    }
    if state != .none { throw fail("BUILD") }
    if let slots { guard slots.tag == .dict, heap.count(slots) == 0 else { throw fail("BUILD") } }
  }

  func isTrue(_ value: PickleValue) -> Bool {
    switch value.tag {
    case .absent, .none, .emptyTuple: false
    case .bool: value.payload != 0
    case .int: value.intValue != 0
    case .float: value.payload == 0
    case .text, .bytes: value.spanCount > 0
    case .list, .dict, .set, .byteArray, .memoryView: heap.count(value) > 0
    case .frozenSet: heap.tupleCount(value) > 0
    default: true
    }
  }

  // MARK: State

  /// The value of a text key in a BUILD state: a dict, or the dicts of a `(state, slots)` pair.
  func stateItem(_ name: String, of state: PickleValue) -> PickleValue? {
    if state.tag == .tuple {
      for part in heap.tupleItems(state).prefix(2) where part.tag == .dict {
        if let found = stateItem(name, of: part) { return found }
      }
      return nil
    }
    guard state.tag == .dict else { return nil }
    let (items, _) = heap.items(of: state)
    var found: PickleValue?
    for index in stride(from: 0, to: items.count &- 1, by: 2)
    where items[index].isText && text(of: items[index]) == name { found = items[index &+ 1] }
    return found
  }

  /// BUILD on something imported: it sets attributes of what the rest of the process shares.
  private func noteState(of target: PickleValue, _ state: PickleValue) {
    guard !recorder.isAnomalyFull else { return }
    var keys: [String] = []
    let dicts = state.tag == .tuple ? heap.tupleItems(state) : [state]
    for dict in dicts where dict.tag == .dict {
      let (items, _) = heap.items(of: dict)
      for index in stride(from: 0, to: items.count, by: 2).prefix(8) where items[index].isText {
        keys.append(text(of: items[index], limit: 64))
      }
    }
    recorder.noteOverwrite(
      "pickle.state-overwrite", target: path(of: target) ?? "?", keys: keys, at: opcodeStart,
      end: stream.position, opcode: opcode)
  }

  /// SETITEM, APPEND or ADDITEMS on something imported.
  func noteMutation(of target: PickleValue, key: PickleValue?, _ how: String) {
    guard !recorder.isAnomalyFull else { return }
    if target.tag == .object {
      guard let kind = heap.object(target)?.kind, kind == .reference || kind == .namespace else { return }
    }
    var keys: [String] = []
    if let key { keys.append(render(key)) }
    recorder.noteOverwrite(
      "pickle.item-overwrite", target: path(of: target) ?? "?", keys: keys, at: opcodeStart, end: stream.position,
      opcode: opcode)
  }

  // MARK: joblib

  /// joblib before 0.10 kept each array in a file beside the pickle, `NDArrayWrapper` and `ZNDArrayWrapper` name it.
  private func noteCompanion(of object: PickleHeap.Object, _ state: PickleValue) {
    guard object.kind == .instance || object.kind == .result, object.callee.tag == .global,
      let owner = path(of: object.callee), owner.hasSuffix("NDArrayWrapper"), owner.hasPrefix("joblib."),
      let name = stateItem("filename", of: state), name.isText
    else { return }
    recorder.noteCompanion(text(of: name, limit: 256), at: opcodeStart, opcode: opcode)
  }

  /// joblib's wrapper of an array, also where scikit-learn had its own copy of joblib.
  func isArrayWrapper(_ value: PickleValue) -> Bool {
    guard value.tag == .global, let path = path(of: value) else { return false }
    return path.hasSuffix(".NumpyArrayWrapper") && (path.hasPrefix("joblib.") || path.hasPrefix("sklearn.externals."))
  }

  /// The class of the wrapper, or one whose array joblib has not read yet.
  func isUnreadWrapper(_ value: PickleValue) -> Bool {
    if isArrayWrapper(value) { return true }
    guard options.joblib, let object = heap.object(value), object.kind == .instance else { return false }
    return isArrayWrapper(object.callee) && !readWrappers.contains(value.index)
  }

  /// After a BUILD of joblib's array wrapper, the array's bytes stand in the stream; its unpickler reads them there.
  /// Source: `NumpyArrayWrapper.read_array` of joblib 0.8 to 1.5.
  private mutating func stepOverArray(behind object: PickleHeap.Object, _ state: PickleValue) throws(ParseFailure) {
    guard object.kind == .instance || object.kind == .result, isArrayWrapper(object.callee) else { return }
    // A state that is put together while it is read, or set twice, may say something else by then.
    guard let instance = stack.last, readWrappers.insert(instance.index).inserted, state.tag == .dict,
      heap.items(of: state).isWhole, let dtype = stateItem("dtype", of: state)
    else { throw fail("NumpyArrayWrapper", .unsupported) }
    let keys = heap.items(of: state).items.enumerated().filter { $0.offset.isMultiple(of: 2) }
    guard keys.allSatisfy({ $0.element.isText }) else { throw fail("NumpyArrayWrapper", .unsupported) }
    let position = stream.endStream()
    let layout = itemLayout(of: dtype)
    if layout.isObject {
      guard suspended.count < limits.depth else { throw ParseFailure(.limitExceeded, "depth", at: position) }
      stack[stack.count &- 1] = heap.newObject(.result, callee: object.callee, arguments: object.arguments)
      arrays.append(ByteRange(position, position))
      suspended.append((stack, marks, memo, proto))
      stack = []
      marks = []
      memo = PickleMemo()
      proto = 0
      stream.beginStream(at: position)
      return
    }
    guard let itemSize = layout.size else { throw fail("dtype", .unsupported) }
    var count = itemSize
    if let shape = stateItem("shape", of: state) {
      guard [.tuple, .plainTuple, .emptyTuple].contains(shape.tag) else { throw fail("shape", .unsupported) }
      for side in heap.tupleItems(shape) {
        guard let length = side.intValue, length >= 0 else { throw fail("shape", .unsupported) }
        let (product, over) = count.multipliedReportingOverflow(by: length)
        guard !over else { throw fail("shape") }
        count = product
      }
    }
    stream.beginStream(at: position)
    if let alignment = stateItem("numpy_array_alignment_bytes", of: state), alignment != .none {
      let padding = Int(try operand(1, "numpy_array_alignment_bytes"))
      _ = try stream.take(padding, "numpy_array_alignment_bytes")
    }
    let start = try stream.take(count, "array")
    arrays.append(ByteRange(at: start, count: count))
    stack[stack.count &- 1] = heap.newObject(.result, callee: object.callee, arguments: object.arguments)
  }

  /// A dtype's BUILD state holds the size of items that its name does not tell: `(3, "|", None, None, None, 16, …)`.
  private mutating func noteElementSize(
    of value: PickleValue, _ object: PickleHeap.Object, _ state: PickleValue
  ) {
    guard path(of: object.callee) == "numpy.dtype" else { return }
    let items = heap.tupleItems(state)
    guard items.count > 5, items[1].isText, text(of: items[1], limit: 4) == "|", let size = items[5].intValue, size > 0
    else { return }
    elementSizes[value.index] = size
  }

  /// Item size of a `numpy.dtype(descr, …)` object, in bytes.
  private func itemLayout(of dtype: PickleValue) -> (size: Int?, isObject: Bool) {
    guard let object = heap.object(dtype), path(of: object.callee) == "numpy.dtype",
      let first = argumentItems(object.arguments).first, first.isText
    else {
      return (nil, false)
    }
    let descr = text(of: first, limit: 32)
    let bare = descr.drop { "<>|=".contains($0) }
    guard let code = bare.first else { return (nil, false) }
    if code == "O" { return (nil, true) }
    if let size = elementSizes[dtype.index] { return (size, false) }
    guard let digits = Int(bare.dropFirst()) else { return (nil, false) }
    return (code == "U" ? digits.multipliedReportingOverflow(by: 4).partialValue : digits, false)
  }
}
