/// The messages of a format, as its `.proto` file defines them. `Role` is what a reader calls the fields it looks at;
/// fields without one are known, owned and skipped.
struct ProtobufSchema<Role: Sendable>: Sendable {
  enum Shape: Sendable {
    /// `int32`, `int64`, `uint64`, `bool` and enumerations.
    case varint
    /// The same in a list that is stepped over, packed or not: elements of a tensor.
    case numbers
    /// `float`, `fixed32`.
    case fixed32
    /// `double`, `fixed64`.
    case fixed64
    /// `string` and `bytes`.
    case bytes
    /// A message of the name, looked into.
    case message(StaticString)
    /// A message that holds nothing to tell.
    case opaque
  }

  struct Field: Sendable {
    let number: Int
    /// The definition's name for it.
    let name: StaticString
    let shape: Shape
    let isRepeated: Bool
    let role: Role?
    /// Index of the message it holds; nil when it is not looked into.
    fileprivate(set) var message: Int?

    init(_ number: Int, _ name: StaticString, _ shape: Shape, _ role: Role? = nil, repeated: Bool = false) {
      (self.number, self.name, self.shape, self.role, isRepeated) = (number, name, shape, role, repeated)
      message = nil
    }

    /// Whether the definition allows the wire type; numbers that repeat may be packed.
    func takes(_ wire: ProtobufWire) -> Bool {
      switch shape {
      case .varint, .numbers: wire == .varint || isPacked(wire)
      case .fixed32: wire == .fixed32 || isPacked(wire)
      case .fixed64: wire == .fixed64 || isPacked(wire)
      case .bytes, .message, .opaque: wire == .length
      }
    }

    /// Whether the bytes are a list of numbers.
    func isPacked(_ wire: ProtobufWire) -> Bool {
      switch shape {
      case .varint, .numbers, .fixed32, .fixed64: wire == .length && isRepeated
      case .bytes, .message, .opaque: false
      }
    }
  }

  struct Message: Sendable {
    let name: StaticString
    fileprivate(set) var fields: [Field]
    /// Places in `fields` by number, -1 for none; numbers beyond it are searched for.
    fileprivate var dense: [Int8]
    /// Numbers of fields that the definition has and nobody looks at, besides those in `fields`.
    private let others: ClosedRange<Int>?

    /// - Parameter others: numbers of further fields, whatever their type.
    init(_ name: StaticString, _ fields: [Field], others: ClosedRange<Int>? = nil) {
      self.name = name
      self.fields = fields
      self.others = others
      dense = [Int8](repeating: -1, count: 40)
      for (place, field) in fields.enumerated() where field.number < dense.count {
        dense[field.number] = Int8(truncatingIfNeeded: place)
      }
    }

    /// Whether the definition has the number among those that nobody looks at.
    func skips(_ number: Int) -> Bool { others?.contains(number) ?? false }

    /// The place of the field in `fields`; nil for a number that the definition does not have.
    func place(of number: Int) -> Int? {
      if number >= 0, number < dense.count { return dense[number] < 0 ? nil : Int(dense[number]) }
      return fields.firstIndex { $0.number == number }
    }
  }

  /// The first is the message that the file is.
  private(set) var messages: [Message]

  /// - Parameter messages: at most 127 fields each; a message that is not among them is skipped as a whole.
  init(_ messages: [Message]) {
    self.messages = messages
    var places: [String: Int] = [:]
    for (index, message) in messages.enumerated() { places[message.name.description] = index }
    for index in messages.indices {
      for place in messages[index].fields.indices {
        guard case .message(let name) = messages[index].fields[place].shape else { continue }
        self.messages[index].fields[place].message = places[name.description]
      }
    }
  }
}
