import MScanBytes

/// Finds out what expressions are: which importable thing a name, an attribute or a call stands for, and what constant
/// texts and bytes come to.
///
/// Answers are of what *could* be: each branch of a condition counts, and each assignment to a name. Nothing is run but
/// arithmetic on constants, within bounds on steps, levels and sizes.
struct PythonResolver {
  let tree: PythonTree
  let scopes: PythonScopes
  var paths: DottedPaths
  let builtins: DottedPath
  /// Steps left, from ``Limits/pythonSteps``.
  private var fuel: Int
  /// ``Limits/pythonMeaning``.
  private let depthBound: Int
  /// Computed values of a module together. Bytes; 16 MiB.
  var room = 1 << 24
  /// A text or bytes that is computed. Bytes; 1 MiB.
  static let sizeBound = 1 << 20
  /// Values of one expression that are kept: importable things, and others. Counts; 4,096 and 8.
  static let pathBound = 4096
  static let valueBound = 8

  /// Answers, by node.
  private var memo: [[PythonValue]?]
  /// Names with a value of their own while a comprehension is worked out.
  var environment: [UInt32: PythonValue] = [:]
  /// Calls of each function or lambda of the module, for what its parameters are.
  var callSites: [NodeID: [NodeID]] = [:]
  private var depth = 0
  /// Expressions that are being worked out, by node.
  private var active: [Bool]
  /// Values of names, by the number of the name in its scope, and of attributes, by the name's; those that are being
  /// worked out are marked.
  private var boundValues: [Answer]
  private var assignedToAttribute: [Answer]
  /// The limit that was reached first.
  private(set) var limit: String?

  private enum Answer { case open, active, known([PythonValue]) }

  /// - Parameter paths: those of the scopes.
  init(tree: PythonTree, scopes: PythonScopes, paths: DottedPaths, limits: Limits) {
    self.tree = tree
    self.scopes = scopes
    self.paths = paths
    builtins = self.paths.path("builtins")
    boundValues = [Answer](repeating: .open, count: scopes.boundCount)
    assignedToAttribute = [Answer](repeating: .open, count: scopes.attributeValues.count)
    memo = [[PythonValue]?](repeating: nil, count: tree.nodes.count)
    active = [Bool](repeating: false, count: tree.nodes.count)
    fuel = limits.pythonSteps
    depthBound = limits.pythonMeaning
  }

  /// Everything the expression could be; empty when nothing is known of it.
  mutating func values(of node: NodeID) -> [PythonValue] {
    if let known = memo[Int(node)], environment.isEmpty { return known }
    guard depth < depthBound, fuel > 0 else {
      if limit == nil { limit = fuel > 0 ? "pythonMeaning" : "pythonSteps" }
      return []
    }
    // Asked again on the way to its own answer, an expression adds nothing.
    guard !active[Int(node)] else { return [] }
    active[Int(node)] = true
    depth += 1
    fuel -= 1
    let found = kept(compute(node))
    depth -= 1
    active[Int(node)] = false
    if environment.isEmpty { memo[Int(node)] = found }
    return found
  }

  mutating func value(of node: NodeID) -> PythonValue? { values(of: node).first }

  /// Takes steps for work that is more than looking at a node.
  mutating func charge(_ steps: Int) { fuel = max(0, fuel - steps) }

  /// Each value once, within the bounds.
  private mutating func kept(_ values: [PythonValue]) -> [PythonValue] {
    guard values.count > 1 else { return values }
    if values.count > 4 { charge(values.count >> 1) }
    for value in values { charge(value.size >> 8) }
    if values.count == 2 { return values[0] == values[1] ? [values[0]] : values }
    var seen: Set<PythonValue> = []
    var paths = 0
    var others = 0
    return values.filter { value in
      guard seen.insert(value).inserted else { return false }
      guard value.isPath else {
        others += 1
        return others <= Self.valueBound
      }
      paths += 1
      if paths > Self.pathBound, limit == nil { limit = "pythonMeaning" }
      return paths <= Self.pathBound
    }
  }

  func children(_ node: NodeID) -> [NodeID] { Array(tree.children(of: node)) }

  // MARK: - By kind

