import MScanFacts

/// What a module looks like from outside: its names, when its functions run, and how the way to them goes.
extension PythonStatements {
  /// Steps of one way that are told. Count; 12.
  private static let stepBound = 12

  /// The function whose code a node is, `Model.__init__`; empty at the level of the module and of its classes.
  mutating func function(of node: NodeID) -> String { function(ofScope: Int(scopes.scopeOf[Int(node)])) }

  private mutating func function(ofScope scope: Int) -> String {
    var at = scope
    while at != 0, scopes.scopes[at].kind != .function { at = scopes.scopes[at].parent }
    return at == 0 ? "" : scopeNames[at]
  }

  /// Names of all scopes, `Model.__init__`, those of the scopes around them in front; a parent comes before what lies in
  /// it. Cut at 400 bytes.
  static func names(of scopes: PythonScopes, in tree: PythonTree) -> [String] {
    var names: [String] = []
    names.reserveCapacity(scopes.scopes.count)
    for (index, scope) in scopes.scopes.enumerated() {
      let outer = index == 0 || scope.parent >= names.count ? "" : names[scope.parent]
      let node = tree[scope.node]
      let own: String
      switch node.kind {
      case .functionDefinition, .classDefinition: own = tree.names.text(node.data)
      case .lambda: own = "<lambda>"
      default: own = ""
      }
      names.append(own.isEmpty || outer.utf8.count > 400 ? outer : outer.isEmpty ? own : outer + "." + own)
    }
    return names
  }

  mutating func outgoing() -> [PythonModule.Outgoing] {
    var found: [PythonModule.Outgoing] = []
    for node in places {
      let (line, column) = tree.lines.position(of: tree[node].start)
      let scope = Int(scopes.scopeOf[Int(node)])
      var targets: [String] = []
      let isImport = tree[node].kind == .importStatement || tree[node].kind == .importFromStatement
      switch tree[node].kind {
      case .call:
        targets = texts(subjects(of: tree[node].first, arguments: node))
      case .decorator: targets = texts(paths(of: tree[node].first))
      default: targets = tree.children(of: node).map { imported(by: $0, of: tree[node]) }
      }
      func add(_ targets: [String], _ texts: [String]?) {
        guard !targets.isEmpty else { return }
        found.append(
          PythonModule.Outgoing(
            targets: targets, isImport: isImport, function: function(ofScope: scope), moment: moment(ofScope: scope),
            line: line, column: column, firstTexts: texts))
      }
      add(targets, firstTexts(of: node))
      // What is handed on may be called by whoever gets it.
      if tree[node].kind == .call { for (_, paths) in handedOn(by: node) { add(texts(paths), nil) } }
    }
    return found
  }

  private mutating func firstTexts(of node: NodeID) -> [String]? {
    guard tree[node].kind == .call, let first = tree.given(to: node).first else { return nil }
    let values = resolver.values(of: first)
    let found = values.compactMap(\.asText)
    return found.isEmpty || found.count < values.count ? nil : found
  }

  mutating func meanings(of name: String) -> [PythonModule.Meaning] {
    var found: [PythonModule.Meaning] = []
    for value in values(ofDotted: name) {
      switch value {
      case .path(let path): found.append(.path(resolver.paths.text(path)))
      case .function, .classDefinition, .instance: found.append(.own)
      default: continue
      }
    }
    return found
  }

  /// What a name at the level of the module stands for, or what hangs on it: `engine.run`.
  private mutating func values(ofDotted name: String) -> [PythonValue] {
    let steps = name.split(separator: ".").map(String.init)
    guard let first = steps.first, let number = tree.names.number(of: first), scopes.found(number, in: 0) != nil else {
      return []
    }
    var values = resolver.values(named: number)
    for step in steps.dropFirst().prefix(16) {
      var next = values.flatMap { resolver.attribute(step, of: $0) }
      // What is set on an object is there whatever its class says.
      if let number = tree.names.number(of: step) { next += resolver.attributeValues(number) }
      values = next
    }
    return values
  }

  mutating func raise(_ name: String, to moment: PythonModule.Moment) -> Bool {
    var changed = false
    for value in values(ofDotted: name) where raise(value, to: moment) { changed = true }
    return changed
  }

  mutating func moments() -> [String: PythonModule.Moment] {
    let runs = runs
    var found: [String: PythonModule.Moment] = [:]
    for index in scopes.scopes.indices where scopes.scopes[index].kind == .function {
      let name = scopeNames[index]
      found[name] = max(found[name] ?? .call, runs.moments[index])
    }
    found[""] = .import
    return found
  }

  /// The calls on the way to a function, from what Python or the loader calls itself.
  mutating func steps(to function: String) -> [FlowStep] { function.isEmpty ? [] : way(to: function).steps }

  /// The calls on the way to a function, and the function that they start in.
  mutating func way(to function: String) -> (start: String, steps: [FlowStep]) {
    let runs = runs
    guard !function.isEmpty, let scope = scopesByName[function]?.first(where: { runs.causes[$0] != nil }) else {
      return (function, [])
    }
    var steps: [FlowStep] = []
    var at = scope
    while steps.count < Self.stepBound, let cause = runs.causes[at] {
      if scopes.scopes[at].kind == .function {
        let (line, column) = tree.lines.position(of: tree[cause.node].start)
        let caller = self.function(ofScope: cause.scope)
        let by = caller.isEmpty ? "the module" : caller
        steps.append(FlowStep(line: line, column: column, message: "\(by) calls \(scopeNames[at])"))
      }
      at = cause.scope
    }
    return (self.function(ofScope: at), steps.reversed())
  }
}
