/// Whom to believe: what a person gives, never what lies beside a model.
public struct TrustOptions: Sendable, Hashable {
  /// Public keys, PEM.
  public var keys: [TrustFile] = []
  /// Certificates of authorities, PEM; a file may hold several.
  public var certificates: [TrustFile] = []
  /// A `trusted_root.json` of Sigstore.
  public var trustRoot: TrustFile?
  /// Who has to have signed: an e-mail address or a URI in the certificate.
  public var identity: String?
  /// Who has to have vouched for that identity.
  public var issuer: String?

  public init() {}

  /// Takes a file for what its content is; false when it is nothing to believe.
  public mutating func add(_ file: TrustFile) -> Bool {
    if TrustedRoot(file.bytes) != nil {
      trustRoot = file
    } else if !PEMText.blocks("CERTIFICATE", in: file.text).isEmpty {
      certificates.append(file)
    } else if SigningKey(pem: file.text) != nil {
      keys.append(file)
    } else {
      return false
    }
    return true
  }

  public var isEmpty: Bool { keys.isEmpty && certificates.isEmpty && trustRoot == nil }
}

/// A file that a person gives, read.
public struct TrustFile: Sendable, Hashable {
  /// As the person named it.
  public var name: String
  public var bytes: [UInt8]

  public init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }
}
