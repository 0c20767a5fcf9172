import MScanBytes
import MScanFacts

/// What the parts of a tokenizer say, read from the places that a walk over the document took down: its tokens with
/// their ids and what contradicts them, and the steps that change text on its way in or out.
struct TokenizerReader {
  let input: ArtifactInput
  let outline: TokenizerOutline
  var lines: LineCounter
  /// Tokens by id, for look-ups.
  var vocabulary: TokenVocabulary
  var added = AddedTokens()
  /// Plain marks that may still be stated.
  private var plainLeft: Int

  init(_ input: ArtifactInput, _ outline: TokenizerOutline, _ lines: LineCounter) {
    self.input = input
    self.outline = outline
    self.lines = lines
    vocabulary = TokenVocabulary(outline.vocabulary, limit: input.limits.tokenIds)
    plainLeft = input.limits.plainTokens
  }

  mutating func read(_ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    do throws(ParseFailure) {
      if let range = outline.addedTokens { try readAdded(range, scope: "added_tokens", bytes, into: &sink) }
      if let range = outline.addedTokensDecoder {
        try readAdded(range, scope: "added_tokens_decoder", bytes, into: &sink)
      }
      for (name, range) in outline.specialTokens { try readAdded(range, scope: name, bytes, into: &sink) }
      for (role, range) in outline.controls { try readControl(role, range, bytes, into: &sink) }
      if let range = outline.pieces { try readPieces(range, bytes, into: &sink) }
      checkVocabulary(bytes, into: &sink)
      checkAdded(bytes, into: &sink)
      if let range = outline.mergeRange { try readMerges(range, bytes, into: &sink) }
    } catch {
      sink.emit(error, format: JSONFormat.id, artifact: input.index, size: bytes.count)
    }
    for (name, range) in outline.steps {
      do throws(ParseFailure) {
        let tree = try JSONTree(
          range, of: bytes, most: input.limits.tokenizerNodes, nesting: input.limits.nesting)
        readSteps(tree, name, bytes, into: &sink)
      } catch {
        sink.emit(error, format: JSONFormat.id, artifact: input.index, size: bytes.count)
      }
    }
  }

  // MARK: Tokens

  private mutating func readAdded(
    _ range: ByteRange, scope: String, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    var entries = AddedTokenEntries(range, nesting: input.limits.nesting)
    while let entry = try entries.next(bytes) {
      guard let content = entry.content else { continue }
      let isDecoder = scope == "added_tokens_decoder"
      let id = isDecoder ? entry.key.flatMap { Int(JSONText.string(bytes, $0, limit: 20)) } : entry.id(bytes)
      if scope.hasPrefix("added_tokens") {
        guard let id else {
          note(
            "tokenizer.id-type", ByteRange(entry.start, entry.end), field: scope,
            detail: "'\(short(content, bytes))' has no whole number for its id", bytes, into: &sink)
          continue
        }
        guard added.count < input.limits.addedTokens else {
          throw ParseFailure(.limitExceeded, "addedTokens", at: entry.start)
        }
        added.append(content: content, id: id)
      }
      let isSpecial = entry.isSpecial ?? !scope.hasPrefix("added_tokens")
      // The slots of BERT's authors and of others are listed by the thousand: marks are what added tokens ought to be.
      if TokenizerReader.isPlainMark(content, bytes), !input.interest.everything {
        guard plainLeft > 0 else { continue }
        plainLeft &-= 1
      }
      token(
        TokenFact(
          role: isSpecial ? "special" : "added", text: JSONText.string(bytes, content, limit: 4096), id: id,
          scope: scope),
        at: ByteRange(content.start, content.end), bytes, into: &sink)
    }
  }

