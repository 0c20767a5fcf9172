import MScanBytes
import MScanFacts

/// Text that is put out only when something holds.
extension JinjaTeller {
  static let injectLimit = 400

  mutating func tellConditions(into sink: inout FactBuffer) {
    var waiting: [(node: Int, loopBody: Int?)] = [(tree.root, nil)]
    while let (index, loopBody) = waiting.popLast() {
      let node = tree[index]
      var body = loopBody
      switch node.kind {
      case .branches: tellBranches(node, loopBody: loopBody, into: &sink)
      case .loop where node.children.count == 5:
        body = node.children[2]
        tellLoopConditions(node, into: &sink)
      case .output, .set: tellInline(index, node, into: &sink)
      default: break
      }
      for child in node.children.reversed() { waiting.append((child, body)) }
    }
  }

  private mutating func tellBranches(_ node: JinjaNode, loopBody: Int?, into sink: inout FactBuffer) {
    var asked: [String: JinjaTrigger] = [:]
    for place in node.children.indices where !place.isMultiple(of: 2) || place == node.children.count - 1 {
      let isElse = place.isMultiple(of: 2)
      let condition = isElse ? node.children[max(0, place - 2)] : node.children[place - 1]
      if !isElse { for trigger in triggers(of: condition) { Self.join(trigger, to: &asked) } }
      let body = node.children[place]
      var injected = injected(in: [body])
      // Leaving a turn of the loop decides on all that follows.
      if let loopBody, has(.jump, in: body) { injected = self.injected(in: [loopBody]) }
      for name in asked.keys.sorted() {
        guard let trigger = asked[name] else { continue }
        tell(trigger, condition: condition, injected, isElse ? ["else"] : [], into: &sink)
      }
    }
  }

  private static func join(_ trigger: JinjaTrigger, to asked: inout [String: JinjaTrigger]) {
    var known = asked[trigger.name] ?? JinjaTrigger(name: trigger.name)
    known.literals += trigger.literals.filter { !known.literals.contains($0) }
    known.numbers += trigger.numbers
    asked[trigger.name] = known
  }

  private mutating func tellLoopConditions(_ node: JinjaNode, into sink: inout FactBuffer) {
    let filter = node.children[4]
    // `for part in content.split('x')` turns as often as the text says.
    for condition in [filter, node.children[1]] where tree[condition].kind != .missing {
      let found = triggers(of: condition).filter { condition == filter || !$0.literals.isEmpty }
      guard !found.isEmpty else { continue }
      let injected = injected(in: [node.children[2]])
      for trigger in found { tell(trigger, condition: condition, injected, ["loop"], into: &sink) }
    }
  }

  /// `a if x else b`, `x and a`, `[a, b][x]` and whatever else makes a value of a question.
  private mutating func tellInline(_ index: Int, _ node: JinjaNode, into sink: inout FactBuffer) {
    var questions: [Int] = []
    var waiting = node.kind == .set ? Array(node.children.dropFirst()) : node.children
    while let at = waiting.popLast() {
      let inner = tree[at]
      switch inner.kind {
      case .conditional:
        if inner.children.count > 1 { questions.append(inner.children[1]) }
      case .chain:
        let isLogic = ["and", "or"].contains(inner.operators.first ?? "")
        let isQuestion = inner.operators.contains { ["==", "!=", "<", ">", "<=", ">=", "in", "not in"].contains($0) }
        if isQuestion || isLogic { questions.append(at) }
      case .postfix:
        if inner.children.contains(where: {
          tree[$0].kind == .attribute && ["startswith", "endswith"].contains(tree[$0].text)
        }) {
          questions.append(at)
        }
      default: break
      }
      waiting += inner.children
    }
    guard !questions.isEmpty else { return }
    let injected = injected(in: node.kind == .set ? Array(node.children.dropFirst()) : node.children)
    for question in questions.prefix(64) {
      for trigger in triggers(of: question) { tell(trigger, condition: question, injected, ["inline"], into: &sink) }
    }
  }

  private mutating func tell(
    _ trigger: JinjaTrigger, condition: Int, _ injected: Injected, _ flags: [String], into sink: inout FactBuffer
  ) {
    // How long the output of a tool is may be said beside it.
    if trigger.name == "length", toolBranches().contains(where: { $0.contains(tree[condition].start) }) { return }
    let literals = trigger.literals.filter { $0.unicodeScalars.contains { !$0.properties.isWhitespace } }
    let text = injected.without(literals)
    var flags = flags + injected.flags(text)
    if !literals.isEmpty, literals.allSatisfy(PlainText.isMark) { flags.append("mark") }
    let value = literals.map { String($0.unicodeScalars.prefix(80)) }.joined(separator: ", ")
    state(
      TemplateFact(
        .condition, [trigger.name], expression: excerpt(condition), value: String(value.unicodeScalars.prefix(240)),
        injects: String(text.unicodeScalars.prefix(Self.injectLimit)), words: PlainText.words(text),
        number: trigger.name.hasPrefix("variable.") ? injected.longest : trigger.numbers.max(), flags: flags),
      at: condition, into: &sink)
  }

