/// How a record says what the bytes of a file are.
public enum DigestAlgorithm: Sendable, Hashable {
  case md5, sha1, sha256, sha384, sha512
  /// SHA-1 over `blob <length>\0` and the bytes: the name of the bytes as an object of git.
  case gitBlob
  /// One that this version does not compute, by its own name.
  case other(String)

  /// As people write it.
  public var title: String {
    switch self {
    case .md5: "MD5"
    case .sha1: "SHA-1"
    case .sha256: "SHA-256"
    case .sha384: "SHA-384"
    case .sha512: "SHA-512"
    case .gitBlob: "git SHA-1"
    case .other(let name): name
    }
  }

  /// Bytes of a whole digest; nil for one that is not computed.
  public var length: Int? {
    switch self {
    case .md5: 16
    case .sha1, .gitBlob: 20
    case .sha256: 32
    case .sha384: 48
    case .sha512: 64
    case .other: nil
    }
  }

  /// Whether collisions have been made, so that two files can have one digest.
  public var isWeak: Bool {
    switch self {
    case .md5, .sha1, .gitBlob: true
    default: false
    }
  }

  /// From a name in any of its spellings: `sha256`, `SHA-256`, `SHA2-256`. Unknown names stay as they are.
  public init(named name: String) {
    let plain = String(name.lowercased().filter { $0 != "-" && $0 != "_" && $0 != " " })
    switch plain {
    case "md5": self = .md5
    case "sha1": self = .sha1
    case "sha256", "sha2256": self = .sha256
    case "sha384", "sha2384": self = .sha384
    case "sha512", "sha2512": self = .sha512
    case "gitoid:blob:sha1", "gitblob": self = .gitBlob
    default: self = .other(name)
    }
  }

  /// From the number of bytes, for lists that do not name it; nil for a length that no algorithm has.
  public init?(length: Int) {
    switch length {
    case 16: self = .md5
    case 20: self = .sha1
    case 28: self = .other("SHA-224")
    case 32: self = .sha256
    case 48: self = .sha384
    case 64: self = .sha512
    default: return nil
    }
  }
}

/// A digest that a record gives, whole or by its first bytes.
public struct Digest: Sendable, Hashable {
  public var algorithm: DigestAlgorithm
  public var bytes: [UInt8]
  /// Half a byte more, in the upper bits: a prefix may end in the middle of one.
  public var lastNibble: UInt8?

  public init(_ algorithm: DigestAlgorithm, _ bytes: [UInt8], lastNibble: UInt8? = nil) {
    self.algorithm = algorithm
    self.bytes = bytes
    self.lastNibble = lastNibble
  }

  /// Whether `whole` starts with this.
  func fits(_ whole: [UInt8]) -> Bool {
    guard whole.starts(with: bytes) else { return false }
    guard let lastNibble else { return true }
    return whole.count > bytes.count && whole[bytes.count] & 0xf0 == lastNibble
  }

  public var hex: String {
    Hex.text(bytes) + (lastNibble.map { String($0 >> 4, radix: 16) } ?? "")
  }
}

/// Hexadecimal digits.
public enum Hex {
  public static func text(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  public static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit &- 0x30
    case 0x41...0x46: digit &- 0x37
    case 0x61...0x66: digit &- 0x57
    default: nil
    }
  }

  /// The bytes of an even number of digits of either case; nil for anything else.
  public static func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 2 == 0, !text.isEmpty else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 2)
    var upper: UInt8?
    for digit in text {
      guard let value = value(digit) else { return nil }
      if let high = upper {
        bytes.append(high << 4 | value)
        upper = nil
      } else {
        upper = value
      }
    }
    return bytes
  }

  public static func bytes(_ text: String) -> [UInt8]? { bytes(text.utf8) }

  static func isDigits(_ text: some Collection<UInt8>) -> Bool { text.allSatisfy { value($0) != nil } }
}
