import MScanBytes
import MScanFacts

/// States the imports and calls of a module, in the order of their places: what each call resolves to, and when it runs.
struct PythonStatements {
  let tree: PythonTree
  let limits: Limits
  let notes: PythonNotes
  let scopes: PythonScopes
  let texts: TextInterest
  let calls: CallInterest
  var resolver: PythonResolver
  /// `?`: what nothing is known of.
  let unknown: DottedPath
  /// Of the functions that look at types and call nothing; nil where the module does not name them.
  private let isInstance: DottedPath?
  private let isSubclass: DottedPath?
  /// Worked out when the first fact needs it: of most modules there is none to tell.
  private var knownRuns: PythonRuns?
  private let isStarted: Bool
  private let isCalled: Bool
  /// Calls, imports and decorators, in the order of their places.
  let places: [NodeID]
  /// The name of each scope, and the functions of each name.
  lazy var scopeNames = Self.names(of: scopes, in: tree)
  lazy var scopesByName = functionsByName()
  /// Ways that were told already.
  private var knownSteps: [String: [FlowStep]] = [:]
  /// Names of what puts paths together.
  let pathNames: [UInt32]
  /// Whether a string is told with what it is handed to, by node.
  var isTold: [Bool]
  /// Strings, and statements and expressions of the kinds that texts and annotations are looked for in, by node.
  let strings: [NodeID]
  let textPlaces: [NodeID]
  /// Programs and pickles that constants of this module come to, stated as artifacts of their own.
  var children = 0

  init(tree: PythonTree, input: ArtifactInput, notes: PythonNotes) {
    self.tree = tree
    self.limits = input.limits
    self.notes = notes
    texts = input.texts
    calls = input.calls.decided()
    let reader = PythonScopeReader(tree)
    scopes = PythonScopes(reader)
    var resolver = PythonResolver(tree: tree, scopes: scopes, paths: reader.paths, limits: input.limits)
    unknown = resolver.paths.path("?")
    let (isInstance, isSubclass) = (tree.names.number(of: "isinstance"), tree.names.number(of: "issubclass"))
    self.isInstance = isInstance.map { resolver.paths.member($0, of: resolver.builtins) }
    self.isSubclass = isSubclass.map { resolver.paths.member($0, of: resolver.builtins) }
    self.resolver = resolver
    pathNames = ["join", "joinpath", "Path", "PurePath"].compactMap { tree.names.number(of: $0) }
    isStarted = input.name == "setup.py" || input.name == "__main__.py"
    isCalled = input.name == "hubconf.py"
    isTold = [Bool](repeating: false, count: tree.nodes.count)
    (places, strings, textPlaces) = Self.sorted(tree, pathNames: pathNames)
  }

  /// The nodes that are looked at, by what they are looked at for.
  private static func sorted(
    _ tree: PythonTree, pathNames: [UInt32]
  ) -> (places: [NodeID], strings: [NodeID], textPlaces: [NodeID]) {
    // The start in the upper half.
    var places: [UInt64] = []
    var strings: [NodeID] = []
    var textPlaces: [NodeID] = []
    for index in tree.nodes.indices {
      let node = tree.nodes[index]
      let id = NodeID(truncatingIfNeeded: index)
      switch node.kind {
      case .name, .attribute, .keyword, .number, .constant, .comparison, .block, .assignment: continue
      case .string: strings.append(id)
      case .call, .importStatement, .importFromStatement, .decorator, .tuple, .list, .set, .dictionary,
        .returnStatement, .yield, .parameter, .lambda, .conditional, .starred, .listComprehension, .setComprehension,
        .dictionaryComprehension, .generator, .arguments, .slice, .namedExpression:
        places.append(UInt64(node.start) << 32 | UInt64(id))
        if node.kind == .parameter, node.flags & ParameterForm.annotation != 0 { textPlaces.append(id) }
        if node.kind == .call, pathNames.contains(tree.lastName(of: node.first)) { textPlaces.append(id) }
      case .expressionStatement, .item, .formatString, .returns, .annotatedAssignment: textPlaces.append(id)
      case .binary:
        if node.data == UInt32(TokenKind.slash.rawValue) { textPlaces.append(id) }
      default: continue
      }
    }
    places.sort()
    return (places.map { NodeID(truncatingIfNeeded: $0) }, strings, textPlaces)
  }

