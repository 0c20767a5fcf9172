public import MScanBytes
public import MScanFacts
import MScanProvenance
import MScanRules

/// Why a configuration or a baseline cannot be used, for the person who wrote it.
public struct ConfigurationError: Error, Sendable, Hashable {
  public var message: String

  init(_ file: String, _ position: SourcePosition?, _ message: String) {
    let place = position.map { ":\($0.line):\($0.column)" } ?? ""
    self.message = "\(file)\(place): \(message)"
  }
}

/// The least severity that fails a run.
public enum FailThreshold: String, Sendable, CaseIterable {
  case critical, high, medium, low, never

  /// Nil for `never`.
  public var severity: Severity? { Severity(rawValue: rawValue) }
}

/// A `.mscan.yaml`.
public struct Configuration: Sendable {
  struct Entry: Sendable {
    var rule: Located
    var path: String?
    var reason: String
  }

  /// As messages name it.
  public private(set) var file = ""
  public private(set) var failOn: FailThreshold?
  /// Folders of rules, resolved against the configuration's own folder.
  public private(set) var rules: [String] = []
  public private(set) var exclude: [PathPattern] = []
  private(set) var ignore: [Located] = []
  private(set) var select: [Located] = []
  private(set) var suppressions: [Entry] = []
  public private(set) var requirements = Requirements()
  private var base = SystemPath(".")

  public init() {}

  static let byteLimit = 1 << 20
  static let fields = ["ignore", "select", "fail-on", "rules", "exclude", "suppressions", "require"]

  /// - Throws: what is wrong in the file, with line and column.
  public static func read(_ path: SystemPath) throws(ConfigurationError) -> Configuration {
    let shown = path.normalised.description
    let bytes: [UInt8]
    do throws(OpenFile.Refusal) {
      let file = try OpenFile(path)
      guard file.size <= byteLimit else {
        throw OpenFile.Refusal.notRegular("larger than \(byteLimit >> 20) MiB")
      }
      bytes = ByteSource(file).prefix(byteLimit)
    } catch {
      throw ConfigurationError(shown, nil, error.explanation)
    }
    let folder = (try? FileSystem.resolve(path))?.parent ?? path.parent
    return try Configuration(bytes, file: shown, folder: folder)
  }

  init(_ bytes: [UInt8], file: String, folder: SystemPath) throws(ConfigurationError) {
    self.file = file
    base = folder
    // An empty file, or one of comments alone, configures nothing.
    let written = bytes.split(separator: UInt8(ascii: "\n"))
    if written.allSatisfy({ line in
      let start = line.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") }
      return start == nil || start == UInt8(ascii: "#")
    }) {
      return
    }
    let document: YamlDocument
    do throws(RuleLoadFailure) {
      document = try YamlDocument(bytes, file: file)
    } catch {
      let first = error.diagnostics.first
      throw ConfigurationError(file, first?.position, first?.message ?? "not readable")
    }
    for (key, value) in try mapping(document, "the configuration") {
      switch key.text {
      case "ignore": ignore = try texts(value, key.text)
      case "select": select = try texts(value, key.text)
      case "rules":
        rules = try texts(value, key.text).map { folder.appending(SystemPath($0.text)).normalised.description }
        for (path, written) in zip(rules, try texts(value, key.text)) {
          guard (try? FileStatus(of: SystemPath(path), followLinks: true))?.kind == .folder else {
            throw ConfigurationError(file, written.position, "there is no folder '\(written.text)'")
          }
        }
      case "exclude": exclude = try texts(value, key.text).map { PathPattern($0.text, base: folder) }
      case "fail-on":
        let name = try text(value, key.text)
        guard let threshold = FailThreshold(rawValue: name.text) else {
          let ending = Spelling.ending(for: name.text, among: FailThreshold.allCases.map(\.rawValue))
          throw ConfigurationError(file, name.position, "no severity '\(name.text)'\(ending)")
        }
        failOn = threshold
      case "suppressions": suppressions = try entries(value)
      case "require": requirements = try readRequirements(value, folder)
      default:
        let ending = Spelling.ending(for: key.text, among: Self.fields)
        throw ConfigurationError(file, key.position, "unknown field '\(key.text)'\(ending)")
      }
    }
  }

