public import MScanBytes
public import MScanFacts
import MScanLineage
import MScanProvenance
public import MScanRules
import Synchronization

/// Writes a lockfile: what a folder of a model holds now, so that a later change can be told and named.
public struct LockWriter: Sendable {
  public var limits: Limits
  public var jobs: Int
  /// Known bases, which parents are told by.
  public var lineage = LineageOptions()

  public init(limits: Limits = .standard, jobs: Int = RunningProcess.cores) {
    self.limits = limits
    self.jobs = max(1, jobs)
  }

  public struct Outcome: Sendable {
    /// The lockfile.
    public var text: String
    public var files: Int
    public var bytes: Int
    /// What could not be locked.
    public var unread: [Unread]
  }

  private final class Shared: Sendable {
    let contents: Mutex<[FileContents?]>
    init(count: Int) { contents = Mutex(Array(repeating: nil, count: count)) }
  }

  /// - Parameters:
  ///   - targets: the files, reported by their paths in the folder.
  ///   - isComplete: whether they are all files of the folder.
  ///   - hashed: called with the bytes hashed, from any thread.
  public func lock(
    _ targets: [Target], isComplete: Bool, rules: RuleSet, hashed: @escaping @Sendable (Int) -> Void = { _ in }
  ) -> Outcome {
    let kept = targets.filter { target in
      Walker.lastComponent(target.reported) != LockfileRecord.name
        && !target.reported.hasPrefix(".cache/huggingface/") && target.problem == nil
    }
    let shared = Shared(count: kept.count)
    let limits = limits
    Workers.run(kept.count, threads: jobs) { index in
      let contents = FileContents(of: kept[index], limits: limits, wantsDigests: true)
      shared.contents.withLock { $0[index] = contents }
      return true
    }
    let contents = shared.contents.withLock { $0 }
    let files = kept.map { ProvenanceFile(reported: $0.reported, location: $0.location, path: $0.path) }
    let outcome = ProvenanceCheck(hashing: .all, jobs: jobs, limits: limits).run(files, [], progress: hashed)
    var unread = targets.compactMap { target in
      target.problem.map { Unread(file: target.reported, reason: "unreadable", detail: $0.detail) }
    }
    var writer = LockText()
    var entries: [LockText.Entry] = []
    for (target, contents) in zip(kept, contents) {
      guard let digest = outcome.sha256[target.reported], let contents,
        let size = (try? FileStatus(of: target.path, followLinks: false))?.size
      else {
        unread.append(Unread(file: target.reported, reason: "unreadable", detail: "it could not be hashed"))
        continue
      }
      entries.append(
        LockText.Entry(
          path: target.reported, size: size, sha256: digest, format: contents.format, contents: contents.contents))
      for item in contents.declared { writer.declare(item.key, item.value, file: target.reported, line: item.line) }
    }
    writer.origin = origin(of: kept)
    writer.licenseFiles = entries.filter { Self.isLicense($0.path) }
    return Outcome(
      text: writer.text(entries, isComplete: isComplete, rules: rules.version), files: entries.count,
      bytes: outcome.hashedBytes, unread: unread)
  }

  /// What the weights are made from, and what is known of parents; nothing without known bases.
  private func origin(of targets: [Target]) -> LockText.Origin {
    guard !lineage.registries.isEmpty else { return LockText.Origin() }
    let scan = LineageScan(lineage, jobs: jobs)
    let walker = Walker(limits: limits, interest: ValueInterest(keys: ClaimReader.keys))
    Workers.run(targets.count, threads: jobs) { index in
      if let file = walker.read(targets[index]) { scan.take(file, targets[index], index) }
      return true
    }
    return LockText.Origin(
      known: Matcher(registries: lineage.registries, local: []).knownBases(),
      inferred: scan.finish(gravest: [:]).report.inferred)
  }

  private static func isLicense(_ path: String) -> Bool {
    let name = Walker.lastComponent(path).uppercased()
    return !path.contains("/") && ["LICENSE", "LICENCE", "COPYING", "NOTICE"].contains { name.hasPrefix($0) }
  }
}

/// The text of a lockfile: JSON, one file a line, so that a diff of two shows what changed.
struct LockText {
  struct Entry {
    var path: String
    var size: Int
    var sha256: String
    var format: String
    var contents: LockedContents
  }

  /// Where the weights come from, as far as known bases tell.
  struct Origin {
    var known = KnownBases([])
    var inferred: [LineageReport.Inferred] = []
  }

  private struct Declaration: Hashable {
    var value: String
    var source: String
  }

