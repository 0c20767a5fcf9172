import MScanBytes
import MScanFacts
import Testing

@testable import MScanProvenance

/// A record read from bytes, as if it lay at `/m/<name>`.
private func read(_ name: String, _ bytes: [UInt8], limits: Limits = .standard) -> [RecordReading] {
  let location = SystemPath("/m/" + name)
  let input = RecordInput(
    file: ProvenanceFile(reported: name, location: location, path: location), source: ByteSource(bytes), limits: limits)
  return RecordList.records(for: input).flatMap { $0.readings(of: input) }
}

private func read(_ name: String, _ text: String, limits: Limits = .standard) -> [RecordReading] {
  read(name, Array(text.utf8), limits: limits)
}

private let zeros = String(repeating: "0", count: 64)
private let ones = String(repeating: "1", count: 64)

@Suite struct ChecksumListTests {
  struct Case: Sendable {
    var line: String
    var name = "SHA256SUMS"
    /// Name as it resolves below `/m`; nil for one that leads out.
    var location: String? = "a.bin"
    var algorithm = DigestAlgorithm.sha256
  }

  @Test(arguments: [
    Case(line: "\(zeros)  a.bin"), Case(line: "\(zeros) *a.bin"), Case(line: "\(zeros)  ./a.bin"),
    Case(line: "\(zeros)  a.bin\r"), Case(line: "\(zeros)   a.bin", location: " a.bin"),
    Case(line: "\(zeros.uppercased())  a.bin"), Case(line: "SHA256 (a.bin) = \(zeros)", name: "CHECKSUM"),
    Case(line: "SHA256 (a) = (b.bin) = \(zeros)", name: "CHECKSUM", location: "a) = (b.bin"),
    Case(line: "\\\(zeros)  a\\nb\\\\c", location: "a\nb\\c"),
    Case(line: "\\SHA256 (a\\\\b) = \(zeros)", location: "a\\b"),
    Case(line: "\(zeros)  /etc/passwd", location: nil), Case(line: "\(zeros)  ../a", location: nil),
    Case(line: "\(zeros)  b/../../a", location: nil), Case(line: "\(zeros)  b/../a", location: nil),
    Case(line: "\(zeros)", name: "a.bin.sha256"), Case(line: "\(zeros)  a.bin", name: "a.bin.sha256"),
    Case(line: "\(zeros.prefix(32))  a.bin", name: "md5sum.txt", algorithm: .md5),
    Case(line: "\(zeros.prefix(40))  a.bin", name: "sha1sum.txt", algorithm: .sha1),
    Case(line: "\(zeros.prefix(56))  a.bin", name: "checksums.txt", algorithm: .other("SHA-224")),
    Case(line: "\(zeros)\(zeros.prefix(32))  a.bin", name: "SHA384SUMS", algorithm: .sha384),
    Case(line: "\(zeros)\(zeros)  a.bin", name: "SHA512SUMS", algorithm: .sha512),
    Case(line: "\(zeros)\(zeros)  a.bin", name: "B2SUMS", algorithm: .other("BLAKE2b")),
    Case(line: "\(zeros)  a.bin", name: "model.b3", algorithm: .other("BLAKE3")),
  ])
  func everyFormIsRead(_ item: Case) throws {
    let reading = try #require(read(item.name, item.line + "\n").first)
    let claim = try #require(reading.claims.first)
    #expect(claim.location == item.location.map { SystemPath("/m").appending(SystemPath($0)) })
    #expect(claim.digests.first?.algorithm == item.algorithm)
    #expect(reading.notes.isEmpty)
  }

