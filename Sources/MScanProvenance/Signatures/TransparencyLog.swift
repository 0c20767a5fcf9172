import Crypto
import MScanBytes

/// Entries of a transparency log (Rekor), checked offline: the proof that the entry is in the log, the log's signature
/// over its state, its promise, and that the entry is about this very signature.
/// Source: RFC 6962 and RFC 9162 §2.1.3.2; C2SP `tlog-checkpoint` and `signed-note`; Rekor `dsse`, `intoto`,
/// `hashedrekord` types.
enum TransparencyLog {
  struct Refusal: Error {
    var detail: String
    init(_ detail: String) { self.detail = detail }
  }

  /// The moment at which the log took the entry, where it stands for that; nil when it gives no time of its own.
  static func check(
    _ entry: JSONValue, of bundle: SignedBundle, leaf: [UInt8], root: TrustedRoot
  ) throws(Refusal) -> Int? {
    guard let id = entry["logId"]?["keyId"]?.string.flatMap({ SignedBundle.base64($0) }),
      let log = root.logs.first(where: { $0.id == id })
    else { throw Refusal("it is in a log that the trusted root does not have") }
    guard let text = entry["canonicalizedBody"]?.string, let body = SignedBundle.base64(text) else {
      throw Refusal("its log entry has no body")
    }
    guard let proof = entry["inclusionProof"] else { throw Refusal("its log entry has no proof of inclusion") }
    try checkInclusion(proof, body, log)
    let moment = try checkPromise(entry, body: body, log)
    try checkBody(entry, body, bundle, leaf: leaf)
    return moment
  }

  // MARK: - Inclusion

  private static func checkInclusion(_ proof: JSONValue, _ body: [UInt8], _ log: TrustedRoot.Log) throws(Refusal) {
    guard let index = proof["logIndex"]?.integer, let size = proof["treeSize"]?.integer, index >= 0, index < size,
      let stated = proof["rootHash"]?.string.flatMap({ SignedBundle.base64($0) }), let list = proof["hashes"],
      list.count <= 64
    else { throw Refusal("its proof of inclusion is not whole") }
    let hashes = list.items.compactMap { $0.string.flatMap { SignedBundle.base64($0) } }
    guard hashes.count == list.count, let computed = rootHash(of: body, at: index, in: size, hashes),
      computed == stated
    else { throw Refusal("its proof of inclusion does not lead to the log's root") }
    guard let checkpoint = proof["checkpoint"]?["envelope"]?.string else {
      throw Refusal("its proof of inclusion has no checkpoint")
    }
    try checkCheckpoint(checkpoint, log, root: stated, size: size)
  }

  /// The root that a path from a leaf leads to; nil for a path that is too long or too short.
  static func rootHash(of body: [UInt8], at index: Int, in size: Int, _ path: [[UInt8]]) -> [UInt8]? {
    var hash = digest([0] + body)
    var (node, last) = (index, size - 1)
    for step in path {
      guard last != 0 else { return nil }
      if node & 1 == 1 || node == last {
        hash = digest([1] + step + hash)
        while node & 1 == 0, node != 0 {
          node >>= 1
          last >>= 1
        }
      } else {
        hash = digest([1] + hash + step)
      }
      node >>= 1
      last >>= 1
    }
    return last == 0 ? hash : nil
  }

