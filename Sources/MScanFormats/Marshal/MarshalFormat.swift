import MScanBytes
public import MScanFacts

/// CPython's marshal (versions 0 to 5): the compiled code that a Lambda layer of Keras holds in base64. The code is
/// listed, never run. Source: CPython's `Python/marshal.c` and `Objects/codeobject.c`, 2.7 to 3.14.
///
/// Each code object is an `operation` `python.code` whose arguments are its names and constants in order of use. What
/// its instructions name by a path that starts at an import, a global or a builtin is a `callable` with via `bytecode`;
/// imports are `reference` facts.
public enum MarshalFormat: Format {
  public static let id = "marshal"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    MarshalScan(input, start: 0, format: id, when: when(input, sink)).read(into: &sink)
  }

  /// What runs the code: a layer's code is in a JSON text, and runs when the layer is called.
  private static func when(_ input: ArtifactInput, _ sink: FactBuffer) -> [String] {
    let parent = sink.artifacts[input.index]?.parent.flatMap { sink.artifacts[$0] }
    return parent?.format == JSONFormat.id ? ["keras.models.load_model(safe_mode=False)"] : ["marshal.loads"]
  }

  /// Whether bytes start as a code object does: its type, and four numbers below 2^24.
  static func isCode(_ head: [UInt8]) -> Bool {
    guard head.count >= 17, head[0] & 0x7f == UInt8(ascii: "c") else { return false }
    return [4, 8, 12, 16].allSatisfy { head[$0] == 0 }
  }
}

/// A compiled module of Python: 8 (2.x), 12 (to 3.6) or 16 bytes of magic number, flags, time and size, then marshal.
public enum PycFormat: Format {
  public static let id = "pyc"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let head = input.source.prefix(64)
    let start = codeStart(head) ?? 16
    MarshalScan(input, start: start, format: id, when: ["import"]).read(into: &sink)
  }

  /// Where the code starts; nil when the bytes are not a compiled module.
  static func codeStart(_ head: [UInt8]) -> Int? {
    // Every magic number ends in CR LF, so that a transfer as text breaks it.
    guard head.count >= 8, head[2] == 0x0d, head[3] == 0x0a else { return nil }
    return [16, 12, 8].first { $0 < head.count && MarshalFormat.isCode(Array(head[$0...])) }
  }
}

/// One marshalled code object, read and told.
struct MarshalScan {
  private let input: ArtifactInput
  private let start: Int
  private let format: String
  private let when: [String]

  init(_ input: ArtifactInput, start: Int, format: String, when: [String]) {
    (self.input, self.start, self.format, self.when) = (input, start, format, when)
  }

  func read(into sink: inout FactBuffer) {
    let mark = sink.facts.count
    let size = input.source.count
    var reader = MarshalReader(limits: input.limits)
    do throws(ParseFailure) {
      let bytes = try input.source.bytes(
        ByteRange(min(start, size), size), limit: input.limits.heldBytes, field: "heldBytes")
      let end = try reader.read(bytes, base: min(start, size))
      if end < size {
        let rest = ByteRange(end, size)
        sink.emit(
          .anomaly(
            AnomalyFact(
              subject: "\(format).trailing-bytes", field: "object", detail: "\(rest.count) bytes behind the code")),
          artifact: input.index, range: rest, place: .whole)
        UnownedBytes.carve(rest, of: input, into: &sink)
      }
    } catch {
      sink.emit(error, format: format, artifact: input.index, size: size)
    }
    // What was read before it broke off is told all the same.
    var teller = BytecodeTeller(reader, input: input, when: when, isModule: format == PycFormat.id)
    teller.tell(into: &sink)
    sink.sortFacts(after: mark)
  }
}
