public import MScanBytes

/// Which dotted names in source code anybody wants to hear of, and in which construct: those that rules for source name.
/// A reader need not state calls of other names, of which ordinary source is full.
public struct CallInterest: Sendable {
  /// Goes on from a name, by the bytes that follow.
  public typealias Step = @Sendable (_ bytes: Span<UInt8>, _ from: Reach) -> Reach

  /// How far rules name a dotted name. What rules say of `a.b` and of `a.*` is found once for all names below `a`.
  public struct Reach: Sendable {
    /// Of all bytes so far.
    public var hash = StableHash()
    public var isEmpty = true
    /// Constructs in which everything below some dotted beginning is wanted, by ``CallableFact/SourceConstruct/bit``.
    public var below: UInt8 = 0
    /// Constructs in which the name itself is wanted.
    public var constructs: UInt8 = 0

    public init() {}
  }

  private let step: Step?
  private let needsAll: (@Sendable () -> Bool)?

  /// - Parameters:
  ///   - step: from what is known of a name to what is known of it with more bytes behind it. It may say that more is
  ///     wanted than is.
  ///   - needsAll: asked once a module, and only when there is one: whether its calls have to be told whatever they
  ///     name, because another module says what the names stand for.
  public init(step: @escaping Step, needsAll: (@Sendable () -> Bool)? = nil) {
    self.step = step
    self.needsAll = needsAll
  }

  private init() { (step, needsAll) = (nil, nil) }

  /// Every call.
  public static let all = CallInterest()

  /// The same, and every call where the condition holds.
  public func unless(_ needsAll: @escaping @Sendable () -> Bool) -> CallInterest {
    guard let step else { return self }
    return CallInterest(step: step, needsAll: needsAll)
  }

  /// What holds for the module that is about to be read.
  public func decided() -> CallInterest {
    guard let needsAll, let step else { return self }
    return needsAll() ? .all : CallInterest(step: step)
  }

  public var isEverything: Bool { step == nil }

  /// What is known of a name with these bytes behind those of `reach`.
  public func reach(of bytes: Span<UInt8>, from reach: Reach = Reach()) -> Reach {
    if let step { return step(bytes, reach) }
    var all = Reach()
    (all.isEmpty, all.below, all.constructs) = (false, .max, .max)
    return all
  }

  public func wants(_ name: String, in construct: CallableFact.SourceConstruct) -> Bool {
    reach(of: name.utf8.span).constructs & construct.bit != 0
  }
}
