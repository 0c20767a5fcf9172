/// When the code of each scope runs: while the module is imported, while an object of one of its classes is made, or only
/// when somebody calls it.
///
/// Code of functions runs when they are called, and calls inside the module are followed, by name, through methods of
/// `self`, decorators and functions that are handed on.
struct PythonRuns {
  enum Moment: Int, Comparable {
    case call, construction, `import`

    var text: String {
      switch self {
      case .call: "call"
      case .construction: "construction"
      case .import: "import"
      }
    }

    static func < (a: Moment, b: Moment) -> Bool { a.rawValue < b.rawValue }
  }

  private let tree: PythonTree
  private let scopes: PythonScopes
  private(set) var moments: [Moment]
  /// Scopes that the code of a scope enters.
  private var entered: [[Int]]

  /// - Parameter isStarted: whether the file is run as a program too (`setup.py`).
  init(tree: PythonTree, scopes: PythonScopes, isStarted: Bool) {
    self.tree = tree
    self.scopes = scopes
    moments = [Moment](repeating: .call, count: scopes.scopes.count)
    entered = [[Int]](repeating: [], count: scopes.scopes.count)
    moments[0] = .import
    // Scopes are in the order of their opening: a parent comes before what lies in it.
    for index in scopes.scopes.indices.dropFirst() {
      let scope = scopes.scopes[index]
      let outer = moments[scope.parent]
      switch scope.kind {
      case .module: continue
      case .class, .comprehension:
        moments[index] = outer
        entered[scope.parent].append(index)
      case .scriptGuard:
        if isStarted {
          moments[index] = outer
          entered[scope.parent].append(index)
        }
      case .function: moments[index] = own(scope)
      }
    }
  }

  /// When Python itself calls a function of this name, where it stands.
  private func own(_ scope: PythonScopes.Scope) -> Moment {
    guard tree[scope.node].kind == .functionDefinition else { return .call }
    let name = tree.names.text(tree[scope.node].data)
    switch scopes.scopes[scope.parent].kind {
    case .module: return name == "__getattr__" || name == "__dir__" ? .import : .call
    case .class:
      switch name {
      case "__init_subclass__", "__set_name__", "__class_getitem__", "__prepare__", "__mro_entries__": return .import
      case "__new__", "__init__": return isMetaclass(scopes.scopes[scope.parent].node) ? .import : .construction
      case "__post_init__", "__del__", "__reduce__", "__reduce_ex__", "__setstate__", "__getstate__":
        return .construction
      default: return .call
      }
    default: return .call
    }
  }

  private func isMetaclass(_ node: NodeID) -> Bool {
    for child in tree.children(of: node) where tree[child].kind == .arguments {
      for base in tree.children(of: child) where tree[base].kind != .keyword {
        if let name = tree.dotted(base), name == "type" || name.hasSuffix("Meta") || name.hasSuffix("Metaclass") {
          return true
        }
      }
    }
    return false
  }

  /// The code of `scope` calls the function, or makes an object of the class.
  mutating func enter(_ value: PythonValue, from scope: Int) {
    switch value {
    case .function(let node):
      if let inner = scopes.opened[node] { entered[scope].append(inner) }
    case .classDefinition(let node):
      guard let inner = scopes.opened[node] else { return }
      for name in ["__init__", "__new__", "__post_init__", "__call__", "__del__", "__enter__"] {
        guard let number = tree.names.number(of: name), let found = scopes.found(number, in: inner) else { continue }
        for case .function(let function) in found {
          if let method = scopes.opened[function] { entered[scope].append(method) }
        }
      }
    default: return
    }
  }

  /// Carries moments along the calls, until nothing changes. Each scope rises at most twice.
  mutating func settle() {
    var open = Array(moments.indices)
    while let scope = open.popLast() {
      for inner in entered[scope] where moments[inner] < moments[scope] {
        moments[inner] = moments[scope]
        open.append(inner)
      }
    }
  }
}