  private mutating func compute(_ id: NodeID) -> [PythonValue] {
    let node = tree[id]
    switch node.kind {
    case .name: return name(node.data, in: Int(scopes.scopeOf[Int(id)]))
    case .attribute:
      let objects = values(of: node.first)
      let assigned = attributeValues(node.data)
      guard !objects.isEmpty else { return assigned + attributeOfAnything(node.data) }
      if objects.count == 1, assigned.isEmpty { return attribute(node.data, of: objects[0]) }
      return objects.flatMap { attribute(node.data, of: $0) } + assigned
    case .call: return call(id)
    case .item: return item(id)
    case .string: return [PythonLiteral.value(of: node, in: tree.bytes)]
    case .strings: return joined(children(id))
    case .formatString: return formatted(id)
    case .number:
      return PythonLiteral.integer(tree.bytes[Int(node.start)..<Int(node.end)]).map { [.integer($0)] } ?? []
    case .constant:
      switch TokenKind(rawValue: UInt8(truncatingIfNeeded: node.data)) {
      case .kwTrue: return [.integer(1)]
      case .kwFalse: return [.integer(0)]
      case .kwNone: return [.none]
      default: return []
      }
    case .conditional, .boolean, .namedExpression, .await, .starred:
      return alternatives(id).flatMap { values(of: $0) }
    case .unary: return negated(id)
    case .binary: return binary(id)
    case .lambda: return [.function(id)]
    case .list, .tuple, .set:
      let parts = children(id)
      guard parts.count <= 1 << 16 else { return [] }
      return [.list(parts.map { value(of: $0) ?? .none })]
    case .dictionary: return [.dictionary(id)]
    case .listComprehension, .generator, .setComprehension: return comprehension(id)
    default: return []
    }
  }

  /// The expressions that a choice is between, however long its chain is.
  private func alternatives(_ id: NodeID) -> [NodeID] {
    var open = [id]
    var found: [NodeID] = []
    while let next = open.popLast() {
      switch tree[next].kind {
      case .conditional: open += children(next).dropFirst().reversed()
      case .boolean: open += children(next).reversed()
      case .namedExpression: open += children(next).suffix(1)
      case .await, .starred: open.append(tree[next].first)
      default: found.append(next)
      }
    }
    return found
  }

  // MARK: - Names

  private mutating func name(_ name: UInt32, in scope: Int) -> [PythonValue] {
    if let value = environment[name] { return [value] }
    var at = scope
    var isFirst = true
    while true {
      // A class's own names are not seen from the functions in it.
      if isFirst || scopes.scopes[at].kind != .class, let found = bound(name, in: at) { return found }
      if at == 0 { break }
      if scopes.scopes[at].kind == .function { isFirst = false }
      at = scopes.scopes[at].parent
    }
    let builtin = paths.single(paths.member(name, of: builtins))
    if scopes.starImports.isEmpty, tree.names.firstByte(of: name) != UInt8(ascii: "_") { return builtin }
    let text = tree.names.text(name)
    if text == "__builtins__" { return paths.single(builtins) }
    if text == "__doc__" { return docstring() }
    // With it in front, a name is one of the module's own package.
    if text == "__package__" { return [.text("")] }
    return scopes.starImports.map { .path(paths.path($0 + "." + text)) } + builtin
  }

  /// What a name at the level of the module stands for; empty when it has no such name.
  mutating func values(named name: UInt32) -> [PythonValue] { bound(name, in: 0) ?? [] }

  /// The expressions that a name, or an attribute of that name, gets its values from.
  func origins(of node: NodeID) -> [NodeID] {
    if tree[node].kind == .attribute { return Array(assigned(to: tree[node].data).prefix(4)) }
    var at = Int(scopes.scopeOf[Int(node)])
    while true {
      if let found = scopes.found(tree[node].data, in: at) {
        return found.prefix(8).flatMap { binding -> [NodeID] in
          switch binding {
          case .value(let value), .added(let value), .element(let value), .member(let value, _): [value]
          case .parameter(let function, let index): given(index, to: function)
          default: []
          }
        }
      }
      if at == 0 { return [] }
      at = scopes.scopes[at].parent
    }
  }

  /// What the calls in this module give to a parameter, by position.
  private func given(_ index: Int, to function: NodeID) -> [NodeID] {
    guard index >= 0 else { return [] }
    let isMethod = scopes.scopes[Int(scopes.scopeOf[Int(function)])].kind == .class
    let position = isMethod ? index - 1 : index
    return (callSites[function] ?? []).prefix(4).flatMap { site -> [NodeID] in
      let arguments = children(site).dropFirst().filter { tree[$0].kind != .keyword && tree[$0].kind != .starred }
      return position >= 0 && position < arguments.count ? [Array(arguments)[position]] : []
    }
  }

