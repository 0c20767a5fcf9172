import MScanBytes
import MScanFacts

/// What a template asks of what is said, for the conversations that it is rendered for.
extension JinjaTeller {
  /// Texts of the template that are tried as words of a message. Count; 24.
  private static let wordLimit = 24

  /// Templates for chats alone: others have no conversation to render.
  mutating func tellRendered(into sink: inout FactBuffer) {
    guard tree.limit == nil, tree.problems.isEmpty,
      tree.nodes.contains(where: { $0.kind == .name && $0.text == "messages" })
    else { return }
    var probe = JinjaProbe(
      tree, words: wordsAskedFor(), counts: countsAskedFor(), toolNames: toolNamesAskedFor(), signs: signsAskedFor(),
      inspects: inspectsContent(), steps: input.limits.jinjaSteps)
    for finding in probe.findings() {
      state(
        TemplateFact(
          .rendered, finding.names, value: finding.value,
          injects: String(PlainText.plain(finding.injects).unicodeScalars.prefix(Self.injectLimit)),
          words: finding.words),
        0, min(1, input.source.count), into: &sink)
    }
  }

  /// Texts that a message may be held against: neither keys, nor roles, nor what is put out.
  private mutating func wordsAskedFor() -> [String] {
    let others = othersThanWords()
    var found: [String] = []
    for index in tree.nodes.indices where tree[index].kind == .string && !others.contains(index) {
      let text = JinjaRun.stripped(tree[index].text, nil, true, true)
      guard (1...60).contains(text.unicodeScalars.count), text.contains(where: \.isLetter), !PlainText.isMark(text),
        !text.contains(where: { "<>[]{}|\n".contains($0) }), !text.hasPrefix("/"), !found.contains(text)
      else { continue }
      found.append(text)
      if found.count == Self.wordLimit { break }
    }
    return found
  }

  /// Texts that the name of a tool is held against.
  private func toolNamesAskedFor() -> [String] {
    comparedTexts { names("name", in: $0) }.filter { text in
      text.utf8.count > 2 && text.allSatisfy { $0.isLetter || $0.isNumber || "_-.".contains($0) }
    }
  }

  /// Whether something compared is an attribute or an entry of that name.
  private func names(_ name: String, in chain: JinjaNode) -> Bool {
    chain.children.contains { child in
      tree[child].kind == .postfix
        && tree[child].children.contains { step in
          tree[step].kind == .attribute && tree[step].text == name
            || tree[step].kind == .subscripted && tree[step].children.contains { tree[$0].text == name }
        }
    }
  }

  /// Signs that a message is held against, of up to three characters.
  private mutating func signsAskedFor() -> [String] {
    var chains: Set<Int> = []
    for index in tree.nodes.indices where tree[index].kind == .chain {
      if reads.read(index).contains("content") { chains.insert(index) }
    }
    return comparedTexts(chains) { _ in true }.filter { text in
      (1...3).contains(text.unicodeScalars.count)
        && !text.contains { $0.isLetter || $0.isWhitespace || "<>[]{}|".contains($0) }
    }
  }

  /// Texts of comparisons, each once; up to twelve.
  private func comparedTexts(_ chains: Set<Int>? = nil, where isWanted: (JinjaNode) -> Bool) -> [String] {
    var found: [String] = []
    for index in tree.nodes.indices where tree[index].kind == .chain && chains?.contains(index) ?? true {
      let node = tree[index]
      guard node.operators.contains(where: { ["==", "!=", "in", "not in"].contains($0) }), isWanted(node) else {
        continue
      }
      for child in node.children {
        let texts =
          tree[child].kind == .string
          ? [child] : [.list, .tuple].contains(tree[child].kind) ? tree[child].children : []
        for text in texts where tree[text].kind == .string && !found.contains(tree[text].text) && found.count < 12 {
          found.append(tree[text].text)
        }
      }
    }
    return found
  }

  /// Texts that are keys, names of roles and kinds, or that are put out.
  private mutating func othersThanWords() -> Set<Int> {
    var others: Set<Int> = []
    func add(_ nodes: some Sequence<Int>) {
      for node in nodes {
        others.insert(node)
        if [.list, .tuple].contains(tree[node].kind) { others.formUnion(tree[node].children) }
      }
    }
    for index in tree.nodes.indices {
      let node = tree[index]
      switch node.kind {
      case .subscripted, .output: add(node.children)
      case .filter where ["default", "d", "join", "map", "attr", "indent"].contains(node.text): add(node.children)
      case .filter where node.text.hasSuffix("attr"): add(node.children.prefix(2))
      case .chain where node.operators.allSatisfy({ $0 == "+" || $0 == "~" }): add(node.children)
      case .chain where !node.operators.contains("and") && !node.operators.contains("or"):
        let read = reads.read(index)
        let isOfInput =
          read.contains {
            ["content", "messages", "length"].contains($0) || $0.hasPrefix("variable.tools")
          } || names("content", in: node)
        if !read.isEmpty, !isOfInput { add(node.children) }
      case .postfix:
        for (place, child) in node.children.enumerated() where place > 0 && tree[child].kind == .call {
          let callee = tree[node.children[place - 1]]
          if ["get", "pop", "setdefault", "join", "raise_exception", "strftime_now", "namespace", "strip"].contains(
            callee.text)
          {
            add(tree[child].children)
          }
        }
      case .conditional: add([node.children.first, node.children.count > 2 ? node.children[2] : nil].compactMap { $0 })
      default: break
      }
    }
    return others
  }

  /// Numbers of messages that the template asks for.
  private mutating func countsAskedFor() -> [Int] {
    var found: [Int] = []
    for index in tree.nodes.indices where tree[index].kind == .chain && found.count < 6 {
      guard reads.read(index).contains("count") else { continue }
      for child in tree[index].children where tree[child].kind == .number {
        guard let number = Int(tree[child].text), (2...24).contains(number) else { continue }
        let odd = number.isMultiple(of: 2) ? number + 1 : number
        if odd != 9, !found.contains(odd) { found.append(odd) }
      }
    }
    return found
  }

  /// Whether it looks into what is said, or takes parts of it.
  private mutating func inspectsContent() -> Bool {
    let plain: Set<String> = [
      "trim", "tojson", "string", "safe", "strip", "lstrip", "rstrip", "content", "text", "get", "items", "append",
    ]
    for index in tree.nodes.indices {
      let node = tree[index]
      switch node.kind {
      case .chain:
        guard node.operators.contains(where: { !["+", "~", "and", "or"].contains($0) }) else { continue }
        if !reads.read(index).isDisjoint(with: ["content", "length"]) { return true }
      case .postfix:
        guard reads.read(index).contains("content") || reads.read(index).contains("length") else { continue }
        for (before, step) in zip(node.children, node.children.dropFirst()) {
          let kind = tree[step].kind
          if kind == .call, plain.contains(tree[before].text) { continue }
          if kind == .slice || kind == .filter && !plain.contains(tree[step].text) { return true }
          if kind == .test,
            !["string", "defined", "undefined", "none", "mapping", "iterable", "sequence"].contains(tree[step].text)
          {
            return true
          }
          if kind == .subscripted, let key = tree[step].children.first, tree[key].kind != .string { return true }
          // A method of what is said.
          if kind == .call { return true }
        }
      default: continue
      }
    }
    return false
  }
}
