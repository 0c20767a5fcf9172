import MScanBytes
import MScanFacts

/// A file of a hub cache that is named by its own hash: `blobs/<40 digits>` is the SHA-1 of a git object, `blobs/<64
/// digits>` the SHA-256 of a large file. What a snapshot links to is checked under the name of the link.
enum HubBlobRecord: ProvenanceRecord {
  static let kind = "hub-cache"
  static let title = "Hugging Face cache"

  static func recognises(_ input: RecordInput) -> Bool { place(of: input.file) != nil }

  /// The repository, and the path whose last component is the hash.
  private static func place(of file: ProvenanceFile) -> (repository: SystemPath, blob: SystemPath)? {
    if let repository = HubLayout.repository(of: file.path, folder: "blobs") { return (repository, file.path) }
    // A blob that is itself a link, into the store that repositories share.
    return HubLayout.repository(of: file.location, folder: "blobs").map { ($0, file.location) }
  }

  static func read(_ input: RecordInput) -> RecordReading {
    var reading = RecordReading(kind, of: input)
    guard let (repository, blob) = place(of: input.file) else { return reading }
    reading.record = HubLayout.reported(input.file, repository: repository)
    reading.base = repository
    let name = blob.lastComponent
    if let digest = HubLayout.digest(ofName: name.bytes) {
      reading.claims = [RecordClaim(name: input.file.reported, location: input.file.location, digests: [digest])]
    } else if name.description.hasSuffix(".incomplete") {
      reading.notes = [
        RecordNote(
          .missingFile, "download-incomplete", location: input.file.location, name: name.description,
          detail: "its download was never finished")
      ]
    }
    return reading
  }
}

/// `refs/<name>` of a hub cache: the commit whose snapshot the name stands for.
enum HubReferenceRecord: ProvenanceRecord {
  static let kind = "hub-reference"
  static let title = "reference of a Hugging Face cache"

  static func recognises(_ input: RecordInput) -> Bool {
    input.source.count <= 4096 && HubLayout.below(input.file.location, folder: "refs") != nil
  }

  static func read(_ input: RecordInput) -> RecordReading {
    var reading = RecordReading(kind, of: input)
    guard let (repository, _) = HubLayout.below(input.file.location, folder: "refs"), let bytes = input.bytes() else {
      return reading
    }
    let commit = bytes.prefix { $0 > 0x20 }
    guard HubLayout.isCommit(commit) else {
      reading.fail("record-malformed", "it names no commit")
      return reading
    }
    reading.base = repository
    let snapshot = repository.appending(SystemPath("snapshots")).appending(SystemPath(bytes: commit))
    if (try? FileStatus(of: snapshot, followLinks: false)) == nil {
      let name = "snapshots/" + String(decoding: commit, as: UTF8.self)
      reading.notes.append(
        RecordNote(
          .missingFile, "snapshot-missing", name: name, detail: "it names the snapshot \(name), which is not there"))
    }
    return reading
  }
}
