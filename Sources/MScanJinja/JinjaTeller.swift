import MScanBytes
import MScanFacts

/// States what a template does.
struct JinjaTeller {
  static let excerptLimit = 160

  let tree: JinjaTree
  let names: JinjaNames
  var meaning: JinjaMeaning
  var reads: JinjaReads
  let input: ArtifactInput
  let lines: TextLines
  /// Nodes that may still be looked at for what conditions bring out: blocks in one another are looked at again and again.
  var visitsLeft: Int
  var knownToolBranches: [Range<Int>]?
  /// Names that are called where they stand: that is told of the call.
  private let called: Set<Int>

  init(_ bytes: [UInt8], _ input: ArtifactInput) {
    let bounds = JinjaParser.Bounds(nodes: input.limits.jinjaNodes, depth: input.limits.jinjaDepth)
    self.init(JinjaParser.parse(bytes, bounds: bounds), input)
  }

  init(_ tree: JinjaTree, _ input: ArtifactInput) {
    self.tree = tree
    names = JinjaNames(tree)
    meaning = JinjaMeaning(tree, names: names, steps: input.limits.jinjaSteps)
    reads = JinjaReads(tree, names: names, steps: input.limits.jinjaSteps)
    self.input = input
    visitsLeft = input.limits.jinjaSteps
    var called: Set<Int> = []
    for node in tree.nodes where node.kind == .postfix && node.children.count > 1 {
      if tree.nodes[node.children[1]].kind == .call { called.insert(node.children[0]) }
    }
    self.called = called
    lines = TextLines(tree.bytes)
  }

  mutating func tell(into sink: inout FactBuffer) {
    tellProblems(into: &sink)
    for index in tree.nodes.indices { tell(index, into: &sink) }
    tellLoops(into: &sink)
    tellConditions(into: &sink)
    tellDrops(into: &sink)
    tellDroppedRoles(into: &sink)
    tellShortenedHistory(into: &sink)
    tellCutContent(into: &sink)
    tellAddedMessages(into: &sink)
    tellWordsInTurns(into: &sink)
    tellTexts(into: &sink)
    tellRecursion(into: &sink)
    tellRendered(into: &sink)
    if meaning.stepsLeft <= 0 || reads.stepsLeft <= 0 || visitsLeft <= 0 {
      note("limit.jinjaSteps", "jinjaSteps", "the template's values were not all found out", true, at: 0, &sink)
    }
  }

  private func tellProblems(into sink: inout FactBuffer) {
    if let limit = tree.limit {
      let detail = "the rest of the template was not read"
      note("limit.\(limit.name)", "\(limit.name)", detail, true, at: limit.offset, &sink)
    }
    if let problem = tree.problems.first {
      let more = tree.problems.count > 1 ? ", and \(tree.problems.count - 1) more" : ""
      note("jinja.malformed", "syntax", problem.message + more, false, at: problem.offset, &sink)
    }
    for tag in tree.unknownTags { note("jinja.unknown-tag", "tag", tag.message, false, at: tag.offset, &sink) }
  }

  // MARK: Stating

