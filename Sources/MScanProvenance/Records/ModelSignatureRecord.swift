import MScanBytes
import MScanFacts

/// Signed statements about files: OpenSSF model signing (`model.sig`, v1.0 and the two older forms), and in-toto
/// statements with any other predicate, SLSA provenance among them.
/// Source: OpenSSF model signing specification v1.0; in-toto `attestation/spec/v1/statement.md`.
enum ModelSignatureRecord: ProvenanceRecord {
  static let kind = "openssf-model-signing"
  static let title = "OpenSSF model signature"

  /// Of other predicates.
  static let statementKind = "in-toto"

  static func recognises(_ input: RecordInput) -> Bool {
    if input.name == "model.sig" { return input.source.prefix(64).first { $0 > 0x20 } == UInt8(ascii: "{") }
    return input.hasWords("\"dsseEnvelope\"") || input.hasWords("vnd.dev.sigstore.bundle")
      || input.hasWords("\"payloadType\"", "\"payload\"", "\"signatures\"")
  }

  /// Statements of one file of JSON lines. Count; 256: tools write a handful.
  private static let lineLimit = 256

  /// Tools write several statements about one thing as lines of one file (`.intoto.jsonl`). Each stands for itself.
  static func readings(of input: RecordInput) -> [RecordReading] {
    guard let lines = lines(of: input) else { return [read(input)] }
    var found = lines.prefix(lineLimit).map { line in
      var one = input
      one.source = ByteSource(line)
      return read(one)
    }
    if lines.count > lineLimit {
      var rest = RecordReading(kind, of: input)
      rest.fail("record-limit", "it has \(lines.count) statements, more than the \(lineLimit) that are read")
      found.append(rest)
    }
    return found
  }

  /// The lines of a file with an object on each of two or more; nil for a single document.
  private static func lines(of input: RecordInput) -> [[UInt8]]? {
    guard let bytes = input.bytes() else { return nil }
    let blanks: Set<UInt8> = [0x20, 0x09, 0x0d]
    var lines: [[UInt8]] = []
    for line in bytes.split(separator: 0x0a) {
      guard let start = line.firstIndex(where: { !blanks.contains($0) }),
        let end = line.lastIndex(where: { !blanks.contains($0) })
      else { continue }
      guard line[start] == UInt8(ascii: "{"), line[end] == UInt8(ascii: "}") else { return nil }
      lines.append(Array(line[start...end]))
    }
    return lines.count > 1 ? lines : nil
  }

  static func read(_ input: RecordInput) -> RecordReading {
    let found = RecordReading.document(kind, of: input)
    var reading = found.reading
    guard let root = found.root else { return reading }
    guard root["dsseEnvelope"] != nil || root["payloadType"] != nil else {
      if root["messageSignature"] != nil {
        reading.fail("signature-unsupported", "it signs the digest of one file that it does not name")
      } else if root["mediaType"] != nil || input.name == "model.sig" {
        reading.fail("record-malformed", "it has no signed statement")
      }
      // Else the words of a bundle stand in a document of another kind.
      return reading
    }
    let bundle: SignedBundle
    do throws(SignedBundle.Malformed) {
      bundle = try SignedBundle(root)
    } catch {
      reading.fail("record-malformed", error.detail)
      return reading
    }
    reading.findsBase = true
    let statement: JSONValue
    do throws(JSONDocument.Failure) {
      statement = try JSONDocument(bundle.payload, limits: input.limits).root
    } catch {
      if case .duplicateKey(let key) = error {
        reading.signature = malformed("its statement has the key '\(key)' twice; tools take one or the other")
      } else {
        reading.signature = malformed("its statement is not JSON")
      }
      return reading
    }
    reading.signature = BundleVerifier(bundle: bundle, trust: input.trust).verdict()
    // A signature that does not hold says more than a statement that is not well made.
    let outranked: Set<String> = ["", "signature-unchecked", "certificate-expired"]
    if let problem = SignedStatement(statement, input).read(into: &reading),
      outranked.contains(reading.signature?.reason ?? "")
    {
      reading.signature = problem
    }
    return reading
  }

  static func malformed(_ detail: String) -> SignatureVerdict {
    SignatureVerdict(isTrusted: false, detail: detail, reason: "statement-malformed")
  }
}

/// The statement that is signed, and the claims in it.
private struct SignedStatement {
  let root: JSONValue
  let input: RecordInput

  init(_ root: JSONValue, _ input: RecordInput) {
    self.root = root
    self.input = input
  }

  /// What is always left out, at the top of the folder.
  private static let ignored = [".git", ".gitattributes", ".github", ".gitignore"]

  /// Why the statement is not to be believed whoever signed it; nil when it may be.
  func read(into reading: inout RecordReading) -> SignatureVerdict? {
    guard let type = root["_type"]?.string, type.hasPrefix("https://in-toto.io/Statement/") else {
      return ModelSignatureRecord.malformed("what it signs is no statement of in-toto")
    }
    let subjects = root["subject"]?.items ?? []
    let predicate = root["predicateType"]?.string ?? ""
    switch predicate {
    case "https://model_signing/signature/v1.0": return readManifest(subjects, into: &reading)
    case "https://model_signing/Digests/v0.1":
      for subject in subjects { add(subject["name"]?.string ?? "", subject["digest"], to: &reading) }
      cover(&reading, ignoring: [])
      return reading.claims.isEmpty ? Self.nothing : duplicate(reading)
    default:
      guard !predicate.hasPrefix("https://model_signing/") else {
        return ModelSignatureRecord.malformed("its predicate '\(predicate)' is not known")
      }
      reading.kind = ModelSignatureRecord.statementKind
      for subject in subjects { add(subject["name"]?.string ?? "", subject["digest"], to: &reading, isOptional: true) }
      return nil
    }
  }

