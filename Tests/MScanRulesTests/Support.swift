import Foundation
import MScanBytes
import MScanFacts
import Testing

@testable import MScanRules

/// Rule files in memory, compiled.
func compile(_ files: String...) throws -> RuleSet {
  var builder = RuleSetBuilder()
  for (number, text) in files.enumerated() {
    let result = RuleReader.read(Array(text.utf8), file: "Rules/\(number).yaml")
    try #require(result.diagnostics.isEmpty, "\(result.diagnostics.map(\.description))")
    builder.add(rules: result.rules, allows: result.allows)
  }
  return builder.build()
}

/// A rule with as few words as a rule can have.
func rule(
  _ id: String, _ subjects: String, severity: String = "high", kind: String = "callable", message: String = "m",
  more: String = ""
) -> String {
  let names = subjects == "otherwise" ? "otherwise: true" : "subjects: [\(subjects)]"
  return "id: \(id)\ntitle: T\nkind: \(kind)\n\(names)\nseverity: \(severity)\nmessage: \"\(message)\"\n\(more)\n"
}

func allow(_ names: String, via: String? = nil) -> String {
  "library: lib\nreason: looked at\nnames: [\(names)]\n" + (via.map { "via: [\($0)]\n" } ?? "")
}

func fact(_ payload: Fact.Payload) -> Fact {
  Fact(artifact: 0, range: ByteRange(0, 1), place: .whole, payload: payload)
}

func callable(
  _ subjects: [String], stage: CallableFact.Stage = .invoked, via: String = "reduce", arguments: [String] = [],
  when: [String] = []
) -> Fact {
  fact(
    .callable(
      CallableFact(
        module: "", name: subjects.first ?? "", stage: stage, via: via, arguments: arguments, when: when,
        subjects: subjects)))
}

let context = MatchContext(fileName: "Model.PKL", format: "pickle")

extension RuleSet {
  /// Id of the rule that names the fact, `allow` when it is allowed, nil for neither.
  func outcome(_ fact: Fact) -> String? {
    if let match = match(fact, in: context) { return rules[match.rule].id }
    return allowReason(for: fact, in: context) == nil ? nil : "allow"
  }
}

/// A folder of files that is there while `body` runs.
func withFolder<Value>(_ files: [String: String], _ body: (String) throws -> Value) throws -> Value {
  let folder = FileManager.default.temporaryDirectory.appending(path: "mscan-rules-tests-\(UUID().uuidString)")
  defer { try? FileManager.default.removeItem(at: folder) }
  for (name, text) in files {
    let file = folder.appending(path: name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try WholeFile.write(Array(text.utf8), to: file.path)
  }
  return try body(folder.path)
}

/// Numbers that are the same on every run (SplitMix64).
struct Dice: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
