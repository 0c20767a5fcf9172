import MScanBytes
public import MScanFacts

/// Vocabularies of tiktoken (`*.tiktoken`, and the `tokenizer.model` of some): a token in base64 and its rank on each line.
/// Source: `tiktoken/load.py`.
public enum TiktokenFormat: Format {
  public static let id = "tiktoken"

  /// Whether the first lines are tokens with ranks. Asked of texts.
  static func isVocabulary(_ head: [UInt8]) -> Bool {
    let lines = head.prefix(1024).split(separator: 0x0a, maxSplits: 4, omittingEmptySubsequences: false)
    guard lines.count >= 4 else { return false }
    return lines.prefix(3).allSatisfy { entry($0) != nil }
  }

  /// A line's token, still encoded, and its rank; nil for any other line.
  private static func entry(_ line: ArraySlice<UInt8>) -> (token: ArraySlice<UInt8>, rank: ArraySlice<UInt8>)? {
    let line = line.last == 0x0d ? line.dropLast() : line
    guard let blank = line.firstIndex(of: 0x20), blank > line.startIndex else { return nil }
    let (token, rank) = (line[..<blank], line[(blank + 1)...])
    guard token.count % 4 == 0, token.allSatisfy({ Base64.isInAlphabet($0) || $0 == 0x3d }), !rank.isEmpty,
      rank.count <= 10, rank.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    return (token, rank)
  }

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var reader = TiktokenReader(input)
    reader.read(into: &sink)
    sink.sortFacts(after: mark)
  }

  private struct TiktokenReader {
    let input: ArtifactInput
    private var tokens: Set<Int> = []
    private var ranks: [UInt64] = []
    private var (repeated, taken, outside, broken) = (Tally(), Tally(), Tally(), Tally())
    private var line = 0

    init(_ input: ArtifactInput) { self.input = input }

    mutating func read(into sink: inout FactBuffer) {
      let bytes: [UInt8]
      do throws(ParseFailure) {
        bytes = try input.source.bytes(
          ByteRange(0, input.source.count), limit: input.limits.heldBytes, field: "heldBytes")
      } catch {
        return sink.emit(error, format: TiktokenFormat.id, artifact: input.index, size: input.source.count)
      }
      var at = 0
      while at < bytes.count {
        let end = bytes[at...].firstIndex(of: 0x0a) ?? bytes.count
        line += 1
        if end > at { take(bytes[at..<end]) }
        at = end + 1
      }
      tell(repeated, "tokenizer.duplicate-token", into: &sink)
      tell(taken, "tokenizer.duplicate-id", into: &sink)
      tell(outside, "tokenizer.id-range", into: &sink)
      tell(broken, "tokenizer.line", into: &sink)
    }

    private mutating func take(_ bytes: ArraySlice<UInt8>) {
      let range = ByteRange(bytes.startIndex, bytes.endIndex)
      guard let entry = TiktokenFormat.entry(bytes) else {
        let number = line
        return broken.add(range, "line \(number) is no token with a rank")
      }
      let rank = entry.rank.reduce(0) { $0 &* 10 &+ Int($1 & 15) }
      if tokens.count < input.limits.addedTokens, !tokens.insert(Array(entry.token).hashValue).inserted {
        let detail = repeated.isOpen ? "'\(shown(entry.token))' stands on line \(line) once more" : ""
        repeated.add(range, detail)
      }
      guard rank < input.limits.tokenIds else {
        let detail = outside.isOpen ? "'\(shown(entry.token))' has the rank \(rank)" : ""
        return outside.add(range, detail)
      }
      while ranks.count <= rank &>> 6 { ranks.append(contentsOf: repeatElement(0, count: max(64, ranks.count))) }
      let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: rank & 63)
      if ranks[rank &>> 6] & bit != 0 {
        let detail = taken.isOpen ? "'\(shown(entry.token))' and another token both have the rank \(rank)" : ""
        taken.add(range, detail)
      }
      ranks[rank &>> 6] |= bit
    }

    private func shown(_ token: ArraySlice<UInt8>) -> String {
      String(String(decoding: Base64.decode(token, limit: 60), as: UTF8.self).prefix(60))
    }

    private func tell(_ tally: Tally, _ subject: String, into sink: inout FactBuffer) {
      for (range, detail) in tally.first { note(subject, range, detail, into: &sink) }
      guard tally.count > tally.first.count, let last = tally.first.last else { return }
      note(subject, last.range, "so have \(tally.count - tally.first.count) more lines", into: &sink)
    }

    private func note(_ subject: String, _ range: ByteRange, _ detail: String, into sink: inout FactBuffer) {
      sink.emit(
        .anomaly(AnomalyFact(subject: subject, field: "rank", detail: detail)), artifact: input.index, range: range,
        place: .whole)
    }
  }
}
