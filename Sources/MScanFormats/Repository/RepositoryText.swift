import MScanBytes
import MScanFacts

/// A text that one of the repository's readers walks: its lines, and facts with a place in it.
struct RepositoryText {
  let input: ArtifactInput
  let bytes: [UInt8]
  private var lines = LineCounter()

  /// Nil when the text is too long or cannot be read, which is then stated.
  init?(_ input: ArtifactInput, format: String, into sink: inout FactBuffer) {
    self.input = input
    do throws(ParseFailure) {
      bytes = try input.source.bytes(
        ByteRange(0, input.source.count), limit: input.limits.repositoryText, field: "repositoryText")
    } catch {
      sink.emit(error, format: format, artifact: input.index, size: input.source.count)
      return nil
    }
  }

  /// Ranges of the lines without their ends, a byte order mark left out.
  func lineRanges(in range: Range<Int>? = nil) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var at = range?.lowerBound ?? (bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0)
    let end = range?.upperBound ?? bytes.count
    while at < end {
      let stop = bytes[at..<end].firstIndex(of: 0x0a) ?? end
      found.append(at..<(stop > at && bytes[stop - 1] == 0x0d ? stop - 1 : stop))
      at = stop + 1
    }
    return found
  }

  /// The same as Python's `str.splitlines` takes them: lone carriage returns, form feeds, and the separators of ASCII and
  /// Unicode end a line as well.
  func pythonLineRanges() -> [Range<Int>] {
    lineRanges().flatMap { line -> [Range<Int>] in
      var found: [Range<Int>] = []
      var (start, at) = (line.lowerBound, line.lowerBound)
      while at < line.upperBound {
        let length = separator(at: at, before: line.upperBound)
        if length > 0 {
          found.append(start..<at)
          start = at + length
        }
        at += max(1, length)
      }
      return found + [start..<line.upperBound]
    }
  }

  /// Bytes of the line end at `at`; 0 without one.
  private func separator(at: Int, before end: Int) -> Int {
    switch bytes[at] {
    case 0x0b...0x0d, 0x1c...0x1e: return 1
    case 0xc2 where at + 1 < end && bytes[at + 1] == 0x85: return 2
    case 0xe2 where at + 2 < end && bytes[at + 1] == 0x80 && (0xa8...0xa9).contains(bytes[at + 2]): return 3
    default: return 0
    }
  }

  func text(_ range: Range<Int>, limit: Int = 4096) -> String {
    String(decoding: bytes[range].prefix(limit), as: UTF8.self)
  }

  func trimmed(_ range: Range<Int>) -> Range<Int> {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, Self.isBlank(bytes[start]) { start += 1 }
    while end > start, Self.isBlank(bytes[end - 1]) { end -= 1 }
    return start..<end
  }

  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0c }

  mutating func emit(_ payload: Fact.Payload, _ range: Range<Int>, into sink: inout FactBuffer) {
    let all = bytes
    let (line, column) = lines.place(of: range.lowerBound, in: all.span)
    sink.emit(
      payload, artifact: input.index, range: ByteRange(range.lowerBound, range.upperBound),
      place: .line(line, column: column, path: nil))
  }

  mutating func operation(
    _ framework: String, _ name: String, _ arguments: [String], node: String = "", scope: String = "",
    _ range: Range<Int>, into sink: inout FactBuffer
  ) {
    emit(
      .operation(
        OperationFact(
          framework: framework, name: name, node: bounded(node), scope: bounded(scope),
          arguments: arguments.map(bounded))),
      range, into: &sink)
  }

  mutating func reference(
    _ field: String, _ type: ReferenceFact.Target, _ target: String, revision: String = "", _ range: Range<Int>,
    into sink: inout FactBuffer
  ) {
    emit(
      .reference(ReferenceFact(field: field, type: type, target: bounded(target), revision: bounded(revision))), range,
      into: &sink)
  }

  mutating func value(_ path: String, _ value: String, _ range: Range<Int>, into sink: inout FactBuffer) {
    let wanted = path.split(separator: ".").contains { input.interest.wants(key: String($0)) }
    guard wanted || input.interest.everything else { return }
    emit(.value(ValueFact(keyPath: bounded(path), value: .text(bounded(value)))), range, into: &sink)
  }

  /// The bytes of `range` as a text of its own.
  func child(_ name: String, _ range: Range<Int>, format: String, into sink: inout FactBuffer) {
    let place = ByteRange(range.lowerBound, range.upperBound)
    sink.addChild(
      Artifact(
        name: name, parent: input.index, rangeInParent: place, encoding: .stored, format: format, size: place.count),
      source: input.source.slice(place), format: format)
  }

  func bounded(_ text: String) -> String { YAMLWalk.bounded(text, input.limits.argumentCharacters) }
}
