import MScanBytes
import MScanFacts

/// Messages that are not passed on as they were said.
extension JinjaTeller {
  /// A branch for messages of one role that puts text out and nothing of the message.
  mutating func tellDrops(into sink: inout FactBuffer) {
    for node in tree.nodes where node.kind == .branches {
      for place in stride(from: 1, to: node.children.count, by: 2) {
        let condition = node.children[place - 1]
        guard let role = role(askedBy: condition) else { continue }
        let body = node.children[place]
        guard has(.output, in: body) || has(.data, in: body) else { continue }
        let injected = injected(in: [body])
        let words = PlainText.words(injected.text)
        guard !injected.hasInput, words > 0 else { continue }
        state(
          TemplateFact(
            .drop, [role], expression: excerpt(condition),
            injects: String(injected.text.unicodeScalars.prefix(Self.injectLimit)),
            words: words, flags: injected.flags(injected.text)),
          at: condition, into: &sink)
      }
    }
  }

  /// A loop that passes on some of the messages by their number alone: `messages[-4:]`, `messages[:8]`, `messages[::2]`.
  /// The first one or two, and the last, are looked at apart from the others for good reasons.
  mutating func tellShortenedHistory(into sink: inout FactBuffer) {
    for node in tree.nodes where node.kind == .loop && node.children.count == 5 {
      guard let slice = shortened(node.children[1]), injected(in: [node.children[2]]).hasInput else { continue }
      state(TemplateFact(.drop, ["history"], expression: excerpt(slice)), at: slice, into: &sink)
    }
  }

  /// The expression that leaves messages out, by way of the names it goes by.
  private mutating func shortened(_ iterable: Int) -> Int? {
    for at in expressions(of: iterable) where tree[at].kind == .postfix {
      let node = tree[at]
      for (place, child) in node.children.enumerated() where tree[child].kind == .subscripted {
        guard let slice = tree[child].children.first, tree[slice].kind == .slice,
          reads.steps(of: node, to: place).contains("messages"), leavesOut(tree[slice])
        else { continue }
        return at
      }
    }
    return nil
  }

  /// What a value is chosen, put together or taken from, through names, at most 64 expressions.
  func expressions(of value: Int) -> [Int] {
    var waiting = [value]
    var found: [Int] = []
    while let at = waiting.popLast(), found.count < 64 {
      guard !found.contains(at) else { continue }
      found.append(at)
      let node = tree[at]
      let path = node.kind == .name ? node.text : JinjaNames.path(at, tree)
      for case .node(let source) in path.flatMap({ names.sources[$0] }) ?? [] { waiting.append(source) }
      switch node.kind {
      case .postfix: waiting += node.children.prefix(1)
      case .conditional, .chain: waiting += node.children
      default: break
      }
    }
    return found
  }

  private mutating func leavesOut(_ slice: JinjaNode) -> Bool {
    let bounds = bounds(of: slice)
    let start = bounds.first ?? nil
    let stop = bounds.count > 1 ? bounds[1] : nil
    let step = bounds.count > 2 ? bounds[2] : nil
    return start.map { $0 < -1 || $0 > 2 } ?? false || stop.map { $0 < -1 || $0 > 2 } ?? false
      || step.map { $0 != 1 && $0 != -1 } ?? false
  }

  /// Those that are whole numbers in the template.
  private mutating func bounds(of slice: JinjaNode) -> [Int?] {
    slice.children.map { child -> Int? in
      guard tree[child].kind != .missing else { return nil }
      let found = meaning.value(child)
      guard !found.isOpen, found.values.count == 1, case .number(let number)? = found.values.first else { return nil }
      return number
    }
  }

  /// Roles of what tools return, which is often longer than anybody wants.
  private static let toolRoles: Set<String> = [
    "tool", "observation", "function", "ipython", "environment", "tool_response", "tool_result", "tool_output",
  ]

  /// Places of branches for messages of tools alone.
  mutating func toolBranches() -> [Range<Int>] {
    if let knownToolBranches { return knownToolBranches }
    var found: [Range<Int>] = []
    for node in tree.nodes where node.kind == .branches && found.count < 64 {
      for place in stride(from: 1, to: node.children.count, by: 2) {
        let texts = strings(in: node.children[place - 1])
        guard !texts.isEmpty, texts.subtracting(["role"]).isSubset(of: Self.toolRoles), texts != ["role"] else {
          continue
        }
        let body = tree[node.children[place]]
        found.append(body.start..<max(body.start, body.end))
      }
    }
    knownToolBranches = found
    return found
  }

  /// Texts of a condition, unless it turns something around.
  private func strings(in condition: Int) -> Set<String> {
    var found: Set<String> = []
    var waiting = [condition]
    while let at = waiting.popLast(), found.count < 16 {
      let node = tree[at]
      if node.kind == .unary || node.operators.contains("!=") || node.operators.contains("not in") { return [] }
      if node.kind == .string { found.insert(node.text) }
      waiting += node.children
    }
    return found
  }

  /// What messages say, put out as far as a number in the template: `content[:200]`, `content|truncate(200)`.
  mutating func tellCutContent(into sink: inout FactBuffer) {
    let cutters = toolBranches()
    for node in tree.nodes where node.kind == .output && !cutters.contains(where: { $0.contains(node.start) }) {
      for value in node.children where tree[value].kind != .string {
        guard let cut = expressions(of: value).first(where: { cutsContent(tree[$0]) }) else { continue }
        state(TemplateFact(.drop, ["content"], expression: excerpt(cut)), at: cut, into: &sink)
      }
    }
  }

