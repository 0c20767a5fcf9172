/// Codecs that CPython takes for source code and that are decoded here.
enum SourceCodec: Hashable {
  case utf8, ascii, latin1, utf7, rawUnicodeEscape, unicodeEscape
  /// A single-byte code page, by its upper half.
  case codePage(CodePage)

  var layout: SourceText.Layout {
    switch self {
    case .utf8: .same
    case .ascii, .latin1, .codePage: .singleByte
    case .utf7, .rawUnicodeEscape, .unicodeEscape: .lines
    }
  }

  /// Lower case, with every run of other characters as one underscore, as Python looks codecs up.
  static func normalName(_ name: String) -> String {
    var normal = ""
    var isPending = false
    for scalar in name.unicodeScalars {
      let isWord = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
      guard isWord || scalar == "." else {
        isPending = true
        continue
      }
      if isPending, !normal.isEmpty { normal.append("_") }
      isPending = false
      normal.unicodeScalars.append(scalar)
    }
    return normal.lowercased()
  }

  static func named(_ normal: String) -> SourceCodec? {
    // CPython's tokenizer takes anything behind these, as editors write it: `utf-8-unix`.
    if normal.hasPrefix("utf_8_") { return .utf8 }
    if ["latin_1_", "iso_8859_1_", "iso_latin_1"].contains(where: normal.hasPrefix) { return .latin1 }
    switch normal {
    case "utf_8", "utf8", "u8", "utf", "cp65001", "utf8_ucs2", "utf8_ucs4": return .utf8
    case "ascii", "us_ascii", "646", "us", "ansi_x3.4_1968", "ansi_x3_4_1968", "ansi_x3.4_1986", "cp367", "csascii",
      "ibm367", "iso646_us", "iso_646.irv_1991", "iso_ir_6":
      return .ascii
    case "latin_1", "latin1", "latin", "l1", "iso_8859_1", "iso8859_1", "iso8859", "8859", "cp819", "ibm819",
      "iso_ir_100", "csisolatin1":
      return .latin1
    case "utf_7", "utf7", "u7", "unicode_1_1_utf_7": return .utf7
    case "raw_unicode_escape": return .rawUnicodeEscape
    case "unicode_escape": return .unicodeEscape
    default: return CodePage.named(normal).map { SourceCodec.codePage($0) }
    }
  }

  /// Whether CPython has a text codec of that name which is not decoded here.
  static func isKnown(_ normal: String) -> Bool { otherCodecs.contains(normal) }

  private static let otherCodecs: Set<String> = [
    "big5", "big5hkscs", "cp932", "cp949", "cp950", "euc_jp", "eucjp", "euc_jis_2004", "euc_jisx0213", "euc_kr",
    "euckr", "gb2312", "gbk", "gb18030", "hz", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_2004",
    "iso2022_jp_3", "iso2022_jp_ext", "iso2022_kr", "iso_2022_jp", "johab", "shift_jis", "shiftjis", "sjis",
    "shift_jis_2004", "shift_jisx0213", "idna", "punycode", "mbcs", "oem", "cp037", "cp273", "cp424", "cp500",
    "cp720", "cp737", "cp775", "cp856", "cp857", "cp858", "cp860", "cp861", "cp862", "cp863", "cp864", "cp865",
    "cp869", "cp874", "cp875", "cp1006", "cp1026", "cp1125", "cp1140", "hp_roman8", "koi8_t", "kz1048",
    "mac_croatian", "mac_farsi", "mac_greek", "mac_iceland", "mac_latin2", "mac_romanian", "mac_turkish", "palmos",
    "ptcp154", "tis_620",
  ]
}

extension SourceCodec {
  /// The bytes as UTF-8; nil when the codec refuses them.
  func decode(_ bytes: [UInt8]) -> [UInt8]? {
    switch self {
    case .utf8: bytes
    case .ascii: bytes.contains { $0 >= 0x80 } ? nil : bytes
    case .latin1: Self.mapped(bytes) { [0xc0 | $0 >> 6, 0x80 | $0 & 0x3f] }
    case .codePage(let page):
      {
        let characters = page.characters
        return Self.mapped(bytes) { characters[Int($0 & 0x7f)] }
      }()
    case .utf7: Self.utf7(bytes)
    case .unicodeEscape: Self.escapes(bytes, isRaw: false)
    case .rawUnicodeEscape: Self.escapes(bytes, isRaw: true)
    }
  }

