import MScanBytes

/// What changes with a word, a form, a day or chance besides itself.
extension JinjaProbe {
  /// Words and shapes of the last message that change more than themselves.
  mutating func variations(_ messages: [Message], _ base: String, _ style: Style) -> [Finding] {
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
    let shapes =
      [
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
  mutating func compare(
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
  mutating func compareFirst(
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
  func difference(_ expected: String, _ seen: String) -> (text: String, words: Int)? {
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
  mutating func moments(_ messages: [Message], _ base: String, _ style: Style) -> [Finding] {
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

  var asksDate: Bool { tree.nodes.contains { $0.kind == .name && $0.text == "strftime_now" } }
  var asksChance: Bool { tree.nodes.contains { $0.kind == .filter && $0.text == "random" } }

  /// Texts of the template that may be a day, and the first numbers of months.
  func dates() -> [String] {
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
