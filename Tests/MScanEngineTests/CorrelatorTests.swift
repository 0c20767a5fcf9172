import MScanBytes
import MScanFacts
import Testing

@testable import MScanEngine

/// A safetensors file of one-element tensors.
private func safetensors(_ names: [String]) -> [UInt8] {
  let entries = names.enumerated().map {
    #""\#($0.element)":{"dtype":"F32","shape":[1],"data_offsets":[\#($0.offset * 4),\#($0.offset * 4 + 4)]}"#
  }
  let header = Array("{\(entries.joined(separator: ","))}".utf8)
  let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> ($0 * 8)) }
  return length + header + [UInt8](repeating: 0, count: names.count * 4)
}

private func index(_ map: [(String, String)]) -> [UInt8] {
  Array(#"{"weight_map":{\#(map.map { #""\#($0.0)":"\#($0.1)""# }.joined(separator: ","))}}"#.utf8)
}

private let shards = (1...3).map { "model-0000\($0)-of-00003.safetensors" }
private let indexName = "model.safetensors.index.json"

@Suite struct CorrelatorTests {
  /// Rule ids that fire below the folder, with the file each is about.
  private func findings(_ files: [(String, [UInt8])], jobs: Int = 1) throws -> [String] {
    let folder = try TemporaryFolder()
    for (name, bytes) in files { try folder.write(name, bytes) }
    let rules = try RuleLibrary.load()
    let targets = Discovery().targets(of: [folder.system()])
    let report = Scanner(jobs: jobs).scan(targets, rules: rules, policy: Policy())
    return report.findings.map { "\($0.rule) \($0.file)" }
  }

  @Test func aWholeSetIsQuiet() throws {
    let files = [(indexName, index([("a", shards[0]), ("b", shards[1]), ("c", shards[2])]))]
    let found = try findings(files + zip(shards, ["a", "b", "c"]).map { ($0, safetensors([$1])) })
    #expect(found.isEmpty)
  }

  @Test(arguments: [1, 2, 3]) func whatTheIndexSaysIsHeldAgainstTheShards(jobs: Int) throws {
    let files = [
      (indexName, index([("a", shards[0]), ("b", shards[1]), ("x", shards[1]), ("gone", shards[2])])),
      (shards[0], safetensors(["a", "extra"])), (shards[1], safetensors(["b"])),
      ("model-00004-of-00004.safetensors", safetensors(["d"])),
    ]
    let found = try findings(files, jobs: jobs)
    let wanted = ["missing-shard", "tensor-in-other-shard", "unlisted-shard", "unlisted-tensors"]
    #expect(found.sorted() == wanted.map { "\($0) \(indexName)" })
  }

  @Test func aSetWithoutIndexIsCountedOnce() throws {
    let found = try findings([(shards[1], safetensors(["b"])), (shards[2], safetensors(["c"]))])
    #expect(found == ["incomplete-shard-set \(shards[1])"])
  }

  @Test func foldersDoNotMix() throws {
    let one = [("a/\(indexName)", index([("a", shards[0])])), ("a/\(shards[0])", safetensors(["a"]))]
    let other = [("b/\(indexName)", index([("b", shards[0])])), ("b/\(shards[0])", safetensors(["b"]))]
    #expect(try findings(one + other).isEmpty)
  }

  @Test(arguments: [
    ("modeling_x.XModel", ["modeling_x.py"], false), ("modeling_x.XModel", [], true),
    ("pack.mod.X", ["pack/mod.py"], false),
    ("org/repo--modeling_x.X", [], false), ("../x.X", [], false), ("nodot", [], false),
  ])
  func modulesAreLookedFor(reference: String, files: [String], isMissing: Bool) throws {
    let config = Array(#"{"auto_map":{"AutoModel":"\#(reference)"}}"#.utf8)
    let found = try findings([("config.json", config)] + files.map { ($0, Array("x = 1\n".utf8)) })
    #expect(found.contains("missing-module config.json") == isMissing)
  }

  @Test(arguments: [
    ("model-00001-of-00003.safetensors", 1, 3), ("q4-00002-of-00002.gguf", 2, 2),
    ("a-00001-of-00002-00003-of-00004.x", 3, 4),
  ])
  func shardNamesAreRead(name: String, number: Int, total: Int) throws {
    let shard = try #require(ShardName(name))
    #expect(shard.number == number)
    #expect(shard.total == total)
    #expect(shard.name(of: number) == name)
  }

  @Test(arguments: ["model.safetensors", "-00001-of-00002", "model-1-of-2.bin", "model-0000a-of-00002.bin", ""])
  func otherNamesAreNoShards(name: String) { #expect(ShardName(name) == nil) }
}
