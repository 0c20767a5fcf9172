/// Numbers of the text opcodes, as CPython's machines read them: `strtol` and `PyLong_FromString` in C, `int()` in
/// Python. They differ on octal, on NUL and on what may stand around the digits.
enum PickleNumber {
  enum Parsed: Hashable {
    case small(Int)
    /// Not zero, and not representable here.
    case big
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

  private static func digit(_ byte: UInt8) -> Int {
    switch byte {
    case 0x30...0x39: Int(byte) &- 0x30
    case 0x61...0x7a: Int(byte) &- 0x61 &+ 10
    case 0x41...0x5a: Int(byte) &- 0x41 &+ 10
    default: 99
    }
  }

  /// `PyLong_FromString(line, NULL, base)`: stops at NUL, takes blanks around, `_` between digits, and (base 0) the
  /// prefixes 0x, 0o, 0b. `cutAtNUL` is how C sees a line; `int()` refuses a NUL instead.
  static func long(_ line: ArraySlice<UInt8>, base: Int, cutAtNUL: Bool) -> Parsed? {
    var text = line
    if cutAtNUL, let nul = text.firstIndex(of: 0) { text = text[..<nul] }
    text = text.drop(while: isSpace)
    while let last = text.last, isSpace(last) { text.removeLast() }
    var negative = false
    if let sign = text.first, sign == 0x2b || sign == 0x2d {
      negative = sign == 0x2d
      text.removeFirst()
    }
    var base = base
    var mustBeZero = false
    if base == 0 {
      base = 10
      if text.first == 0x30, let mark = text.dropFirst().first {
        switch mark | 0x20 {
        case 0x78: base = 16
        case 0x6f: base = 8
        case 0x62: base = 2
        default: mustBeZero = true
        }
        if base != 10 {
          text = text.dropFirst(2)
          if text.first == 0x5f { text.removeFirst() }
        }
      }
    }
    return digits(text, base: base, negative: negative, mustBeZero: mustBeZero)
  }

  private static func digits(_ text: ArraySlice<UInt8>, base: Int, negative: Bool, mustBeZero: Bool) -> Parsed? {
    var value = 0
    var isBig = false
    var count = 0
    var previousWasDigit = false
    for byte in text {
      if byte == 0x5f {
        guard previousWasDigit else { return nil }
        previousWasDigit = false
        continue
      }
      let step = digit(byte)
      guard step < base else { return nil }
      previousWasDigit = true
      count &+= 1
      if !isBig {
        let (product, over) = value.multipliedReportingOverflow(by: base)
        let (sum, overSum) = product.addingReportingOverflow(step)
        if over || overSum { isBig = true } else { value = sum }
      }
    }
    guard previousWasDigit else { return nil }
    // CPython refuses longer decimal numbers since 3.11 (sys.set_int_max_str_digits).
    if base & (base &- 1) != 0, count > 4300 { return nil }
    if mustBeZero, isBig || value != 0 { return nil }
    return isBig ? .big : .small(negative ? 0 &- value : value)
  }

  /// INT as `load_int` of the C machine takes it: `strtol` with base 0 (so `010` is eight) when that takes the whole
  /// line, `PyLong_FromString` otherwise.
  static func cInt(_ line: ArraySlice<UInt8>) -> Parsed? {
    var text = line.drop(while: isSpace)
    var negative = false
    if let sign = text.first, sign == 0x2b || sign == 0x2d {
      negative = sign == 0x2d
      text.removeFirst()
    }
    var base = 10
    if text.first == 0x30 {
      base = 8
      if let mark = text.dropFirst().first, mark | 0x20 == 0x78, let next = text.dropFirst(2).first, digit(next) < 16 {
        base = 16
        text = text.dropFirst(2)
      }
    }
    var value = 0
    var overflow = false
    var seen = 0
    while let byte = text.first, digit(byte) < base {
      let (product, over) = value.multipliedReportingOverflow(by: base)
      let (sum, overSum) = product.addingReportingOverflow(digit(byte))
      overflow = overflow || over || overSum
      if !overflow { value = sum }
      seen &+= 1
      text.removeFirst()
    }
    // Nothing converted leaves strtol at the very start of the line.
    let next = seen == 0 ? line.first ?? 0 : text.first ?? 0
    if !overflow, next == 0x0a || next == 0 {
      return .small(seen == 0 ? 0 : negative ? 0 &- value : value)
    }
    return long(line, base: 0, cutAtNUL: true)
  }

  /// FLOAT. C takes no blanks and no `_`, stops at NUL and refuses overflow; `float()` is the other way round.
  /// Returns whether the value is zero; nil when it is refused.
  static func float(_ line: ArraySlice<UInt8>, python: Bool) -> Bool? {
    var text = line
    if python {
      text = text.drop(while: isSpace)
      while let last = text.last, isSpace(last) { text.removeLast() }
      guard let plain = withoutUnderscores(text) else { return nil }
      text = plain[...]
    } else {
      if let end = text.firstIndex(where: { $0 == 0 || $0 == 0x0a }) { text = text[..<end] }
    }
    guard let first = text.first, isFloatStart(first) else { return nil }
    let words = String(decoding: text, as: UTF8.self)
    let bare = words.lowercased().drop { $0 == "+" || $0 == "-" }
    if bare == "inf" || bare == "infinity" || bare == "nan" { return false }
    guard text.allSatisfy({ digit($0) < 10 || [0x2b, 0x2d, 0x2e, 0x65, 0x45].contains($0) }) else { return nil }
    guard let value = Double(normalized(words)) else { return nil }
    if value.isInfinite, !python { return nil }
    return value == 0
  }

  /// `1.` and `.5` are numbers to Python; Swift wants digits on both sides.
  private static func normalized(_ text: String) -> String {
    var out = ""
    var previous: Character = " "
    for character in text {
      if character == ".", !previous.isNumber { out.append("0") }
      if previous == ".", !character.isNumber { out.append("0") }
      out.append(character)
      previous = character
    }
    if previous == "." {
      // A lone dot is no number.
      if text.allSatisfy({ !$0.isNumber }) { return "" }
      out.append("0")
    }
    if !text.contains(where: \.isNumber) { return "" }
    return out
  }

  private static func isFloatStart(_ byte: UInt8) -> Bool {
    digit(byte) < 10 || [0x2b, 0x2d, 0x2e, 0x69, 0x49, 0x6e, 0x4e].contains(byte)
  }

  private static func withoutUnderscores(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var out: [UInt8] = []
    var previous: UInt8 = 0
    for byte in text {
      if byte == 0x5f {
        guard digit(previous) < 10 else { return nil }
      } else {
        if previous == 0x5f, digit(byte) >= 10 { return nil }
        out.append(byte)
      }
      previous = byte
    }
    return previous == 0x5f ? nil : out
  }
}
