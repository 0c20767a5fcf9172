import MScanBytes
import MScanFacts
import MScanYAML

/// One pass over the documents of a text.
struct YAMLWalk {
  struct Frame {
    var isMapping: Bool
    /// Whether a step of the path down to here is of interest.
    var isWanted: Bool
    /// Entries so far.
    var count = 0
    var start: Int
    var place: (line: Int, column: Int)
    /// The key whose value comes next; nil while a key is due.
    var key: String?
    var isKeyWanted = false
    var keys: Set<[UInt8]> = []
    /// Whether its entries are merged into the mapping around it, as those below `<<` are.
    var isMerge = false
    /// Key path and pointer of the container itself, once asked for.
    var path: YAMLPath?
    var tag: YAMLTag?
    /// What a tag's callable gets, rendered, and how many characters that is.
    var rendered: [String] = []
    var renderedLength = 0
    var anchor: Int?
    /// Nodes that it stands for, aliases followed.
    var nodes = 1
  }

  static let textLimit = 4096

  let input: ArtifactInput
  let text: YAMLText
  /// The part of the text that is YAML.
  let part: Range<Int>
  var frames: [Frame] = []
  var anchors: YAMLAnchors
  private var offsets: ScalarOffsets
  private var lines = LineCounter()
  private var valuesLeft: Int
  private var pathsLeft: Int
  private var keysLeft: Int
  private var isOverLimit = false
  private var documents = 0
  /// Where the last event ended.
  private var reached: Int

  init(_ input: ArtifactInput, text: YAMLText, part: Range<Int>) {
    self.input = input
    self.text = text
    self.part = part
    offsets = ScalarOffsets(part)
    anchors = YAMLAnchors(limits: input.limits)
    valuesLeft = input.limits.values
    pathsLeft = input.limits.jsonPaths
    keysLeft = input.limits.yamlKeys
    reached = part.lowerBound
  }

  // MARK: Documents

  mutating func read(into sink: inout FactBuffer) {
    do throws(YAMLProblem) {
      let events = try YAMLEvents(text.utf8[part])
      while true {
        let event = try events.next()
        let start = offsets.offset(of: event.start.index, in: text.utf8)
        let end = offsets.offset(of: event.end.index, in: text.utf8)
        if event.kind == .streamEnd { return stateExpansion(into: &sink) }
        do throws(ParseFailure) {
          try take(event, start, max(start, end), into: &sink)
        } catch {
          return stop(error, into: &sink)
        }
        reached = max(reached, end)
      }
    } catch {
      fail(error, into: &sink)
    }
  }

  private mutating func take(
    _ event: YAMLEvent, _ start: Int, _ end: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    switch event.kind {
    case .other, .streamEnd: return
    case .documentStart:
      documents += 1
      if documents == 2 {
        note("yaml.second-document", start, end, field: "document", detail: "a second document", into: &sink)
      }
    case .sequenceStart, .mappingStart: try begin(event, start, into: &sink)
    case .end: finish(end, into: &sink)
    case .alias(let name): try alias(name, start, end, into: &sink)
    case .scalar(let scalar, let plain): try self.scalar(scalar, plain, event, start, end, into: &sink)
    }
  }

  /// Over a limit: what is open is told as far as it goes, and the rest is not read.
  private mutating func stop(_ failure: ParseFailure, into sink: inout FactBuffer) {
    while !frames.isEmpty { finish(failure.offset, into: &sink) }
    note(
      "limit.\(failure.fieldName)", failure.offset, failure.offset + 1, field: failure.fieldName,
      detail: "\(failure.fieldName) at byte \(failure.offset)", incomplete: true, into: &sink)
  }

  /// No YAML from here on. PyYAML builds nothing of a document that it cannot parse to its end; other readers may.
  private mutating func fail(_ problem: YAMLProblem, into sink: inout FactBuffer) {
    while !frames.isEmpty { finish(reached, into: &sink) }
    let at =
      problem.isEncoding
      ? min(part.lowerBound + problem.mark.index, part.upperBound)
      : offsets.offset(of: problem.mark.index, in: text.utf8)
    note(
      problem.isEncoding ? "yaml.invalid-text" : "yaml.malformed", at, at + 1, field: "document",
      detail: problem.message, incomplete: problem.isEncoding, into: &sink)
    stateExpansion(into: &sink)
    readLines(from: reached, into: &sink)
  }