  func note(
    _ subject: String, _ field: String, _ detail: String, _ incomplete: Bool, at offset: Int, _ sink: inout FactBuffer
  ) {
    let start = min(max(0, offset), input.source.count)
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail, incomplete: incomplete)),
      artifact: input.index, range: ByteRange(start, min(start + 1, input.source.count)), place: lines.place(of: start))
  }

  func state(_ fact: TemplateFact, at node: Int, into sink: inout FactBuffer) {
    let found = tree[node]
    state(fact, found.start, found.end, into: &sink)
  }

  func state(_ fact: TemplateFact, _ start: Int, _ end: Int, into sink: inout FactBuffer) {
    let size = input.source.count
    let from = min(start, size)
    sink.emit(
      .template(fact), artifact: input.index, range: ByteRange(from, min(max(from, end), size)),
      place: lines.place(of: from))
  }

  func excerpt(_ node: Int) -> String { tree.excerpt(node, limit: Self.excerptLimit) }

  // MARK: One node

  private mutating func tell(_ index: Int, into sink: inout FactBuffer) {
    let node = tree[index]
    switch node.kind {
    case .postfix: tellSteps(index, node, into: &sink)
    case .name: tellName(index, node, into: &sink)
    case .load: tellLoad(index, node, into: &sink)
    case .chain: tellGrowth(index, node, into: &sink)
    default: break
    }
  }

  /// A name that is neither the template's own nor called.
  private mutating func tellName(_ index: Int, _ node: JinjaNode, into sink: inout FactBuffer) {
    guard !names.isOwn(node.text), !called.contains(index) else { return }
    state(TemplateFact(.global, [node.text]), at: index, into: &sink)
  }

  private mutating func tellLoad(_ index: Int, _ node: JinjaNode, into sink: inout FactBuffer) {
    let texts = node.children.first.map { meaning.value($0).texts } ?? []
    for target in texts.isEmpty ? ["?"] : texts {
      state(
        TemplateFact(.load, [node.text], expression: excerpt(index), value: target), at: index, into: &sink)
    }
  }

  private mutating func tellSteps(_ index: Int, _ node: JinjaNode, into sink: inout FactBuffer) {
    var walk = Walk()
    guard let base = node.children.first else { return }
    let head = tree[base]
    for place in node.children.indices.dropFirst() {
      let child = node.children[place]
      let step = tree[child]
      let next = place + 1 < node.children.count ? tree[node.children[place + 1]].kind : .missing
      switch step.kind {
      case .attribute:
        if next == .call {
          tellMethod(step.text, node, place, into: &sink)
          if step.text.hasPrefix("_") { walk.add(step.text, "dot") }
        } else {
          walk.add(step.text, "dot")
        }
      case .subscripted: subscripted(step, &walk)
      case .call:
        if place == 1, head.kind == .name { tellCall(head.text, child, index, into: &sink) }
      case .filter:
        tellFilter(step, child, &walk, into: &sink)
        if step.text == "replace" { tellRewrite(node, place, child, into: &sink) }
      case .test: state(TemplateFact(.test, [step.text]), at: child, into: &sink)
      default: break
      }
    }
    guard !walk.names.isEmpty else { return }
    state(
      TemplateFact(
        .attribute, walk.names, via: walk.via, expression: excerpt(index), value: head.kind == .name ? head.text : "",
        flags: walk.flags),
      at: index, into: &sink)
  }

  /// The names of one chain of steps.
  struct Walk {
    var names: [String] = []
    var via = ""
    var flags: [String] = []

    mutating func add(_ name: String, _ via: String, flag: String? = nil) {
      guard names.count < 64 else { return }
      if !names.contains(name) { names.append(name) }
      // What is said last is said of the most telling step.
      if self.via.isEmpty || via != "dot" { self.via = via }
      if let flag, !flags.contains(flag) { flags.append(flag) }
    }
  }

  private mutating func subscripted(_ step: JinjaNode, _ walk: inout Walk) {
    for index in step.children where tree[index].kind != .slice {
      let found = meaning.value(index)
      let isWritten = tree[index].kind == .string
      for value in found.values {
        if case .text(let name) = value, !name.isEmpty {
          walk.add(name, "subscript", flag: isWritten ? nil : "computed")
        }
      }
      // A plain variable as an index is ordinary; a text that is put together is not.
      if found.isOpen, isBuilt(index) { walk.add("?", "subscript", flag: "computed") }
    }
  }

  /// Whether an expression puts a text together.
  private func isBuilt(_ index: Int) -> Bool {
    let path = tree[index].kind == .name ? tree[index].text : JinjaNames.path(index, tree)
    let own = path.flatMap { names.sources[$0] } ?? []
    return isBuiltItself(index)
      || own.contains { source in
        if case .node(let node) = source { isBuiltItself(node) } else { false }
      }
  }

  private func isBuiltItself(_ index: Int) -> Bool {
    let node = tree[index]
    switch node.kind {
    case .string: return !node.isExact
    case .chain:
      if node.operators.contains("~") { return true }
      return node.operators.allSatisfy { ["+", "*", "%"].contains($0) }
        && node.children.contains { tree[$0].kind == .string || isBuiltItself($0) }
    case .postfix:
      let steps = node.children.dropFirst().map { tree[$0] }
      let makers = ["join", "format", "replace", "reverse", "lower", "upper", "string", "title", "capitalize", "map"]
      return steps.contains { $0.kind == .filter && makers.contains($0.text) }
        || steps.contains { $0.kind == .attribute && ["join", "format", "replace"].contains($0.text) }
        || steps.contains { step in
          step.kind == .subscripted && step.children.contains { tree[$0].kind == .slice }
            && node.children.first.map { tree[$0].kind == .string } == true
        }
    case .conditional: return node.children.contains { isBuiltItself($0) }
    default: return false
    }
  }

  // MARK: Calls

  private mutating func tellCall(_ name: String, _ call: Int, _ whole: Int, into sink: inout FactBuffer) {
    guard !names.isOwn(name) else { return }
    state(
      TemplateFact(.call, [name], expression: excerpt(whole), value: literals(of: call)), at: whole, into: &sink)
    if name == "lipsum", let count = numbers(of: call).max() {
      state(TemplateFact(.size, ["lipsum"], expression: excerpt(whole), number: count), at: whole, into: &sink)
    }
  }

  private mutating func tellMethod(_ name: String, _ node: JinjaNode, _ place: Int, into sink: inout FactBuffer) {
    let call = node.children[place + 1]
    let end = tree[call].end
    let start = tree[node.children[place]].start
    let first = node.start
    let text = String(decoding: tree.bytes[min(first, end)..<min(end, first + 4 * Self.excerptLimit)], as: UTF8.self)
    let fact = TemplateFact(
      .method, [name], expression: String(text.unicodeScalars.prefix(Self.excerptLimit)), value: literals(of: call))
    state(fact, start, end, into: &sink)
    // A format walks to attributes of what it is given.
    if name == "format" || name == "format_map" {
      let head = JinjaNode(kind: .postfix, start: node.start, end: start, children: Array(node.children.prefix(place)))
      for text in receiver(head) { tellFields(text, start, end, into: &sink) }
    }
    if name == "replace" { tellRewrite(node, place, call, into: &sink) }
    tellPadding(name, call, start, end, into: &sink)
  }

  /// What the first steps of a chain come to.
  private mutating func receiver(_ node: JinjaNode) -> [String] {
    guard let base = node.children.first else { return [] }
    return node.children.count == 1 ? meaning.value(base).texts : []
  }

  private func tellFields(_ text: String, _ start: Int, _ end: Int, into sink: inout FactBuffer) {
    for steps in JinjaFormatting.fieldSteps(text) {
      state(
        TemplateFact(.attribute, steps, via: "format", expression: String(text.unicodeScalars.prefix(160))), start, end,
        into: &sink)
    }
  }

  /// Texts in the arguments, for people.
  private mutating func literals(of call: Int) -> String {
    var found: [String] = []
    for child in tree[call].children.prefix(8) {
      let index = [.keyword, .spread].contains(tree[child].kind) ? tree[child].children.first ?? child : child
      found += meaning.value(index).texts.prefix(2).map { String($0.unicodeScalars.prefix(80)) }
    }
    return String(found.joined(separator: ", ").unicodeScalars.prefix(240))
  }

  mutating func numbers(of call: Int) -> [Int] {
    tree[call].children.flatMap { child in
      let index = tree[child].kind == .keyword ? tree[child].children.first ?? child : child
      return meaning.value(index).values.compactMap { if case .number(let number) = $0 { number } else { nil } }
    }
  }

  // MARK: Filters

  /// Filters that go to an attribute that they are given the name of.
  private static let attributeFilters: Set<String> = [
    "attr", "map", "selectattr", "rejectattr", "groupby", "sort", "sum", "min", "max", "unique", "join", "dictsort",
  ]

  private mutating func tellFilter(
    _ step: JinjaNode, _ index: Int, _ walk: inout Walk, into sink: inout FactBuffer
  ) {
    state(TemplateFact(.filter, [step.text], value: literals(of: index)), at: index, into: &sink)
    guard Self.attributeFilters.contains(step.text) else {
      if step.text == "format" {
        for child in step.children {
          for text in meaning.value(child).texts { tellFields(text, step.start, step.end, into: &sink) }
        }
      }
      tellPadding(step.text, index, step.start, step.end, into: &sink)
      return
    }
    // `map('attr', x)` hands on all that follows; the others take it as `attribute`, or as their first argument.
    for child in step.children {
      let given = tree[child]
      if given.kind == .keyword, given.text != "attribute" && given.text != "name" { continue }
      if given.kind != .keyword, ["join", "sum", "sort", "min", "max", "unique", "dictsort"].contains(step.text) {
        continue
      }
      let target = given.kind == .keyword || given.kind == .spread ? given.children.first ?? child : child
      let found = meaning.value(target)
      for name in found.texts where !name.isEmpty {
        for part in name.split(separator: ".") { walk.add(String(part), step.text) }
      }
      if found.isOpen, step.text == "attr" || isBuilt(target) { walk.add("?", step.text, flag: "computed") }
      if step.text == "selectattr" || step.text == "rejectattr" || step.text == "groupby" { break }
    }
  }
}