  /// What a name is bound to in one scope; nil when it is not.
  private mutating func bound(_ name: UInt32, in scope: Int) -> [PythonValue]? {
    guard let found = scopes.found(name, in: scope) else { return nil }
    let before = boundValues[found.number]
    switch before {
    case .known(let known) where environment.isEmpty: return known
    case .active: return []
    default: break
    }
    boundValues[found.number] = .active
    let all = kept(found.flatMap { values(of: $0, before: found) })
    boundValues[found.number] = environment.isEmpty ? .known(all) : before
    return all
  }

  private mutating func values(
    of binding: PythonScopes.Binding, before all: PythonScopes.Bindings
  ) -> [PythonValue] {
    switch binding {
    case .value(let node): return values(of: node)
    case .path(let path): return paths.single(path)
    case .function(let node): return [.function(node)]
    case .classDefinition(let node): return [.classDefinition(node)]
    case .element(let node): return values(of: node).flatMap { value in Array((value.elements ?? []).prefix(4)) }
    case .added(let node):
      guard case .value(let first) = all.first, let start = value(of: first), let more = value(of: node) else {
        return []
      }
      return sum(start, more).map { [$0] } ?? []
    case .member(let node, let name): return values(of: node).flatMap { attribute(name, of: $0) }
    case .parameter(let function, let index): return argument(index, of: function)
    case .unknown: return []
    }
  }

  /// What a parameter is given by the calls in this module, or by its default.
  private mutating func argument(_ index: Int, of function: NodeID) -> [PythonValue] {
    guard index >= 0 else { return [] }
    var found: [PythonValue] = []
    let around = scopes.scopes[Int(scopes.scopeOf[Int(function)])]
    let isMethod = around.kind == .class
    // `self`, or the class of a class method.
    if isMethod, index == 0 { found.append(.instance(around.node)) }
    for site in callSites[function] ?? [] {
      let given = children(site).dropFirst().filter {
        tree[$0].kind != .keyword && tree[$0].kind != .starred && tree[$0].kind != .doubleStarred
      }
      let position = isMethod ? index - 1 : index
      if position >= 0, position < given.count { found += values(of: Array(given)[position]) }
    }
    guard let list = tree.children(of: function).first(where: { tree[$0].kind == .parameters }) else { return found }
    let parameters = children(list)
    guard index < parameters.count, tree[parameters[index]].flags & ParameterForm.defaultValue != 0,
      let last = children(parameters[index]).last
    else { return found }
    return found + values(of: last)
  }

  private mutating func docstring() -> [PythonValue] {
    guard let first = tree.children(of: 0).first(where: { _ in true }), tree[first].kind == .expressionStatement,
      tree[tree[first].first].kind == .string
    else { return [] }
    return values(of: tree[first].first)
  }

  /// A name of the module, as `globals()[name]` finds it.
  private mutating func global(_ text: String) -> [PythonValue] {
    if text == "__builtins__" { return paths.single(builtins) }
    if text == "__doc__" { return docstring() }
    if let number = tree.names.number(of: text), let found = bound(number, in: 0) { return found }
    return builtin(text)
  }

  // MARK: - Attributes and items

  /// A built-in thing by its name.
  private mutating func builtin(_ name: String) -> [PythonValue] { paths.single(paths.member(name, of: builtins)) }

  private func assigned(to attribute: UInt32) -> [NodeID] {
    scopes.attributeValues.indices.contains(Int(attribute)) ? scopes.attributeValues[Int(attribute)] : []
  }

  /// Whatever is assigned to an attribute of that name.
  mutating func valuesSet(on name: UInt32) -> [PythonValue] { attributeValues(name) }

  private mutating func attributeValues(_ name: UInt32) -> [PythonValue] {
    let assigned = assigned(to: name)
    guard !assigned.isEmpty else { return [] }
    let before = assignedToAttribute[Int(name)]
    switch before {
    case .known(let known) where environment.isEmpty: return known
    case .active: return []
    default: break
    }
    assignedToAttribute[Int(name)] = .active
    let all = kept(assigned.flatMap { values(of: $0) })
    assignedToAttribute[Int(name)] = environment.isEmpty ? .known(all) : before
    return all
  }

  /// The same for a name of the module, by its number.
  private mutating func attribute(_ name: UInt32, of value: PythonValue) -> [PythonValue] {
    if case .path(let path) = value, !Self.isSpecial(tree.names.firstByte(of: name)) {
      return paths.length(path) > Self.pathLength ? [] : paths.single(paths.member(name, of: path))
    }
    return attribute(tree.names.text(name), of: value)
  }

