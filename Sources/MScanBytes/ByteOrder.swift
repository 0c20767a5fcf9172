import Glibc

extension String {
  /// Whether the UTF-8 bytes of this text come before those of `other`. The order of every list in a report: Swift's own
  /// `<` goes by canonical equivalence.
  public func precedes(_ other: String) -> Bool {
    let a = utf8.span
    let b = other.utf8.span
    let order = unsafe a.withUnsafeBufferPointer { first in
      unsafe b.withUnsafeBufferPointer { second -> Int32 in
        let common = min(first.count, second.count)
        guard common > 0, let start = first.baseAddress, let other = second.baseAddress else { return 0 }
        return unsafe memcmp(start, other, common)
      }
    }
    return order == 0 ? a.count < b.count : order < 0
  }
}
