import MScanBytes
public import MScanFacts

/// JSON as Python's `json` reads it, with what other readers read differently. One document; many for names that end
/// in `.jsonl` or `.ndjson`. Source: RFC 8259 and CPython's `Lib/json`.
public enum JSONFormat: Format {
  public static let id = "json"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let bytes: [UInt8]
    do throws(ParseFailure) {
      bytes = try input.source.bytes(
        ByteRange(0, input.source.count), limit: input.limits.jsonBytes, field: "jsonBytes")
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
      return
    }
    let mark = sink.facts.count
    var walk = JSONWalk(input)
    walk.read(bytes.span, into: &sink)
    sink.sortFacts(after: mark)
  }
}

/// One pass over the documents of an artifact.
struct JSONWalk {
  struct Frame {
    var isObject: Bool
    /// Whether a step of the path down to here is of interest.
    var isWanted: Bool
    /// The tokens of a tokenizer, by their ids: hundreds of thousands of keys that are words and name nothing.
    var isVocabulary = false
    /// The merges of a tokenizer, as many.
    var isMerges = false
    /// Entries so far.
    var count = 0
    var start: Int
    var line = 0
    var column = 0
    /// The key whose value comes next.
    var key = JSONToken(kind: .key, start: 0, end: 0)
    var isKeyWanted = false
    /// Key path and pointer of the container itself, once asked for.
    var path: (dotted: String, pointer: String)?
  }

  private static let textLimit = 4096

  let input: ArtifactInput
  private let wanted: [[[UInt8]]]
  var frames: [Frame] = []
  var keys: JSONKeys
  private var lines = LineCounter()
  private var scratch: [UInt8] = []
  private var valuesLeft: Int
  private var pathsLeft: Int
  private var isOverLimit = false
  /// Things worth a word that may still be told of.
  private var odditiesLeft = 16
  /// Where the parts of a tokenizer stand.
  var outline: TokenizerOutline
  /// Of the vocabulary that is open, or was.
  var ids = VocabularyIDs()
  private let isCommented: Bool

  init(_ input: ArtifactInput) {
    self.input = input
    outline = TokenizerOutline(fileName: input.name)
    isCommented = Self.takesComments(input.name)
    wanted = input.interest.keysByFirstByte
    keys = JSONKeys(limit: input.limits.jsonKeys)
    valuesLeft = input.limits.values
    pathsLeft = input.limits.jsonPaths
  }

  // MARK: Documents

  mutating func read(_ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    var start = 0
    if bytes.count >= 3, bytes[0] == 0xef, bytes[1] == 0xbb, bytes[2] == 0xbf {
      note("json.byte-order-mark", at: 0, end: 3, field: "BOM", bytes, into: &sink)
      start = 3
    }
    let name = input.name.lowercased()
    let isLines = name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson")
    var first = true
    var trailing: Int?
    while true {
      var reader = JSONReader(at: start, nesting: input.limits.nesting, takesComments: true)
      do throws(ParseFailure) {
        try reader.skipSpace(bytes)
      } catch {
        fail(error, trailing: trailing, bytes, into: &sink)
        return
      }
      // An empty file of lines is a file of no lines; an empty document is none.
      if reader.position >= bytes.count, !first || isLines {
        noteExtensions(reader, bytes, into: &sink)
        break
      }
      if !first, !isLines, trailing == nil { trailing = reader.position }
      do throws(ParseFailure) {
        outline.reset()
        try document(&reader, bytes, into: &sink)
        noteExtensions(reader, bytes, into: &sink)
      } catch {
        noteExtensions(reader, bytes, into: &sink)
        fail(error, trailing: trailing, bytes, into: &sink)
        return
      }
      if !outline.isEmpty {
        var tokenizer = TokenizerReader(input, outline, lines)
        tokenizer.read(bytes, into: &sink)
        lines = tokenizer.lines
      }
      first = false
      start = reader.position
    }
    if let trailing { noteTrailing(trailing, incomplete: false, bytes, into: &sink) }
  }

  /// Settings of editors and of TypeScript, whose readers take comments.
  private static func takesComments(_ name: String) -> Bool {
    let name = name.lowercased()
    return [".jsonc", ".json5", ".code-workspace"].contains { name.hasSuffix($0) }
      || [
        "tasks.json", "settings.json", "launch.json", "extensions.json", "keybindings.json", "devcontainer.json",
        ".devcontainer.json", "tsconfig.json", "jsconfig.json",
      ].contains(name)
  }

  /// What Python's reader refuses and readers of settings take.
  private mutating func noteExtensions(
    _ reader: JSONReader, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    guard !isCommented else { return }
    if reader.comment >= 0 {
      note(
        "json.comment", at: reader.comment, end: reader.comment &+ 2, field: "comment", detail: "a comment", bytes,
        into: &sink)
    }
    if reader.looseComma >= 0 {
      note(
        "json.loose-comma", at: reader.looseComma, end: reader.looseComma &+ 1, field: "comma",
        detail: "a comma that no entry follows", bytes, into: &sink)
    }
  }

