public import MScanBytes
import MScanRules

/// The findings of an earlier scan, from its JSON report.
public enum Baseline {
  static let byteLimit = 256 << 20

  /// The fingerprints of all findings of a report that `--format json` wrote.
  public static func fingerprints(in path: SystemPath) throws(ConfigurationError) -> Set<String> {
    let shown = path.description
    let bytes: [UInt8]
    do throws(OpenFile.Refusal) {
      let file = try OpenFile(path)
      guard file.size <= byteLimit else {
        throw OpenFile.Refusal.notRegular("larger than \(byteLimit >> 20) MiB")
      }
      bytes = ByteSource(file).prefix(byteLimit)
    } catch {
      throw ConfigurationError(shown, nil, error.explanation)
    }
    guard let found = fingerprints(in: bytes) else {
      throw ConfigurationError(
        shown, nil, "not a report of mscan-lint; write one with --format json --output \(shown)")
    }
    return found
  }

  /// Nil when the bytes are not such a report.
  static func fingerprints(in bytes: [UInt8]) -> Set<String>? {
    var reader = ReportReader(bytes: bytes)
    guard reader.read(), reader.hasSchema, reader.hasFindings else { return nil }
    return reader.fingerprints
  }
}

/// Reads of a JSON report what a baseline needs, in one pass and without a tree.
private struct ReportReader {
  private enum Step: Equatable {
    case key(String)
    case item
  }

  let bytes: [UInt8]
  private(set) var fingerprints: Set<String> = []
  private(set) var hasSchema = false
  private(set) var hasFindings = false
  private var at = 0
  /// One step for each open object or array.
  private var path: [Step] = []

  init(bytes: [UInt8]) { self.bytes = bytes }

  private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

  /// Whether the text is well formed as far as this reader looks: balanced, with keys and separators in place.
  mutating func read() -> Bool {
    var wantsValue = true
    while true {
      skipSpace()
      guard let next = byte else { return path.isEmpty && !wantsValue }
      if !wantsValue {
        guard let top = path.last else { return false }
        at += 1
        switch (next, top) {
        case (UInt8(ascii: ","), .item): wantsValue = true
        case (UInt8(ascii: ","), .key):
          path.removeLast()
          guard readKey() else { return false }
          wantsValue = true
        case (UInt8(ascii: "]"), .item), (UInt8(ascii: "}"), .key): path.removeLast()
        default: return false
        }
        continue
      }
      wantsValue = false
      switch next {
      case UInt8(ascii: "{"):
        at += 1
        skipSpace()
        if byte == UInt8(ascii: "}") { at += 1 } else { guard readKey() else { return false }; wantsValue = true }
      case UInt8(ascii: "["):
        if path == [.key("findings")] { hasFindings = true }
        at += 1
        skipSpace()
        if byte == UInt8(ascii: "]") { at += 1 } else { path.append(.item); wantsValue = true }
      case UInt8(ascii: "\""):
        guard let text = readText() else { return false }
        if path == [.key("findings"), .item, .key("fingerprint")] { fingerprints.insert(text) }
      default:
        let start = at
        while let byte, !Self.endsScalar(byte) { at += 1 }
        guard at > start else { return false }
        if path == [.key("schema")], bytes[start..<at].elementsEqual("1".utf8) { hasSchema = true }
      }
    }
  }

  private mutating func readKey() -> Bool {
    skipSpace()
    guard let key = readText(), path.count < 64 else { return false }
    skipSpace()
    guard byte == UInt8(ascii: ":") else { return false }
    at += 1
    path.append(.key(key))
    return true
  }

  /// A string; escapes stay as written, since neither keys nor fingerprints of a report have any.
  private mutating func readText() -> String? {
    guard byte == UInt8(ascii: "\"") else { return nil }
    at += 1
    let start = at
    while let next = byte {
      if next == UInt8(ascii: "\"") {
        at += 1
        return String(decoding: bytes[start..<(at - 1)], as: UTF8.self)
      }
      at += next == UInt8(ascii: "\\") ? 2 : 1
    }
    return nil
  }

  private mutating func skipSpace() {
    while let next = byte, next == 0x20 || next == 0x0a || next == 0x0d || next == 0x09 { at += 1 }
  }

  private static func endsScalar(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x20, 0x0a, 0x0d, 0x09, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "\""): true
    default: false
    }
  }
}
