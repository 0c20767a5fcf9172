/// What the names of a template can stand for. Scopes are left out on purpose: a name stands for everything that it is
/// set to anywhere, so that no order of blocks hides a value.
struct JinjaNames {
  enum Source: Sendable, Hashable {
    /// The value of an expression, or what a body puts out.
    case node(Int)
    /// Each element of a value.
    case element(Int)
    /// The n-th part of each element.
    case part(Int, Int)
  }

  struct Macro: Sendable {
    var node: Int
    var parameters: [String]
    var body: Int
  }

  /// By name; attributes of namespaces as `ns.x`.
  private(set) var sources: [String: [Source]] = [:]
  private(set) var macros: [String: Macro] = [:]
  /// Conditions around each assignment, by the assigned value's node.
  private(set) var conditions: [Int: [Int]] = [:]
  /// Names that only loops, macros and `with` bring in.
  private(set) var bound: Set<String> = ["loop", "caller", "varargs", "kwargs", "super"]
  /// What other templates bring in.
  private(set) var imported: Set<String> = []

  private static let sourceLimit = 64

  init(_ tree: JinjaTree) {
    var open: [Int] = []
    collectMacros(tree)
    visit(tree.root, tree, &open)
  }

  private mutating func collectMacros(_ tree: JinjaTree) {
    for (index, node) in tree.nodes.enumerated() where node.kind == .macro {
      let parameters = node.children.dropLast().map { tree[$0].text }
      macros[node.text] = Macro(node: index, parameters: Array(parameters), body: node.children.last ?? index)
      for parameter in node.children.dropLast() {
        bound.insert(tree[parameter].text)
        if let standard = tree[parameter].children.first { add(tree[parameter].text, .node(standard), []) }
      }
    }
  }

  /// The macros whose bodies a place of the template lies in.
  func macros(around offset: Int, in tree: JinjaTree) -> Set<String> {
    Set(macros.filter { tree[$0.value.node].start <= offset && offset < tree[$0.value.node].end }.keys)
  }

  private mutating func add(_ name: String, _ source: Source, _ open: [Int]) {
    guard sources[name, default: []].count < Self.sourceLimit else { return }
    sources[name, default: []].append(source)
    if case .node(let node) = source, !open.isEmpty { conditions[node] = open }
  }

  private mutating func visit(_ index: Int, _ tree: JinjaTree, _ open: inout [Int]) {
    let node = tree[index]
    let depth = open.count
    defer { open.removeLast(open.count - depth) }
    switch node.kind {
    case .branches:
      for (place, child) in node.children.enumerated() {
        // A condition holds for its body, and its opposite for the branches behind it.
        if place.isMultiple(of: 2), place + 1 < node.children.count { open.append(child) }
        visit(child, tree, &open)
      }
      return
    case .loop:
      guard node.children.count == 5 else { return }
      assign(node.children[0], .element(node.children[1]), tree, open)
      if tree[node.children[4]].kind != .missing { open.append(node.children[4]) }
    case .set, .setBlock:
      if node.children.count == 2 { assign(node.children[0], .node(node.children[1]), tree, open) }
    case .with:
      for place in stride(from: 0, to: node.children.count - 2, by: 2) {
        assign(node.children[place], .node(node.children[place + 1]), tree, open)
      }
    case .callBlock:
      for parameter in node.children.dropFirst().dropLast() { bound.insert(tree[parameter].text) }
    case .load:
      for name in node.children.dropFirst() where tree[name].kind == .name { imported.insert(tree[name].text) }
    case .postfix: bindArguments(node, tree, open)
    default: break
    }
    for child in node.children { visit(child, tree, &open) }
  }

  /// `a`, `ns.a`, `(a, b)`.
  private mutating func assign(_ target: Int, _ source: Source, _ tree: JinjaTree, _ open: [Int]) {
    let node = tree[target]
    switch node.kind {
    case .name:
      add(node.text, source, open)
      bound.insert(node.text)
    case .postfix:
      if let path = Self.path(target, tree) { add(path, source, open) }
    case .tuple, .list:
      for (place, child) in node.children.prefix(16).enumerated() {
        switch source {
        case .node(let value):
          let parts = tree[value]
          if [.tuple, .list].contains(parts.kind), parts.children.indices.contains(place) {
            assign(child, .node(parts.children[place]), tree, open)
          } else {
            assign(child, .part(value, place), tree, open)
          }
        case .element(let value): assign(child, .part(value, place), tree, open)
        case .part: assign(child, source, tree, open)
        }
      }
    default: break
    }
  }

  /// `ns.a` for an attribute of a name.
  static func path(_ index: Int, _ tree: JinjaTree) -> String? {
    let node = tree[index]
    guard node.kind == .postfix, node.children.count == 2, tree[node.children[0]].kind == .name else { return nil }
    let step = tree[node.children[1]]
    switch step.kind {
    case .attribute: return tree[node.children[0]].text + "." + step.text
    case .subscripted:
      guard let key = step.children.first, tree[key].kind == .string else { return nil }
      return tree[node.children[0]].text + "." + tree[key].text
    default: return nil
    }
  }

  /// Arguments of a macro are what its parameters stand for; those of `namespace` and `dict`, what attributes of the
  /// variable stand for, is found where they are set.
  private mutating func bindArguments(_ node: JinjaNode, _ tree: JinjaTree, _ open: [Int]) {
    guard node.children.count > 1, tree[node.children[0]].kind == .name,
      let macro = macros[tree[node.children[0]].text], tree[node.children[1]].kind == .call
    else { return }
    var place = 0
    for argument in tree[node.children[1]].children {
      let given = tree[argument]
      if given.kind == .keyword {
        if let value = given.children.first, macro.parameters.contains(given.text) {
          add(given.text, .node(value), open)
        }
      } else {
        if macro.parameters.indices.contains(place) { add(macro.parameters[place], .node(argument), open) }
        place += 1
      }
    }
  }

  /// Whether the template itself says what the name is.
  func isOwn(_ name: String) -> Bool {
    bound.contains(name) || macros[name] != nil || imported.contains(name) || sources[name] != nil
  }
}
