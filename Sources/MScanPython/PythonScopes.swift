/// The scopes of a module and what is bound in each, by Python's rules: module, classes, functions, lambdas and
/// comprehensions. Every assignment counts, whatever the order they run in.
///
/// A class, so that all who ask have the same one and nothing of it is copied.
final class PythonScopes: Sendable {
  enum Kind { case module, `class`, function, comprehension, scriptGuard }

  struct Scope: Sendable {
    var kind: Kind
    /// The scope around it; the module's own index for the module.
    var parent: Int
    /// The definition, lambda or comprehension.
    var node: NodeID
    /// Names that `global` sends to the module.
    var globals: Set<UInt32> = []
    /// Names that `nonlocal` sends to the functions around it.
    var outer: Set<UInt32> = []
    /// Values that `return` gives, or the body of a lambda.
    var returns: [NodeID] = []
    /// Values that `yield` gives, one after the other.
    var yields: [NodeID] = []
  }

  enum Binding: Sendable {
    case value(NodeID)
    /// `+=` and its kin: the value added.
    case added(NodeID)
    /// One of what the value holds: a loop's target, an unpacked name.
    case element(NodeID)
    /// The same at one place of each, as `for key, value in table.items()` takes them.
    case part(of: NodeID, index: Int)
    /// What is left of it for a starred name, behind so many and before so many.
    case rest(of: NodeID, behind: Int, before: Int)
    /// What a mapping holds under a key, as a pattern takes it.
    case entry(of: NodeID, key: NodeID)
    case path(DottedPath)
    /// A function, a lambda's or a class's definition.
    case function(NodeID), classDefinition(NodeID)
    /// An attribute of a value, by its name.
    case member(of: NodeID, name: UInt32)
    /// Position in the parameters of the function `node`; -1 for what gathers the rest.
    case parameter(node: NodeID, index: Int)
    case unknown
  }

  let tree: PythonTree
  let scopes: [Scope]
  /// The scope that each node is evaluated in.
  let scopeOf: [UInt32]
  /// The scope that a definition, lambda or comprehension opens.
  let opened: [NodeID: Int]
  /// Values assigned to an attribute of anything, by the attribute's name.
  let attributeValues: [[NodeID]]
  /// `name[index] = value`, by the name.
  let itemValues: [UInt32: [(index: NodeID, value: NodeID)]]
  /// `object.name = value` and `object[index] = value`, in no order.
  let changes: [(target: NodeID, value: NodeID)]
  /// Values assigned to names.
  let assigned: [NodeID]
  /// Modules that everything is imported from.
  let starImports: [String]
  private let bound: BoundNames

  init(_ reader: PythonScopeReader) {
    tree = reader.tree
    scopes = reader.scopes
    scopeOf = reader.scopeOf
    opened = reader.opened
    attributeValues = reader.attributeValues
    itemValues = reader.itemValues
    changes = reader.changes
    assigned = reader.assigned
    starImports = reader.starImports
    bound = reader.bound
  }

  /// Whether a scope is the module's own, or that of a class or comprehension in no function.
  func isOutsideFunctions(_ scope: Int) -> Bool {
    var at = scope
    while at != 0 {
      guard scopes[at].kind == .class || scopes[at].kind == .comprehension else { return false }
      at = scopes[at].parent
    }
    return true
  }

  /// How many names there are in all scopes together.
  var boundCount: Int { bound.count }

  /// Whether any scope binds a name.
  func isBound(_ name: UInt32) -> Bool { bound.home(of: name).scope != BoundNames.Home.none }

  func found(_ name: UInt32, in scope: Int) -> BoundNames.Bindings? {
    bound.number(of: name, in: scope).map { bound.bindings(of: $0) }
  }

  /// The number that a name has in one scope, among all of the module; nil where it is not bound.
  func number(of name: UInt32, in scope: Int) -> Int? { bound.number(of: name, in: scope) }

  /// What a name of that number is bound to.
  func bindings(of number: Int) -> BoundNames.Bindings { bound.bindings(of: number) }

  /// The same where there is but one; nil where there are more.
  func onlyBinding(of number: Int) -> Binding? { bound.onlyBinding(of: number) }