  /// Up to 64 characters of printable ASCII without blanks, in brackets.
  static func isPlainMark(_ token: JSONToken, _ bytes: Span<UInt8>) -> Bool {
    let (first, last) = (token.start &+ 1, token.end &- 2)
    guard !token.isEscaped, last &- first >= 2, last &- first < 64 else { return false }
    let isBracketed =
      bytes[first] == UInt8(ascii: "<") && bytes[last] == UInt8(ascii: ">")
      || bytes[first] == UInt8(ascii: "[") && bytes[last] == UInt8(ascii: "]")
    guard isBracketed else { return false }
    for at in first...last where bytes[at] <= 0x20 || bytes[at] >= 0x7f { return false }
    return true
  }

  private mutating func readControl(
    _ role: String, _ range: ByteRange, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    let tree = try JSONTree(range, of: bytes, most: input.limits.tokenizerNodes, nesting: input.limits.nesting)
    let content = tree.member("content", of: 0, bytes) ?? 0
    guard let text = tree.text(content, bytes) else { return }
    let place = tree.nodes[content].token
    token(
      TokenFact(role: role, text: text, scope: role + "_token"), at: ByteRange(place.start, place.end), bytes,
      into: &sink)
  }

  // MARK: Vocabulary

  /// Pieces of a Unigram model: `["<unk>", 0.0]`, whose ids are their places.
  private mutating func readPieces(
    _ range: ByteRange, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    var reader = JSONReader(at: range.start, nesting: input.limits.nesting, takesComments: true)
    var keys = JSONKeys(limit: input.limits.jsonKeys)
    keys.begin()
    var piece: JSONToken?
    var number = 0
    var repeated = Tally()
    while true {
      let token = try reader.next(bytes)
      if token.kind == .end { break }
      guard reader.depth == 2 else { continue }
      switch token.kind {
      case .beginArray: piece = nil
      case .string where piece == nil:
        piece = token
        if try !keys.insert(token, bytes) {
          repeated.add(ByteRange(token.start, token.end), "'\(short(token, bytes))' is piece \(number) once more")
        }
        number &+= 1
      case .number:
        guard let piece, bytes[token.start] != 0x2d, number > 1, isPositive(token, bytes) else { continue }
        // Scores are logarithms of probabilities: above zero, a piece wins over any other way to cut the text.
        let score = String(
          decoding: JSONText.copy(bytes, token.start, min(token.end, token.start &+ 24)), as: UTF8.self)
        note(
          "tokenizer.score", ByteRange(token.start, token.end), field: "model.vocab",
          detail: "'\(short(piece, bytes))' has the score \(score)", bytes, into: &sink)
      default: break
      }
    }
    tell(repeated, "tokenizer.duplicate-token", field: "model.vocab", bytes, into: &sink)
    vocabulary.setPieces(keys.endKeeping())
  }

  private func isPositive(_ token: JSONToken, _ bytes: Span<UInt8>) -> Bool {
    for at in token.start..<token.end {
      if bytes[at] | 0x20 == 0x65 { break }
      if bytes[at] >= 0x31, bytes[at] <= 0x39 { return true }
    }
    return false
  }

