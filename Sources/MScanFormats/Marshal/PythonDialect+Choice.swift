/// Which Python compiled a code object: marshal does not say, and the magic number of a module is only a claim.
extension PythonDialect {
  /// Code objects and bytes of each that are looked at.
  private static let codesLookedAt = 32
  private static let bytesLookedAt = 8192

  /// The dialect whose instructions fit best, and how many of them still make no sense.
  static func best(for reader: MarshalReader) -> (dialect: PythonDialect, faults: Int) {
    guard let first = reader.codes.first else { return (.word, 0) }
    let scored = candidates(first.layout).map { ($0, score($0, reader)) }
    guard let best = scored.min(by: { ($0.1.faults, $0.1.unknown) < ($1.1.faults, $1.1.unknown) }) else {
      return (.word, 0)
    }
    return (best.0, best.1.faults)
  }

  private static func score(_ dialect: PythonDialect, _ reader: MarshalReader) -> (faults: Int, unknown: Int) {
    var faults = 0
    var unknown = 0
    for code in reader.codes.prefix(codesLookedAt) {
      let bytes = reader.bytes[code.instructions]
      if let resume = dialect.resume, !hasResume(resume, bytes) { faults &+= 1 }
      let instructions = PythonInstruction.split(bytes.prefix(bytesLookedAt), dialect)
      for (place, instruction) in instructions.enumerated() {
        guard let operation = instruction.operation else {
          unknown &+= 1
          continue
        }
        if !fits(instruction, operation, dialect, code) { faults &+= 1 }
        let behind = instructions.dropFirst(place &+ 1).prefix { number($0, bytes) == 0 }.count
        let caches = dialect.caches(operation)
        if caches > 0, behind != caches { faults &+= 1 }
        // Only 3.11 has PRECALL, and before every CALL.
        if operation == .call, dialect == .python311 || dialect == .python312 {
          let before = instructions[..<place].last { number($0, bytes) != 0 }.map { number($0, bytes) }
          if (before == 166) != (dialect == .python311) { faults &+= 1 }
        }
      }
    }
    return (faults, unknown)
  }

  private static func fits(
    _ instruction: PythonInstruction, _ operation: PythonOperation, _ dialect: PythonDialect, _ code: MarshalCode
  ) -> Bool {
    switch operation {
    case .loadConst: instruction.argument < code.constants.count
    case .loadName, .importName, .importFrom, .storeName, .loadGlobal, .loadAttr, .loadMethod, .loadSuperAttr:
      instruction.argument >> dialect.nameShift(operation) < code.names.count
    default: true
    }
  }

  private static func hasResume(_ resume: UInt8, _ code: ArraySlice<UInt8>) -> Bool {
    stride(from: code.startIndex, to: min(code.endIndex, code.startIndex &+ 256), by: 2).contains { code[$0] == resume }
  }

  private static func number(_ instruction: PythonInstruction, _ code: ArraySlice<UInt8>) -> UInt8 {
    let at = code.startIndex &+ instruction.offset
    return at < code.endIndex ? code[at] : 0
  }
}
