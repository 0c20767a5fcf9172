import MScanBytes

/// A value of a marshal stream.
enum MarshalValue {
  case none
  case text(String)
  /// Bytes, by their place in the stream's buffer.
  case bytes(Range<Int>)
  /// A number, a truth value, an ellipsis: as Python writes it.
  case literal(String)
  case list([Int])
  /// Index into ``MarshalReader/codes``.
  case code(Int)
}

/// A code object.
struct MarshalCode {
  /// How its fields are laid out, which tells its version apart.
  enum Layout { case python2, python3, python38, python311 }

  var parent: Int?
  var start: Int
  var layout = Layout.python3
  /// Instructions, by their place in the stream's buffer.
  var instructions = 0..<0
  var constants: [Int] = []
  var names: [String] = []
  /// Local variables; from 3.11 on, cells are among them.
  var locals: [String] = []
  var cells: [String] = []
  var name = ""
}

/// Reads marshal without recursion into a table of values; a value is an index into it.
///
/// A value is a type byte and what the type says: `69` four bytes, `7a` a length byte and that many bytes, `29` a count
/// byte and that many values, `63` a code object: 4 to 6 numbers, 8 values, a number, 1 or 2 values. Bit `80` of the type
/// puts the value on a list that `72` refers to.
struct MarshalReader {
  private struct Frame {
    enum Kind {
      case list(left: Int)
      case dictionary
      case code(index: Int, left: Int)
    }

    var kind: Kind
    /// Place in `references` that waits for it.
    var slot: Int?
    var items: [Int] = []
  }

  private(set) var values: [MarshalValue] = []
  private(set) var codes: [MarshalCode] = []
  private(set) var bytes: [UInt8] = []
  private(set) var base = 0
  private let limits: Limits
  private var frames: [Frame] = []
  private var references: [Int] = []
  /// Interned texts of Python 2, for `R`.
  private var interned: [Int] = []

  /// Bytes of a text that are kept; 1,024.
  private static let textLimit = 1024

  init(limits: Limits) { self.limits = limits }

  /// Reads one object.
  ///
  /// - Parameter base: offset of `bytes[0]` in the artifact.
  /// - Returns: the offset behind it. After a failure, the values so far and the codes begun stay.
  mutating func read(_ bytes: [UInt8], base: Int) throws(ParseFailure) -> Int {
    self.bytes = bytes
    self.base = base
    var cursor = ByteCursor(bytes, base: base)
    repeat {
      guard values.count < limits.marshalValues else {
        throw ParseFailure(.limitExceeded, "marshalValues", at: cursor.offset)
      }
      guard frames.count < limits.nesting else { throw ParseFailure(.limitExceeded, "nesting", at: cursor.offset) }
      try readOne(&cursor)
    } while !frames.isEmpty
    return cursor.offset
  }

  // MARK: One value

