import MScanBytes
import MScanFacts

/// The body of a Markdown text, in one pass over its lines: paragraphs, fenced code, comments, elements that a browser
/// does not show, links, and characters that nobody sees.
///
/// Values have the paths `card.body.prose`, `.code`, `.comment`, `.hidden`, `.link-mismatch` and `.invisible.<kind>`;
/// texts are in lower case with single blanks, as a search for phrases wants them. Of a file that agents obey, the same
/// is said once more below `agent.`.
struct MarkdownBody {
  /// Bytes of one paragraph, block or comment that are stated.
  private static let textLimit = 4096
  /// Bytes behind an element's start in which its end is looked for.
  private static let elementLimit = 1 << 12

  private let bytes: [UInt8]
  private var at: Int
  private let input: ArtifactInput
  private let lines: TextLines
  private let isForAgents: Bool
  private var paragraph: Range<Int>?
  private var elementsLeft = 4096

  init(_ bytes: [UInt8], from start: Int, _ input: ArtifactInput) {
    self.bytes = bytes
    at = min(start, bytes.count)
    self.input = input
    lines = TextLines(bytes)
    isForAgents = RepositoryNames.isForAgents(input.name) && input.interest.wants(key: "agent")
  }

  mutating func read(into sink: inout FactBuffer) {
    let start = at
    while at < bytes.count {
      let line = lineRange()
      if let fence = fence(line) {
        endParagraph(into: &sink)
        code(fence, from: line, into: &sink)
      } else if let comment = find("<!--", in: line) {
        text(line.lowerBound..<comment, into: &sink)
        endParagraph(into: &sink)
        self.comment(from: comment, into: &sink)
      } else if isBlank(line) {
        endParagraph(into: &sink)
        at = next(line)
      } else {
        text(line, into: &sink)
        at = next(line)
      }
    }
    endParagraph(into: &sink)
    invisible(from: start, into: &sink)
  }

  // MARK: Lines

  /// The line that starts here, without its end.
  private func lineRange() -> Range<Int> {
    let stop = bytes[at...].firstIndex(of: 0x0a) ?? bytes.count
    return at..<(stop > at && bytes[stop - 1] == 0x0d ? stop - 1 : stop)
  }

  private func next(_ line: Range<Int>) -> Int {
    (bytes[line.upperBound...].firstIndex(of: 0x0a) ?? bytes.count - 1) + 1
  }

  private func isBlank(_ line: Range<Int>) -> Bool {
    bytes[line].allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
  }

