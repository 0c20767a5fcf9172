/// How tightly the parts of an expression bind, loosest first.
enum Binding {
  static let lowest: UInt8 = 0
  static let named: UInt8 = 1
  static let conditional: UInt8 = 2
  static let or: UInt8 = 3
  static let and: UInt8 = 4
  static let not: UInt8 = 5
  static let comparison: UInt8 = 6
  static let bitOr: UInt8 = 7
  static let bitXor: UInt8 = 8
  static let bitAnd: UInt8 = 9
  static let shift: UInt8 = 10
  static let sum: UInt8 = 11
  static let product: UInt8 = 12
  static let unary: UInt8 = 13
  static let power: UInt8 = 14
  static let await: UInt8 = 15

  /// Of a binary operator; 0 when the token is none.
  @inline(__always)
  static func of(_ kind: TokenKind) -> UInt8 {
    switch kind {
    case .plus, .minus: sum
    case .star, .slash, .doubleSlash, .percent, .at: product
    case .doubleStar: power
    case .pipe: bitOr
    case .caret: bitXor
    case .ampersand: bitAnd
    case .leftShift, .rightShift: shift
    case .less, .greater, .equalEqual, .notEqual, .lessEqual, .greaterEqual, .kwIn, .kwIs, .kwNot: comparison
    case .kwAnd: and
    case .kwOr: or
    default: 0
    }
  }
}

/// A construct of an expression that is open.
struct Frame {
  enum Kind: UInt8 {
    // Those that hold elements: an operator inside never reaches past them.
    case root, parenthesis, list, brace, call, subscriptIndex, comprehensionTarget, comprehensionIterable,
      comprehensionCondition, lambdaDefault, strings, formatString, specification, field, yield, conditionalTest
    // Those that wait for one operand on their right.
    case unary, not, await, binary, conditionalElse, lambdaBody, named, star, doubleStar, yieldFrom, keyword

    @inline(__always) var isBarrier: Bool { rawValue <= Kind.conditionalTest.rawValue }
  }

  struct State: OptionSet {
    let rawValue: UInt16
    static let hasComma = State(rawValue: 1)
    static let hasElement = State(rawValue: 2)
    /// A dictionary; without it and with an element, a set.
    static let isDictionary = State(rawValue: 4)
    static let awaitsValue = State(rawValue: 8)
    static let hasKeyword = State(rawValue: 16)
    static let hasDoubleStar = State(rawValue: 32)
    static let isComprehension = State(rawValue: 64)
    static let inSlice = State(rawValue: 128)
    static let hasStar = State(rawValue: 256)
    static let takesTuple = State(rawValue: 512)
    static let takesNamed = State(rawValue: 1024)
    static let takesYield = State(rawValue: 2048)
    static let takesStar = State(rawValue: 4096)
    /// The `in` behind it belongs to a `for`.
    static let endsAtIn = State(rawValue: 8192)
    /// An argument without parentheses is a generator: nothing may stand beside it.
    static let hasBareGenerator = State(rawValue: 16384)
  }

  var kind: Kind
  /// What binds less tightly than this cannot stand inside.
  var binding: UInt8 = 0
  var token: TokenKind = .invalid
  var state: State = []
  /// Where the construct starts.
  var start: UInt32
  /// The left operand, or the node under construction.
  var node: NodeID = 0
  /// Its last child.
  var last: NodeID = 0
  /// A second node under construction: a tuple, a slice, a generator.
  var other: NodeID = 0
  /// Its last child.
  var otherLast: NodeID = 0
  /// The last child of a subscript's tuple while a slice is under construction.
  var before: NodeID = 0
}

extension PythonParser {
  /// How an expression stands in its statement.
  struct Mode {
    var state: Frame.State
    var binding: UInt8 = 0

    /// One expression.
    static let single = Mode(state: [])
    /// One expression, or `name := …`.
    static let named = Mode(state: [.takesNamed])
    /// Expressions and starred ones, a tuple when there is a comma.
    static let many = Mode(state: [.takesTuple, .takesStar])
    /// The same, or `yield`.
    static let value = Mode(state: [.takesTuple, .takesStar, .takesYield])
    /// `match` takes named and starred expressions.
    static let subject = Mode(state: [.takesTuple, .takesStar, .takesNamed])
    /// Targets of `for`, up to its `in`.
    static let forTargets = Mode(state: [.takesTuple, .takesStar, .endsAtIn], binding: Binding.comparison)
    /// The target behind `as`.
    static let withTarget = Mode(state: [.takesStar], binding: Binding.comparison)
    static let starred = Mode(state: [.takesStar])
    /// Patterns of a `case`.
    static let pattern = Mode(state: [.takesTuple, .takesStar])
  }
}
