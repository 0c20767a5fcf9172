import MScanBytes
import MScanFacts

/// Importable things that are set, kept or handed on rather than called: whoever gets them may call them.
extension PythonStatements {
  /// Attributes and entries of importable things that are set: `torch.load = …`, `os.environ["PATH"] = …`.
  mutating func stateChanges(into sink: inout FactBuffer) {
    for change in scopes.changes {
      stateHeld(change.value, by: change.target, into: &sink)
      let target = tree[change.target]
      let parts = Array(tree.children(of: change.target))
      guard let object = parts.first else { continue }
      var subjects: [DottedPath] = []
      var constants: [String] = []
      if target.kind == .attribute {
        let name = tree.names.text(target.data)
        // The code of a function can be set on any object.
        if name == "__code__" || name == "__class__" { subjects.append(resolver.paths.member(name, of: unknown)) }
        if isForeign(object) { subjects += namedPaths(of: object).map { resolver.paths.member(name, of: $0) } }
      } else if isForeign(object), parts.count == 2 {
        subjects = namedPaths(of: object)
        constants = resolver.values(of: parts[1]).compactMap(\.asText).map { "0:" + $0.prefix(200) }
      }
      guard !subjects.isEmpty, concerns(subjects, target.kind == .attribute ? .assignment : .itemAssignment) else {
        continue
      }
      var fact = CallableFact(
        module: "", name: writtenName(target.kind == .attribute ? change.target : object), stage: .named,
        via: target.kind == .attribute ? "assignment" : "item-assignment",
        arguments: [excerpt(tree[change.value], limits.argumentCharacters)],
        when: moment(of: change.target), subjects: texts(subjects))
      fact.function = function(of: change.target)
      fact.constants = constants
      sink.emit(
        .callable(fact), artifact: notes.artifact, range: notes.offsets.range(target.start, target.end),
        place: place(of: target), distinct: true)
    }
  }

  /// What `__reduce__` gives is called by whoever unpickles the object.
  mutating func stateReductions(into sink: inout FactBuffer) {
    for scope in scopes.scopes where scope.kind == .function && !scope.returns.isEmpty {
      guard tree[scope.node].kind == .functionDefinition else { continue }
      let name = tree.names.text(tree[scope.node].data)
      guard name == "__reduce__" || name == "__reduce_ex__" else { continue }
      for value in scope.returns where tree[value].kind == .tuple {
        guard let first = tree.children(of: value).first(where: { _ in true }) else { continue }
        let paths = paths(of: first)
        guard !paths.isEmpty, concerns(paths, .argument) else { continue }
        stateNamed(first, paths, via: "argument", of: value, into: &sink)
      }
    }
  }

  /// Importable things that are handed to a call, which may call them.
  mutating func stateHandedOn(by node: NodeID, into sink: inout FactBuffer) {
    var next = tree.firstArgument(of: node)
    while next != 0 {
      let given = tree.value(ofArgument: next)
      next = tree.next(after: next)
      let paths = handedOn(given)
      if !paths.isEmpty { stateNamed(given, paths, via: "argument", of: node, into: &sink) }
    }
  }

  /// What an argument is, where somebody wants to hear of it.
  mutating func handedOn(_ given: NodeID) -> [DottedPath] {
    switch tree[given].kind {
    case .name, .attribute, .item: break
    default: return []
    }
    let answer = resolver.answer(of: given)
    if answer == .nothing { return [] }
    if let path = answer.path {
      let isWanted = calls.isEverything || resolver.paths.isWanted(path, by: calls, in: .argument)
      return isWanted && !isMade(path) ? [path] : []
    }
    let paths = paths(of: given).filter { !isMade($0) }
    return !paths.isEmpty && concerns(paths, .argument) ? paths : []
  }

  /// Whether something is an object that a call made. It is no function, but its methods are.
  func isMade(_ path: DottedPath) -> Bool { resolver.paths.form(path).isSuperset(of: [.result, .closed]) }

