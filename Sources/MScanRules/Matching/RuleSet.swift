public import MScanFacts

/// Where a fact was found, for the attributes that come with every kind.
public struct MatchContext: Sendable {
  /// Base name of the artifact that holds the fact.
  public var fileName: String
  /// Format id of that artifact.
  public var format: String

  public init(fileName: String, format: String) {
    self.fileName = fileName
    self.format = format
  }
}

/// A rule that names a fact.
public struct Match: Sendable, Hashable {
  /// Index into ``RuleSet/rules``.
  public var rule: Int
  /// Which of the fact's subjects it named.
  public var subject: String

  public init(rule: Int, subject: String) {
    self.rule = rule
    self.subject = subject
  }
}

/// The compiled rules: which facts are worth telling, and how.
public struct RuleSet: Sendable {
  public let rules: [RuleDescriptor]
  /// Hash of the rule set's contents.
  public let version: String
  /// What document readers need to state for these rules.
  public let valueInterest: ValueInterest

  /// The most specific rule that names the fact and whose conditions hold; nil when none does or an `allow` entry wins.
  public func match(_ fact: Fact, in context: MatchContext) -> Match? { nil }

  /// The rule's message with the fact's attributes filled in.
  public func message(for match: Match, fact: Fact, in context: MatchContext) -> String { "" }
}
