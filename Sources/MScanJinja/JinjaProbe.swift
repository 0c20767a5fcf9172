import MScanBytes
import MScanFacts

/// Renders made-up conversations and looks at what became of them: whether everything that was said is there, under the
/// role of who said it, and nothing else; whether a word, a length or a day changes more than itself.
///
/// It sees what a template does however it is written. What it cannot render it says nothing of.
struct JinjaProbe {
  struct Message {
    var role: String
    var content: String
  }

  /// What was seen: the fact's names, and words for people.
  struct Finding {
    var names: [String]
    var value: String
    var injects: String
    var words: Int
  }

  let tree: JinjaTree
  /// Texts of the template that a message may be held against, and numbers of messages.
  let words: [String]
  let counts: [Int]
  /// Texts that the name of a tool is held against, and signs that a message is.
  let toolNames: [String]
  let signs: [String]
  /// Whether the template does more with what is said than to write it.
  let inspects: Bool
  /// Steps of all renderings together.
  var stepsLeft: Int
  /// Words that stand in the template, or that the renderer brings.
  private let known: Set<[UInt8]>
  /// The tool that every conversation has, for a template that takes none without.
  private var ownTool: String?
  private static let anyTool = "lookup_thing"
  /// Whether the last rendering was refused.
  private var isRefused = false
  /// What a rendering ran into.
  private var excess: JinjaRun.Stop?

  private static let stepsOfOne = 60_000
  static let system = "Stay within the garden rules; item 7 applies."
  static let first = """
    Do not delete 12 files from https://example.org/a/b?x=1&y=2 when 3 != 4 (see "notes", line 5).
    The cost is $9.50 - fine, 'as is'.

    Second paragraph of the first question?
    """
  static let answer = "The first answer has 2 parts, and neither is final."
  static let second = "Then rename the green folder to blue: it is no longer 8 weeks old, please"

  init(
    _ tree: JinjaTree, words: [String], counts: [Int], toolNames: [String], signs: [String], inspects: Bool, steps: Int
  ) {
    self.tree = tree
    self.words = words
    self.counts = counts
    self.toolNames = toolNames
    self.signs = signs
    self.inspects = inspects
    stepsLeft = steps
    var known = Set(Self.letters(Self.brought))
    for node in tree.nodes where node.kind == .data || node.kind == .string { known.formUnion(Self.letters(node.text)) }
    self.known = known
  }

  private static let brought =
    "role content type text March Tuesday November Friday True False None undefined lookup_thing function string object "
    + "Looks thing name description parameters properties required"

  // MARK: Rendering

  private enum Style { case text, parts }

  /// What the template writes; nil when it cannot be rendered.
  private mutating func render(
    _ messages: [Message], _ style: Style, day: Int = 0, pick: Int = 0, date: String? = nil, tool: String? = nil
  ) -> String? {
    guard stepsLeft > Self.stepsOfOne else { return nil }
    let said = messages.map { message -> RenderValue in
      let content: RenderValue =
        style == .text
        ? .text(message.content)
        : .list([.dict([("type", .text("text")), ("text", .text(message.content))])])
      return .dict([("role", .text(message.role)), ("content", content)])
    }
    return render(said, day: day, pick: pick, date: date, tool: tool)
  }

  private mutating func render(
    _ said: [RenderValue], day: Int = 0, pick: Int = 0, date: String? = nil, tool: String? = nil
  ) -> String? {
    guard stepsLeft > Self.stepsOfOne else { return nil }
    let inputs: [String: RenderValue] = [
      "messages": .list(said), "add_generation_prompt": .bool(true), "bos_token": .text("<s>"),
      "eos_token": .text("</s>"), "pad_token": .text("<pad>"), "unk_token": .text("<unk>"), "documents": .none,
      "tools": (tool ?? ownTool).map { .list([Self.tool(named: $0)]) } ?? .none,
    ]
    var run = JinjaRun(tree, steps: Self.stepsOfOne, inputs: inputs)
    run.day = day
    run.pick = pick
    run.date = date
    isRefused = false
    defer { stepsLeft -= Self.stepsOfOne - max(0, run.stepsLeft) }
    do throws(JinjaRun.Stop) {
      return try run.render()
    } catch {
      if error == .tooLarge || error == .tooLong { excess = error }
      isRefused = error == .refused
      return nil
    }
  }

  private static func tool(named name: String) -> RenderValue {
    .dict([
      ("type", .text("function")),
      (
        "function",
        .dict([
          ("name", .text(name)), ("description", .text("Looks a thing up.")),
          (
            "parameters",
            .dict([("type", .text("object")), ("properties", .dict([])), ("required", .list([]))])
          ),
        ])
      ),
    ])
  }

