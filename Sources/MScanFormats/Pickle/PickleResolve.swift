import MScanBytes

/// What Python's own functions make of other callables, as far as an attacker can chain them in a pickle. This is
/// meaning, not judgement: which names are dangerous is for the rules.
enum CallMeaning: Sendable {
  /// `getattr(x, "name")`
  case attribute
  /// `__import__("a.b")` gives `a`
  case importTop
  /// `import_module("a.b")`, `locate("a.b.c")`
  case importDotted
  case partial, attributeGetter, methodCaller
  /// `vars(x)`
  case namespace
  /// `getitem(vars(x), "name")`
  case item
  /// `map(f, items)`
  case map
  /// `starmap(f, tuples)`
  case starMap
  /// `reduce(f, items, start)`
  case fold
  /// `accumulate(items, f)`
  case accumulate
  /// `apply(f, arguments)`
  case apply
  /// `operator.call(f, *arguments)`
  case call
  /// `_codecs.encode(text, encoding)`, `bytearray(b)`, `io.BytesIO(b)`
  case bytes
  /// Unpickles the bytes it is given.
  case loads
  /// The same of a path or a file, whose bytes may be at hand.
  case load
  /// `copyreg._reconstructor(class, base, state)` makes the object with `base(state)`.
  case reconstruct
  /// `type(name, bases, names)`: what it makes is a class with those names.
  case makesClass
  /// Sets names of a class that was made before.
  case setsClass
  /// Makes a function of code that the pickle carries.
  case makesFunction

  static func of(_ path: String) -> CallMeaning? { table[path] }

  /// A function that it is given is called at once, and followed.
  var callsFirst: Bool {
    switch self {
    case .map, .starMap, .fold, .accumulate, .apply, .call: true
    default: false
    }
  }

  private static let table: [String: CallMeaning] = {
    let rows: [(CallMeaning, [String])] = [
      (
        .attribute,
        [
          "builtins.getattr", "inspect.getattr_static", "builtins.object.__getattribute__",
          "builtins.type.__getattribute__", "operator.getattr",
        ]
      ),
      (.importTop, ["builtins.__import__", "importlib.__import__", "importlib._bootstrap.__import__"]),
      (
        .importDotted,
        [
          "importlib.import_module", "importlib._bootstrap._gcd_import", "pydoc.locate", "pydoc.safeimport",
          "pkgutil.resolve_name", "test.support.import_helper.import_module", "_pytest.compat.importorskip",
        ]
      ),
      (.partial, ["functools.partial", "_functools.partial", "functools.partialmethod", "types.MethodType"]),
      (.attributeGetter, ["operator.attrgetter", "_operator.attrgetter"]),
      (.methodCaller, ["operator.methodcaller", "_operator.methodcaller"]),
      (.namespace, ["builtins.vars", "inspect.getmembers"]),
      (
        .item,
        [
          "operator.getitem", "_operator.getitem", "builtins.dict.get", "builtins.dict.__getitem__",
          "operator.__getitem__",
        ]
      ),
      (
        .map,
        ["builtins.map", "builtins.filter", "itertools.takewhile", "itertools.dropwhile", "itertools.filterfalse"]
      ),
      (.starMap, ["itertools.starmap"]),
      (.fold, ["functools.reduce", "_functools.reduce"]),
      (.accumulate, ["itertools.accumulate"]),
      (
        .reconstruct,
        ["copyreg._reconstructor", "copy_reg._reconstructor"]
      ),
      (
        .makesClass,
        [
          "builtins.type", "types.new_class", "dill._dill._create_type", "dill._dill._create_class",
          "cloudpickle.cloudpickle._make_skeleton_class",
          "joblib.externals.cloudpickle.cloudpickle._make_skeleton_class",
          "ray.cloudpickle.cloudpickle._make_skeleton_class", "pyspark.cloudpickle.cloudpickle._make_skeleton_class",
        ]
      ),
      (
        .makesFunction,
        [
          "cloudpickle.cloudpickle._make_function", "cloudpickle.cloudpickle._make_skel_func",
          "cloudpickle.cloudpickle._fill_function", "joblib.externals.cloudpickle.cloudpickle._make_function",
          "joblib.externals.cloudpickle.cloudpickle._make_skel_func", "ray.cloudpickle.cloudpickle._make_function",
          "pyspark.cloudpickle.cloudpickle._make_function", "dill._dill._create_function", "types.FunctionType",
        ]
      ),
      (
        .setsClass,
        [
          "cloudpickle.cloudpickle._class_setstate", "cloudpickle.cloudpickle_fast._class_setstate",
          "cloudpickle.cloudpickle._rehydrate_skeleton_class",
          "joblib.externals.cloudpickle.cloudpickle._class_setstate",
          "joblib.externals.cloudpickle.cloudpickle_fast._class_setstate",
          "joblib.externals.cloudpickle.cloudpickle._rehydrate_skeleton_class",
          "ray.cloudpickle.cloudpickle._class_setstate", "pyspark.cloudpickle.cloudpickle._class_setstate",
        ]
      ),
      (.apply, ["builtins.apply", "__builtin__.apply"]),
      (.call, ["operator.call", "_operator.call"]),
      (
        .bytes,
        [
          "_codecs.encode", "codecs.encode", "builtins.bytes", "builtins.bytearray", "builtins.memoryview",
          "_io.BytesIO", "io.BytesIO", "_codecs.latin_1_encode",
        ]
      ),
      (
        .loads,
        [
          "pickle.loads", "pickle._loads", "_pickle.loads", "dill.loads", "dill._dill.loads", "cloudpickle.loads",
          "cloudpickle.cloudpickle.loads", "torch.storage._load_from_bytes", "jsonpickle.decode",
          "torch.utils.data.datapipes.datapipe._IterDataPipeSerializationWrapper",
          "torch.utils.data.datapipes.datapipe._MapDataPipeSerializationWrapper",
          "torch.utils.data.datapipes.datapipe._DataPipeSerializationWrapper",
        ]
      ),
      (
        .load,
        [
          "pickle.load", "_pickle.load", "pickle._load", "pickle.Unpickler", "_pickle.Unpickler", "pickle._Unpickler",
          "dill.load", "dill._dill.load", "cloudpickle.load", "torch.load", "torch.serialization.load", "joblib.load",
          "joblib.numpy_pickle.load", "pandas.read_pickle", "pandas.io.pickle.read_pickle", "numpy.load",
          "numpy.lib.npyio.load",
        ]
      ),
    ]
    var table: [String: CallMeaning] = [:]
    for (meaning, names) in rows { for name in names { table[name] = meaning } }
    return table
  }()
}

