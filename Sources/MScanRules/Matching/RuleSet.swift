import MScanBytes
public import MScanFacts

/// Where a fact was found, for the attributes that come with every kind.
public struct MatchContext: Sendable {
  /// Base name of the artifact that holds the fact.
  public let fileName: String
  /// Format id of that artifact.
  public let format: String

  /// What follows the last dot of the name, in lower case; empty without one, and for a name that starts with its only
  /// dot.
  public let fileExtension: String

  public init(fileName: String, format: String) {
    self.fileName = fileName
    self.format = format
    if let dot = fileName.utf8.lastIndex(of: UInt8(ascii: ".")), dot > fileName.startIndex {
      fileExtension = fileName[fileName.utf8.index(after: dot)...].lowercased()
    } else {
      fileExtension = ""
    }
  }
}

/// A rule that names a fact.
public struct Match: Sendable, Hashable {
  /// Index into ``RuleSet/rules``.
  public var rule: Int
  /// Which of the fact's subjects it named; the fact's first for a rule that names everything or the rest.
  public var subject: String

  public init(rule: Int, subject: String) {
    self.rule = rule
    self.subject = subject
  }
}

/// The compiled rules: which facts are worth telling, and how.
public struct RuleSet: Sendable {
  /// In order of id.
  public let rules: [RuleDescriptor]
  /// Hash of the rule set's contents: sixteen hexadecimal digits.
  public let version: String
  /// What document readers need to state for these rules.
  public let valueInterest: ValueInterest
  /// What readers of texts need to look for.
  public let textInterest: TextInterest

  /// `rules` with their conditions, in the same order.
  let compiled: [CompiledRule]
  /// Constructs of source code that each of them asks for.
  private let constructs: [SourceConstructs]
  let allows: [CompiledAllow]
  /// Models that are known to be bad, in order of id.
  public let advisories: [KnownAdvisory]
  /// By ``FactKind/ordinal``.
  let tables: [KindTable]
  /// Rules that judge nothing, because their group was not selected.
  private var quiet: Set<Int> = []

  /// - Parameter version: nil to compute it.
  init(
    compiled: [CompiledRule], allows: [CompiledAllow], tables: [KindTable], advisories: [KnownAdvisory] = [],
    version: String?
  ) {
    self.compiled = compiled
    self.allows = allows
    self.tables = tables
    self.advisories = advisories
    rules = compiled.map(\.descriptor)
    constructs = compiled.map(\.sourceConstructs)
    valueInterest = Self.interest(of: tables[FactKind.value.ordinal])
    textInterest = Self.keywords(of: tables[FactKind.text.ordinal])
    self.version = version ?? Self.version(of: Self.body(compiled, allows, tables, advisories))
  }

  /// A set without rules, which names nothing.
  public static let empty = RuleSetBuilder().build()

  /// The keys that start the key paths of rules; everything when a rule names any value.
  private static func interest(of table: KindTable) -> ValueInterest {
    guard table.any.isEmpty, table.otherwise.isEmpty else { return .all }
    var keys: Set<String> = []
    for index in table.names.entries.indices where table.names.postings(of: index).contains(where: { !$0.isAllow }) {
      keys.insert(String(decoding: table.names.name(of: index).prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self))
    }
    return ValueInterest(keys: keys)
  }

  /// The keywords that rules name in texts.
  private static func keywords(of table: KindTable) -> TextInterest {
    let names = table.names.entries.indices.filter { entry in
      table.names.postings(of: entry).contains { !$0.isAllow }
    }
    return TextInterest(names.map { String(decoding: table.names.name(of: $0), as: UTF8.self) })
  }

