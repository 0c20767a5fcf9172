import MScanFacts

/// Ids of one taxonomy that the rules of a log refer to.
struct SARIFTaxonomy {
  var name: String
  var home: String
  /// Sorted, without duplicates.
  var ids: [String]
  private let page: @Sendable (String) -> String?

  static func all(of rules: [RuleDescriptor]) -> [SARIFTaxonomy] {
    let cwe = SARIFTaxonomy(
      name: "CWE", home: "https://cwe.mitre.org/", ids: unique(rules.flatMap(\.cwe)),
      page: { id in
        let number = id.drop { !$0.isNumber }
        return number.isEmpty ? nil : "https://cwe.mitre.org/data/definitions/\(number).html"
      })
    let atlas = SARIFTaxonomy(
      name: "MITRE ATLAS", home: "https://atlas.mitre.org/", ids: unique(rules.flatMap(\.atlas)),
      page: { id in
        id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") }
          ? "https://atlas.mitre.org/techniques/\(id)" : nil
      })
    return [cwe, atlas].filter { !$0.ids.isEmpty }
  }

  private static func unique(_ ids: [String]) -> [String] { Set(ids).sorted() }

  func write(to json: inout JSONWriter) {
    json.member("name", name)
    json.member("organization", "MITRE")
    json.member("informationUri", home)
    json.member("isComprehensive", false)
    json.list("taxa", ids) { json, id in
      json.object { json in
        json.member("id", id)
        if let page = page(id) { json.member("helpUri", page) }
      }
    }
  }
}

/// `tool.driver.rules`.
enum SARIFRules {
  static func write(_ rule: RuleDescriptor, taxonomies: [SARIFTaxonomy], to json: inout JSONWriter) {
    json.member("id", rule.id)
    json.member("name", name(of: rule))
    if !rule.aliases.isEmpty { json.member("deprecatedIds", unique(rule.aliases)) }
    text("shortDescription", rule.title, to: &json)
    text("fullDescription", rule.why.isEmpty ? rule.title : rule.why, to: &json)
    json.object("help") { json in
      json.member("text", help(for: rule))
      json.member("markdown", markdownHelp(for: rule))
    }
    if let page = rule.references.first(where: { $0.hasPrefix("https://") }) { json.member("helpUri", page) }
    json.object("defaultConfiguration") { $0.member("level", rule.severity.level) }
    relationships(of: rule, taxonomies, to: &json)
    json.object("properties") { json in
      json.member("precision", rule.precision.rawValue)
      json.member("problem.severity", problem(rule.severity))
      if let score = rule.severity.securitySeverity { json.member("security-severity", score) }
      json.member("tags", tags(of: rule))
    }
  }

  /// `process-spawn` → `ProcessSpawn`.
  private static func name(of rule: RuleDescriptor) -> String {
    rule.id.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  /// GitHub keeps ten tags.
  private static func tags(of rule: RuleDescriptor) -> [String] {
    let cwe = rule.cwe.map { "external/cwe/" + $0.lowercased() }
    let atlas = rule.atlas.map { "mitre-atlas/" + $0 }
    return Array((["security"] + unique(cwe) + unique(atlas)).prefix(10))
  }

  private static func problem(_ severity: Severity) -> String {
    switch severity {
    case .critical, .high: "error"
    case .medium: "warning"
    case .low, .info: "recommendation"
    }
  }

  private static func relationships(
    of rule: RuleDescriptor, _ taxonomies: [SARIFTaxonomy], to json: inout JSONWriter
  ) {
    var targets: [(id: String, index: Int, taxonomy: Int, kind: String)] = []
    for (number, taxonomy) in taxonomies.enumerated() {
      let own = taxonomy.name == "CWE" ? rule.cwe : rule.atlas
      for id in unique(own) {
        guard let index = taxonomy.ids.firstIndex(of: id) else { continue }
        targets.append((id, index, number, taxonomy.name == "CWE" ? "superset" : "relevant"))
      }
    }
    guard !targets.isEmpty else { return }
    json.list("relationships", targets) { json, target in
      json.object { json in
        json.object("target") { json in
          json.member("id", target.id)
          json.member("index", target.index)
          json.object("toolComponent") { json in
            json.member("name", taxonomies[target.taxonomy].name)
            json.member("index", target.taxonomy)
          }
        }
        json.member("kinds", [target.kind])
      }
    }
  }

  private static func unique(_ values: [String]) -> [String] {
    var seen: Set<String> = []
    return values.filter { seen.insert($0).inserted }
  }

  private static func text(_ key: String, _ value: String, to json: inout JSONWriter) {
    // GitHub's bound on a description.
    json.object(key) { $0.member("text", Plain.text(value, limit: 1000)) }
  }

  private static func help(for rule: RuleDescriptor) -> String {
    let parts = [rule.fix, rule.why, "More: mscan-lint explain \(rule.id)"]
    return parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  private static func markdownHelp(for rule: RuleDescriptor) -> String {
    var parts: [String] = []
    if !rule.fix.isEmpty { parts.append("**What to do.** " + MarkdownText.plain(rule.fix)) }
    if !rule.why.isEmpty { parts.append("**Why.** " + MarkdownText.plain(rule.why)) }
    let links = rule.references.filter { $0.hasPrefix("https://") && !$0.contains(">") }
    if !links.isEmpty { parts.append("**References.**\n" + links.map { "- <\($0)>" }.joined(separator: "\n")) }
    parts.append(
      """
      **To accept it**, after you have looked at the file, write in `.mscan.yaml`:
      ```yaml
      suppressions:
        - rule: \(rule.id)
          path: path/of/the/file
          reason: why this is no danger
      ```
      """)
    return parts.joined(separator: "\n\n")
  }
}