extension PickleMachine {
  /// Positional arguments, as far as they are at hand.
  func argumentItems(_ value: PickleValue) -> [PickleValue] {
    switch value.tag {
    case .plainTuple, .tuple, .frozenSet: heap.tupleItems(value)
    case .list, .set, .dict: heap.items(of: value).items
    default: []
    }
  }

  /// The dotted path a value stands for: of a global, of what `getattr` and friends reach; `f()` for a result.
  func path(of value: PickleValue) -> String? {
    switch value.tag {
    case .global: return recorder.path(of: value.index)
    case .object:
      guard let object = heap.object(value) else { return nil }
      if object.path >= 0, heap.paths.indices.contains(Int(object.path)) { return heap.paths[Int(object.path)] }
      switch object.kind {
      case .persistentID: return "?"
      case .instance, .result, .madeBytes, .partial, .attributeGetter, .methodCaller:
        if object.callee.tag == .global { return recorder.path(of: object.callee.index) + "()" }
        if let inner = heap.object(object.callee), inner.path >= 0, heap.paths.indices.contains(Int(inner.path)) {
          return heap.paths[Int(inner.path)] + "()"
        }
        return "?"
      default: return nil
      }
    default: return nil
    }
  }

  private static let pathLimit = 300

  private mutating func reference(_ path: String) -> PickleValue {
    heap.newObject(.reference, path: path.utf8.count > Self.pathLimit ? String(path.prefix(Self.pathLimit)) : path)
  }

  /// Text of an argument that names an attribute or a module; `?` when it was computed.
  private func nameText(_ value: PickleValue?) -> String {
    guard let value, value.isText else { return "?" }
    return text(of: value, limit: 256)
  }

  /// A call: states it, follows what it means, and gives the value that stands for its result.
  mutating func invoke(
    _ callee: PickleValue, _ arguments: PickleValue, via: String, keywords: PickleValue = .none, depth: Int = 0
  ) -> PickleValue {
    guard depth < 8 else { return heap.newObject(.result, callee: callee, arguments: arguments) }
    if let object = heap.object(callee), let result = invokeMade(object, arguments, depth: depth) { return result }
    let isInstance = via == "newobj" || via == "newobj-ex"
    let path = path(of: callee) ?? "?"
    // A class that only `__new__` makes does not run its `__init__`, so it has no meaning to follow.
    let meaning = meaning(of: callee)
    recorder.invoke(
      callee: callee, path: path, via: via, opcode: opcode, range: ByteRange(opcodeStart, stream.position)
    ) { renderArguments(arguments, keywords: keywords) }
    noteNestedBytes(arguments, meaning: meaning)
    noteHandedOver(arguments, keywords, meaning: meaning, depth: depth)
    if let meaning {
      if meaning == .partial { noteKept(keywords, depth: depth) }
      if let result = follow(meaning, callee, arguments, depth: depth) { return result }
      // Its function is not where it should be: by name, or in what a call made.
      if meaning.callsFirst { noteHandedOver(arguments, keywords, meaning: nil, depth: depth) }
    }
    if !held.objects.isEmpty { callOwn(of: callee, arguments, isInstance: isInstance) }
    let result = heap.newObject(isInstance ? .instance : .result, callee: callee, arguments: arguments)
    noteSize(of: result, path: path, arguments)
    return result
  }

