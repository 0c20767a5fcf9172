/// Reads a module's scopes and bindings out of its tree, in one pass without recursion.
struct PythonScopeReader {
  typealias Scope = PythonScopes.Scope
  typealias Binding = PythonScopes.Binding

  let tree: PythonTree
  private(set) var scopes: [Scope] = [Scope(kind: .module, parent: 0, node: 0)]
  /// The scope that each node is evaluated in.
  private(set) var scopeOf: [UInt32]
  /// The scope that a definition, lambda or comprehension opens.
  private(set) var opened: [NodeID: Int] = [:]
  private(set) var bound: BoundNames
  /// Values assigned to an attribute of anything, by the attribute's name.
  private(set) var attributeValues: [[NodeID]]
  /// `name[index] = value`, by the name.
  private(set) var itemValues: [UInt32: [(index: NodeID, value: NodeID)]] = [:]
  /// `object.name = value` and `object[index] = value`, in no order.
  private(set) var changes: [(target: NodeID, value: NodeID)] = []
  /// Values assigned to names.
  private(set) var assigned: [NodeID] = []
  /// Modules that everything is imported from.
  private(set) var starImports: [String] = []

  /// Whatever is imported.
  private(set) var paths: DottedPaths

  private var pending: [(node: NodeID, scope: Int)] = []
  /// Numbers of names that ``namespaceChange(by:)`` looks for at every call; nil where the module does not have them.
  let setattrName: UInt32?
  let updateName: UInt32?
  /// Of methods that put one thing into a list, a set or a queue.
  let growingNames: [UInt32]
  /// Of `_`, which patterns give no value.
  let wildcardName: UInt32?

  init(_ tree: PythonTree) {
    self.tree = tree
    setattrName = tree.names.number(of: "setattr")
    updateName = tree.names.number(of: "update")
    growingNames = ["append", "appendleft", "insert", "add", "put"].compactMap { tree.names.number(of: $0) }
    wildcardName = tree.names.number(of: "_")
    scopeOf = [UInt32](repeating: 0, count: tree.nodes.count)
    bound = BoundNames(names: tree.names.count)
    attributeValues = [[NodeID]](repeating: [], count: tree.names.count)
    paths = DottedPaths(tree.names)
    pending = [(0, 0)]
    while let (node, scope) = pending.popLast() { visit(node, scope) }
  }

  /// The nearest scope that names are bound in.
  private func owner(_ scope: Int) -> Int {
    var at = scope
    while scopes[at].kind == .scriptGuard { at = scopes[at].parent }
    return at
  }

  mutating func bind(_ name: UInt32, _ binding: Binding, in scope: Int) {
    var at = owner(scope)
    if scopes[at].globals.contains(name) { at = 0 }
    if scopes[at].outer.contains(name) {
      // Which of them has the name may be told later on.
      var around = scopes[at].parent
      while around != 0 {
        if scopes[around].kind == .function { chain(name, binding, in: around) }
        around = scopes[around].parent
      }
    }
    chain(name, binding, in: at)
  }

  private mutating func chain(_ name: UInt32, _ binding: Binding, in at: Int) {
    if case .value(let node) = binding { assigned.append(node) }
    bound.bind(name, binding, in: at)
  }

  private mutating func open(_ kind: PythonScopes.Kind, _ node: NodeID, in parent: Int) -> Int {
    scopes.append(Scope(kind: kind, parent: parent, node: node))
    opened[node] = scopes.count - 1
    return scopes.count - 1
  }

  /// Goes on with the children of a node.
  private mutating func later(_ id: NodeID, _ scope: Int) {
    let mark = pending.count
    var next = tree.nodes[Int(id)].first
    while next != 0 {
      let child = tree.nodes[Int(next)]
      scopeOf[Int(next)] = UInt32(truncatingIfNeeded: scope)
      switch child.kind {
      // Nothing is in them or bound by them.
      case .name, .number, .constant, .string, .text: break
      // The object alone.
      case .attribute where tree.nodes[Int(child.first)].kind == .name:
        scopeOf[Int(child.first)] = UInt32(truncatingIfNeeded: scope)
      default: pending.append((next, scope))
      }
      next = child.next
    }
    // The stack gives them back in order, so that bindings come in the order of the text.
    if pending.count - mark > 1 { pending[mark...].reverse() }
  }

  // MARK: - Nodes

