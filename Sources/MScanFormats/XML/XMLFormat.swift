import MScanBytes
public import MScanFacts

/// XML, as far as it reaches out of itself or grows in the reader: document types, entities, inclusions. The layers of
/// an OpenVINO model are stated as operations. Nothing is expanded and nothing fetched. Source: XML 1.0, XInclude 1.0,
/// and OpenVINO's IR of version 11.
public enum XMLFormat: Format {
  public static let id = "xml"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let bytes: [UInt8]
    do throws(ParseFailure) {
      bytes = try input.source.bytes(
        ByteRange(0, input.source.count), limit: input.limits.memberBytes, field: "memberBytes")
    } catch {
      return sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    let mark = sink.facts.count
    var reader = XMLReader(input, bytes)
    do throws(ParseFailure) {
      try reader.read(into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    sink.sortFacts(after: mark)
  }

  /// Whether a text is XML: a declaration, a document type that is not HTML's, or the first element of a known model.
  static func isDocument(_ head: [UInt8]) -> Bool {
    let text = head.drop { $0 == 0xef || $0 == 0xbb || $0 == 0xbf || [0x20, 0x09, 0x0a, 0x0d].contains($0) }
    if ["<?xml", "<net ", "<PMML"].contains(where: { text.starts(with: Array($0.utf8)) }) { return true }
    guard text.starts(with: Array("<!DOCTYPE".utf8)) else { return false }
    let name = text.dropFirst(9).drop { [0x20, 0x09, 0x0a, 0x0d].contains($0) }.prefix(4)
    return String(decoding: name, as: UTF8.self).lowercased() != "html"
  }
}

private struct XMLReader {
  private static let textLimit = 1024

  private let input: ArtifactInput
  private let bytes: [UInt8]
  private var at = 0
  private var root = ""

  init(_ input: ArtifactInput, _ bytes: [UInt8]) {
    self.input = input
    self.bytes = bytes
  }

  mutating func read(into sink: inout FactBuffer) throws(ParseFailure) {
    while let start = bytes[at...].firstIndex(of: 0x3c) {
      at = start
      if has("<!--") {
        try move(behind: "-->", "comment")
      } else if has("<![CDATA[") {
        try move(behind: "]]>", "CDATA")
      } else if has("<?") {
        try move(behind: "?>", "processing instruction")
      } else if has("<!DOCTYPE") {
        try documentType(into: &sink)
      } else if has("</") {
        try move(behind: ">", "end tag")
      } else {
        try element(into: &sink)
      }
    }
  }

  // MARK: Characters

  private func has(_ mark: String) -> Bool { bytes[at...].starts(with: mark.utf8) }

  private mutating func move(behind mark: String, _ field: StaticString) throws(ParseFailure) {
    let start = at
    let wanted = Array(mark.utf8)
    while let next = bytes[at...].firstIndex(of: wanted[0]) {
      at = next
      if bytes[at...].starts(with: wanted) {
        at = min(at &+ wanted.count, bytes.count)
        return
      }
      at &+= 1
    }
    throw ParseFailure(.truncated, field, at: start)
  }

  private mutating func skipBlanks() {
    while at < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[at]) { at &+= 1 }
  }

  private mutating func word() -> String {
    let start = at
    while at < bytes.count, bytes[at] > 0x20, ![0x3d, 0x3e, 0x2f, 0x5b, 0x22, 0x27, 0x3c].contains(bytes[at]) {
      at &+= 1
    }
    return String(decoding: bytes[start..<at].prefix(Self.textLimit), as: UTF8.self)
  }

  /// A text in quotes; nil when none stands here.
  private mutating func quoted(_ field: StaticString) throws(ParseFailure) -> ArraySlice<UInt8>? {
    guard at < bytes.count, bytes[at] == 0x22 || bytes[at] == 0x27 else { return nil }
    let quote = bytes[at]
    let start = at &+ 1
    guard let end = bytes[start...].firstIndex(of: quote) else { throw ParseFailure(.truncated, field, at: at) }
    at = end &+ 1
    return bytes[start..<end]
  }

  private func text(_ slice: ArraySlice<UInt8>) -> String {
    String(decoding: slice.prefix(Self.textLimit), as: UTF8.self)
  }

  // MARK: Document type

  private mutating func documentType(into sink: inout FactBuffer) throws(ParseFailure) {
    let start = at
    at &+= 9
    skipBlanks()
    let name = word()
    if let system = try externalID() {
      refer("xml.external-dtd", system, start, place: name, into: &sink)
    }
    skipBlanks()
    if at < bytes.count, bytes[at] == 0x5b {
      at &+= 1
      try internalSubset(into: &sink)
    }
    try move(behind: ">", "DOCTYPE")
  }

  /// `SYSTEM "x"` or `PUBLIC "y" "x"`: the address; nil when neither stands here.
  private mutating func externalID() throws(ParseFailure) -> String? {
    skipBlanks()
    let isPublic = has("PUBLIC")
    guard isPublic || has("SYSTEM") else { return nil }
    at &+= 6
    skipBlanks()
    let first = try quoted("external identifier")
    guard isPublic else { return text(first ?? []) }
    skipBlanks()
    let second = try quoted("external identifier")
    return text(second ?? first ?? [])
  }

  private mutating func internalSubset(into sink: inout FactBuffer) throws(ParseFailure) {
    let start = at
    while at < bytes.count {
      skipBlanks()
      guard at < bytes.count else { break }
      if bytes[at] == 0x5d {
        at &+= 1
        return
      }
      if has("<!ENTITY") {
        try entity(into: &sink)
      } else if has("<!--") {
        try move(behind: "-->", "comment")
      } else if has("<?") {
        try move(behind: "?>", "processing instruction")
      } else if has("<!") {
        try declaration()
      } else {
        at &+= 1
      }
    }
    throw ParseFailure(.truncated, "DOCTYPE", at: start)
  }

  /// A declaration of no interest; `>` may stand in its texts.
  private mutating func declaration() throws(ParseFailure) {
    let start = at
    while at < bytes.count, bytes[at] != 0x3e {
      if try quoted("declaration") == nil { at &+= 1 }
    }
    guard at < bytes.count else { throw ParseFailure(.truncated, "declaration", at: start) }
    at &+= 1
  }

  private mutating func entity(into sink: inout FactBuffer) throws(ParseFailure) {
    let start = at
    at &+= 8
    skipBlanks()
    var isParameter = false
    if at < bytes.count, bytes[at] == 0x25 {
      isParameter = true
      at &+= 1
      skipBlanks()
    }
    let name = word()
    if let system = try externalID() {
      refer("xml.external-entity", system, start, place: name, into: &sink)
    } else {
      let value = try quoted("ENTITY") ?? []
      if isParameter || Self.namesEntity(value) {
        note(
          "xml.entity-expansion", ByteRange(start, at), field: "ENTITY",
          detail: "\(name): \(text(value).prefix(80))", into: &sink)
      }
    }
    try declaration()
  }

  /// Whether a text names an entity besides the five of XML itself and characters by number.
  private static func namesEntity(_ value: ArraySlice<UInt8>) -> Bool {
    var rest = value
    while let start = rest.firstIndex(where: { $0 == 0x26 || $0 == 0x25 }) {
      rest = rest[(start + 1)...]
      guard let end = rest.prefix(64).firstIndex(of: 0x3b) else { continue }
      let name = String(decoding: rest[..<end], as: UTF8.self)
      if !name.hasPrefix("#"), !["lt", "gt", "amp", "quot", "apos"].contains(name), !name.isEmpty, !name.contains(" ") {
        return true
      }
    }
    return false
  }

  // MARK: Elements

  private mutating func element(into sink: inout FactBuffer) throws(ParseFailure) {
    let start = at
    at &+= 1
    let name = word()
    guard !name.isEmpty else { throw ParseFailure(.malformed, "start tag", at: start) }
    var attributes: [String: String] = [:]
    while true {
      skipBlanks()
      guard at < bytes.count else { throw ParseFailure(.truncated, "start tag", at: start) }
      if bytes[at] == 0x3e { break }
      if bytes[at] == 0x2f {
        at &+= 1
        continue
      }
      let key = word()
      skipBlanks()
      guard !key.isEmpty, at < bytes.count, bytes[at] == 0x3d else {
        throw ParseFailure(.malformed, "attribute", at: at)
      }
      at &+= 1
      skipBlanks()
      guard let value = try quoted("attribute") else { throw ParseFailure(.malformed, "attribute", at: at) }
      if Self.wanted.contains(key) { attributes[key] = text(value) }
    }
    at &+= 1
    accept(name, attributes, ByteRange(start, at), into: &sink)
  }

  private static let wanted: Set<String> = ["name", "type", "version", "href", "library", "value"]

  private mutating func accept(
    _ name: String, _ attributes: [String: String], _ range: ByteRange, into sink: inout FactBuffer
  ) {
    if root.isEmpty {
      root = name
      sink.emit(
        .value(ValueFact(keyPath: "xml.root", value: .text(name))), artifact: input.index, range: range,
        place: .path("/" + JSONWalk.pointerStep(name)))
    }
    let local = name.split(separator: ":").last.map(String.init) ?? name
    if local == "include", name != local, let target = attributes["href"] {
      refer("xml.include", target, range.start, place: name, into: &sink)
    }
    if let library = attributes["library"] {
      sink.emit(
        .reference(ReferenceFact(field: "xml.library", type: .library, target: library)), artifact: input.index,
        range: range, place: .node(attributes["name"] ?? name))
    }
    if root == "net", name.hasSuffix("chat_template"), let value = attributes["value"] {
      let template = Array(Self.unescaped(value).utf8)
      sink.addChild(
        Artifact(
          name: name, parent: input.index, rangeInParent: range, encoding: .reading, format: "jinja",
          size: template.count),
        source: ByteSource(template), format: "jinja")
    }
    guard root == "net", name == "layer", let type = attributes["type"] else { return }
    let node = attributes["name"] ?? ""
    sink.emit(
      .operation(
        OperationFact(framework: "openvino", name: type, domain: attributes["version"] ?? "", node: node)),
      artifact: input.index, range: range, place: .node(node.isEmpty ? type : node))
  }

  /// The five entities of XML, and characters by number.
  private static func unescaped(_ text: String) -> String {
    guard text.contains("&") else { return text }
    var found = ""
    var rest = text[...]
    while let start = rest.firstIndex(of: "&") {
      found += rest[..<start]
      rest = rest[start...]
      guard let end = rest.prefix(12).firstIndex(of: ";") else {
        found += "&"
        rest = rest.dropFirst()
        continue
      }
      let name = rest[rest.index(after: start)..<end]
      let plain = ["lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'"][String(name)]
      let isHex = name.hasPrefix("#x") || name.hasPrefix("#X")
      let number = name.hasPrefix("#") ? UInt32(name.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10) : nil
      found += plain ?? number.flatMap(Unicode.Scalar.init).map { String($0) } ?? String(rest[...end])
      rest = rest[rest.index(after: end)...]
    }
    return found + rest
  }

  // MARK: Facts

  private func refer(_ field: String, _ target: String, _ start: Int, place: String, into sink: inout FactBuffer) {
    sink.emit(
      .reference(ReferenceFact(field: field, type: target.contains("://") ? .url : .path, target: target)),
      artifact: input.index, range: ByteRange(start, at), place: .node(place))
  }

  private func note(_ subject: String, _ range: ByteRange, field: String, detail: String, into sink: inout FactBuffer) {
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail)), artifact: input.index, range: range,
      place: .whole)
  }
}