  /// Adds what the file says to a policy.
  ///
  /// - Throws: for a rule that does not exist.
  public func apply(to policy: inout Policy, index: RuleIndex) throws(ConfigurationError) {
    for name in ignore { policy.ignore.insert(try id(of: name, in: index)) }
    // What the command line selects stands in place of what the file does.
    if policy.select.isEmpty, policy.groups.isEmpty {
      for name in select {
        if index.groups.contains(name.text) {
          policy.groups.insert(name.text)
        } else {
          policy.select.insert(try id(of: name, in: index))
        }
      }
    }
    policy.requirements = requirements
    for entry in suppressions {
      policy.suppressions.append(
        Suppression(
          rule: try id(of: entry.rule, in: index), path: entry.path.map { PathPattern($0, base: base) },
          reason: entry.reason, file: file, line: entry.rule.position.line, column: entry.rule.position.column))
    }
  }

  private func id(of name: Located, in index: RuleIndex) throws(ConfigurationError) -> String {
    if let id = index.id(of: name.text) { return id }
    throw ConfigurationError(file, name.position, index.unknown(name.text))
  }

  /// Makes a scan find out what the requirements are about, and believe whom they name.
  ///
  /// - Throws: for a file that cannot be read, or is nothing to believe.
  public func require(in plan: inout ProvenancePlan) throws(ConfigurationError) {
    guard !requirements.isEmpty else { return }
    plan.takesInventory = true
    plan.trust.identity = plan.trust.identity ?? requirements.identity
    plan.trust.issuer = plan.trust.issuer ?? requirements.issuer
    for path in requirements.signedBy {
      guard let bytes = try? WholeFile.read(path.description, limit: 16 << 20) else {
        throw ConfigurationError(file, nil, "'\(path)' cannot be read; 'signed-by' names keys and certificates")
      }
      guard plan.trust.add(TrustFile(name: path.description, bytes: bytes)) else {
        throw ConfigurationError(file, nil, "'\(path)' is no public key, certificate or trusted root")
      }
    }
  }

  private static let requirementFields = [
    "signed-by", "identity", "issuer", "hashes", "formats", "remote-code", "licenses", "parents",
  ]

  private func readRequirements(
    _ value: YamlDocument, _ folder: SystemPath
  ) throws(ConfigurationError) -> Requirements {
    var found = Requirements()
    for (key, value) in try mapping(value, "'require'") {
      switch key.text {
      case "signed-by":
        found.signedBy = try texts(value, key.text).map { folder.appending(SystemPath($0.text)).normalised }
      case "identity": found.identity = try text(value, key.text).text
      case "issuer": found.issuer = try text(value, key.text).text
      case "hashes": found.hashes = try choice(value, key.text, ["recorded", "any"]) == "recorded"
      case "formats": found.formats = try texts(value, key.text).map(\.text)
      case "remote-code": found.noRemoteCode = try choice(value, key.text, ["forbidden", "allowed"]) == "forbidden"
      case "licenses": found.licenses = try texts(value, key.text).map { $0.text.lowercased() }
      case "parents":
        let names = try texts(value, key.text).map(\.text)
        found.parents = !names.isEmpty
        found.allowedParents = names == ["declared"] ? [] : names
      default:
        let ending = Spelling.ending(for: key.text, among: Self.requirementFields)
        throw ConfigurationError(file, key.position, "unknown field '\(key.text)'\(ending)")
      }
    }
    return found
  }

  private func choice(
    _ value: YamlDocument, _ field: String, _ words: [String]
  ) throws(ConfigurationError) -> String {
    let written = try text(value, field)
    guard words.contains(written.text) else {
      let list = words.map { "'\($0)'" }.joined(separator: " or ")
      throw ConfigurationError(file, written.position, "'\(field)' is \(list), not '\(written.text)'")
    }
    return written.text
  }

  // MARK: - Reading

  private func mapping(
    _ value: YamlDocument, _ what: String
  ) throws(ConfigurationError) -> [(key: Located, value: YamlDocument)] {
    if case .mapping(let pairs) = value.content { return pairs }
    throw ConfigurationError(file, value.position, "\(what) has to be a mapping, not \(value.noun)")
  }

  private func text(_ value: YamlDocument, _ field: String) throws(ConfigurationError) -> Located {
    if case .text(let text) = value.content, !text.isEmpty { return Located(text, at: value.position) }
    throw ConfigurationError(file, value.position, "'\(field)' has to be a text, not \(value.noun)")
  }

  /// A list of texts, or a single one.
  private func texts(_ value: YamlDocument, _ field: String) throws(ConfigurationError) -> [Located] {
    switch value.content {
    case .nothing: return []
    case .list(let items):
      var all: [Located] = []
      for item in items { all.append(try text(item, field)) }
      return all
    default: return [try text(value, field)]
    }
  }

