import MScanBytes
import X509

/// `trusted_root.json` of Sigstore: the logs and authorities that a person has decided to believe.
/// Source: sigstore `protobuf-specs`, `sigstore_trustroot.proto`.
struct TrustedRoot: Sendable {
  /// When something is to be believed; seconds since 1970, open where nil.
  struct Validity: Sendable {
    var start: Int?
    var end: Int?

    init(_ value: JSONValue?) {
      start = value?["start"]?.string.flatMap { Moment.seconds($0) }
      end = value?["end"]?.string.flatMap { Moment.seconds($0) }
    }

    func holds(at moment: Int) -> Bool { (start ?? .min) <= moment && moment <= (end ?? .max) }
  }

  struct Log: Sendable {
    var id: [UInt8]
    var key: SigningKey
    var validity: Validity
  }

  struct Authority: Sendable {
    /// Issuer of leaves first, root last.
    var chain: [Certificate]
    var validity: Validity
  }

  var logs: [Log] = []
  var certificateLogs: [Log] = []
  var certificateAuthorities: [Authority] = []
  var timestampAuthorities: [Authority] = []

  /// Nil when the bytes are no trusted root, nor a trust configuration that holds one.
  init?(_ bytes: [UInt8]) {
    guard let document = try? JSONDocument(bytes).root else { return nil }
    let root = document["trustedRoot"] ?? document
    logs = Self.logs(root["tlogs"])
    certificateLogs = Self.logs(root["ctlogs"])
    certificateAuthorities = Self.authorities(root["certificateAuthorities"])
    timestampAuthorities = Self.authorities(root["timestampAuthorities"])
    guard !certificateAuthorities.isEmpty else { return nil }
  }

  private static func logs(_ list: JSONValue?) -> [Log] {
    (list?.items ?? []).compactMap { entry in
      guard let id = entry["logId"]?["keyId"]?.string.flatMap({ SignedBundle.base64($0) }),
        let der = entry["publicKey"]?["rawBytes"]?.string.flatMap({ SignedBundle.base64($0) }),
        let key = SigningKey(der: der)
      else { return nil }
      return Log(id: id, key: key, validity: Validity(entry["publicKey"]?["validFor"]))
    }
  }

  private static func authorities(_ list: JSONValue?) -> [Authority] {
    (list?.items ?? []).compactMap { entry in
      let chain = (entry["certChain"]?["certificates"]?.items ?? []).compactMap { item in
        item["rawBytes"]?.string.flatMap { SignedBundle.base64($0) }.flatMap { Certificate.der($0) }
      }
      return chain.isEmpty ? nil : Authority(chain: chain, validity: Validity(entry["validFor"]))
    }
  }
}
