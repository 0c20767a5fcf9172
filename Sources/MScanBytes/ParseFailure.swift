/// Why a reader stopped. The one error parsers throw; caught once, at the edge of `Format.read`, and stated as an
/// `anomaly` fact. It carries no prose, so that throwing it costs nothing.
public struct ParseFailure: Error, Hashable, Sendable {
  public enum Reason: String, Sendable, Hashable {
    /// The bytes end before the structure does.
    case truncated
    /// The bytes break the format's own rules.
    case malformed
    /// A field of ``Limits`` was reached.
    case limitExceeded = "limit"
    /// The format allows it; this reader does not read it.
    case unsupported
    /// The operating system refused the bytes.
    case unreadable
  }

  public let reason: Reason
  /// The format specification's own name for the field that failed.
  public let field: StaticString
  /// Offset in the artifact's decoded bytes where that field starts.
  public let offset: Int

  @inlinable
  public init(_ reason: Reason, _ field: StaticString, at offset: Int) {
    self.reason = reason
    self.field = field
    self.offset = offset
  }

  public var fieldName: String { field.description }

  public static func == (a: ParseFailure, b: ParseFailure) -> Bool {
    a.reason == b.reason && a.offset == b.offset && a.fieldName == b.fieldName
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(reason)
    hasher.combine(offset)
  }
}