  private func entries(_ value: YamlDocument) throws(ConfigurationError) -> [Entry] {
    let items: [YamlDocument]
    switch value.content {
    case .list(let list): items = list
    case .nothing: items = []
    default: throw ConfigurationError(file, value.position, "'suppressions' has to be a list, not \(value.noun)")
    }
    var all: [Entry] = []
    for item in items {
      var rule: Located?
      var path: String?
      var reason: String?
      for (key, value) in try mapping(item, "a suppression") {
        switch key.text {
        case "rule": rule = try text(value, key.text)
        case "path": path = try text(value, key.text).text
        case "reason": reason = try text(value, key.text).text
        default:
          let ending = Spelling.ending(for: key.text, among: ["rule", "path", "reason"])
          throw ConfigurationError(file, key.position, "unknown field '\(key.text)'\(ending)")
        }
      }
      guard let rule else { throw ConfigurationError(file, item.position, "a suppression needs a 'rule'") }
      guard let reason else {
        throw ConfigurationError(file, item.position, "a suppression needs a 'reason': say why the finding is harmless")
      }
      all.append(Entry(rule: rule, path: path, reason: reason))
    }
    return all
  }
}

/// Finds the configuration that stands above what is scanned.
public enum ConfigurationSearch {
  public static let name = SystemPath(".mscan.yaml")

  /// The first `.mscan.yaml` up the tree of the first PATH. One that lies in a folder that is scanned, or among the files
  /// of a model, is never taken: whoever made the model may have put it there.
  ///
  /// - Returns: the file, and a sentence for each that was passed over.
  public static func above(_ paths: [SystemPath]) -> (path: SystemPath?, skipped: [String]) {
    let scanned = paths.compactMap { folder(of: $0) }
    guard let start = paths.first.flatMap({ folder(of: $0) }) else { return (nil, []) }
    let current = try? FileSystem.resolve(SystemPath("."))
    var skipped: [String] = []
    var at = start
    while true {
      let candidate = at.appending(name)
      if let status = try? FileStatus(of: candidate, followLinks: true), status.kind == .file {
        let shown = current.flatMap { candidate.isInside($0) ? candidate.relative(to: $0) : nil } ?? candidate
        if scanned.contains(where: { at.isInside($0) }) {
          skipped.append("\(shown) lies in a folder that is scanned and was not used; trust it with --config")
        } else if isModel(at) {
          skipped.append("\(shown) lies among the files of a model and was not used; trust it with --config")
        } else if isForeign(status, in: at) {
          skipped.append("\(shown) belongs to someone else, in a folder that anyone may write; trust it with --config")
        } else {
          return (shown, skipped)
        }
      }
      let parent = at.parent
      if parent == at { return (nil, skipped) }
      at = parent
    }
  }

  private static func folder(of path: SystemPath) -> SystemPath? {
    guard let status = try? FileStatus(of: path, followLinks: true) else { return nil }
    if status.kind == .folder { return try? FileSystem.resolve(path) }
    return try? FileSystem.resolve(path.parent)
  }

  /// Files that a model is published with. A part of a download may be scanned, and the rest comes from the same hands.
  private static let published = [
    "config.json", "model_index.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors",
    "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json", "adapter_config.json",
    "modules.json", "saved_model.pb", "Modelfile",
  ]

  private static let weights = [
    ".pkl", ".pickle", ".bin", ".pt", ".pth", ".ckpt", ".safetensors", ".gguf", ".onnx", ".h5", ".keras", ".joblib",
    ".npz", ".tflite", ".msgpack",
  ]
  /// Entries of a folder that are looked at for weights. Count; 4,096.
  private static let entryLimit = 4096

  private static func isModel(_ folder: SystemPath) -> Bool {
    let entries = (try? Folder.entries(of: folder, followLinks: false)) ?? []
    if entries.prefix(entryLimit).contains(where: { entry in
      entry.kind != .folder && weights.contains { entry.name.description.lowercased().hasSuffix($0) }
    }) {
      return true
    }
    return published.contains { (try? FileStatus(of: folder.appending(SystemPath($0)), followLinks: false)) != nil }
      || folder.components.contains { $0.description.hasPrefix("models--") || $0.description == "snapshots" }
  }

  private static func isForeign(_ status: FileStatus, in folder: SystemPath) -> Bool {
    guard let above = try? FileStatus(of: folder, followLinks: true), above.isWritableByEveryone else { return false }
    return status.owner != FileSystem.userID && status.owner != 0
  }
}

extension SystemPath {
  /// This path without the folder it lies in.
  func relative(to folder: SystemPath) -> SystemPath {
    SystemPath(bytes: bytes.dropFirst(folder.bytes.count).drop { $0 == UInt8(ascii: "/") })
  }
}
