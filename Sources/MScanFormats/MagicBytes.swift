import MScanBytes

/// First bytes that raw tensor data does not have by chance.
enum MagicBytes {
  static func isUnmistakable(_ head: [UInt8]) -> Bool {
    if head.starts(with: [0x50, 0x4b, 3, 4]) || head.starts(with: [0x7f, 0x45, 0x4c, 0x46]) { return true }
    if head.starts(with: [0x1f, 0x8b, 8]) || head.starts(with: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]) { return true }
    switch Codec.starting(head) {
    case .bzip2, .xz, .zstd, .lz4: return true
    default: break
    }
    guard head.count >= 4, head[0] == 0x80, (2...5).contains(head[1]) else { return isTextPickle(head) }
    // PROTO is followed by a frame of a length that fits, or by an opcode that opens an object.
    if head[2] == Op.frame { return head.count >= 11 && head[8] == 0 && head[9] == 0 && head[10] == 0 }
    return [Op.global, Op.mark, Op.emptyDict, Op.emptyList, Op.shortBinUnicode, Op.binUnicode, Op.emptyTuple]
      .contains(head[2])
  }

  /// PROTO with a version that exists, and an opcode behind it.
  static func isBinaryPickle(_ head: [UInt8]) -> Bool {
    head.count >= 3 && head[0] == 0x80 && head[1] <= 5 && opcodes.contains(head[2])
  }

  private static let opcodes: Set<UInt8> = Set(
    Array("(.012FIJKLMNPQRSTUVXabcd}eghijloprqstu)]GBC".utf8) + Array(0x80...0x98))

  /// A GLOBAL of two printable lines.
  private static func isTextPickle(_ head: [UInt8]) -> Bool {
    guard head.first == Op.global || head.first == Op.mark else { return false }
    let lines = head.dropFirst().split(separator: 0x0a, maxSplits: 2, omittingEmptySubsequences: false)
    guard lines.count == 3 else { return false }
    return lines.prefix(2).allSatisfy { line in
      !line.isEmpty && line.allSatisfy { (0x21..<0x7f).contains($0) }
    }
  }
}
