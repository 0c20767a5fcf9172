import MScanBytes
import MScanFacts

/// Strings of a JSON document that are code objects of Python, as Keras keeps the function of a Lambda layer: in base64,
/// or, where that cannot be decoded, with a character for each byte.
enum EncodedCode {
  /// The shortest text that is looked at, in characters.
  private static let shortest = 8
  /// Bytes that are decoded to see what it is.
  private static let probe = 64

  /// How the string holds a code object, or the start of one; nil when it does not.
  ///
  /// - Complexity: the first byte of the alphabet decides for nearly all texts.
  static func encoding(of token: JSONToken, _ bytes: Span<UInt8>) -> Artifact.Encoding? {
    guard token.end &- token.start &- 2 >= shortest else { return nil }
    if token.isEscaped {
      let text = text(of: token, bytes)
      if mayBeCode(text.first { Base64.isInAlphabet($0) }), isCode(Base64.decode(text, limit: probe)) {
        return .base64
      }
      return isCode(Array(rawBytes(text.prefix(4 * probe)).prefix(probe))) ? .jsonString : nil
    }
    // A reader of base64 passes over what is outside its alphabet.
    var at = token.start &+ 1
    while at < token.end &- 1, !Base64.isInAlphabet(bytes[at]) { at &+= 1 }
    guard at < token.end &- 1, mayBeCode(bytes[at]) else { return nil }
    return isCode(Base64.decode(text(of: token, bytes), limit: probe)) ? .base64 : nil
  }

  /// The code object's bytes.
  static func decode(
    _ token: JSONToken, _ bytes: Span<UInt8>, encoding: Artifact.Encoding, limit: Int
  ) -> [UInt8] {
    let text = text(of: token, bytes)
    return encoding == .base64 ? Base64.decode(text, limit: limit) : rawBytes(text[...])
  }

  /// `c`, and `c` with the mark of a reference, are written `Y` and `4` first.
  private static func mayBeCode(_ first: UInt8?) -> Bool { first == UInt8(ascii: "Y") || first == UInt8(ascii: "4") }

  private static func isCode(_ head: [UInt8]) -> Bool {
    if MarshalFormat.isCode(head) { return true }
    // One that ends before its numbers do: its type and one small number.
    return head.count >= 5 && head.count < 17 && head[0] == 0xe3 && head[1] < 8 && head[2...4].allSatisfy { $0 == 0 }
  }

  private static func text(of token: JSONToken, _ bytes: Span<UInt8>) -> [UInt8] {
    if !token.isEscaped { return JSONText.copy(bytes, token.start &+ 1, token.end &- 1) }
    var text: [UInt8] = []
    JSONText.decode(bytes, token, limit: .max, repairing: true, into: &text)
    return text
  }

  /// Python's `raw_unicode_escape`, as far as it is one byte a character; the rest stays as it is.
  private static func rawBytes(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var raw: [UInt8] = []
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      if let byte = UInt8(exactly: scalar.value) { raw.append(byte) } else { raw += Array(String(scalar).utf8) }
    }
    return raw
  }
}