  private mutating func functionsByName() -> [String: [Int]] {
    var found: [String: [Int]] = [:]
    for (index, scope) in scopes.scopes.enumerated() where scope.kind == .function {
      found[scopeNames[index], default: []].append(index)
    }
    return found
  }

  mutating func state(into sink: inout FactBuffer) {
    lookAhead()
    for node in places {
      switch tree[node].kind {
      case .call: state(call: node, into: &sink)
      case .decorator: state(decorator: node, into: &sink)
      case .importStatement, .importFromStatement: state(importOf: node, into: &sink)
      default: stateHeld(in: node, into: &sink)
      }
    }
    stateChanges(into: &sink)
    stateReductions(into: &sink)
    stateAnnotations(into: &sink)
    stateLoaders(into: &sink)
    stateTables(into: &sink)
    stateOperators(into: &sink)
    stateTexts(into: &sink)
    if let limit = resolver.limit {
      let detail = "what some expression calls was not found out: it is too deep or takes too many steps"
      notes.state("limit.\(limit)", limit, detail, true, at: 0, &sink)
    }
  }

  /// Whether any of the names is one that somebody wants to hear of.
  mutating func concerns(_ paths: [DottedPath], _ construct: CallableFact.SourceConstruct) -> Bool {
    if calls.isEverything { return true }
    for path in paths where resolver.paths.isWanted(path, by: calls, in: construct) { return true }
    return false
  }

  mutating func texts(_ paths: [DottedPath]) -> [String] { paths.map { resolver.paths.text($0) } }

  /// What an expression can be, of importable things.
  mutating func paths(of node: NodeID) -> [DottedPath] { resolver.values(of: node).compactMap(\.asPath) }

  /// The same without what calls gave.
  mutating func namedPaths(of node: NodeID) -> [DottedPath] {
    paths(of: node).filter { !resolver.paths.form($0).contains(.result) }
  }

  // MARK: - Which call enters what

  /// What the resolver has to know before it is asked.
  mutating func lookAhead() {
    // Plain calls first: what parameters are depends on them.
    for node in places where tree[node].kind == .call {
      for function in plainCallees(tree[node].first) {
        resolver.callSites[function, default: []].append(node)
      }
    }
    noteDecorated()
    // From the top down, so that a name that stands for a name that stands for a name takes one step each.
    let assigned = scopes.assigned.map { UInt64(tree[$0].start) << 32 | UInt64($0) }.sorted()
    for node in assigned { _ = resolver.answer(of: NodeID(truncatingIfNeeded: node)) }
  }

  /// What a decorator of this module is given is what stands below it.
  private mutating func noteDecorated() {
    for scope in scopes.scopes where scope.kind == .function && tree[scope.node].kind == .functionDefinition {
      var next = tree[scope.node].first
      while next != 0, tree[next].kind == .decorator {
        for case .function(let function) in ownValues(of: tree[next].first) {
          resolver.decorated[function, default: []].append(scope.node)
        }
        next = tree.next(after: next)
      }
    }
  }

  /// When each function runs.
  var runs: PythonRuns {
    mutating get {
      if let knownRuns { return knownRuns }
      let found = followCalls()
      knownRuns = found
      return found
    }
  }

  /// Something outside calls it.
  mutating func raise(_ value: PythonValue, to moment: PythonModule.Moment) -> Bool {
    if knownRuns == nil { knownRuns = followCalls() }
    return knownRuns?.raise(value, to: moment) ?? false
  }