  private mutating func cutsContent(_ node: JinjaNode) -> Bool {
    guard node.kind == .postfix else { return false }
    for (place, child) in node.children.enumerated() {
      let step = tree[child]
      // Parts of a text are no letters of it.
      if step.kind == .attribute, ["split", "rsplit", "partition", "splitlines"].contains(step.text) { return false }
      let isCut: Bool
      switch step.kind {
      case .filter: isCut = step.text == "truncate"
      case .subscripted:
        guard let slice = step.children.first, tree[slice].kind == .slice else { continue }
        let bounds = bounds(of: tree[slice])
        isCut = bounds.count > 1 && (bounds[1].map { $0 > 2 || $0 < -2 } ?? false)
      default: continue
      }
      let read = reads.steps(of: node, to: place)
      // Documents and the like come from the program, which knows how long they may be.
      if isCut, read.contains("content"), !read.contains(where: { $0.hasPrefix("variable.") }) { return true }
    }
    return false
  }

  /// A message of the template's own among those that are passed on: `messages + [{'role': 'user', 'content': '…'}]`.
  mutating func tellAddedMessages(into sink: inout FactBuffer) {
    for node in tree.nodes where node.kind == .loop && node.children.count == 5 {
      let expressions = expressions(of: node.children[1])
      let added = expressions.filter { tree[$0].kind == .list }.flatMap { tree[$0].children }
        .filter { tree[$0].kind == .dict }
      guard !added.isEmpty, expressions.contains(where: { reads.read($0).contains("messages") }) else { continue }
      for message in added { tellAdded(message, into: &sink) }
    }
  }

  private mutating func tellAdded(_ message: Int, into sink: inout FactBuffer) {
    var fields: [String: String] = [:]
    let parts = tree[message].children
    for place in stride(from: 0, to: parts.count - 1, by: 2) {
      guard let key = meaning.value(parts[place]).texts.first, key == "role" || key == "content" else { continue }
      fields[key] = meaning.value(parts[place + 1]).texts.first
    }
    guard let role = fields["role"], let content = fields["content"] else { return }
    state(
      TemplateFact(
        .rewrite, ["message." + role], expression: excerpt(message),
        injects: String(PlainText.plain(content).unicodeScalars.prefix(Self.injectLimit)),
        words: PlainText.words(PlainText.plain(content))), at: message, into: &sink)
  }

  /// Words that a loop over messages puts into every turn, or into every one of a role.
  mutating func tellWordsInTurns(into sink: inout FactBuffer) {
    for node in tree.nodes where node.kind == .loop && node.children.count == 5 {
      guard reads.read(node.children[1]).contains("messages") else { continue }
      var waiting = [node.children[2]]
      var budget = 512
      while let at = waiting.popLast(), budget > 0 {
        budget -= 1
        let inner = tree[at]
        switch inner.kind {
        case .data, .string:
          let text = PlainText.plain(inner.text)
          let words = PlainText.words(text)
          guard words > 2 else { continue }
          let fact = TemplateFact(
            .text, ["turn"], value: String(text.unicodeScalars.prefix(Self.injectLimit)), words: words)
          state(fact, at: at, into: &sink)
        case .branches:
          for place in stride(from: 1, to: inner.children.count, by: 2) {
            if let role = role(askedBy: inner.children[place - 1]), role == "user" || role == "assistant" {
              waiting.append(inner.children[place])
            }
          }
        case .body, .output: waiting += inner.children
        case .chain where inner.operators.allSatisfy({ $0 == "+" || $0 == "~" }): waiting += inner.children
        default: continue
        }
      }
    }
  }

  /// `message.role == 'user'`.
  private mutating func role(askedBy condition: Int) -> String? {
    let node = tree[condition]
    guard node.kind == .chain, node.operators == ["=="], node.children.count == 2 else { return nil }
    for (asked, given) in [(0, 1), (1, 0)] where tree[node.children[given]].kind == .string {
      if reads.read(node.children[asked]) == ["role"] { return tree[node.children[given]].text }
    }
    return nil
  }

  /// `content|replace(a, b)`.
  mutating func tellRewrite(_ node: JinjaNode, _ place: Int, _ call: Int, into sink: inout FactBuffer) {
    let arguments = tree[call].children
    guard arguments.count >= 2, !reads.steps(of: node, to: place).isDisjoint(with: ["content", "messages"])
    else { return }
    let old = meaning.value(arguments[0]).texts.joined(separator: ", ")
    let new = meaning.value(arguments[1]).texts.joined(separator: ", ")
    var flags: [String] = []
    if new.contains("://") || old.contains("://") || old.lowercased().hasPrefix("http") { flags.append("link") }
    if PlainText.isMark(old) { flags.append("mark") }
    state(
      TemplateFact(
        .rewrite, ["content"], expression: excerpt(call), value: String(old.unicodeScalars.prefix(240)),
        injects: String(new.unicodeScalars.prefix(Self.injectLimit)), words: PlainText.words(new), flags: flags),
      at: call, into: &sink)
  }
}