  private static func checkCheckpoint(
    _ note: String, _ log: TrustedRoot.Log, root: [UInt8], size: Int
  ) throws(Refusal) {
    let bytes = Array(note.utf8)
    guard let blank = bytes.indices.dropLast().first(where: { bytes[$0] == 0x0a && bytes[$0 + 1] == 0x0a }) else {
      throw Refusal("its checkpoint is not signed")
    }
    let text = Array(bytes[...blank])
    let lines = text.split(separator: 0x0a, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    guard lines.count > 3, Int(lines[1]) == size, SignedBundle.base64(lines[2]) == root else {
      throw Refusal("its checkpoint is of another state of the log")
    }
    let signatures = bytes[(blank + 2)...].split(separator: 0x0a).map { String(decoding: $0, as: UTF8.self) }
    let isSigned = signatures.prefix(16).contains { line in
      let words = line.split(separator: " ")
      guard words.count == 3, words[0] == "\u{2014}", let raw = SignedBundle.base64(String(words[2])), raw.count > 4,
        raw[..<4].elementsEqual(log.id.prefix(4))
      else { return false }
      return log.key.verifiesWithSHA256(Array(raw[4...]), over: text)
    }
    guard isSigned else { throw Refusal("the log did not sign its checkpoint") }
  }

  // MARK: - Promise

  private static func checkPromise(
    _ entry: JSONValue, body: [UInt8], _ log: TrustedRoot.Log
  ) throws(Refusal) -> Int? {
    guard let promise = entry["inclusionPromise"]?["signedEntryTimestamp"]?.string else { return nil }
    guard let signature = SignedBundle.base64(promise), let time = entry["integratedTime"]?.integer,
      let index = entry["logIndex"]?.integer, index >= 0
    else { throw Refusal("the log's promise is not whole") }
    let text =
      "{\"body\":\"\(entry["canonicalizedBody"]?.string ?? "")\",\"integratedTime\":\(time),"
      + "\"logID\":\"\(Hex.text(log.id))\",\"logIndex\":\(index)}"
    guard log.key.verifiesWithSHA256(signature, over: Array(text.utf8)) else {
      throw Refusal("the log did not sign its promise")
    }
    guard log.validity.holds(at: time) else { throw Refusal("the log's key was not in use at the time it gives") }
    return time
  }

  // MARK: - Body

  /// Whether the entry is about this statement, this signature and this certificate.
  private static func checkBody(
    _ entry: JSONValue, _ body: [UInt8], _ bundle: SignedBundle, leaf: [UInt8]
  ) throws(Refusal) {
    guard let root = try? JSONDocument(body).root, let kind = root["kind"]?.string,
      let version = root["apiVersion"]?.string, kind == entry["kindVersion"]?["kind"]?.string,
      version == entry["kindVersion"]?["version"]?.string, let spec = root["spec"]
    else { throw Refusal("its log entry is not of the kind that it says") }
    func require(_ holds: Bool?, _ what: String) throws(Refusal) {
      guard holds == true else { throw Refusal("its log entry is about another \(what)") }
    }
    switch (kind, version) {
    case ("dsse", "0.0.1"):
      try require(spec["payloadHash"]?["value"]?.string == Hex.text(digest(bundle.payload)), "statement")
      let signatures = spec["signatures"]?.items ?? []
      try require(signatures.map { $0["signature"]?.string ?? "" } == bundle.signatureTexts, "signature")
      try require(signatures.first?["verifier"]?.string.flatMap(certificate(inPEM:)) == leaf, "certificate")
    case ("hashedrekord", "0.0.2"):
      let entry = spec["hashedRekordV002"]
      let data = entry?["data"]?["digest"]?.string.flatMap { SignedBundle.base64($0) }
      try require(data == digest(bundle.signedBytes), "statement")
      try require(entry?["signature"]?["content"]?.string == bundle.signatureTexts.first, "signature")
      let raw = entry?["signature"]?["verifier"]?["x509Certificate"]?["rawBytes"]?.string
      try require(raw.flatMap { SignedBundle.base64($0) } == leaf, "certificate")
    case ("intoto", "0.0.2"):
      let content = spec["content"]
      try require(content?["payloadHash"]?["value"]?.string == Hex.text(digest(bundle.payload)), "statement")
      let signatures = content?["envelope"]?["signatures"]?.items ?? []
      // Base64 of the base64 text.
      let texts = signatures.map { item in
        item["sig"]?.string.flatMap { SignedBundle.base64($0) }.map { String(decoding: $0, as: UTF8.self) } ?? ""
      }
      try require(texts == bundle.signatureTexts, "signature")
      try require(signatures.first?["publicKey"]?.string.flatMap(certificate(inPEM:)) == leaf, "certificate")
    default: throw Refusal("its log entry is of the kind '\(kind) \(version)', which is not read")
    }
  }

  /// The DER of a certificate in base64 of PEM.
  private static func certificate(inPEM text: String) -> [UInt8]? {
    guard let pem = SignedBundle.base64(text) else { return nil }
    return PEMText.blocks("CERTIFICATE", in: String(decoding: pem, as: UTF8.self)).first
  }

  static func digest(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }
}