  func meaning(of callee: PickleValue) -> CallMeaning? {
    callee.tag == .global ? recorder.meaning(of: callee.index) : path(of: callee).flatMap { CallMeaning.of($0) }
  }

  /// Calling what a call made: a partial, an attribute getter, a method caller.
  private mutating func invokeMade(
    _ object: PickleHeap.Object, _ arguments: PickleValue, depth: Int
  ) -> PickleValue? {
    let bound = argumentItems(object.arguments)
    let given = argumentItems(arguments)
    switch object.kind {
    case .partial:
      guard let inner = bound.first, inner.isStub else { return nil }
      let all = heap.newTuple((Array(bound.dropFirst()) + given)[...]).value
      return invoke(inner, all, via: "partial", depth: depth &+ 1)
    case .attributeGetter:
      guard let target = given.first else { return nil }
      return reference((path(of: target) ?? "?") + "." + nameText(bound.first))
    case .methodCaller:
      guard let target = given.first else { return nil }
      let method = reference((path(of: target) ?? "?") + "." + nameText(bound.first))
      let rest = heap.newTuple(Array(bound.dropFirst())[...]).value
      return invoke(method, rest, via: "methodcaller", depth: depth &+ 1)
    default: return nil
    }
  }

  private mutating func follow(
    _ meaning: CallMeaning, _ callee: PickleValue, _ arguments: PickleValue, depth: Int
  ) -> PickleValue? {
    let items = argumentItems(arguments)
    switch meaning {
    case .attribute:
      guard items.count >= 2 else { return nil }
      return reference((path(of: items[0]) ?? literalType(items[0])) + "." + nameText(items[1]))
    case .importTop:
      let name = nameText(items.first)
      return reference(items.count > 3 ? name : String(name.prefix { $0 != "." }))
    case .importDotted: return reference(String(nameText(items.first).map { $0 == ":" ? "." : $0 }))
    case .partial: return heap.newObject(.partial, callee: callee, arguments: arguments)
    case .attributeGetter: return heap.newObject(.attributeGetter, callee: callee, arguments: arguments)
    case .methodCaller: return heap.newObject(.methodCaller, callee: callee, arguments: arguments)
    case .namespace: return heap.newObject(.namespace, path: (items.first.flatMap { path(of: $0) } ?? "?"))
    case .item: return followItem(items)
    case .map, .starMap: return followMap(items, callee, arguments, star: meaning == .starMap, depth: depth)
    case .fold: return followFold(items, depth: depth)
    case .accumulate: return followFold(Array(items.prefix(2).reversed()), depth: depth)
    case .reconstruct:
      if items.count > 2, items[1].isStub, !isPlainType(items[1]) {
        _ = invoke(items[1], heap.newTuple([items[2]]).value, via: "reconstructor", depth: depth &+ 1)
      }
      return nil
    case .makesClass:
      let made = heap.newObject(.result, callee: callee, arguments: arguments)
      for item in items where item.tag == .dict { plant(item, on: made, isClass: true) }
      return made
    case .setsClass:
      if let made = items.first { for item in items.dropFirst() { plant(item, on: made, isClass: true) } }
      return items.first
    case .apply, .call:
      guard let inner = items.first, inner.isStub else { return nil }
      let rest =
        meaning == .call
        ? heap.newTuple(Array(items.dropFirst())[...]).value : items.count > 1 ? items[1] : .emptyTuple
      return invoke(inner, rest, via: "apply", depth: depth &+ 1)
    case .bytes:
      let made = heap.newObject(.madeBytes, callee: callee, arguments: arguments)
      noteSize(of: made, path: path(of: callee) ?? "?", arguments)
      return made
    case .loads, .load, .makesFunction: return nil
    }
  }

  /// `object` and the types of data, whose `__new__` does nothing but keep what it is given.
  private func isPlainType(_ value: PickleValue) -> Bool {
    guard let path = path(of: value), let dot = path.lastIndex(of: ".") else { return false }
    return path[..<dot] == "builtins"
  }

