import MScanFacts

/// What the records beside the models come to, a line for each.
enum ProvenanceText {
  /// Records that are listed one by one; more are counted.
  private static let shown = 20

  static func section(_ report: ScanReport, _ paint: Paint) -> String {
    guard !report.provenance.isEmpty else { return "" }
    var text = paint.bold("Provenance") + "\n"
    let records = groups(report.provenance)
    for group in records.prefix(shown) {
      let name = Plain.text(group.record, limit: 200)
      text += "  \(name)  " + paint.dim(Plain.text(group.kind, limit: 80)) + "\n"
      text += TextReporter.wrapped(summary(group.facts), indent: "    ")
    }
    if records.count > shown {
      text += paint.dim("  … and \(records.count - shown) more records; --format json lists them all") + "\n"
    }
    return text + "\n"
  }

  private struct Group {
    var record: String
    var kind: String
    var facts: [ProvenanceFact]
  }

  private static func groups(_ facts: [ProvenanceFact]) -> [Group] {
    var places: [[String]: Int] = [:]
    var groups: [Group] = []
    for fact in facts {
      let key = [fact.record, fact.kind]
      if let place = places[key] {
        groups[place].facts.append(fact)
      } else {
        places[key] = groups.count
        groups.append(Group(record: fact.record, kind: fact.kind, facts: [fact]))
      }
    }
    return groups
  }

  /// `signed by the key k.pub; 9 files verified, 1 differs: model.safetensors`.
  private static func summary(_ facts: [ProvenanceFact]) -> String {
    var parts = facts.filter { $0.path.isEmpty }.prefix(3).map { Plain.text($0.detail, limit: 300) }
    for status in ProvenanceFact.Status.allCases {
      let own = facts.filter { $0.status == status && !$0.path.isEmpty }
      guard !own.isEmpty else { continue }
      var part = "\(Prose.count(own.count, "file")) \(words(status))"
      if status != .verified, status != .untrusted {
        part += ": " + own.prefix(3).map { Plain.text($0.path, limit: 200) }.joined(separator: ", ")
        if own.count > 3 { part += " …" }
      }
      parts.append(part)
    }
    return parts.joined(separator: "; ")
  }

  private static func words(_ status: ProvenanceFact.Status) -> String {
    switch status {
    case .verified: "verified"
    case .differs: "not as recorded"
    case .missingFile: "missing"
    case .unlistedFile: "not listed"
    case .untrusted: "as claimed, by nobody who is trusted"
    case .unverifiable: "not checked"
    }
  }
}
