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
  let known: Set<[UInt8]>
  /// The tool that every conversation has, for a template that takes none without.
  var ownTool: String?
  static let anyTool = "lookup_thing"
  /// Whether the last rendering was refused.
  var isRefused = false
  /// What a rendering ran into.
  var excess: JinjaRun.Stop?

  static let stepsOfOne = 60_000
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

  static let brought =
    "role content type text March Tuesday November Friday True False None undefined lookup_thing function string object "
    + "Looks thing name description parameters properties required"

  // MARK: Rendering

  enum Style { case text, parts }

  /// What the template writes; nil when it cannot be rendered.
  mutating func render(
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

  mutating func render(
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

  static func tool(named name: String) -> RenderValue {
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
  mutating func rendered() -> [Finding]? {
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

  func exceeded() -> [Finding] {
    guard let excess else { return [] }
    let name = excess == .tooLarge ? "large" : "long"
    return [Finding(names: ["size." + name], value: "a conversation of four lines", injects: "", words: 0)]
  }

  /// Nothing that was said is there, but something made of it.
  func altered(_ messages: [Message], _ text: String) -> Finding? {
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

  mutating func look(at messages: [Message], _ base: String, _ style: Style) -> [Finding] {
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
  static func talk(of count: Int) -> [Message] {
    (0..<count).map { number in
      let isAsked = number.isMultiple(of: 2)
      return Message(role: isAsked ? "user" : "assistant", content: "\(isAsked ? second : answer) (part \(number))")
    }
  }

  /// Words of the template's own behind and between the messages. What stands before the first is a system prompt.
  func prose(_ messages: [Message], _ text: String) -> [Finding] {
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
  func oddGap(_ messages: [Message], _ text: String) -> Finding? {
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
  func unwritten(_ text: String, _ messages: [Message]) -> [String] {
    var own = known
    for message in messages { own.formUnion(Self.letters(message.content + " " + message.role)) }
    var found: [[UInt8]] = []
    for word in Self.letters(text) where word.count > 3 && !own.contains(word) && found.count < 64 {
      if !found.contains(word) { found.append(word) }
    }
    return found.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Runs of letters, in lower case.
  static func letters(_ text: String) -> [[UInt8]] {
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

  /// Messages that are not there as they were said.
  func lost(_ messages: [Message], _ text: String) -> [Finding] {
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
  func marks(_ messages: [Message], _ text: String) -> [(role: String, mark: String)] {
    var marks: [(role: String, mark: String)] = []
    var rest = text
    for message in messages {
      guard let range = rest.range(ofPart: Self.folded(message.content)) else { continue }
      marks.append((message.role, String(rest[..<range.lowerBound])))
      rest = String(rest[range.upperBound...])
    }
    return marks
  }

  func roles(_ messages: [Message], _ text: String) -> [Finding] {
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

  static func word(_ word: String, in text: String) -> Bool {
    guard let range = text.range(ofPart: word) else { return false }
    let before = text[..<range.lowerBound].last
    let after = text[range.upperBound...].first
    return !(before?.isLetter ?? false) && !(after?.isLetter ?? false)
  }

  /// What stands right before what a role says.
  func roleMarks(_ messages: [Message], _ text: String) -> [String: String] {
    var known: [String: String] = [:]
    for (place, entry) in marks(messages, text).enumerated() where place > 0 && known[entry.role] == nil {
      let mark = String(entry.mark.unicodeScalars.suffix(20))
      known[entry.role] = mark.split(separator: " ").last.map(String.init) ?? ""
    }
    return known
  }

  /// Turns that nobody took: the mark of a role stands more often than there are messages of it.
  func turns(_ messages: [Message], _ text: String, _ known: [String: String]) -> [Finding] {
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
}

extension String {
  func holds(_ part: String) -> Bool { part.isEmpty || range(ofPart: part) != nil }
}
