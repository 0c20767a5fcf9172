import MScanBytes
public import MScanFacts

/// A source of a TorchScript archive (`<name>/code/**.py`): each operator it names, with the constants it is given.
/// `torch.jit.load` compiles it; what stands in `__setstate__` and in top-level constants runs then, the rest when the
/// model is used.
public enum TorchScriptFormat: Format {
  public static let id = "torchscript"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    do throws(ParseFailure) {
      let bytes = try input.source.bytes(
        ByteRange(0, input.source.count), limit: input.limits.heldBytes, field: "heldBytes")
      var walk = TorchScriptWalk(input, bytes)
      if let flaw = try walk.read(into: &sink) {
        sink.emit(ParseFailure(.malformed, "source", at: flaw), format: id, artifact: input.index, size: bytes.count)
      }
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    sink.sortFacts(after: mark)
  }
}

/// The code of a TorchScript module for phones (`bytecode.pkl`, in `.ptl`): a pickle of instructions and of the names
/// of operators, `aten::relu`. This reading states the names; the pickle reader says the rest.
///
/// A name is a BINUNICODE of the pickle: `X`, its length in four bytes, `namespace::operator`.
public enum TorchScriptBytecodeFormat: Format {
  public static let id = "torchscript-bytecode"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let bytes: [UInt8]
    do throws(ParseFailure) {
      bytes = try input.source.bytes(
        ByteRange(0, input.source.count), limit: input.limits.heldBytes, field: "heldBytes")
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
      return
    }
    var at = 0
    while at &+ 1 < bytes.count {
      guard bytes[at] == 0x3a, bytes[at &+ 1] == 0x3a else {
        at &+= 1
        continue
      }
      let start = (bytes[..<at].lastIndex { !isNamePart($0) } ?? -1) &+ 1
      if let end = operandEnd(bytes, start), at &+ 2 < end, start < at, bytes[(at &+ 2)..<end].allSatisfy(isNamePart) {
        let fact = OperationFact(
          framework: "torchscript", name: String(decoding: bytes[(at &+ 2)..<end], as: UTF8.self),
          domain: String(decoding: bytes[start..<at], as: UTF8.self))
        sink.emit(.operation(fact), artifact: input.index, range: ByteRange(start, end), place: .whole)
      }
      at &+= 2
    }
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    byte < 0x80 && (TorchScriptLexer.isNameStart(byte) || TorchScriptLexer.isDigit(byte) || byte == 0x2e)
  }

  /// Where the BINUNICODE ends whose text starts at `start`; nil when none does. Names are shorter than 256 bytes.
  private static func operandEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
    guard start >= 5, bytes[start &- 5] == 0x58, bytes[start &- 3] == 0, bytes[start &- 2] == 0, bytes[start &- 1] == 0
    else { return nil }
    let end = start &+ Int(bytes[start &- 4])
    return end <= bytes.count ? end : nil
  }
}