  // MARK: Nodes

  private mutating func begin(
    _ event: YAMLEvent, _ start: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    guard frames.count < input.limits.nesting else { throw ParseFailure(.limitExceeded, "nesting", at: start) }
    var frame = Frame(
      isMapping: event.kind == .mappingStart, isWanted: isValueWanted, start: start, place: place(of: start))
    frame.isMerge = isNextMerged
    frame.tag = event.tag.flatMap { YAMLTag($0) }
    if let name = event.anchor {
      let path = childPath()
      frame.path = path
      frame.anchor = try anchors.open(name, path: path, at: start)
    }
    frames.append(frame)
  }

  private mutating func finish(_ end: Int, into sink: inout FactBuffer) {
    guard let closed = frames.popLast() else { return }
    keysLeft += closed.keys.count
    let isStated = closed.isWanted && !frames.isEmpty
    let path = isStated || closed.tag != nil ? closed.path ?? childPath() : YAMLPath()
    if let tag = closed.tag {
      let range = text.range(closed.start, max(closed.start, end))
      for payload in tag.payloads(arguments: closed.rendered) {
        sink.emit(
          payload, artifact: input.index, range: range,
          place: .line(closed.place.line, column: closed.place.column, path: path.pointer))
      }
    }
    if let anchor = closed.anchor { anchors.close(anchor, nodes: closed.nodes) }
    if isStated {
      let value: ValueFact.Scalar = closed.isMapping ? .object(closed.count) : .array(closed.count)
      state(value, path, closed.start, max(closed.start, end), closed.place, into: &sink)
    }
    took(nodes: closed.nodes, key: nil, rendered: closed.isMapping ? "{…}" : "[…]")
  }

  private mutating func scalar(
    _ scalar: String, _ plain: Bool, _ event: YAMLEvent, _ start: Int, _ end: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    let tag = event.tag.flatMap { YAMLTag($0) }
    if let tag {
      let place = self.place(of: start)
      let arguments = scalar.isEmpty ? [] : [Self.bounded(scalar, input.limits.argumentCharacters)]
      for payload in tag.payloads(arguments: arguments) {
        sink.emit(
          payload, artifact: input.index, range: text.range(start, end),
          place: .line(place.line, column: place.column, path: childPath().pointer))
      }
    }
    if isKeyDue {
      if event.anchor != nil { try anchors.add(event.anchor ?? "", .text(scalar), at: start) }
      return try key(scalar, start, end, into: &sink)
    }
    let value = YAMLScalar.value(of: Self.bounded(scalar, Self.textLimit), plain: plain, tag: event.tag)
    if let name = event.anchor { try anchors.add(name, value, at: start) }
    stateResolvers(in: scalar, start, end, into: &sink)
    if frames.last?.key == "run", scalar.utf8.contains(where: { $0 <= 0x20 }) {
      let range = text.range(start, end)
      sink.addChild(
        Artifact(
          name: "run at line \(place(of: start).line)", parent: input.index, rangeInParent: range,
          encoding: .jsonString, format: ShellFormat.id, size: scalar.utf8.count),
        source: ByteSource(Array(scalar.utf8)), format: ShellFormat.id)
    }
    let path = frames.isEmpty || !(isValueWanted || anchors.isRecording) ? nil : childPath()
    if let path, anchors.isRecording { anchors.record(path, value) }
    if let path, isValueWanted { state(value, path, start, end, place(of: start), into: &sink) }
    took(nodes: 1, key: nil, rendered: scalar)
  }

