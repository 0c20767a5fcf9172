/// Lines and columns of a text that is held in memory: line from 1, column from 1 in Unicode scalars.
public struct TextLines: Sendable {
  private static let stride = 512
  private let starts: [Int]
  private let bytes: [UInt8]
  /// Scalars before every 512th byte.
  private let scalars: [Int]

  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    var starts = [0]
    var scalars: [Int] = []
    var count = 0
    for (offset, byte) in bytes.enumerated() {
      if offset.isMultiple(of: Self.stride) { scalars.append(count) }
      if byte & 0xc0 != 0x80 { count += 1 }
      if byte == 0x0a { starts.append(offset + 1) }
    }
    self.starts = starts
    self.scalars = scalars
  }

  /// - Complexity: logarithmic in the number of lines.
  public func place(of offset: Int) -> Place {
    let at = min(max(0, offset), bytes.count)
    var (low, high) = (0, starts.count)
    while low + 1 < high {
      let middle = (low + high) / 2
      if starts[middle] <= at { low = middle } else { high = middle }
    }
    return .line(low + 1, column: index(of: at) - index(of: starts[low]) + 1, path: nil)
  }

  /// Scalars before an offset.
  private func index(of offset: Int) -> Int {
    guard !scalars.isEmpty else { return 0 }
    let step = min(offset / Self.stride, scalars.count - 1)
    return scalars[step] + bytes[(step * Self.stride)..<offset].count { $0 & 0xc0 != 0x80 }
  }
}
