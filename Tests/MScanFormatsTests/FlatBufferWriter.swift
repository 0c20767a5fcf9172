/// Writes FlatBuffers for tests: every object behind the one that points to it.
indirect enum FlatPart: Sendable {
  case table([Int: FlatPart])
  /// A number of so many bytes, in place.
  case number(UInt64, width: Int)
  case string(String)
  case bytes([UInt8])
  case numbers([Int32])
  /// Tables or strings.
  case list([FlatPart])

  static func file(_ identifier: String, _ root: FlatPart) -> [UInt8] {
    var bytes: [UInt8] = [0, 0, 0, 0] + Array(identifier.utf8)
    patch(&bytes, at: 0, to: root.append(to: &bytes))
    return bytes
  }

  private static func little(_ value: UInt64, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  private static func patch(_ bytes: inout [UInt8], at position: Int, to target: Int) {
    bytes.replaceSubrange(position..<(position + 4), with: little(UInt64(target - position), 4))
  }

  /// - Returns: where an offset to the part has to point.
  private func append(to bytes: inout [UInt8]) -> Int {
    bytes += [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
    let start = bytes.count
    switch self {
    case .number: return start
    case .string(let text):
      bytes += Self.little(UInt64(text.utf8.count), 4) + Array(text.utf8) + [0]
      return start
    case .bytes(let data):
      bytes += Self.little(UInt64(data.count), 4) + data
      return start
    case .numbers(let numbers):
      bytes += Self.little(UInt64(numbers.count), 4)
      for number in numbers { bytes += Self.little(UInt64(UInt32(bitPattern: number)), 4) }
      return start
    case .list(let items):
      bytes += Self.little(UInt64(items.count), 4) + [UInt8](repeating: 0, count: 4 * items.count)
      for (index, item) in items.enumerated() {
        Self.patch(&bytes, at: start + 4 + 4 * index, to: item.append(to: &bytes))
      }
      return start
    case .table(let fields): return Self.append(fields, to: &bytes)
    }
  }

  private static func append(_ fields: [Int: FlatPart], to bytes: inout [UInt8]) -> Int {
    let count = (fields.keys.max() ?? -1) + 1
    var offsets = [Int](repeating: 0, count: count)
    var body: [UInt8] = [0, 0, 0, 0]
    for (number, part) in fields.sorted(by: { $0.key < $1.key }) {
      offsets[number] = body.count
      if case .number(let value, let width) = part { body += little(value, width) } else { body += [0, 0, 0, 0] }
    }
    let vtable = bytes.count
    bytes += little(UInt64(4 + 2 * count), 2) + little(UInt64(body.count), 2)
    for offset in offsets { bytes += little(UInt64(offset), 2) }
    bytes += [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
    let start = bytes.count
    body.replaceSubrange(0..<4, with: little(UInt64(start - vtable), 4))
    bytes += body
    for (number, part) in fields.sorted(by: { $0.key < $1.key }) {
      if case .number = part { continue }
      patch(&bytes, at: start + offsets[number], to: part.append(to: &bytes))
    }
    return start
  }
}
