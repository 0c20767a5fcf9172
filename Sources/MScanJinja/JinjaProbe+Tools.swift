/// What tools are asked and answer, what messages hold besides text, and the order that they stand in.
extension JinjaProbe {
  /// A tool whose name changes more than itself.
  mutating func tools(_ messages: [Message], _ style: Style) -> [Finding] {
    let stand = Self.anyTool
    guard let text = render(messages, style, tool: stand) else { return [] }
    let base = Self.folded(text)
    for word in toolNames {
      guard let other = render(messages, style, tool: word) else { continue }
      let expected = base.parts(between: stand).joined(separator: word)
      if let found = difference(expected, Self.folded(other)) {
        return [Finding(names: ["trigger.tool"], value: word, injects: found.text, words: found.words)]
      }
    }
    return []
  }

  private static let toolAnswer = """
    The shed holds 31 green pots; error 7 was met with none of them, and no warning. All were counted twice from the left \
    to the right, and once more from behind, before the door was closed.
    """
  private static let place = "green shed at the lake"

  /// What a tool was asked and what it answered, where the template writes such messages: whether both are there, and
  /// the answer under no other role.
  mutating func toolUse() -> [Finding] {
    let strings = tree.nodes.filter { $0.kind == .string || $0.kind == .attribute }.map(\.text)
    guard strings.contains("tool") || strings.contains("tool_calls") else { return [] }
    let call = RenderValue.dict([
      ("id", .text("call00001")), ("type", .text("function")),
      (
        "function",
        .dict([("name", .text(Self.anyTool)), ("arguments", .dict([("place", .text(Self.place))]))])
      ),
    ])
    func said(_ role: String, _ content: String, _ more: [(key: String, value: RenderValue)] = []) -> RenderValue {
      .dict([("role", .text(role)), ("content", .text(content))] + more)
    }
    let talk = [
      said("user", Self.second), said("assistant", "", [("tool_calls", .list([call]))]),
      said("tool", Self.toolAnswer, [("name", .text(Self.anyTool)), ("tool_call_id", .text("call00001"))]),
      said("assistant", Self.answer), said("user", Self.second),
    ]
    guard let text = render(talk, tool: Self.anyTool).map({ Self.folded($0) }), text.holds(Self.answer) else {
      return []
    }
    var found: [Finding] = []
    // Where neither is written, the template knows of no tools, and drops both alike.
    let isAsked = text.parts(between: Self.place).count > 1
    let isAnswered = text.holds(Self.toolAnswer)
    // Or it writes that a tool has spoken, and something else for what it said.
    let isTurn = !isAnswered && ownTool == nil && (render(talk).map { Self.word("tool", in: Self.folded($0)) } ?? false)
    if strings.contains("tool"), isAsked || isTurn, !isAnswered {
      found.append(Finding(names: ["lost.tool"], value: Self.toolAnswer, injects: "", words: 0))
    }
    if strings.contains("tool_calls"), isAnswered, text.holds(Self.anyTool), !isAsked {
      found.append(Finding(names: ["lost.call"], value: Self.place, injects: "", words: 0))
    }
    if isAnswered, let range = text.range(ofPart: Self.toolAnswer) {
      let near = String(text[..<range.lowerBound].unicodeScalars.suffix(24)).lowercased()
      if Self.word("system", in: near), !near.holds("tool") {
        found.append(Finding(names: ["role.tool"], value: near, injects: "", words: 0))
      }
    }
    return found
  }

  /// The answer that is asked for, under the role of the system.
  func answerRole(_ messages: [Message], _ text: String) -> [Finding] {
    guard let last = messages.last, let range = text.range(ofPart: Self.folded(last.content)) else { return [] }
    let tail = String(text[range.upperBound...].unicodeScalars.suffix(24)).lowercased()
    guard Self.word("system", in: tail), !["assistant", "model", "bot", "ai"].contains(where: { tail.holds($0) }) else {
      return []
    }
    return [Finding(names: ["role.answer"], value: tail, injects: "", words: 0)]
  }

  /// Messages in another order than they were said in, or once where they were said twice.
  mutating func order(_ style: Style) -> [Finding] {
    let talk = Self.talk(of: 5)
    if let text = render(talk, style).map({ Self.folded($0) }) {
      let places = talk.compactMap { text.range(ofPart: Self.folded($0.content))?.lowerBound }
      if places.count == talk.count, places != places.sorted() {
        return [Finding(names: ["order"], value: "five messages", injects: "", words: 0)]
      }
    }
    let same = [talk[0], talk[1], talk[0]]
    guard let text = render(same, style).map({ Self.folded($0) }) else { return [] }
    let times = text.parts(between: Self.folded(talk[0].content)).count - 1
    return times == 1 ? [Finding(names: ["order"], value: "a question that is asked twice", injects: "", words: 0)] : []
  }

  /// What stands with a picture, and with the second part of a message.
  mutating func parts() -> [Finding] {
    func said(_ parts: [RenderValue]) -> [RenderValue] {
      [.dict([("role", .text("user")), ("content", .list(parts))])]
    }
    func part(_ text: String) -> RenderValue { .dict([("type", .text("text")), ("text", .text(text))]) }
    let picture = RenderValue.dict([("type", .text("image"))])
    let strings = Set(tree.nodes.filter { $0.kind == .string || $0.kind == .attribute }.map(\.text))
    guard strings.contains("text") || strings.contains("image"),
      let plain = render(said([part(Self.second)])).map({ Self.folded($0) }), plain.holds(Self.second)
    else { return [] }
    var found: [Finding] = []
    if let text = render(said([part(Self.second), part(Self.answer)])).map({ Self.folded($0) }),
      text.holds(Self.second),
      !text.holds(Self.answer)
    {
      found.append(Finding(names: ["lost.user"], value: "the second part of a message", injects: "", words: 0))
    }
    if let text = render(said([picture, part(Self.second)])).map({ Self.folded($0) }), text.holds(Self.second),
      let other = difference(plain, text), other.words > 4
    {
      found.append(Finding(names: ["trigger.shape"], value: "a picture", injects: other.text, words: other.words))
    }
    return found
  }
}
