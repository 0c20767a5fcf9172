import MScanBytes
import MScanFacts

/// Holds the files of a tokenizer against each other, and the ids that generation goes by against them: libraries read
/// different ones of these files, so where they differ the same text becomes different tokens.
enum TokenizerAgreement {
  /// The first of these that is there is what the others are held to.
  private static let order = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
  ]
  /// Differences that are told of one file.
  private static let shown = 8

  /// States what of a file the others contradict; the file is the only row of the buffer.
  static func state(of name: String, claims: [String: FileClaims], into buffer: inout FactBuffer) {
    if order.contains(name) {
      holdIDs(of: name, claims, into: &buffer)
      holdRoles(of: name, claims, into: &buffer)
    } else if name == "config.json" || name == "generation_config.json" {
      holdEnds(of: name, claims, into: &buffer)
    }
  }

  /// Tokens by what they say, and by their ids.
  private static func holdIDs(
    of name: String, _ claims: [String: FileClaims], into buffer: inout FactBuffer
  ) {
    guard let own = claims[name]?.tokens, let place = order.firstIndex(of: name) else { return }
    var told = 0
    for earlier in order[..<place] {
      guard let others = claims[earlier]?.tokens, !others.isEmpty else { continue }
      var ids: [String: Int] = [:]
      var texts: [Int: String] = [:]
      for token in others where token.id != nil {
        ids[token.text] = token.id
        if let id = token.id { texts[id] = token.text }
      }
      for token in own where told < shown {
        guard let id = token.id else { continue }
        let detail: String
        if let other = ids[token.text], other != id {
          detail = "'\(token.text.prefix(60))' is \(id) here and \(other) in \(earlier)"
        } else if let other = texts[id], !same(other, token.text) {
          detail = "\(id) is '\(token.text.prefix(60))' here and '\(other.prefix(60))' in \(earlier)"
        } else {
          continue
        }
        told += 1
        emit("folder.token-id-differs", token.fact, "id", detail, into: &buffer)
      }
      if told > 0 { return }
    }
  }

  /// The control tokens: `eos_token` of one file and of another.
  private static func holdRoles(
    of name: String, _ claims: [String: FileClaims], into buffer: inout FactBuffer
  ) {
    guard name == "special_tokens_map.json", let own = claims[name]?.tokens,
      let others = claims["tokenizer_config.json"]?.tokens
    else { return }
    for token in own where !["added", "special"].contains(token.role) {
      guard let other = others.first(where: { $0.role == token.role }), !same(other.text, token.text) else { continue }
      emit(
        token.role == "pad" ? "folder.pad-token-differs" : "folder.token-differs", token.fact, token.role,
        "the \(token.role) token is '\(token.text.prefix(60))' here and '\(other.text.prefix(60))' in "
          + "tokenizer_config.json", into: &buffer)
    }
  }

  /// The ids that end a text, which have to be those of control tokens.
  private static func holdEnds(
    of name: String, _ claims: [String: FileClaims], into buffer: inout FactBuffer
  ) {
    guard let settings = claims[name]?.settings else { return }
    // A list of added tokens alone is not all that there is: the vocabulary has its own.
    guard order.prefix(3).contains(where: { !(claims[$0]?.tokens.isEmpty ?? true) }) else { return }
    let tokens = order.flatMap { claims[$0]?.tokens ?? [] }
    let known = Set(tokens.compactMap(\.id))
    // Where so many are listed that not all were stated, one that is missing says nothing.
    guard !known.isEmpty, known.count < Limits.standard.plainTokens else { return }
    let keys = settings.keys.filter { $0 == "eos_token_id" || $0.hasPrefix("eos_token_id.") }
    for key in keys.sorted(by: { $0.precedes($1) }) {
      guard let setting = settings[key], let id = setting.number, id >= 0, !known.contains(id) else { continue }
      emit(
        name == "config.json" ? "folder.end-token-unknown" : "folder.end-token-no-mark", setting.fact, key,
        "\(id) is no token that the tokenizer keeps apart", into: &buffer)
    }
  }

  private static func emit(
    _ subject: String, _ fact: Fact, _ field: String, _ detail: String, into buffer: inout FactBuffer
  ) {
    buffer.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail)), artifact: 0, range: fact.range,
      place: fact.place)
  }

  private static func same(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }
}