  /// The number of the name that an expression in a scope means, by Python's rules: a class's own names are not seen
  /// from the functions in it. Nil for what nothing binds.
  func number(of name: UInt32, seenFrom scope: Int) -> Int? {
    let home = bound.home(of: name)
    if home.scope == 0 { return Int(home.number) }
    if home.scope == BoundNames.Home.none { return nil }
    var at = scope
    var isFirst = true
    while true {
      if isFirst || scopes[at].kind != .class, let number = bound.number(of: name, in: at) { return number }
      // Scopes are in the order of their opening: none further out is the one.
      if at == 0 || home.scope != BoundNames.Home.several && at < Int(home.scope) { return nil }
      if scopes[at].kind == .function { isFirst = false }
      at = scopes[at].parent
    }
  }
}

/// What each name is bound to in each scope.
struct BoundNames: Sendable {
  struct Link: Sendable {
    var binding: PythonScopes.Binding
    /// The next one of the same name; 0 for none.
    var next: UInt32 = 0
  }

  /// Where a name is bound.
  struct Home: Sendable {
    static let none = UInt32.max
    static let several = UInt32.max - 1
    /// The scope, ``none``, or ``several``.
    var scope = none
    /// The number of the name in that scope.
    var number: UInt32 = 0
  }

  /// What a name is bound to in one scope, in the order of the text. Never empty.
  struct Bindings: Sequence, IteratorProtocol {
    let first: PythonScopes.Binding
    private let links: [Link]
    private var upcoming: UInt32

    fileprivate init(_ links: [Link], from start: UInt32) {
      self.links = links
      first = links[Int(start)].binding
      upcoming = start &+ 1
    }

    mutating func next() -> PythonScopes.Binding? {
      guard upcoming != 0 else { return nil }
      let link = links[Int(upcoming &- 1)]
      upcoming = link.next
      return link.binding
    }
  }

  /// The bindings of each name in each scope: chains through `links`, by number.
  private var chains: [(first: UInt32, last: UInt32)] = []
  private var links: [Link] = []
  /// For each name the one scope that binds it; most names have but one.
  private var homes: [Home]
  /// The numbers of the others, by scope and name.
  private var numbers = NumberTable(capacity: 32)

  /// - Parameter names: how many the module has.
  init(names: Int) { homes = [Home](repeating: Home(), count: names) }

  var count: Int { chains.count }

  func home(of name: UInt32) -> Home { homes.indices.contains(Int(name)) ? homes[Int(name)] : Home() }

  func number(of name: UInt32, in scope: Int) -> Int? {
    let home = home(of: name)
    if home.scope == Home.several { return numbers[Self.key(scope, name)].map { Int($0) } }
    return Int(home.scope) == scope ? Int(home.number) : nil
  }

  func bindings(of number: Int) -> Bindings { Bindings(links, from: chains[number].first) }

  func onlyBinding(of number: Int) -> PythonScopes.Binding? {
    let chain = chains[number]
    return chain.first == chain.last ? links[Int(chain.first)].binding : nil
  }

  private static func key(_ scope: Int, _ name: UInt32) -> UInt64 {
    NumberTable.key(UInt32(truncatingIfNeeded: scope), name)
  }

  /// Binds a name once more. What has no name (a broken statement) is bound nowhere.
  mutating func bind(_ name: UInt32, _ binding: PythonScopes.Binding, in scope: Int) {
    guard homes.indices.contains(Int(name)) else { return }
    let place = UInt32(truncatingIfNeeded: links.count)
    links.append(Link(binding: binding))
    let number = UInt32(truncatingIfNeeded: chains.count)
    let chain = Int(settle(name, in: scope, as: number))
    if chain == chains.count {
      chains.append((place, place))
    } else {
      links[Int(chains[chain].last)].next = place &+ 1
      chains[chain].last = place
    }
  }

  /// The number of the name in the scope; `number`, from now on, when it had none.
  private mutating func settle(_ name: UInt32, in scope: Int, as number: UInt32) -> UInt32 {
    let home = homes[Int(name)]
    if home.scope == Home.none {
      homes[Int(name)] = Home(scope: UInt32(truncatingIfNeeded: scope), number: number)
      return number
    }
    if Int(home.scope) == scope { return home.number }
    if home.scope != Home.several {
      _ = numbers.insert(home.number, for: Self.key(Int(home.scope), name))
      homes[Int(name)].scope = Home.several
    }
    return numbers.insert(number, for: Self.key(scope, name))
  }
}