  private mutating func key(
    _ name: String, _ start: Int, _ end: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    guard let top = frames.indices.last else { return }
    guard keysLeft > 0 else { throw ParseFailure(.limitExceeded, "yamlKeys", at: start) }
    let short = Self.bounded(name, Self.textLimit)
    // `<<` may stand more than once; PyYAML merges each.
    if frames[top].keys.insert(Array(name.utf8)).inserted {
      keysLeft -= 1
    } else if name != "<<" {
      note("yaml.duplicate-key", start, end, field: "key", detail: childPath(key: short).dotted, into: &sink)
    }
    took(nodes: 1, key: short, rendered: "")
  }

  private mutating func alias(
    _ name: String, _ start: Int, _ end: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    let found = anchors.target(of: name)
    sink.emit(
      .operation(OperationFact(framework: "yaml", name: "alias", arguments: [])), artifact: input.index,
      range: text.range(start, end), place: line(of: start))
    guard let found else {
      note("yaml.undefined-alias", start, end, field: "alias", detail: Self.bounded(name, 64), into: &sink)
      return took(nodes: 1, key: isKeyDue ? "*" + Self.bounded(name, 64) : nil, rendered: "")
    }
    if found.isOpen {
      note("yaml.recursive-alias", start, end, field: "alias", detail: Self.bounded(name, 64), into: &sink)
    }
    if isKeyDue {
      if case .text(let text) = found.scalar { return try key(text, start, end, into: &sink) }
      return took(nodes: found.nodes, key: "?", rendered: "")
    }
    let path = childPath()
    if let scalar = found.scalar {
      if anchors.isRecording { anchors.record(path, scalar) }
      if isValueWanted, !frames.isEmpty { state(scalar, path, start, end, place(of: start), into: &sink) }
    } else {
      restate(found, below: path, start, end, into: &sink)
    }
    took(nodes: found.nodes, key: nil, rendered: "*" + name)
  }

  /// The values of an anchored container, once more at the place of an alias to it: rules go by paths.
  private mutating func restate(
    _ anchor: YAMLAnchors.Anchor, below path: YAMLPath, _ start: Int, _ end: Int, into sink: inout FactBuffer
  ) {
    let place = self.place(of: start)
    let isWanted = isValueWanted
    for index in anchor.recorded {
      guard let entry = anchors.takeRecorded(index) else { break }
      let rest = entry.path.behind(anchor.path)
      let full = path.appending(rest)
      pathsLeft -= full.pointer.utf8.count
      if anchors.isRecording { anchors.record(full, entry.value) }
      let steps = rest.dotted.split(separator: ".")
      if isWanted || steps.contains(where: { input.interest.wants(key: String($0)) }) {
        state(entry.value, full, start, end, place, into: &sink)
      }
    }
    if anchors.ranOut(of: anchor), anchors.tell() {
      note(
        "limit.yamlAliasValues", start, end, field: "alias", detail: "values behind further aliases are stated once",
        incomplete: true, into: &sink)
    }
  }

  // MARK: Where in the tree

  /// Whether the next node is a key.
  private var isKeyDue: Bool { frames.last.map { $0.isMapping && $0.key == nil } ?? false }

  /// Whether the value that comes next is to be stated.
  private var isValueWanted: Bool {
    guard let frame = frames.last else { return input.interest.everything }
    return frame.isWanted || (frame.isMapping && frame.isKeyWanted)
  }

  /// A node is done: as a key when one was due, else as an entry of the innermost container.
  private mutating func took(nodes: Int, key: String?, rendered: String) {
    guard let top = frames.indices.last else { return }
    frames[top].nodes = frames[top].nodes.saturatingSum(nodes)
    if frames[top].isMapping, frames[top].key == nil {
      let step = key ?? "?"
      frames[top].key = step
      frames[top].isKeyWanted = input.interest.wants(key: step)
      return
    }
    if frames[top].tag != nil, frames[top].renderedLength < input.limits.argumentCharacters {
      let piece = Self.bounded(rendered, input.limits.argumentCharacters - frames[top].renderedLength)
      frames[top].rendered.append(frames[top].key.map { Self.bounded($0, 64) + "=" + piece } ?? piece)
      frames[top].renderedLength += piece.count + 2
    }
    frames[top].count += 1
    frames[top].key = nil
    frames[top].isKeyWanted = false
  }

