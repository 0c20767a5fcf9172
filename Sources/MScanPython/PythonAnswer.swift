/// What an expression can be, in one word: nothing known, one importable thing, or a place in the list of those answers
/// that are more than that. To ask again takes no memory.
struct PythonAnswer: Equatable {
  private let raw: UInt32

  private static let pathMark: UInt32 = 1 << 31
  private static let listMark: UInt32 = 1 << 30
  private static let activeMark: UInt32 = 1 << 29

  private init(raw: UInt32) { self.raw = raw }

  /// Not asked yet. Zero, so that a table of them costs little to make.
  static let open = PythonAnswer(raw: 0)
  /// Being worked out, as the thing at a level of what is open (``PythonCycles/level``).
  static func active(at level: Int) -> PythonAnswer {
    PythonAnswer(raw: activeMark | UInt32(truncatingIfNeeded: level) & (activeMark - 1))
  }

  /// Nothing is known.
  static let nothing = PythonAnswer(raw: 2)

  /// One importable thing; nil above 2³⁰ of them.
  init?(_ path: DottedPath) {
    guard path.number < Self.listMark else { return nil }
    raw = path.number | Self.pathMark
  }

  /// The answer at a place in the list; nil above 2³⁰ of them.
  init?(listed place: Int) {
    guard place < Int(Self.listMark) else { return nil }
    raw = UInt32(truncatingIfNeeded: place) | Self.listMark
  }

  @inline(__always)
  var path: DottedPath? { raw & Self.pathMark != 0 ? DottedPath(number: raw & ~Self.pathMark) : nil }

  @inline(__always)
  var activeLevel: Int? {
    raw & (Self.pathMark | Self.listMark | Self.activeMark) == Self.activeMark ? Int(raw & (Self.activeMark - 1)) : nil
  }

  @inline(__always)
  var place: Int? {
    raw & (Self.pathMark | Self.listMark) == Self.listMark ? Int(raw & ~Self.listMark) : nil
  }
}
