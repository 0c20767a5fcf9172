import Glibc

/// Memory of many megabytes, in large pages where the system leaves that to programs. Each new page costs a fault, and
/// a vocabulary of 20 MB would have five thousand of the small ones.
public enum LargeArrays {
  /// What is worth the question. Bytes; 4 MiB: two large pages.
  private static let least = 4 << 20
  private static let largePage = 2 << 20
  private static let smallPage = 4096

  /// As many zeros.
  public static func zeros(_ count: Int) -> [UInt64] {
    guard count >= least / 8 else { return [UInt64](repeating: 0, count: max(0, count)) }
    return unsafe [UInt64](unsafeUninitializedCapacity: count) { space, filled in
      unsafe advise(UnsafeMutableRawBufferPointer(space))
      unsafe space.initialize(repeating: 0)
      filled = count
    }
  }

  /// The same elements, with room for as many as `count`.
  public static func moved<Element: BitwiseCopyable>(_ elements: [Element], roomFor count: Int) -> [Element] {
    let room = max(count, elements.count)
    return unsafe [Element](unsafeUninitializedCapacity: room) { space, filled in
      unsafe advise(UnsafeMutableRawBufferPointer(space))
      filled = unsafe space.initialize(fromContentsOf: elements)
    }
  }

  /// Asks for large pages before the memory is written to. Only advice: whatever the answer, all else stays the same.
  static func advise(_ space: UnsafeMutableRawBufferPointer) {
    guard space.count >= least, let start = space.baseAddress else { return }
    let over = Int(bitPattern: start) & (largePage - 1)
    let first = over == 0 ? 0 : largePage - over
    guard first < space.count else { return }
    _ = unsafe madvise(start + first, (space.count - first) & ~(smallPage - 1), MADV_HUGEPAGE)
  }
}
