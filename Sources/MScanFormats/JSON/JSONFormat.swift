import MScanBytes
public import MScanFacts

/// JSON (RFC 8259) in Python's dialect: configurations, tokenizers, weight indexes.
public enum JSONFormat: Format {
  public static let id = "json"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    do throws(ParseFailure) {
      let bytes = try input.source.bytes(
        ByteRange(0, input.source.count), limit: input.limits.jsonBytes, field: "jsonBytes")
      read(bytes, input, into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    sink.sortFacts(after: mark)
  }

  private static func read(_ bytes: [UInt8], _ input: ArtifactInput, into sink: inout FactBuffer) {
    var start = 0
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) {
      start = 3
      anomaly("json.byte-order-mark", 0, 3, "", input, &sink)
    }
    let (valid, isValid) = PickleText.validUTF8(bytes[...], surrogates: false)
    if !isValid || valid < bytes.count {
      anomaly("json.invalid-utf8", valid, valid + 1, "byte \(valid) is not UTF-8", input, &sink, incomplete: true)
    }
    var visitor = JSONFacts(
      bytes, base: 0, artifact: input.index, limits: input.limits, interest: input.interest)
    var scanner = JSONScanner(bytes, from: start, nesting: input.limits.nesting)
    var failure: ParseFailure?
    let isLines = input.name.lowercased().hasSuffix(".jsonl") || input.name.lowercased().hasSuffix(".ndjson")
    do throws(ParseFailure) {
      repeat {
        try scanner.scan(&visitor)
        scanner.skipBlanks()
      } while isLines && !scanner.isAtEnd
    } catch {
      failure = error
    }
    for fact in visitor.facts {
      sink.emit(fact.payload, artifact: input.index, range: fact.range, place: fact.place)
    }
    if let failure {
      sink.emit(failure, format: id, artifact: input.index, size: bytes.count)
    } else if !scanner.isAtEnd {
      anomaly(
        "json.trailing-bytes", scanner.index, bytes.count, "\(bytes.count - scanner.index) bytes behind the document",
        input, &sink, incomplete: true)
    }
  }

  private static func anomaly(
    _ subject: String, _ start: Int, _ end: Int, _ detail: String, _ input: ArtifactInput, _ sink: inout FactBuffer,
    incomplete: Bool = false
  ) {
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, detail: detail, incomplete: incomplete)), artifact: input.index,
      range: ByteRange(start, min(end, input.source.count)), place: .whole)
  }
}
