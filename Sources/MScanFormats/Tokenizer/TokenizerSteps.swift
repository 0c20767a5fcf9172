import MScanBytes
import MScanFacts

/// The steps of a tokenizer that change text: what they take out, what they put in, and the patterns they go by. Source:
/// the `tokenizers` library, `src/normalizers`, `src/pre_tokenizers`, `src/processors` and `src/decoders`.
extension TokenizerReader {
  /// A step, and what is needed to tell of it.
  private struct Step {
    let tree: JSONTree
    let node: Int
    /// `normalizer.Replace`.
    let scope: String
  }

  mutating func readSteps(
    _ tree: JSONTree, _ part: String, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    for node in tree.nodes.indices where tree.nodes[node].token.kind == .beginObject {
      guard let type = tree.text(tree.member("type", of: node, bytes), bytes, limit: 64) else { continue }
      read(Step(tree: tree, node: node, scope: part + "." + type), type, bytes, into: &sink)
    }
  }

  private mutating func read(_ step: Step, _ type: String, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    switch type {
    case "Replace": readReplace(step, bytes, into: &sink)
    case "Prepend": inserted("prepend", step, bytes, into: &sink)
    case "Append": inserted("append", step, bytes, into: &sink)
    case "Metaspace": inserted("replacement", step, bytes, into: &sink)
    case "Split": readSplit(step, bytes, into: &sink)
    case "CharDelimiterSplit": removed("delimiter", step, bytes, into: &sink)
    case "Strip": removed("content", step, bytes, into: &sink)
    case "WordPiece": removed("prefix", step, bytes, into: &sink)
    case "BPEDecoder": removed("suffix", step, bytes, into: &sink)
    case "CTC":
      removed("pad_token", step, bytes, into: &sink)
      removed("word_delimiter_token", step, bytes, into: &sink)
    case "TemplateProcessing": readTemplate(step, bytes, into: &sink)
    case "BertProcessing", "RobertaProcessing":
      checkPair("cls", step, bytes, into: &sink)
      checkPair("sep", step, bytes, into: &sink)
    case "Precompiled":
      readCharacterMap(step.tree.member("precompiled_charsmap", of: step.node, bytes), step.tree, bytes, into: &sink)
    default: break
    }
  }

  // MARK: Replacing

  private mutating func readReplace(_ step: Step, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    let contentNode = step.tree.member("content", of: step.node, bytes)
    let content = step.tree.text(contentNode, bytes) ?? ""
    if let found = pattern(step, bytes) {
      let text = step.tree.text(found.node, bytes) ?? ""
      let shape = found.isRegex ? RegexShape(text) : nil
      if let shape { check(shape, text, at: range(found.node, step), step, bytes, into: &sink) }
      token(
        TokenFact(
          role: "replaced", text: text, with: content, scope: step.scope, isPattern: found.isRegex,
          literal: shape?.literal),
        at: range(found.node, step), bytes, into: &sink)
    }
    guard let contentNode, !content.isEmpty else { return }
    token(
      TokenFact(role: "inserted", text: content, scope: step.scope), at: range(contentNode, step), bytes, into: &sink)
  }

  /// `{"String": " "}`, `{"Regex": "\\s+"}`, or a bare string.
  private func pattern(_ step: Step, _ bytes: Span<UInt8>) -> (node: Int, isRegex: Bool)? {
    guard let pattern = step.tree.member("pattern", of: step.node, bytes) else { return nil }
    if let regex = step.tree.member("Regex", of: pattern, bytes) { return (regex, true) }
    return (step.tree.member("String", of: pattern, bytes) ?? pattern, false)
  }

  private mutating func readSplit(_ step: Step, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    guard let found = pattern(step, bytes), let text = step.tree.text(found.node, bytes) else { return }
    let shape = found.isRegex ? RegexShape(text) : nil
    if let shape { check(shape, text, at: range(found.node, step), step, bytes, into: &sink) }
    let behavior = step.tree.text(step.tree.member("behavior", of: step.node, bytes), bytes, limit: 32)
    let isInverted = step.tree.member("invert", of: step.node, bytes)
      .map { step.tree.nodes[$0].token.kind == .trueWord }
    // An inverted pattern says what stays.
    guard behavior == "Removed", isInverted != true else { return }
    token(
      TokenFact(
        role: "removed", text: text, scope: step.scope, isPattern: found.isRegex, literal: shape?.literal),
      at: range(found.node, step), bytes, into: &sink)
  }

  private mutating func check(
    _ shape: RegexShape, _ text: String, at range: ByteRange, _ step: Step, _ bytes: Span<UInt8>,
    into sink: inout FactBuffer
  ) {
    guard let flaw = shape.flaw else { return }
    note(
      "tokenizer.\(flaw.rawValue)", range, field: step.scope, detail: String(text.prefix(200)), bytes, into: &sink)
  }

  // MARK: Putting in and taking out

  private mutating func inserted(
    _ field: StaticString, _ step: Step, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    state("inserted", field, step, bytes, into: &sink)
  }

  private mutating func removed(
    _ field: StaticString, _ step: Step, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    state("removed", field, step, bytes, into: &sink)
  }

  private mutating func state(
    _ role: String, _ field: StaticString, _ step: Step, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    let node = step.tree.member(field, of: step.node, bytes)
    guard let node, let text = step.tree.text(node, bytes), !text.isEmpty else { return }
    token(TokenFact(role: role, text: text, scope: step.scope), at: range(node, step), bytes, into: &sink)
  }

  // MARK: Templates

