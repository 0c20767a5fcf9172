import Foundation
import MScanBytes
import MScanFacts
import MScanLineage
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
