/// Python source as CPython reads it: decoded to UTF-8 by its byte order mark or its coding cookie (PEP 263).
struct SourceText {
  enum Outcome {
    /// UTF-8 without a byte order mark; it may still hold bytes that are no UTF-8, which the lexer notes.
    case text([UInt8])
    /// CPython refuses it, or decodes it by a codec that is not read here. With the name of the encoding.
    case refused(String)
    case unsupported(String)
  }

  var outcome: Outcome
  /// The encoding's normal name.
  var encoding = "utf-8"
  /// Bytes of the byte order mark.
  var skipped = 0
  /// How bytes of the text lie in the source.
  var layout = Layout.same

  enum Layout {
    /// The text is the source behind its byte order mark.
    case same
    /// One byte a character.
    case singleByte
    /// Line by line.
    case lines
  }

  static func decode(_ bytes: [UInt8]) -> SourceText {
    let hasMark = bytes.starts(with: [0xef, 0xbb, 0xbf])
    let body = hasMark ? Array(bytes.dropFirst(3)) : bytes
    let cookie = CodingCookie.find(in: body)
    guard let cookie else { return SourceText(outcome: .text(body), skipped: hasMark ? 3 : 0) }
    let name = SourceCodec.normalName(cookie)
    guard let codec = SourceCodec.named(name) else {
      return SourceText(outcome: SourceCodec.isKnown(name) ? .unsupported(cookie) : .refused(cookie), encoding: name)
    }
    // A byte order mark says UTF-8; a cookie that says otherwise is refused.
    if hasMark, !name.hasPrefix("utf_8") { return SourceText(outcome: .refused(cookie), encoding: name, skipped: 3) }
    if codec == .utf8 { return SourceText(outcome: .text(body), skipped: hasMark ? 3 : 0) }
    guard let text = codec.decode(body) else {
      return SourceText(outcome: .refused(cookie), encoding: name)
    }
    return SourceText(outcome: .text(text), encoding: name, layout: codec.layout)
  }
}

/// The comment of the first or second line that names an encoding: `coding[:=]\s*([-\w.]+)`.
enum CodingCookie {
  static func find(in bytes: [UInt8]) -> String? {
    var at = 0
    for number in 0..<2 {
      let start = at
      while at < bytes.count, bytes[at] != 0x0a, bytes[at] != 0x0d { at += 1 }
      let line = bytes[start..<at]
      guard let mark = line.firstIndex(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0c }) else {
        if at >= bytes.count { return nil }
        at += at + 1 < bytes.count && bytes[at] == 0x0d && bytes[at + 1] == 0x0a ? 2 : 1
        continue
      }
      // A line of code ends the search.
      guard bytes[mark] == UInt8(ascii: "#") else { return nil }
      if let name = name(in: bytes[mark..<at]) { return name }
      if at >= bytes.count || number == 1 { return nil }
      at += at + 1 < bytes.count && bytes[at] == 0x0d && bytes[at + 1] == 0x0a ? 2 : 1
    }
    return nil
  }

  private static func name(in comment: ArraySlice<UInt8>) -> String? {
    let word = Array("coding".utf8)
    var at = comment.startIndex
    while at + word.count < comment.endIndex {
      guard comment[at...].starts(with: word) else {
        at += 1
        continue
      }
      at += word.count
      guard at < comment.endIndex, comment[at] == UInt8(ascii: ":") || comment[at] == UInt8(ascii: "=") else {
        continue
      }
      at += 1
      while at < comment.endIndex, comment[at] == 0x20 || comment[at] == 0x09 { at += 1 }
      let name = comment[at...].prefix {
        (0x30...0x39).contains($0) || (0x61...0x7a).contains($0 | 0x20) || $0 == 0x2d || $0 == 0x5f || $0 == 0x2e
      }
      if !name.isEmpty { return String(decoding: name, as: UTF8.self) }
    }
    return nil
  }
}