  /// Whether the node that comes next is merged into the mapping around it.
  private var isNextMerged: Bool { frames.last.map { $0.isMapping ? $0.key == "<<" : $0.isMerge } ?? false }

  /// Path of the node that comes next, or of the value of `key`; empty once ``Limits/jsonPaths`` is spent. What is
  /// merged has the path of the mapping that it is merged into.
  private mutating func childPath(key: String? = nil) -> YAMLPath {
    guard let top = frames.indices.last else { return YAMLPath() }
    // Down from the innermost frame whose path is known; each frame's is built once.
    var known = top
    while known > 0, frames[known].path == nil { known -= 1 }
    var path = frames[known].path ?? YAMLPath()
    for index in known...top {
      guard pathsLeft > 0 else { return YAMLPath() }
      let frame = frames[index]
      let step = frame.isMapping ? (index == top ? key : nil) ?? frame.key ?? "?" : String(frame.count)
      path = path.appending(step, silently: frame.isMapping ? step == "<<" : frame.isMerge)
      pathsLeft -= path.pointer.utf8.count
      if index < top { frames[index + 1].path = path }
    }
    return path
  }

  // MARK: Facts

  private mutating func state(
    _ value: ValueFact.Scalar, _ path: YAMLPath, _ start: Int, _ end: Int, _ place: (line: Int, column: Int),
    into sink: inout FactBuffer
  ) {
    guard valuesLeft > 0, pathsLeft > 0 else {
      guard !isOverLimit else { return }
      isOverLimit = true
      let name = valuesLeft <= 0 ? "limit.values" : "limit.jsonPaths"
      note(
        name, start, end, field: "value", detail: "further values are checked, not stated", incomplete: true,
        into: &sink)
      return
    }
    valuesLeft -= 1
    sink.emit(
      .value(ValueFact(keyPath: path.dotted, value: value)), artifact: input.index, range: text.range(start, end),
      place: .line(place.line, column: place.column, path: path.pointer))
  }

  private mutating func stateExpansion(into sink: inout FactBuffer) {
    guard anchors.mostNodes > input.limits.yamlAliasNodes else { return }
    note(
      "yaml.alias-expansion", part.lowerBound, part.upperBound, field: "alias",
      detail:
        "aliases stand for \(anchors.mostNodes == .max ? "an endless number of" : String(anchors.mostNodes)) nodes",
      into: &sink)
  }

  /// `${name:…}` of OmegaConf, which calls what is registered under the name.
  private mutating func stateResolvers(in scalar: String, _ start: Int, _ end: Int, into sink: inout FactBuffer) {
    for resolver in YAMLScalar.resolvers(in: scalar) {
      sink.emit(
        .operation(
          OperationFact(
            framework: "omegaconf", name: resolver.name,
            arguments: [Self.bounded(resolver.arguments, input.limits.argumentCharacters)])),
        artifact: input.index, range: text.range(start, end), place: line(of: start))
    }
  }

  mutating func note(
    _ subject: String, _ start: Int, _ end: Int, field: String, detail: String = "", incomplete: Bool = false,
    into sink: inout FactBuffer
  ) {
    let at = min(start, part.upperBound)
    sink.emit(
      .anomaly(
        AnomalyFact(
          subject: subject, field: field, detail: Self.bounded(detail, input.limits.argumentCharacters),
          incomplete: incomplete)),
      artifact: input.index, range: text.range(at, min(max(at, end), part.upperBound)), place: line(of: at))
  }

  mutating func place(of offset: Int) -> (line: Int, column: Int) {
    let bytes = text.utf8
    return lines.place(of: offset, in: bytes.span)
  }

  mutating func line(of offset: Int) -> Place {
    let (line, column) = place(of: offset)
    return .line(line, column: column, path: nil)
  }

  static func bounded(_ text: String, _ limit: Int) -> String {
    text.utf8.count <= limit ? text : String(text.unicodeScalars.prefix(limit))
  }
}

extension Int {
  func saturatingSum(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