  private static let nothing = SignatureVerdict(
    isTrusted: false, detail: "it covers no file at all", reason: "signature-covers-nothing")

  /// `resources`, and the digest over all of them.
  private func readManifest(_ subjects: [JSONValue], into reading: inout RecordReading) -> SignatureVerdict? {
    let predicate = root["predicate"]
    guard subjects.count == 1, let stated = subjects[0]["digest"]?["sha256"]?.string.flatMap({ Hex.bytes($0) }) else {
      return ModelSignatureRecord.malformed("it has \(subjects.count) subjects, where one digest stands for the model")
    }
    guard let resources = predicate?["resources"], resources.isArray, let serialization = predicate?["serialization"]
    else { return ModelSignatureRecord.malformed("it does not list the files that it signs") }
    let method = serialization["method"]?.string ?? ""
    guard method == "files" || method == "shards" else {
      return ModelSignatureRecord.malformed("its method '\(method)' is not known")
    }
    var digests: [UInt8] = []
    for resource in resources.items {
      guard reading.claims.count < input.limits.recordEntries else {
        reading.fail("record-limit", "it lists more than \(input.limits.recordEntries) files")
        break
      }
      guard let name = resource["name"]?.string, let digest = resource["digest"]?.string.flatMap({ Hex.bytes($0) }),
        let algorithm = resource["algorithm"]?.string
      else { return ModelSignatureRecord.malformed("one of the files that it lists has no name or digest") }
      digests += digest
      add(name, Digest(Self.algorithm(algorithm), digest), isShard: method == "shards", subjects, to: &reading)
    }
    guard TransparencyLog.digest(digests) == stated else {
      return ModelSignatureRecord.malformed("its digest of the whole model does not fit the files that it lists")
    }
    let paths = (serialization["ignore_paths"]?.items ?? []).compactMap(\.string)
    if !(reading.claims.count == 1 && reading.claims[0].name == ".") { cover(&reading, ignoring: paths) }
    if let path = paths.first(where: { $0.hasPrefix("/") || $0.split(separator: "/").contains("..") }) {
      return ModelSignatureRecord.malformed("it leaves out '\(path)', which leads out of the model")
    }
    return reading.claims.isEmpty ? Self.nothing : duplicate(reading)
  }

  /// `sha256`, `sha256-sharded-1000000`, `blake2b`.
  private static func algorithm(_ name: String) -> DigestAlgorithm {
    let first = String(name.prefix { $0 != "-" })
    return first.lowercased() == "sha" ? DigestAlgorithm(named: name) : DigestAlgorithm(named: first)
  }

  private func add(
    _ name: String, _ digest: Digest, isShard: Bool, _ subjects: [JSONValue], to reading: inout RecordReading
  ) {
    var path = name
    var part: ByteRange?
    if isShard {
      // `path:start:end`; a path may have colons of its own.
      let pieces = name.split(separator: ":", omittingEmptySubsequences: false)
      if pieces.count >= 3, let start = Int(pieces[pieces.count - 2]), let end = Int(pieces[pieces.count - 1]),
        start >= 0, start <= end
      {
        path = pieces.dropLast(2).joined(separator: ":")
        part = ByteRange(start, end)
      }
    }
    // A single file is signed under the name of its subject.
    let place = path == "." ? subjects.first?["name"]?.string ?? path : path
    var claim = RecordClaim(name: path, location: RecordPath.resolve(place, in: input.base), digests: [digest])
    claim.part = part
    reading.claims.append(claim)
  }

  private func add(
    _ name: String, _ digests: JSONValue?, to reading: inout RecordReading, isOptional: Bool = false
  ) {
    let all = (digests?.members ?? []).compactMap { name, value in
      value.string.flatMap { Hex.bytes($0) }.map { Digest(DigestAlgorithm(named: name), $0) }
    }
    guard reading.claims.count < input.limits.recordEntries, !all.isEmpty else { return }
    var claim = RecordClaim(name: name, location: RecordPath.resolve(name, in: input.base), digests: all)
    claim.isOptional = isOptional
    if isOptional, claim.location == nil { return }
    reading.claims.append(claim)
  }

  private func cover(_ reading: inout RecordReading, ignoring paths: [String]) {
    reading.covers = [input.base]
    for path in Self.ignored + paths {
      guard let relative = RecordPath.relative(Array(path.utf8)) else {
        // The folder itself: everything is left out.
        if path == "." || path == "./" { reading.leftOut.append(input.base) }
        continue
      }
      reading.leftOut.append(input.base.appending(relative))
    }
  }

  /// A file that is listed twice is what one tool reads and another does not.
  private func duplicate(_ reading: RecordReading) -> SignatureVerdict? {
    var seen: Set<String> = []
    for claim in reading.claims {
      let name = claim.part.map { "\(claim.name):\($0.start)" } ?? claim.name
      if !seen.insert(name).inserted {
        return ModelSignatureRecord.malformed("it lists '\(claim.name)' twice")
      }
      if claim.location == nil { return ModelSignatureRecord.malformed("it lists '\(claim.name)', outside the model") }
    }
    return nil
  }
}
