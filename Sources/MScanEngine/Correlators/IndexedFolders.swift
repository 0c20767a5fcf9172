import MScanBytes
import MScanFacts
import Synchronization

/// The folders of a scan that hold files which others have to bear out (indexes of shards, configurations, the parts of a
/// tokenizer), each with the claims of its files until the last of them is read.
///
/// Only these folders are kept in mind, and each only while it is read, so that a scan of many models stays small.
final class IndexedFolders: Sendable {
  private struct Folder {
    /// Files that are not read yet.
    var remaining = 0
    var claims: [String: FileClaims] = [:]
    /// Targets that claim something of others, by the last component of their names.
    var claimants: [String: (target: Int, size: Int)] = [:]
  }

  private let folders: Mutex<[SystemPath: Folder]>
  private let isEmpty: Bool

  init(_ targets: [Target]) {
    var found: [SystemPath: Folder] = [:]
    for target in targets where FileClaims.isClaimant(Walker.lastComponent(target.reported)) {
      found[target.folder] = Folder()
    }
    if !found.isEmpty {
      for target in targets { found[target.folder]?.remaining += 1 }
    }
    isEmpty = found.isEmpty
    folders = Mutex(found)
  }

  /// Takes what was read of a target. When it was the last of its folder, returns further facts about the folder's
  /// files, each as a reading of its own.
  ///
  /// - Parameter scan: nil for a target that was left out.
  func finish(_ number: Int, _ target: Target, _ scan: FileScan?) -> [(target: Int, scan: FileScan)] {
    if isEmpty { return [] }
    let name = Walker.lastComponent(target.reported)
    let claims = scan.map { FileClaims($0.buffer, fileName: name) }
    let finished: Folder? = folders.withLock { folders in
      guard var folder = folders[target.folder] else { return nil }
      folder.remaining -= 1
      if let claims, !claims.isEmpty {
        folder.claims[name] = claims
        if FileClaims.isClaimant(name) { folder.claimants[name] = (number, scan?.size ?? 0) }
      }
      folders[target.folder] = folder.remaining > 0 ? folder : nil
      return folder.remaining > 0 ? nil : folder
    }
    guard let finished, !finished.claimants.isEmpty else { return [] }
    let folder = target.reported.dropLast(Walker.lastComponent(target.reported).count)
    return finished.claimants.sorted { $0.value.target < $1.value.target }.compactMap { name, file in
      var buffer = FactBuffer()
      buffer.artifacts.append(Artifact(name: folder + name, format: "json", size: file.size))
      ShardTensors.state(of: name, claims: finished.claims, into: &buffer)
      TokenizerAgreement.state(of: name, claims: finished.claims, into: &buffer)
      ConfigAgreement.state(of: name, claims: finished.claims, into: &buffer)
      return buffer.facts.isEmpty ? nil : (file.target, FileScan(buffer: buffer, source: ByteSource([])))
    }
  }
}
