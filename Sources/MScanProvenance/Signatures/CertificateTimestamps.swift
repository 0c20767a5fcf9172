import Crypto
import MScanBytes
import SwiftASN1
import X509

/// Signed certificate timestamps in a certificate, RFC 6962 §3.3: logs of certificates that saw it before it was issued.
enum CertificateTimestamps {
  private static let id: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2]

  /// Why they do not hold; nil when every one of them does, and there is one.
  static func problem(of leaf: Certificate, issuer: Certificate, _ logs: [TrustedRoot.Log]) -> String? {
    guard let value = leaf.extensions[oid: id]?.value, let node = try? DER.parse(value), let list = node.primitive,
      let stamps = parse(Array(list)), !stamps.isEmpty
    else { return "its certificate has no timestamp of a certificate log" }
    guard let body = withoutTimestamps(leaf) else { return "its certificate cannot be taken apart" }
    let issuerHash = Array(SHA256.hash(data: SigningKey(issuer.publicKey).der))
    for stamp in stamps {
      guard let log = logs.first(where: { $0.id == stamp.log }) else {
        return "its certificate is in a log that the trusted root does not have"
      }
      let length = body.count
      let signed: [UInt8] =
        [0, 0] + stamp.time + [0, 1] + issuerHash
        + [
          UInt8(truncatingIfNeeded: length >> 16), UInt8(truncatingIfNeeded: length >> 8),
          UInt8(truncatingIfNeeded: length),
        ]
        + body + [
          UInt8(truncatingIfNeeded: stamp.extensions.count >> 8), UInt8(truncatingIfNeeded: stamp.extensions.count),
        ]
        + stamp.extensions
      guard log.key.verifiesWithSHA256(stamp.signature, over: signed) else {
        return "the certificate log did not sign the timestamp of its certificate"
      }
      let seconds = stamp.time.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } / 1000
      guard log.validity.holds(at: Int(clamping: seconds)) else {
        return "the certificate log's key was not in use at the time it gives"
      }
    }
    return nil
  }

  private struct Stamp {
    var log: [UInt8]
    /// Milliseconds, eight bytes.
    var time: [UInt8]
    var extensions: [UInt8]
    var signature: [UInt8]
  }

  /// `SignedCertificateTimestampList` of TLS; nil when it is not whole.
  private static func parse(_ bytes: [UInt8]) -> [Stamp]? {
    var rest = bytes[...]
    func take(_ count: Int, from rest: inout ArraySlice<UInt8>) -> [UInt8]? {
      guard count <= rest.count else { return nil }
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    func vector(from rest: inout ArraySlice<UInt8>) -> [UInt8]? {
      take(2, from: &rest).flatMap { take(Int($0[0]) << 8 | Int($0[1]), from: &rest) }
    }
    guard let list = vector(from: &rest), rest.isEmpty else { return nil }
    var stamps: [Stamp] = []
    var items = list[...]
    while !items.isEmpty {
      guard let item = vector(from: &items), stamps.count < 16 else { return nil }
      var fields = item[...]
      guard take(1, from: &fields) == [0], let log = take(32, from: &fields), let time = take(8, from: &fields),
        let extensions = vector(from: &fields),
        // SHA-256 with ECDSA or RSA, of TLS 1.2.
        let algorithm = take(2, from: &fields), algorithm[0] == 4, let signature = vector(from: &fields), fields.isEmpty
      else { return nil }
      stamps.append(Stamp(log: log, time: time, extensions: extensions, signature: signature))
    }
    return stamps
  }

  /// The certificate's body as the log saw it: the same but for this extension.
  private static func withoutTimestamps(_ leaf: Certificate) -> [UInt8]? {
    guard let body = try? DER.parse(leaf.tbsCertificateBytes) else { return nil }
    var fields: [UInt8] = []
    for field in body.inside {
      guard field.isTagged(3), let list = field.inside.first else {
        fields += field.encodedBytes
        continue
      }
      let kept = list.inside.filter { $0.inside.first?.objectIdentifier != id }.flatMap { Array($0.encodedBytes) }
      fields += DERText.wrap(0xa3, DERText.wrap(0x30, kept))
    }
    return DERText.wrap(0x30, fields)
  }
}
