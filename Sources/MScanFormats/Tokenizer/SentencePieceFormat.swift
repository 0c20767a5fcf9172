import MScanBytes
public import MScanFacts

/// Vocabularies of SentencePiece (`tokenizer.model`, `spiece.model`): pieces with scores, how they were trained, and the
/// map that normalises text before it is cut. Source: `sentencepiece_model.proto`.
public enum SentencePieceFormat: Format {
  public static let id = "sentencepiece"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var walk = ProtobufWalk<SentencePieceVisitor>(input)
    var visitor = SentencePieceVisitor(input)
    walk.run(&visitor, into: &sink)
    visitor.finish(into: &sink)
    sink.sortFacts(after: mark)
  }
}

enum SentencePieceRole: Sendable {
  case piece, text, score, type, unknown, begin, end, padding, normalizer, denormalizer, map, rules
}

struct SentencePieceVisitor: ProtobufVisitor {
  static let schema = ProtobufSchema<SentencePieceRole>([
    .init(
      "ModelProto",
      [
        .init(1, "pieces", .message("SentencePiece"), .piece, repeated: true),
        .init(2, "trainer_spec", .message("TrainerSpec")),
        .init(3, "normalizer_spec", .message("NormalizerSpec"), .normalizer), .init(4, "self_test_data", .opaque),
        .init(5, "denormalizer_spec", .message("NormalizerSpec"), .denormalizer),
      ]),
    .init(
      "SentencePiece",
      [.init(1, "piece", .bytes, .text), .init(2, "score", .fixed32, .score), .init(3, "type", .varint, .type)]
    ),
    .init(
      "TrainerSpec",
      [
        .init(45, "unk_piece", .bytes, .unknown), .init(46, "bos_piece", .bytes, .begin),
        .init(47, "eos_piece", .bytes, .end), .init(48, "pad_piece", .bytes, .padding),
      ], others: 1...54),
    .init(
      "NormalizerSpec",
      [.init(2, "precompiled_charsmap", .bytes, .map), .init(6, "normalization_rule_tsv", .bytes, .rules)],
      others: 1...5),
  ])

  /// `SentencePiece.Type`.
  private enum Sort: UInt64 { case normal = 1, unknown, control, userDefined, unused, byte }

  private let input: ArtifactInput
  private var count = 0
  private var text: (bytes: [UInt8], length: Int) = ([], 0)
  private var score: Float = 0
  private var sort: UInt64 = 1
  /// Hashes of the pieces, with a secret of this run.
  private var known: Set<Int> = []
  private var repeated = Tally()
  private var winning = Tally()
  private var untyped = Tally()
  private var plainLeft: Int
  private var step = "normalizer"

  init(_ input: ArtifactInput) {
    self.input = input
    plainLeft = input.limits.plainTokens
  }

  mutating func begin(_ role: SentencePieceRole, _ range: ByteRange) {
    switch role {
    case .piece: (text, score, sort) = (([], 0), 0, 1)
    case .normalizer: step = "normalizer"
    case .denormalizer: step = "denormalizer"
    default: break
    }
  }

  mutating func take(
    _ role: SentencePieceRole, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    switch role {
    case .text: text = (reader.bytes(field.payload, limit: 4096), field.payload.count)
    case .score: score = Float(bitPattern: UInt32(truncatingIfNeeded: field.value))
    case .type: sort = field.value
    case .unknown: control("unk", field, &reader, into: &sink)
    case .begin: control("bos", field, &reader, into: &sink)
    case .end: control("eos", field, &reader, into: &sink)
    case .padding: control("pad", field, &reader, into: &sink)
    case .map: characterMap(field, &reader, into: &sink)
    case .rules: rules(field, &reader, into: &sink)
    case .piece, .normalizer, .denormalizer: break
    }
  }

  mutating func end(_ role: SentencePieceRole, _ range: ByteRange, into sink: inout FactBuffer) {
    guard role == .piece else { return }
    defer { count &+= 1 }
    if known.count < input.limits.addedTokens, !known.insert(text.bytes.hashValue).inserted {
      let detail = repeated.isOpen ? "'\(shown)' is piece \(count) once more" : ""
      repeated.add(range, detail)
    }
    switch Sort(rawValue: sort) {
    case .normal, .unused:
      guard !(score <= 0) else { return }
      let detail = winning.isOpen ? "'\(shown)' has the score \(score)" : ""
      winning.add(range, detail)
    case .control: state("special", range, into: &sink)
    case .userDefined: state("added", range, into: &sink)
    case .unknown, .byte: break
    case nil:
      let detail = untyped.isOpen ? "'\(shown)' is of the type \(sort)" : ""
      untyped.add(range, detail)
    }
  }