  private mutating func followCalls() -> PythonRuns {
    let decoratedFunctions = Set(resolver.decorated.values.joined())
    var runs = PythonRuns(tree: tree, scopes: scopes, isStarted: isStarted, isCalled: isCalled)
    for node in places {
      let scope = Int(scopes.scopeOf[Int(node)])
      switch tree[node].kind {
      case .call:
        for value in ownValues(of: tree[node].first) { runs.enter(value, from: scope, at: node) }
        var next = tree.firstArgument(of: node)
        while next != 0 {
          let given = tree.value(ofArgument: next)
          next = tree.next(after: next)
          switch tree[given].kind {
          case .name, .attribute, .lambda: break
          default: continue
          }
          for case .function(let function) in ownValues(of: given) {
            // A decorator hands on what it was given to be looked at: `functools.wraps(f)`, `setattr(f, …)`.
            if decoratedFunctions.contains(function), isParameter(given) { continue }
            runs.enter(.function(function), from: scope, at: node)
          }
        }
      case .decorator:
        for value in ownValues(of: tree[node].first) { runs.enter(value, from: scope, at: node) }
      default: continue
      }
    }
    // A function that takes the place of another one is called by whoever called that.
    for change in scopes.changes where tree[change.target].kind == .attribute {
      guard isForeign(tree[change.target].first) else { continue }
      let scope = Int(scopes.scopeOf[Int(change.target)])
      for value in resolver.values(of: change.value) { runs.enter(value, from: scope, at: change.target) }
    }
    runs.settle()
    return runs
  }

  /// Whether an expression is a parameter by its name.
  private func isParameter(_ node: NodeID) -> Bool {
    guard tree[node].kind == .name,
      let number = scopes.number(of: tree[node].data, seenFrom: Int(scopes.scopeOf[Int(node)]))
    else { return false }
    if case .parameter? = scopes.onlyBinding(of: number) { return true }
    return false
  }

  /// What an expression can be, where that is more than one importable thing.
  private mutating func ownValues(of node: NodeID) -> [PythonValue] {
    let answer = resolver.answer(of: node)
    return answer.place == nil ? [] : resolver.values(answer)
  }

  /// Whether an expression is something importable, or made by it.
  mutating func isForeign(_ node: NodeID) -> Bool {
    // A name that nothing binds could be any; the module of the built-in ones is meant when it is named.
    paths(of: node).contains { !resolver.paths.form($0).contains(.builtin) }
  }

  /// Functions that a callee names without a detour: `f(…)`, `(lambda …)(…)`, `self.f(…)`.
  private func plainCallees(_ callee: NodeID) -> [NodeID] {
    let node = tree[callee]
    if node.kind == .lambda { return [callee] }
    let isMethod = node.kind == .attribute && tree[node.first].kind == .name
    guard node.kind == .name || isMethod else { return [] }
    var at = Int(scopes.scopeOf[Int(callee)])
    while true {
      if isMethod == (scopes.scopes[at].kind == .class), let found = scopes.found(node.data, in: at) {
        return found.compactMap { binding in
          switch binding {
          case .function(let function): function
          case .value(let value) where tree[value].kind == .lambda: value
          default: nil
          }
        }
      }
      if at == 0 { return [] }
      at = scopes.scopes[at].parent
    }
  }

  // MARK: - Calls

  func place(of node: Node) -> Place {
    let (line, column) = tree.lines.position(of: node.start)
    return .source(line: line, column: column)
  }

  mutating func moment(of node: NodeID) -> [String] {
    moment(ofScope: Int(scopes.scopeOf[Int(node)])).list
  }

  mutating func moment(ofScope scope: Int) -> PythonModule.Moment {
    if knownRuns == nil {
      // What stands in no function runs on import, whoever calls what.
      if scopes.isOutsideFunctions(scope) { return .import }
      knownRuns = followCalls()
    }
    return knownRuns?.moments[scope] ?? .call
  }

  private mutating func state(call node: NodeID, into sink: inout FactBuffer) {
    let call = tree[node]
    let range = notes.offsets.range(call.start, call.end)
    var callee = onlySubject(of: call.first)
    var isTypeTest = false
    if let only = callee {
      if calls.isEverything || resolver.paths.isWanted(only, by: calls, in: .call) {
        state(call: node, [only], range, into: &sink)
      }
      isTypeTest = only == isInstance || only == isSubclass
    } else {
      let subjects = subjects(of: call.first, arguments: node)
      if concerns(subjects, .call) { state(call: node, subjects, range, into: &sink) }
      callee = subjects.first
      isTypeTest = subjects.count == 1 && (callee == isInstance || callee == isSubclass)
    }
    if !isTypeTest { stateHandedOn(by: node, into: &sink) }
    stateTexts(handedOnBy: node, to: callee, into: &sink)
    if let callee { stateContent(of: node, callee, range, into: &sink) }
  }

