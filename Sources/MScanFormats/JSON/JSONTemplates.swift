import MScanBytes
import MScanFacts

/// Strings of a JSON document that are templates: `chat_template` of tokenizers and processors, in each of its forms, and
/// whatever else holds a block of Jinja.
extension JSONWalk {
  /// Keys under which a loader looks for a template, or for several by name.
  private static let templateKeys: Set<String> = ["chat_template", "default_chat_template", "chat_templates"]

  /// Queues the string to be read as a template, whole up to ``Limits/templateBytes``.
  ///
  /// - Complexity: strings of up to four bytes, and those without a brace, cost one look at their bytes.
  mutating func queueTemplate(_ token: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    guard token.end &- token.start > 6 else { return }
    let isNamed = isTemplateNamed(bytes)
    guard isNamed || holdsBlock(token, bytes) else { return }
    let (text, offsets) = JSONText.decodeWithOffsets(bytes, token, limit: input.limits.templateBytes + 1)
    let path = childPath(bytes)
    var artifact = Artifact(
      name: path.dotted.isEmpty ? "template at \(token.start)" : Self.artifactName(path.dotted), parent: input.index,
      rangeInParent: ByteRange(token.start, token.end), encoding: .jsonString, size: text.count)
    artifact.offsets = offsets
    sink.addChild(artifact, source: ByteSource(text), format: "jinja")
  }

  /// Slashes would look like folders.
  private static func artifactName(_ dotted: String) -> String {
    String(dotted.unicodeScalars.prefix(200).map { $0 == "/" ? "_" : Character($0) })
  }

  /// Whether a key on the way down to here is one of ``templateKeys``, or the last one ends in `template`.
  private func isTemplateNamed(_ bytes: Span<UInt8>) -> Bool {
    guard let last = frames.last else { return false }
    // `{"chat_template": [{"name": "default", "template": "…"}]}`: of a list's entries the text, not the name.
    let isEntryName = last.isObject && frames.count > 1 && Self.ends(last.key, "name", bytes)
    if last.isObject, Self.ends(last.key, "template", bytes) { return true }
    return !isEntryName
      && frames.contains { $0.isObject && Self.templateKeys.contains(JSONText.string(bytes, $0.key, limit: 32)) }
  }

  private static func ends(_ key: JSONToken, _ word: String, _ bytes: Span<UInt8>) -> Bool {
    let length = word.utf8.count
    guard key.end &- key.start &- 2 >= length else { return false }
    var at = key.end &- 1 &- length
    for letter in word.utf8 {
      guard at >= 0, at < bytes.count, bytes[at] | 0x20 == letter else { return false }
      at &+= 1
    }
    return true
  }

  /// `{%` and, behind it, `%}`.
  private func holdsBlock(_ token: JSONToken, _ bytes: Span<UInt8>) -> Bool {
    var at = token.start &+ 1
    let end = min(token.end &- 2, bytes.count &- 1)
    var isOpen = false
    while at < end {
      let byte = bytes[at]
      if byte == 0x7b, bytes[at &+ 1] == 0x25 { isOpen = true }
      if isOpen, byte == 0x25, bytes[at &+ 1] == 0x7d { return true }
      at &+= 1
    }
    return false
  }
}
