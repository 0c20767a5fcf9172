public import MScanBytes
import MScanFacts

/// From the PATHs of the command line to the files to read, in byte order of the path that the report names.
///
/// Links are followed only while they stay inside the folder that was given, or lead from a hub cache's snapshot to its
/// own blobs. What cannot be read is a target with a problem, so that nothing is left out unsaid.
public struct Discovery: Sendable {
  public var limits: Limits
  /// Paths, relative to the PATH given, to leave out.
  public var exclude: [PathPattern]

  public init(limits: Limits = .standard, exclude: [PathPattern] = []) {
    self.limits = limits
    self.exclude = exclude
  }

  /// The targets of all `paths`; one file that is reached by two of them comes once, under the first.
  public func targets(of paths: [SystemPath]) -> [Target] {
    let labels = Self.labels(of: paths)
    var found: [SystemPath: Found] = [:]
    var order: [SystemPath] = []
    for (path, label) in zip(paths, labels) {
      var walk = TreeWalk(limits: limits, exclude: exclude, label: label, room: limits.files - order.count)
      walk.visit(path)
      // Nothing is reached twice from one PATH without links.
      if paths.count == 1, !walk.hasFollowedLinks { return Self.inOrder(walk.found.map(\.target)) }
      for item in walk.found where found[item.canonical] == nil {
        found[item.canonical] = item
        order.append(item.canonical)
      }
    }
    let linked = Set(order.compactMap { found[$0]?.blob })
    let kept = order.compactMap { found[$0] }.filter { !linked.contains($0.canonical) || $0.blob != nil }
    return Self.inOrder(kept.map(\.target))
  }

  private static func inOrder(_ targets: [Target]) -> [Target] {
    targets.sorted { $0.reported.precedes($1.reported) }
  }

  /// What stands before the paths found under each PATH: nothing for a single one; for several their last components,
  /// or the whole PATH where two of those would read alike.
  static func labels(of paths: [SystemPath]) -> [String] {
    guard paths.count > 1 else { return paths.map { _ in "" } }
    let names = paths.map { path -> String in
      let last = path.normalised.lastComponent
      if !last.isEmpty, last != SystemPath("."), last != SystemPath("..") { return last.description }
      return (try? FileSystem.resolve(path))?.lastComponent.description ?? path.normalised.description
    }
    let starts = paths.map { ($0.normalised.components.first ?? $0).description }
    return paths.indices.map { index in
      let alike = paths.indices.contains {
        $0 != index && paths[$0] != paths[index] && (names[$0] == names[index] || starts[$0] == names[index])
      }
      return alike ? paths[index].normalised.description : names[index]
    }
  }
}

/// A target, with what tells it from others.
struct Found {
  var target: Target
  /// The absolute path under which it was found: folder resolved, last component as it is.
  var canonical: SystemPath
  /// The blob of a hub cache that it links to.
  var blob: SystemPath?
}

/// The walk below one PATH.
struct TreeWalk {
  private struct Pending {
    var folder: SystemPath
    var reported: String
    /// What is empty here is no lack.
    var holdsAbsenceNotes: Bool

    init(folder: SystemPath, reported: String) {
      self.folder = folder
      self.reported = reported
      holdsAbsenceNotes = HubCache.holdsAbsenceNotes(folder)
    }
  }

  let limits: Limits
  let exclude: [PathPattern]
  let label: String
  var room: Int
  private(set) var found: [Found] = []
  private var root = SystemPath("")
  private var asGiven = ""
  private var pending: [Pending] = []
  /// Folders reached through links, so that loops end.
  private var linkedFolders: Set<SystemPath> = []
  private var isFull = false
  private(set) var hasFollowedLinks = false

  init(limits: Limits, exclude: [PathPattern], label: String, room: Int) {
    self.limits = limits
    self.exclude = exclude
    self.label = label
    self.room = room
  }

  /// Looks at a PATH of the command line: links in it are the user's own words, and are followed.
  mutating func visit(_ path: SystemPath) {
    asGiven = path.normalised.description
    let status: FileStatus
    do throws(FileStatus.Failure) {
      status = try FileStatus(of: path, followLinks: true)
    } catch {
      let isLink = (try? FileStatus(of: path, followLinks: false)) != nil
      let problem =
        error == .missing && isLink
        ? PathProblem.brokenLink(FileSystem.linkText(of: path)) : PathProblem.of(error, "path")
      let canonical = (try? FileSystem.resolve(path.parent))?.appending(path.lastComponent) ?? path.normalised
      add(Target(reported: asGiven, path: path, problem: problem), canonical: canonical)
      return
    }
    guard let resolved = try? FileSystem.resolve(path) else {
      add(Target(reported: asGiven, path: path, problem: PathProblem.missing()), canonical: path.normalised)
      return
    }
    switch status.kind {
    case .folder:
      root = resolved
      pending = [Pending(folder: resolved, reported: label)]
      walk()
    case .file:
      let canonical = (try? FileSystem.resolve(path.parent))?.appending(path.lastComponent) ?? resolved
      add(
        Target(reported: asGiven, path: resolved, folder: canonical.parent), canonical: canonical, blob: resolved)
    case .link, .special:
      let kind = if case .special(let words) = status.kind { words } else { "a symbolic link" }
      add(Target(reported: asGiven, path: resolved, problem: PathProblem.special(kind)), canonical: resolved)
    }
  }

