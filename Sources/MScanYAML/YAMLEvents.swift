import CYaml

/// A place in a YAML text.
public struct YAMLMark: Sendable, Hashable {
  /// From 1; lines as YAML counts them.
  public var line: Int
  /// From 1, in Unicode scalars.
  public var column: Int
  /// From 0, in Unicode scalars from the start of the text.
  public var index: Int

  public init(line: Int, column: Int, index: Int) {
    self.line = line
    self.column = column
    self.index = index
  }
}

/// One event of libyaml, copied out. Aliases stay aliases: nothing is ever expanded.
public struct YAMLEvent: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case documentStart, streamEnd, sequenceStart, mappingStart
    /// The end of a sequence or mapping.
    case end
    case alias(String)
    case scalar(String, plain: Bool)
    /// The start of the stream, the end of a document.
    case other
  }

  public var kind: Kind
  public var start: YAMLMark
  public var end: YAMLMark
  public var anchor: String?
  /// The whole tag, its handle resolved: `tag:yaml.org,2002:python/name:x`, `!local`, `!`.
  public var tag: String?
}

/// Why libyaml stopped.
public struct YAMLProblem: Error, Sendable, Hashable {
  public var mark: YAMLMark
  /// The parser's own words.
  public var message: String
  /// Whether the bytes are no text at all; `mark.index` is a byte offset then.
  public var isEncoding = false
}

/// libyaml's parser over UTF-8 bytes in memory, YAML 1.1. All of the C binding is in this file.
@safe public final class YAMLEvents {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>

  /// Copies the bytes.
  ///
  /// - Throws: when there is no memory for the parser.
  public init(_ bytes: some Collection<UInt8>) throws(YAMLProblem) {
    // The parser keeps a pointer to its input, so both live as long as this object does, at fixed addresses.
    unsafe parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    unsafe parser.initialize(to: yaml_parser_t())
    unsafe input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, bytes.count))
    _ = unsafe input.initialize(from: bytes)
    guard unsafe yaml_parser_initialize(parser) == 1 else {
      throw YAMLProblem(mark: YAMLMark(line: 1, column: 1, index: 0), message: "no memory to read the file")
    }
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
    unsafe input.deallocate()
  }

  /// The next event; `streamEnd` again and again at the end.
  ///
  /// - Throws: the parser's own complaint, at the place it names.
  public func next() throws(YAMLProblem) -> YAMLEvent {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw problem() }
    defer { unsafe yaml_event_delete(&event) }
    var found = unsafe YAMLEvent(kind: .other, start: Self.mark(event.start_mark), end: Self.mark(event.end_mark))
    switch unsafe event.type {
    case YAML_DOCUMENT_START_EVENT: found.kind = .documentStart
    case YAML_STREAM_END_EVENT, YAML_NO_EVENT: found.kind = .streamEnd
    case YAML_ALIAS_EVENT: found.kind = unsafe .alias(Self.text(event.data.alias.anchor) ?? "")
    case YAML_SEQUENCE_START_EVENT:
      found.kind = .sequenceStart
      found.anchor = unsafe Self.text(event.data.sequence_start.anchor)
      found.tag = unsafe Self.text(event.data.sequence_start.tag)
    case YAML_MAPPING_START_EVENT:
      found.kind = .mappingStart
      found.anchor = unsafe Self.text(event.data.mapping_start.anchor)
      found.tag = unsafe Self.text(event.data.mapping_start.tag)
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: found.kind = .end
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let text = unsafe String(
        decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      found.kind = unsafe .scalar(text, plain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
      found.anchor = unsafe Self.text(scalar.anchor)
      found.tag = unsafe Self.text(scalar.tag)
    default: break
    }
    return found
  }

  private func problem() -> YAMLProblem {
    let said = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "unreadable"
    if unsafe parser.pointee.error == YAML_READER_ERROR {
      return YAMLProblem(
        mark: markOf(unsafe parser.pointee.problem_offset), message: said, isEncoding: true)
    }
    return YAMLProblem(mark: unsafe Self.mark(parser.pointee.problem_mark), message: said)
  }

  private func markOf(_ offset: Int) -> YAMLMark {
    var mark = YAMLMark(line: 1, column: 1, index: max(0, offset))
    let read = unsafe Array(input.prefix(max(0, offset)))
    for byte in read {
      if byte == 0x0a {
        mark.line += 1
        mark.column = 1
      } else if byte & 0xc0 != 0x80 {
        mark.column += 1
      }
    }
    return mark
  }

  private static func mark(_ mark: yaml_mark_t) -> YAMLMark {
    YAMLMark(
      line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1, index: Int(clamping: mark.index))
  }

  private static func text(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    unsafe bytes.map { unsafe String(cString: $0) }
  }
}