  private mutating func noteTrailing(
    _ start: Int, incomplete: Bool, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    note(
      "json.trailing-bytes", at: start, end: bytes.count, field: "value",
      detail: "\(bytes.count &- start) bytes behind the document", incomplete: incomplete, bytes, into: &sink)
  }

  private mutating func fail(
    _ failure: ParseFailure, trailing: Int?, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    if let trailing, failure.reason != .limitExceeded {
      return noteTrailing(trailing, incomplete: true, bytes, into: &sink)
    }
    let subject =
      failure.reason == .limitExceeded ? "limit.\(failure.fieldName)" : "json.\(failure.reason.rawValue)"
    let at = min(failure.offset, bytes.count)
    note(
      subject, at: at, end: min(at &+ 1, bytes.count), field: failure.fieldName,
      detail: "\(failure.fieldName) at byte \(at)", incomplete: true, bytes, into: &sink)
  }

  private mutating func document(
    _ reader: inout JSONReader, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    frames.removeAll(keepingCapacity: true)
    while true {
      let token = try reader.next(bytes)
      switch token.kind {
      case .end: return
      case .key: try key(token, bytes, into: &sink)
      case .beginObject, .beginArray:
        begin(token, bytes)
        if !input.interest.everything, frames.last?.isVocabulary == true || frames.last?.isMerges == true {
          try plainEntries(&reader, bytes, into: &sink)
        }
      case .endObject, .endArray: end(token, bytes, into: &sink)
      default:
        if frames.last?.isMerges == true { outline.merges.isWhole = false }
        scalar(token, bytes, into: &sink)
        if !input.interest.everything, frames.last?.isVocabulary == true || frames.last?.isMerges == true {
          try plainEntries(&reader, bytes, into: &sink)
        }
      }
    }
  }

  // MARK: Tokens

  private mutating func key(
    _ token: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    guard let top = frames.indices.last else { return }
    frames[top].key = token
    frames[top].isKeyWanted =
      frames[top].isWanted || (!frames[top].isVocabulary || input.interest.everything) && isInteresting(token, bytes)
    if try !keys.insert(token, bytes) {
      let path = childPath(bytes)
      note(
        "json.duplicate-key", at: token.start, end: token.end, field: "key", detail: path.dotted,
        pointer: path.pointer, bytes, into: &sink)
    }
    noteFlaws(token, bytes, into: &sink)
    if token.hasNul, !frames[top].isVocabulary { noteOddity("json.nul-character", token, bytes, into: &sink) }
  }

  private mutating func isInteresting(_ token: JSONToken, _ bytes: Span<UInt8>) -> Bool {
    if input.interest.everything { return true }
    if token.isEscaped {
      JSONText.decode(bytes, token, limit: 1024, repairing: true, into: &scratch)
      return wanted[Int(scratch.first ?? 0)].contains(scratch)
    }
    let length = token.end &- token.start &- 2
    let first = length > 0 ? Int(bytes[token.start &+ 1]) : 0
    next: for candidate in wanted[first] where candidate.count == length {
      for step in 0..<length where candidate[step] != bytes[token.start &+ 1 &+ step] { continue next }
      return true
    }
    return false
  }

  /// Whether the value that comes next is to be stated.
  private var isValueWanted: Bool {
    guard let frame = frames.last else { return input.interest.everything }
    return frame.isObject ? frame.isKeyWanted : frame.isWanted
  }

  private mutating func begin(_ token: JSONToken, _ bytes: Span<UInt8>) {
    var frame = Frame(isObject: token.kind == .beginObject, isWanted: isValueWanted, start: token.start)
    if frame.isWanted { (frame.line, frame.column) = lines.place(of: token.start, in: bytes) }
    switch frames.count {
    case 0: frame.isVocabulary = frame.isObject && outline.isVocabularyFile
    case 2:
      frame.isVocabulary =
        frame.isObject && frames[0].isObject && frames[1].isObject && JSONText.says("model", frames[0].key, bytes)
        && JSONText.says("vocab", frames[1].key, bytes)
      frame.isMerges =
        !frame.isObject && !frame.isWanted && frames[0].isObject && frames[1].isObject
        && JSONText.says("model", frames[0].key, bytes) && JSONText.says("merges", frames[1].key, bytes)
    default: break
    }
    if frames.last?.isMerges == true { outline.merges.isWhole = false }
    if frame.isMerges { outline.beginMerges() }
    if frame.isVocabulary { ids = VocabularyIDs() }
    frames.append(frame)
    if frame.isObject { keys.begin() }
  }

