import MScanBytes
import MScanFacts

/// What a text still says, line by line, behind the point where it stops being YAML: templates of YAML, and documents
/// that a more forgiving reader takes.
extension YAMLWalk {
  private static let mark: [UInt8] = Array("tag:yaml.org,2002:".utf8)

  mutating func readLines(from start: Int, into sink: inout FactBuffer) {
    let bytes = text.utf8
    // Back to the start of the line: the event before the fault may end inside it.
    var at = min(start, part.upperBound)
    while at > part.lowerBound, bytes[at - 1] != 0x0a { at -= 1 }
    while at < part.upperBound {
      let end = bytes[at..<part.upperBound].firstIndex(of: 0x0a) ?? part.upperBound
      readLine(at..<end, into: &sink)
      at = end + 1
    }
  }

  private mutating func readLine(_ range: Range<Int>, into sink: inout FactBuffer) {
    let line = text.utf8[range]
    var at = range.lowerBound
    while let mark = line[at...].firstIndex(of: 0x21) {
      let isStart = mark == range.lowerBound || [0x20, 0x09, 0x2d, 0x3a, 0x2c, 0x5b, 0x7b].contains(line[mark - 1])
      let word = line[mark...].prefix { $0 > 0x20 && !",[]{}".utf8.contains($0) || $0 == 0x2c && line[mark] == 0x3c }
      at = max(word.endIndex, mark + 1)
      if isStart, let tag = Self.tag(word) {
        let (line, column) = place(of: mark)
        for payload in tag.payloads(arguments: []) {
          sink.emit(
            payload, artifact: input.index, range: text.range(mark, at),
            place: .line(line, column: column, path: nil))
        }
      }
    }
    readPair(range, into: &sink)
  }

  /// `!!x`, `!<x>`, `!x`.
  private static func tag(_ word: ArraySlice<UInt8>) -> YAMLTag? {
    let written = String(decoding: word.prefix(1024), as: UTF8.self)
    if written.hasPrefix("!!") { return YAMLTag("tag:yaml.org,2002:" + written.dropFirst(2)) }
    if written.hasPrefix("!<") { return YAMLTag(String(written.dropFirst(2).prefix { $0 != ">" })) }
    return YAMLTag(written)
  }

  /// `key: value`, for keys of interest.
  private mutating func readPair(_ range: Range<Int>, into sink: inout FactBuffer) {
    let blanks: Set<UInt8> = [0x20, 0x09, 0x2d, 0x0d, 0x22, 0x27]
    let line = text.utf8[range].prefix(4096)
    guard let colon = line.firstIndex(of: 0x3a) else { return }
    let key = line[..<colon].drop { blanks.contains($0) }.reversed().drop { blanks.contains($0) }.reversed()
    let value = line[(colon + 1)...].drop { blanks.contains($0) }.reversed().drop { blanks.contains($0) }.reversed()
    let name = String(decoding: key, as: UTF8.self)
    guard !key.isEmpty, !value.isEmpty, input.interest.wants(key: name) else { return }
    let scalar = YAMLScalar.value(of: String(decoding: value, as: UTF8.self), plain: true, tag: nil)
    let (number, column) = place(of: range.lowerBound)
    sink.emit(
      .value(ValueFact(keyPath: name, value: scalar)), artifact: input.index,
      range: text.range(range.lowerBound, range.upperBound), place: .line(number, column: column, path: nil))
  }
}
