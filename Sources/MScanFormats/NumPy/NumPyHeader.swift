/// What a `.npy` header says: `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`, a Python literal. Its
/// tokens are walked once with a depth counter; nothing recurses.
struct NumPyHeader {
  private(set) var descr = ""
  private(set) var hasObjects = false
  private(set) var shape: [Int] = []
  /// Bytes per element; nil when the type is not one of fixed size that is known.
  private(set) var itemSize: Int?

  enum Token: Equatable {
    case text(String)
    case number(Int)
    case word
    case mark(UInt8)
  }

  private static let open: Set<UInt8> = [0x7b, 0x5b, 0x28]
  private static let close: Set<UInt8> = [0x7d, 0x5d, 0x29]
  private static let tokenLimit = 1 << 16

  init?(_ bytes: [UInt8]) {
    let tokens = Self.tokenize(bytes)
    guard tokens.first == .mark(0x7b), tokens.last == .mark(0x7d), tokens.count < Self.tokenLimit,
      let type = Self.value(of: "descr", in: tokens), let sides = Self.value(of: "shape", in: tokens)
    else { return nil }
    for case .number(let side) in sides { shape.append(side) }
    let texts = type.compactMap { token -> String? in
      if case .text(let text) = token { text } else { nil }
    }
    descr = texts.count == 1 ? texts[0] : "structured"
    // A field's name that looks like the object type only makes the reader more careful.
    hasObjects = texts.contains { text in
      let bare = text.drop { "<>|=".contains($0) }
      return bare.first == "O" && bare.dropFirst().allSatisfy(\.isNumber) || bare == "object"
    }
    itemSize = type.count == 1 && texts.count == 1 ? Self.width(texts[0]) : Self.structuredWidth(type)
  }

  /// Bytes of the whole array; nil when unknown or past what fits.
  var size: Int? {
    guard var total = itemSize else { return nil }
    for side in shape {
      let (product, over) = total.multipliedReportingOverflow(by: side)
      guard !over else { return nil }
      total = product
    }
    return total
  }

  private static func tokenize(_ bytes: [UInt8]) -> [Token] {
    var tokens: [Token] = []
    var at = 0
    while at < bytes.count, tokens.count < tokenLimit {
      let byte = bytes[at]
      at += 1
      switch byte {
      case 0x20, 0x0a, 0x09, 0x0d: continue
      case 0x27, 0x22:
        var text: [UInt8] = []
        while at < bytes.count, bytes[at] != byte {
          if bytes[at] == 0x5c { at += 1 }
          if at < bytes.count { text.append(bytes[at]) }
          at += 1
        }
        at += 1
        tokens.append(.text(String(decoding: text, as: UTF8.self)))
      case 0x30...0x39:
        var value = Int(byte) - 0x30
        while at < bytes.count, (0x30...0x39).contains(bytes[at]) {
          let (product, over) = value.multipliedReportingOverflow(by: 10)
          let (sum, overSum) = product.addingReportingOverflow(Int(bytes[at]) - 0x30)
          value = over || overSum ? Int.max : sum
          at += 1
        }
        tokens.append(.number(value))
      case 0x41...0x5a, 0x61...0x7a, 0x5f:
        while at < bytes.count, isWordByte(bytes[at]) { at += 1 }
        tokens.append(.word)
      default: tokens.append(.mark(byte))
      }
    }
    return tokens
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x5f
  }

  /// Tokens of the value of a key of the outer dictionary.
  private static func value(of key: String, in tokens: [Token]) -> [Token]? {
    var depth = 0
    for (index, token) in tokens.enumerated() {
      if case .mark(let mark) = token { depth += open.contains(mark) ? 1 : close.contains(mark) ? -1 : 0 }
      guard depth == 1, token == .text(key), index + 1 < tokens.count, tokens[index + 1] == .mark(0x3a) else {
        continue
      }
      var found: [Token] = []
      var inner = 0
      for next in tokens[(index + 2)...] {
        if case .mark(let mark) = next {
          if inner == 0, mark == 0x2c || mark == 0x7d { return found }
          inner += open.contains(mark) ? 1 : close.contains(mark) ? -1 : 0
        }
        found.append(next)
      }
      return found
    }
    return nil
  }

  /// Bytes of a simple type: `<f8`, `|S16`, `<U4`, `|b1`, `|V32`, `<M8[ns]`.
  private static func width(_ text: String) -> Int? {
    let bare = text.drop { "<>|=".contains($0) }
    guard let code = bare.first, "biufcSUVMma?".contains(code) else { return nil }
    let digits = bare.dropFirst().prefix { $0.isNumber }
    guard let size = Int(digits.isEmpty ? "1" : String(digits)) else { return nil }
    let (bytes, over) = size.multipliedReportingOverflow(by: code == "U" ? 4 : 1)
    return over ? nil : bytes
  }

  /// Bytes of a flat list of `(name, type)` pairs; nil for anything deeper.
  private static func structuredWidth(_ tokens: [Token]) -> Int? {
    var total = 0
    var field: [Token] = []
    var depth = 0
    for token in tokens {
      switch token {
      case .mark(0x28), .mark(0x5b):
        depth += 1
        if depth > 2 { return nil }
        if depth == 2 { field = [] }
      case .mark(0x29), .mark(0x5d):
        depth -= 1
        guard depth == 1 else { continue }
        guard field.count == 2, case .text(let type) = field[1], let bytes = width(type) else { return nil }
        let (sum, over) = total.addingReportingOverflow(bytes)
        guard !over else { return nil }
        total = sum
      case .mark(0x2c): continue
      default: field.append(token)
      }
    }
    return total
  }
}