  /// Which calls of source code the rules for source name; every call when one of them names any.
  public var callInterest: CallInterest {
    let table = tables[FactKind.callable.ordinal]
    guard (table.any + table.otherwise).allSatisfy({ constructs[$0].isEmpty }) else { return .all }
    let wanted = table.names.entries.indices.map { entry in
      table.names.postings(of: entry).reduce(into: SourceConstructs()) { found, posting in
        if !posting.isAllow { found.formUnion(constructs[posting.index]) }
      }
    }
    let names = table.names
    return CallInterest(step: { bytes, reach in
      var reach = reach
      for index in bytes.indices {
        let byte = bytes[index]
        if byte == UInt8(ascii: "."), !reach.isEmpty {
          names.each(ofPrefix: reach.hash) { reach.below |= wanted[$0].rawValue }
        }
        reach.hash.combine(byte)
        reach.isEmpty = false
      }
      reach.constructs = reach.below
      names.each(ofName: reach.hash) { reach.constructs |= wanted[$0].rawValue }
      return reach
    })
  }

  // MARK: Groups

  /// Groups that stay quiet until they are selected, in order.
  public var groups: [String] { Set(rules.map(\.group)).subtracting([""]).sorted() }

  /// The same rules, of which those of all other groups judge nothing. A rule that is selected by its own name judges.
  public func judging(groups: Set<String>, rules selected: Set<String> = []) -> RuleSet {
    var set = self
    set.quiet = Set(
      rules.indices.filter {
        !rules[$0].group.isEmpty && !groups.contains(rules[$0].group) && !selected.contains(rules[$0].id)
      })
    return set
  }

  // MARK: Looking rules up

  /// Index of a rule by its id, or by an id it had before.
  public func index(named name: String) -> Int? {
    var low = 0
    var high = rules.count
    while low < high {
      let middle = (low + high) / 2
      if rules[middle].id < name { low = middle + 1 } else { high = middle }
    }
    if low < rules.count, rules[low].id == name { return low }
    return rules.firstIndex { $0.aliases.contains(name) }
  }

  /// A rule by its id, or by an id it had before.
  public func rule(named name: String) -> RuleDescriptor? { index(named: name).map { rules[$0] } }

  /// The nearest id to one that does not exist, when it looks like a slip of the pen.
  public func suggestion(for name: String) -> String? {
    Suggestion.nearest(to: name, among: rules.flatMap { [$0.id] + $0.aliases })
  }

  /// What a rule names, as its file writes it, in order; `["otherwise"]` for the rule of what nothing else names.
  public func subjects(of rule: Int) -> [String] {
    guard rules.indices.contains(rule) else { return [] }
    let table = tables[rules[rule].kind.ordinal]
    if table.otherwise.contains(rule) { return ["otherwise"] }
    let posting = NameTable.Posting(rule: rule)
    let names = table.names.entries.indices.filter { table.names.postings(of: $0).contains(posting) }
    return (table.any.contains(rule) ? ["*"] : []) + names.map { table.names.pattern(of: $0) }
  }

  // MARK: Matching

  private enum Verdict {
    case none
    case denied(Match)
    case allowed(Int)
  }

  /// The most specific rule that names the fact and whose conditions hold; nil when none does or an `allow` entry wins.
  public func match(_ fact: Fact, in context: MatchContext) -> Match? {
    if case .denied(let match) = verdict(fact, context) { return match }
    return nil
  }

  /// Why the fact is known to do no harm, `library: reason`; nil unless an `allow` entry wins.
  public func allowReason(for fact: Fact, in context: MatchContext) -> String? {
    guard case .allowed(let index) = verdict(fact, context) else { return nil }
    return allows[index].library + ": " + allows[index].reason
  }

  private func verdict(_ fact: Fact, _ context: MatchContext) -> Verdict {
    let table = tables[fact.kind.ordinal]
    let subjects = fact.subjects
    var best: (specificity: Int, posting: NameTable.Posting, subject: Int)?
    // What a quiet rule names has its rule, and is not what nothing else names.
    var isNamedQuietly = false
    for position in subjects.indices {
      var entry = table.names.find(subjects[position])
      while entry >= 0 {
        let specificity = table.names.specificity(of: entry)
        if let best, best.specificity > specificity { break }
        let holding = table.names.postings(of: entry).first { posting in
          posting.isAllow
            ? position == 0 && permits(posting.index, fact) : holds(posting.index, fact, context)
        }
        if holding == nil, !quiet.isEmpty {
          isNamedQuietly =
            isNamedQuietly || table.names.postings(of: entry).contains { !$0.isAllow && quiet.contains($0.index) }
        }
        if let holding {
          if let standing = best, standing.specificity == specificity, !beats(holding, standing.posting) { break }
          best = (specificity, holding, position)
          break
        }
        entry = Int(table.names.entries[entry].parent)
      }
    }
    if let best {
      if best.posting.isAllow { return .allowed(best.posting.index) }
      return .denied(Match(rule: best.posting.index, subject: subjects[best.subject]))
    }
    if isNamedQuietly { return .none }
    let general = table.any.first { holds($0, fact, context) } ?? table.otherwise.first { holds($0, fact, context) }
    return general.map { .denied(Match(rule: $0, subject: subjects.first ?? "")) } ?? .none
  }

