/// Which dotted names in source code anybody wants to hear of, and in which construct: those that rules for source name.
/// A reader need not state calls of other names, of which ordinary source is full.
public struct CallInterest: Sendable {
  private let names: (@Sendable (_ name: String, _ construct: CallableFact.SourceConstruct) -> Bool)?
  private let needsAll: (@Sendable () -> Bool)?

  /// - Parameters:
  ///   - names: whether a name is wanted in one of ``CallableFact/SourceConstruct``.
  ///   - needsAll: asked once a module, and only when there is one: whether its calls have to be told whatever they
  ///     name, because another module says what the names stand for.
  public init(
    names: @escaping @Sendable (_ name: String, _ construct: CallableFact.SourceConstruct) -> Bool,
    needsAll: (@Sendable () -> Bool)? = nil
  ) {
    self.names = names
    self.needsAll = needsAll
  }

  private init() { (names, needsAll) = (nil, nil) }

  /// Every call.
  public static let all = CallInterest()

  /// The same, and every call where the condition holds.
  public func unless(_ needsAll: @escaping @Sendable () -> Bool) -> CallInterest {
    guard let names else { return self }
    return CallInterest(names: names, needsAll: needsAll)
  }

  /// What holds for the module that is about to be read.
  public func decided() -> CallInterest {
    guard let needsAll, let names else { return self }
    return needsAll() ? .all : CallInterest(names: names)
  }

  public var isEverything: Bool { names == nil }

  public func wants(_ name: String, in construct: CallableFact.SourceConstruct) -> Bool {
    names?(name, construct) ?? true
  }
}