  @Test(arguments: ["checksum.py", "summary.txt", "consume.c", "SHA256SUMS.asc", "sum", "model.bin"])
  func otherNamesAreNoLists(name: String) { #expect(read(name, "\(zeros)  a.bin\n").isEmpty) }

  @Test func aBrokenLineIsSaidOnce() throws {
    let reading = try #require(read("SHA256SUMS", "\(zeros)  a\nx\ny\n\(ones)  b\n").first)
    #expect(reading.claims.count == 2)
    #expect(reading.notes.map(\.reason) == ["record-malformed"])
    #expect(reading.notes.first?.line == 2)
  }

  @Test func entriesAreBounded() throws {
    var limits = Limits.standard
    limits.recordEntries = 10
    let text = (0..<100).map { "\(zeros)  f\($0)\n" }.joined()
    let reading = try #require(read("SHA256SUMS", text, limits: limits).first)
    #expect(reading.claims.count == 10)
    #expect(reading.notes.map(\.reason) == ["record-limit"])
  }
}

@Suite struct NamedRecordTests {
  @Test(arguments: [
    ("resnet18-5c106cde.pth", "5c106cde"), ("a-b-0123456789abcdef.pth.tar", "0123456789abcdef"),
    ("x-123456789.pt", "123456789"),
  ])
  func aHashInTheNameIsFound(name: String, digits: String) {
    #expect(TorchHubRecord.digits(in: name).map(String.init) == digits)
  }

  @Test(arguments: [
    "model-00001-of-00002.safetensors", "net-1bb13361-ema.pth", "x-abc.pth", "x-5c106cde", "x-5C106CDE.pth",
    "550e8400-e29b-41d4-a716-446655440000.bin", "x-5c106cde.txt", "5c106cde.pth",
  ])
  func otherNamesHaveNone(name: String) { #expect(TorchHubRecord.digits(in: name) == nil) }

  @Test func anOddNumberOfDigitsIsAPrefix() throws {
    let reading = try #require(read("x-5c106cded.pt", "x").first)
    let digest = try #require(reading.claims.first?.digests.first)
    #expect(digest.fits([0x5c, 0x10, 0x6c, 0xde, 0xd7]))
    #expect(!digest.fits([0x5c, 0x10, 0x6c, 0xde, 0xc7]))
  }
}

@Suite struct JSONDocumentTests {
  @Test func valuesAreFound() throws {
    let text = #"{"a": [1, 256.0, "x\u00e9\n\ud83d\ude00", true, null], "b": {"c": {}}, "d": []} "#
    let root = try JSONDocument(Array(text.utf8)).root
    let items = try #require(root["a"]?.items)
    #expect(items.count == 5)
    #expect(items[0].integer == 1)
    #expect(items[1].integer == 256)
    #expect(items[2].string == "xé\n😀")
    #expect(items[3].boolean == true)
    #expect(root["b"]?["c"]?.isObject == true)
    #expect(root["d"]?.count == 0)
    #expect(root.members.map(\.key) == ["a", "b", "d"])
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "[1 2]", "{\"a\":1}}", "\"\u{1}\"", "\"a", "tru", "{1:2}", "]", "[}",
  ])
  func brokenTextIsRefused(text: String) {
    #expect(throws: JSONDocument.Failure.self) { try JSONDocument(Array(text.utf8)) }
  }

  @Test func duplicateKeysAreRefusedHoweverTheyAreSpelled() {
    #expect(throws: JSONDocument.Failure.duplicateKey("ab")) {
      try JSONDocument(Array(#"{"ab": 1, "a\u0062": 2}"#.utf8))
    }
  }

  @Test func nestingIsBounded() {
    let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
    #expect(throws: JSONDocument.Failure.limit("recordNesting")) { try JSONDocument(deep) }
  }
}

@Suite struct SniffingTests {
  /// The words of a record in a document of another kind make it no record.
  @Test func wordsInOtherDocumentsAreNoRecords() throws {
    let text =
      #"{"mscanLock":1,"files":[],"values":{"a":"vnd.dev.sigstore.bundle","b":"\"bomFormat\"","c":"CycloneDX","dsseEnvelope":"x"}}"#
    for reading in read("mscan.lock.json", text) + read("x.json", text) {
      #expect(reading.notes.isEmpty, "\(reading.kind)")
      #expect(reading.signature == nil)
    }
  }

  @Test func anEnvelopeWithoutABundleWantsAKey() throws {
    let payload =
      "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJz"
      + "dWJqZWN0IjpbXSwicHJlZGljYXRlVHlwZSI6IngifQ=="
    let text = #"{"payloadType":"application/vnd.in-toto+json","payload":"\#(payload)","signatures":[{"sig":"AAAA"}]}"#
    let reading = try #require(read("a.intoto.json", text).first)
    #expect(reading.signature?.reason == "signature-unchecked")
  }

