import MScanBytes
import Testing

@testable import MScanLineage

@Suite struct RegistryTests {
  @Test func whatIsWrittenIsRead() throws {
    let taken = try #require(
      Fingerprinting.take(
        TinyModel(1).weights(), name: "acme/base", revision: "abc", license: "mit", parents: ["acme/older"]))
    var update = try RegistryUpdate(nil, valuesBytes: 0)
    var given = taken.record
    given.digest = Array(0..<32)
    update.add(given, taken.sketch, keepsValues: true)
    let file = try RegistryFile(ByteSource(update.registry), values: ByteSource(update.addedValues))
    let record = try #require(file.record(0, .whole))
    #expect(record.digest == given.digest && file.record(0, .head)?.digest == given.digest)
    #expect(record.name == "acme/base" && record.license == "mit" && record.parents == ["acme/older"])
    #expect(record.signs.words == taken.record.signs.words)
    #expect(record.norms == taken.record.norms)
    let sketch = try #require(file.sketch(of: record))
    #expect(sketch.keys == taken.sketch.keys)
    for key in sketch.keys {
      #expect(sketch.sample(key).map { Array($0.values) } == taken.sketch.sample(key).map { Array($0.values) })
    }
    #expect(sketch.blocks.count == taken.sketch.blocks.count && !sketch.blocks.isEmpty)
  }

  /// Registries of the first version have no digests.
  @Test func olderRegistriesAreRead() throws {
    let taken = try #require(Fingerprinting.take(TinyModel(1).weights(), name: "acme/base"))
    let (bytes, head) = RegistryFile.encode(taken.record)
    let old = Array(bytes[..<(head - 1)] + bytes[head...])
    let record = try #require(RegistryFile.decode(old, headBytes: head - 1, .whole))
    #expect(record.digest.isEmpty && record.name == "acme/base" && record.norms == taken.record.norms)
  }

  @Test func addingReplacesTheSameName() throws {
    let first = try #require(Fingerprinting.take(TinyModel(1).weights(), name: "acme/base"))
    let second = try #require(Fingerprinting.take(TinyModel(2).weights(), name: "acme/base"))
    var update = try RegistryUpdate(nil, valuesBytes: 0)
    update.add(first.record, first.sketch, keepsValues: true)
    let values = update.addedValues
    let before = try RegistryFile(ByteSource(update.registry), values: ByteSource(values))
    var again = try RegistryUpdate(before, valuesBytes: values.count)
    again.add(second.record, second.sketch, keepsValues: true)
    #expect(again.replaced == ["acme/base"] && !again.startsValues)
    let after = try RegistryFile(ByteSource(again.registry), values: ByteSource(values + again.addedValues))
    let record = try #require(after.record(0, .whole))
    #expect(after.count == 1 && record.signs.words == second.record.signs.words)
    #expect(after.sketch(of: record) != nil)
  }

  /// Eighty layers of seven matrices, as the largest dense models have, take less than five kilobytes.
  @Test func aRecordIsSmall() {
    let columns = (0..<7).map { Signs.Column(role: "attn_role\($0)", rows: 8192, columns: 8192) }
    let signs = Signs(layers: 80, columns: columns, words: [UInt64](repeating: 1, count: 560))
    var sketch = Sketch(container: "safetensors", layers: 80)
    sketch.embedding = (128_256, [Float](repeating: 1, count: SamplePlan.normRows))
    var record = RegistryRecord(name: "organisation/some-long-model-name-70b-instruct", sketch: sketch)
    record.signs = signs
    #expect(record.byteCount <= 5000)
    #expect(SamplePlan.normRows == 32)
  }

  @Test func damageIsNoCrash() throws {
    let file = try TinyRegistry.of([("acme/base", [], TinyModel(1)), ("acme/other", [], TinyModel(2))])
    let bytes = file.source.prefix(file.source.count)
    for length in stride(from: 0, to: bytes.count, by: 7) {
      guard let cut = try? RegistryFile(ByteSource(Array(bytes[..<length]))) else { continue }
      _ = Matcher(registries: [cut]).find(TinyModel(1).weights(), declared: [], own: [])
    }
    for place in stride(from: 0, to: bytes.count, by: 11) {
      var changed = bytes
      changed[place] ^= 0xff
      guard let odd = try? RegistryFile(ByteSource(changed)) else { continue }
      for number in 0..<min(odd.count, 8) { _ = odd.record(number, .whole) }
      _ = Matcher(registries: [odd]).knownBases()
    }
  }

  @Test func damagedValuesAreNotTaken() throws {
    let taken = try #require(Fingerprinting.take(TinyModel(1).weights(), name: "acme/base"))
    let bytes = SketchCoding.encode(taken.sketch)
    for length in stride(from: 0, to: bytes.count, by: 997) {
      #expect(SketchCoding.decode(Array(bytes[..<length])) == nil)
    }
    var update = try RegistryUpdate(nil, valuesBytes: 0)
    update.add(taken.record, taken.sketch, keepsValues: true)
    var values = update.addedValues
    values[values.count / 2] ^= 1
    let file = try RegistryFile(ByteSource(update.registry), values: ByteSource(values))
    #expect(file.record(0, .whole).flatMap { file.sketch(of: $0) } == nil)
  }
}