  // MARK: What is put out

  struct Injected {
    var text = ""
    var hasInput = false
    /// Words of the longest of the texts that it is put together from.
    var longest = 0

    /// What is left of it without the texts that are asked for: a switch that is passed on says nothing new.
    func without(_ literals: [String]) -> String {
      literals.reduce(text) { rest, literal in
        let plain = PlainText.plain(literal)
        return plain.utf8.count < 4 ? rest : JinjaFormatting.replace(rest, plain, " ")
      }
    }

    func flags(_ text: String) -> [String] {
      var found: [String] = []
      if text.contains("://") { found.append("link") }
      if text.contains("system"), text.contains("<") { found.append("system") }
      if hasInput { found.append("input") }
      return found
    }
  }

  /// Texts of the template's own that the nodes put out or set, at most 16 KB of them. What comes from the inputs, or from
  /// a name that may, is none of them.
  mutating func injected(in nodes: [Int]) -> Injected {
    var text = ""
    var longest = 0
    var waiting = Array(nodes.reversed())
    var hasInput = false
    // What a macro puts out around a question it puts out whatever the answer is: asked again, it says nothing new.
    var macros = nodes.first.map { names.macros(around: tree[$0].start, in: tree) } ?? []
    var budget = 1 << 14
    while let index = waiting.popLast(), text.utf8.count < 1 << 14, budget > 0, visitsLeft > 0 {
      budget -= 1
      visitsLeft -= 1
      let node = tree[index]
      switch node.kind {
      case .data, .string:
        text += node.text
        longest = max(longest, PlainText.words(PlainText.plain(node.text)))
      case .comment, .jump, .macro, .load, .missing, .constant, .number: break
      case .branches:
        let bodies = node.children.indices.filter { !$0.isMultiple(of: 2) || $0 == node.children.count - 1 }
        waiting += bodies.map { node.children[$0] }.reversed()
      case .loop: waiting += node.children.dropFirst(2).prefix(2).reversed()
      case .set, .setBlock: waiting += node.children.dropFirst()
      case .conditional: waiting += [node.children.dropFirst(2).first, node.children.first].compactMap(\.self)
      case .body, .output, .with, .block, .tag, .filterBlock, .callBlock, .list, .tuple, .dict:
        waiting += node.children.reversed()
      case .chain where node.operators.allSatisfy({ ["+", "~", "*", "and", "or"].contains($0) }):
        waiting += node.children.reversed()
      default:
        let inputs = reads.read(index)
        if !inputs.isEmpty { hasInput = true }
        if let name = macroCalled(by: node), macros.insert(name).inserted, let macro = names.macros[name] {
          waiting.append(macro.body)
        } else if inputs.isEmpty {
          for value in meaning.value(index).values {
            text += Self.text(of: value) + " "
            longest = max(longest, PlainText.words(PlainText.plain(Self.text(of: value))))
          }
        } else if node.kind == .postfix, let base = node.children.first {
          // `['', 'text'][x in y]`, `'text' if …|trim`
          waiting.append(base)
        }
      }
    }
    return Injected(text: PlainText.plain(text), hasInput: hasInput, longest: longest)
  }

  private static func text(of value: JinjaMeaning.Value) -> String {
    switch value {
    case .text(let text): text
    case .list(let items):
      items.compactMap { if case .text(let text) = $0 { text } else { nil } }.joined(separator: " ")
    case .dict(let pairs): pairs.compactMap(\.value.text).joined(separator: " ")
    default: ""
    }
  }

  private func macroCalled(by node: JinjaNode) -> String? {
    guard node.kind == .postfix, node.children.count > 1, tree[node.children[0]].kind == .name,
      tree[node.children[1]].kind == .call, names.macros[tree[node.children[0]].text] != nil
    else { return nil }
    return tree[node.children[0]].text
  }

  mutating func has(_ kind: JinjaNode.Kind, in index: Int) -> Bool {
    var waiting = [index]
    var budget = 2048
    while let at = waiting.popLast(), budget > 0, visitsLeft > 0 {
      budget -= 1
      visitsLeft -= 1
      if tree[at].kind == kind, kind != .jump || tree[at].text != "debug" { return true }
      if tree[at].kind != .loop { waiting += tree[at].children }
    }
    return false
  }
}
