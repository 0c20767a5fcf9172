import MScanBytes
import MScanFacts

/// `name-<8 or more digits>.pth`: files of torch.hub and timm, named by the first digits of their SHA-256.
/// Source: `torch/hub.py`, `HASH_REGEX`; what it checks is the prefix.
enum TorchHubRecord: ProvenanceRecord {
  static let kind = "torch-hub"
  static let title = "hash in a file's name"

  private static let endings: Set<String> = [
    "pth", "pt", "bin", "ckpt", "safetensors", "pkl", "tar", "zip", "onnx", "h5",
  ]

  static func recognises(_ input: RecordInput) -> Bool { digits(in: input.name) != nil }

  /// The digits between the last dash and the ending.
  static func digits(in name: String) -> Substring? {
    guard name.utf8.count < 256, let dash = name.utf8.lastIndex(of: UInt8(ascii: "-")) else { return nil }
    let behind = name[name.utf8.index(after: dash)...]
    guard let dot = behind.utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
    let digits = behind[..<dot]
    let ending = behind[behind.utf8.index(after: dot)...].prefix { $0 != "." }
    guard (8...64).contains(digits.utf8.count), endings.contains(ending.lowercased()),
      digits.utf8.allSatisfy({ Hex.value($0) != nil && !(0x41...0x46).contains($0) }), !isUUID(name[..<dash])
    else { return nil }
    return digits
  }

  /// Whether the groups before the last are those of a UUID.
  private static func isUUID(_ before: Substring) -> Bool {
    let groups = before.split(separator: "-", omittingEmptySubsequences: false).suffix(4).map(\.utf8.count)
    return groups.count == 4 && groups[3] == 4 && groups[2] == 4 && groups[1] == 4 && groups[0] >= 8
  }

  static func read(_ input: RecordInput) -> RecordReading {
    var reading = RecordReading(kind, of: input)
    guard let digits = digits(in: input.name) else { return reading }
    let text = Array(digits.utf8)
    let nibble = text.count % 2 == 1 ? text.last.flatMap { Hex.value($0) }.map { $0 << 4 } : nil
    guard let bytes = Hex.bytes(text.dropLast(text.count % 2)) else { return reading }
    var claim = RecordClaim(
      name: input.name, location: input.file.location, digests: [Digest(.sha256, bytes, lastNibble: nibble)])
    // Eight decimal digits are more often a date or a step than a hash.
    claim.isGuess = text.count < 16 && text.allSatisfy { (0x30...0x39).contains($0) }
    reading.claims = [claim]
    return reading
  }
}

/// A pointer of Git LFS in the place of the file that it stands for.
/// Source: git-lfs `docs/spec.md`; at most 1,024 bytes, `hawser` is its name of 2014.
enum LFSPointerRecord: ProvenanceRecord {
  static let kind = "git-lfs"
  static let title = "Git LFS pointer"

  static func recognises(_ input: RecordInput) -> Bool {
    guard (100...1024).contains(input.source.count) else { return false }
    let head = input.source.prefix(48)
    return head.starts(with: "version https://git-lfs.github.com/spec/v1".utf8)
      || head.starts(with: "version https://hawser.github.com/spec/v1".utf8)
  }

  static func read(_ input: RecordInput) -> RecordReading {
    var reading = RecordReading(kind, of: input)
    let lines = String(decoding: input.source.prefix(1024), as: UTF8.self).split(whereSeparator: \.isNewline)
    func value(_ key: String) -> Substring? {
      lines.first { $0.hasPrefix(key + " ") }.map { $0.dropFirst(key.utf8.count + 1) }
    }
    guard let oid = value("oid"), oid.hasPrefix("sha256:"), oid.utf8.count == 71, let size = value("size"),
      Int(size) != nil
    else { return reading }
    reading.notes = [
      RecordNote(
        .missingFile, "pointer-only", location: input.file.location, name: input.name,
        detail: "only a pointer of Git LFS is here; the file of \(size) bytes was never fetched")
    ]
    return reading
  }
}

/// Records that hold no hash, so that nothing can be checked: `.mv` of ModelScope, `MLmodel` of MLflow.
enum ModelScopeRecord: ProvenanceRecord {
  static let kind = "modelscope"
  static let title = "ModelScope cache"

  static func recognises(_ input: RecordInput) -> Bool {
    input.name == ".mv" && input.source.count <= 4096 && input.source.prefix(9).elementsEqual("Revision:".utf8)
  }

  static func read(_ input: RecordInput) -> RecordReading {
    var reading = RecordReading(kind, of: input)
    reading.notes = [
      RecordNote(
        .unverifiable, "record-without-hashes", detail: "ModelScope keeps no hashes of the files that it fetched")
    ]
    return reading
  }
}

/// `MLmodel` of MLflow.
enum MLflowRecord: ProvenanceRecord {
  static let kind = "mlflow"
  static let title = "MLflow model"

  static func recognises(_ input: RecordInput) -> Bool {
    input.name == "MLmodel" && input.source.prefix(64 << 10).holds("flavors:")
  }

  static func read(_ input: RecordInput) -> RecordReading {
    var reading = RecordReading(kind, of: input)
    reading.notes = [
      RecordNote(.unverifiable, "record-without-hashes", detail: "MLflow keeps no hashes of the model's files")
    ]
    return reading
  }
}