  /// What an attribute is whatever it hangs on: every frame and every module leads to the built-in names.
  private mutating func attributeOfAnything(_ name: UInt32) -> [PythonValue] {
    guard Self.isSpecial(tree.names.firstByte(of: name)) else { return [] }
    let text = tree.names.text(name)
    return text == "f_builtins" || text == "__builtins__" ? paths.single(builtins) : []
  }

  /// Bytes of a dotted name above which nothing more is hung on it. 400.
  private static let pathLength = 400

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
      return member(name, of: path)
    case .text, .bytes, .list, .dictionary, .integer, .none:
      if name == "__class__" { return builtin("object") }
      return [.method(value, name)]
    case .namespace: return global(name)
    case .function:
      if name == "__globals__" { return [.namespace] }
      return name == "__call__" ? [value] : []
    case .classDefinition(let node), .instance(let node): return member(name, of: node)
    default: return name == "__builtins__" ? paths.single(builtins) : []
    }
  }

  private mutating func member(_ name: String, of path: DottedPath) -> [PythonValue] {
    paths.length(path) > Self.pathLength ? [] : paths.single(paths.member(name, of: path))
  }

  private mutating func isObject(_ path: DottedPath) -> Bool { path == paths.member("object", of: builtins) }

  /// Whether a name is one that ``attribute(_:of:)`` knows: those of Python's own start with `__` or `f_`.
  private static func isSpecial(_ first: UInt8) -> Bool { first == UInt8(ascii: "_") || first == UInt8(ascii: "f") }

  /// What the body of a class, or of its bases in this module, binds a name to.
  private mutating func member(_ name: String, of node: NodeID) -> [PythonValue] {
    guard let number = tree.names.number(of: name) else { return [] }
    var open = [node]
    var seen: Set<NodeID> = []
    while let next = open.popLast(), seen.count < 32 {
      guard seen.insert(next).inserted, let scope = scopes.opened[next] else { continue }
      if let found = bound(number, in: scope) { return found }
      for child in children(next) where tree[child].kind == .arguments {
        for base in children(child) {
          for case .classDefinition(let parent) in values(of: base) { open.insert(parent, at: 0) }
        }
      }
    }
    return []
  }

  private mutating func item(_ id: NodeID) -> [PythonValue] {
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

  private mutating func items(of object: PythonValue, at index: NodeID) -> [PythonValue] {
    if tree[index].kind == .slice { return slice(object, index).map { [$0] } ?? [] }
    let keys = values(of: index)
    switch object {
    case .path(let path) where isObject(path): return [object]
    case .path(let path):
      if keys.isEmpty, paths.last(path) == "modules", paths.text(path) == "sys.modules" {
        // One of all that there are.
        return [.path(paths.path("?"))]
      }
      let isOwn = paths.last(path) == "modules" && keys.contains(.path(paths.path("builtins.__name__")))
      return keys.compactMap(\.asText).compactMap { entry($0, of: path) }
        + (isOwn && paths.text(path) == "sys.modules" ? [.namespace] : [])
    case .namespace: return keys.compactMap(\.asText).flatMap { global($0) }
    case .dictionary(let node): return entries(of: node, at: keys)
    case .list, .text, .bytes:
      guard let elements = object.elements else { return [] }
      charge(elements.count >> 4)
      if keys.isEmpty { return Array(elements.prefix(Self.valueBound)) }
      return keys.compactMap(\.asInteger).compactMap { position in
        let at = position < 0 ? position + elements.count : position
        return elements.indices.contains(at) ? elements[at] : nil
      }
    default: return []
    }
  }

  /// `sys.modules["os"]`, `os.__dict__["system"]`, `__builtins__["eval"]`.
  private mutating func entry(_ key: String, of path: DottedPath) -> PythonValue? {
    guard key.utf8.count < 200 else { return nil }
    if path == builtins { return .path(paths.member(key, of: path)) }
    switch paths.last(path) {
    case "modules": return paths.text(path) == "sys.modules" ? .path(paths.path(key)) : nil
    case "__dict__": return paths.parent(path).map { .path(paths.member(key, of: $0)) }
    // `ctypes.cdll["libc.so.6"]["system"]`: loaders of libraries take the names of files and functions as an index.
    default: return paths.text(path).hasPrefix("ctypes.") ? .path(paths.member(key, of: path)) : nil
    }
  }

  mutating func entries(of node: NodeID, at keys: [PythonValue]) -> [PythonValue] {
    let parts = children(node)
    var all: [PythonValue] = []
    var at = 0
    charge(parts.count >> 1)
    while fuel > 0, at + 1 < parts.count {
      if tree[parts[at]].kind == .doubleStarred {
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
