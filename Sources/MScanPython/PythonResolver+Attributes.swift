import MScanBytes

/// What attributes and entries are.
extension PythonResolver {
  /// A built-in thing by its name.
  mutating func builtin(_ name: String) -> [PythonValue] { paths.single(paths.member(name, of: builtins)) }

  func assigned(to attribute: UInt32) -> [NodeID] {
    scopes.attributeValues.indices.contains(Int(attribute)) ? scopes.attributeValues[Int(attribute)] : []
  }

  /// An attribute of a value, for a name of the module, by its number.
  mutating func attribute(_ name: UInt32, of value: PythonValue) -> [PythonValue] {
    if case .path(let path) = value, !Self.isSpecial(tree.names.firstByte(of: name)) {
      return paths.length(path) > Self.pathLength ? [] : paths.single(paths.member(name, of: path))
    }
    return attribute(tree.names.text(name), of: value)
  }

  /// What an attribute is whatever it hangs on: every frame and every module leads to the built-in names.
  mutating func attributeOfAnything(_ name: UInt32) -> [PythonValue] {
    guard Self.isSpecial(tree.names.firstByte(of: name)) else { return [] }
    let text = tree.names.text(name)
    return text == "f_builtins" || text == "__builtins__" ? paths.single(builtins) : []
  }

  /// Bytes of a dotted name above which nothing more is hung on it. 400.
  static let pathLength = 400

  mutating func attribute(_ name: String, of value: PythonValue) -> [PythonValue] {
    if case .path(let path) = value, !Self.isSpecial(name.utf8.first ?? 0) { return member(name, of: path) }
    switch name {
    // A frame leads to the names of whatever runs in it.
    case "f_builtins": return paths.single(builtins)
    case "f_globals", "f_locals": return [.namespace]
    default: break
    }
    switch value {
    case .path(let path):
      if name == "__builtins__" { return paths.single(builtins) }
      // Whatever the class is, its base is `object` in the end.
      if isObject(path), ["__class__", "__base__", "__bases__", "__mro__"].contains(name) { return [value] }
      // `f.__call__` is `f`, and `m.__dict__` is looked into with an index.
      if name == "__call__" || name == "__func__" || name == "__wrapped__" { return [value] }
      // A built-in function hangs on its module, and any other leads to the names of its module.
      if name == "__self__", let module = paths.parent(path) { return [.path(module)] }
      if name == "__globals__", let module = paths.parent(path) { return member("__dict__", of: module) }
      return member(name, of: path)
    case .text, .bytes, .list, .dictionary, .integer, .none:
      if name == "__class__" { return builtin("object") }
      return [.method(value, name)]
    case .namespace:
      let found = global(name)
      return Self.tableMethods.contains(name) && found == builtin(name) ? [.method(value, name)] : found
    case .function:
      if name == "__globals__" { return [.namespace] }
      return name == "__call__" ? [value] : []
    case .classDefinition(let node): return member(name, of: node)
    case .instance(let node): return attribute(name, ofInstance: node)
    default: return name == "__builtins__" ? paths.single(builtins) : []
    }
  }

  mutating func member(_ name: String, of path: DottedPath) -> [PythonValue] {
    paths.length(path) > Self.pathLength ? [] : paths.single(paths.member(name, of: path))
  }

  mutating func isObject(_ path: DottedPath) -> Bool { path == paths.member("object", of: builtins) }

  /// Whether a name is one that ``attribute(_:of:)`` knows: those of Python's own start with `__` or `f_`.
  static func isSpecial(_ first: UInt8) -> Bool { first == UInt8(ascii: "_") || first == UInt8(ascii: "f") }

  /// What the body of a class, or of its bases in this module, binds a name to.
  mutating func member(_ name: String, of node: NodeID) -> [PythonValue] {
    guard let number = tree.names.number(of: name) else { return [] }
    var open = [node]
    var seen: Set<NodeID> = []
    while let next = open.popLast(), seen.count < 32 {
      guard seen.insert(next).inserted, let scope = scopes.opened[next] else { continue }
      if let found = bound(number, in: scope) { return found }
      if let own = unmangled(name, in: next), let found = bound(own, in: scope) { return found }
      for child in children(next) where tree[child].kind == .arguments {
        for base in children(child) {
          for case .classDefinition(let parent) in values(of: base) { open.insert(parent, at: 0) }
        }
      }
    }
    return []
  }

  /// `_Model__run` is what the class `Model` calls `__run`.
  private func unmangled(_ name: String, in node: NodeID) -> UInt32? {
    guard name.utf8.first == UInt8(ascii: "_"), tree[node].kind == .classDefinition else { return nil }
    let own = tree.names.text(tree[node].data).drop { $0 == "_" }
    guard name.dropFirst().hasPrefix(own + "__") else { return nil }
    return tree.names.number(of: String(name.dropFirst(own.count + 1)))
  }

  // MARK: - Tables of names

  /// Methods of a dictionary that give what is in it.
  static let tableMethods: Set<String> = [
    "get", "pop", "setdefault", "__getitem__", "copy", "items", "values", "popitem", "__or__", "__ror__",
  ]

  /// `m.__dict__`, `__builtins__` (a module or a dictionary), `sys.modules`, `globals()`.
  mutating func isTable(_ value: PythonValue) -> Bool {
    switch value {
    case .namespace: return true
    case .path(let path):
      if path == builtins { return true }
      let last = paths.last(path)
      return last == "__dict__" || last == "modules" && paths.text(path) == "sys.modules"
    default: return false
    }
  }

