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
    var waiting = [iterable]
    var seen: Set<Int> = []
    while let at = waiting.popLast(), seen.count < 64 {
      guard seen.insert(at).inserted else { continue }
      let node = tree[at]
      let path = node.kind == .name ? node.text : JinjaNames.path(at, tree)
      for case .node(let source) in path.flatMap({ names.sources[$0] }) ?? [] { waiting.append(source) }
      switch node.kind {
      case .postfix:
        for (place, child) in node.children.enumerated() where tree[child].kind == .subscripted {
          guard let slice = tree[child].children.first, tree[slice].kind == .slice,
            reads.steps(of: node, to: place).contains("messages"), leavesOut(tree[slice])
          else { continue }
          return at
        }
        waiting += node.children.prefix(1)
      case .conditional, .chain: waiting += node.children
      default: break
      }
    }
    return nil
  }

  private mutating func leavesOut(_ slice: JinjaNode) -> Bool {
    let bounds = slice.children.map { child -> Int? in
      guard tree[child].kind != .missing else { return nil }
      let found = meaning.value(child)
      guard !found.isOpen, found.values.count == 1, case .number(let number)? = found.values.first else { return nil }
      return number
    }
    let start = bounds.first ?? nil
    let stop = bounds.count > 1 ? bounds[1] : nil
    let step = bounds.count > 2 ? bounds[2] : nil
    return start.map { $0 < -1 || $0 > 2 } ?? false || stop.map { $0 < -1 || $0 > 2 } ?? false
      || step.map { $0 != 1 && $0 != -1 } ?? false
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
