import MScanBytes
public import MScanFacts

/// Enough of TOML for `pyproject.toml`, `Pipfile` and `Cargo.toml`: tables, keys, strings, arrays of strings and inline
/// tables, each string a value at its key path. Other values are stepped over. Source: TOML 1.0.
public enum TOMLFormat: Format {
  public static let id = "toml"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: id, into: &sink) else { return }
    var reader = TOMLReader(bytes: text.bytes)
    while let (path, range) = reader.next() {
      text.value(path, text.text(range), range, into: &sink)
    }
  }
}

/// The strings of a TOML text with their key paths, in order.
private struct TOMLReader {
  let bytes: [UInt8]
  private var at = 0
  private var table = ""
  private var key = ""
  /// Open arrays and inline tables: the path, and how many entries an array has had.
  private var open: [(path: String, count: Int, isArray: Bool)] = []
  private static let depthLimit = 32
  /// Entries of arrays of tables.
  private var counts: [String: Int] = [:]

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func next() -> (path: String, range: Range<Int>)? {
    while at < bytes.count {
      switch bytes[at] {
      case 0x23: while at < bytes.count, bytes[at] != 0x0a { at += 1 }
      case 0x22, 0x27:
        let range = string()
        if isKey(behind: at) {
          key = joined(key, text(range))
        } else {
          defer { key = open.isEmpty ? "" : key }
          return (path(), range)
        }
      case 0x5b where open.isEmpty && key.isEmpty && isLineStart: header()
      case 0x5b, 0x7b:
        if open.count < Self.depthLimit { open.append((path(), 0, bytes[at] == 0x5b)) }
        key = ""
        at += 1
      case 0x5d, 0x7d:
        _ = open.popLast()
        key = ""
        at += 1
      case 0x2c:
        if let top = open.indices.last { open[top].count += 1 }
        key = ""
        at += 1
      case 0x0a:
        if open.isEmpty { key = "" }
        at += 1
      case 0x20, 0x09, 0x0d, 0x2e, 0x3d: at += 1
      default:
        let start = at
        while at < bytes.count, Self.isBare(bytes[at]) { at += 1 }
        if at == start { at += 1 }
        if isKey(behind: at) { key = joined(key, text(start..<at)) }
      }
    }
    return nil
  }

  private var isLineStart: Bool {
    var back = at
    while back > 0, RepositoryText.isBlank(bytes[back - 1]) { back -= 1 }
    return back == 0 || bytes[back - 1] == 0x0a
  }

  private static func isBare(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x5f
      || byte == 0x2d || byte >= 0x80
  }

  /// Whether a dot or an equals sign follows, blanks aside: what stood there was a key.
  private func isKey(behind offset: Int) -> Bool {
    var next = offset
    while next < bytes.count, bytes[next] == 0x20 || bytes[next] == 0x09 { next += 1 }
    return next < bytes.count && (bytes[next] == 0x3d || bytes[next] == 0x2e)
  }

  private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range].prefix(256), as: UTF8.self) }

  private func joined(_ head: String, _ step: String) -> String { head.isEmpty ? step : head + "." + step }

  private func path() -> String {
    guard let top = open.last else { return String(joined(table, key).prefix(1024)) }
    return String(joined(top.path, top.isArray ? String(top.count) : key).prefix(1024))
  }

  private mutating func header() {
    let end = bytes[at...].firstIndex(of: 0x0a) ?? bytes.count
    let isArray = at + 1 < end && bytes[at + 1] == 0x5b
    let name = bytes[at..<end].drop { $0 == 0x5b }.prefix { $0 != 0x5d }.filter { ![0x22, 0x27, 0x20].contains($0) }
    table = String(decoding: name.prefix(1024), as: UTF8.self)
    if isArray, counts.count < 4096 || counts[table] != nil {
      let number = counts[table, default: 0]
      counts[table] = number + 1
      table += ".\(number)"
    }
    at = end
  }

  /// What stands between the quotes, one or three of a kind; to the line's end when they are not closed.
  private mutating func string() -> Range<Int> {
    let quote = bytes[at]
    let isLong = bytes[at...].starts(with: [quote, quote, quote])
    let start = at + (isLong ? 3 : 1)
    var close = start
    while close < bytes.count {
      if quote == 0x22, bytes[close] == 0x5c {
        close += 2
        continue
      }
      if isLong ? bytes[close...].starts(with: [quote, quote, quote]) : bytes[close] == quote || bytes[close] == 0x0a {
        break
      }
      close += 1
    }
    close = min(close, bytes.count)
    at = min(bytes.count, close + (isLong ? 3 : 1))
    return min(start, close)..<close
  }
}
