import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct SevenZipTests {
  private static let pickle = latin1("cos\ngetcwd\n(tR.")

  private func read(_ bytes: [UInt8], limits: Limits = .standard) -> FactBuffer {
    var sink = FactBuffer(limits: limits)
    let row = sink.artifacts.append(Artifact(name: "m.7z", format: SevenZipFormat.id, size: bytes.count))
    SevenZipFormat.read(
      ArtifactInput(index: row, source: ByteSource(bytes), name: "m.7z", limits: limits), into: &sink)
    return sink
  }

  @Test(arguments: [
    (SevenZipSamples.packed, "x86+lzma2", Artifact.Encoding.sevenZip), (SevenZipSamples.sized, "x86+lzma", .sevenZip),
    (SevenZipSamples.stored, "stored", .stored),
  ])
  func membersAreRead(bytes: [UInt8], method: String, encoding: Artifact.Encoding) {
    let facts = read(bytes)
    #expect(facts.anomalies.isEmpty)
    #expect(facts.members.allSatisfy { $0.method == method })
    #expect(facts.children.first?.source.prefix(64) == Self.pickle)
    #expect(facts.artifacts[1]?.encoding == encoding)
    #expect(facts.keepsTheLaws())
  }

  @Test func aStoredMemberHasItsPlace() {
    let facts = read(SevenZipSamples.stored)
    #expect(facts.artifacts.onDisk(1, ByteRange(2, 4)).range == ByteRange(34, 36))
    #expect(facts.artifacts.onDisk(1, ByteRange(2, 4)).exact)
  }

  @Test(arguments: [
    (SevenZipSamples.encrypted, "7z.encrypted!"), (SevenZipSamples.encryptedHeader, "7z.encrypted!"),
    (SevenZipSamples.ppmd, "7z.unsupported-method!"), (SevenZipSamples.empty, "7z.empty!"),
    (SevenZipSamples.stored + [1, 2, 3], "7z.trailing-bytes"),
  ])
  func anomalies(bytes: [UInt8], subject: String) { #expect(read(bytes).anomalySubjects == [subject]) }

  @Test func limitsAreSaid() {
    var limits = Limits.standard
    limits.memberBytes = 20
    #expect(read(SevenZipSamples.packed, limits: limits).anomalySubjects == ["limit.memberBytes!"])
    limits = .standard
    limits.members = 1
    #expect(read(SevenZipSamples.stored, limits: limits).anomalySubjects.contains("limit.members!"))
  }

  @Test func everyCutIsSaid() {
    for sample in [SevenZipSamples.packed, SevenZipSamples.stored] {
      for count in 6..<sample.count {
        let facts = read(Array(sample[..<count]))
        #expect(facts.anomalies.contains { $0.incomplete }, "\(count) bytes")
        #expect(facts.keepsTheLaws())
      }
    }
  }

  @Test(arguments: [SevenZipSamples.packed, SevenZipSamples.sized, SevenZipSamples.stored])
  func survivesEveryChange(sample: [UInt8]) {
    for index in sample.indices {
      for value in [0, 1, 0x7f, 0xff, sample[index] ^ 1, sample[index] ^ 0x80] as [UInt8] {
        var changed = sample
        changed[index] = value
        #expect(read(changed).keepsTheLaws(), "byte \(index) = \(value)")
      }
    }
  }
}