  /// What nearly every callee is: one name, of which there is no more to say. Nil where ``subjects(of:arguments:)`` has.
  private mutating func onlySubject(of callee: NodeID) -> DottedPath? {
    let answer = resolver.answer(of: callee)
    if let path = answer.path {
      let form = resolver.paths.form(path)
      if !form.isDisjoint(with: [.passes, .result]) { return nil }
      return form.contains(.builtin) && tree[callee].kind == .attribute ? nil : path
    }
    guard answer == .nothing else { return nil }
    if tree[callee].kind == .name { return resolver.paths.path(tree[callee].data) }
    let (_, names) = written(callee)
    return resolver.paths.member(nil, of: nil, then: names)
  }

  private mutating func state(
    call node: NodeID, _ subjects: [DottedPath], _ range: ByteRange, into sink: inout FactBuffer
  ) {
    let call = tree[node]
    var fact = CallableFact(
      module: "", name: writtenName(call.first), stage: .invoked, via: "call", arguments: arguments(of: node),
      when: moment(of: node), subjects: texts(subjects))
    fact.function = function(of: node)
    fact.constants = constants(of: node)
    (fact.receives, fact.asked) = sources(of: node)
    if let known = knownSteps[fact.function] {
      fact.flow = known
    } else {
      fact.flow = steps(to: fact.function)
      knownSteps[fact.function] = fact.flow
    }
    sink.emit(.callable(fact), artifact: notes.artifact, range: range, place: place(of: call), distinct: true)
  }

  private mutating func state(decorator node: NodeID, into sink: inout FactBuffer) {
    let expression = tree[node].first
    guard expression != 0, tree[expression].kind != .call else { return }
    let paths = paths(of: expression)
    guard !paths.isEmpty, concerns(paths, .decorator) else { return }
    var fact = CallableFact(
      module: "", name: writtenName(expression), stage: .invoked, via: "decorator", when: moment(of: node),
      subjects: texts(paths))
    fact.function = function(of: node)
    sink.emit(
      .callable(fact), artifact: notes.artifact,
      range: notes.offsets.range(tree[expression].start, tree[expression].end), place: place(of: tree[expression]),
      distinct: true)
  }

  /// The callee as it is written, when it is names and attributes alone; what is computed is `?`.
  func writtenName(_ node: NodeID) -> String {
    var parts: [String] = []
    var at = node
    while tree[at].kind == .attribute, parts.count < 32 {
      parts.append(tree.names.text(tree[at].data))
      at = tree[at].first
    }
    parts.append(tree[at].kind == .name ? tree.names.text(tree[at].data) : "?")
    return parts.reversed().joined(separator: ".")
  }

  /// What the callee can be. A name of the module itself stays as it is written, and what hangs on a value that nothing
  /// is known of hangs on `?`: a parameter called `os` is not the module.
  mutating func subjects(of callee: NodeID, arguments node: NodeID) -> [DottedPath] {
    let values = resolver.values(of: callee)
    var found = values.count == 1 ? values[0].asPath.map { [$0] } ?? [] : values.compactMap(\.asPath)
    for case .caller(let name) in values {
      guard let object = tree.children(of: node).dropFirst().first(where: { _ in true }) else { continue }
      for value in resolver.values(of: object) {
        found += resolver.attribute(name, of: value).compactMap(\.asPath)
      }
    }
    // An object is called by what its class calls `__call__`.
    for case .instance(let node) in values {
      found += resolver.attribute("__call__", ofInstance: node).compactMap(\.asPath)
    }
    // A name that nothing here binds is one of the built-in ones, or comes from whoever runs this text: another cell of
    // the notebook, the caller of `exec`.
    if tree[callee].kind == .attribute, found.contains(where: { resolver.paths.form($0).contains(.builtin) }) {
      let (base, names) = written(callee)
      if found.contains(resolver.paths.member(base, of: resolver.builtins, then: names)) {
        found.append(resolver.paths.member(base, of: nil, then: names))
      }
    }
    for path in found {
      let form = resolver.paths.form(path)
      if form.contains(.passes) { found += resolver.paths.throughModules(path) }
      if form.contains(.result), let object = resolver.paths.parent(path),
        resolver.paths.form(object).contains(.closed), resolver.paths.last(path) != "?"
      {
        // Nothing is known of what hangs on a result but its name.
        found.append(resolver.paths.lastMember(of: path, on: unknown))
      }
    }
    if !found.isEmpty { return found }
    if tree[callee].kind == .name { return [resolver.paths.path(tree[callee].data)] }
    return [resolver.paths.member(nil, of: nil, then: written(callee).names)]
  }

