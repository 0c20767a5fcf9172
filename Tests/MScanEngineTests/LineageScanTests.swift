import Foundation
import MScanBytes
import MScanFacts
import MScanLineage
import MScanProvenance
import MScanRules
import Testing

@testable import MScanEngine

/// Models on disk: what a scan says of where they come from, and what that costs.
@Suite struct LineageScanTests {
  /// A safetensors file of two matrices a layer, F32.
  private struct File {
    var header = ""
    var data: [UInt8] = []

    init(seed: UInt64, layers: Int = 4) {
      var generator = Numbers(seed)
      for layer in 0..<layers {
        for role in ["self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj"] {
          add("model.layers.\(layer).\(role).weight", [16, 32], (0..<512).map { _ in generator.next() })
        }
        add("model.layers.\(layer).input_layernorm.weight", [32], (0..<32).map { _ in 1 + generator.next() })
      }
    }

    mutating func add(_ name: String, _ shape: [Int], _ values: [Float]) {
      let start = data.count
      for value in values {
        for shift: UInt32 in [0, 8, 16, 24] { data.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift)) }
      }
      header += header.isEmpty ? "" : ","
      header += "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(start),\(data.count)]}"
    }

    var bytes: [UInt8] {
      let text = Array("{\(header)}".utf8)
      return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text + data
    }
  }

  /// The same numbers each time, spread about zero.
  private struct Numbers {
    var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0xd134_2543_de82_ef95 &+ 0x1357_9bdf }

    mutating func next() -> Float {
      var sum: Float = 0
      for _ in 0..<4 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        sum += Float(state >> 40) / Float(1 << 24) - 0.5
      }
      return sum * 0.1
    }
  }

  private func scan(_ folder: TemporaryFolder, _ path: String, _ options: LineageOptions = LineageOptions()) throws
    -> ScanReport
  {
    var scanner = Scanner(jobs: 2)
    scanner.lineage = options
    let rules = try RuleLibrary.load(adding: [])
    return scanner.scan(Discovery().targets(of: [folder.system(path)]), rules: rules, policy: Policy())
  }

  private func fingerprint(_ folder: TemporaryFolder, _ path: String, name: String? = nil) throws {
    let targets = Discovery().targets(of: [folder.system(path)])
    _ = try Fingerprinter(jobs: 1).add(targets, name: name, to: folder.system("known.registry"))
  }

  @Test func aRegistryTellsACopyWithAFalseName() throws {
    let folder = try TemporaryFolder()
    try folder.write("acme/trusted/model.safetensors", File(seed: 1).bytes)
    try folder.write("acme/other/model.safetensors", File(seed: 2).bytes)
    try fingerprint(folder, "acme")
    try folder.write("scanned/model/model.safetensors", File(seed: 2).bytes)
    try folder.write("scanned/model/README.md", "---\nbase_model: acme/trusted\n---\n")
    var options = LineageOptions()
    options.registries = [try RegistryStore.open(folder.system("known.registry"))]
    let report = try scan(folder, "scanned", options)
    #expect(report.lineage.verdict == .contradicted)
    #expect(report.lineage.inferred.map(\.parent) == ["acme/other"])
    #expect(report.lineage.inferred.map(\.operation) == ["copy"])
    #expect(report.lineage.declared.map(\.source) == ["README.md:2"])
    #expect(report.findings.contains { $0.rule == "laundered-lineage" && $0.severity == .high })
    #expect(report.lineage.models.first?.riskVector == "I:0/P:0/V:60")
  }

  @Test func advisoriesReachDescendants() throws {
    let folder = try TemporaryFolder()
    try folder.write("acme/base/model.safetensors", File(seed: 1).bytes)
    try fingerprint(folder, "acme/base")
    try folder.write("scanned/model/model.safetensors", File(seed: 1).bytes)
    try folder.write(
      "advisories.json",
      """
      [{"id": "EXAMPLE-1", "summary": "s", "affected": [{"package": {"ecosystem": "x", "name": "acme/base"}}],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}]
      """)
    var options = LineageOptions()
    options.registries = [try RegistryStore.open(folder.system("known.registry"))]
    options.advisories = try AdvisoryFile.read(folder.system("advisories.json"))
    #expect(options.advisories.map(\.score) == [9.8])
    let report = try scan(folder, "scanned", options)
    #expect(report.findings.contains { $0.rule == "inherited-advisory" && $0.message.contains("EXAMPLE-1") })
  }

  /// One advisory as OSV has it for what has no ecosystem.
  private func advisory(_ more: String, own: String = "") -> String {
    """
    {"id": "x_EXAMPLE-1", "summary": "s", \(more)
     "affected": [{"ranges": [{"type": "GIT", "repo": "https://hub.example.invalid/acme/base",
       "events": [{"introduced": "0"}, {"fixed": "\(String(repeating: "b", count: 40))"}]}]}],
     "database_specific": {"severity": "HIGH", "mscan": {\(own)}}}
    """
  }

  @Test(
    arguments: [
      ("", "", "inherited-advisory"),
      ("\"withdrawn\": \"2026-01-01T00:00:00Z\",", "", nil),
      ("", "\"propagates\": \"none\"", nil),
      ("", "\"propagates\": \"until-retrained\"", nil),
      ("", "\"relations\": [\"quantized\", \"adapter\"]", nil),
      ("", "\"relations\": [\"finetune\"]", "inherited-advisory"),
    ] as [(String, String, String?)])
  func anAdvisorySaysHowFarItGoes(_ more: String, _ own: String, _ rule: String?) throws {
    let folder = try TemporaryFolder()
    try folder.write("osv/2026/x.json", advisory(more, own: own))
    try folder.write("lab/tuned/model.safetensors", File(seed: 3).bytes)
    try folder.write("lab/tuned/README.md", "---\nbase_model: acme/base\nbase_model_relation: finetune\n---\n")
    var options = LineageOptions()
    options.advisories = try AdvisoryFile.read(folder.system("osv"))
    let found = try scan(folder, "lab", options).findings.filter { $0.message.contains("x_EXAMPLE-1") }
    #expect(found.map(\.rule) == [rule].compactMap { $0 })
  }

  @Test func anAdvisoryNamesRevisions() throws {
    let folder = try TemporaryFolder()
    try folder.write("x.json", advisory(""))
    var options = LineageOptions()
    options.advisories = try AdvisoryFile.read(folder.system("x.json"))
    for (commit, isTold) in [("a", true), ("b", false)] {
      let path = "models--acme--base/snapshots/\(String(repeating: commit, count: 40))"
      try folder.write(path + "/model.safetensors", File(seed: 3).bytes)
      let found = try scan(folder, path, options).findings.map(\.rule)
      #expect(found.contains("model-advisory") == isTold, "\(commit)")
    }
  }

  /// Bytes that an advisory lists are found under any name.
  @Test func advisoriesNameBytes() throws {
    let folder = try TemporaryFolder()
    let file = File(seed: 4)
    try folder.write("lab/renamed/weights.safetensors", file.bytes)
    let whole = String(Hex.text(FileDigests.sha256(of: file.bytes)))
    let tensor = String(Hex.text(FileDigests.sha256(of: Array(file.data.prefix(2048)))))
    let name = "model.layers.0.self_attn.q_proj.weight"
    let lists = [
      ("\"files\": [{\"path\": \"model.safetensors\", \"sha256\": \"\(whole)\"}]", "its SHA-256"),
      ("\"tensors\": [{\"name\": \"\(name)\", \"sha256\": \"\(tensor)\"}]", "its tensor \(name)"),
    ]
    for (own, words) in lists {
      try folder.write("x.json", advisory("", own: own))
      var options = LineageOptions()
      options.advisories = try AdvisoryFile.read(folder.system("x.json"))
      let found = try scan(folder, "lab", options).findings.filter { $0.rule == "model-advisory" }
      #expect(found.count == 1 && found.allSatisfy { $0.message.contains(words) }, "\(found.map(\.message))")
    }
    let none = "\"files\": [{\"path\": \"x\", \"sha256\": \"\(String(repeating: "0", count: 64))\"}]"
    try folder.write("x.json", advisory("", own: none))
    var options = LineageOptions()
    options.advisories = try AdvisoryFile.read(folder.system("x.json"))
    #expect(try scan(folder, "lab", options).findings.isEmpty)
  }

  /// Models that did harm are known without a file; the same name of another owner is another model.
  @Test func knownModelsAreTold() throws {
    let folder = try TemporaryFolder()
    try folder.write("EleuterAI/gpt-j-6B/model.safetensors", File(seed: 5).bytes)
    try folder.write("EleutherAI/gpt-j-6B/model.safetensors", File(seed: 6).bytes)
    let found = try scan(folder, ".").findings.filter { $0.rule == "model-advisory" }
    #expect(found.map(\.file) == ["EleuterAI/gpt-j-6B/model.safetensors"])
  }

  @Test func lockfilesNameParentsByTheirBytes() throws {
    let folder = try TemporaryFolder()
    let bytes = File(seed: 7).bytes
    try folder.write("acme/base/model.safetensors", bytes)
    var fingerprinter = Fingerprinter(jobs: 1)
    fingerprinter.hashes = true
    _ = try fingerprinter.add(
      Discovery().targets(of: [folder.system("acme/base")]), name: nil, to: folder.system("known.registry"))
    try folder.write("lab/copy/model.safetensors", bytes)
    try folder.write("lab/copy/README.md", "---\nbase_model: acme/base\n---\n")
    var writer = LockWriter(jobs: 2)
    writer.lineage.registries = [try RegistryStore.open(folder.system("known.registry"))]
    let targets = Discovery().targets(of: [folder.system("lab/copy")])
    let text = writer.lock(targets, isComplete: true, rules: try RuleLibrary.load(adding: [])).text
    let digest = String(Hex.text(FileDigests.sha256(of: bytes)))
    let lines = text.split(separator: "\n")
    for key in ["\"parents\"", "\"inferredParents\""] {
      let line = try #require(lines.first { $0.contains(key) })
      #expect(line.contains("acme/base") && line.contains(digest), "\(line)")
    }
  }

  @Test(
    arguments: [
      ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
      ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.8),
      ("CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N", 1.8), ("AV:N/AC:L", nil),
    ] as [(String, Double?)])
  func scoresVectors(_ vector: String, _ score: Double?) {
    #expect(CVSS.baseScore(vector) == score)
  }

  /// Seven billion parameters on paper: what is read does not grow with the file.
  @Test func samplesAreAFewHundredKilobytes() throws {
    let folder = try TemporaryFolder()
    var header = ""
    var offset = 0
    func add(_ name: String, _ shape: [Int]) {
      let size = shape.reduce(2, *)
      header += header.isEmpty ? "" : ","
      header += "\"\(name)\":{\"dtype\":\"BF16\",\"shape\":\(shape),\"data_offsets\":[\(offset),\(offset + size)]}"
      offset += size
    }
    add("model.embed_tokens.weight", [32_000, 4096])
    for layer in 0..<32 {
      for role in ["q", "k", "v", "o"] { add("model.layers.\(layer).self_attn.\(role)_proj.weight", [4096, 4096]) }
      add("model.layers.\(layer).mlp.gate_proj.weight", [11_008, 4096])
      add("model.layers.\(layer).mlp.up_proj.weight", [11_008, 4096])
      add("model.layers.\(layer).mlp.down_proj.weight", [4096, 11_008])
      add("model.layers.\(layer).input_layernorm.weight", [4096])
    }
    let text = Array("{\(header)}".utf8)
    try folder.write(
      "big/model.safetensors", (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text)
    try folder.run("truncate -s \(8 + text.count + offset) big/model.safetensors")
    try folder.write("acme/base/model.safetensors", File(seed: 1).bytes)
    try fingerprint(folder, "acme/base")
    var options = LineageOptions()
    options.registries = [try RegistryStore.open(folder.system("known.registry"))]
    let report = try scan(folder, "big", options)
    #expect(report.summary.bytes > 12 << 30)
    #expect(report.summary.bytesRead < 1 << 20)
    #expect(report.lineage.inferred.isEmpty)
  }

  /// Ten thousand tensors that all claim the same bytes.
  @Test func overlappingTensorsAreRead() throws {
    let folder = try TemporaryFolder()
    let entries = (0..<10_000).map {
      "\"model.layers.\($0 % 90).r\($0).weight\":{\"dtype\":\"F32\",\"shape\":[16,32],\"data_offsets\":[0,2048]}"
    }
    let text = Array("{\(entries.joined(separator: ","))}".utf8)
    let zeros = [UInt8](repeating: 0x7f, count: 2048)
    try folder.write(
      "odd/model.safetensors", (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text + zeros)
    try folder.write("acme/base/model.safetensors", File(seed: 1).bytes)
    try fingerprint(folder, "acme/base")
    var options = LineageOptions()
    options.registries = [try RegistryStore.open(folder.system("known.registry"))]
    #expect(try scan(folder, "odd", options).lineage.inferred.isEmpty)
  }
}