  private mutating func checkVocabulary(_ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    guard outline.vocabulary != nil else { return }
    let field = outline.isVocabularyFile ? "" : "model.vocab"
    var (repeated, collided, mistyped, outside) = (Tally(), Tally(), Tally(), Tally())
    var agreeing = 0
    added.index()
    let isClean = !outline.isAddedTokensFile && (outline.vocabularyIDs.map { agrees($0, bytes) } ?? false)
    if isClean { vocabulary.highest = outline.vocabularyIDs?.highest }
    for number in 0..<(isClean ? 0 : vocabulary.count) {
      guard let key = vocabulary.key(number) else { continue }
      let range = ByteRange(key.start, key.end)
      let entry = vocabulary.take(number, bytes)
      if outline.isAddedTokensFile { stateAdded(key, entry, bytes, into: &sink) }
      switch entry {
      case .new(let id):
        guard let other = added.content(of: id) else { continue }
        guard !JSONText.same(other, key, bytes) else {
          agreeing &+= 1
          continue
        }
        collided.add(
          range, "'\(short(key, bytes))' and the added token '\(short(other, bytes))' both have the id \(id)")
      case .taken(let id):
        guard repeated.isOpen else {
          repeated.count &+= 1
          continue
        }
        let other = vocabulary.first(with: id, before: number, bytes).map { "'\(short($0, bytes))'" } ?? "another token"
        repeated.add(range, "'\(short(key, bytes))' and \(other) both have the id \(id)")
      case .outside(let id): outside.add(range, "'\(short(key, bytes))' has the id \(id)")
      case .notAnInteger: mistyped.add(range, "'\(short(key, bytes))' has no whole number for its id")
      }
    }
    tell(repeated, "tokenizer.duplicate-id", field: field, bytes, into: &sink)
    // Where not one agrees, the list is that of another vocabulary, and not one that was tampered with.
    tell(
      collided, agreeing > 0 ? "tokenizer.id-collision" : "tokenizer.foreign-added-tokens", field: field, bytes,
      into: &sink)
    tell(mistyped, "tokenizer.id-type", field: field, bytes, into: &sink)
    tell(outside, "tokenizer.id-range", field: field, bytes, into: &sink)
    guard let highest = vocabulary.highest, !outline.isAddedTokensFile else { return }
    let known = vocabulary.count &+ added.count
    if highest > 2 &* known &+ 1000, let key = vocabulary.first(with: highest, before: vocabulary.count, bytes) {
      note(
        "tokenizer.id-gap", ByteRange(key.start, key.end), field: field,
        detail: "'\(short(key, bytes))' has the id \(highest), of \(known) tokens", bytes, into: &sink)
    }
  }

  /// Whether each added token that has the id of one in the vocabulary is that one.
  private mutating func agrees(_ ids: VocabularyIDs, _ bytes: Span<UInt8>) -> Bool {
    var text: [UInt8] = []
    for token in added.all where ids.holds(token.id) {
      JSONText.decode(bytes, token.content, repairing: false, into: &text)
      guard vocabulary.id(of: text.span, bytes) == token.id else { return false }
    }
    return true
  }

  /// A token of a file that lists nothing but those that are added.
  private mutating func stateAdded(
    _ key: JSONToken, _ entry: TokenVocabulary.Entry, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    if Self.isPlainMark(key, bytes), !input.interest.everything {
      guard plainLeft > 0 else { return }
      plainLeft &-= 1
    }
    var id: Int?
    switch entry {
    case .new(let number), .taken(let number), .outside(let number): id = number
    case .notAnInteger: break
    }
    token(
      TokenFact(
        role: "added", text: JSONText.string(bytes, key, limit: 4096), id: id, scope: "added_tokens"),
      at: ByteRange(key.start, key.end), bytes, into: &sink)
  }

  private mutating func checkAdded(_ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    guard added.count > 0 else { return }
    var (remapped, repeated, twice) = (Tally(), Tally(), Tally())
    var scratch: [UInt8] = []
    added.index()
    for token in added.all {
      let range = ByteRange(token.content.start, token.content.end)
      // The last of several with one id is what the id stands for.
      if let other = added.content(of: token.id), !JSONText.same(other, token.content, bytes) {
        repeated.add(
          range, "'\(short(token.content, bytes))' and '\(short(other, bytes))' both have the id \(token.id)")
      }
      if let other = added.otherID(of: token, bytes) {
        twice.add(range, "'\(short(token.content, bytes))' has the ids \(token.id) and \(other)")
      }
      JSONText.decode(bytes, token.content, repairing: false, into: &scratch)
      guard let id = vocabulary.id(of: scratch.span, bytes), id != token.id else { continue }
      remapped.add(
        range, "'\(short(token.content, bytes))' is \(id) in the vocabulary and \(token.id) among the added tokens")
    }
    let field = outline.addedTokens == nil ? "added_tokens_decoder" : "added_tokens"
    tell(remapped, "tokenizer.remapped-token", field: field, bytes, into: &sink)
    tell(repeated, "tokenizer.duplicate-id", field: field, bytes, into: &sink)
    tell(twice, "tokenizer.duplicate-token", field: field, bytes, into: &sink)
  }