  private mutating func end(_ token: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    guard let closed = frames.popLast() else { return }
    if closed.isVocabulary {
      let table = keys.endKeeping()
      outline.vocabularyIDs = ids.isClean && ids.count == table.count ? ids : nil
      outline.vocabulary = table
    } else if closed.isObject {
      keys.end()
    }
    if frames.count == 1 || frames.count == 2 { outline(ByteRange(closed.start, token.end), bytes) }
    if closed.isWanted, !frames.isEmpty {
      state(
        closed.isObject ? .object(closed.count) : .array(closed.count), ByteRange(closed.start, token.end),
        (closed.line, closed.column), closed.path, bytes, into: &sink)
    }
    countEntry()
  }

  /// Takes down where a part of a tokenizer lies.
  private mutating func outline(_ range: ByteRange, _ bytes: Span<UInt8>) {
    guard frames[0].isObject, !frames[0].isVocabulary else { return }
    if frames.count == 1 {
      outline.take(frames[0].key, range, bytes)
    } else if frames[1].isObject, JSONText.says("model", frames[0].key, bytes) {
      outline.takeModel(frames[1].key, range, bytes)
    }
  }

  private mutating func countEntry() {
    guard let top = frames.indices.last else { return }
    frames[top].count &+= 1
  }

  private mutating func scalar(_ token: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    if frames.last?.isVocabulary == true {
      ids.take(JSONText.integer(bytes, token) ?? -1, below: input.limits.tokenIds)
    }
    if isValueWanted, !frames.isEmpty {
      let value: ValueFact.Scalar =
        switch token.kind {
        case .string: .text(JSONText.string(bytes, token, limit: Self.textLimit))
        case .trueWord: .boolean(true)
        case .falseWord: .boolean(false)
        case .nullWord: .null
        default:
          .number(
            String(
              decoding: JSONText.copy(bytes, token.start, min(token.end, token.start &+ Self.textLimit)),
              as: UTF8.self))
        }
      let place = lines.place(of: token.start, in: bytes)
      state(value, ByteRange(token.start, token.end), place, nil, bytes, into: &sink)
    }
    if token.kind == .notANumber {
      let path = childPath(bytes)
      note(
        "json.not-a-number", at: token.start, end: token.end, field: "number", detail: path.dotted,
        pointer: path.pointer, bytes, into: &sink)
    }
    if token.kind == .number, token.end &- token.start > 16 { noteLarge(token, bytes, into: &sink) }
    if token.kind == .string {
      noteFlaws(token, bytes, into: &sink)
      if token.hasNul { noteOddity("json.nul-character", token, bytes, into: &sink) }
      searchEncoded(token, bytes, into: &sink)
      queueCode(token, bytes, into: &sink)
      if frames.count == 1 || frames.count == 2 { outline(ByteRange(token.start, token.end), bytes) }
      queueTemplate(token, bytes, into: &sink)
    }
    countEntry()
  }

  /// A string may be a pickle or a program in base64 or hexadecimal digits.
  private mutating func searchEncoded(_ token: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    guard token.end &- token.start >= EncodedTextScan.shortest &+ 2 else { return }
    var contents: [UInt8] = []
    if token.isEscaped {
      JSONText.decode(bytes, token, limit: .max, repairing: true, into: &contents)
    } else {
      contents = JSONText.copy(bytes, token.start &+ 1, token.end &- 1)
    }
    let (found, isWhole) = EncodedText.payloads(in: contents, limits: input.limits)
    guard !found.isEmpty || !isWhole else { return }
    let counted = lines.place(of: token.start, in: bytes)
    let place = Place.line(counted.line, column: counted.column, path: childPath(bytes).pointer)
    let range = ByteRange(token.start, token.end)
    for var payload in found {
      payload.range =
        token.isEscaped ? range : ByteRange(at: token.start &+ 1 &+ payload.range.start, count: payload.range.count)
      EncodedText.state(payload, place: place, of: input, into: &sink)
    }
    if !isWhole { EncodedText.noteUnsearched(range, place: place, of: input, into: &sink) }
  }

  /// Queues the code object that a string holds, as a Lambda layer of Keras keeps its function.
  private mutating func queueCode(_ token: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    guard let encoding = EncodedCode.encoding(of: token, bytes) else { return }
    let decoded = EncodedCode.decode(token, bytes, encoding: encoding, limit: input.limits.heldBytes)
    let path = childPath(bytes)
    sink.addChild(
      Artifact(
        name: path.dotted.isEmpty ? "code at \(token.start)" : path.dotted, parent: input.index,
        rangeInParent: ByteRange(token.start, token.end), encoding: encoding, size: decoded.count),
      source: ByteSource(decoded), format: MarshalFormat.id)
  }

  // MARK: Facts

