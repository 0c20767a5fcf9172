import MScanBytes

/// Callables that a pickle puts into objects, and what comes to call them: the unpickler itself, which looks up `append`,
/// `extend`, `add` and `__setstate__` on the object, and functions that call methods of what they are given.
struct PicklePlanted {
  struct Entry {
    var key: String
    var value: PickleValue
  }

  /// By the slot of a dict, and by the object: what its items or its attributes are.
  private(set) var dicts: [Int: [Entry]] = [:]
  private(set) var objects: [Int: [Entry]] = [:]
  /// Entries held. Count.
  private(set) var count = 0

  mutating func put(_ entry: Entry, inDict slot: Int) {
    dicts[slot, default: []].append(entry)
    count &+= 1
  }

  mutating func put(_ entry: Entry, inObject index: Int) {
    objects[index, default: []].append(entry)
    count &+= 1
  }

  /// Names under which the interpreter and the unpickler look for methods on their own.
  static func isProtocol(_ key: String) -> Bool {
    (key.hasPrefix("__") && key.hasSuffix("__") && !data.contains(key)) || methods.contains(key)
  }

  static let methods: Set<String> = ["append", "extend", "add", "update", "keys", "write"]

  /// Dunder names that hold a value, which may well be a function or a class.
  private static let data: Set<String> = [
    "__wrapped__", "__orig_class__", "__origin__", "__func__", "__self__", "__doc__", "__module__", "__name__",
    "__qualname__", "__annotations__", "__defaults__", "__kwdefaults__", "__dict__", "__weakref__", "__args__",
    "__parameters__", "__constants__", "__type__", "__objclass__",
  ]
}

extension PickleMachine {
  /// Whether a value is something to call, rather than the result of a call or an instance.
  func isCallable(_ value: PickleValue) -> Bool {
    if value.tag == .global { return true }
    switch heap.object(value)?.kind {
    case .reference, .partial, .attributeGetter, .methodCaller: return true
    default: return false
    }
  }

  /// Remembers an item of a dict, or of an object that is filled like one, if it is something to call.
  mutating func notePlanted(_ key: PickleValue, _ value: PickleValue, in container: PickleValue) throws(ParseFailure) {
    guard value.isStub, key.isText else { return }
    let isCallable = isCallable(value)
    // Results of calls stand in most states; only under these names somebody calls them.
    guard isCallable || key.spanCount <= 24 else { return }
    let name = text(of: key, limit: 64)
    guard isCallable || PicklePlanted.isProtocol(name) else { return }
    guard held.count < limits.pickleAttributes else {
      throw ParseFailure(.limitExceeded, "pickleAttributes", at: opcodeStart)
    }
    let entry = PicklePlanted.Entry(key: name, value: value)
    if container.tag == .dict { held.put(entry, inDict: container.index) }
    if container.tag == .object { held.put(entry, inObject: container.index) }
  }

  /// What a BUILD state sets that can be called.
  private func planted(in state: PickleValue) -> [PicklePlanted.Entry] {
    switch state.tag {
    case .dict: return held.dicts[state.index] ?? []
    case .tuple: return heap.tupleItems(state).prefix(2).flatMap { $0.tag == .tuple ? [] : planted(in: $0) }
    case .object:
      // A state that a call makes: what it was given may be in it under any name.
      guard let object = heap.object(state) else { return [] }
      let given = stubs(in: object.arguments, depth: 3).filter { isCallable($0) }
      return (held.objects[state.index] ?? []) + given.map { PicklePlanted.Entry(key: "?", value: $0) }
    default: return []
    }
  }

  /// After a BUILD: what the object has from now on.
  ///
  /// - Parameter isClass: a class is given its methods, as every class is.
  mutating func plant(_ state: PickleValue, on instance: PickleValue, isClass: Bool = false) {
    guard instance.tag == .object else { return }
    let entries = planted(in: state)
    guard !entries.isEmpty else { return }
    for entry in entries { held.put(entry, inObject: instance.index) }
    if isClass { return }
    let methods = entries.map(\.key).filter(PicklePlanted.isProtocol)
    guard !methods.isEmpty, !recorder.isAnomalyFull else { return }
    recorder.noteOverwrite(
      "pickle.planted-method", target: path(of: instance) ?? "?", keys: Array(methods.prefix(8)), at: opcodeStart,
      end: stream.position, opcode: opcode)
  }

  /// The unpickler's own calls: of a method that an earlier BUILD set.
  mutating func callPlanted(_ names: [String], of target: PickleValue, _ items: ArraySlice<PickleValue>) {
    guard target.tag == .object else { return }
    var entries = held.objects[target.index] ?? []
    // What its class has, if the pickle made that too.
    if let made = heap.object(target)?.callee, made.tag == .object { entries += held.objects[made.index] ?? [] }
    for entry in entries where names.contains(entry.key) || entry.key == "?" {
      for item in items.prefix(16) { call(entry.value, heap.newTuple([item]).value) }
    }
  }

  private mutating func call(_ value: PickleValue, _ arguments: PickleValue) {
    if isCallable(value) {
      _ = invoke(value, arguments, via: "planted", depth: 1)
    } else {
      let isCarried = heap.object(value).map { meaning(of: $0.callee) == .makesFunction } ?? false
      recorder.invoke(
        callee: value, path: isCarried ? path(of: value) ?? "?" : "?", via: "planted", opcode: opcode,
        range: ByteRange(opcodeStart, stream.position)
      ) { renderArguments(arguments, keywords: .none) }
    }
  }

  // MARK: Handing over

