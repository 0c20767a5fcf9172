import MScanBytes
import MScanFacts

/// A blob that is named by its own digest: `blobs/sha256/<digits>` of an OCI layout, `blobs/sha256-<digits>` of an Ollama
/// store. Source: OCI image layout 1.1; Ollama `server/modelpath.go`.
enum ImageBlobRecord: ProvenanceRecord {
  static let kind = "image-blob"
  static let title = "blob store"

  private struct Place {
    var kind: String
    var digest: Digest?
    /// Components of the blob's path below the store.
    var depth: Int
  }

  static func recognises(_ input: RecordInput) -> Bool { place(of: input.file.location) != nil }

  private static func place(of location: SystemPath) -> Place? {
    let name = location.lastComponent.bytes
    let parent = location.parent
    let blobs = SystemPath("blobs")
    if name.count >= 71, name.starts(with: "sha256".utf8), parent.lastComponent == blobs {
      guard name[6] == UInt8(ascii: "-") || name[6] == UInt8(ascii: ":") else { return nil }
      let digits = name.dropFirst(7)
      guard digits.count == 64 else {
        return digits.dropFirst(64).starts(with: "-partial".utf8)
          ? Place(kind: OllamaManifestRecord.kind, digest: nil, depth: 2) : nil
      }
      guard let bytes = Hex.bytes(digits) else { return nil }
      return Place(kind: OllamaManifestRecord.kind, digest: Digest(.sha256, bytes), depth: 2)
    }
    guard name.count == 64 || name.count == 128, parent.parent.lastComponent == blobs, let bytes = Hex.bytes(name)
    else {
      return nil
    }
    let algorithm = DigestAlgorithm(named: parent.lastComponent.description)
    guard algorithm.length == bytes.count else { return nil }
    return Place(kind: ImageManifestRecord.kind, digest: Digest(algorithm, bytes), depth: 3)
  }

  static func read(_ input: RecordInput) -> RecordReading {
    var reading = RecordReading(kind, of: input)
    guard let place = place(of: input.file.location) else { return reading }
    reading.kind = place.kind
    reading.record = input.reported(droppingLast: place.depth - 1)
    if let digest = place.digest {
      reading.claims = [RecordClaim(name: input.file.reported, location: input.file.location, digests: [digest])]
    } else {
      reading.notes = [
        RecordNote(
          .missingFile, "download-incomplete", location: input.file.location, name: input.name,
          detail: "its download was never finished")
      ]
    }
    return reading
  }
}

/// `index.json` and the manifests of an OCI layout, ModelPack and KitOps among them: descriptors with digest and size.
enum ImageManifestRecord: ProvenanceRecord {
  static let kind = "oci-layout"
  static let title = "OCI layout"

  /// Bytes; 4 MiB: what registries take at most.
  private static let manifestBytes = 4 << 20

  static func recognises(_ input: RecordInput) -> Bool { root(of: input) != nil }

  /// The folder of the layout.
  private static func root(of input: RecordInput) -> SystemPath? {
    let location = input.file.location
    if input.name == "index.json" {
      let folder = location.parent
      let mark = folder.appending(SystemPath("oci-layout"))
      return (try? FileStatus(of: mark, followLinks: false)) == nil ? nil : folder
    }
    guard input.name.utf8.count == 64, input.source.count <= manifestBytes,
      location.parent.parent.lastComponent == SystemPath("blobs"), Hex.isDigits(input.name.utf8)
    else { return nil }
    let head = input.source.prefix(manifestBytes)
    guard head.first == UInt8(ascii: "{"), head.holds("\"schemaVersion\""),
      head.holds("\"digest\"")
    else { return nil }
    return location.parent.parent.parent
  }

  static func read(_ input: RecordInput) -> RecordReading {
    let found = RecordReading.document(kind, of: input)
    var reading = found.reading
    guard let root = found.root, let folder = Self.root(of: input) else { return reading }
    reading.base = folder
    let lists = [root["manifests"], root["layers"], root["blobs"]].compactMap { $0?.items }.flatMap { $0 }
    for descriptor in lists + [root["config"]].compactMap({ $0 }) where descriptor.isObject {
      Descriptors.add(descriptor, to: &reading, limits: input.limits) { algorithm, digits in
        ["blobs", algorithm, digits].joined(separator: "/")
      }
    }
    return reading
  }
}

/// `manifests/<host>/<namespace>/<model>/<tag>` of an Ollama store.
enum OllamaManifestRecord: ProvenanceRecord {
  static let kind = "ollama"
  static let title = "Ollama manifest"

  static func recognises(_ input: RecordInput) -> Bool {
    guard input.source.count <= 4 << 20, let store = store(of: input.file.location) else { return false }
    guard input.source.prefix(64).first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else { return false }
    return (try? FileStatus(of: store.appending(SystemPath("blobs")), followLinks: false)) != nil
  }

  private static func store(of location: SystemPath) -> SystemPath? {
    let manifests = location.parent.parent.parent.parent
    return manifests.lastComponent == SystemPath("manifests") ? manifests.parent : nil
  }

  static func read(_ input: RecordInput) -> RecordReading {
    let found = RecordReading.document(kind, of: input)
    var reading = found.reading
    guard let root = found.root, let store = store(of: input.file.location) else { return reading }
    reading.base = store
    guard root["schemaVersion"]?.integer == 2, root["layers"]?.isArray == true else {
      reading.fail("record-malformed", "it is no manifest of version 2")
      return reading
    }
    for descriptor in (root["layers"]?.items ?? []) + [root["config"]].compactMap({ $0 }) where descriptor.isObject {
      Descriptors.add(descriptor, to: &reading, limits: input.limits) { algorithm, digits in
        "blobs/\(algorithm)-\(digits)"
      }
    }
    return reading
  }
}

/// `{"mediaType", "digest": "sha256:…", "size"}`, as manifests name blobs.
enum Descriptors {
  static func add(
    _ descriptor: JSONValue, to reading: inout RecordReading, limits: Limits, path: (String, String) -> String
  ) {
    guard reading.claims.count < limits.recordEntries else { return }
    guard let digest = descriptor["digest"]?.string else { return }
    let parts = digest.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, let bytes = Hex.bytes(parts[1]), parts[0].utf8.allSatisfy(isWord),
      DigestAlgorithm(named: parts[0]).length.map({ $0 == bytes.count }) ?? true
    else {
      // Whatever pulls the model builds a path of it.
      reading.notes.append(
        RecordNote(.unverifiable, "digest-malformed", name: digest, detail: "'\(digest)' is no digest"))
      return
    }
    let name = path(parts[0], parts[1].lowercased())
    var claim = RecordClaim(
      name: name, location: RecordPath.resolve(name, in: reading.base),
      digests: [Digest(DigestAlgorithm(named: parts[0]), bytes)], size: descriptor["size"]?.integer)
    if descriptor["urls"]?.isArray == true { claim.isOptional = true }
    reading.claims.append(claim)
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte)
  }
}
