import MScanBytes

/// A Sigstore bundle with a DSSE envelope, taken apart and not yet believed.
/// Source: sigstore `protobuf-specs`, `sigstore_bundle.proto`; DSSE `envelope.md`; OpenSSF model signing v1.0.
struct SignedBundle: Sendable {
  enum Material: Sendable {
    /// A key that the verifier has to have, by the name that signers give it.
    case key(hint: String?, raw: [UInt8]?)
    /// Leaf first.
    case chain([[UInt8]])
    /// A leaf of a certificate authority for short-lived identities.
    case certificate([UInt8])
  }

  var material: Material
  var payloadType: String
  var payload: [UInt8]
  var signatures: [[UInt8]]
  /// As they are written, for comparison with a log.
  var signatureTexts: [String]
  var logEntries: [JSONValue]
  /// TimeStampResp, DER.
  var timestamps: [[UInt8]]

  /// Why a bundle is none.
  struct Malformed: Error {
    var detail: String
    init(_ detail: String) { self.detail = detail }
  }

  private static let mediaTypes: Set<String> = [
    "application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle+json;version=0.2", "application/vnd.dev.sigstore.bundle+json;version=0.1",
  ]

  init(_ root: JSONValue) throws(Malformed) {
    // An envelope may come without a bundle around it; then a key has to be known from elsewhere.
    let isBare = root["dsseEnvelope"] == nil
    let type = root["mediaType"]?.string ?? ""
    guard isBare || Self.mediaTypes.contains(type) else {
      throw Malformed("'\(type)' is no media type of a bundle that is read")
    }
    let envelope = root["dsseEnvelope"] ?? root
    guard let payloadType = envelope["payloadType"]?.string, let text = envelope["payload"]?.string,
      let payload = Self.base64(text), let list = envelope["signatures"], list.isArray
    else { throw Malformed("its envelope is not whole") }
    self.payloadType = payloadType
    self.payload = payload
    signatureTexts = list.items.map { $0["sig"]?.string ?? "" }
    var decoded: [[UInt8]] = []
    for text in signatureTexts {
      guard let bytes = Self.base64(text) else { throw Malformed("a signature is not base64") }
      decoded.append(bytes)
    }
    signatures = decoded
    guard let given = root["verificationMaterial"] else {
      guard isBare else { throw Malformed("it does not say how to verify it") }
      (material, logEntries, timestamps) = (.key(hint: nil, raw: nil), [], [])
      return
    }
    if let key = given["publicKey"] {
      material = .key(hint: key["hint"]?.string, raw: key["rawBytes"]?.string.flatMap { Self.base64($0) })
    } else if let leaf = given["certificate"] {
      guard let bytes = leaf["rawBytes"]?.string.flatMap({ Self.base64($0) }) else {
        throw Malformed("its certificate is not base64")
      }
      material = .certificate(bytes)
    } else if let chain = given["x509CertificateChain"]?["certificates"] {
      let bytes = chain.items.compactMap { $0["rawBytes"]?.string.flatMap { Self.base64($0) } }
      guard !bytes.isEmpty, bytes.count == chain.count, bytes.count <= 16 else {
        throw Malformed("its certificates are not base64")
      }
      material = .chain(bytes)
    } else {
      throw Malformed("it has neither a key nor a certificate")
    }
    logEntries = given["tlogEntries"]?.items ?? []
    timestamps = (given["timestampVerificationData"]?["rfc3161Timestamps"]?.items ?? [])
      .compactMap { $0["signedTimestamp"]?.string.flatMap { Self.base64($0) } }
  }

  /// What is signed: DSSE's pre-authentication encoding.
  var signedBytes: [UInt8] { Self.encoding(payloadType, payload) }

  static func encoding(_ type: String, _ payload: [UInt8]) -> [UInt8] {
    Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
  }

  /// What model-signing 0.2 signed by mistake: a capital `V`, and the payload as Python writes bytes.
  var legacySignedBytes: [UInt8] {
    let written = Self.pythonLiteral(payload)
    return Array("DSSEV1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + written
  }

  private static func pythonLiteral(_ bytes: [UInt8]) -> [UInt8] {
    let quote =
      bytes.contains(UInt8(ascii: "'")) && !bytes.contains(UInt8(ascii: "\"")) ? UInt8(ascii: "\"") : UInt8(ascii: "'")
    var text: [UInt8] = [UInt8(ascii: "b"), quote]
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\\"), quote: text += [UInt8(ascii: "\\"), byte]
      case 0x09: text += Array("\\t".utf8)
      case 0x0a: text += Array("\\n".utf8)
      case 0x0d: text += Array("\\r".utf8)
      case 0x20..<0x7f: text.append(byte)
      default: text += Array(("\\x" + Hex.text([byte])).utf8)
      }
    }
    return text + [quote]
  }

  /// Strict base64: whole groups, nothing outside the alphabet; nil otherwise.
  static func base64(_ text: String) -> [UInt8]? {
    let bytes = Array(text.utf8)
    guard bytes.count % 4 == 0 else { return nil }
    let body = bytes.reversed().drop { $0 == UInt8(ascii: "=") }.reversed()
    guard bytes.count - body.count <= 2, body.allSatisfy({ Base64.isInAlphabet($0) }) else { return nil }
    return Base64.decode(bytes)
  }
}