  /// - Parameter upper: UTF-8 of a byte from 0x80 on; empty when there is none.
  private static func mapped(_ bytes: [UInt8], _ upper: (UInt8) -> [UInt8]) -> [UInt8]? {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count + bytes.count / 8)
    for byte in bytes {
      if byte < 0x80 {
        text.append(byte)
      } else {
        let character = upper(byte)
        guard !character.isEmpty else { return nil }
        text.append(contentsOf: character)
      }
    }
    return text
  }

  /// RFC 2152 as Python reads it: `+` starts UTF-16 in base 64, which ends before the first byte that is no digit of it;
  /// a `-` there is dropped.
  private static func utf7(_ bytes: [UInt8]) -> [UInt8]? {
    var text: [UInt8] = []
    var at = 0
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      guard byte < 0x80 else { return nil }
      guard byte == UInt8(ascii: "+") else {
        text.append(byte)
        continue
      }
      if at < bytes.count, bytes[at] == UInt8(ascii: "-") {
        text.append(byte)
        at += 1
        continue
      }
      let start = at
      var units: [UInt16] = []
      var bits: UInt32 = 0
      var count = 0
      while at < bytes.count, let digit = base64Digit(bytes[at]) {
        bits = bits << 6 | digit
        count += 6
        if count >= 16 {
          count -= 16
          units.append(UInt16(truncatingIfNeeded: bits >> UInt32(count)))
          bits &= 1 << UInt32(count) - 1
        }
        at += 1
      }
      guard at > start, count < 6, bits == 0, append(units, to: &text) else { return nil }
      if at < bytes.count, bytes[at] == UInt8(ascii: "-") { at += 1 }
    }
    return text
  }

  private static func base64Digit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x41...0x5a: UInt32(byte) - 0x41
    case 0x61...0x7a: UInt32(byte) - 0x61 + 26
    case 0x30...0x39: UInt32(byte) - 0x30 + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }

  /// UTF-16 to UTF-8; false for half a surrogate pair, which source code cannot hold.
  private static func append(_ units: [UInt16], to text: inout [UInt8]) -> Bool {
    guard let decoded = String(validating: units, as: UTF16.self) else { return false }
    text.append(contentsOf: decoded.utf8)
    return true
  }

  /// Backslash escapes over Latin-1, as `unicode_escape` or `raw_unicode_escape` read them. Names of characters (`\N{…}`)
  /// are refused.
  private static func escapes(_ bytes: [UInt8], isRaw: Bool) -> [UInt8]? {
    var text: [UInt8] = []
    var at = 0
    func put(_ value: UInt32) -> Bool {
      guard let scalar = Unicode.Scalar(value) else { return false }
      text.append(contentsOf: String(scalar).utf8)
      return true
    }
    while at < bytes.count {
      guard bytes[at] == UInt8(ascii: "\\") else {
        guard put(UInt32(bytes[at])) else { return nil }
        at += 1
        continue
      }
      let next = at + 1 < bytes.count ? bytes[at + 1] : 0
      if isRaw {
        // A run of backslashes escapes only by its last one, when their number is odd.
        var end = at
        while end < bytes.count, bytes[end] == UInt8(ascii: "\\") { end += 1 }
        let isEscape = (end - at) % 2 == 1 && end < bytes.count && (bytes[end] == 0x75 || bytes[end] == 0x55)
        text.append(contentsOf: bytes[at..<(isEscape ? end - 1 : end)])
        guard isEscape else {
          at = end
          continue
        }
        guard let value = hex(bytes, end + 1, bytes[end] == 0x75 ? 4 : 8), put(value) else { return nil }
        at = end + 1 + (bytes[end] == 0x75 ? 4 : 8)
        continue
      }
      guard at + 1 < bytes.count else { return nil }
      at += 2
      switch next {
      case 0x0a: continue
      case 0x30...0x37:
        var value = UInt32(next) - 0x30
        var digits = 1
        while digits < 3, at < bytes.count, (0x30...0x37).contains(bytes[at]) {
          value = value << 3 | UInt32(bytes[at] - 0x30)
          at += 1
          digits += 1
        }
        guard put(value) else { return nil }
      case UInt8(ascii: "x"), UInt8(ascii: "u"), UInt8(ascii: "U"):
        let length = next == UInt8(ascii: "x") ? 2 : next == UInt8(ascii: "u") ? 4 : 8
        guard let value = hex(bytes, at, length), put(value) else { return nil }
        at += length
      case UInt8(ascii: "N"): return nil
      default:
        if let plain = simpleEscape(next) {
          text.append(plain)
        } else {
          text.append(UInt8(ascii: "\\"))
          guard put(UInt32(next)) else { return nil }
        }
      }
    }
    return text
  }

  static func simpleEscape(_ letter: UInt8) -> UInt8? {
    switch letter {
    case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): letter
    case UInt8(ascii: "a"): 7
    case UInt8(ascii: "b"): 8
    case UInt8(ascii: "f"): 12
    case UInt8(ascii: "n"): 10
    case UInt8(ascii: "r"): 13
    case UInt8(ascii: "t"): 9
    case UInt8(ascii: "v"): 11
    default: nil
    }
  }

  private static func hex(_ bytes: [UInt8], _ start: Int, _ length: Int) -> UInt32? {
    guard start + length <= bytes.count else { return nil }
    return UInt32(String(decoding: bytes[start..<start + length], as: UTF8.self), radix: 16)
  }
}
