import Foundation
import MScanBytes
import MScanFacts
import Testing

@testable import MScanReports

@Suite struct SARIFTests {
  typealias Object = [String: Any]

  static func run(_ report: ScanReport) throws -> Object {
    let text = SARIFReporter.render(report, style: ReportStyle())
    let log = try MachineFormatTests.parse(text)
    #expect(log["version"] as? String == "2.1.0")
    return try #require((log["runs"] as? [Object])?.first)
  }

  private static func path(_ object: Any?, _ steps: String...) -> Any? {
    steps.reduce(object) { at, step in
      if let index = Int(step) {
        guard let list = at as? [Any], list.indices.contains(index) else { return nil }
        return list[index]
      }
      return (at as? Object)?[step]
    }
  }

  @Test func artifactsAreThoseReferredToAndTheirAncestors() throws {
    let run = try Self.run(Sample.full)
    let artifacts = try #require(run["artifacts"] as? [Object])
    let uris = artifacts.map { Self.path($0, "location", "uri") as? String }
    #expect(uris == ["a%20b/pytorch_model.bin", "archive/data.pkl", "x/data.pkl", "config.json", "broken.pkl"])
    #expect(artifacts.map { $0["parentIndex"] as? Int } == [nil, 0, 0, nil, nil])
    #expect(artifacts.map { $0["offset"] as? Int } == [nil, 64, 400, nil, nil])
    #expect(artifacts.map { $0["length"] as? Int } == [1234, 200, 300, 90, nil])
    #expect(Self.path(artifacts[0], "location", "uriBaseId") as? String == "%SRCROOT%")
    #expect(Self.path(artifacts[1], "location", "uriBaseId") == nil)
  }