  // MARK: Merges

  /// Merges of a BPE model: `"a b"`, or `["a", "b"]`. Both parts and what they make are tokens.
  private mutating func readMerges(
    _ range: ByteRange, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    guard vocabulary.count > 0 else { return }
    var walk = outline.merges
    if !walk.isWhole {
      let prefix = outline.model.contains { $0.name == "continuing_subword_prefix" && $0.range.count > 2 }
      walk = MergeWalk(vocabulary.table, checksWhole: !prefix)
      var reader = JSONReader(at: range.start, nesting: input.limits.nesting, takesComments: true)
      while true {
        if reader.depth == 1 { _ = walk.takePlain(&reader, bytes) }
        let token = try reader.next(bytes)
        if token.kind == .end { break }
        walk.take(token, depth: reader.depth, bytes)
      }
    }
    var unknown = Tally()
    unknown.count = walk.unknown
    for range in walk.first {
      unknown.show(range, "'\(merge(range, bytes))' joins what is no token, or makes none")
    }
    tell(unknown, "tokenizer.unknown-merge", field: "model.merges", bytes, into: &sink)
  }

  /// What stands between the quotes of a merge, in either form.
  private func merge(_ range: ByteRange, _ bytes: Span<UInt8>) -> String {
    let text = JSONText.copy(bytes, range.start, min(range.end, range.start &+ 160))
    let parts = text.split(separator: 0x22, omittingEmptySubsequences: false).enumerated()
    return parts.filter { $0.offset % 2 == 1 }.map { String(decoding: $0.element, as: UTF8.self) }
      .joined(separator: " ")
  }

  // MARK: Facts

  mutating func token(
    _ fact: TokenFact, at range: ByteRange, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    let place = lines.place(of: range.start, in: bytes)
    sink.emit(
      .token(fact), artifact: input.index, range: range, place: .line(place.line, column: place.column, path: nil))
  }

  mutating func note(
    _ subject: String, _ range: ByteRange, field: String, detail: String, _ bytes: Span<UInt8>,
    into sink: inout FactBuffer
  ) {
    let place = lines.place(of: range.start, in: bytes)
    let bounded = String(detail.prefix(input.limits.argumentCharacters))
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: bounded)), artifact: input.index, range: range,
      place: .line(place.line, column: place.column, path: nil))
  }

  /// States the first few of a sort one by one, and how many there are besides.
  private mutating func tell(
    _ tally: Tally, _ subject: String, field: String, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    for (range, detail) in tally.first { note(subject, range, field: field, detail: detail, bytes, into: &sink) }
    guard tally.count > tally.first.count, let last = tally.first.last else { return }
    note(
      subject, last.range, field: field, detail: "so have \(tally.count - tally.first.count) more tokens", bytes,
      into: &sink)
  }

  func short(_ token: JSONToken, _ bytes: Span<UInt8>) -> String { JSONText.string(bytes, token, limit: 60) }
}

/// Things of one sort, of which the first few are told one by one.
struct Tally {
  static let shown = 4
  private(set) var first: [(range: ByteRange, detail: String)] = []
  var count = 0

  var isOpen: Bool { first.count < Self.shown }

  /// One that is counted already.
  mutating func show(_ range: ByteRange, _ detail: String) {
    if isOpen { first.append((range, detail)) }
  }

  mutating func add(_ range: ByteRange, _ detail: @autoclosure () -> String) {
    count &+= 1
    if isOpen { first.append((range, detail())) }
  }
}