  private mutating func walk() {
    while let next = pending.popLast(), !isFull {
      do throws(FileStatus.Failure) {
        for entry in try Folder.entries(of: next.folder, followLinks: false) where !isFull {
          look(at: entry, in: next)
        }
      } catch {
        let reported = next.folder == root ? asGiven : next.reported
        add(
          Target(reported: reported, path: next.folder, problem: PathProblem.of(error, "folder")),
          canonical: next.folder)
      }
    }
  }

  private mutating func look(at entry: Folder.Entry, in folder: Pending) {
    let path = folder.folder.appending(entry.name)
    let name = entry.name.description
    let reported = folder.reported.isEmpty ? name : folder.reported + "/" + name
    if !exclude.isEmpty {
      let inside =
        label.isEmpty ? reported : String(decoding: reported.utf8.dropFirst(label.utf8.count + 1), as: UTF8.self)
      if exclude.contains(where: { $0.matches(reported: inside, absolute: path) }) { return }
    }
    let kind: FileStatus.Kind
    do throws(FileStatus.Failure) {
      if let told = entry.kind { kind = told } else { kind = try FileStatus(of: path, followLinks: false).kind }
    } catch {
      add(Target(reported: reported, path: path, problem: PathProblem.of(error, "file")), canonical: path)
      return
    }
    switch kind {
    case .file:
      let target = Target(
        reported: reported, path: path, emptyIsNormal: folder.holdsAbsenceNotes, folder: folder.folder)
      add(target, canonical: path)
    case .folder:
      if !Self.isRepositoryData(path) { pending.append(Pending(folder: path, reported: reported)) }
    case .link: follow(path, reported: reported)
    case .special(let words):
      add(Target(reported: reported, path: path, problem: PathProblem.special(words)), canonical: path)
    }
  }

  private mutating func follow(_ path: SystemPath, reported: String) {
    hasFollowedLinks = true
    let text = FileSystem.linkText(of: path)
    let blobs = HubCache.blobs(for: path.parent)
    func isAllowed(_ target: SystemPath) -> Bool {
      target.isInside(root) || blobs.map { target.isInside($0) } ?? false
    }
    let resolved: SystemPath
    let status: FileStatus
    do throws(FileStatus.Failure) {
      resolved = try FileSystem.resolve(path)
      status = try FileStatus(of: resolved, followLinks: false)
    } catch {
      // Where it would lead is judged by its spelling, so that the answer does not hang on what this machine holds.
      let spelled = text.map { $0.isAbsolute ? $0.normalised : path.parent.appending($0).normalised }
      let problem: AnomalyFact =
        if error == .loop {
          PathProblem.loop()
        } else if let spelled, !isAllowed(spelled) {
          PathProblem.escapes(text)
        } else if error == .missing {
          PathProblem.brokenLink(text)
        } else {
          PathProblem.of(error, "file")
        }
      add(Target(reported: reported, path: path, problem: problem), canonical: path)
      return
    }
    guard isAllowed(resolved) else {
      add(Target(reported: reported, path: path, problem: PathProblem.escapes(text)), canonical: path)
      return
    }
    switch status.kind {
    case .file: add(Target(reported: reported, path: resolved, folder: path.parent), canonical: path, blob: resolved)
    case .folder:
      // Folders inside the root are walked in their own place, but for those below a `.git` that is left out.
      let isHidden = resolved.components.dropFirst(root.components.count).contains(SystemPath(".git"))
      if isHidden, linkedFolders.insert(resolved).inserted {
        pending.append(Pending(folder: resolved, reported: reported))
      }
    case .link: add(Target(reported: reported, path: path, problem: PathProblem.loop()), canonical: path)
    case .special(let words):
      add(Target(reported: reported, path: path, problem: PathProblem.special(words)), canonical: path)
    }
  }

  private mutating func add(_ target: Target, canonical: SystemPath, blob: SystemPath? = nil) {
    guard found.count < room else {
      if !isFull {
        isFull = true
        let stop = Target(reported: target.reported, path: target.path, problem: PathProblem.tooMany(limits.files))
        found.append(Found(target: stop, canonical: canonical))
      }
      return
    }
    found.append(Found(target: target, canonical: canonical, blob: blob.flatMap { HubCache.isBlob($0) ? $0 : nil }))
  }

  /// Whether the folder is what git keeps beside a checkout. A folder that only bears the name is walked.
  private static func isRepositoryData(_ path: SystemPath) -> Bool {
    guard path.lastComponent == SystemPath(".git") else { return false }
    return ["HEAD", "objects", "refs"].allSatisfy {
      (try? FileStatus(of: path.appending(SystemPath($0)), followLinks: false)) != nil
    }
  }
}
