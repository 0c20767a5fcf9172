public import MScanBytes

/// What a reader is given.
public struct ArtifactInput: Sendable {
  /// Row in the sink's artifact table.
  public let index: Int
  public let source: ByteSource
  /// Last path component of the artifact's name.
  public let name: String
  public let limits: Limits
  /// Which document values to state.
  public let interest: ValueInterest
  /// Which keywords to look for in texts.
  public let texts: TextInterest
  /// Which calls of source code to state.
  public let calls: CallInterest

  public init(
    index: Int, source: ByteSource, name: String, limits: Limits = .standard, interest: ValueInterest = .all,
    texts: TextInterest = .none, calls: CallInterest = .all
  ) {
    self.index = index
    self.source = source
    self.name = name
    self.limits = limits
    self.interest = interest
    self.texts = texts
    self.calls = calls
  }
}

/// A reader of one file format, in whichever target: `MScanFormats` and `MScanPython` do not know of each other, and the
/// engine's registry lists the readers of both. It states facts about the bytes it is given and queues what is nested in them; it
/// never throws, ranks or prints. What it cannot read is an anomaly with `incomplete` set.
public protocol Format: Sendable {
  /// Stable id, lower case: `zip`, `pickle`, `safetensors`.
  static var id: String { get }
  static func read(_ input: ArtifactInput, into sink: inout FactBuffer)
}