  /// What a method of such a table gives.
  mutating func entries(of table: PythonValue, by method: String, _ arguments: [NodeID]) -> [PythonValue] {
    switch method {
    case "get", "pop", "setdefault", "__getitem__":
      guard let key = arguments.first else { return [] }
      let found = items(of: table, at: key)
      return arguments.count > 1 ? found + values(of: arguments[1]) : found
    case "copy", "__or__", "__ror__": return [table]
    case "items", "values", "popitem":
      guard case .path(let path) = table else { return [] }
      guard let any = anyEntry(of: path).first else { return [] }
      let pair = PythonValue.list([.none, any])
      return method == "popitem" ? [pair] : [.list([method == "items" ? pair : any])]
    default: return []
    }
  }

  /// One of all that a table holds.
  private mutating func anyEntry(of path: DottedPath) -> [PythonValue] {
    if path == builtins { return member("?", of: path) }
    switch paths.last(path) {
    case "modules": return [.path(paths.path("?"))]
    case "__dict__": return paths.parent(path).map { member("?", of: $0) } ?? []
    default: return []
    }
  }

  mutating func item(_ id: NodeID) -> [PythonValue] {
    let parts = children(id)
    guard parts.count == 2 else { return [] }
    var found: [PythonValue] = []
    for object in values(of: parts[0]) { found += items(of: object, at: parts[1]) }
    if tree[parts[0]].kind == .attribute, tree.names.text(tree[parts[0]].data) == "__builtins__", found.isEmpty {
      found += values(of: parts[1]).compactMap(\.asText).flatMap { builtin($0) }
    }
    if tree[parts[0]].kind == .name {
      for entry in scopes.itemValues[tree[parts[0]].data] ?? [] { found += values(of: entry.value) }
    }
    return found
  }

  mutating func items(of object: PythonValue, at index: NodeID) -> [PythonValue] {
    if tree[index].kind == .slice { return slice(object, index).map { [$0] } ?? [] }
    let keys = values(of: index)
    switch object {
    case .path(let path) where isObject(path): return [object]
    case .path(let path):
      if paths.last(path) == "?" { return [object] }
      // `local["bash"]["-c", "true"]`: programs and their arguments are an index.
      if paths.text(path) == "plumbum.local" { return [object] }
      if keys.compactMap(\.asText).isEmpty, keys.allSatisfy({ !$0.isPath }), isTable(object) {
        return anyEntry(of: path)
      }
      let isOwn = paths.last(path) == "modules" && keys.contains(.path(paths.path("builtins.__name__")))
      return keys.compactMap(\.asText).compactMap { entry($0, of: path) }
        + (isOwn && paths.text(path) == "sys.modules" ? [.namespace] : [])
    case .namespace:
      // Whatever this module has, the modules that it imports among it.
      if !keys.contains(where: { $0.asText != nil }) { return [.path(paths.path("?"))] }
      return keys.compactMap(\.asText).flatMap { global($0) }
    case .dictionary(let node): return entries(of: node, at: keys)
    case .list, .text, .bytes:
      guard let elements = object.elements else { return [] }
      charge(elements.count >> 4)
      if keys.isEmpty { return some(of: elements) }
      return keys.compactMap(\.asInteger).compactMap { position in
        let at = position < 0 ? position + elements.count : position
        return elements.indices.contains(at) ? elements[at] : nil
      }
    case .instance: return given(byMethod: "__getitem__", of: object)
    case .classDefinition: return given(byMethod: "__class_getitem__", of: object)
    default: return []
    }
  }

  /// `sys.modules["os"]`, `os.__dict__["system"]`, `__builtins__["eval"]`.
  private mutating func entry(_ key: String, of path: DottedPath) -> PythonValue? {
    guard key.utf8.count < 200 else { return nil }
    if key == "__builtins__" { return .path(builtins) }
    if path == builtins { return .path(paths.member(key, of: path)) }
    switch paths.last(path) {
    case "modules": return paths.text(path) == "sys.modules" ? .path(paths.path(key)) : nil
    case "__dict__": return paths.parent(path).map { .path(paths.member(key, of: $0)) }
    // `ctypes.cdll["libc.so.6"]["system"]`: loaders of libraries take the names of files and functions as an index.
    default: return paths.text(path).hasPrefix("ctypes.") ? .path(paths.member(key, of: path)) : nil
    }
  }

  /// Dictionaries that are looked into, one in the other, for what one spreads. 8.
  private static let spreadBound = 8

  /// What a table, or a dictionary as it is written, holds under a name.
  mutating func items(of table: PythonValue, named key: String) -> [PythonValue] {
    switch table {
    case .dictionary(let node): return entries(of: node, at: [.text(key)])
    case .namespace: return global(key)
    case .path(let path) where isTable(table): return entry(key, of: path).map { [$0] } ?? []
    default: return []
    }
  }

  mutating func entries(of node: NodeID, at keys: [PythonValue]) -> [PythonValue] {
    let parts = children(node)
    var all: [PythonValue] = []
    var at = 0
    charge(1 + parts.count >> 1)
    while fuel > 0, at < parts.count, at + 1 < parts.count || tree[parts[at]].kind == .doubleStarred {
      if tree[parts[at]].kind == .doubleStarred {
        // A dictionary may hold itself: `options = {**options}`.
        spread += 1
        if spread <= Self.spreadBound {
          for table in values(of: tree[parts[at]].first) {
            for key in keys.compactMap(\.asText) { all += items(of: table, named: key) }
          }
        }
        spread -= 1
        at += 1
        continue
      }
      let isOther = keys.count == 1 && value(of: parts[at]).map { $0 != keys[0] } ?? false
      if !isOther { all += values(of: parts[at + 1]) }
      at += 2
    }
    return all
  }
}
