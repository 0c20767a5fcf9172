import MScanBytes
import MScanFacts

/// A rule without its names, as matching uses it.
struct CompiledRule: Sendable, Hashable {
  var descriptor: RuleDescriptor
  /// All must hold.
  var allOf: [Condition]
  /// None may hold.
  var noneOf: [Condition]

  /// Constructs of source code that its conditions on `via` name: `via is call`.
  var sourceConstructs: SourceConstructs {
    var found = SourceConstructs()
    for condition in allOf
    where condition.attribute == "via" && (condition.comparison == .equals || condition.comparison == .isIn) {
      for literal in condition.literals {
        if let construct = CallableFact.SourceConstruct(rawValue: literal.text) {
          found.insert(SourceConstructs(construct))
        }
      }
    }
    return found
  }
}

/// Some of ``CallableFact/SourceConstruct``.
struct SourceConstructs: OptionSet, Sendable, Hashable {
  let rawValue: UInt8

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(_ construct: CallableFact.SourceConstruct) { rawValue = construct.bit }
}

/// Why names are harmless, and how they may be used.
struct CompiledAllow: Sendable, Hashable {
  var library: String
  var reason: String
  /// Empty for every construct.
  var via: [String]
  /// The loader that accepts the names; empty where they are allowed.
  var loader = ""
}

/// What one kind of fact is held against.
struct KindTable: Sendable, Hashable {
  var names = NameTable()
  /// Rules with the subject `*`, most severe first.
  var any: [Int] = []
  /// Rules for what nothing else names, most severe first.
  var otherwise: [Int] = []
}

/// Joins rules and allowed names from several places into one rule set.
struct RuleSetBuilder {
  private struct Item {
    var rule: CompiledRule
    var patterns: [NamePattern]
    var otherwise: Bool
  }
  private struct Group {
    var kind: FactKind
    var allow: CompiledAllow
    var patterns: [NamePattern]
  }
  private struct Key: Hashable {
    var name: [UInt8]
    var isPrefix: Bool
  }

  private var items: [String: Item] = [:]
  private var groups: [Group] = []
  private var advisories: [String: KnownAdvisory] = [:]

  /// Adds rules, groups and advisories; a rule or an advisory with the id of an earlier one takes its place.
  mutating func add(rules: [RuleSource], allows: [AllowSource], advisories known: [KnownAdvisory] = []) {
    for advisory in known { advisories[advisory.id] = advisory }
    for rule in rules {
      items[rule.descriptor.id] = Item(
        rule: CompiledRule(descriptor: rule.descriptor, allOf: rule.allOf, noneOf: rule.noneOf),
        patterns: Self.patterns(rule.subjects), otherwise: rule.otherwise)
    }
    for allow in allows {
      groups.append(
        Group(
          kind: allow.kind,
          allow: CompiledAllow(library: allow.library, reason: allow.reason, via: allow.via, loader: allow.loader),
          patterns: Self.patterns(allow.names)))
    }
  }

  /// Adds all of a rule set.
  mutating func add(_ set: RuleSet) {
    for advisory in set.advisories { advisories[advisory.id] = advisory }
    for (index, rule) in set.compiled.enumerated() {
      let table = set.tables[rule.descriptor.kind.ordinal]
      var patterns = table.patterns(of: NameTable.Posting(rule: index))
      if table.any.contains(index) { patterns.append(.any) }
      items[rule.descriptor.id] = Item(rule: rule, patterns: patterns, otherwise: table.otherwise.contains(index))
    }
    for (index, allow) in set.allows.enumerated() {
      for kind in FactKind.allCases {
        let patterns = set.tables[kind.ordinal].patterns(of: NameTable.Posting(allow: index))
        if !patterns.isEmpty { groups.append(Group(kind: kind, allow: allow, patterns: patterns)) }
      }
    }
  }

  private static func patterns(_ names: [Located]) -> [NamePattern] {
    names.compactMap { try? NamePattern.read($0.text).get() }
  }

  func build() -> RuleSet {
    let sorted = items.values.sorted { $0.rule.descriptor.id < $1.rule.descriptor.id }
    // Most severe first; rules are in order of id, and the sort keeps that order within a severity.
    let bySeverity = sorted.indices.sorted {
      (sorted[$1].rule.descriptor.severity, $0) < (sorted[$0].rule.descriptor.severity, $1)
    }
    var tables: [KindTable] = []
    for kind in FactKind.allCases {
      var table = KindTable()
      var postings: [Key: [NameTable.Posting]] = [:]
      var order: [Key] = []
      func post(_ pattern: NamePattern, _ posting: NameTable.Posting) {
        let key: Key
        switch pattern {
        case .any: return
        case .exact(let name): key = Key(name: Array(name.utf8), isPrefix: false)
        case .below(let name): key = Key(name: Array(name.utf8), isPrefix: true)
        }
        if postings[key] == nil { order.append(key) }
        postings[key, default: []].append(posting)
      }
      for index in bySeverity where sorted[index].rule.descriptor.kind == kind {
        if sorted[index].otherwise { table.otherwise.append(index) }
        if sorted[index].patterns.contains(.any) { table.any.append(index) }
        for pattern in sorted[index].patterns { post(pattern, NameTable.Posting(rule: index)) }
      }
      for (index, group) in groups.enumerated() where group.kind == kind {
        for pattern in group.patterns { post(pattern, NameTable.Posting(allow: index)) }
      }
      order.sort { ($0.name.lexicographicallyPrecedes($1.name)) || ($0.name == $1.name && !$0.isPrefix && $1.isPrefix) }
      table.names = NameTable(order.map { ($0.name, $0.isPrefix, postings[$0] ?? []) })
      tables.append(table)
    }
    return RuleSet(
      compiled: sorted.map(\.rule), allows: groups.map(\.allow), tables: tables,
      advisories: advisories.values.sorted { $0.id < $1.id }, version: nil)
  }
}

extension KindTable {
  /// The patterns that lead to a rule or a group, `*` apart.
  func patterns(of posting: NameTable.Posting) -> [NamePattern] {
    names.entries.indices.compactMap { index in
      guard names.postings(of: index).contains(posting) else { return nil }
      let name = String(decoding: names.name(of: index), as: UTF8.self)
      return names.entries[index].isPrefix ? .below(name) : .exact(name)
    }
  }
}
