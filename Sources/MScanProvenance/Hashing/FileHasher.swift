import Crypto
public import MScanBytes

/// What to compute of one file.
struct HashRequest: Sendable {
  var path: SystemPath
  /// Of the whole file.
  var whole: Set<DigestAlgorithm> = []
  /// Of parts of it, in any order.
  var parts: [ByteRange: Set<DigestAlgorithm>] = [:]
}

/// What came of it.
struct HashResult: Sendable {
  /// Bytes of the file when it was opened.
  var size = 0
  var whole: [DigestAlgorithm: [UInt8]] = [:]
  var parts: [ByteRange: [DigestAlgorithm: [UInt8]]] = [:]
  /// Why it was not read to its end; nil when it was.
  var failure: String?
}

/// Digests of files, each read once however many are wanted of it. The memory it takes is one buffer a thread.
enum FileHasher {
  /// Bytes read at a time; 256 KiB: stays in the second level cache between the read and the digest.
  private static let chunk = 256 << 10

  static func hash(_ request: HashRequest) -> HashResult {
    var result = HashResult()
    let file: OpenFile
    do throws(OpenFile.Refusal) {
      file = try OpenFile(request.path, followLinks: false)
    } catch {
      result.failure = error.explanation
      return result
    }
    result.size = file.size
    let source = ByteSource(file)
    if !request.whole.isEmpty {
      guard let digests = digests(of: source, ByteRange(0, file.size), request.whole) else {
        result.failure = "ended before its length was read"
        return result
      }
      result.whole = digests
    }
    for (range, algorithms) in request.parts {
      guard range.end <= file.size else { continue }
      guard let digests = digests(of: source, range, algorithms) else {
        result.failure = "ended before its length was read"
        return result
      }
      result.parts[range] = digests
    }
    return result
  }

  /// Nil when the source ends inside the range.
  private static func digests(
    of source: ByteSource, _ range: ByteRange, _ algorithms: Set<DigestAlgorithm>
  ) -> [DigestAlgorithm: [UInt8]]? {
    var hashes = HashSet(algorithms, length: range.count)
    var buffer: [UInt8] = []
    var at = range.start
    while at < range.end {
      let count = source.read(at: at, count: min(chunk, range.end - at), into: &buffer)
      guard count > 0 else { return nil }
      hashes.update(buffer)
      at += count
    }
    return hashes.finish()
  }

  /// The digest of bytes in memory; nil for an algorithm that is not computed.
  static func digest(_ bytes: [UInt8], _ algorithm: DigestAlgorithm) -> [UInt8]? {
    var hashes = HashSet([algorithm], length: bytes.count)
    hashes.update(bytes)
    return hashes.finish()[algorithm]
  }
}

/// The running digests of one pass.
private struct HashSet {
  private var md5: Insecure.MD5?
  private var sha1: Insecure.SHA1?
  private var gitBlob: Insecure.SHA1?
  private var sha256: SHA256?
  private var sha384: SHA384?
  private var sha512: SHA512?

  init(_ algorithms: Set<DigestAlgorithm>, length: Int) {
    if algorithms.contains(.md5) { md5 = Insecure.MD5() }
    if algorithms.contains(.sha1) { sha1 = Insecure.SHA1() }
    if algorithms.contains(.gitBlob) {
      var hash = Insecure.SHA1()
      hash.update(data: Array("blob \(length)\0".utf8))
      gitBlob = hash
    }
    if algorithms.contains(.sha256) { sha256 = SHA256() }
    if algorithms.contains(.sha384) { sha384 = SHA384() }
    if algorithms.contains(.sha512) { sha512 = SHA512() }
  }

  mutating func update(_ bytes: [UInt8]) {
    md5?.update(data: bytes)
    sha1?.update(data: bytes)
    gitBlob?.update(data: bytes)
    sha256?.update(data: bytes)
    sha384?.update(data: bytes)
    sha512?.update(data: bytes)
  }

  func finish() -> [DigestAlgorithm: [UInt8]] {
    var digests: [DigestAlgorithm: [UInt8]] = [:]
    digests[.md5] = md5.map { Array($0.finalize()) }
    digests[.sha1] = sha1.map { Array($0.finalize()) }
    digests[.gitBlob] = gitBlob.map { Array($0.finalize()) }
    digests[.sha256] = sha256.map { Array($0.finalize()) }
    digests[.sha384] = sha384.map { Array($0.finalize()) }
    digests[.sha512] = sha512.map { Array($0.finalize()) }
    return digests
  }
}

/// SHA-256 for others than records.
public enum FileDigests {
  /// Of parts of a file; those that cannot be read are left out.
  public static func sha256(of path: SystemPath, _ parts: Set<ByteRange>) -> [ByteRange: [UInt8]] {
    var request = HashRequest(path: path)
    for part in parts { request.parts[part] = [.sha256] }
    return FileHasher.hash(request).parts.compactMapValues { $0[.sha256] }
  }

  public static func sha256(of bytes: [UInt8]) -> [UInt8] { FileHasher.digest(bytes, .sha256) ?? [] }
}