  private func literalType(_ value: PickleValue) -> String {
    switch value.tag {
    case .text, .longText: "builtins.str"
    case .bytes, .longBytes: "builtins.bytes"
    case .list: "builtins.list"
    case .dict: "builtins.dict"
    case .set: "builtins.set"
    case .emptyTuple, .plainTuple, .tuple: "builtins.tuple"
    default: "?"
    }
  }

  private mutating func followItem(_ items: [PickleValue]) -> PickleValue? {
    guard items.count >= 2, let base = path(of: items[0]) else { return nil }
    let key = nameText(items[1])
    // `sys.modules["os"]` is the module itself.
    if base == "sys.modules" || base.hasSuffix(".sys.modules") { return reference(key) }
    if base.hasSuffix(".__builtins__") || base.hasSuffix("__globals__.__builtins__") {
      return reference("builtins." + key)
    }
    return reference(base + "." + key)
  }

  private mutating func followMap(
    _ items: [PickleValue], _ callee: PickleValue, _ arguments: PickleValue, star: Bool, depth: Int
  ) -> PickleValue? {
    guard items.count >= 2, items[0].isStub else { return nil }
    for item in argumentItems(items[1]).prefix(16) {
      let one = star ? item : heap.newTuple([item]).value
      _ = invoke(items[0], one, via: "map", depth: depth &+ 1)
    }
    if argumentItems(items[1]).isEmpty { _ = invoke(items[0], .emptyTuple, via: "map", depth: depth &+ 1) }
    return heap.newObject(.result, callee: callee, arguments: arguments)
  }

  private mutating func followFold(_ items: [PickleValue], depth: Int) -> PickleValue? {
    guard items.count >= 2, items[0].isStub else { return nil }
    var rest = argumentItems(items[1])[...]
    guard let start = items.count > 2 ? items[2] : rest.popFirst() else { return nil }
    var total = start
    for item in rest.prefix(16) {
      total = invoke(items[0], heap.newTuple([total, item]).value, via: "fold", depth: depth &+ 1)
    }
    return total
  }

  // MARK: Bytes that are given to something

  /// Bytes handed to a call may be a pickle or an archive of their own: they become child artifacts.
  mutating func noteNestedBytes(_ arguments: PickleValue, meaning: CallMeaning?) {
    let isLoader = meaning == .loads || meaning == .load
    for item in argumentItems(arguments).prefix(8) {
      switch item.tag {
      case .bytes, .longBytes:
        let (offset, count, _) = spanOf(item)
        recorder.giveBytes(at: offset, count, toLoader: isLoader)
      case .text where meaning == .loads, .longText where meaning == .loads:
        let (offset, count, kind) = spanOf(item)
        if kind == .latin1 {
          recorder.giveBytes(at: offset, count, toLoader: true)
        } else {
          recorder.giveMade(madeBytes(item), at: opcodeStart)
        }
      case .byteArray:
        if let inner = heap.items(of: item).items.first, inner.isBytes {
          let (offset, count, _) = spanOf(inner)
          recorder.giveBytes(at: offset, count, toLoader: isLoader)
        }
      case .object where heap.object(item)?.kind == .madeBytes && isLoader:
        if !giveMadeBytes(item, depth: 0) { noteComputedBytes(item) }
      case .object where isLoader: noteComputedBytes(item)
      default: break
      }
    }
  }

  /// An unpickler is given what a call returns. Keyword values such as `torch.device("cpu")` come in dicts.
  private func noteComputedBytes(_ value: PickleValue) {
    guard !recorder.isAnomalyFull else { return }
    recorder.note(
      "pickle.computed-bytes", at: opcodeStart, end: stream.position, opcode: opcode, field: "REDUCE",
      detail: "they come from \(path(of: value) ?? "?")")
  }

  /// - Returns: whether the bytes are known.
  private mutating func giveMadeBytes(_ value: PickleValue, depth: Int) -> Bool {
    guard depth < 4, let object = heap.object(value), let source = argumentItems(object.arguments).first else {
      return false
    }
    if source.isBytes {
      let (offset, count, _) = spanOf(source)
      recorder.giveBytes(at: offset, count, toLoader: true)
    } else if source.isText {
      recorder.giveMade(madeBytes(source), at: opcodeStart)
    } else {
      return giveMadeBytes(source, depth: depth &+ 1)
    }
    return true
  }

  /// The bytes that `text.encode("latin1")` gives, which is how protocols below 3 write bytes.
  private func madeBytes(_ value: PickleValue) -> [UInt8] {
    let limit = limits.heldBytes
    var bytes: [UInt8] = []
    for scalar in text(of: value, limit: limit).unicodeScalars {
      bytes.append(scalar.value < 256 ? UInt8(truncatingIfNeeded: scalar.value) : 0x3f)
    }
    return bytes
  }
}
