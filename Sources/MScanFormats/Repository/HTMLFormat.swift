import MScanBytes
public import MScanFacts

/// A page or drawing: what in it runs when it is opened. Only tags are looked at, as browsers find them.
public enum HTMLFormat: Format {
  public static let id = "html"

  /// A start tag and the attributes that can run or fetch something.
  struct Tag {
    var name: String
    var range: Range<Int>
    var attributes: [(name: String, value: String)]
  }

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: id, into: &sink) else { return }
    for tag in tags(in: text.bytes) {
      let source = tag.attributes.first { ["src", "href", "data"].contains($0.name) }?.value ?? ""
      switch tag.name {
      case "script":
        text.operation("html", "script", source.isEmpty ? [] : [source], tag.range, into: &sink)
        if !source.isEmpty { text.reference("html.script", .url, source, tag.range, into: &sink) }
      case "iframe", "frame", "object", "embed":
        if !source.isEmpty { text.reference("html.frame", .url, source, tag.range, into: &sink) }
      default: break
      }
      for attribute in tag.attributes where attribute.name.hasPrefix("on") {
        text.operation("html", "handler", [attribute.name, attribute.value], tag.range, into: &sink)
      }
      for attribute in tag.attributes where attribute.value.lowercased().hasPrefix("javascript:") {
        text.operation("html", "handler", [attribute.name, attribute.value], tag.range, into: &sink)
      }
    }
  }

  private static let lengthLimit = 4096

  static func tags(in bytes: [UInt8]) -> [Tag] {
    var found: [Tag] = []
    var at = 0
    while let open = bytes[at...].firstIndex(of: 0x3c) {
      at = open + 1
      let name = bytes[at...].prefix { isLetter($0) || (0x30...0x39).contains($0) }.prefix(32)
      guard let first = name.first, isLetter(first) else { continue }
      at = name.endIndex
      var tag = Tag(name: String(decoding: name, as: UTF8.self).lowercased(), range: open..<at, attributes: [])
      attributes(bytes, &at, into: &tag)
      tag.range = open..<at
      found.append(tag)
    }
    return found
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) }

  /// Up to the `>` outside quotes, or a few kilobytes.
  private static func attributes(_ bytes: [UInt8], _ at: inout Int, into tag: inout Tag) {
    let end = min(bytes.count, at + lengthLimit)
    while at < end, bytes[at] != 0x3e, bytes[at] != 0x3c {
      let start = at
      while at < end, bytes[at] > 0x20, ![0x3d, 0x3e, 0x2f, 0x3c].contains(bytes[at]) { at += 1 }
      let name = String(decoding: bytes[start..<at], as: UTF8.self).lowercased()
      while at < end, bytes[at] <= 0x20 { at += 1 }
      guard at < end, bytes[at] == 0x3d else {
        if at < end, bytes[at] == 0x2f || at == start, bytes[at] != 0x3e, bytes[at] != 0x3c { at += 1 }
        continue
      }
      at += 1
      while at < end, bytes[at] <= 0x20 { at += 1 }
      guard at < end else { return }
      let quote = bytes[at]
      let isQuoted = quote == 0x22 || quote == 0x27
      if isQuoted { at += 1 }
      let value = at
      while at < end, isQuoted ? bytes[at] != quote : bytes[at] > 0x20 && bytes[at] != 0x3e { at += 1 }
      tag.attributes.append((name, String(decoding: bytes[value..<at].prefix(512), as: UTF8.self)))
      if isQuoted, at < end { at += 1 }
    }
  }
}
