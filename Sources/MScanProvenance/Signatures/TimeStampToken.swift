import Crypto
import MScanBytes
import SwiftASN1
import X509

/// Answers of a time-stamping authority, RFC 3161, held against the authorities of a trusted root. The token is CMS
/// signed data (RFC 5652) over a `TSTInfo`.
enum TimeStampToken {
  private static let signedData: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 7, 2]
  private static let tstInfo: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 9, 16, 1, 4]
  private static let contentType: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 9, 3]
  private static let messageDigest: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 9, 4]

  /// The moment the token stands for, in seconds since 1970; nil when it is not whole, over other bytes, or signed by
  /// none of the authorities.
  static func moment(of response: [UInt8], over signature: [UInt8], _ authorities: [TrustedRoot.Authority]) -> Int? {
    guard let token = Token(response), let imprint = hash(signature, token.imprintAlgorithm), imprint == token.imprint,
      let content = hash(token.content, token.digestAlgorithm), content == token.messageDigest
    else { return nil }
    let isSigned = authorities.contains { authority in
      guard authority.validity.holds(at: token.moment) else { return false }
      // The signer is the first of the root's chain, or comes with the token where the chain starts at its issuer.
      var leaves: [(leaf: Certificate, others: [Certificate])] = []
      if let first = authority.chain.first { leaves.append((first, Array(authority.chain.dropFirst()))) }
      for leaf in token.certificates where !authority.chain.contains(leaf) { leaves.append((leaf, authority.chain)) }
      return leaves.contains { leaf, others in
        guard let root = others.last ?? authority.chain.first else { return false }
        return leaf.isValid(at: token.moment) && CertificatePath.mayStampTime(leaf) && token.isSigned(by: leaf)
          && (others.isEmpty
            || CertificatePath.issuer(of: leaf, through: Array(others.dropLast()), to: [root], at: token.moment) != nil)
      }
    }
    return isSigned ? token.moment : nil
  }

  private static func hash(_ bytes: [UInt8], _ algorithm: ASN1ObjectIdentifier) -> [UInt8]? {
    switch algorithm {
    case [2, 16, 840, 1, 101, 3, 4, 2, 1]: Array(SHA256.hash(data: bytes))
    case [2, 16, 840, 1, 101, 3, 4, 2, 2]: Array(SHA384.hash(data: bytes))
    case [2, 16, 840, 1, 101, 3, 4, 2, 3]: Array(SHA512.hash(data: bytes))
    default: nil
    }
  }

  /// The parts of a token that count.
  private struct Token {
    var imprintAlgorithm: ASN1ObjectIdentifier
    var imprint: [UInt8]
    var moment: Int
    /// TSTInfo, as it is signed.
    var content: [UInt8]
    var certificates: [Certificate] = []
    var digestAlgorithm: ASN1ObjectIdentifier
    var messageDigest: [UInt8]
    /// The attributes as a SET OF, which is what the signature is over.
    var signedAttributes: [UInt8]
    var signature: [UInt8]
    var serialNumber: ArraySlice<UInt8>?

    init?(_ response: [UInt8]) {
      guard let root = try? BER.parse(response), root.inside.count == 2,
        // PKIStatus: granted, or granted with modifications.
        let status = root.inside[0].inside.first?.primitive, status.elementsEqual([0]) || status.elementsEqual([1])
      else { return nil }
      let token = root.inside[1].inside
      guard token.count == 2, token[0].objectIdentifier == signedData, let data = token[1].inside.first?.inside,
        data.count >= 4
      else { return nil }
      let capsule = data[2].inside
      guard capsule.count == 2, capsule[0].objectIdentifier == tstInfo,
        let content = capsule[1].inside.first?.primitive, let info = try? DER.parse(content)
      else { return nil }
      self.content = Array(content)
      let fields = info.inside
      guard fields.count >= 5, fields[2].inside.count == 2,
        let algorithm = fields[2].inside[0].inside.first?.objectIdentifier, let imprint = fields[2].inside[1].primitive,
        let time = try? GeneralizedTime(derEncoded: fields[4])
      else { return nil }
      imprintAlgorithm = algorithm
      self.imprint = Array(imprint)
      moment = Moment.seconds(
        year: time.year, month: time.month, day: time.day, hour: time.hours, minute: time.minutes,
        second: time.seconds)
      if let list = data.dropFirst(3).first(where: { $0.isTagged(0) }) {
        certificates = list.inside.prefix(16).compactMap { try? Certificate(derEncoded: $0) }
      }
      guard let signers = data.last?.inside, signers.count == 1 else { return nil }
      let signer = signers[0].inside
      guard signer.count >= 6, let digest = signer[2].inside.first?.objectIdentifier, signer[3].isTagged(0),
        let signature = signer[5].primitive
      else { return nil }
      digestAlgorithm = digest
      self.signature = Array(signature)
      // IssuerAndSerialNumber; a key identifier names the signer less well than the signature does.
      if signer[1].inside.count == 2 { serialNumber = signer[1].inside[1].primitive }
      var attributes = Array(signer[3].encodedBytes)
      guard !attributes.isEmpty else { return nil }
      attributes[0] = 0x31
      signedAttributes = attributes
      var values: [ASN1ObjectIdentifier: ASN1Node] = [:]
      for attribute in signer[3].inside where attribute.inside.count == 2 {
        guard let id = attribute.inside[0].objectIdentifier, attribute.inside[1].inside.count == 1,
          values.updateValue(attribute.inside[1].inside[0], forKey: id) == nil
        else { return nil }
      }
      guard values[contentType]?.objectIdentifier == tstInfo,
        let stated = values[TimeStampToken.messageDigest]?.primitive
      else { return nil }
      messageDigest = Array(stated)
    }

    func isSigned(by leaf: Certificate) -> Bool {
      if let serialNumber, !leaf.serialNumber.bytes.elementsEqual(serialNumber.drop { $0 == 0 }),
        !leaf.serialNumber.bytes.elementsEqual(serialNumber)
      {
        return false
      }
      let key = SigningKey(leaf.publicKey)
      let algorithms: [Certificate.SignatureAlgorithm]
      switch digestAlgorithm {
      case [2, 16, 840, 1, 101, 3, 4, 2, 1]: algorithms = [.ecdsaWithSHA256, .sha256WithRSAEncryption]
      case [2, 16, 840, 1, 101, 3, 4, 2, 2]: algorithms = [.ecdsaWithSHA384, .sha384WithRSAEncryption]
      default: algorithms = [.ecdsaWithSHA512, .sha512WithRSAEncryption]
      }
      return algorithms.contains { key.verifies(signature, over: signedAttributes, $0) }
    }
  }
}