  @Test func binaryResult() throws {
    let run = try Self.run(Sample.full)
    let result = try #require(Self.path(run, "results", "1") as? Object)
    #expect(result["ruleId"] as? String == "process-spawn")
    #expect(
      Self.path(run, "tool", "driver", "rules", "\(result["ruleIndex"] ?? "")", "id") as? String == "process-spawn")
    let place = Self.path(result, "locations", "0", "physicalLocation")
    #expect(Self.path(place, "artifactLocation", "uri") as? String == "a%20b/pytorch_model.bin")
    #expect(
      Self.path(place, "region") as? [String: Int]
        == ["startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1])
    #expect(
      Self.path(result, "locations", "0", "logicalLocations", "0", "fullyQualifiedName") as? String
        == "archive/data.pkl!opcode 6")
    let related = try #require(result["relatedLocations"] as? [Object])
    #expect(
      related.map { Self.path($0, "physicalLocation", "region") as? [String: Int] } == [
        ["byteOffset": 86, "byteLength": 1], ["byteOffset": 22, "byteLength": 1], ["byteOffset": 70, "byteLength": 10],
      ])
    #expect(related.map { Self.path($0, "physicalLocation", "artifactLocation", "index") as? Int } == [0, 1, 0])
    #expect(Self.path(result, "partialFingerprints", "primaryLocationLineHash") as? String == "0000000000000096:1")
    #expect(Self.path(result, "properties", "byteOffset") as? Int == 86)
    #expect(Self.path(result, "properties", "exact") as? Bool == true)
    #expect(result["suppressions"] == nil)
  }

  @Test func textResultHasItsLine() throws {
    let result = try #require(Self.path(try Self.run(Sample.full), "results", "3") as? Object)
    #expect(
      Self.path(result, "locations", "0", "physicalLocation", "region") as? [String: Int]
        == ["startLine": 4, "startColumn": 3, "endLine": 4])
    #expect(result["relatedLocations"] == nil)
  }

  @Test func rulesCarryWhatConsumersShow() throws {
    let run = try Self.run(Sample.full)
    #expect(
      Self.path(run, "tool", "driver", "informationUri") as? String == "https://github.com/mscan-lint/mscan-lint")
    let rule = try #require(Self.path(run, "tool", "driver", "rules", "1") as? Object)
    #expect(rule["id"] as? String == "process-spawn")
    #expect(rule["name"] as? String == "ProcessSpawn")
    #expect(Self.path(rule, "defaultConfiguration", "level") as? String == "error")
    #expect(Self.path(rule, "properties", "security-severity") as? String == "9.5")
    #expect(Self.path(rule, "properties", "precision") as? String == "very-high")
    #expect(
      Self.path(rule, "properties", "tags") as? [String]
        == ["security", "external/cwe/cwe-502", "external/cwe/cwe-78", "mitre-atlas/AML.T0011.000"])
    #expect((Self.path(rule, "help", "text") as? String)?.hasPrefix("Do not load it.") == true)
    #expect((Self.path(rule, "help", "markdown") as? String)?.contains("rule: process-spawn") == true)
    for target in try #require(rule["relationships"] as? [Object]) {
      let index = "\(Self.path(target, "target", "index") ?? "")"
      let taxonomy = "\(Self.path(target, "target", "toolComponent", "index") ?? "")"
      #expect(
        Self.path(run, "taxonomies", taxonomy, "taxa", index, "id") as? String
          == Self.path(target, "target", "id") as? String)
    }
  }

  @Test func whatWasNotReadFailsTheRun() throws {
    let run = try Self.run(Sample.full)
    #expect(Self.path(run, "invocations", "0", "executionSuccessful") as? Bool == false)
    let note = Self.path(run, "invocations", "0", "toolExecutionNotifications", "0")
    #expect(Self.path(note, "level") as? String == "error")
    #expect(Self.path(note, "message", "text") as? String == "truncated: opcode at byte 12 (inner.pkl · byte 12)")
    #expect(Self.path(note, "locations", "0", "physicalLocation", "artifactLocation", "index") as? Int == 4)
    let clean = try Self.run(Sample.clean)
    #expect(Self.path(clean, "invocations", "0", "executionSuccessful") as? Bool == true)
    #expect((clean["results"] as? [Any])?.isEmpty == true)
  }

  @Test func oneSuppressionMakesEveryResultSaySo() throws {
    var report = Sample.full
    report.findings[0].suppression = "looked at"
    let results = try #require(try Self.run(report)["results"] as? [Object])
    #expect(results.map { ($0["suppressions"] as? [Any])?.count } == [1, 0, 0, 0])
    #expect(Self.path(results[0], "suppressions", "0", "justification") as? String == "looked at")
  }

  @Test func theWorstStayWithinTheCap() throws {
    var report = Sample.full
    report.findings =
      Array(repeating: report.findings[0], count: SARIFReporter.limit) + Array(repeating: report.findings[1], count: 7)
    let run = try Self.run(report)
    let results = try #require(run["results"] as? [Object])
    #expect(results.count == SARIFReporter.limit)
    #expect(results.count { $0["ruleId"] as? String == "process-spawn" } == 7)
    let note = Self.path(run, "invocations", "0", "toolExecutionNotifications", "0")
    #expect(Self.path(note, "descriptor", "id") as? String == "too-many-results")
    #expect(Self.path(note, "level") as? String == "warning")
    #expect((Self.path(note, "message", "text") as? String)?.contains(" 7 more") == true)
  }

  @Test func absolutePathsStayAtHome() throws {
    var report = Sample.full
    report.artifacts = ArtifactTable()
    for (index, name) in ["/home/me/a/x.pkl", "/home/me/a b/y.pkl", "/home/me/a/x.pkl", "z.json"].enumerated() {
      report.findings[index].file = name
      report.findings[index].artifact = report.artifacts.append(Artifact(name: name, size: 1))
    }
    report.unread = [Unread(file: "/home/me/q.pkl", reason: "missing", detail: "")]
    let text = SARIFReporter.render(report, style: ReportStyle())
    #expect(!text.contains("/home"))
    let artifacts = try #require(try Self.run(report)["artifacts"] as? [Object])
    #expect(
      artifacts.map { Self.path($0, "location", "uri") as? String } == ["a/x.pkl", "a%20b/y.pkl", "z.json", "q.pkl"])
  }

  @Test(arguments: [
    ("a b.pkl", "a%20b.pkl"), ("a:b#c?d.pkl", "a%3Ab%23c%3Fd.pkl"), ("é/100%.pkl", "%C3%A9/100%25.pkl"), ("", "."),
    ("../x", "../x"),
  ])
  func encodesPaths(path: String, uri: String) { #expect(SARIFPaths([]).uri(of: path) == uri) }

  @Test func messagesHoldNoLinks() {
    #expect(SARIFResults.message("[x](1) and [y] (2)") == "[x] (1) and [y] (2)")
  }

  @Test func cyclesInTheTableEnd() throws {
    var report = Sample.full
    report.artifacts = ArtifactTable()
    report.artifacts.append(Artifact(name: "a", parent: 0, size: 1))
    report.artifacts.append(Artifact(name: "b", parent: 5, size: 1))
    for index in report.findings.indices { report.findings[index].artifact = index }
    #expect((try Self.run(report)["results"] as? [Any])?.count == 4)
  }
}
