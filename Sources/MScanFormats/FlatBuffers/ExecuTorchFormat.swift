import MScanBytes
public import MScanFacts

/// ExecuTorch programs (`.pte`): operators and delegates of each method, and segments behind the FlatBuffers part.
/// What a delegate was given is compiled for its backend and not looked into. Source: `program.fbs` and
/// `extended_header.h` of ExecuTorch, 1.0.
public enum ExecuTorchFormat: Format {
  public static let id = "executorch"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var reader = ExecuTorchReader(input)
    do throws(ParseFailure) {
      try reader.read(into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    sink.sortFacts(after: mark)
  }
}

private struct ExecuTorchReader {
  private static let textLimit = 1024

  private let input: ArtifactInput
  private var buffer: FlatBuffer

  init(_ input: ArtifactInput) {
    self.input = input
    buffer = FlatBuffer(input.source, limits: input.limits)
  }

  mutating func read(into sink: inout FactBuffer) throws(ParseFailure) {
    let base = try extendedHeader(into: &sink)
    let program = try buffer.root("Program")
    if let plans = try buffer.vector(1, of: program, width: 4, "execution_plan") {
      for index in 0..<plans.count { try plan(buffer.table(index, of: plans, "execution_plan"), into: &sink) }
    }
    guard let segments = try buffer.vector(4, of: program, width: 4, "segments") else { return }
    for index in 0..<segments.count {
      let segment = try buffer.table(index, of: segments, "segments")
      let offset = try buffer.number(0, of: segment, width: 8, "offset")
      let size = try buffer.number(1, of: segment, width: 8, "size")
      let (start, over) = UInt64(base).addingReportingOverflow(offset)
      let (end, overEnd) = start.addingReportingOverflow(size)
      guard over || overEnd || end > UInt64(input.source.count) else { continue }
      note(
        "executorch.out-of-file", segment.range, field: "segments",
        detail: "segment \(index): \(size) bytes at \(offset) of \(input.source.count)", into: &sink)
    }
  }

  /// `eh00`, its length, the length of the program, and where segments count from; 0 without one.
  private mutating func extendedHeader(into sink: inout FactBuffer) throws(ParseFailure) -> Int {
    guard input.source.prefix(4, at: 8) == Array("eh00".utf8) else { return 0 }
    let place = ByteRange(8, min(32, input.source.count))
    let size = try buffer.unsigned(8, at: 16, "program_size")
    let base = try buffer.unsigned(8, at: 24, "segment_base_offset")
    for (field, value) in [("program_size", size), ("segment_base_offset", base)]
    where value > UInt64(input.source.count) {
      note(
        "executorch.out-of-file", place, field: field, detail: "\(field) is \(value) of \(input.source.count)",
        into: &sink)
    }
    return Int(clamping: min(base, UInt64(input.source.count)))
  }

  private mutating func plan(_ plan: FlatBuffer.Table, into sink: inout FactBuffer) throws(ParseFailure) {
    let method = try buffer.string(0, of: plan, limit: Self.textLimit, "name") ?? ""
    if let operators = try buffer.vector(6, of: plan, width: 4, "operators") {
      for index in 0..<operators.count {
        let table = try buffer.table(index, of: operators, "operators")
        let full = try buffer.string(0, of: table, limit: Self.textLimit, "name") ?? "?"
        let overload = try buffer.string(1, of: table, limit: Self.textLimit, "overload") ?? ""
        // `aten::add` of the overload `out`.
        let parts = full.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: true).map(String.init)
        let name = parts.count == 2 ? String(parts[1].drop { $0 == ":" }) : full
        state(
          OperationFact(
            framework: "executorch", name: name, domain: parts.count == 2 ? parts[0] : "", scope: method,
            arguments: overload.isEmpty ? [] : [overload]), table, "operator \(index)", into: &sink)
      }
    }
    guard let delegates = try buffer.vector(7, of: plan, width: 4, "delegates") else { return }
    for index in 0..<delegates.count {
      let table = try buffer.table(index, of: delegates, "delegates")
      let id = try buffer.string(0, of: table, limit: Self.textLimit, "id") ?? "?"
      state(
        OperationFact(framework: "executorch", name: id, domain: "delegate", scope: method), table,
        "delegate \(index)", into: &sink)
    }
  }

  private func state(
    _ fact: OperationFact, _ table: FlatBuffer.Table, _ node: String, into sink: inout FactBuffer
  ) {
    sink.emit(.operation(fact), artifact: input.index, range: table.range, place: .node(node))
  }

  private func note(
    _ subject: String, _ range: ByteRange, field: String, detail: String, into sink: inout FactBuffer
  ) {
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail)), artifact: input.index, range: range,
      place: .whole)
  }
}
