import Foundation
import MScanBytes
import MScanEngine
import MScanFacts
import MScanRules
import Testing

/// Names that pickles use, held against the rules by way of a pickle that uses them.
@Suite struct NameTests {
  /// The worst finding on a pickle that names `module.name` and, unless `via` is `named`, calls or creates it.
  private func worst(_ module: String, _ name: String, via: String) throws -> (severity: Severity, rules: [String])? {
    let rules = try #require(Repository.rules)
    var bytes: [UInt8] = [0x80, 4]
    for text in [module, name] { bytes += [0x8c, UInt8(text.utf8.count)] + Array(text.utf8) }
    bytes.append(0x93)
    switch via {
    case "reduce": bytes += [0x29, 0x52]
    case "newobj": bytes += [0x29, 0x81]
    default: #expect(via == "named")
    }
    bytes.append(0x2e)
    let scratch = try Scratch()
    try scratch.write("model.pkl", bytes)
    let targets = Discovery().targets(of: [SystemPath(scratch.url.path)])
    let findings = Scanner(jobs: 1).scan(targets, rules: rules, policy: Policy()).findings
    return findings.map(\.severity).max().map { ($0, findings.map(\.rule)) }
  }

  @Test(arguments: Repository.rows("harmful", columns: 4))
  func harmIsTold(row: [String]) throws {
    try #require(row.count == 4)
    let least = try #require(Severity(rawValue: row[3]))
    let found = try worst(row[0], row[1], via: row[2])
    #expect((found?.severity ?? .info) >= least, "\(found?.rules ?? [])")
  }

  @Test(arguments: Repository.rows("harmless", columns: 3))
  func ordinaryModelsAreQuiet(row: [String]) throws {
    try #require(row.count == 3)
    let found = try worst(row[0], row[1], via: row[2])
    #expect(found == nil, "\(found?.rules ?? [])")
  }

  @Test(arguments: Repository.rows("unknown", columns: 4))
  func unknownNamesShowAndDoNotShout(row: [String]) throws {
    try #require(row.count == 4)
    let found = try worst(row[0], row[1], via: row[2])
    #expect((found?.severity.rawValue ?? "none") == row[3], "\(found?.rules ?? [])")
  }

  @Test func theTablesAreThere() {
    #expect(Repository.rows("harmful", columns: 4).count > 200)
    #expect(Repository.rows("harmless", columns: 3).count > 100)
    #expect(Repository.rows("unknown", columns: 4).count > 20)
  }
}
