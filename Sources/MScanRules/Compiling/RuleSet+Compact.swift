import MScanBytes
import MScanFacts

extension RuleSet {
  private static let magic = "mscan-rules 4 "

  /// The compact form that a build embeds: UTF-8, decoded at start-up without parsing YAML.
  public func encoded() -> [UInt8] {
    Array((Self.magic + version + "\n").utf8) + Self.body(compiled, allows, tables, advisories)
  }

  /// Everything but the version, which is the hash of this.
  static func body(
    _ compiled: [CompiledRule], _ allows: [CompiledAllow], _ tables: [KindTable], _ advisories: [KnownAdvisory]
  ) -> [UInt8] {
    var writer = CompactWriter()
    writer.write(compiled.count)
    for rule in compiled { write(rule, to: &writer) }
    writer.write(allows.count)
    for allow in allows {
      writer.write(allow.library)
      writer.write(allow.reason)
      writer.write(allow.via)
      writer.write(allow.loader)
    }
    for table in tables { write(table, to: &writer) }
    writer.write(advisories.count)
    for advisory in advisories { advisory.write(to: &writer) }
    return writer.bytes
  }

  static func version(of body: [UInt8]) -> String {
    var hash = StableHash()
    for byte in body { hash.combine(byte) }
    return hash.hex
  }

  private static func write(_ rule: CompiledRule, to writer: inout CompactWriter) {
    let descriptor = rule.descriptor
    writer.write(descriptor.kind.ordinal)
    writer.write(descriptor.severity.rank)
    writer.write(Precision.allCases.firstIndex(of: descriptor.precision) ?? 0)
    for text in [
      descriptor.id, descriptor.title, descriptor.message, descriptor.why, descriptor.fix, descriptor.since,
      descriptor.group,
    ] { writer.write(text) }
    for list in [descriptor.cwe, descriptor.atlas, descriptor.references, descriptor.aliases] { writer.write(list) }
    for conditions in [rule.allOf, rule.noneOf] {
      writer.write(conditions.count)
      for condition in conditions {
        writer.write(condition.attribute)
        writer.write(condition.comparison.ordinal)
        writer.write(condition.literals.count)
        for literal in condition.literals {
          writer.write(literal.isQuoted)
          writer.write(literal.text)
        }
      }
    }
  }

  private static func write(_ table: KindTable, to writer: inout CompactWriter) {
    let names = table.names
    writer.write(names.entries.count)
    for (index, entry) in names.entries.enumerated() {
      writer.write(name: names.name(of: index))
      writer.write(entry.isPrefix)
      writer.write(hash: entry.hash)
      writer.write(Int(entry.parent) + 1)
      writer.write(Int(entry.postingCount))
      for posting in names.postings(of: index) { writer.write(Int(posting.raw)) }
    }
    for list in [table.any, table.otherwise] {
      writer.write(list.count)
      for rule in list { writer.write(rule) }
    }
  }

  // MARK: Decoding

  /// - Throws: where the data stops being what ``encoded()`` writes.
  init(decoding data: [UInt8]) throws(CompactDamage) {
    var reader = CompactReader(data)
    for byte in Self.magic.utf8 {
      guard reader.index < data.count, data[reader.index] == byte else { throw reader.damage }
      reader.skip(1)
    }
    guard data.count - reader.index > 16, data[reader.index + 16] == UInt8(ascii: "\n") else { throw reader.damage }
    let version = String(decoding: data[reader.index..<reader.index + 16], as: UTF8.self)
    reader.skip(17)
    var rules: [CompiledRule] = []
    for _ in 0..<(try reader.readCount()) { rules.append(try Self.readRule(&reader)) }
    var allows: [CompiledAllow] = []
    for _ in 0..<(try reader.readCount()) {
      allows.append(
        CompiledAllow(
          library: try reader.readText(), reason: try reader.readText(), via: try reader.readTexts(),
          loader: try reader.readText()))
    }
    var tables: [KindTable] = []
    for _ in FactKind.allCases {
      tables.append(try Self.readTable(&reader, rules: rules.count, allows: allows.count))
    }
    var advisories: [KnownAdvisory] = []
    for _ in 0..<(try reader.readCount()) { advisories.append(try KnownAdvisory(from: &reader)) }
    guard reader.isAtEnd else { throw reader.damage }
    self.init(compiled: rules, allows: allows, tables: tables, advisories: advisories, version: version)
  }