  private mutating func readOne(_ cursor: inout ByteCursor) throws(ParseFailure) {
    let start = cursor.offset
    let type = try cursor.readUInt8("type")
    var slot: Int?
    if type & 0x80 != 0, type & 0x7f != UInt8(ascii: "r") {
      slot = references.count
      references.append(-1)
    }
    switch type & 0x7f {
    case UInt8(ascii: "0"): try endDictionary(at: start)
    case UInt8(ascii: "N"): try complete(.none, slot, &cursor)
    case UInt8(ascii: "T"): try complete(.literal("True"), slot, &cursor)
    case UInt8(ascii: "F"): try complete(.literal("False"), slot, &cursor)
    case UInt8(ascii: "S"): try complete(.literal("StopIteration"), slot, &cursor)
    case UInt8(ascii: "."): try complete(.literal("..."), slot, &cursor)
    case UInt8(ascii: "i"):
      let number = Int32(bitPattern: try cursor.readUInt32("int"))
      try complete(.literal(String(number)), slot, &cursor)
    case UInt8(ascii: "I"):
      let number = Int64(bitPattern: try cursor.readUInt64("int64"))
      try complete(.literal(String(number)), slot, &cursor)
    case UInt8(ascii: "l"): try complete(.literal(try readLong(&cursor)), slot, &cursor)
    case UInt8(ascii: "f"):
      let length = try cursor.readUInt8("float")
      try complete(.literal(Self.text(try cursor.slice(length, "float"))), slot, &cursor)
    case UInt8(ascii: "g"):
      let number = Double(bitPattern: try cursor.readUInt64("binary-float"))
      try complete(.literal(String(number)), slot, &cursor)
    case UInt8(ascii: "x"):
      for _ in 0..<2 { try cursor.skip(try cursor.readUInt8("complex"), "complex") }
      try complete(.literal("complex"), slot, &cursor)
    case UInt8(ascii: "y"):
      try cursor.skip(16, "binary-complex")
      try complete(.literal("complex"), slot, &cursor)
    case UInt8(ascii: "s"):
      let from = cursor.index &+ 4
      let count = try cursor.slice(try cursor.readUInt32("string"), "string").count
      try complete(.bytes(from..<(from &+ count)), slot, &cursor)
    case UInt8(ascii: "t"), UInt8(ascii: "u"), UInt8(ascii: "a"), UInt8(ascii: "A"):
      let text = Self.text(try cursor.slice(try cursor.readUInt32("text"), "text"))
      if type & 0x7f == UInt8(ascii: "t") { interned.append(values.count) }
      try complete(.text(text), slot, &cursor)
    case UInt8(ascii: "z"), UInt8(ascii: "Z"):
      let text = Self.text(try cursor.slice(try cursor.readUInt8("short-text"), "short-text"))
      try complete(.text(text), slot, &cursor)
    case UInt8(ascii: "r"): try refer(references, &cursor, at: start)
    case UInt8(ascii: "R"): try refer(interned, &cursor, at: start)
    case UInt8(ascii: ")"): try beginList(UInt32(try cursor.readUInt8("tuple")), slot, &cursor)
    case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "<"), UInt8(ascii: ">"):
      try beginList(try cursor.readUInt32("tuple"), slot, &cursor)
    case UInt8(ascii: ":"): try beginList(3, slot, &cursor)
    case UInt8(ascii: "{"): frames.append(Frame(kind: .dictionary, slot: slot))
    case UInt8(ascii: "c"): try beginCode(slot, &cursor, at: start)
    default: throw ParseFailure(.malformed, "type", at: start)
    }
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.prefix(textLimit), as: UTF8.self)
  }

  /// Digits of 15 bits, least significant first. Only what fits 64 bits is written out.
  private func readLong(_ cursor: inout ByteCursor) throws(ParseFailure) -> String {
    let stated = Int32(bitPattern: try cursor.readUInt32("long"))
    let digits = Int(stated.magnitude)
    var value: UInt64 = 0
    if digits > 4 {
      try cursor.skip(digits &* 2, "long")
      return "\(digits &* 15)-bit number"
    }
    for position in 0..<digits { value |= UInt64(try cursor.readUInt16("long")) &<< UInt64(position &* 15) }
    return (stated < 0 ? "-" : "") + String(value)
  }

  private mutating func refer(_ list: [Int], _ cursor: inout ByteCursor, at start: Int) throws(ParseFailure) {
    guard let index = Int(exactly: try cursor.readUInt32("reference")), list.indices.contains(index),
      values.indices.contains(list[index])
    else { throw ParseFailure(.malformed, "reference", at: start) }
    try attach(list[index], &cursor)
  }

  private mutating func beginList(_ count: UInt32, _ slot: Int?, _ cursor: inout ByteCursor) throws(ParseFailure) {
    guard Int(count) <= cursor.remaining else { throw ParseFailure(.truncated, "tuple", at: cursor.offset) }
    if count == 0 { return try complete(.list([]), slot, &cursor) }
    frames.append(Frame(kind: .list(left: Int(count)), slot: slot))
  }

  private mutating func endDictionary(at start: Int) throws(ParseFailure) {
    guard let top = frames.last, case .dictionary = top.kind else { throw ParseFailure(.malformed, "null", at: start) }
    frames.removeLast()
    var nothing = ByteCursor([], base: start)
    try complete(.list(top.items), top.slot, &nothing)
  }

  // MARK: Code objects

  /// The numbers before a code object's values: the only count of them that puts bytes of instructions next.
  private mutating func beginCode(_ slot: Int?, _ cursor: inout ByteCursor, at start: Int) throws(ParseFailure) {
    let at = cursor.index
    let numbers = [4, 5, 6].first { isInstructions(at: at &+ $0 &* 4) }
    let parent = frames.last { if case .code = $0.kind { true } else { false } }
    var code = MarshalCode(parent: nil, start: start)
    if case .code(let index, _) = parent?.kind { code.parent = index }
    guard let numbers else { throw ParseFailure(.malformed, "code", at: start) }
    code.layout = numbers == 4 ? .python2 : numbers == 6 ? .python38 : .python3
    try cursor.skip(numbers &* 4, "code")
    codes.append(code)
    frames.append(Frame(kind: .code(index: codes.count &- 1, left: 9), slot: slot))
  }

  /// Whether bytes that fit stand at `at`, or a reference to bytes: functions with the same instructions share them.
  private func isInstructions(at: Int) -> Bool {
    guard at &+ 5 <= bytes.count else { return false }
    let number = (1...4).reversed().reduce(0) { $0 &<< 8 | Int(bytes[at &+ $1]) }
    switch bytes[at] & 0x7f {
    case UInt8(ascii: "s"): return number > 0 && number <= bytes.count &- at &- 5
    case UInt8(ascii: "r"):
      guard references.indices.contains(number), values.indices.contains(references[number]) else { return false }
      if case .bytes = values[references[number]] { return true }
      return false
    default: return false
    }
  }

  /// Takes the next value of a code object.
  ///
  /// - Returns: how many are left.
  private mutating func take(
    _ value: Int, _ index: Int, _ position: Int, _ left: Int, _ cursor: inout ByteCursor
  ) throws(ParseFailure) -> Int {
    let isNew = codes[index].layout == .python311
    switch position {
    case 0: if case .bytes(let range) = values[value] { codes[index].instructions = range }
    case 1: if case .list(let items) = values[value] { codes[index].constants = items }
    case 2: codes[index].names = texts(value)
    case 3: codes[index].locals = texts(value)
    case 4:
      if case .bytes = values[value], codes[index].layout == .python3 {
        codes[index].layout = .python311
        return left
      }
      codes[index].cells = texts(value)
    case 5: if !isNew { codes[index].cells = texts(value) + codes[index].cells }
    case 6: if isNew { codes[index].name = text(value) }
    case 7:
      if !isNew { codes[index].name = text(value) }
      try cursor.skip(4, "firstlineno")
    default: break
    }
    return left &- 1
  }

  func text(_ value: Int) -> String {
    switch values[value] {
    case .text(let text): text
    case .bytes(let range): Self.text(bytes[range])
    default: ""
    }
  }

  private func texts(_ value: Int) -> [String] {
    if case .list(let items) = values[value] { items.map { text($0) } } else { [] }
  }

  // MARK: Putting together

  private mutating func complete(
    _ value: MarshalValue, _ slot: Int?, _ cursor: inout ByteCursor
  ) throws(ParseFailure) {
    values.append(value)
    if let slot, references.indices.contains(slot) { references[slot] = values.count &- 1 }
    try attach(values.count &- 1, &cursor)
  }

  /// Hands a value to the innermost open container, and what that completes to the next.
  private mutating func attach(_ value: Int, _ cursor: inout ByteCursor) throws(ParseFailure) {
    var value = value
    while let top = frames.indices.last {
      switch frames[top].kind {
      case .dictionary:
        frames[top].items.append(value)
        return
      case .list(let left):
        frames[top].items.append(value)
        guard left <= 1 else {
          frames[top].kind = .list(left: left &- 1)
          return
        }
        values.append(.list(frames[top].items))
      case .code(let index, let left):
        let rest = try take(value, index, frames[top].items.count, left, &cursor)
        frames[top].items.append(value)
        guard rest == 0 else {
          frames[top].kind = .code(index: index, left: rest)
          return
        }
        values.append(.code(index))
      }
      value = values.count &- 1
      if let slot = frames[top].slot, references.indices.contains(slot) { references[slot] = value }
      frames.removeLast()
    }
  }
}
