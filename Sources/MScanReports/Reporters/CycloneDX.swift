public import MScanFacts

/// A bill of materials of the model, CycloneDX 1.6 (ECMA-424), with what the model says of itself, what is verified, and
/// what the scan found.
public enum CycloneDXReporter: Reporter {
  public static let name = "cyclonedx"
  public static let needsInventory = true

  public static func render(_ report: ScanReport, style: ReportStyle) -> String {
    var writer = JSONWriter(.pretty)
    writer.object { json in
      json.member("$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json")
      json.member("bomFormat", "CycloneDX")
      json.member("specVersion", "1.6")
      json.member("version", 1)
      json.object("metadata") { json in
        json.object("tools") { json in
          json.list("components", [report]) { json, report in
            json.object { json in
              json.member("type", "application")
              json.member("name", report.toolName)
              json.member("version", report.toolVersion)
            }
          }
        }
        json.object("component") { model(report, to: &$0) }
      }
    }
    return writer.text + "\n"
  }

  private static func model(_ report: ScanReport, to json: inout JSONWriter) {
    let model = report.model
    json.member("type", "machine-learning-model")
    json.member("bom-ref", "model")
    json.member("name", Plain.text(model.name.isEmpty ? "model" : model.name))
    if !model.licenses.isEmpty {
      json.list("licenses", model.licenses) { json, claim in
        json.object { json in json.object("license") { $0.member("name", Plain.text(claim.value)) } }
      }
    }
    pedigree(model, report.lineage.inferred, to: &json)
    let provenance = Dictionary(grouping: report.provenance, by: \.path)
    let findings = Dictionary(grouping: report.active, by: \.file)
    json.list("components", report.files) { json, file in
      json.object { component(file, provenance[file.path] ?? [], findings[file.path] ?? [], to: &$0) }
    }
    modelCard(model, to: &json)
    var properties = [("verdict", report.verdict.rawValue), ("rules", report.rulesVersion)]
    properties += model.parents.map { ("parent-declared-in", $0.source) }
    properties += report.unread.prefix(1000).map { ("not-read", Plain.text($0.file + ": " + $0.detail)) }
    self.properties(properties, to: &json)
  }

  /// What the model says that it is made from, and what its weights say, with why.
  private static func pedigree(
    _ model: ModelDescription, _ inferred: [LineageReport.Inferred], to json: inout JSONWriter
  ) {
    var found: [(name: String, evidence: [LineageReport.Inferred])] = []
    func add(_ name: String, _ evidence: LineageReport.Inferred?) {
      if let known = found.firstIndex(where: { $0.name.lowercased() == name.lowercased() }) {
        if let evidence { found[known].evidence.append(evidence) }
      } else {
        found.append((name, evidence.map { [$0] } ?? []))
      }
    }
    for claim in model.parents { add(claim.value, nil) }
    for link in inferred { add(link.parent, link) }
    guard !found.isEmpty else { return }
    json.object("pedigree") { json in
      json.list("ancestors", found) { json, ancestor in
        json.object { json in
          self.ancestor(ancestor.name, to: &json)
          evidence(ancestor.evidence, to: &json)
        }
      }
    }
  }

  private static func evidence(_ links: [LineageReport.Inferred], to json: inout JSONWriter) {
    guard !links.isEmpty else { return }
    json.object("evidence") { json in
      json.list("identity", links.prefix(16)) { json, link in
        json.object { json in
          json.member("field", "name")
          json.member("confidence") { $0.thousandths(link.confidence) }
          json.list("methods", [link]) { json, link in
            json.object { json in
              json.member("technique", "other")
              json.member("confidence") { $0.thousandths(link.confidence) }
              let words = "weights of \(link.child), \(link.operation): \(link.evidence.joined(separator: "; "))"
              json.member("value", Plain.text(words, limit: 1000))
            }
          }
        }
      }
    }
  }

  /// `org/name` of the hub, or whatever the card writes.
  private static func ancestor(_ name: String, to json: inout JSONWriter) {
    json.member("type", "machine-learning-model")
    let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isNameByte) }) else {
      json.member("name", Plain.text(name))
      return
    }
    json.member("group", parts[0])
    json.member("name", parts[1])
    json.member("purl", "pkg:huggingface/\(parts[0])/\(parts[1])")
  }

  /// Bytes that stand for themselves in a package URL.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
      || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
  }

  private static func modelCard(_ model: ModelDescription, to json: inout JSONWriter) {
    json.object("modelCard") { json in
      json.object("modelParameters") { json in
        if let task = model.tasks.first { json.member("task", Plain.text(task.value)) }
        if let family = model.families.first { json.member("architectureFamily", Plain.text(family.value)) }
        if let architecture = model.architectures.first {
          json.member("modelArchitecture", Plain.text(architecture.value))
        }
        if !model.datasets.isEmpty {
          json.list("datasets", model.datasets) { json, claim in
            json.object { json in
              json.member("type", "dataset")
              json.member("name", Plain.text(claim.value))
            }
          }
        }
      }
    }
  }

  private static func component(
    _ file: ScannedFile, _ provenance: [ProvenanceFact], _ findings: [Finding], to json: inout JSONWriter
  ) {
    json.member("type", "file")
    json.member("bom-ref", "file:" + Plain.text(file.path, limit: 4096))
    json.member("name", Plain.text(file.path, limit: 4096))
    if !file.sha256.isEmpty {
      json.list("hashes", [file.sha256]) { json, digest in
        json.object { json in
          json.member("alg", "SHA-256")
          json.member("content", digest)
        }
      }
    }
    let records = provenance.filter { $0.status == .verified }
    if !records.isEmpty {
      json.object("evidence") { json in
        json.list("identity", records.prefix(16)) { json, fact in
          json.object { json in
            json.member("field", "hash")
            json.member("confidence") { $0.integer(1) }
            json.list("methods", [fact]) { json, fact in
              json.object { json in
                json.member("technique", "hash-comparison")
                json.member("confidence") { $0.integer(1) }
                json.member("value", Plain.text("\(fact.record) (\(fact.kind)): \(fact.detail)"))
              }
            }
          }
        }
      }
    }
    var properties = [("size", String(file.size)), ("format", file.format)].filter { !$0.1.isEmpty }
    properties += findings.prefix(100).map { ("finding", "\($0.severity.rawValue) \($0.rule)") }
    let doubts = provenance.filter { $0.status != .verified }
    properties += doubts.prefix(16).map {
      ("provenance", Plain.text("\($0.status.rawValue): \($0.record): \($0.detail)"))
    }
    self.properties(properties, to: &json)
  }

  private static func properties(_ properties: [(String, String)], to json: inout JSONWriter) {
    json.list("properties", properties) { json, property in
      json.object { json in
        json.member("name", "mscan-lint:" + property.0)
        json.member("value", property.1)
      }
    }
  }
}