  /// The names a callee is written with: that which the others hang on, nil for anything but a name, and those.
  private func written(_ callee: NodeID) -> (base: UInt32?, names: [UInt32]) {
    var names: [UInt32] = []
    var at = callee
    while tree[at].kind == .attribute, names.count < 32 {
      names.append(tree[at].data)
      at = tree[at].first
    }
    names.reverse()
    return (tree[at].kind == .name ? tree[at].data : nil, names)
  }

  // MARK: - Arguments

  /// The arguments as they are written, in one line, up to the bound on their characters together. Switches
  /// (`weights_only=False`) do not count, so that nothing long pushes them out.
  private func arguments(of node: NodeID) -> [String] {
    var found: [String] = []
    var room = limits.argumentCharacters
    var switches = 64
    for argument in tree.children(of: node).dropFirst() {
      let isKeyword = tree[argument].kind == .keyword && tree[argument].first != 0
      let value = isKeyword ? tree[tree[argument].first] : tree[argument]
      let isSwitch = isKeyword && value.kind == .constant && switches > 0
      guard room > 0 || isSwitch else {
        if found.last != "…" { found.append("…") }
        continue
      }
      let name = isKeyword ? String(tree.names.text(tree[argument].data).prefix(80)) + "=" : ""
      let text = name + excerpt(value, isSwitch ? 8 : room)
      if isSwitch { switches -= 1 } else { room -= text.unicodeScalars.count }
      found.append(text)
    }
    return found
  }

  /// Source of a node, with every run of blanks as one, cut after `limit` bytes.
  func excerpt(_ node: Node, _ limit: Int) -> String {
    let start = Int(node.start)
    let end = min(Int(node.end), start + limit)
    guard start < end else { return "" }
    var bytes: [UInt8] = []
    for byte in tree.bytes[start..<end] {
      if byte == 0x0a || byte == 0x0d || byte == 0x09 || byte == 0x20 || byte == 0x0c {
        if bytes.last != 0x20 { bytes.append(0x20) }
      } else {
        bytes.append(byte)
      }
    }
    guard end < Int(node.end) else { return String(decoding: bytes, as: UTF8.self) }
    // Not in the middle of a character.
    while let last = bytes.last, last & 0xc0 == 0x80 { bytes.removeLast() }
    if let last = bytes.last, last >= 0xc0 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self) + "…"
  }

  // MARK: - Imports

  private func state(importOf node: NodeID, into sink: inout FactBuffer) {
    let statement = tree[node]
    for alias in tree.children(of: node) {
      let target = imported(by: alias, of: statement)
      sink.emit(
        .reference(ReferenceFact(field: "python.import", type: .module, target: target)), artifact: notes.artifact,
        range: notes.offsets.range(tree[alias].start, tree[alias].end), place: place(of: statement), distinct: true)
    }
  }

  /// The dotted name that an import binds, with the dots in front that lead up from the module's own package.
  func imported(by alias: NodeID, of statement: Node) -> String {
    let name = tree.names.text(tree[alias].data)
    if statement.kind == .importStatement { return name }
    let module = statement.data == PythonNames.none ? "" : tree.names.text(statement.data)
    let prefix = String(repeating: ".", count: Int(statement.flags)) + module
    return prefix.isEmpty || prefix.hasSuffix(".") ? prefix + name : prefix + "." + name
  }
}