  private mutating func visit(_ id: NodeID, _ scope: Int) {
    scopeOf[Int(id)] = UInt32(truncatingIfNeeded: scope)
    let node = tree[id]
    switch node.kind {
    case .functionDefinition: function(id, scope)
    case .lambda: lambda(id, scope)
    case .classDefinition:
      bind(node.data, .classDefinition(id), in: scope)
      let inner = open(.class, id, in: scope)
      for child in tree.childList(of: id).reversed() {
        pending.append((child, tree[child].kind == .block ? inner : scope))
      }
    case .listComprehension, .setComprehension, .dictionaryComprehension, .generator:
      later(id, open(.comprehension, id, in: scope))
    case .comprehensionFor, .forStatement:
      let place = node.first
      let source = place == 0 ? 0 : tree.nodes[Int(place)].next
      if source != 0 { target(place, .element(source), in: scope) }
      later(id, scope)
    case .assignment: assignment(id, scope)
    case .annotatedAssignment:
      let children = tree.childList(of: id)
      if children.count == 3 { target(children[0], .value(children[2]), in: scope) }
      later(id, scope)
    case .augmentedAssignment:
      let children = tree.childList(of: id)
      if children.count == 2, tree[children[0]].kind == .name {
        bind(tree[children[0]].data, .added(children[1]), in: scope)
      }
      later(id, scope)
    case .namedExpression:
      let children = tree.childList(of: id)
      var outer = scope
      while scopes[outer].kind == .comprehension { outer = scopes[outer].parent }
      if children.count == 2 { target(children[0], .value(children[1]), in: outer) }
      later(id, scope)
    case .withItem:
      let children = tree.childList(of: id)
      if children.count == 2 {
        target(children[1], .value(children[0]), in: scope)
        // What a generator yields, where it is made a context.
        target(children[1], .element(children[0]), in: scope)
      }
      later(id, scope)
    case .exceptClause:
      if node.data != PythonNames.none { bind(node.data, .unknown, in: scope) }
      later(id, scope)
    case .call:
      namespaceChange(by: id)
      later(id, scope)
    case .globalStatement:
      let at = owner(scope)
      for name in tree.children(of: id) { scopes[at].globals.insert(tree[name].data) }
    case .importStatement, .importFromStatement: imports(id, scope)
    case .returnStatement:
      if node.first != 0 { scopes[function(around: scope)].returns.append(node.first) }
      later(id, scope)
    case .yield:
      if node.first != 0 { scopes[function(around: scope)].yields.append(node.first) }
      later(id, scope)
    case .ifStatement where isScriptGuard(node.first):
      let inner = open(.scriptGuard, id, in: scope)
      for child in tree.childList(of: id).reversed() {
        pending.append((child, tree[child].kind == .block ? inner : scope))
      }
    case .nonlocalStatement:
      let at = owner(scope)
      for name in tree.children(of: id) { scopes[at].outer.insert(tree[name].data) }
    case .matchStatement:
      for block in tree.children(of: id) where tree[block].kind == .block {
        for clause in tree.children(of: block) where tree[clause].kind == .caseClause && tree[clause].first != 0 {
          captures(tree[clause].first, of: node.first, scope)
        }
      }
      later(id, scope)
    default: later(id, scope)
    }
  }

  /// What is put into a list counts like an entry of it.
  mutating func add(_ value: NodeID, to name: UInt32) { itemValues[name, default: []].append((value, value)) }

  private func function(around scope: Int) -> Int {
    var at = scope
    while scopes[at].kind != .function, at != 0 { at = scopes[at].parent }
    return at
  }

  private mutating func function(_ id: NodeID, _ scope: Int) {
    bind(tree[id].data, .function(id), in: scope)
    let inner = open(.function, id, in: scope)
    for child in tree.children(of: id) {
      if tree[child].kind == .parameters { parameters(child, of: id, inner) }
      pending.append((child, tree[child].kind == .block ? inner : scope))
    }
  }

  private mutating func lambda(_ id: NodeID, _ scope: Int) {
    let inner = open(.function, id, in: scope)
    for child in tree.children(of: id) {
      if tree[child].kind == .parameters {
        parameters(child, of: id, inner)
        pending.append((child, scope))
      } else {
        scopes[inner].returns.append(child)
        pending.append((child, inner))
      }
    }
  }

  private mutating func parameters(_ list: NodeID, of function: NodeID, _ inner: Int) {
    for (index, parameter) in tree.children(of: list).enumerated() {
      let gathers = tree[parameter].flags & (ParameterForm.variadic | ParameterForm.keywords) != 0
      bind(tree[parameter].data, .parameter(node: function, index: gathers ? -1 : index), in: inner)
    }
  }

