import MScanBytes
import MScanFacts

/// Places in a cache of the Hugging Face hub and in the folders that its downloads leave: where a path lies in them.
/// Source: `huggingface_hub` 2.4, `constants.py` and `file_download.py`.
enum HubLayout {
  private static let kinds = ["models--", "datasets--", "spaces--", "kernels--", "kernel--"].map { Array($0.utf8) }

  private static func isRepository(_ component: SystemPath) -> Bool {
    kinds.contains { component.bytes.starts(with: $0) }
  }

  /// The repository's folder of `<repository>/<folder>/<name>`; nil for other paths.
  static func repository(of path: SystemPath, folder: StaticString) -> SystemPath? {
    let parent = path.parent
    guard parent.lastComponent == SystemPath(folder.description) else { return nil }
    let repository = parent.parent
    return isRepository(repository.lastComponent) ? repository : nil
  }

  /// The same for any depth below the folder, with the path below it.
  static func below(_ path: SystemPath, folder: StaticString) -> (repository: SystemPath, rest: SystemPath)? {
    // A look at the bytes first: this is asked of every file.
    guard path.bytes.holds("--") else { return nil }
    let components = path.components
    let wanted = SystemPath(folder.description)
    guard
      let index = components.indices.dropFirst().last(where: {
        components[$0] == wanted && isRepository(components[$0 - 1])
      }), index + 1 < components.count
    else { return nil }
    let join = { (part: ArraySlice<SystemPath>, start: String) in
      part.reduce(SystemPath(start)) { $0.appending($1) }
    }
    return (join(components[..<index], "/"), join(components[(index + 1)...], ""))
  }

  /// The digest that a blob's name is; nil for a name that is none.
  static func digest(ofName name: some Collection<UInt8>) -> Digest? {
    guard name.count == 40 || name.count == 64, let bytes = Hex.bytes(name) else { return nil }
    return Digest(bytes.count == 20 ? .gitBlob : .sha256, bytes)
  }

  static func isCommit(_ text: some Collection<UInt8>) -> Bool { text.count == 40 && Hex.isDigits(text) }

  /// How the report calls a repository of the cache: up to its folder in the reported path where that shows it.
  static func reported(_ file: ProvenanceFile, repository: SystemPath) -> String {
    let name = repository.lastComponent.description
    let parts = file.reported.split(separator: "/", omittingEmptySubsequences: false)
    guard let index = parts.lastIndex(where: { $0 == name }) else { return name }
    return parts[...index].joined(separator: "/")
  }

  /// What `<folder>/.cache/huggingface/<kind>/<rest>` stands for; nil for other paths.
  static func local(_ path: SystemPath, kind: StaticString) -> (folder: SystemPath, rest: SystemPath, depth: Int)? {
    guard path.bytes.holds("/.cache/huggingface/") else { return nil }
    let components = path.components
    let wanted = [".cache", "huggingface", kind.description].map { SystemPath($0) }
    guard components.count > 3,
      let index = (0...(components.count - 4)).last(where: { Array(components[$0..<($0 + 3)]) == wanted })
    else { return nil }
    let rest = components[(index + 3)...]
    return (
      components[..<index].reduce(SystemPath("/")) { $0.appending($1) },
      rest.reduce(SystemPath("")) { $0.appending($1) }, rest.count
    )
  }
}
