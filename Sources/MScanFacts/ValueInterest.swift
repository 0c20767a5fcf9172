/// Which values of a document some rule could name. A reader walks and checks everything, and states only these.
public struct ValueInterest: Sendable {
  /// State every value (the `facts` command).
  public var everything: Bool
  /// Keys that start a rule's key path. A value is stated when any step of its path is one of them.
  public var keys: Set<String>

  public init(everything: Bool = false, keys: Set<String> = []) {
    self.everything = everything
    self.keys = keys
  }

  public static let all = ValueInterest(everything: true)

  public func wants(key: String) -> Bool { everything || keys.contains(key) }
}