  /// Importable things that a list, a dictionary, a default, a return or the bases of a class hold: what takes them out of
  /// there may call them, and is not followed through every way that Python has.
  mutating func stateHeld(in node: NodeID, into sink: inout FactBuffer) {
    var next = tree[node].first
    while next != 0 {
      let child = next
      next = tree.next(after: child)
      stateHeld(child, by: node, into: &sink)
    }
  }

  /// The same for what becomes an attribute or an entry of an object.
  mutating func stateHeld(_ value: NodeID, by node: NodeID, into sink: inout FactBuffer) {
    // A name that the code binds itself is told of where it is bound.
    guard tree[value].kind == .attribute || tree[value].kind == .name && mayBeForeign(value) else { return }
    let answer = resolver.answer(of: value)
    if answer == .nothing { return }
    if let path = answer.path, !calls.isEverything, !resolver.paths.isWanted(path, by: calls, in: .held) { return }
    let paths = namedPaths(of: value)
    guard !paths.isEmpty, concerns(paths, .held) else { return }
    stateNamed(value, paths, via: "held", of: node, into: &sink)
  }

  /// `__add__ = os.system` in a class: an operator calls it.
  mutating func stateOperators(into sink: inout FactBuffer) {
    for scope in scopes.scopes where scope.kind == .class {
      guard let block = tree.children(of: scope.node).first(where: { tree[$0].kind == .block }) else { continue }
      for statement in tree.children(of: block) where tree[statement].kind == .assignment {
        let parts = tree.childList(of: statement)
        guard let value = parts.last, tree[value].kind == .attribute || tree[value].kind == .name else { continue }
        let isOperator = parts.dropLast().contains { target in
          tree[target].kind == .name && tree.names.bytes(of: tree[target].data).starts(with: [0x5f, 0x5f])
        }
        if isOperator { stateHeld(value, by: statement, into: &sink) }
      }
    }
  }

  /// `os.__dict__`, wherever it stands: what is taken out of it has no name in the source.
  mutating func stateTables(into sink: inout FactBuffer) {
    guard let name = tree.names.number(of: "__dict__") else { return }
    for index in tree.nodes.indices where tree.nodes[index].kind == .attribute && tree.nodes[index].data == name {
      let node = NodeID(truncatingIfNeeded: index)
      let paths = namedPaths(of: node)
      if !paths.isEmpty, concerns(paths, .held) { stateNamed(node, paths, via: "held", of: node, into: &sink) }
    }
  }

  /// A thing that is named and not called, at the expression that names it; the moment and function are those of `node`.
  mutating func stateNamed(
    _ named: NodeID, _ paths: [DottedPath], via: String, of node: NodeID, into sink: inout FactBuffer
  ) {
    var fact = CallableFact(
      module: "", name: writtenName(named), stage: .named, via: via, when: moment(of: node),
      subjects: texts(paths))
    fact.function = function(of: node)
    sink.emit(
      .callable(fact), artifact: notes.artifact, range: notes.offsets.range(tree[named].start, tree[named].end),
      place: place(of: tree[named]))
  }

  /// Whether a name is one that is imported, or that nothing here binds.
  func mayBeForeign(_ node: NodeID) -> Bool {
    let name = tree[node].data
    if !scopes.isBound(name) { return true }
    var at = Int(scopes.scopeOf[Int(node)])
    while true {
      if let number = scopes.number(of: name, in: at) {
        return scopes.bindings(of: number).contains { if case .path = $0 { true } else { false } }
      }
      if at == 0 { return true }
      at = scopes.scopes[at].parent
    }
  }

  /// Arguments that are something importable.
  mutating func handedOn(by call: NodeID) -> [(given: NodeID, paths: [DottedPath])] {
    var found: [(given: NodeID, paths: [DottedPath])] = []
    for given in tree.given(to: call) {
      switch tree[given].kind {
      case .name, .attribute, .item: break
      default: continue
      }
      let paths = paths(of: given).filter { !isMade($0) }
      if !paths.isEmpty { found.append((given, paths)) }
    }
    return found
  }
}