  private var parents: [Declaration] = []
  private var licenses: [Declaration] = []
  var licenseFiles: [Entry] = []
  var origin = Origin()

  mutating func declare(_ key: String, _ value: String, file: String, line: Int) {
    let declaration = Declaration(value: value, source: line > 0 ? "\(file):\(line)" : file)
    if key == "license" {
      // A card speaks for the model; other documents have fields of that name too.
      if file.lowercased().hasSuffix(".md"), !licenses.contains(declaration) { licenses.append(declaration) }
    } else if !parents.contains(where: { $0.value == value }) {
      parents.append(declaration)
    }
  }

  func text(_ entries: [Entry], isComplete: Bool, rules: String) -> String {
    var lines: [String] = ["{", "  \"mscanLock\": \(LockfileRecord.version),"]
    var tool = JSONObject()
    tool.add("name", Tool.name)
    tool.add("version", Tool.version)
    tool.add("rules", rules)
    lines.append("  \"tool\": \(Self.line(tool)),")
    lines.append("  \"complete\": \(isComplete),")
    lines.append("  \"licenses\": [\(licenses.map { Self.declaration("name", $0) }.joined(separator: ", "))],")
    let files = licenseFiles.map { entry in
      var object = JSONObject()
      object.add("path", entry.path)
      object.add("sha256", entry.sha256)
      return Self.line(object)
    }
    lines.append("  \"licenseFiles\": [\(files.joined(separator: ", "))],")
    lines.append("  \"parents\": [\(parents.map { declared($0) }.joined(separator: ", "))],")
    if !origin.inferred.isEmpty {
      lines.append("  \"inferredParents\": [\(origin.inferred.map { inferred($0) }.joined(separator: ", "))],")
    }
    lines.append("  \"files\": [")
    for (number, entry) in entries.enumerated() {
      lines.append("    " + Self.text(entry) + (number + 1 < entries.count ? "," : ""))
    }
    lines += ["  ]", "}", ""]
    return lines.joined(separator: "\n")
  }

  private func declared(_ item: Declaration) -> String {
    var object = JSONObject()
    object.add("name", item.value)
    object.add("source", item.source)
    identify(item.value, in: &object)
    return Self.line(object)
  }

  private func inferred(_ item: LineageReport.Inferred) -> String {
    var object = JSONObject()
    object.add("name", item.parent)
    object.add("operation", item.operation)
    if !item.variant.isEmpty { object.add("variant", item.variant) }
    object.add("confidence", number: String(Double(item.confidence) / 1000))
    identify(item.parent, in: &object)
    return Self.line(object)
  }

  /// The revision and the digest of a parent, when a registry has them.
  private func identify(_ name: String, in object: inout JSONObject) {
    guard let base = origin.known[name] else { return }
    if !base.revision.isEmpty { object.add("revision", base.revision) }
    if !base.digest.isEmpty { object.add("sha256", String(Hex.text(base.digest))) }
  }

  private static func declaration(_ key: StaticString, _ item: Declaration) -> String {
    var object = JSONObject()
    object.add(key, item.value)
    object.add("source", item.source)
    return line(object)
  }

  private static func text(_ entry: Entry) -> String {
    var object = JSONObject()
    object.add("path", entry.path)
    object.add("size", entry.size)
    object.add("sha256", entry.sha256)
    object.add("format", entry.format)
    var text = line(object)
    text.removeLast()
    if !entry.contents.tensors.isEmpty {
      let tensors = entry.contents.tensors.sorted { $0.key < $1.key }.map { name, tensor in
        var object = JSONObject()
        object.add("name", name)
        object.add("dtype", tensor.dtype)
        object.add("shape", tensor.shape)
        if !tensor.digest.isEmpty { object.add("sha256", tensor.digest) }
        return line(object)
      }
      text += ",\"tensors\":[" + tensors.joined(separator: ",") + "]"
    }
    if !entry.contents.values.isEmpty {
      let values = entry.contents.values.sorted { $0.key < $1.key }.map { quoted($0.key) + ":" + quoted($0.value) }
      text += ",\"values\":{" + values.joined(separator: ",") + "}"
    }
    return text + "}"
  }

  private static func quoted(_ text: String) -> String {
    var bytes: [UInt8] = []
    JSONObject.quote(text, into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func line(_ object: consuming JSONObject) -> String {
    var bytes: [UInt8] = []
    object.finish(into: &bytes, ending: "")
    return String(decoding: bytes, as: UTF8.self)
  }
}
