import MScanBytes
import MScanFacts

/// What a lockfile knows of the inside of a file.
public struct LockedContents: Sendable, Hashable {
  public struct Tensor: Sendable, Hashable {
    public var dtype: String
    public var shape: [Int]
    /// The first digits of the SHA-256 of its bytes; empty where they were not hashed.
    public var digest: String

    public init(dtype: String, shape: [Int], digest: String = "") {
      self.dtype = dtype
      self.shape = shape
      self.digest = digest
    }
  }

  /// By name.
  public var tensors: [String: Tensor] = [:]
  /// Values of a document by their key paths, as text.
  public var values: [String: String] = [:]

  public init() {}

  public var isEmpty: Bool { tensors.isEmpty && values.isEmpty }

  /// What is different in `other`, in words, at most `limit` of them: `tensor a.weight: new bytes; hidden_size: 8 → 9`.
  public func differences(from other: LockedContents, limit: Int = 8) -> String {
    var words: [String] = []
    for name in Set(tensors.keys).union(other.tensors.keys).sorted() {
      switch (tensors[name], other.tensors[name]) {
      case (let before?, let after?) where before != after:
        if before.dtype != after.dtype {
          words.append("tensor \(name): \(before.dtype) → \(after.dtype)")
        } else if before.shape != after.shape {
          words.append("tensor \(name): \(Self.text(before.shape)) → \(Self.text(after.shape))")
        } else if !before.digest.isEmpty, !after.digest.isEmpty {
          words.append("tensor \(name): other bytes")
        }
      case (nil, _?): words.append("tensor \(name): added")
      case (_?, nil): words.append("tensor \(name): removed")
      default: continue
      }
    }
    for path in Set(values.keys).union(other.values.keys).sorted() {
      switch (values[path], other.values[path]) {
      case (let before?, let after?) where before != after: words.append("\(path): \(before) → \(after)")
      case (nil, let after?): words.append("\(path): \(after) added")
      case (_?, nil): words.append("\(path): removed")
      default: continue
      }
    }
    let more = words.count > limit ? "; and \(words.count - limit) more" : ""
    return words.prefix(limit).joined(separator: "; ") + more
  }

  private static func text(_ shape: [Int]) -> String { "[" + shape.map(String.init).joined(separator: ", ") + "]" }
}

/// `mscan.lock.json`: this program's own list of a model's files, with their hashes and what is inside them.
public enum LockfileRecord: ProvenanceRecord {
  public static let kind = "lockfile"
  public static let title = "lockfile"

  public static let name = "mscan.lock.json"
  /// The version of its form.
  public static let version = 1

  public static func recognises(_ input: RecordInput) -> Bool {
    input.name == name || input.hasWords("\"mscanLock\"")
  }

  public static func read(_ input: RecordInput) -> RecordReading {
    let found = RecordReading.document(kind, of: input)
    var reading = found.reading
    guard let root = found.root else { return reading }
    guard root["mscanLock"]?.integer == version, let files = root["files"], files.isArray else {
      reading.fail("record-unknown", "it is no lockfile of version \(version)")
      return reading
    }
    for file in files.items {
      guard reading.claims.count < input.limits.recordEntries else {
        reading.fail("record-limit", "it lists more than \(input.limits.recordEntries) files")
        break
      }
      guard let path = file["path"]?.string, let digest = file["sha256"]?.string.flatMap({ Hex.bytes($0) }),
        digest.count == 32
      else {
        reading.fail("record-malformed", "one of its files has no path or hash")
        continue
      }
      var claim = RecordClaim(
        name: path, location: RecordPath.resolve(path, in: input.base), digests: [Digest(.sha256, digest)],
        size: file["size"]?.integer)
      claim.contents = contents(of: file)
      reading.claims.append(claim)
    }
    if root["complete"]?.boolean ?? true { reading.covers = [input.base] }
    reading.ignored = [input.base.appending(SystemPath(".cache/huggingface"))]
    return reading
  }

  private static func contents(of file: JSONValue) -> LockedContents? {
    var contents = LockedContents()
    for tensor in file["tensors"]?.items ?? [] {
      guard let name = tensor["name"]?.string else { continue }
      contents.tensors[name] = LockedContents.Tensor(
        dtype: tensor["dtype"]?.string ?? "", shape: (tensor["shape"]?.items ?? []).map { $0.integer ?? 0 },
        digest: tensor["sha256"]?.string ?? "")
    }
    for (path, value) in file["values"]?.members ?? [] { contents.values[path] = value.string ?? "" }
    return contents.isEmpty ? nil : contents
  }
}
