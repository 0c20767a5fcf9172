/// The memo: dense chunks for the indexes a pickler writes, a bounded dictionary for those only an attacker does.
struct PickleMemo {
  private var chunks: [[PickleValue]] = []
  private var sparse: [Int: PickleValue] = [:]
  /// Keys set so far: what MEMOIZE takes as its index.
  private(set) var count = 0
  /// A key so far ahead of the rest that CPython's C machine would allocate gigabytes for it.
  private(set) var sawHugeIndex = false

  private static let shift = 12
  private static let mask = (1 << 12) - 1
  private static let denseLimit = 1 << 26

  @inline(__always) func get(_ index: Int) -> PickleValue {
    let chunk = index &>> Self.shift
    guard index >= 0 else { return .absent }
    if chunk < chunks.count, !chunks[chunk].isEmpty {
      let value = chunks[chunk][index & Self.mask]
      if value != .absent || sparse.isEmpty { return value }
    }
    return sparse.isEmpty ? .absent : sparse[index] ?? .absent
  }

  @inline(__always) mutating func put(_ index: Int, _ value: PickleValue) {
    let chunk = index &>> Self.shift
    if chunk < chunks.count, !chunks[chunk].isEmpty {
      let at = index & Self.mask
      if chunks[chunk][at] == .absent, sparse.isEmpty || sparse.removeValue(forKey: index) == nil { count &+= 1 }
      chunks[chunk][at] = value
    } else {
      putSlow(index, value)
    }
  }

  private mutating func putSlow(_ index: Int, _ value: PickleValue) {
    guard index >= 0 else { return }
    if index >= Self.denseLimit || index &>> 6 > count &+ 4096 {
      if index >= 1 << 20 { sawHugeIndex = true }
      if sparse.updateValue(value, forKey: index) == nil { count &+= 1 }
      return
    }
    let chunk = index &>> Self.shift
    while chunks.count <= chunk { chunks.append([]) }
    chunks[chunk] = Array(repeating: .absent, count: Self.mask + 1)
    put(index, value)
  }

  /// Keys held outside the dense part.
  var sparseCount: Int { sparse.count }
}
