import MScanBytes
import Testing

@testable import MScanProvenance

@Suite struct HasherTests {
  /// Source of the digests: RFC 1321, FIPS 180-4, `git hash-object`.
  @Test(arguments: [
    (DigestAlgorithm.md5, "900150983cd24fb0d6963f7d28e17f72"),
    (.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (.gitBlob, "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"),
    (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      .sha384,
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
    ),
    (
      .sha512,
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    ),
  ])
  func digestsAreThoseOfTheStandards(algorithm: DigestAlgorithm, digits: String) {
    #expect(FileHasher.digest(Array("abc".utf8), algorithm).map { Hex.text($0) } == digits)
  }

  @Test func aFileIsHashedWholeAndInParts() throws {
    let folder = try ScratchFolder()
    let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    try folder.write(SystemPath("f"), bytes)
    let part = ByteRange(100, 300_000)
    var request = HashRequest(path: folder.path.appending(SystemPath("f")))
    request.whole = [.sha256, .md5, .gitBlob]
    request.parts = [part: [.sha256], ByteRange(0, 800_000): [.sha256]]
    let result = FileHasher.hash(request)
    #expect(result.failure == nil)
    #expect(result.whole[.sha256] == FileHasher.digest(bytes, .sha256))
    #expect(result.whole[.gitBlob] == FileHasher.digest(bytes, .gitBlob))
    #expect(result.parts[part]?[.sha256] == FileHasher.digest(Array(bytes[100..<300_000]), .sha256))
    #expect(result.parts.count == 1)
  }

  @Test func anAlgorithmThatIsNotComputedIsNil() { #expect(FileHasher.digest([], .other("BLAKE3")) == nil) }
}