  @Test func everyLineOfALineFileIsAStatement() throws {
    /// A statement about `a.bin` or `b.bin`, by the part of its base64 that says which.
    func line(_ name: String) -> String {
      let payload =
        "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJuYW1lIjoiY"
        + (name == "a.bin" ? "S" : "i")
        + "5iaW4iLCJkaWdlc3QiOnsic2hhMjU2IjoiMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"
        + "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMCJ9fV0sInByZWRpY2F0ZVR5cGUiOiJ4In0="
      return #"{"payloadType":"application/vnd.in-toto+json","payload":"\#(payload)","signatures":[{"sig":"AAAA"}]}"#
    }
    let readings = read("a.intoto.jsonl", line("a.bin") + "\r\n\n" + line("b.bin") + "\n")
    #expect(readings.map { $0.claims.map(\.name) } == [["a.bin"], ["b.bin"]])
    #expect(readings.allSatisfy { $0.signature?.reason == "signature-unchecked" })
    #expect(read("a.intoto.jsonl", line("a.bin")).count == 1)
    let broken = read("a.intoto.jsonl", line("a.bin") + "\n{\"payloadType\": }\n")
    #expect(broken.map(\.notes.count) == [0, 1])
  }

  @Test func aSignedDigestWithoutANameIsSaid() throws {
    let text = #"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","messageSignature":{}}"#
    #expect(read("a.sigstore.json", text).first?.notes.map(\.reason) == ["signature-unsupported"])
  }
}

@Suite struct HostileRecordTests {
  private static let samples: [(String, String)] = [
    ("SHA256SUMS", "\(zeros)  a.bin\n\\\(ones)  b\\n.bin\n"), ("CHECKSUM", "SHA256 (a.bin) = \(zeros)\n"),
    (
      "bom.json",
      #"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"file","name":"a","hashes":[{"alg":"SHA-256","content":"\#(zeros)"}]}]}"#
    ),
    (
      "spdx.json",
      #"{"spdxVersion":"SPDX-2.3","files":[{"fileName":"./a","checksums":[{"algorithm":"SHA256","checksumValue":"\#(zeros)"}]}]}"#
    ),
    (
      "info.json",
      #"{"siblings":[{"rfilename":"a","size":1,"blobId":"\#(zeros.prefix(40))","lfs":{"sha256":"\#(zeros)","size":1}}]}"#
    ),
    ("model.dvc", "outs:\n- md5: \(zeros.prefix(32))\n  size: 3\n  path: a\n"),
    (
      "models--o--n/trees/\(zeros.prefix(40)).json",
      #"{"format_version":1,"files":{"a":{"size":1,"blob_id":"\#(zeros.prefix(40))"}}}"#
    ),
    (".cache/huggingface/download/a.metadata", "\(zeros.prefix(40))\n\(zeros)\n1.5\n"),
    ("a.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:\(zeros)\nsize 12\n"),
  ]

  @Test(arguments: samples) func everySampleIsARecord(name: String, text: String) throws {
    let reading = try #require(read(name, text).first)
    #expect(!reading.claims.isEmpty || !reading.notes.isEmpty)
    #expect(reading.claims.allSatisfy { $0.location?.isInside(SystemPath("/m")) == true })
  }

  /// Cut or changed at any byte, a record leads nowhere and stops nothing.
  @Test(arguments: samples) func brokenRecordsAreSurvived(name: String, text: String) {
    let bytes = Array(text.utf8)
    for count in bytes.indices { check(name, Array(bytes[..<count])) }
    for index in bytes.indices {
      for value: UInt8 in [0, 0x20, 0x22, 0x2e, 0x2f, 0x5c, 0x7b, 0xff] {
        var changed = bytes
        changed[index] = value
        check(name, changed)
      }
    }
  }

  private func check(_ name: String, _ bytes: [UInt8]) {
    for reading in read(name, bytes) {
      let strays = reading.claims.contains { $0.location?.isInside(SystemPath("/m")) == false }
      #expect(!strays)
    }
  }

  @Test(arguments: ["../a", "/a", "a/../../b", "", ".", "a/..", "a\0b"])
  func namesThatLeadOutHaveNoPlace(name: String) {
    #expect(RecordPath.resolve(name, in: SystemPath("/m")) == nil)
  }
}
