import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// A public key that signatures are checked with: P-256, P-384, P-521, Ed25519, and RSA for authorities.
struct SigningKey: Sendable, Hashable {
  let key: Certificate.PublicKey

  init(_ key: Certificate.PublicKey) { self.key = key }

  /// From PEM, SubjectPublicKeyInfo; nil for anything else.
  init?(pem: String) {
    guard let key = try? Certificate.PublicKey(pemEncoded: pem) else { return nil }
    self.key = key
  }

  /// From DER, SubjectPublicKeyInfo; nil for anything else.
  init?(der: [UInt8]) {
    guard let key = try? Certificate.PublicKey(derEncoded: der) else { return nil }
    self.key = key
  }

  /// DER of the SubjectPublicKeyInfo.
  var der: [UInt8] {
    var serializer = DER.Serializer()
    guard (try? serializer.serialize(key)) != nil else { return [] }
    return serializer.serializedBytes
  }

  /// What signers call the key: the SHA-256 of its PEM text, with a newline at its end, in hexadecimal digits.
  var hint: String {
    let text = PEMDocument(type: "PUBLIC KEY", derBytes: der).pemString + "\n"
    return Hex.text(SHA256.hash(data: Array(text.utf8)))
  }

  var isEllipticCurve: Bool { naturalAlgorithm != nil && naturalAlgorithm != .ed25519 }

  /// The algorithm that goes with the key: the hash of a curve is as long as the curve.
  private var naturalAlgorithm: Certificate.SignatureAlgorithm? {
    if P256.Signing.PublicKey(key) != nil { return .ecdsaWithSHA256 }
    if P384.Signing.PublicKey(key) != nil { return .ecdsaWithSHA384 }
    if P521.Signing.PublicKey(key) != nil { return .ecdsaWithSHA512 }
    if Curve25519.Signing.PublicKey(key) != nil { return .ed25519 }
    return nil
  }

  /// Whether `signature` (DER for curves) is the key's over `message`.
  func verifies(_ signature: [UInt8], over message: [UInt8]) -> Bool {
    guard let algorithm = naturalAlgorithm else {
      return key.isValidSignature(signature, for: message, signatureAlgorithm: .sha256WithRSAEncryption)
    }
    return key.isValidSignature(signature, for: message, signatureAlgorithm: algorithm)
  }

  /// The same with SHA-256 whatever the curve, as transparency logs sign.
  func verifiesWithSHA256(_ signature: [UInt8], over message: [UInt8]) -> Bool {
    guard let algorithm = naturalAlgorithm, algorithm != .ed25519 else { return verifies(signature, over: message) }
    return key.isValidSignature(signature, for: message, signatureAlgorithm: .ecdsaWithSHA256)
  }

  func verifies(_ signature: [UInt8], over message: [UInt8], _ algorithm: Certificate.SignatureAlgorithm) -> Bool {
    key.isValidSignature(signature, for: message, signatureAlgorithm: algorithm)
  }
}

/// A moment, in seconds since 1970 UTC.
enum Moment {
  /// Of a date of RFC 3339 in UTC, fractions left out; nil for anything else.
  static func seconds(_ text: String) -> Int? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z") else { return nil }
    func number(_ range: Range<Int>) -> Int? { Int(String(decoding: bytes[range], as: UTF8.self)) }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
      let minute = number(14..<16), let second = number(17..<19), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    return seconds(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
  }

  /// Days of the civil calendar, as Howard Hinnant gives them.
  static func seconds(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let ofEra = shifted - era * 400
    let ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let days = era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    return days * 86_400 + hour * 3600 + minute * 60 + second
  }

  static var now: Int { Int(Date().timeIntervalSince1970) }
}

extension Certificate {
  /// Whether the certificate holds at a moment, in seconds since 1970.
  func isValid(at moment: Int) -> Bool {
    let when = Double(moment)
    return notValidBefore.timeIntervalSince1970 <= when && when <= notValidAfter.timeIntervalSince1970
  }

  static func der(_ bytes: [UInt8]) -> Certificate? { try? Certificate(derEncoded: bytes) }
}