  mutating func finish(into sink: inout FactBuffer) {
    tell(repeated, "tokenizer.duplicate-token", into: &sink)
    tell(winning, "tokenizer.score", into: &sink)
    tell(untyped, "tokenizer.piece-type", into: &sink)
  }

  // MARK: Facts

  private var shown: String { String(String(decoding: text.bytes, as: UTF8.self).prefix(60)) }

  private mutating func state(_ role: String, _ range: ByteRange, into sink: inout FactBuffer) {
    if Self.isPlainMark(text.bytes), !input.interest.everything {
      guard plainLeft > 0 else { return }
      plainLeft &-= 1
    }
    sink.emit(
      .token(TokenFact(role: role, text: String(decoding: text.bytes, as: UTF8.self), id: count, scope: "pieces")),
      artifact: input.index, range: range, place: .node("piece \(count)"))
  }

  static func isPlainMark(_ text: [UInt8]) -> Bool {
    guard text.count > 2, text.count <= 64, text.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return false }
    return text.first == UInt8(ascii: "<") && text.last == UInt8(ascii: ">")
      || text.first == UInt8(ascii: "[") && text.last == UInt8(ascii: "]")
  }

  private func control(
    _ role: String, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    sink.emit(
      .token(TokenFact(role: role, text: reader.text(field.payload, limit: 4096), scope: "trainer_spec")),
      artifact: input.index, range: field.range, place: .node("trainer_spec"))
  }

  private func tell(_ tally: Tally, _ subject: String, into sink: inout FactBuffer) {
    for (range, detail) in tally.first { note(subject, range, "pieces", detail, into: &sink) }
    guard tally.count > tally.first.count, let last = tally.first.last else { return }
    note(subject, last.range, "pieces", "so have \(tally.count - tally.first.count) more tokens", into: &sink)
  }

  private func note(
    _ subject: String, _ range: ByteRange, _ field: String, _ detail: String, into sink: inout FactBuffer
  ) {
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail)), artifact: input.index, range: range,
      place: .node(field))
  }

  // MARK: Normalisers

  private func characterMap(
    _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    guard !field.payload.isEmpty else { return }
    guard field.payload.count <= input.limits.heldBytes else {
      let failure = ParseFailure(.limitExceeded, "heldBytes", at: field.start)
      return sink.emit(failure, format: SentencePieceFormat.id, artifact: input.index, size: input.source.count)
    }
    guard let map = CharacterMap(reader.bytes(field.payload, limit: input.limits.heldBytes)) else {
      return note("tokenizer.character-map", field.range, step, "the map of characters is broken", into: &sink)
    }
    let scope = step + ".precompiled_charsmap"
    for pair in map.rewrites { replaced(pair.from, pair.to, scope, field.range, into: &sink) }
    for text in map.unusualTexts {
      sink.emit(
        .token(TokenFact(role: "inserted", text: text, scope: scope)), artifact: input.index, range: field.range,
        place: .node(step))
    }
  }

  private func replaced(
    _ from: String, _ to: String, _ scope: String, _ range: ByteRange, into sink: inout FactBuffer
  ) {
    sink.emit(
      .token(TokenFact(role: "replaced", text: from, with: to, scope: scope)), artifact: input.index, range: range,
      place: .node(step))
    guard !to.isEmpty else { return }
    sink.emit(
      .token(TokenFact(role: "inserted", text: to, scope: scope)), artifact: input.index, range: range,
      place: .node(step))
  }

  /// Lines of code points in hexadecimal, a tab, and those that come in their place. Rules of single characters are
  /// Unicode's own foldings by the thousand.
  private func rules(_ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer) {
    let text = reader.bytes(field.payload, limit: input.limits.repositoryText)
    var told = 0
    for line in text.split(separator: 0x0a) where told < 64 {
      let parts = line.split(separator: 0x09, maxSplits: 1, omittingEmptySubsequences: false)
      let from = Self.characters(parts.first ?? [])
      guard from.unicodeScalars.count > 1 else { continue }
      told += 1
      replaced(
        from, parts.count > 1 ? Self.characters(parts[1]) : "", step + ".normalization_rule_tsv", field.range,
        into: &sink)
    }
  }

  private static func characters(_ codes: ArraySlice<UInt8>) -> String {
    var text = ""
    for code in codes.split(separator: 0x20).prefix(64) {
      guard let value = UInt32(String(decoding: code, as: UTF8.self), radix: 16), let scalar = Unicode.Scalar(value)
      else { continue }
      text.unicodeScalars.append(scalar)
    }
    return text
  }
}
