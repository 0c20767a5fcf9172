public import MScanBytes
public import MScanFacts

/// One path to look at, and why it cannot be read if that is known already.
public struct Target: Sendable, Hashable {
  /// As the report names it, with `/`.
  public var reported: String
  /// What to open; links are resolved.
  public var path: SystemPath
  /// Why the path is not read; stated as a fact in its place.
  public var problem: AnomalyFact?
  /// The folder the path was found in, before links are followed: where a loader looks for what the file names.
  public var folder: SystemPath
  /// Nothing is missing when the file is empty: a hub cache's note that the repository has no such file.
  public var emptyIsNormal: Bool

  /// - Parameter folder: nil for the folder of `path`.
  public init(
    reported: String, path: SystemPath, problem: AnomalyFact? = nil, emptyIsNormal: Bool = false,
    folder: SystemPath? = nil
  ) {
    self.reported = reported
    self.path = path
    self.folder = folder ?? path.parent
    self.problem = problem
    self.emptyIsNormal = emptyIsNormal
  }
}

/// Why a path is not read, in words that say what to do.
enum PathProblem {
  static func missing() -> AnomalyFact {
    AnomalyFact(
      subject: "file.missing", field: "path", detail: "there is no such file or folder; check the path",
      incomplete: true)
  }

  static func permission(_ what: String) -> AnomalyFact {
    AnomalyFact(
      subject: "file.permission", field: "path",
      detail: "you may not read this \(what); change its permissions or scan as its owner", incomplete: true)
  }

  static func special(_ kind: String) -> AnomalyFact {
    AnomalyFact(
      subject: "file.special", field: "path", detail: "this is \(kind); only regular files are read", incomplete: true)
  }

  static func failed(_ code: Int32) -> AnomalyFact {
    AnomalyFact(subject: "file.unreadable", field: "path", detail: FileSystem.message(for: code), incomplete: true)
  }

  static func brokenLink(_ target: SystemPath?) -> AnomalyFact {
    AnomalyFact(
      subject: "link.broken", field: "target",
      detail: "links to \(target?.description ?? "nothing"), which is not there", incomplete: true)
  }

  static func loop() -> AnomalyFact {
    AnomalyFact(
      subject: "link.loop", field: "target", detail: "the link leads back to itself; nothing can be read",
      incomplete: true)
  }

  static func escapes(_ target: SystemPath?) -> AnomalyFact {
    AnomalyFact(
      subject: "link.escapes", field: "target",
      detail: "links to \(target?.description ?? "?"), outside the folder that is scanned; it was not followed",
      incomplete: true)
  }

  static func tooMany(_ limit: Int) -> AnomalyFact {
    AnomalyFact(
      subject: "limit.files", field: "files", detail: "more than \(limit) files; raise --max-files", incomplete: true)
  }

  static func of(_ failure: FileStatus.Failure, _ what: String) -> AnomalyFact {
    switch failure {
    case .missing: missing()
    case .permission: permission(what)
    case .loop: loop()
    case .failed(let code): failed(code)
    }
  }

  static func of(_ refusal: OpenFile.Refusal) -> AnomalyFact {
    switch refusal {
    case .missing: missing()
    case .permission: permission("file")
    case .notRegular(let kind): special(kind)
    case .brokenLink: brokenLink(nil)
    case .failed(let code): failed(code)
    }
  }
}
