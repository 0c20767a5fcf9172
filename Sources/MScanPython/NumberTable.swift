/// A number that nobody knows before the program runs, for tables of what files say. Nothing that depends on it is shown.
enum HashSeed {
  static let value = UInt64.random(in: .min ... .max) | 1
}

/// Numbers by a key of two numbers: open addressing, with a seed of each run's own, so that no text can be made to
/// collide. Nothing is ever taken out.
struct NumberTable: Sendable {
  private struct Slot {
    var key: UInt64
    var number: UInt32
  }

  private static let free = UInt32.max
  private let seed: UInt64
  private var slots: [Slot]
  private var mask: Int
  private(set) var count = 0

  /// - Parameter capacity: how many are expected.
  init(capacity: Int) {
    seed = HashSeed.value
    var size = 64
    while size < capacity * 2 { size *= 2 }
    slots = [Slot](repeating: Slot(key: 0, number: Self.free), count: size)
    mask = size - 1
  }

  static func key(_ high: UInt32, _ low: UInt32) -> UInt64 { UInt64(high) << 32 | UInt64(low) }

  @inline(__always)
  private func place(_ key: UInt64) -> Int {
    let product = (key ^ seed &>> 7).multipliedFullWidth(by: seed)
    return Int(truncatingIfNeeded: product.high ^ product.low) & mask
  }

  @inline(__always)
  subscript(key: UInt64) -> UInt32? {
    var at = place(key)
    while slots[at].number != Self.free {
      if slots[at].key == key { return slots[at].number }
      at = (at + 1) & mask
    }
    return nil
  }

  /// The number of the key; `number`, from now on, when it had none.
  @inline(__always)
  mutating func insert(_ number: UInt32, for key: UInt64) -> UInt32 {
    var at = place(key)
    while slots[at].number != Self.free {
      if slots[at].key == key { return slots[at].number }
      at = (at + 1) & mask
    }
    slots[at] = Slot(key: key, number: number)
    count += 1
    if count * 2 > slots.count { grow() }
    return number
  }

  private mutating func grow() {
    let old = slots
    mask = slots.count * 2 - 1
    slots = [Slot](repeating: Slot(key: 0, number: Self.free), count: mask + 1)
    for slot in old where slot.number != Self.free {
      var at = place(slot.key)
      while slots[at].number != Self.free { at = (at + 1) & mask }
      slots[at] = slot
    }
  }
}
