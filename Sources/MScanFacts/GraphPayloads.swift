/// `operation`: a step of a graph or of a serialised program. Subject: the framework and the operator's own name,
/// `onnx.Loop`, `onnx.com.example.Run`, `tf.WriteFile`, `tflite.custom.Run`, `torchscript.aten.from_file`.
public struct OperationFact: Sendable, Hashable {
  /// `onnx`, `tf`, `tflite`, `torchscript`, `keras`, `coreml` …: the first step of the subject.
  public var framework: String
  /// The operator as the file writes it.
  public var name: String
  /// The operator set it is from, as the file writes it; empty for the framework's own.
  public var domain: String
  /// The node that has it; empty when it has no name, and where the same step of many nodes is told once.
  public var node: String
  /// Where it stands in the file's own words: a function's name, a subgraph; empty for the main graph.
  public var scope: String
  /// Bounded, readable constants that it is given.
  public var arguments: [String]
  /// The file itself holds its definition, out of operators that are told too.
  public var isLocal: Bool

  public init(
    framework: String, name: String, domain: String = "", node: String = "", scope: String = "",
    arguments: [String] = [], isLocal: Bool = false
  ) {
    self.framework = framework
    self.name = name
    self.domain = domain
    self.node = node
    self.scope = scope
    self.arguments = arguments
    self.isLocal = isLocal
  }

  public static let attributes = ["framework", "name", "domain", "node", "scope", "arguments", "local"]

  var subjects: [String] {
    [domain.isEmpty ? framework + "." + name : framework + "." + domain + "." + name]
  }

  func attribute(named attribute: String) -> AttributeValue? {
    switch attribute {
    case "framework": .text(framework)
    case "name": .text(name)
    case "domain": .text(domain)
    case "node": .text(node)
    case "scope": .text(scope)
    case "arguments": .text(arguments.joined(separator: ", "))
    case "local": .boolean(isLocal)
    default: nil
    }
  }
}

/// `reference`: something outside the artifact that a loader would go to. Subjects: the field that names it
/// (`onnx.external-data`, `hdf5.external-link`, `requirements.url`), then the type and the target.
public struct ReferenceFact: Sendable, Hashable {
  public enum Target: String, Sendable, Hashable { case path, url, repository, package, library, module }

  /// Which loader's field names it, dotted; the fact's own name.
  public var field: String
  public var type: Target
  /// As the file writes it, bounded.
  public var target: String
  /// The revision it is pinned to; empty when it is not.
  public var revision: String

  public init(field: String, type: Target, target: String, revision: String = "") {
    self.field = field
    self.type = type
    self.target = target
    self.revision = revision
  }

  public static let attributes = [
    "field", "type", "target", "revision", "traversal", "absolute", "scheme", "host", "user-info",
    "numeric-host",
  ]

  var subjects: [String] { [field, type.rawValue + "." + target] }

  func attribute(named attribute: String) -> AttributeValue? {
    switch attribute {
    case "field": .text(field)
    case "type": .text(type.rawValue)
    case "target": .text(target)
    case "revision": .text(revision)
    case "traversal": .boolean(isTraversal)
    case "absolute": .boolean(isAbsolute)
    case "scheme": .text(scheme)
    case "host": .text(authority.host)
    case "user-info": .text(authority.userInfo)
    case "numeric-host": .boolean(isNumeric(authority.host))
    default: nil
    }
  }

  /// Whether the path leaves the folder it is taken from: by its spelling, on either kind of system, at any point on
  /// its way.
  private var isTraversal: Bool {
    var depth = 0
    for step in target.split(omittingEmptySubsequences: true, whereSeparator: { $0 == "/" || $0 == "\\" }) {
      if step == ".." { depth -= 1 } else if step != "." { depth += 1 }
      if depth < 0 { return true }
    }
    return false
  }

  /// `/x`, `\x`, `C:x`, `~/x`.
  private var isAbsolute: Bool {
    guard let first = target.unicodeScalars.first else { return false }
    if first == "/" || first == "\\" || first == "~" { return true }
    return target.unicodeScalars.dropFirst().first == ":" && first.properties.isAlphabetic && first.isASCII
  }

  /// What stands before `:` or `://`, lower case; empty for a plain path.
  private var scheme: String {
    guard let colon = target.firstIndex(of: ":") else { return "" }
    let before = target[..<colon]
    guard before.utf8.count > 1, let first = before.unicodeScalars.first, first.isASCII, first.properties.isAlphabetic,
      before.unicodeScalars.allSatisfy({
        $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "+-.".unicodeScalars.contains($0))
      })
    else { return "" }
    return before.lowercased()
  }

  /// An address of version 4, as numbers in any of the forms that resolvers take, or of version 6.
  private func isNumeric(_ host: String) -> Bool {
    if host.hasPrefix("[") { return true }
    let last = host.split(separator: ".", omittingEmptySubsequences: true).last ?? ""
    return !last.isEmpty && (last.utf8.allSatisfy { (0x30...0x39).contains($0) } || last.hasPrefix("0x"))
  }

  private var authority: (userInfo: String, host: String) {
    guard let start = target.index(behind: "://") else { return ("", "") }
    let rest = target[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" && $0 != "\\" }
    let parts = rest.split(separator: "@", omittingEmptySubsequences: false)
    let host = (parts.last ?? "").lowercased()
    let userInfo = parts.dropLast().joined(separator: "@")
    if host.hasPrefix("[") { return (userInfo, String(host.prefix { $0 != "]" }) + "]") }
    return (userInfo, String(host.prefix { $0 != ":" }))
  }
}

extension String {
  /// The index behind the first `mark`; nil without one.
  fileprivate func index(behind mark: String) -> Index? {
    var at = startIndex
    while at < endIndex {
      if self[at...].hasPrefix(mark) { return index(at, offsetBy: mark.count) }
      at = index(after: at)
    }
    return nil
  }
}