  private mutating func state(
    _ value: ValueFact.Scalar, _ range: ByteRange, _ place: (line: Int, column: Int),
    _ known: (dotted: String, pointer: String)?, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    guard valuesLeft > 0, pathsLeft > 0 else {
      guard !isOverLimit else { return }
      isOverLimit = true
      let isCount = valuesLeft <= 0
      note(
        isCount ? "limit.values" : "limit.jsonPaths", at: range.start, end: range.end, field: "value",
        detail: "further values are checked, not stated", incomplete: true, bytes, into: &sink)
      return
    }
    valuesLeft &-= 1
    let path = known ?? childPath(bytes)
    sink.emit(
      .value(ValueFact(keyPath: path.dotted, value: value)), artifact: input.index, range: range,
      place: .line(place.line, column: place.column, path: path.pointer))
  }

  /// Path of the value that comes next, below the innermost container; empty once ``Limits/jsonPaths`` is spent.
  mutating func childPath(_ bytes: Span<UInt8>) -> (dotted: String, pointer: String) {
    guard let top = frames.indices.last else { return ("", "") }
    // Down from the innermost frame whose path is known; each frame's is built once.
    var known = top
    while known > 0, frames[known].path == nil { known &-= 1 }
    var path = frames[known].path ?? ("", "")
    for index in known...top {
      guard pathsLeft > 0 else { return ("", "") }
      path = extend(path, frames[index], bytes)
      pathsLeft &-= path.pointer.utf8.count
      if index < top { frames[index &+ 1].path = path }
    }
    return path
  }

  private func extend(
    _ parent: (dotted: String, pointer: String), _ frame: Frame, _ bytes: Span<UInt8>
  ) -> (dotted: String, pointer: String) {
    let step =
      frame.isObject ? JSONText.string(bytes, frame.key, limit: Self.textLimit) : String(frame.count)
    let dotted = parent.dotted.isEmpty ? step : parent.dotted + "." + step
    return (dotted, parent.pointer + "/" + Self.pointerStep(step))
  }

  /// RFC 6901: `~` and `/` are written `~0` and `~1`.
  static func pointerStep(_ step: String) -> String {
    guard step.utf8.contains(where: { $0 == 0x7e || $0 == 0x2f }) else { return step }
    var escaped = ""
    for character in step.unicodeScalars {
      switch character {
      case "~": escaped += "~0"
      case "/": escaped += "~1"
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }

  /// A whole number that a float of 64 bits does not hold as it is: 2^53 has sixteen digits.
  private mutating func noteLarge(_ token: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    var magnitude: UInt128? = 0
    for at in token.start..<token.end where bytes[at] != 0x2d {
      let digit = bytes[at] &- 0x30
      // A point or an exponent makes a float of it.
      guard digit < 10 else { return }
      let (product, isOver) = (magnitude ?? 0).multipliedReportingOverflow(by: 10)
      let (sum, isSumOver) = product.addingReportingOverflow(UInt128(digit))
      magnitude = magnitude == nil || isOver || isSumOver ? nil : sum
    }
    // A power of ten that was once a float is none that readers disagree on.
    if let magnitude, UInt128(exactly: Double(magnitude)) == magnitude { return }
    noteOddity("json.large-integer", token, bytes, into: &sink)
  }

  /// States what readers take differently and what is common in data; the first few of a document.
  private mutating func noteOddity(
    _ subject: String, _ token: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    guard odditiesLeft > 0 else { return }
    odditiesLeft &-= 1
    let path = childPath(bytes)
    let field = frames.last.map { $0.isObject ? JSONText.string(bytes, $0.key, limit: 80) : "element" } ?? ""
    let detail = token.kind == .number ? "\(token.end &- token.start) digits" : path.dotted
    note(
      subject, at: token.start, end: token.end, field: field, detail: detail, pointer: path.pointer, bytes, into: &sink)
  }

  private mutating func noteFlaws(_ token: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    if token.invalidUTF8 >= 0 {
      note(
        "json.invalid-utf8", at: token.invalidUTF8, end: token.invalidUTF8 &+ 1, field: "string",
        detail: "the bytes are not UTF-8", bytes, into: &sink)
    }
    if token.loneSurrogate >= 0 {
      note(
        "json.lone-surrogate", at: token.loneSurrogate, end: token.loneSurrogate &+ 6, field: "string",
        detail: "half of a surrogate pair", bytes, into: &sink)
    }
  }

  mutating func note(
    _ subject: String, at start: Int, end: Int, field: String, detail: String = "", incomplete: Bool = false,
    pointer: String? = nil, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    let range = ByteRange(min(start, bytes.count), min(end, bytes.count))
    let place = lines.place(of: range.start, in: bytes)
    let bounded = String(detail.prefix(input.limits.argumentCharacters))
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: bounded, incomplete: incomplete)),
      artifact: input.index, range: range, place: .line(place.line, column: place.column, path: pointer))
  }
}