  /// What a template puts around every text: each mark stands for one token of that name.
  private mutating func readTemplate(_ step: Step, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    checkSequences("single", ["A"], step, bytes, into: &sink)
    checkSequences("pair", ["A", "B"], step, bytes, into: &sink)
    guard let table = step.tree.member("special_tokens", of: step.node, bytes) else { return }
    for entry in step.tree.children(of: table) {
      guard let key = step.tree.nodes[entry].key else { continue }
      let name = JSONText.string(bytes, key, limit: 4096)
      let tokens = step.tree.member("tokens", of: entry, bytes).map { step.tree.children(of: $0) } ?? []
      let ids = step.tree.member("ids", of: entry, bytes).map { step.tree.children(of: $0) } ?? []
      let texts = tokens.compactMap { step.tree.text($0, bytes) }
      if texts.joined() != name {
        note(
          "tokenizer.template-differs", range(entry, step), field: step.scope,
          detail: "'\(name.prefix(60))' stands for '\(texts.joined(separator: "' '").prefix(200))'", bytes, into: &sink)
      }
      for (number, node) in tokens.enumerated() {
        guard let text = step.tree.text(node, bytes) else { continue }
        let id = number < ids.count ? step.tree.integer(ids[number], bytes) : nil
        if !TokenizerReader.isPlainMark(step.tree.nodes[node].token, bytes) || input.interest.everything {
          token(
            TokenFact(role: "inserted", text: text, with: name, id: id, scope: step.scope), at: range(node, step),
            bytes, into: &sink)
        }
        check(text, id, at: range(number < ids.count ? ids[number] : node, step), step, bytes, into: &sink)
      }
    }
  }

  /// `["[SEP]", 102]`.
  private mutating func checkPair(
    _ field: StaticString, _ step: Step, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    guard let pair = step.tree.member(field, of: step.node, bytes) else { return }
    let parts = step.tree.children(of: pair)
    guard parts.count == 2, let text = step.tree.text(parts[0], bytes) else { return }
    if !TokenizerReader.isPlainMark(step.tree.nodes[parts[0]].token, bytes) || input.interest.everything {
      token(
        TokenFact(
          role: "inserted", text: text, with: text, id: step.tree.integer(parts[1], bytes), scope: step.scope),
        at: range(pair, step), bytes, into: &sink)
    }
    check(text, step.tree.integer(parts[1], bytes), at: range(pair, step), step, bytes, into: &sink)
  }

  /// A template without a place for what was said throws it away.
  private mutating func checkSequences(
    _ field: StaticString, _ wanted: [String], _ step: Step, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    guard let list = step.tree.member(field, of: step.node, bytes) else { return }
    let pieces = step.tree.children(of: list)
    guard !pieces.isEmpty else { return }
    let found = pieces.compactMap { piece in
      step.tree.member("Sequence", of: piece, bytes).flatMap {
        step.tree.text(step.tree.member("id", of: $0, bytes), bytes, limit: 8)
      }
    }
    for name in wanted where !found.contains(name) {
      note(
        "tokenizer.template-drops", range(list, step), field: step.scope,
        detail: "'\(field)' has no place for text \(name)", bytes, into: &sink)
    }
    let texts = found.filter { wanted.contains($0) }
    if texts.count > wanted.count {
      note(
        "tokenizer.template-repeats", range(list, step), field: step.scope,
        detail: "'\(field)' puts a text in \(texts.count) times for \(wanted.count)", bytes, into: &sink)
    } else if texts.count == wanted.count, texts != wanted, Set(texts) == Set(wanted) {
      note(
        "tokenizer.template-swaps", range(list, step), field: step.scope,
        detail: "'\(field)' puts the second text before the first", bytes, into: &sink)
    }
  }

  /// Holds the id that a mark is put in as against the id that it has.
  private mutating func check(
    _ text: String, _ id: Int?, at range: ByteRange, _ step: Step, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    let utf8 = Array(text.utf8)
    guard let id, let own = added.id(of: utf8) ?? vocabulary.id(of: utf8.span, bytes), own != id else { return }
    note(
      "tokenizer.template-id", range, field: step.scope,
      detail: "'\(text.prefix(60))' is put in as \(id), and is \(own) elsewhere", bytes, into: &sink)
  }

  private func range(_ node: Int, _ step: Step) -> ByteRange {
    guard step.tree.nodes.indices.contains(node) else { return ByteRange(0, 0) }
    return ByteRange(step.tree.nodes[node].token.start, step.tree.nodes[node].limit)
  }

  // MARK: Character maps

  private mutating func readCharacterMap(
    _ node: Int?, _ tree: JSONTree, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    guard let node, tree.nodes[node].token.kind == .string else { return }
    let token = tree.nodes[node].token
    var text: [UInt8] = []
    JSONText.decode(bytes, token, repairing: true, into: &text)
    let map = Base64.decode(text, limit: input.limits.heldBytes)
    guard !map.isEmpty else { return }
    let scope = "normalizer.Precompiled"
    let range = ByteRange(token.start, token.end)
    guard let map = CharacterMap(map) else {
      return note(
        "tokenizer.character-map", range, field: scope, detail: "the map of characters is broken", bytes, into: &sink)
    }
    for pair in map.rewrites {
      self.token(
        TokenFact(role: "replaced", text: pair.from, with: pair.to, scope: scope), at: range, bytes, into: &sink)
    }
    for text in map.unusualTexts {
      self.token(TokenFact(role: "inserted", text: text, scope: scope), at: range, bytes, into: &sink)
    }
  }
}
