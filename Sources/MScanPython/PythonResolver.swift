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
  private(set) var fuel: Int
  /// ``Limits/pythonMeaning``.
  private let depthBound: Int
  /// Computed values of a module together. Bytes; 16 MiB.
  var room = 1 << 24
  /// A text or bytes that is computed. Bytes; 1 MiB.
  static let sizeBound = 1 << 20
  /// Values of one expression that are kept: those that can be called or hold such, and others. Counts; 4,096 and 8.
  static let pathBound = 4096
  static let valueBound = 8

  /// Answers, by node.
  private var memo: [PythonAnswer]
  /// Those that are more than one importable thing.
  private var listed: [[PythonValue]] = []
  /// Names with a value of their own while a comprehension is worked out.
  var environment: [UInt32: PythonValue] = [:]
  /// Calls of each function or lambda of the module, for what its parameters are.
  var callSites: [NodeID: [NodeID]] = [:]
  /// Functions that each function or lambda of the module decorates.
  var decorated: [NodeID: [NodeID]] = [:]
  /// Classes that name a class of the module as their base; nil until that is asked for.
  var subclasses: [NodeID: [NodeID]]?
  private var depth = 0
  var cycles: PythonCycles
  /// Dictionaries that are being looked into for what they spread.
  var spread = 0
  /// Expressions that are being worked out while names have values of their own, and their levels.
  private var inside: [NodeID: Int] = [:]
  /// Values of names, by the number of the name in its scope, and of attributes, by the name's; those that are being
  /// worked out are marked.
  private var boundValues: [PythonAnswer]
  private var assignedToAttribute: [PythonAnswer]
  /// The limit that was reached first.
  private(set) var limit: String?

  /// Where the loops of the module are; nil until that is asked for.
  private var loops: [(start: UInt32, end: UInt32)]?

  /// - Parameter paths: those of the scopes.
  init(tree: PythonTree, scopes: PythonScopes, paths: DottedPaths, limits: Limits) {
    self.tree = tree
    self.scopes = scopes
    self.paths = paths
    builtins = self.paths.path("builtins")
    boundValues = [PythonAnswer](repeating: .open, count: scopes.boundCount)
    assignedToAttribute = [PythonAnswer](repeating: .open, count: scopes.attributeValues.count)
    cycles = PythonCycles(
      nodes: tree.nodes.count, names: scopes.boundCount, attributes: scopes.attributeValues.count)
    memo = [PythonAnswer](repeating: .open, count: tree.nodes.count)
    fuel = limits.pythonSteps
    depthBound = limits.pythonMeaning
  }

  /// Everything the expression could be; empty when nothing is known of it.
  mutating func values(of node: NodeID) -> [PythonValue] {
    if environment.isEmpty { return values(answer(of: node)) }
    guard enter() else { return [] }
    if let level = memo[Int(node)].activeLevel { return values(guess(.node(node), at: level)) }
    if let level = inside[node] {
      cycles.reached = min(cycles.reached, level)
      return []
    }
    // Nothing of this is kept, nor what rests on it.
    let (level, outer, mark) = (cycles.level, cycles.reached, cycles.tentative.count)
    inside[node] = level
    cycles.reached = .max
    cycles.level += 1
    depth += 1
    let found = kept(compute(node))
    depth -= 1
    cycles.level = level
    inside[node] = nil
    if cycles.reached == level { forgetTentative(from: mark) }
    if cycles.reached < level { cycles.lower(from: mark, to: cycles.reached) }
    cycles.reached = cycles.reached < level ? min(outer, cycles.reached) : outer
    return found
  }

  /// The same in one word. Outside of comprehensions that are being worked out.
  mutating func answer(of node: NodeID) -> PythonAnswer {
    let known = memo[Int(node)]
    if known != .open, known.activeLevel == nil {
      cycles.rest(on: .node(node))
      return known
    }
    guard enter() else { return .nothing }
    if let level = known.activeLevel { return guess(.node(node), at: level) }
    if !inside.isEmpty, let level = inside[node] {
      cycles.reached = min(cycles.reached, level)
      return .nothing
    }
    memo[Int(node)] = .active(at: cycles.level)
    depth += 1
    let found = solve(.node(node))
    depth -= 1
    memo[Int(node)] = found
    return found
  }

  /// Takes a step down to an expression; false when there are none left.
  private mutating func enter() -> Bool {
    guard depth < depthBound, fuel > 0 else {
      stop(at: fuel > 0 ? "pythonMeaning" : "pythonSteps")
      return false
    }
    fuel -= 1
    return true
  }

  /// Notes a limit, the first that was reached.
  mutating func stop(at limit: String) {
    if self.limit == nil { self.limit = limit }
  }

  /// The values of an answer.
  mutating func values(_ answer: PythonAnswer) -> [PythonValue] {
    if let path = answer.path { return paths.single(path) }
    guard let place = answer.place else { return [] }
    return listed[place]
  }

  /// Keeps values as an answer.
  mutating func answer(_ values: [PythonValue]) -> PythonAnswer {
    if values.isEmpty { return .nothing }
    if values.count == 1, let path = values[0].asPath, let answer = PythonAnswer(path) { return answer }
    guard let answer = PythonAnswer(listed: listed.count) else { return .nothing }
    listed.append(values)
    return answer
  }

  mutating func value(of node: NodeID) -> PythonValue? { values(of: node).first }

  /// Takes steps for work that is more than looking at a node.
  mutating func charge(_ steps: Int) { fuel = max(0, fuel - steps) }

  /// Each value once, within the bounds.
  mutating func kept(_ values: [PythonValue]) -> [PythonValue] {
    guard values.count > 1 else { return values }
    if values.count > 4 { charge(values.count >> 1) }
    for value in values { charge(value.size >> 8) }
    if values.count == 2 { return values[0] == values[1] ? [values[0]] : values }
    var seen: Set<PythonValue> = []
    var paths = 0
    var others = 0
    return values.filter { value in
      guard seen.insert(value).inserted else { return false }
      guard value.mayBeCalled else {
        others += 1
        return others <= Self.valueBound
      }
      paths += 1
      if paths > Self.pathBound { stop(at: "pythonMeaning") }
      return paths <= Self.pathBound
    }
  }

  func children(_ node: NodeID) -> [NodeID] { tree.childList(of: node) }

  // MARK: - By kind

  /// An answer, whatever is known of it.
  mutating func work(out thing: Thing) -> PythonAnswer {
    switch thing {
    case .node(let node): return work(out: node)
    case .name(let number):
      switch scopes.onlyBinding(of: Int(number)) {
      case .value(let node)?: return answer(of: node)
      case .unknown?: return .nothing
      default:
        let all = scopes.bindings(of: Int(number))
        return answer(kept(all.flatMap { values(of: $0, before: all) }))
      }
    case .attribute(let name): return answer(kept(assigned(to: name).flatMap { values(of: $0) }))
    }
  }

  mutating func forget(_ thing: Thing) {
    switch thing {
    case .node(let node): memo[Int(node)] = .open
    case .name(let number): boundValues[Int(number)] = .open
    case .attribute(let name): assignedToAttribute[Int(name)] = .open
    }
  }

  /// Names, their attributes and what calls of them give, without lists where one importable thing is all there is.
  private mutating func work(out id: NodeID) -> PythonAnswer {
    let node = tree[id]
    switch node.kind {
    case .name: return answer(ofName: node.data, in: Int(scopes.scopeOf[Int(id)]))
    case .attribute:
      guard let object = answer(of: node.first).path, assigned(to: node.data).isEmpty,
        !Self.isSpecial(tree.names.firstByte(of: node.data))
      else { break }
      if paths.length(object) > Self.pathLength { return .nothing }
      if let found = PythonAnswer(paths.member(node.data, of: object)) { return found }
    case .call:
      let function = answer(of: node.first)
      if function == .nothing { return .nothing }
      guard let path = function.path else { break }
      switch given(by: path) {
      case .nothing: return .nothing
      case .object(let object): if let found = PythonAnswer(object) { return found }
      case .dependent, .unasked: break
      }
    default: break
    }
    return answer(kept(compute(id)))
  }

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
      return lists(of: parts)
    case .dictionary: return [.dictionary(id)]
    case .listComprehension, .generator, .setComprehension: return comprehension(id)
    default: return []
    }
  }

  /// A list by what its parts can be: where a part can be several things, a list for each of them.
  mutating func lists(of parts: [NodeID]) -> [PythonValue] {
    let all = parts.map { values(of: $0) }
    let most = all.map(\.count).max() ?? 1
    let count = min(most, max(2, (1 << 14) / max(1, parts.count)))
    if count < most { stop(at: "pythonMeaning") }
    guard count > 1 else { return [.list(all.map { $0.first ?? .none })] }
    charge(parts.count &* count)
    return (0..<count).map { choice in .list(all.map { $0.isEmpty ? .none : $0[min(choice, $0.count - 1)] }) }
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
    return outside { resolver in resolver.values(resolver.answer(ofName: name, in: scope)) }
  }

  private mutating func answer(ofName name: UInt32, in scope: Int) -> PythonAnswer {
    if let number = scopes.number(of: name, seenFrom: scope) { return answer(ofBound: number) }
    let builtin = paths.member(name, of: builtins)
    if scopes.starImports.isEmpty, tree.names.firstByte(of: name) != UInt8(ascii: "_"),
      let answer = PythonAnswer(builtin)
    {
      return answer
    }
    return answer(ofUnbound: tree.names.text(name), builtin)
  }

  private mutating func answer(ofUnbound name: String, _ builtin: DottedPath) -> PythonAnswer {
    switch name {
    case "__builtins__": return answer([.path(builtins)])
    case "__doc__": return answer(docstring())
    // With it in front, a name is one of the module's own package.
    case "__package__": return answer([.text("")])
    default: return answer(scopes.starImports.map { .path(paths.path($0 + "." + name)) } + [.path(builtin)])
    }
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
          case .value(let value), .added(let value), .element(let value), .member(let value, _), .part(let value, _),
            .rest(let value, _, _), .entry(let value, _):
            [value]
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
  mutating func bound(_ name: UInt32, in scope: Int) -> [PythonValue]? {
    guard let number = scopes.number(of: name, in: scope) else { return nil }
    return outside { resolver in resolver.values(resolver.answer(ofBound: number)) }
  }

  /// What a name is bound to, by its number among those of all scopes.
  private mutating func answer(ofBound number: Int) -> PythonAnswer {
    let known = boundValues[number]
    let thing = Thing.name(UInt32(truncatingIfNeeded: number))
    if let level = known.activeLevel { return guess(thing, at: level) }
    if known != .open {
      cycles.rest(on: thing)
      return known
    }
    boundValues[number] = .active(at: cycles.level)
    let found = solve(thing)
    boundValues[number] = found
    return found
  }

  /// What is assigned to an attribute of that name, of whatever object.
  mutating func attributeValues(_ name: UInt32) -> [PythonValue] {
    if assigned(to: name).isEmpty { return [] }
    return outside { resolver in resolver.values(resolver.answer(ofAttribute: name)) }
  }

  private mutating func answer(ofAttribute name: UInt32) -> PythonAnswer {
    let known = assignedToAttribute[Int(name)]
    if let level = known.activeLevel { return guess(.attribute(name), at: level) }
    if known != .open {
      cycles.rest(on: .attribute(name))
      return known
    }
    assignedToAttribute[Int(name)] = .active(at: cycles.level)
    let found = solve(.attribute(name))
    assignedToAttribute[Int(name)] = found
    return found
  }

  /// Work on what a comprehension's names have no part in. Its answers can be kept.
  mutating func outside(_ work: (inout PythonResolver) -> [PythonValue]) -> [PythonValue] {
    guard !environment.isEmpty else { return work(&self) }
    let inside = environment
    environment = [:]
    defer { environment = inside }
    return work(&self)
  }

  private mutating func values(
    of binding: PythonScopes.Binding, before all: BoundNames.Bindings
  ) -> [PythonValue] {
    switch binding {
    case .value(let node): return values(of: node)
    case .path(let path): return paths.single(path)
    case .function(let node): return asDecorated(node)
    case .classDefinition(let node): return [.classDefinition(node)]
    case .element(let node): return elements(of: node)
    case .part(let node, let index):
      return elements(of: node).compactMap { element in
        guard let parts = element.elements, index < parts.count else { return nil }
        return parts[index]
      }
    case .rest(let node, let behind, let before):
      return values(of: node).compactMap { value in
        value.elements.map { .list(Array($0.dropFirst(behind).dropLast(before))) }
      }
    case .entry(let node, let key): return values(of: node).flatMap { items(of: $0, at: key) }
    case .added(let node):
      // In a loop it is added again and again, and nothing is worked out of that.
      guard !isInLoop(node) else { return [] }
      guard case .value(let first) = all.first, let start = value(of: first), let more = value(of: node) else {
        return []
      }
      return sum(start, more).map { [$0] } ?? []
    case .member(let node, let name): return values(of: node).flatMap { attribute(name, of: $0) }
    case .parameter(let function, let index): return argument(index, of: function)
    case .unknown: return []
    }
  }

  /// Whether a statement is one that a loop repeats.
  private mutating func isInLoop(_ node: NodeID) -> Bool {
    if loops == nil {
      loops = tree.nodes.filter { $0.kind == .forStatement || $0.kind == .whileStatement }.map { ($0.start, $0.end) }
    }
    let start = tree[node].start
    charge((loops?.count ?? 0) >> 6)
    return loops?.contains { $0.start <= start && start < $0.end } ?? false
  }

  /// What a parameter is given by the calls in this module, or by its default.
  private mutating func argument(_ index: Int, of function: NodeID) -> [PythonValue] {
    guard index >= 0 else { return [] }
    var found: [PythonValue] = []
    let around = scopes.scopes[Int(scopes.scopeOf[Int(function)])]
    let isMethod = around.kind == .class
    // `self`, or the class of a class method.
    if isMethod, index == 0 {
      found.append(.instance(around.node))
      if isOfClass(function) { found.append(.classDefinition(around.node)) }
    }
    let list = tree.children(of: function).first(where: { tree[$0].kind == .parameters })
    let parameters = list.map { children($0) } ?? []
    let parameter = index < parameters.count ? parameters[index] : nil
    if index == (isMethod ? 1 : 0) {
      // However many it decorates: `kept(_:)` bounds them, and says so.
      found += (decorated[function] ?? []).map { .function($0) }
    }
    for site in callSites[function] ?? [] {
      let given = children(site).dropFirst()
      let places = given.filter {
        tree[$0].kind != .keyword && tree[$0].kind != .starred && tree[$0].kind != .doubleStarred
      }
      let position = isMethod ? index - 1 : index
      if position >= 0, position < places.count { found += values(of: Array(places)[position]) }
      if let parameter { found += named(tree[parameter].data, by: given) }
    }
    guard let parameter, tree[parameter].flags & ParameterForm.defaultValue != 0, let last = children(parameter).last
    else { return found }
    return found + values(of: last)
  }

  /// `f(run=os.system)`, `f(**{"run": os.system})`, `f(**os.__dict__)`.
  private mutating func named(_ name: UInt32, by given: ArraySlice<NodeID>) -> [PythonValue] {
    var found: [PythonValue] = []
    for argument in given {
      let node = tree[argument]
      if node.kind == .keyword, node.data == name, node.first != 0 { found += values(of: node.first) }
      guard node.kind == .doubleStarred else { continue }
      for table in values(of: node.first) {
        found += items(of: table, named: tree.names.text(name))
      }
    }
    return found
  }

  mutating func docstring() -> [PythonValue] {
    guard let first = tree.children(of: 0).first(where: { _ in true }), tree[first].kind == .expressionStatement,
      tree[tree[first].first].kind == .string
    else { return [] }
    return values(of: tree[first].first)
  }

  /// A name of the module, as `globals()[name]` finds it.
  mutating func global(_ text: String) -> [PythonValue] {
    if text == "__builtins__" { return paths.single(builtins) }
    if text == "__doc__" { return docstring() }
    if let number = tree.names.number(of: text), let found = bound(number, in: 0) { return found }
    return builtin(text)
  }
}