  private mutating func assignment(_ id: NodeID, _ scope: Int) {
    var value = tree.nodes[Int(id)].first
    guard value != 0 else { return }
    while tree.nodes[Int(value)].next != 0 { value = tree.nodes[Int(value)].next }
    var place = tree.nodes[Int(id)].first
    while place != value {
      target(place, .value(value), in: scope)
      place = tree.nodes[Int(place)].next
    }
    later(id, scope)
  }

  /// Binds what a target names. Tuples are taken apart as far as the value shows its parts.
  private mutating func target(_ place: NodeID, _ binding: Binding, in scope: Int) {
    if tree.nodes[Int(place)].kind == .name { return bind(tree.nodes[Int(place)].data, binding, in: scope) }
    var open: [(NodeID, Binding)] = [(place, binding)]
    while let (place, binding) = open.popLast() {
      let node = tree[place]
      switch node.kind {
      case .name: bind(node.data, binding, in: scope)
      case .starred: open.append((node.first, .unknown))
      case .attribute:
        if case .value(let value) = binding {
          if attributeValues.indices.contains(Int(node.data)) { attributeValues[Int(node.data)].append(value) }
          changes.append((place, value))
        }
      case .item:
        let parts = tree.childList(of: place)
        if case .value(let value) = binding { changes.append((place, value)) }
        if case .value(let value) = binding, parts.count == 2, isNamespace(parts[0]) { bindInModule(parts[1], value) }
        if case .value(let value) = binding, parts.count == 2, tree[parts[0]].kind == .name {
          itemValues[tree[parts[0]].data, default: []].append((parts[1], value))
        }
      case .tuple, .list:
        let places = tree.childList(of: place)
        var values: [NodeID] = []
        if case .value(let value) = binding, tree[value].kind == .tuple || tree[value].kind == .list {
          values = tree.childList(of: value)
        }
        let pairs =
          values.count == places.count && !(values + places).contains { tree[$0].kind == .starred }
        for (index, part) in places.enumerated() {
          var own = Binding.unknown
          switch binding {
          case .value(let value) where tree[part].kind == .starred:
            open.append((tree[part].first, .rest(of: value, behind: index, before: places.count - index - 1)))
            continue
          case .value where pairs: own = .value(values[index])
          case .value(let value): own = .element(value)
          case .element(let source): own = .part(of: source, index: index)
          default: break
          }
          open.append((part, own))
        }
      default: continue
      }
    }
  }

  /// `__name__ == "__main__"`: true only of a file that is started, not of one that is imported.
  private func isScriptGuard(_ test: NodeID) -> Bool {
    guard test != 0, tree[test].kind == .comparison,
      tree[test].data == UInt32(TokenKind.equalEqual.rawValue)
    else { return false }
    let sides = tree.childList(of: test)
    guard sides.count == 2, let name = sides.first(where: { tree[$0].kind == .name }),
      let text = sides.first(where: { tree[$0].kind == .string })
    else { return false }
    let written = tree.bytes[Int(tree[text].start)..<Int(tree[text].end)]
    return tree.names.text(tree[name].data) == "__name__"
      && written.dropFirst().dropLast().elementsEqual("__main__".utf8)
  }

  // MARK: - Imports

  private mutating func imports(_ id: NodeID, _ scope: Int) {
    let statement = tree[id]
    for alias in tree.children(of: id) {
      let name = tree[alias].data
      let bound = tree[alias].first == 0 ? nil : tree[tree[alias].first].data
      if statement.kind == .importStatement {
        if let bound {
          bind(bound, .path(paths.path(level: 0, nil, name)), in: scope)
        } else {
          // `import a.b` binds `a`.
          let top = tree.names.bytes(of: name).prefix { $0 != UInt8(ascii: ".") }
          if let number = tree.names.number(of: top.span) { bind(number, .path(paths.path(number)), in: scope) }
        }
        continue
      }
      let module = statement.data == PythonNames.none ? nil : statement.data
      if tree.names.firstByte(of: name) == UInt8(ascii: "*") {
        let prefix = module.map { tree.names.text($0) } ?? ""
        if statement.flags == 0, !starImports.contains(prefix), starImports.count < 64 { starImports.append(prefix) }
      } else {
        bind(bound ?? name, .path(paths.path(level: Int(statement.flags), module, name)), in: scope)
      }
    }
  }
}
