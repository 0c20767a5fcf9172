import MScanBytes

/// The layout of a Hugging Face hub cache: `models--org--name/{blobs,refs,snapshots,.no_exist}`.
enum HubCache {
  private static let kinds = ["models--", "datasets--", "spaces--"].map { Array($0.utf8) }

  private static func isRepository(_ component: SystemPath) -> Bool {
    kinds.contains { component.bytes.starts(with: $0) }
  }

  /// The `blobs` folder of the repository that the resolved folder `path` is a snapshot of, or lies in one of.
  static func blobs(for path: SystemPath) -> SystemPath? {
    repository(of: path, under: "snapshots")?.appending(SystemPath("blobs"))
  }

  /// Whether the resolved `path` is a blob of such a repository.
  static func isBlob(_ path: SystemPath) -> Bool { repository(of: path.parent, under: "blobs") != nil }

  /// Whether the files in the resolved folder `path` are notes that the repository lacks a file.
  static func holdsAbsenceNotes(_ path: SystemPath) -> Bool { repository(of: path, under: ".no_exist") != nil }

  private static func repository(of path: SystemPath, under name: String) -> SystemPath? {
    let components = path.components
    let wanted = SystemPath(name)
    guard
      let index = components.indices.dropFirst().last(where: {
        components[$0] == wanted && isRepository(components[$0 - 1])
      })
    else { return nil }
    return components[..<index].reduce(SystemPath("/")) { $0.appending($1) }
  }
}
