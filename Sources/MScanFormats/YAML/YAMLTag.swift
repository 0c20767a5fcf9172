import MScanFacts

/// What a tag orders a loader to do. Tags of YAML's own types order nothing.
struct YAMLTag {
  enum Order {
    /// A Python callable is named or called with the node below the tag.
    case callable(module: String, name: String, CallableFact.Stage)
    /// A file is read in its place.
    case include(String)
    case none
  }

  /// The family and its verb, for an `operation`: `python/object/apply`, `ruby/object`, `new`, `class`, `local`.
  var name: String
  /// What stands behind the verb: a dotted name, a class, a file.
  var target: String
  var order: Order
  /// The call that acts on it.
  private var loader = "yaml.unsafe_load"

  private static let core = "tag:yaml.org,2002:"
  private static let coreTypes: Set<String> = [
    "str", "int", "float", "bool", "null", "seq", "map", "set", "omap", "pairs", "binary", "timestamp", "merge",
    "value", "yaml",
  ]

  /// - Parameter tag: as the parser resolved it.
  /// - Returns: nil for the types of YAML itself and for `!`.
  init?(_ tag: String) {
    var short = tag[...]
    var isGlobal = false
    if short.hasPrefix(Self.core) {
      short = short.dropFirst(Self.core.count)
      isGlobal = true
      if Self.coreTypes.contains(String(short)) { return nil }
    } else if short.hasPrefix("!") {
      short = short.drop { $0 == "!" }
    }
    if short.isEmpty { return nil }
    let parts = short.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let verb = String(parts[0])
    let rest = parts.count > 1 ? String(parts[1]) : ""
    (name, target, order) = (verb, rest, .none)
    if verb.hasPrefix("python/") {
      order = Self.python(verb.dropFirst("python/".count), rest)
    } else if verb.contains("/"), ["ruby", "php", "perl", "java", "net"].contains(verb.prefix { $0 != "/" }) {
      return
    } else if !isGlobal, let stage = Self.verbs[verb], parts.count > 1 {
      order = Self.callable(rest, stage)
      loader = "load_hyperpyyaml"
    } else if verb == "include" {
      order = .include(rest)
    } else if isGlobal, short.contains(".") {
      // SnakeYAML takes a global tag for the name of a class.
      (name, target) = ("class", String(short))
      order = Self.callable(String(short), .invoked)
    } else {
      (name, target) = ("local", tag)
    }
  }

  /// The local tags with which hyperpyyaml builds, calls and imports.
  private static let verbs: [String: CallableFact.Stage] = [
    "new": .invoked, "apply": .invoked, "applyref": .invoked, "name": .named, "module": .named,
  ]

  private static func python(_ verb: Substring, _ rest: String) -> Order {
    switch verb {
    case "object", "object/apply", "object/new": callable(rest, .invoked)
    case "name": callable(rest, .named)
    case "module": .callable(module: rest, name: "", .named)
    default: .none
    }
  }

  /// PyYAML splits at the last dot; a name without one is a builtin.
  private static func callable(_ path: String, _ stage: CallableFact.Stage) -> Order {
    guard let dot = path.lastIndex(of: ".") else { return .callable(module: "builtins", name: path, stage) }
    return .callable(module: String(path[..<dot]), name: String(path[path.index(after: dot)...]), stage)
  }

  /// The facts that a tag stands for.
  ///
  /// - Parameter arguments: rendered, of the node below it.
  func payloads(arguments: [String]) -> [Fact.Payload] {
    var found: [Fact.Payload] = [
      .operation(
        OperationFact(framework: "yaml", name: name, arguments: target.isEmpty ? arguments : [target] + arguments))
    ]
    switch order {
    case .callable(let module, let name, let stage):
      // A module alone is named by its path.
      let (owner, member) = name.isEmpty ? ("", module) : (module, name)
      let path = owner.isEmpty ? member : owner + "." + member
      let subjects = PickleSubjects.of(module: owner, name: member, path: path)
      found.append(
        .callable(
          CallableFact(
            module: owner, name: member, stage: stage, via: "yaml-tag", arguments: arguments, when: [loader],
            subjects: subjects)))
    case .include(let file) where !file.isEmpty:
      found.append(.reference(ReferenceFact(field: "yaml.include", type: .path, target: file)))
    default: break
    }
    return found
  }
}