  /// Runs of blanks as one: templates trim and fold them.
  static func folded(_ text: String) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(text.utf8.count)
    var isOpen = false
    for byte in text.utf8 {
      if byte == 0x20 || (9...13).contains(byte) {
        isOpen = !out.isEmpty
        continue
      }
      if isOpen { out.append(0x20) }
      isOpen = false
      out.append(byte)
    }
    return String(decoding: out, as: UTF8.self)
  }

  // MARK: Looking

  mutating func findings() -> [Finding] {
    for tool in [nil, Self.anyTool] {
      ownTool = tool
      if let found = rendered() { return found + exceeded() }
    }
    return exceeded()
  }

  /// Nil when no conversation can be rendered so that it is known again.
  private mutating func rendered() -> [Finding]? {
    let whole = [
      Message(role: "system", content: Self.system), Message(role: "user", content: Self.first),
      Message(role: "assistant", content: Self.answer), Message(role: "user", content: Self.second),
    ]
    for style in [Style.text, .parts] {
      for messages in [whole, Array(whole.dropFirst()), [whole[3]]] {
        guard let text = render(messages, style) else { continue }
        let base = Self.folded(text)
        guard messages.contains(where: { base.holds(Self.folded($0.content)) }) else {
          if style == .text, let finding = altered(messages, base) { return [finding] }
          continue
        }
        return look(at: messages, base, style)
      }
    }
    return nil
  }

  private func exceeded() -> [Finding] {
    guard let excess else { return [] }
    let name = excess == .tooLarge ? "large" : "long"
    return [Finding(names: ["size." + name], value: "a conversation of four lines", injects: "", words: 0)]
  }

  /// Nothing that was said is there, but something made of it.
  private func altered(_ messages: [Message], _ text: String) -> Finding? {
    for message in messages where message.role == "user" {
      let said = Array(Self.folded(message.content).unicodeScalars)
      let third = said.count / 3
      let parts = [said.prefix(third), said.suffix(third), said[third..<(2 * third)]].map {
        String(String.UnicodeScalarView($0))
      }
      let turned = String(String.UnicodeScalarView(said.reversed()))
      if parts.contains(where: { text.holds($0) }) || text.holds(turned) {
        return Finding(
          names: ["lost.user"], value: String(message.content.unicodeScalars.prefix(120)), injects: "", words: 0)
      }
    }
    return nil
  }

  private mutating func look(at messages: [Message], _ base: String, _ style: Style) -> [Finding] {
    var found = lost(messages, base)
    found += roles(messages, base)
    let exchange = Self.talk(of: 9)
    let marks = render(exchange, style).map { roleMarks(exchange, Self.folded($0)) } ?? roleMarks(messages, base)
    found += turns(messages, base, marks) + prose(messages, base)
    if !found.contains(where: { $0.names.first?.hasPrefix("lost.user") ?? false }) {
      found += variations(messages, base, style)
    }
    found += moments(messages, base, style)
    found += tools(messages, style) + toolUse() + answerRole(messages, base) + order(style) + parts()
    for count in [1, 9] + counts {
      let talk = Self.talk(of: count)
      guard let text = render(talk, style) else { continue }
      let folded = Self.folded(text)
      found += turns(talk, folded, marks) + lost(talk, folded) + prose(talk, folded)
    }
    var names: Set<[String]> = []
    return found.filter { names.insert($0.names).inserted }
  }

  /// Questions and answers in turn, a question last; of odd length.
  private static func talk(of count: Int) -> [Message] {
    (0..<count).map { number in
      let isAsked = number.isMultiple(of: 2)
      return Message(role: isAsked ? "user" : "assistant", content: "\(isAsked ? second : answer) (part \(number))")
    }
  }

  /// Words of the template's own behind and between the messages. What stands before the first is a system prompt.
  private func prose(_ messages: [Message], _ text: String) -> [Finding] {
    var gaps = marks(messages, text).dropFirst().map(\.mark)
    guard let last = messages.last, let end = text.range(ofPart: Self.folded(last.content)) else { return [] }
    var found: [Finding] = []
    gaps.append(String(text[end.upperBound...]))
    for gap in gaps {
      let plain = PlainText.plain(gap)
      let words = PlainText.words(plain)
      guard words > 2 else { continue }
      if words > 5 {
        found.append(
          Finding(names: ["added.words"], value: "", injects: String(plain.unicodeScalars.prefix(300)), words: words))
      }
    }
    if let odd = oddGap(messages, text) { found.append(odd) }
    let unwritten = unwritten(text, messages)
    if unwritten.count > 1 {
      found.append(
        Finding(
          names: ["text.pieces"], value: unwritten.prefix(8).joined(separator: " "),
          injects: String(text.unicodeScalars.suffix(300)), words: unwritten.count))
    }
    return found
  }

  /// Words between two messages that are not between others of the same roles: their number decides.
  private func oddGap(_ messages: [Message], _ text: String) -> Finding? {
    let marks = marks(messages, text)
    guard marks.count == messages.count, marks.count > 4 else { return nil }
    var gaps: [String: [String]] = [:]
    // Before the first there is a system prompt, and before the last there may be a reminder.
    for place in 1..<(marks.count - 1) {
      gaps[marks[place - 1].role + " " + marks[place].role, default: []].append(PlainText.plain(marks[place].mark))
    }
    for same in gaps.sorted(by: { $0.key < $1.key }).map(\.value) where same.count > 1 {
      let counts = same.map { PlainText.words($0) }
      guard let least = counts.min(), let place = counts.firstIndex(where: { $0 > least + 2 }) else { continue }
      return Finding(
        names: ["trigger.shape"], value: "one of several in turn",
        injects: String(same[place].unicodeScalars.prefix(300)), words: counts[place])
    }
    return nil
  }

  /// Words that are put out and stand nowhere in the template: it puts them together from pieces.
  private func unwritten(_ text: String, _ messages: [Message]) -> [String] {
    var own = known
    for message in messages { own.formUnion(Self.letters(message.content + " " + message.role)) }
    var found: [[UInt8]] = []
    for word in Self.letters(text) where word.count > 3 && !own.contains(word) && found.count < 64 {
      if !found.contains(word) { found.append(word) }
    }
    return found.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Runs of letters, in lower case.
  private static func letters(_ text: String) -> [[UInt8]] {
    var found: [[UInt8]] = []
    var word: [UInt8] = []
    for byte in text.utf8 {
      // Letters of other scripts are bytes above those of ASCII.
      let lower = (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
      if (0x61...0x7a).contains(lower) || lower >= 0x80 {
        word.append(lower)
      } else if !word.isEmpty {
        found.append(word)
        word.removeAll(keepingCapacity: true)
      }
    }
    if !word.isEmpty { found.append(word) }
    return found
  }

  /// A tool whose name changes more than itself.
  private mutating func tools(_ messages: [Message], _ style: Style) -> [Finding] {
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
  private mutating func toolUse() -> [Finding] {
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

  /// Messages that are not there as they were said.
  private func lost(_ messages: [Message], _ text: String) -> [Finding] {
    var found: [Finding] = []
    for message in messages where !text.holds(Self.folded(message.content)) {
      found.append(
        Finding(
          names: ["lost." + message.role], value: String(message.content.unicodeScalars.prefix(120)), injects: "",
          words: 0))
    }
    return found
  }

  /// What stands before each message, from the end of the one before.
  private func marks(_ messages: [Message], _ text: String) -> [(role: String, mark: String)] {
    var marks: [(role: String, mark: String)] = []
    var rest = text
    for message in messages {
      guard let range = rest.range(ofPart: Self.folded(message.content)) else { continue }
      marks.append((message.role, String(rest[..<range.lowerBound])))
      rest = String(rest[range.upperBound...])
    }
    return marks
  }

  private func roles(_ messages: [Message], _ text: String) -> [Finding] {
    guard messages.count > 2 else { return [] }
    var found: [Finding] = []
    for (role, mark) in marks(messages, text) where role == "user" {
      let near = String(mark.unicodeScalars.suffix(24)).lowercased()
      guard Self.word("system", in: near),
        !["user", "human", "inst", "question", "input"].contains(where: { near.holds($0) })
      else { continue }
      found.append(Finding(names: ["role.user"], value: near, injects: "", words: 0))
    }
    return found
  }

  /// The answer that is asked for, under the role of the system.
  private func answerRole(_ messages: [Message], _ text: String) -> [Finding] {
    guard let last = messages.last, let range = text.range(ofPart: Self.folded(last.content)) else { return [] }
    let tail = String(text[range.upperBound...].unicodeScalars.suffix(24)).lowercased()
    guard Self.word("system", in: tail), !["assistant", "model", "bot", "ai"].contains(where: { tail.holds($0) }) else {
      return []
    }
    return [Finding(names: ["role.answer"], value: tail, injects: "", words: 0)]
  }

  /// Messages in another order than they were said in, or once where they were said twice.
  private mutating func order(_ style: Style) -> [Finding] {
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
  private mutating func parts() -> [Finding] {
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
    if let text = render(said([part(Self.second), part(Self.answer)])).map({ Self.folded($0) }), text.holds(Self.second),
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

  private static func word(_ word: String, in text: String) -> Bool {
    guard let range = text.range(ofPart: word) else { return false }
    let before = text[..<range.lowerBound].last
    let after = text[range.upperBound...].first
    return !(before?.isLetter ?? false) && !(after?.isLetter ?? false)
  }

  /// What stands right before what a role says.
  private func roleMarks(_ messages: [Message], _ text: String) -> [String: String] {
    var known: [String: String] = [:]
    for (place, entry) in marks(messages, text).enumerated() where place > 0 && known[entry.role] == nil {
      let mark = String(entry.mark.unicodeScalars.suffix(20))
      known[entry.role] = mark.split(separator: " ").last.map(String.init) ?? ""
    }
    return known
  }

  /// Turns that nobody took: the mark of a role stands more often than there are messages of it.
  private func turns(_ messages: [Message], _ text: String, _ known: [String: String]) -> [Finding] {
    guard let answer = known["assistant"], let asked = known["user"], answer != asked,
      answer.unicodeScalars.count > 4, asked.unicodeScalars.count > 2, answer.contains(where: \.isLetter)
    else { return [] }
    // Without what was said, and without the default system prompt, which may speak of anything.
    var rest = text
    for message in messages { rest = rest.parts(between: Self.folded(message.content)).joined(separator: " ") }
    func more(_ mark: String, than expected: Int) -> Finding? {
      let count = rest.parts(between: mark).count - 1
      guard count > expected else { return nil }
      return Finding(
        names: ["added.turn"], value: "\(count - expected) more of '\(mark)'",
        injects: String(rest.unicodeScalars.suffix(200)), words: PlainText.words(PlainText.plain(rest)))
    }
    func said(by role: String) -> Int { messages.filter { $0.role == role }.count }
    // The answer that is asked for has its mark already.
    if let found = more(answer, than: said(by: "assistant") + 1) { return [found] }
    // What the system says is a question to some.
    guard asked.unicodeScalars.count > 4, asked.contains(where: \.isLetter), said(by: "system") == 0 else { return [] }
    return more(asked, than: said(by: "user")).map { [$0] } ?? []
  }

  // MARK: What changes with what

  /// Words and shapes of the last message that change more than themselves.
  private mutating func variations(_ messages: [Message], _ base: String, _ style: Style) -> [Finding] {
    guard let last = messages.last, base.holds(Self.folded(last.content)) else { return [] }
    var found: [Finding] = []
    for word in words {
      let content = "\(word) \(last.content) \(word)"
      if let finding = compare(messages, base, style, content) ?? compare(messages, base, style, word)
        ?? compareFirst(messages, base, style, word)
      {
        found.append(Finding(names: ["trigger.word"], value: word, injects: finding.text, words: finding.words))
        break
      }
    }
    guard inspects else { return found }
    let shapes = [
      last.content.uppercased(), Array(repeating: last.content, count: 30).joined(separator: ". "),
      "7 " + last.content + "?", "42",
      "yes", "# " + last.content + "!", "Grüße aus Köln. 你好！ Привет 😀 " + last.content,
      last.content + " See https://example.org/a?b=1 or www.example.org", "Why? How? When? And who? " + last.content,
      "<p>A <b>bold</b> word.</p> " + last.content,
    ] + signs.flatMap { [$0 + " " + last.content, last.content + $0] }
    for content in shapes {
      if let finding = compare(messages, base, style, content) {
        found.append(
          Finding(
            names: ["trigger.shape"], value: String(content.unicodeScalars.prefix(60)), injects: finding.text,
            words: finding.words))
        break
      }
    }
    return found
  }

  /// What is there besides the other content; nil when only that has changed.
  private mutating func compare(
    _ messages: [Message], _ base: String, _ style: Style, _ content: String
  ) -> (text: String, words: Int)? {
    guard let last = messages.last else { return nil }
    var other = messages
    other[other.count - 1].content = content
    guard let text = render(other, style) else { return isRefused ? ("the conversation is refused", 3) : nil }
    let seen = Self.folded(text)
    let said = Self.folded(content)
    let expected = base.parts(between: Self.folded(last.content)).joined(separator: said)
    if seen == expected { return nil }
    if !seen.holds(said) { return ("the message is no longer there", 3) }
    return difference(expected, seen)
  }

  /// The same for a word in the first question.
  private mutating func compareFirst(
    _ messages: [Message], _ base: String, _ style: Style, _ word: String
  ) -> (text: String, words: Int)? {
    guard let place = messages.firstIndex(where: { $0.role == "user" }), place < messages.count - 1 else { return nil }
    let said = Self.folded(messages[place].content)
    guard base.holds(said) else { return nil }
    var other = messages
    other[place].content = "\(word) \(messages[place].content) \(word)"
    guard let text = render(other, style) else { return nil }
    let expected = base.parts(between: said).joined(separator: Self.folded(other[place].content))
    return difference(expected, Self.folded(text))
  }

  /// Words of prose that are in one text and not in the other.
  private func difference(_ expected: String, _ seen: String) -> (text: String, words: Int)? {
    var left: [Substring: Int] = [:]
    for word in expected.split(separator: " ") { left[word, default: 0] += 1 }
    var extra: [Substring] = []
    for word in seen.split(separator: " ") {
      if let count = left[word], count > 0 { left[word] = count - 1 } else { extra.append(word) }
    }
    let missing = left.values.reduce(0, +)
    let gone = left.filter { $0.value > 0 }.keys.sorted().joined(separator: " ")
    let text = extra.joined(separator: " ")
    let words = PlainText.words(PlainText.plain(text))
    if words > 2 { return (String(text.unicodeScalars.prefix(300)), words) }
    let lost = PlainText.words(PlainText.plain(gone))
    return missing > 4 || lost > 4 ? ("\(missing) words are no longer there", max(missing, lost)) : nil
  }

  /// The day and chance.
  private mutating func moments(_ messages: [Message], _ base: String, _ style: Style) -> [Finding] {
    var found: [Finding] = []
    for text in dates() {
      guard let rendered = render(messages, style, date: text) else { continue }
      guard let other = difference(base, Self.folded(rendered)), other.words > 2 else { continue }
      found.append(Finding(names: ["trigger.date"], value: text, injects: other.text, words: other.words))
      break
    }
    for day in 1..<JinjaRun.days where asksDate {
      guard let text = render(messages, style, day: day), let other = difference(base, Self.folded(text)),
        other.words > 4
      else { continue }
      found.append(Finding(names: ["trigger.date"], value: "another day", injects: other.text, words: other.words))
      break
    }
    if asksChance, let text = render(messages, style, pick: 1), let other = difference(base, Self.folded(text)) {
      found.append(Finding(names: ["trigger.random"], value: "chance", injects: other.text, words: other.words))
    }
    return found
  }

  private var asksDate: Bool { tree.nodes.contains { $0.kind == .name && $0.text == "strftime_now" } }
  private var asksChance: Bool { tree.nodes.contains { $0.kind == .filter && $0.text == "random" } }

  /// Texts of the template that may be a day, and the first numbers of months.
  private func dates() -> [String] {
    guard asksDate else { return [] }
    var found: [String] = []
    for node in tree.nodes where node.kind == .string && found.count < 16 {
      let text = node.text
      guard (2...12).contains(text.utf8.count), text.contains(where: \.isNumber),
        text.allSatisfy({ $0.isNumber || "-/. :".contains($0) }), !found.contains(text)
      else { continue }
      found.append(text)
    }
    return found + ["1", "04", "12"]
  }
}

extension String {
  fileprivate func holds(_ part: String) -> Bool { part.isEmpty || range(ofPart: part) != nil }
}

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
    comparedTexts { names("name", in: $0) }.filter { text in text.utf8.count > 2 && text.allSatisfy { $0.isLetter || $0.isNumber || "_-.".contains($0) } }
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
      (1...3).contains(text.unicodeScalars.count) && !text.contains { $0.isLetter || $0.isWhitespace || "<>[]{}|".contains($0) }
    }
  }

  /// Texts of comparisons, each once; up to twelve.
  private func comparedTexts(_ chains: Set<Int>? = nil, where isWanted: (JinjaNode) -> Bool) -> [String] {
    var found: [String] = []
    for index in tree.nodes.indices where tree[index].kind == .chain && chains?.contains(index) ?? true {
      let node = tree[index]
      guard node.operators.contains(where: { ["==", "!=", "in", "not in"].contains($0) }), isWanted(node) else { continue }
      for child in node.children {
        let texts = tree[child].kind == .string ? [child] : [.list, .tuple].contains(tree[child].kind) ? tree[child].children : []
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
        let isOfInput = read.contains {
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
