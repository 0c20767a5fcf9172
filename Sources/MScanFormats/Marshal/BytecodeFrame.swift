/// One code object while its instructions are followed.
struct BytecodeFrame {
  let index: Int
  let code: MarshalCode
  var stack: [BytecodeTeller.Value] = []
  /// Names and constants in order of use, bounded.
  private(set) var used: [String] = []

  init(index: Int, code: MarshalCode) { (self.index, self.code) = (index, code) }

  /// Values kept; deeper ones are forgotten, as are those below what a bounded list can tell.
  private static let depth = 256
  private static let usedLimit = 64

  mutating func push(_ value: BytecodeTeller.Value) {
    if stack.count < Self.depth { stack.append(value) }
  }

  /// The top of the stack; unknown when nothing is known of it.
  mutating func pop() -> BytecodeTeller.Value { stack.popLast() ?? .unknown }

  func peek(_ depth: Int) -> BytecodeTeller.Value {
    depth > 0 && depth <= stack.count ? stack[stack.count &- depth] : .unknown
  }

  mutating func swap(_ depth: Int) {
    guard depth > 1, depth <= stack.count else { return }
    stack.swapAt(stack.count &- 1, stack.count &- depth)
  }

  mutating func note(_ text: String) {
    if used.count < Self.usedLimit { used.append(text) }
  }
}
