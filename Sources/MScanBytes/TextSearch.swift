extension Span where Element == UInt8 {
  /// Whether `wanted` stands somewhere in these bytes.
  public func holds(_ wanted: Span<UInt8>) -> Bool {
    guard wanted.count > 0 else { return true }
    guard count >= wanted.count else { return false }
    let first = wanted[0]
    for start in 0...(count &- wanted.count) where self[start] == first {
      var step = 1
      while step < wanted.count, self[start &+ step] == wanted[step] { step &+= 1 }
      if step == wanted.count { return true }
    }
    return false
  }
}

extension String {
  /// Whether the bytes of `text` stand somewhere in it. For short texts, of which the search of the standard library
  /// makes tables first.
  public func holds(_ text: String) -> Bool { utf8.span.holds(text.utf8.span) }
}

extension [UInt8] {
  /// Whether the bytes of `text` stand somewhere in these.
  public func holds(_ text: String) -> Bool { span.holds(text.utf8.span) }
}
