import Glibc

/// A path as the kernel knows it: bytes, which need not be UTF-8.
public struct SystemPath: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Without a NUL.
  public let bytes: [UInt8]

  public init(_ text: String) { self.init(bytes: text.utf8) }

  /// Takes the bytes before the first NUL.
  @inlinable
  public init(bytes: some Sequence<UInt8>) {
    let all = Array(bytes)
    self.bytes = all.firstIndex(of: 0).map { Array(all[..<$0]) } ?? all
  }

  private static let slash = UInt8(ascii: "/")

  public var isEmpty: Bool { bytes.isEmpty }
  public var isAbsolute: Bool { bytes.first == Self.slash }

  /// The path of `name` in this folder.
  public func appending(_ name: SystemPath) -> SystemPath {
    if bytes.isEmpty { return name }
    return SystemPath(bytes: bytes.last == Self.slash ? bytes + name.bytes : bytes + [Self.slash] + name.bytes)
  }

  /// Components, without empty ones and `.`.
  public var components: [SystemPath] {
    bytes.split(separator: Self.slash).filter { $0 != [UInt8(ascii: ".")] }.map { SystemPath(bytes: $0) }
  }

  public var lastComponent: SystemPath {
    SystemPath(bytes: bytes.split(separator: Self.slash).last ?? [])
  }

  /// The folder the last component lies in: `.` for a bare name, `/` for the root.
  public var parent: SystemPath {
    var end = bytes.count
    while end > 0, bytes[end - 1] == Self.slash { end -= 1 }
    while end > 0, bytes[end - 1] != Self.slash { end -= 1 }
    if end == 0 { return SystemPath(isAbsolute ? "/" : ".") }
    while end > 1, bytes[end - 1] == Self.slash { end -= 1 }
    return SystemPath(bytes: bytes[..<end])
  }

  /// The path with `.`, `..` and doubled slashes resolved by spelling alone, links not considered.
  public var normalised: SystemPath {
    var kept: [SystemPath] = []
    let up = SystemPath("..")
    for component in components {
      if component == up, let last = kept.last, last != up {
        kept.removeLast()
      } else if !(component == up && isAbsolute) {
        kept.append(component)
      }
    }
    let joined = Array(kept.map(\.bytes).joined(separator: [Self.slash]))
    if isAbsolute { return SystemPath(bytes: [Self.slash] + joined) }
    return joined.isEmpty ? SystemPath(".") : SystemPath(bytes: joined)
  }

  /// Whether this absolute, resolved path is `folder` or lies below it.
  public func isInside(_ folder: SystemPath) -> Bool {
    guard bytes.starts(with: folder.bytes) else { return false }
    return bytes.count == folder.bytes.count || folder.bytes.last == Self.slash
      || bytes[folder.bytes.count] == Self.slash
  }

  /// The path for people: bytes that are not UTF-8 are written `\xNN`, so that two names never read alike.
  public var description: String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var text = ""
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var index = 0
    while true {
      switch parser.parseScalar(from: &iterator) {
      case .valid(let encoded):
        text.unicodeScalars.append(Unicode.UTF8.decode(encoded))
        index += encoded.count
      case .error(let length):
        for byte in bytes[index..<min(index + length, bytes.count)] {
          text += (byte < 16 ? "\\x0" : "\\x") + String(byte, radix: 16)
        }
        index += length
      case .emptyInput:
        return text
      }
    }
  }

  public static func < (a: SystemPath, b: SystemPath) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }

  func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    var terminated = bytes.map { CChar(bitPattern: $0) }
    terminated.append(0)
    return unsafe terminated.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return unsafe "".withCString(body) }
      return unsafe body(start)
    }
  }
}
