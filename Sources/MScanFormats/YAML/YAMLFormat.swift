import MScanBytes
public import MScanFacts

/// YAML 1.1 as PyYAML reads it. Tags are orders to a loader and are stated as such; aliases are never expanded, so that
/// a document costs what its bytes cost. Source: YAML 1.1, PyYAML's `constructor.py`, hyperpyyaml.
public enum YAMLFormat: Format {
  public static let id = "yaml"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let bytes: [UInt8]
    do throws(ParseFailure) {
      bytes = try input.source.bytes(
        ByteRange(0, input.source.count), limit: input.limits.yamlBytes, field: "yamlBytes")
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
      return
    }
    let mark = sink.facts.count
    let text = YAMLText(bytes)
    if let problem = text.problem {
      sink.emit(
        .anomaly(AnomalyFact(subject: problem, field: "BOM", detail: "the text is UTF-16")), artifact: input.index,
        range: ByteRange(0, min(2, bytes.count)), place: .whole)
    }
    var walk = YAMLWalk(input, text: text, part: 0..<text.utf8.count)
    walk.read(into: &sink)
    sink.sortFacts(after: mark)
  }
}

/// A text as UTF-8, and how to get from there back to the artifact's bytes.
struct YAMLText {
  let utf8: [UInt8]
  /// Bytes of the artifact when it is not UTF-8: places are then lines, and ranges the whole.
  let wholeCount: Int?
  /// What is odd about the encoding.
  let problem: String?

  init(utf8: [UInt8], wholeCount: Int? = nil, problem: String? = nil) {
    self.utf8 = utf8
    self.wholeCount = wholeCount
    self.problem = problem
  }

  /// UTF-16 by its byte order mark, which YAML readers go by; else UTF-8.
  init(_ bytes: [UInt8]) {
    guard bytes.count >= 2, bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) else {
      self.init(utf8: bytes)
      return
    }
    // What looks like UTF-32 by its mark is UTF-16 to them as well.
    let text = WideText(width: 2, isBigEndian: bytes[0] == 0xfe, mark: 2)
    self.init(utf8: text.decode(bytes), wholeCount: bytes.count, problem: "yaml.utf-16")
  }

  func range(_ start: Int, _ end: Int) -> ByteRange {
    if let wholeCount { return ByteRange(0, wholeCount) }
    return ByteRange(min(start, utf8.count), min(end, utf8.count))
  }
}

/// Byte offsets for libyaml's marks, which count Unicode scalars. Questions in rising order cost one pass together; one
/// that goes back starts at the nearest checkpoint.
struct ScalarOffsets {
  private static let stride = 1 << 14
  private var checkpoints: [(index: Int, offset: Int)]
  private var last: (index: Int, offset: Int)
  private let end: Int

  init(_ part: Range<Int>) {
    checkpoints = [(0, part.lowerBound)]
    last = (0, part.lowerBound)
    end = part.upperBound
  }

  mutating func offset(of index: Int, in bytes: [UInt8]) -> Int {
    if index < last.index {
      last = checkpoints[min(max(0, index) / Self.stride, checkpoints.count - 1)]
    }
    while last.index < index, last.offset < end {
      last.offset += 1
      while last.offset < end, bytes[last.offset] & 0xc0 == 0x80 { last.offset += 1 }
      last.index += 1
      if last.index == checkpoints.count * Self.stride { checkpoints.append(last) }
    }
    return last.offset
  }
}
