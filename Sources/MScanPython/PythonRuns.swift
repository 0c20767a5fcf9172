/// When the code of each scope runs: while the module is imported, while an object of one of its classes is made, when
/// the model is used for the first time, or only when somebody calls it.
///
/// Code of functions runs when they are called, and calls inside the module are followed, by name, through methods of
/// `self`, decorators and functions that are handed on.
struct PythonRuns {
  typealias Moment = PythonModule.Moment

  /// A scope that the code of another one enters, and where.
  private struct Entry {
    var scope: Int
    var node: NodeID
  }

  private let tree: PythonTree
  private let scopes: PythonScopes
  private let isCalled: Bool
  private(set) var moments: [Moment]
  /// Scopes that the code of a scope enters.
  private var entered: [[Entry]]
  /// What raised a scope to its moment: the scope that enters it, and where; nil for what Python itself calls.
  private(set) var causes: [(scope: Int, node: NodeID)?]

  /// - Parameters:
  ///   - isStarted: whether the file is run as a program too (`setup.py`).
  ///   - isCalled: whether a loader calls the functions of the module by name (`hubconf.py`).
  init(tree: PythonTree, scopes: PythonScopes, isStarted: Bool, isCalled: Bool = false) {
    self.isCalled = isCalled
    self.tree = tree
    self.scopes = scopes
    moments = [Moment](repeating: .call, count: scopes.scopes.count)
    entered = [[Entry]](repeating: [], count: scopes.scopes.count)
    causes = [(scope: Int, node: NodeID)?](repeating: nil, count: scopes.scopes.count)
    moments[0] = .import
    // Scopes are in the order of their opening: a parent comes before what lies in it.
    for index in scopes.scopes.indices.dropFirst() {
      let scope = scopes.scopes[index]
      let outer = moments[scope.parent]
      switch scope.kind {
      case .module: continue
      case .class, .comprehension:
        moments[index] = outer
        entered[scope.parent].append(Entry(scope: index, node: scope.node))
      case .scriptGuard:
        if isStarted {
          moments[index] = outer
          entered[scope.parent].append(Entry(scope: index, node: scope.node))
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
    case .module: return Self.ofModules[name] ?? (isCalled && !name.hasPrefix("_") ? .construction : .call)
    case .class:
      if let known = Self.ofClasses[name] { return known }
      switch name {
      case "__new__", "__init__": return isMetaclass(scopes.scopes[scope.parent].node) ? .import : .construction
      // A serving container makes ready what it asks for predictions.
      case "setup":
        let isServed = tree.names.number(of: "predict").map { scopes.found($0, in: scope.parent) != nil } ?? false
        return isServed ? .construction : .call
      // Operators, conversions, contexts: called without being named.
      case _ where name.hasPrefix("__") && name.hasSuffix("__"): return .forward
      default: return tree.isProperty(scope.node) || isNodeFunction(name, scope.parent) ? .forward : .call
      }
    default: return .call
    }
  }

  private static func table(_ names: [Moment: [String]]) -> [String: Moment] {
    var found: [String: Moment] = [:]
    for (moment, names) in names { for name in names { found[name] = moment } }
    return found
  }

  /// What Python, serving containers and test runners look for in a module.
  private static let ofModules = table([
    .import: ["__getattr__", "__dir__"],
    .construction: ["model_fn", "pytest_configure", "pytest_sessionstart", "pytest_load_initial_conftests"],
    .forward: ["input_fn", "predict_fn", "output_fn", "transform_fn", "lambda_handler", "generate"],
  ])

  /// What Python and loaders call of a class of their own accord.
  private static let ofClasses = table([
    .import: ["__init_subclass__", "__set_name__", "__class_getitem__", "__prepare__", "__mro_entries__"],
    .construction: [
      "__post_init__", "__del__", "__reduce__", "__reduce_ex__", "__setstate__", "__getstate__",
      "from_pretrained", "_from_pretrained", "from_config", "_from_config", "from_dict", "get_config_dict",
      "_init_weights", "init_weights", "post_init", "tie_weights", "_tie_weights", "load_state_dict",
      "_load_from_state_dict", "_load_pretrained_model", "get_init_context", "can_generate", "build", "eval",
      "reset_parameters", "get_input_embeddings", "get_output_embeddings", "get_vocab", "vocab_size",
      "register_for_auto_class", "resize_token_embeddings", "initialize_weights",
      // A node of a workflow is asked what it takes when it is listed.
      "INPUT_TYPES", "VALIDATE_INPUTS", "IS_CHANGED", "fingerprint_inputs", "define_schema",
      // Commands of a build, whose `run` is not all that is called.
      "initialize_options", "finalize_options", "build_extension", "build_extensions", "build_module", "build_packages",
      "find_sources", "get_ext_filename", "install_lib", "make_distribution", "run_command", "run_commands",
    ],
    .forward: [
      "forward", "generate", "encode", "decode", "tokenize", "_tokenize", "predict", "preprocess", "postprocess",
      "_forward", "inference", "handle", "run", "call", "initialize", "execute",
      "_apply", "to", "cuda", "half", "prepare_inputs_for_generation", "_update_model_kwargs_for_generation",
      "_reorder_cache", "apply_chat_template", "_sanitize_parameters", "convert_tokens_to_string",
      "_convert_token_to_id", "_convert_id_to_token", "build_inputs_with_special_tokens", "batch_decode",
    ],
  ])

  /// Whether a class says that a workflow calls its method of this name: `FUNCTION = "run"`.
  private func isNodeFunction(_ name: String, _ scope: Int) -> Bool {
    guard let number = tree.names.number(of: "FUNCTION"), let bound = scopes.found(number, in: scope) else {
      return false
    }
    for case .value(let value) in bound where tree[value].kind == .string {
      if PythonLiteral.value(of: tree[value], in: tree.bytes).asText == name { return true }
    }
    return false
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

  /// The code of `scope` calls the function, or makes an object of the class, at `node`.
  mutating func enter(_ value: PythonValue, from scope: Int, at node: NodeID) {
    for inner in bodies(of: value) { entered[scope].append(Entry(scope: inner, node: node)) }
  }

  /// The scopes that run when a function is called or an object of a class is made.
  private func bodies(of value: PythonValue) -> [Int] {
    switch value {
    case .function(let node): return scopes.opened[node].map { [$0] } ?? []
    case .classDefinition(let node):
      guard let inner = scopes.opened[node] else { return [] }
      var found: [Int] = []
      for name in ["__init__", "__new__", "__post_init__", "__call__", "__del__", "__enter__"] {
        guard let number = tree.names.number(of: name), let bound = scopes.found(number, in: inner) else { continue }
        for case .function(let function) in bound {
          if let method = scopes.opened[function] { found.append(method) }
        }
      }
      return found
    default: return []
    }
  }

  /// Something outside the module calls it: raises it to that moment, and what it enters.
  ///
  /// - Returns: whether anything runs earlier than was known.
  mutating func raise(_ value: PythonValue, to moment: Moment) -> Bool {
    var open: [Int] = []
    for scope in bodies(of: value) where moments[scope] < moment {
      moments[scope] = moment
      causes[scope] = nil
      open.append(scope)
    }
    guard !open.isEmpty else { return false }
    settle(open)
    return true
  }

  /// Carries moments along the calls, until nothing changes. Each scope rises at most three times.
  mutating func settle() { settle(Array(moments.indices.reversed())) }

  private mutating func settle(_ scopes: [Int]) {
    var open = scopes
    while let scope = open.popLast() {
      for entry in entered[scope] where moments[entry.scope] < moments[scope] {
        moments[entry.scope] = moments[scope]
        causes[entry.scope] = (scope, entry.node)
        open.append(entry.scope)
      }
    }
  }
}
