/// What Python calls without being asked by name: methods behind operators and loops, properties, decorators, and what
/// `super()` leads to.
extension PythonResolver {
  /// What methods of that name give, of an object of a class of this module.
  mutating func given(byMethod name: String, of value: PythonValue) -> [PythonValue] {
    switch value {
    case .instance(let node), .classDefinition(let node): return results(of: member(name, of: node))
    default: return []
    }
  }

  private mutating func results(of functions: [PythonValue]) -> [PythonValue] {
    functions.flatMap { function -> [PythonValue] in
      guard case .function(let node) = function, let scope = scopes.opened[node] else { return [] }
      return outside { $0.results(ofScope: scope) }
    }
  }

  /// One of what a loop, or a context, takes out of a value.
  mutating func taken(from value: PythonValue) -> [PythonValue] {
    if let elements = value.elements { return some(of: elements) }
    guard case .instance = value else { return [] }
    let iterated = given(byMethod: "__iter__", of: value).flatMap { some(of: $0.elements ?? []) }
    return iterated + given(byMethod: "__next__", of: value) + given(byMethod: "__enter__", of: value)
  }

  /// Of what a list holds everything that can be called, and a few others.
  mutating func some(of elements: [PythonValue]) -> [PythonValue] {
    if elements.count <= Self.valueBound { return elements }
    charge(elements.count >> 6)
    var others = 0
    return elements.filter { element in
      if element.mayBeCalled { return true }
      others += 1
      return others <= Self.valueBound
    }
  }

  /// Things put into one list that are looked at. Count; 1,024.
  private static let putBound = 1024

  /// What an expression holds one after the other, and what is put into it by its name.
  mutating func elements(of node: NodeID) -> [PythonValue] {
    let held = values(of: node).flatMap { taken(from: $0) }
    guard tree[node].kind == .name, let put = scopes.itemValues[tree[node].data] else { return held }
    if put.count > Self.putBound { stop(at: "pythonMeaning") }
    return held + put.prefix(Self.putBound).flatMap { values(of: $0.value) }
  }

  /// An attribute of an object of this module's class: what a property gives, and what `__getattr__` makes up.
  mutating func attribute(_ name: String, ofInstance node: NodeID) -> [PythonValue] {
    if name == "__class__" { return [.classDefinition(node)] }
    let found = member(name, of: node) + overrides(of: name, in: node)
    if found.isEmpty, name.utf8.first != UInt8(ascii: "_") {
      return given(byMethod: "__getattr__", of: .instance(node))
    }
    let properties = found.filter { value in
      if case .function(let function) = value { tree.isProperty(function) } else { false }
    }
    return properties.isEmpty ? found : found + results(of: properties)
  }

  /// A function as its name has it: itself, and what decorators of this module make of it.
  mutating func asDecorated(_ function: NodeID) -> [PythonValue] {
    var found: [PythonValue] = [.function(function)]
    var next = tree[function].first
    while next != 0, tree[next].kind == .decorator {
      found += results(of: values(of: tree[next].first))
      next = tree.next(after: next)
    }
    return found
  }

  /// `super()`: an object of each base of the class around, as far as this module has them.
  mutating func superObjects(at call: NodeID) -> [PythonValue] {
    var at = Int(scopes.scopeOf[Int(call)])
    while at != 0, scopes.scopes[at].kind != .class { at = scopes.scopes[at].parent }
    guard at != 0 else { return [] }
    var found: [PythonValue] = []
    for child in children(scopes.scopes[at].node) where tree[child].kind == .arguments {
      for base in children(child) where tree[base].kind != .keyword {
        for case .classDefinition(let parent) in values(of: base) { found.append(.instance(parent)) }
      }
    }
    return found
  }

  /// Whether a method is given the class in place of an object of it.
  func isOfClass(_ function: NodeID) -> Bool {
    if tree[function].kind == .functionDefinition {
      switch tree.names.text(tree[function].data) {
      case "__new__", "__init_subclass__", "__class_getitem__": return true
      default: break
      }
    }
    return tree.children(of: function).contains { child in
      tree[child].kind == .decorator && tree.dotted(tree[child].first) == "classmethod"
    }
  }

  /// Classes of one that are looked into for what they put in the place of its methods. Count; 1,024.
  private static let subclassBound = 1024

  /// What classes that are made from one bind a name to: an object of it may be one of theirs.
  private mutating func overrides(of name: String, in node: NodeID) -> [PythonValue] {
    guard let number = tree.names.number(of: name) else { return [] }
    let known = subclasses ?? foundSubclasses()
    subclasses = known
    guard !known.isEmpty else { return [] }
    var open = known[node] ?? []
    var seen: Set<NodeID> = [node]
    var found: [PythonValue] = []
    while let next = open.popLast(), seen.count <= Self.subclassBound {
      guard seen.insert(next).inserted, let scope = scopes.opened[next] else { continue }
      found += bound(number, in: scope) ?? []
      open += known[next] ?? []
    }
    if !open.isEmpty { stop(at: "pythonMeaning") }
    return found
  }

  /// By the names of the bases alone.
  private func foundSubclasses() -> [NodeID: [NodeID]] {
    var found: [NodeID: [NodeID]] = [:]
    for scope in scopes.scopes where scope.kind == .class {
      for child in tree.children(of: scope.node) where tree[child].kind == .arguments {
        for base in tree.children(of: child) where tree[base].kind == .name {
          guard let number = scopes.number(of: tree[base].data, seenFrom: scope.parent) else { continue }
          for case .classDefinition(let parent) in scopes.bindings(of: number) {
            found[parent, default: []].append(scope.node)
          }
        }
      }
    }
    return found
  }
}
