import MScanBytes
public import MScanFacts

/// `vocab.txt`: a token on each line, whose number is its id. Source: BERT's `tokenization.py`.
public enum WordListFormat: Format {
  public static let id = "word-list"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    var known: Set<Int> = []
    VocabularyText.read(input, format: id, subject: "tokenizer.duplicate-line", into: &sink) { line, number in
      guard !line.isEmpty, known.count < input.limits.addedTokens, !known.insert(line.hashValue).inserted else {
        return nil
      }
      return "'\(String(decoding: line.prefix(60), as: UTF8.self))' stands on line \(number) once more"
    }
  }
}

/// `merges.txt` of a BPE model: two tokens on each line, which are joined. Source: GPT-2's `vocab.bpe`, and `models/bpe`
/// of the `tokenizers` library.
public enum MergesFormat: Format {
  public static let id = "bpe-merges"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    VocabularyText.read(input, format: id, subject: "tokenizer.line", into: &sink) { line, number in
      if line.isEmpty || number == 1 && line.starts(with: Array("#version".utf8)) { return nil }
      // Tokens may hold any character but a blank; a separator alone is one between two.
      let blanks = line.reduce(0) { $0 + ($1 == 0x20 ? 1 : 0) }
      guard blanks != 1 || line.first == 0x20 || line.last == 0x20 else { return nil }
      return "line \(number) is no pair of tokens"
    }
  }
}

/// What the line-by-line vocabularies share.
private enum VocabularyText {
  /// Asks of each line what is wrong with it, and tells the first few answers.
  static func read(
    _ input: ArtifactInput, format: String, subject: String, into sink: inout FactBuffer,
    _ flaw: (ArraySlice<UInt8>, Int) -> String?
  ) {
    let bytes: [UInt8]
    do throws(ParseFailure) {
      bytes = try input.source.bytes(
        ByteRange(0, input.source.count), limit: input.limits.heldBytes, field: "heldBytes")
    } catch {
      return sink.emit(error, format: format, artifact: input.index, size: input.source.count)
    }
    var tally = Tally()
    var number = 0
    var at = 0
    while at < bytes.count {
      let end = bytes[at...].firstIndex(of: 0x0a) ?? bytes.count
      number += 1
      let isWindows = end > at && bytes[end - 1] == 0x0d
      let line = bytes[at..<(isWindows ? end - 1 : end)]
      if let flaw = flaw(line, number) {
        tally.add(ByteRange(at, end), flaw)
        if tally.first.count == tally.count {
          sink.emit(
            .anomaly(AnomalyFact(subject: subject, field: "line", detail: flaw)), artifact: input.index,
            range: ByteRange(at, end), place: .line(number, column: 1, path: nil))
        }
      }
      at = end + 1
    }
    guard tally.count > tally.first.count, let last = tally.first.last else { return }
    sink.emit(
      .anomaly(
        AnomalyFact(subject: subject, field: "line", detail: "so have \(tally.count - tally.first.count) more lines")),
      artifact: input.index, range: last.range, place: .whole)
  }
}
