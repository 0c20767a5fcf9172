/// One object of the symbolic run, in eight bytes: a tag of six bits and a payload of 58.
///
/// Text and bytes are places in the stream, not copies; numbers are inline; containers are slots in ``PickleHeap``. A
/// stream of a hundred megabytes with millions of memo entries so costs eight bytes an entry and four a container.
struct PickleValue: Hashable, Sendable {
  enum Tag: UInt8, Sendable {
    case absent, none, bool, int, bigInt, float
    /// Text or bytes in the stream: 36 bits of offset, 20 of length, 2 of ``TextKind``.
    case text, bytes
    /// The same for operands that do not fit: an index of `PickleHeap.longSpans`.
    case longText, longBytes
    case emptyTuple
    /// Numbers and text only: 44 bits of position in the ring of recent items, 14 of count.
    case plainTuple
    /// 32 bits of arena index, 8 of weight, 10 of depth, 1 hashable.
    case tuple
    case frozenSet
    /// A slot each.
    case list, dict, set, byteArray
    case memoryView
    /// An index of the table of globals.
    case global
    /// An index of the table of call results.
    case object
  }

  /// How the operand bytes of a text become a `str`.
  enum TextKind: UInt64 { case utf8, latin1, quotedEscape, rawUnicodeEscape }

  let bits: UInt64

  static let payloadBits: UInt64 = 58
  static let payloadMask: UInt64 = (1 << 58) - 1

  @inline(__always) init(_ tag: Tag, _ payload: UInt64 = 0) {
    bits = UInt64(tag.rawValue) &<< Self.payloadBits | (payload & Self.payloadMask)
  }

  init(bits: UInt64) { self.bits = bits }

  static let absent = PickleValue(.absent)
  static let none = PickleValue(.none)
  static let emptyTuple = PickleValue(.emptyTuple)

  @inline(__always) var tag: Tag { Tag(rawValue: UInt8(truncatingIfNeeded: bits &>> Self.payloadBits)) ?? .absent }
  @inline(__always) var payload: UInt64 { bits & Self.payloadMask }
  @inline(__always) var index: Int { Int(truncatingIfNeeded: payload) }

  @inline(__always) static func bool(_ flag: Bool) -> PickleValue { PickleValue(.bool, flag ? 1 : 0) }

  /// Inline while it fits 57 bits and a sign; larger ones only keep that they are not zero.
  @inline(__always) static func int(_ value: Int) -> PickleValue {
    let shifted = value &<< 6
    return shifted &>> 6 == value
      ? PickleValue(.int, UInt64(bitPattern: Int64(value))) : PickleValue(.bigInt, 0)
  }

  /// The number of an `int` or a `bool`.
  var intValue: Int? {
    switch tag {
    case .int: Int(truncatingIfNeeded: Int64(bitPattern: bits &<< 6) &>> 6)
    case .bool: Int(truncatingIfNeeded: payload)
    default: nil
    }
  }

  static let spanOffsetLimit = 1 << 36
  static let spanLengthLimit = 1 << 20

  @inline(__always) static func span(_ tag: Tag, offset: Int, count: Int, kind: TextKind = .utf8) -> PickleValue {
    PickleValue(
      tag,
      UInt64(truncatingIfNeeded: offset) &<< 22 | UInt64(truncatingIfNeeded: count) &<< 2 | kind.rawValue)
  }

  var spanOffset: Int { Int(truncatingIfNeeded: payload &>> 22) }
  var spanCount: Int { Int(truncatingIfNeeded: (payload &>> 2) & 0xfffff) }
  var spanKind: TextKind { TextKind(rawValue: payload & 3) ?? .utf8 }

  /// Whether Python's `hash()` takes it. Tuples know from when they were built.
  @inline(__always) var isHashable: Bool {
    switch tag {
    case .list, .dict, .set, .byteArray, .memoryView: false
    case .tuple: payload & (1 << 50) != 0
    default: true
    }
  }

  /// Whether it can be named by the stream's items alone: a number, a text, None.
  @inline(__always) var isPlain: Bool {
    switch tag {
    case .none, .bool, .int, .bigInt, .float, .text, .longText, .emptyTuple: true
    default: false
    }
  }

  var isStub: Bool { tag == .global || tag == .object }
  var isText: Bool { tag == .text || tag == .longText }
  var isBytes: Bool { tag == .bytes || tag == .longBytes }
}
