import MScanBytes
import MScanFacts

/// `trees/<commit>.json`: the whole list of files of a commit as the hub gave it, in a cache or in a folder that was
/// downloaded to. Source: `huggingface_hub` 1.22 and later, `_tree_cache.py`.
enum HubTreeRecord: ProvenanceRecord {
  static let kind = "hub-tree"
  static let title = "file list of the Hugging Face hub"

  private struct Place {
    var base: SystemPath
    var isCache: Bool
  }

  static func recognises(_ input: RecordInput) -> Bool { place(of: input.file.location) != nil }

  private static func place(of location: SystemPath) -> Place? {
    let name = location.lastComponent.bytes
    guard name.count == 45, name.suffix(5).elementsEqual(".json".utf8), HubLayout.isCommit(name.prefix(40)) else {
      return nil
    }
    if let repository = HubLayout.repository(of: location, folder: "trees") {
      let snapshots = repository.appending(SystemPath("snapshots"))
      return Place(base: snapshots.appending(SystemPath(bytes: name.prefix(40))), isCache: true)
    }
    guard let (folder, _, depth) = HubLayout.local(location, kind: "trees"), depth == 1 else { return nil }
    return Place(base: folder, isCache: false)
  }

  static func read(_ input: RecordInput) -> RecordReading {
    let found = RecordReading.document(kind, of: input)
    var reading = found.reading
    guard let place = place(of: input.file.location), let root = found.root else { return reading }
    reading.base = place.base
    reading.isPartial = true
    guard root["format_version"]?.integer == 1, let files = root["files"], files.isObject else {
      reading.fail("record-unknown", "it is of a version that is not read")
      return reading
    }
    for (name, entry) in files.members {
      guard reading.claims.count < input.limits.recordEntries else {
        reading.fail("record-limit", "it lists more than \(input.limits.recordEntries) files")
        break
      }
      var claim = RecordClaim(name: name, location: RecordPath.resolve(name, in: place.base))
      if let digits = entry["lfs_sha256"]?.string {
        claim.digests = Hex.bytes(digits).map { [Digest(.sha256, $0)] } ?? []
        claim.size = entry["lfs_size"]?.integer ?? entry["size"]?.integer
      } else if let digits = entry["blob_id"]?.string {
        claim.digests = Hex.bytes(digits).map { [Digest(.gitBlob, $0)] } ?? []
        claim.size = entry["size"]?.integer
      }
      reading.claims.append(claim)
    }
    reading.covers = [place.base]
    if !place.isCache {
      reading.ignored = [place.base.appending(SystemPath(".cache")).appending(SystemPath("huggingface"))]
    }
    return reading
  }
}

/// `.cache/huggingface/download/<path>.metadata` beside downloaded files: three lines, of the commit, the hash and the
/// time. Source: `huggingface_hub`, `_local_folder.py`.
enum HubDownloadRecord: ProvenanceRecord {
  static let kind = "hub-download"
  static let title = "download record of the Hugging Face hub"

  static func recognises(_ input: RecordInput) -> Bool {
    input.name.hasSuffix(".metadata") && HubLayout.local(input.file.location, kind: "download") != nil
  }

  static func read(_ input: RecordInput) -> RecordReading {
    var reading = RecordReading(kind, of: input)
    guard let (folder, rest, depth) = HubLayout.local(input.file.location, kind: "download") else { return reading }
    reading.record = input.reported(droppingLast: depth)
    reading.base = folder
    let name = SystemPath(bytes: rest.bytes.dropLast(".metadata".utf8.count))
    let lines = input.source.prefix(1024).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    guard lines.count >= 3, HubLayout.isCommit(lines[0]), let digest = HubLayout.digest(ofName: lines[1]) else {
      reading.notes = [
        RecordNote(
          .unverifiable, "record-malformed", location: folder.appending(name), name: name.description,
          detail: "\(input.name) names no hash of it")
      ]
      return reading
    }
    reading.revision = String(decoding: lines[0], as: UTF8.self)
    reading.claims = [
      RecordClaim(
        name: name.description, location: RecordPath.resolve(name.bytes, in: folder), digests: [digest])
    ]
    return reading
  }
}