  /// The mark of a fenced block that opens here, and its length.
  private func fence(_ line: Range<Int>) -> (mark: UInt8, count: Int)? {
    let rest = bytes[line].drop { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: ">") }
    guard let mark = rest.first, mark == UInt8(ascii: "`") || mark == UInt8(ascii: "~") else { return nil }
    let count = rest.prefix { $0 == mark }.count
    return count >= 3 ? (mark, count) : nil
  }

  private func find(_ word: String, in range: Range<Int>) -> Int? {
    let mark = Array(word.utf8)
    guard let first = mark.first, range.count >= mark.count else { return nil }
    var index = range.lowerBound
    while let found = bytes[index..<range.upperBound].firstIndex(of: first) {
      if bytes[found..<range.upperBound].starts(with: mark) { return found }
      index = found + 1
    }
    return nil
  }

  // MARK: Blocks

  private mutating func code(_ fence: (mark: UInt8, count: Int), from line: Range<Int>, into sink: inout FactBuffer) {
    at = next(line)
    let start = at
    while at < bytes.count {
      let inner = lineRange()
      let rest = bytes[inner].drop { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: ">") }
      let count = rest.prefix { $0 == fence.mark }.count
      if count >= fence.count, rest.dropFirst(count).allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
        state("code", start..<inner.lowerBound, into: &sink)
        at = next(inner)
        return
      }
      at = next(inner)
    }
    state("code", start..<bytes.count, into: &sink)
  }

  private mutating func comment(from start: Int, into sink: inout FactBuffer) {
    let from = min(start + 4, bytes.count)
    let end = find("-->", in: from..<bytes.count) ?? bytes.count
    state("comment", from..<end, into: &sink)
    // What stands behind it on the line is read as a line of its own.
    at = min(end + 3, bytes.count)
    if at < bytes.count, bytes[at] == 0x0a { at += 1 }
  }

  private mutating func text(_ line: Range<Int>, into sink: inout FactBuffer) {
    guard !line.isEmpty else { return }
    // `[//]: # (a comment)`
    if bytes[line].starts(with: "[//]:".utf8) || bytes[line].starts(with: "[comment]:".utf8) {
      state("comment", line, into: &sink)
      return
    }
    paragraph = (paragraph?.lowerBound ?? line.lowerBound)..<line.upperBound
    links(in: line, into: &sink)
    elements(in: line, into: &sink)
  }

  private mutating func endParagraph(into sink: inout FactBuffer) {
    guard let range = paragraph else { return }
    paragraph = nil
    state("prose", range, into: &sink)
  }

  /// A text in windows that overlap, so that no phrase falls in between.
  private mutating func state(_ name: String, _ range: Range<Int>, into sink: inout FactBuffer) {
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min(start + Self.textLimit, range.upperBound)
      var plain = PlainText.plain(String(decoding: bytes[start..<end], as: UTF8.self))
      while plain.utf8.last == 0x20 { plain.removeLast() }
      if plain.utf8.count > 1 { emit(name, .text(plain), start..<end, into: &sink) }
      if end == range.upperBound { return }
      start = end - 256
    }
  }

  private mutating func emit(
    _ name: String, _ value: ValueFact.Scalar, _ range: Range<Int>, into sink: inout FactBuffer
  ) {
    for path in ["card.body.", "agent."] where path == "agent." ? isForAgents : input.interest.wants(key: "card") {
      sink.emit(
        .value(ValueFact(keyPath: path + name, value: value)), artifact: input.index,
        range: ByteRange(range.lowerBound, range.upperBound), place: place(of: range.lowerBound))
    }
  }

  private func place(of offset: Int) -> Place { lines.place(of: offset) }

  // MARK: Links

  /// `[text](target)`, `![text](target)`, `[name]: target`, `<target>`, `href="target"`, `src="target"`.
  private mutating func links(in line: Range<Int>, into sink: inout FactBuffer) {
    let trimmed = bytes[line].drop { $0 == 0x20 }
    if trimmed.first == UInt8(ascii: "["), let colon = find("]:", in: trimmed.startIndex..<line.upperBound) {
      link(from: colon + 2, in: line, "card.link", shown: nil, into: &sink)
    }
    var index = line.lowerBound
    while index < line.upperBound {
      switch bytes[index] {
      case UInt8(ascii: "]") where index + 1 < line.upperBound && bytes[index + 1] == UInt8(ascii: "("):
        let open = opening(before: index, in: line)
        let isImage = open > line.lowerBound && bytes[open - 1] == UInt8(ascii: "!")
        link(
          from: index + 2, in: line, isImage ? "card.image" : "card.link",
          shown: isImage ? nil : min(open + 1, index)..<index, into: &sink)
      case UInt8(ascii: "<"):
        let rest = bytes[(index + 1)..<min(line.upperBound, index + Self.linkBytes)].prefix {
          $0 != UInt8(ascii: ">") && $0 != 0x20
        }
        if rest.contains(UInt8(ascii: ":")), rest.contains(UInt8(ascii: "/")) {
          link(from: index + 1, in: line, "card.link", shown: nil, into: &sink)
        }
      case UInt8(ascii: "="): attribute(at: index, in: line, into: &sink)
      default: break
      }
      index += 1
    }
  }

  /// `href=` and `src=` with what they name.
  private mutating func attribute(at equals: Int, in line: Range<Int>, into sink: inout FactBuffer) {
    let name = bytes[line.lowerBound..<equals].suffix(4)
    let isImage = name.suffix(3).elementsEqual("src".utf8)
    guard isImage || name.elementsEqual("href".utf8) else { return }
    var start = equals + 1
    while start < line.upperBound, [0x20, 0x22, 0x27].contains(bytes[start]) { start += 1 }
    link(from: start, in: line, isImage ? "card.image" : "card.link", shown: nil, into: &sink)
  }

  /// The bracket that the one at `index` closes.
  private func opening(before index: Int, in line: Range<Int>) -> Int {
    var depth = 1
    var at = index
    while at > line.lowerBound, index - at < Self.linkBytes {
      at -= 1
      if bytes[at] == UInt8(ascii: "]") { depth += 1 }
      if bytes[at] == UInt8(ascii: "[") { depth -= 1 }
      if depth == 0 { return at }
    }
    return at
  }

  /// Bytes of an address, and of the text of a link, that are looked at. 1,024.
  private static let linkBytes = 1024

  private mutating func link(
    from start: Int, in line: Range<Int>, _ field: String, shown: Range<Int>?, into sink: inout FactBuffer
  ) {
    var from = min(start, line.upperBound)
    while from < line.upperBound, bytes[from] == 0x20 || bytes[from] == UInt8(ascii: "<") { from += 1 }
    var end = from
    // No further than an address goes, or a line of openings would be gone through once for each.
    let limit = min(line.upperBound, from + Self.linkBytes)
    while end < limit {
      let byte = bytes[end]
      if byte == 0x20 || byte == 0x22 || byte == 0x27 || byte == 0x29 || byte == 0x3e { break }
      end += 1
    }
    guard end > from else { return }
    let target = String(decoding: bytes[from..<min(end, from + 2048)], as: UTF8.self)
    let scheme = target.prefix { $0 != ":" }.lowercased()
    guard scheme.utf8.count < target.utf8.count, scheme.utf8.count > 1 else { return }
    sink.emit(
      .reference(ReferenceFact(field: field, type: .url, target: target)), artifact: input.index,
      range: ByteRange(from, end), place: place(of: from))
    guard let shown else { return }
    let text = String(decoding: bytes[shown].prefix(2048), as: UTF8.self)
    if let promised = Self.host(text), let real = Self.host(target), !Self.isSame(promised, real) {
      emit("link-mismatch", .text("\(promised) → \(real)"), shown.lowerBound..<end, into: &sink)
    }
  }

  /// The host of an address that is all of the text.
  private static func host(_ text: String) -> String? {
    let trimmed = text.drop { $0 == " " || $0 == "`" || $0 == "*" }
    guard let slashes = trimmed.firstRange(of: "://"), trimmed[..<slashes.lowerBound].allSatisfy(\.isLetter) else {
      return nil
    }
    let rest = trimmed[slashes.upperBound...].prefix { !"/?#`* )".contains($0) }
    return rest.split(separator: "@").last.map { $0.lowercased() }
  }

  private static func isSame(_ a: String, _ b: String) -> Bool {
    func bare(_ host: String) -> String { host.hasPrefix("www.") ? String(host.dropFirst(4)) : host }
    return bare(a) == bare(b)
  }

  // MARK: Hidden elements

  private static let hidingStyles = [
    "display:none", "visibility:hidden", "opacity:0;", "opacity:0\"", "opacity:0.0", "font-size:0", "font-size:1px",
    "color:white", "color:#fff", "color:transparent", "color:rgba(0,0,0,0)", "width:0", "height:0", "left:-9",
    "text-indent:-9",
    "clip:rect(0",
  ]

  /// Elements of a line that a browser does not show, with the text in them.
  private mutating func elements(in line: Range<Int>, into sink: inout FactBuffer) {
    var index = line.lowerBound
    while let open = bytes[index..<line.upperBound].firstIndex(of: UInt8(ascii: "<")) {
      index = open + 1
      guard elementsLeft > 0 else { return }
      elementsLeft -= 1
      let inner = bytes[index...].prefix(1024)
      guard let close = inner.firstIndex(of: UInt8(ascii: ">")), let first = inner.first, first | 0x20 >= 0x61,
        first | 0x20 <= 0x7a
      else { continue }
      let tag = String(decoding: bytes[index..<close], as: UTF8.self).lowercased()
      guard isHiding(tag) else { continue }
      let name = tag.prefix { $0.isLetter || $0.isNumber }
      let from = close + 1
      let limit = min(from + Self.elementLimit, bytes.count)
      let end = find("</" + name, in: from..<limit) ?? limit
      state("hidden", from..<max(from, end), into: &sink)
    }
  }

  private static let hidingFonts = [
    "color=\"white\"", "color='white'", "color=white", "color=\"#fff", "color='#fff", "color=#fff", "size=\"0\"",
    "size='0'",
  ]

  private func isHiding(_ tag: String) -> Bool {
    let plain = tag.filter { !$0.isWhitespace }
    if plain.contains("style="), Self.hidingStyles.contains(where: { plain.contains($0) }) {
      // White letters on a ground of their own are seen.
      return !plain.contains("background") || !plain.contains("color:white") && !plain.contains("color:#fff")
    }
    // White or of no size, as pages wrote it before there were styles.
    if tag.hasPrefix("font"), Self.hidingFonts.contains(where: { plain.contains($0) }) { return true }
    return tag.split(whereSeparator: { $0.isWhitespace || $0 == "/" }).dropFirst().contains {
      $0 == "hidden" || $0.hasPrefix("hidden=")
    }
  }

  // MARK: What nobody sees

  private mutating func invisible(from start: Int, into sink: inout FactBuffer) {
    guard bytes.contains(where: { $0 >= 0x7f || $0 < 0x09 }) else { return }
    var first: [String: Int] = [:]
    var counts: [String: Int] = [:]
    var offset = start
    var before: Unicode.Scalar?
    for scalar in String(decoding: bytes[start...], as: UTF8.self).unicodeScalars {
      // Marks of direction are spelling where scripts mix; overrides and isolates are not.
      let isMark = scalar.value == 0x200e || scalar.value == 0x200f || scalar.value == 0x061c
      if let kind = InvisibleText.kind(of: scalar), !isMark, !InvisibleText.isSpelling(scalar, after: before),
        !(offset == 0 && scalar.value == 0xfeff), scalar.value != 0xad
      {
        if first[kind] == nil { first[kind] = offset }
        counts[kind, default: 0] += 1
      }
      before = scalar
      offset += UTF8.width(scalar)
    }
    for kind in first.keys.sorted() {
      let at = min(first[kind] ?? 0, bytes.count)
      emit("invisible." + kind, .number(String(counts[kind] ?? 0)), at..<min(at + 1, bytes.count), into: &sink)
    }
  }
}
