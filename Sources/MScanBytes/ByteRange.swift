/// A half-open range of byte offsets, `start..<end`, inside one artifact's decoded bytes.
///
/// Always `0 <= start <= end`; a reversed pair collapses to the empty range at `start`.
public struct ByteRange: Sendable, Hashable, Comparable {
  public let start: Int
  public let end: Int

  @inlinable
  public init(_ start: Int, _ end: Int) {
    self.start = max(0, start)
    self.end = max(max(0, start), end)
  }

  /// The range of `count` bytes at `start`; saturates instead of overflowing.
  @inlinable
  public init(at start: Int, count: Int) {
    let (sum, overflow) = start.addingReportingOverflow(max(0, count))
    self.init(start, overflow ? Int.max : sum)
  }

  @inlinable public var count: Int { end - start }
  @inlinable public var isEmpty: Bool { start == end }

  @inlinable
  public func contains(_ other: ByteRange) -> Bool { start <= other.start && other.end <= end }

  @inlinable
  public static func < (a: ByteRange, b: ByteRange) -> Bool { (a.start, a.end) < (b.start, b.end) }
}