  static func choice<Value>(_ all: [Value], _ reader: inout CompactReader) throws(CompactDamage) -> Value {
    let index = try reader.readNumber()
    guard all.indices.contains(index) else { throw reader.damage }
    return all[index]
  }

  private static func readRule(_ reader: inout CompactReader) throws(CompactDamage) -> CompiledRule {
    let kind = try choice(FactKind.allCases, &reader)
    let severity = try choice(Severity.allCases, &reader)
    let precision = try choice(Precision.allCases, &reader)
    var descriptor = RuleDescriptor(
      id: try reader.readText(), title: try reader.readText(), kind: kind, severity: severity, precision: precision,
      message: try reader.readText())
    descriptor.why = try reader.readText()
    descriptor.fix = try reader.readText()
    descriptor.since = try reader.readText()
    descriptor.group = try reader.readText()
    descriptor.cwe = try reader.readTexts()
    descriptor.atlas = try reader.readTexts()
    descriptor.references = try reader.readTexts()
    descriptor.aliases = try reader.readTexts()
    return CompiledRule(
      descriptor: descriptor, allOf: try readConditions(&reader), noneOf: try readConditions(&reader))
  }

  private static func readConditions(_ reader: inout CompactReader) throws(CompactDamage) -> [Condition] {
    var conditions: [Condition] = []
    for _ in 0..<(try reader.readCount()) {
      let attribute = try reader.readText()
      let comparison = try choice(Condition.Operator.allCases, &reader)
      var literals: [Literal] = []
      for _ in 0..<(try reader.readCount()) {
        let isQuoted = try reader.readFlag()
        literals.append(Literal(try reader.readText(), quoted: isQuoted))
      }
      conditions.append(Condition(attribute: attribute, comparison: comparison, literals: literals))
    }
    return conditions
  }

  private static func readTable(
    _ reader: inout CompactReader, rules: Int, allows: Int
  ) throws(CompactDamage) -> KindTable {
    let count = try reader.readCount()
    var entries: [NameTable.Entry] = []
    var postings: [NameTable.Posting] = []
    entries.reserveCapacity(count)
    postings.reserveCapacity(count)
    for _ in 0..<count {
      let (start, length) = try reader.readName()
      let isPrefix = try reader.readFlag()
      let hash = try reader.readHash()
      let parent = try reader.readNumber() - 1
      guard parent < count else { throw reader.damage }
      let first = postings.count
      for _ in 0..<(try reader.readCount()) {
        let number = try reader.readNumber()
        guard number <= UInt32.max else { throw reader.damage }
        let posting = NameTable.Posting(raw: UInt32(truncatingIfNeeded: number))
        guard posting.index < (posting.isAllow ? allows : rules) else { throw reader.damage }
        postings.append(posting)
      }
      entries.append(
        NameTable.Entry(
          start: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: length), hash: hash,
          isPrefix: isPrefix, parent: Int32(truncatingIfNeeded: parent),
          firstPosting: UInt32(truncatingIfNeeded: first),
          postingCount: UInt32(truncatingIfNeeded: postings.count - first)))
    }
    // A parent is a shorter name, so that following parents ends.
    for entry in entries where entry.parent >= 0 {
      let parent = entries[Int(entry.parent)]
      guard parent.isPrefix, parent.length < entry.length else { throw reader.damage }
    }
    var table = KindTable()
    if count > 0 { table.names = NameTable(bytes: reader.bytes, entries: entries, postings: postings) }
    table.any = try readRules(&reader, count: rules)
    table.otherwise = try readRules(&reader, count: rules)
    return table
  }

  private static func readRules(_ reader: inout CompactReader, count: Int) throws(CompactDamage) -> [Int] {
    var list: [Int] = []
    for _ in 0..<(try reader.readCount()) {
      let rule = try reader.readNumber()
      guard rule < count else { throw reader.damage }
      list.append(rule)
    }
    return list
  }
}
