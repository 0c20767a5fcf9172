import CYaml

/// One event of libyaml, copied out.
struct YamlEvent {
  enum Kind: Equatable {
    case documentStart, streamEnd, alias, sequenceStart, mappingStart
    /// The end of a sequence or mapping.
    case end
    case scalar(String, plain: Bool)
    /// The start of the stream, the end of a document.
    case other
  }

  var kind: Kind
  var position: SourcePosition
  var hasAnchor = false
  var hasTag = false
}

/// libyaml's parser over bytes in memory. All of the C binding is in this file.
@safe final class YamlEvents {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>

  init(_ bytes: [UInt8]) throws(YamlProblem) {
    // The parser keeps a pointer to its input, so both live as long as this object does, at fixed addresses.
    unsafe parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    unsafe parser.initialize(to: yaml_parser_t())
    unsafe input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, bytes.count))
    _ = unsafe input.initialize(from: bytes)
    guard unsafe yaml_parser_initialize(parser) == 1 else {
      throw YamlProblem(position: .start, message: "no memory to read the file")
    }
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
    unsafe input.deallocate()
  }

  /// - Throws: the parser's own complaint, at the place it names.
  func next() throws(YamlProblem) -> YamlEvent {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw problem() }
    defer { unsafe yaml_event_delete(&event) }
    let position = unsafe Self.position(event.start_mark)
    switch unsafe event.type {
    case YAML_DOCUMENT_START_EVENT: return YamlEvent(kind: .documentStart, position: position)
    case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return YamlEvent(kind: .streamEnd, position: position)
    case YAML_ALIAS_EVENT: return YamlEvent(kind: .alias, position: position)
    case YAML_SEQUENCE_START_EVENT:
      let start = unsafe event.data.sequence_start
      return unsafe YamlEvent(
        kind: .sequenceStart, position: position, hasAnchor: start.anchor != nil, hasTag: start.tag != nil)
    case YAML_MAPPING_START_EVENT:
      let start = unsafe event.data.mapping_start
      return unsafe YamlEvent(
        kind: .mappingStart, position: position, hasAnchor: start.anchor != nil, hasTag: start.tag != nil)
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return YamlEvent(kind: .end, position: position)
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let text = unsafe String(
        decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      return unsafe YamlEvent(
        kind: .scalar(text, plain: scalar.style == YAML_PLAIN_SCALAR_STYLE), position: position,
        hasAnchor: scalar.anchor != nil, hasTag: scalar.tag != nil)
    default: return YamlEvent(kind: .other, position: position)
    }
  }

  private func problem() -> YamlProblem {
    let said = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "unreadable"
    if unsafe parser.pointee.error == YAML_READER_ERROR {
      let offset = unsafe parser.pointee.problem_offset
      return YamlProblem(position: positionOf(offset), message: "not UTF-8 text: \(said)")
    }
    return YamlProblem(
      position: unsafe Self.position(parser.pointee.problem_mark), message: "not valid YAML: \(said)")
  }

  private func positionOf(_ offset: Int) -> SourcePosition {
    var position = SourcePosition.start
    let read = unsafe Array(input.prefix(max(0, offset)))
    for byte in read {
      if byte == 0x0a {
        position.line += 1
        position.column = 1
      } else if byte & 0xc0 != 0x80 {
        position.column += 1
      }
    }
    return position
  }

  private static func position(_ mark: yaml_mark_t) -> SourcePosition {
    SourcePosition(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
  }
}
