import MScanBytes
public import MScanFacts

/// Text in units of two or four bytes. PowerShell writes its scripts that way, and Python's `json.loads` takes bytes in any
/// of these encodings, so that what a text reader refuses, a loader reads.
public enum WideTextFormat: Format {
  public static let id = "wide-text"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let bytes: [UInt8]
    do throws(ParseFailure) {
      bytes = try input.source.bytes(
        ByteRange(0, input.source.count), limit: input.limits.repositoryText, field: "repositoryText")
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
      return
    }
    guard let text = WideText(bytes) else { return }
    sink.emit(
      .anomaly(
        AnomalyFact(subject: "text.wide-encoding", field: "encoding", detail: "the text is \(text.name)")),
      artifact: input.index, range: ByteRange(0, min(4, bytes.count)), place: .whole)
    let decoded = text.decode(bytes)
    sink.addChild(
      Artifact(
        name: input.name, parent: input.index, rangeInParent: ByteRange(0, bytes.count), encoding: .reading,
        size: decoded.count),
      source: ByteSource(decoded))
  }
}

/// An encoding of Unicode in wide units, as its first bytes show it.
struct WideText {
  /// Bytes of a unit: 2 or 4.
  var width: Int
  var isBigEndian: Bool
  /// Bytes of the mark in front.
  var mark = 0

  var name: String { "UTF-\(width * 8)\(isBigEndian ? "BE" : "LE")" }

  /// By the mark, or by where the zeros of the first characters stand: `json.detect_encoding`.
  init?(_ head: [UInt8]) {
    if head.starts(with: [0xff, 0xfe, 0, 0]) {
      self.init(width: 4, isBigEndian: false, mark: 4)
    } else if head.starts(with: [0, 0, 0xfe, 0xff]) {
      self.init(width: 4, isBigEndian: true, mark: 4)
    } else if head.starts(with: [0xff, 0xfe]) {
      self.init(width: 2, isBigEndian: false, mark: 2)
    } else if head.starts(with: [0xfe, 0xff]) {
      self.init(width: 2, isBigEndian: true, mark: 2)
    } else if head.count >= 4, head[0] == 0 {
      self.init(width: head[1] == 0 ? 4 : 2, isBigEndian: true)
    } else if head.count >= 4, head[1] == 0 {
      self.init(width: head[2] == 0 && head[3] == 0 ? 4 : 2, isBigEndian: false)
    } else {
      return nil
    }
  }

  init(width: Int, isBigEndian: Bool, mark: Int = 0) {
    (self.width, self.isBigEndian, self.mark) = (width, isBigEndian, mark)
  }

  /// Whether the first bytes of something are text in such an encoding. Without a mark, text is what starts with eight
  /// units of ASCII.
  static func isText(_ head: [UInt8]) -> Bool {
    guard let text = WideText(head) else { return false }
    let decoded = text.decode(Array(head.prefix(1024)))
    guard decoded.count >= 2, Identify.isText(decoded, whole: false) else { return false }
    // What no text has: characters that the encoding cannot say.
    if decoded.count > 64, String(decoding: decoded.dropLast(8), as: UTF8.self).unicodeScalars.contains("\u{fffd}") {
      return false
    }
    return text.mark > 0 || decoded.prefix(8).allSatisfy { $0 < 0x80 }
  }

  /// The text as UTF-8; U+FFFD for what the encoding cannot say.
  func decode(_ bytes: [UInt8]) -> [UInt8] {
    if width == 2 {
      var units: [UInt16] = []
      units.reserveCapacity(bytes.count / 2)
      for at in stride(from: mark, to: bytes.count - 1, by: 2) {
        units.append(UInt16(truncatingIfNeeded: unit(bytes[at..<(at + 2)])))
      }
      return Array(String(decoding: units, as: UTF16.self).utf8)
    }
    var units: [UInt32] = []
    for at in stride(from: mark, to: bytes.count - 3, by: 4) { units.append(unit(bytes[at..<(at + 4)])) }
    return Array(String(decoding: units, as: UTF32.self).utf8)
  }

  private func unit(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var value: UInt32 = 0
    for byte in isBigEndian ? Array(bytes) : bytes.reversed() { value = value &<< 8 | UInt32(byte) }
    return value
  }
}