  /// Functions that keep what they are given, or look at it without calling it.
  private func onlyKeeps(_ meaning: CallMeaning?) -> Bool {
    switch meaning {
    case .attribute, .partial, .attributeGetter, .methodCaller, .namespace, .item, .reconstruct, .makesClass,
      .setsClass:
      true
    default: false
    }
  }

  /// A function may call what it is given, and methods of it: whatever can be called there is stated as if it was.
  mutating func noteHandedOver(
    _ arguments: PickleValue, _ keywords: PickleValue, meaning: CallMeaning?, depth: Int
  ) {
    if stubs(in: arguments, depth: 2).contains(where: { isUnreadWrapper($0) }) {
      recorder.noteHiddenWrapper(at: opcodeStart)
    }
    guard depth < 3, !onlyKeeps(meaning) else { return }
    // Of these the function that is called is followed.
    if meaning?.callsFirst != true {
      for value in argumentItems(arguments).prefix(16) { hand(over: value, depth: depth) }
      for value in heap.items(of: keywords, orNothing: true).prefix(32) { hand(over: value, depth: depth) }
    }
    guard !held.objects.isEmpty else { return }
    for value in stubs(in: arguments, depth: 3) + stubs(in: keywords, depth: 2) where value.tag == .object {
      for entry in held.objects[value.index] ?? [] where isCallable(entry.value) || PicklePlanted.isProtocol(entry.key)
      {
        state(entry.value, via: "planted", depth: depth)
      }
    }
  }

  /// What a partial is given by name, it hands over when it is called.
  mutating func noteKept(_ keywords: PickleValue, depth: Int) {
    for value in heap.items(of: keywords, orNothing: true).prefix(32) { hand(over: value, depth: depth) }
  }

  /// A function in a list counts as well: `numpy.piecewise(x, [condition], [function])`.
  private mutating func hand(over value: PickleValue, depth: Int) {
    let parts = value.tag == .list ? argumentItems(value).prefix(8) : [value]
    for part in parts where isCallable(part) {
      state(part, via: isFunctionLike(part) ? "handed-over" : "handed-over-class", depth: depth)
    }
  }

  /// Methods that Python calls when a class of the pickle itself is called, or made an object of.
  mutating func callOwn(of callee: PickleValue, _ arguments: PickleValue, isInstance: Bool) {
    guard callee.tag == .object, let entries = held.objects[callee.index] else { return }
    let names: Set<String> = isInstance ? ["__new__", "__del__"] : ["__new__", "__init__", "__call__", "__del__"]
    for entry in entries where names.contains(entry.key) { call(entry.value, arguments) }
  }

  private mutating func state(_ value: PickleValue, via: String, depth: Int) {
    if let object = heap.object(value), object.kind == .partial {
      _ = invoke(value, .emptyTuple, via: via, depth: depth &+ 1)
      return
    }
    recorder.invoke(
      callee: value, path: isCallable(value) ? path(of: value) ?? "?" : "?", via: via, opcode: opcode,
      range: ByteRange(opcodeStart, stream.position)
    ) { ["?"] }
  }

  /// Classes are written with a capital; to make an object of one is a small thing, and most are given to be just that.
  private func isFunctionLike(_ value: PickleValue) -> Bool {
    guard let last = path(of: value)?.split(separator: ".").last?.drop(while: { $0 == "_" }).first else { return true }
    return !last.isUppercase
  }

  /// Imported things and objects in a value, through tuples, lists and dicts; at most 64.
  func stubs(in value: PickleValue, depth: Int) -> [PickleValue] {
    var waiting = [(value, depth)]
    var found: [PickleValue] = []
    while let (at, left) = waiting.popLast(), found.count < 64, waiting.count < 256 {
      if at.isStub {
        found.append(at)
      } else if left > 0 {
        switch at.tag {
        case .tuple, .frozenSet, .list, .set, .dict:
          waiting += argumentItems(at).prefix(64).map { ($0, left &- 1) }
        default: break
        }
      }
    }
    return found
  }

  // MARK: BUILD on what Python shares or has a state of its own for

  /// Functions whose result everybody shares.
  private static let shared: Set<String> = ["logging.getLogger", "logging.Manager.getLogger"]
  private static let aliases: Set<String> = [
    "types.GenericAlias", "typing._GenericAlias", "typing._SpecialGenericAlias", "typing._BaseGenericAlias",
    "builtins.GenericAlias",
  ]

  /// What else a BUILD sets attributes of: the class behind an alias, an object of the whole process.
  func sharedTarget(of object: PickleHeap.Object) -> PickleValue? {
    guard object.callee.tag == .global, let callee = path(of: object.callee) else { return nil }
    if Self.shared.contains(callee) { return object.callee }
    return Self.aliases.contains(callee) ? argumentItems(object.arguments).first { $0.isStub } : nil
  }

  /// BUILD on a `functools.partial` replaces its function and arguments: `(func, args, keywords, dict)`.
  mutating func rebuildPartial(_ instance: PickleValue, _ state: PickleValue) {
    let items = heap.tupleItems(state)
    guard items.count == 4, heap.objects.indices.contains(instance.index) else { return }
    let bound = [items[0]] + argumentItems(items[1])
    heap.objects[instance.index].arguments = heap.newTuple(bound[...]).value
    noteHandedOver(items[2], .none, meaning: nil, depth: 0)
    plant(items[3], on: instance)
  }
}

extension PickleHeap {
  /// Items of a dict; none for what is no container.
  func items(of value: PickleValue, orNothing: Bool) -> [PickleValue] {
    switch value.tag {
    case .list, .dict, .set: items(of: value).items
    default: []
    }
  }
}
