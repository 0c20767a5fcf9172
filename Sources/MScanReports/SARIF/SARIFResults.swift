import MScanBytes
import MScanFacts

/// `results`.
struct SARIFResults {
  let report: ScanReport
  /// Index in `tool.driver.rules`.
  let rules: [String: Int]
  let kinds: [String: FactKind]
  /// Whether any result of the run is suppressed: then each one has to say whether it is.
  let saysSuppression: Bool

  init(_ report: ScanReport) {
    self.report = report
    rules = Dictionary(report.rules.enumerated().map { ($0.element.id, $0.offset) }) { first, _ in first }
    kinds = Dictionary(report.rules.map { ($0.id, $0.kind) }) { first, _ in first }
    saysSuppression = report.findings.contains(where: \.isSuppressed)
  }

  func write(_ finding: Finding, artifacts: inout SARIFArtifacts, to json: inout JSONWriter) {
    let innermost = artifacts.nested(finding)
    let file = artifacts.file(finding.file)
    let table = artifacts
    json.member("ruleId", finding.rule)
    if let index = rules[finding.rule] { json.member("ruleIndex", index) }
    json.member("kind", "fail")
    json.member("level", finding.severity.level)
    json.object("message") { $0.member("text", Self.message(finding.message)) }
    json.list("locations", [file]) { json, file in
      json.object { json in
        json.object("physicalLocation") { json in
          table.location(of: file, to: &json)
          json.object("region") { Self.region(of: finding, to: &$0) }
        }
        json.list("logicalLocations", [finding]) { json, finding in
          json.object { logicalLocation(of: finding, to: &$0) }
        }
      }
    }
    let places = Self.byteRanges(of: finding, file: file, innermost: innermost)
    if !places.isEmpty {
      json.list("relatedLocations", places.enumerated()) { json, place in
        json.object { json in
          json.member("id", place.offset + 1)
          json.object("physicalLocation") { json in
            table.location(of: place.element.artifact, to: &json)
            json.object("region") { json in
              json.member("byteOffset", place.element.offset)
              json.member("byteLength", place.element.length)
            }
          }
          json.object("message") { $0.member("text", Self.message(place.element.message)) }
        }
      }
    }
    if !finding.flow.isEmpty { codeFlow(of: finding, artifacts: &artifacts, to: &json) }
    if finding.count > 1 { json.member("occurrenceCount", finding.count) }
    json.object("partialFingerprints") { json in
      json.member("mscanFinding/v1", finding.fingerprint)
      json.member("primaryLocationLineHash", finding.fingerprint + ":1")
    }
    if saysSuppression { suppressions(of: finding, to: &json) }
    json.object("properties") { Self.properties(of: finding, to: &$0) }
  }

  // MARK: - Parts

  /// The way from what a loader reads to what it runs, one location a step.
  private func codeFlow(of finding: Finding, artifacts: inout SARIFArtifacts, to json: inout JSONWriter) {
    let steps = finding.flow.map { (step: $0, artifact: artifacts.file($0.file)) }
    let table = artifacts
    json.list("codeFlows", [steps]) { json, steps in
      json.object { json in
        json.list("threadFlows", [steps]) { json, steps in
          json.object { json in
            json.list("locations", steps) { json, step in
              json.object { json in
                json.object("location") { json in
                  json.object("physicalLocation") { json in
                    table.location(of: step.artifact, to: &json)
                    json.object("region") { json in
                      json.member("startLine", max(1, step.step.line))
                      json.member("startColumn", max(1, step.step.column + 1))
                    }
                  }
                  json.object("message") { $0.member("text", Self.message(step.step.message)) }
                }
              }
            }
          }
        }
      }
    }
  }

  /// Lines and columns of text. The standard keeps byte ranges of binaries apart from them, and consumers want a line,
  /// so a binary has the first place of the file here and its bytes among the related locations.
  private static func region(of finding: Finding, to json: inout JSONWriter) {
    json.member("startLine", max(1, finding.line))
    json.member("startColumn", max(1, finding.column))
    json.member("endLine", max(1, finding.line))
    if !finding.isText { json.member("endColumn", max(1, finding.column)) }
  }

  private struct Place {
    var artifact: Int
    var offset: Int
    var length: Int
    var message: String
  }

  private static func byteRanges(of finding: Finding, file: Int, innermost: Int) -> [Place] {
    var places: [Place] = []
    if !finding.isText {
      places.append(
        Place(
          artifact: file, offset: finding.byteOffset, length: finding.byteLength,
          message: finding.exact ? "bytes of the file" : "packed bytes that hold it"))
      if innermost != file {
        places.append(
          Place(
            artifact: innermost, offset: finding.innerRange.start, length: finding.innerRange.count,
            message: "bytes of \(finding.chain.last ?? finding.place)"))
      }
    }
    for related in finding.related {
      places.append(
        Place(
          artifact: file, offset: related.byteOffset, length: related.byteLength,
          message: related.message + (related.exact ? "" : " (packed)")))
    }
    return places
  }

  private func logicalLocation(of finding: Finding, to json: inout JSONWriter) {
    json.member("name", Plain.text(finding.subject.isEmpty ? finding.place : finding.subject, limit: 200))
    let chain = finding.chain.map { Plain.text($0, limit: 200) }.joined(separator: "!")
    let place = Plain.text(finding.place, limit: 200)
    json.member("fullyQualifiedName", chain.isEmpty ? place : chain + "!" + place)
    switch kinds[finding.rule] {
    case .callable: json.member("kind", "function")
    case .value: json.member("kind", "property")
    default: break
    }
  }

  private func suppressions(of finding: Finding, to json: inout JSONWriter) {
    json.list("suppressions", [finding.suppression].compactMap { $0 }) { json, reason in
      json.object { json in
        json.member("kind", "external")
        json.member("status", "accepted")
        json.member("justification", Plain.text(reason))
      }
    }
  }

  private static func properties(of finding: Finding, to json: inout JSONWriter) {
    json.member("severity", finding.severity.rawValue)
    json.member("precision", finding.precision.rawValue)
    json.member("subject", Plain.text(finding.subject))
    json.member("arguments", finding.arguments.map { Plain.text($0) })
    json.member("when", finding.when.map { Plain.text($0) })
    if !finding.refusedBy.isEmpty { json.member("refusedBy", finding.refusedBy.map { Plain.text($0) }) }
    json.member("chain", finding.chain.map { Plain.text($0) })
    json.member("place", Plain.text(finding.place))
    json.member("byteOffset", finding.byteOffset)
    json.member("byteLength", finding.byteLength)
    json.member("exact", finding.exact)
  }

  /// Viewers turn `[text](target)` into links; what a file says is never one.
  static func message(_ text: String) -> String {
    var out = ""
    for scalar in Plain.text(text, limit: 1000).unicodeScalars {
      if scalar == "(", out.hasSuffix("]") { out += " " }
      out.unicodeScalars.append(scalar)
    }
    return out
  }
}
