import MScanBytes

/// The first fields of one message, by number: what a message is told from. Protocol buffers have no magic number.
struct ProtobufOutline {
  /// Fields looked at.
  private static let fieldLimit = 4096
  /// Fields of one number that are kept.
  private static let kept = 256
  /// Bytes read for one file in all.
  private static let budget = 256 << 10

  private(set) var messages: [Int: [ByteRange]] = [:]
  private(set) var numbers: [Int: [UInt64]] = [:]
  private(set) var fixed: Set<Int> = []

  init(_ reader: inout ProtobufReader, _ range: ByteRange) {
    reader.move(to: range.start)
    for _ in 0..<Self.fieldLimit {
      guard reader.bytesRead < Self.budget, let field = try? reader.next(before: range.end) else { return }
      switch field.wire {
      case .varint:
        if numbers[field.number, default: []].count < Self.kept {
          numbers[field.number, default: []].append(field.value)
        }
      case .length:
        if messages[field.number, default: []].count < Self.kept {
          messages[field.number, default: []].append(field.payload)
        }
      case .fixed32, .fixed64: fixed.insert(field.number)
      case .beginGroup, .endGroup: break
      }
      reader.move(to: field.payload.end)
    }
  }

  func hasMessage(_ number: Int) -> Bool { messages[number] != nil }
  func hasNumber(_ number: Int) -> Bool { numbers[number] != nil }

  /// Whether every field has one of these numbers.
  func hasOnly(_ known: Set<Int>) -> Bool {
    known.isSuperset(of: messages.keys) && known.isSuperset(of: numbers.keys) && known.isSuperset(of: fixed)
  }
}
