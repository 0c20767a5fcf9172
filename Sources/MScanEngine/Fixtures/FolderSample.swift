import MScanBytes
import MScanRules

/// A sample that is a folder with files written as text (`*.hex`): a copy in which they are bytes. Folders may end in
/// `.hex` as well, for names that git does not take (`.git.hex`).
struct FolderSample {
  private let copy: ScratchFolder

  var path: SystemPath { copy.path }

  /// The copy; nil when the folder has no file to assemble, and can be read where it lies.
  ///
  /// - Throws: the first file that cannot be read or is not of the form, or what stopped the copy.
  static func assembled(_ folder: SystemPath) throws(RuleLoadFailure) -> FolderSample? {
    guard (try? FileStatus(of: folder, followLinks: false))?.kind == .folder else { return nil }
    var files: [(name: SystemPath, path: SystemPath)] = []
    var pending = [SystemPath("")]
    do throws(FileStatus.Failure) {
      while let next = pending.popLast() {
        for entry in try Folder.entries(of: folder.appending(next), followLinks: false) {
          let name = next.appending(entry.name)
          switch entry.kind {
          case .folder: pending.append(name)
          case .file: files.append((name, folder.appending(name)))
          default: return nil
          }
        }
      }
      guard files.contains(where: { $0.name.description.hasSuffix(".hex") }) else { return nil }
      let copy = try ScratchFolder()
      for file in files { try Self.copy(file.name, file.path, to: copy) }
      return FolderSample(copy: copy)
    } catch {
      throw RuleLoadFailure([
        RuleDiagnostic(file: folder.description, position: .start, message: "the sample cannot be assembled")
      ])
    }
  }

  private static func copy(
    _ name: SystemPath, _ path: SystemPath, to copy: ScratchFolder
  ) throws(FileStatus.Failure) {
    guard let file = try? OpenFile(path) else { throw .missing }
    let content = ByteSource(file).prefix(min(file.size, 1 << 20))
    let shown = name.description
    guard shown.hasSuffix(".hex") else { return try copy.write(name, content) }
    guard let text = try? HexText(content, file: shown) else { throw .missing }
    let plain = name.components.map { component in
      component.description.hasSuffix(".hex") ? SystemPath(bytes: component.bytes.dropLast(4)) : component
    }
    try copy.write(plain.reduce(SystemPath("")) { $0.appending($1) }, text.bytes)
  }
}
