import MScanBytes
import MScanFacts

/// Every rule file below a folder, read.
public struct RuleFolder: Sendable {
  public var rules: [RuleSource]
  public var allows: [AllowSource]
  public var advisories: [KnownAdvisory]
  /// What is wrong in the files, in order of file and place.
  public var diagnostics: [RuleDiagnostic]

  /// Files of one folder; 10,000.
  static let fileLimit = 10_000
  /// Levels of folders; 8.
  static let depthLimit = 8

  /// Reads every `.yaml` and `.yml` file below `path`, in byte order of their paths. Links are not followed.
  public init(path: String) {
    self.init()
    let root = Self.withoutSlashes(path)
    let shown = Self.name(of: root)
    var waiting = [(path: root, shown: shown, depth: 0)]
    var files: [(path: String, shown: String)] = []
    while let folder = waiting.popLast() {
      do {
        for entry in try Directory.list(folder.path) {
          let below = (path: folder.path + "/" + entry.name, shown: folder.shown + "/" + entry.name)
          switch entry.kind {
          case .folder where folder.depth < Self.depthLimit: waiting.append((below.path, below.shown, folder.depth + 1))
          case .folder: report(below.shown, "is more than \(Self.depthLimit) folders deep")
          case .file where Self.isRuleFile(entry.name): files.append(below)
          case .link where Self.isRuleFile(entry.name): report(below.shown, "is a link; copy the file here")
          case .file, .link, .other: continue
          }
        }
      } catch {
        report(folder.depth == 0 ? path : folder.shown, error.explanation)
      }
    }
    guard files.count <= Self.fileLimit else {
      report(shown, "holds more than \(Self.fileLimit) rule files")
      return
    }
    read(files.sorted { $0.shown.precedes($1.shown) })
  }

  /// Reads the files given, which lie below the folder `root`.
  public init(root: String, files: [String]) {
    self.init()
    let root = Self.withoutSlashes(root)
    read(
      files.map { file in
        let below = file.hasPrefix(root + "/") ? Self.name(of: root) + file.dropFirst(root.count) : file
        return (file, below)
      })
  }

  private init() {
    rules = []
    allows = []
    advisories = []
    diagnostics = []
  }

  private mutating func report(_ file: String, _ message: String) {
    diagnostics.append(RuleDiagnostic(file: Printable.text(file), message: message))
  }

  private mutating func read(_ files: [(path: String, shown: String)]) {
    for file in files {
      do {
        // One byte more than may be read, so that the reader says what the limit is.
        let bytes = try WholeFile.read(file.path, limit: YamlReader.byteLimit + 1)
        let result = RuleReader.read(bytes, file: file.shown)
        rules += result.rules
        allows += result.allows
        advisories += result.advisories
        diagnostics += result.diagnostics
      } catch {
        report(file.shown, error.explanation)
      }
    }
    diagnostics += Self.duplicates(in: rules)
    diagnostics = diagnostics.inOrder()
  }

  /// Ids and aliases that two rules claim.
  static func duplicates(in rules: [RuleSource]) -> [RuleDiagnostic] {
    var owners: [String: RuleSource] = [:]
    var found: [RuleDiagnostic] = []
    func claim(_ name: String, by rule: RuleSource, field: String) {
      if let owner = owners.updateValue(rule, forKey: name) {
        owners[name] = owner
        let line = owner.place(of: "id").line
        found.append(
          RuleDiagnostic(
            file: rule.file, position: rule.place(of: field),
            message: "\"\(name)\" is already a name of the rule in \(owner.file):\(line)"))
      }
    }
    for rule in rules { claim(rule.descriptor.id, by: rule, field: "id") }
    for rule in rules {
      for alias in rule.descriptor.aliases { claim(alias, by: rule, field: "aliases") }
    }
    return found
  }

  static func isRuleFile(_ name: String) -> Bool {
    !name.hasPrefix(".") && (name.hasSuffix(".yaml") || name.hasSuffix(".yml"))
  }

  private static func withoutSlashes(_ path: String) -> String {
    var path = path[...]
    while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
    return String(path)
  }

  /// The folder's own name, for messages.
  private static func name(of path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return name == "." || name == ".." ? path : name
  }
}