  /// Which of two equally specific entries wins: deny over allow, then severity, then rule id.
  private func beats(_ a: NameTable.Posting, _ b: NameTable.Posting) -> Bool {
    if a.isAllow || b.isAllow { return !a.isAllow && b.isAllow }
    let (first, second) = (rules[a.index].severity, rules[b.index].severity)
    return first == second ? a.index < b.index : first > second
  }

  /// Whether a loader that takes only the names on its list would take this one: the name that the file asks for, in the
  /// words of Python 3. False for a loader without a list.
  public func accepts(_ name: String, loader: String) -> Bool {
    guard !loader.isEmpty else { return false }
    let table = tables[FactKind.callable.ordinal]
    var entry = table.names.find(name)
    while entry >= 0 {
      let isListed = table.names.postings(of: entry).contains { $0.isAllow && allows[$0.index].loader == loader }
      if isListed { return true }
      entry = Int(table.names.entries[entry].parent)
    }
    return false
  }

  private func holds(_ rule: Int, _ fact: Fact, _ context: MatchContext) -> Bool {
    if quiet.contains(rule) { return false }
    // A rule about what loaders run says nothing of source, where the same name is called for good reasons.
    if case .callable(let callable) = fact.payload, callable.isInSource, constructs[rule].isEmpty { return false }
    let (all, none) = (compiled[rule].allOf, compiled[rule].noneOf)
    return all.allSatisfy { $0.holds(for: attribute($0.attribute, of: fact, in: context)) }
      && !none.contains { $0.holds(for: attribute($0.attribute, of: fact, in: context)) }
  }

  private func permits(_ allow: Int, _ fact: Fact) -> Bool {
    guard allows[allow].loader.isEmpty else { return false }
    if case .callable(let callable) = fact.payload, callable.isInSource { return false }
    let via = allows[allow].via
    if via.isEmpty || fact.attribute(named: "stage") == .text("named") { return true }
    guard case .text(let used) = fact.attribute(named: "via") else { return false }
    return via.contains { Condition.same($0, used) }
  }

  private func attribute(_ name: String, of fact: Fact, in context: MatchContext) -> AttributeValue? {
    switch name {
    case "file": .text(context.fileName)
    case "extension": .text(context.fileExtension)
    case "in": .text(context.format)
    default: fact.attribute(named: name)
    }
  }

  // MARK: Telling

  /// The rule's message with the fact's attributes filled in, fit for a terminal; each value at most
  /// ``Printable/limit`` characters.
  public func message(for match: Match, fact: Fact, in context: MatchContext) -> String {
    guard rules.indices.contains(match.rule) else { return "" }
    return MessageTemplate.fill(rules[match.rule].message) { name in
      switch (name, fact.kind) {
      case ("subject", _): match.subject
      case ("name", .callable): fact.subjects.first ?? ""
      case ("library", .callable): MessageTemplate.words(for: fact.attribute(named: "root"), named: name)
      default: MessageTemplate.words(for: attribute(name, of: fact, in: context), named: name)
      }
    }
  }
}

extension RuleSet: Equatable {
  public static func == (a: RuleSet, b: RuleSet) -> Bool {
    a.version == b.version && a.compiled == b.compiled && a.allows == b.allows && a.tables == b.tables
      && a.advisories == b.advisories
  }
}
