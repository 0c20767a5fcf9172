import MScanBytes
import MScanFacts
import Testing

@testable import MScanEngine
@testable import MScanProvenance

private func sha256(_ text: String) -> String { Hex.text(FileHasher.digest(Array(text.utf8), .sha256) ?? []) }

/// Records in folders as the tools lay them out, and what a scan makes of them.
@Suite struct ProvenanceTests {
  /// `kind.status path`, sorted.
  private func rows(
    _ folder: TemporaryFolder, _ path: String = "", verify: Bool = true,
    _ change: (inout ProvenancePlan) -> Void = { _ in }
  ) throws -> [String] {
    let report = try report(folder, path, verify: verify, change)
    return report.provenance.map { "\($0.kind).\($0.status.rawValue) \($0.path)" }.sorted()
  }

  private func report(
    _ folder: TemporaryFolder, _ path: String = "", verify: Bool = true,
    _ change: (inout ProvenancePlan) -> Void = { _ in }
  ) throws -> ScanReport {
    let rules = try RuleLibrary.load()
    let targets = Discovery().targets(of: [folder.system(path)])
    var scanner = Scanner(jobs: 2)
    scanner.provenance.paths = [folder.system(path)]
    change(&scanner.provenance)
    return verify
      ? scanner.verify(targets, rules: rules, policy: Policy()) : scanner.scan(targets, rules: rules, policy: Policy())
  }

  @Test(arguments: [true, false]) func aListIsCheckedByEitherCommand(verify: Bool) throws {
    let folder = try TemporaryFolder()
    try folder.write("a.txt", "a")
    try folder.write("b.txt", "changed")
    try folder.write("SHA256SUMS", "\(sha256("a"))  a.txt\n\(sha256("b"))  b.txt\n\(sha256("c"))  c.txt\n")
    let wanted = ["checksum-list.differs b.txt", "checksum-list.missing-file c.txt", "checksum-list.verified a.txt"]
    #expect(try rows(folder, verify: verify) == wanted)
    let findings = try report(folder, verify: verify).findings.map { "\($0.rule) \($0.file):\($0.line)" }
    #expect(findings == ["recorded-file-missing SHA256SUMS:3", "file-differs b.txt:1"])
  }

  @Test func aSingleFileIsHeldAgainstTheListBesideIt() throws {
    let folder = try TemporaryFolder()
    try folder.write("a.txt", "changed")
    try folder.write("b.txt", "b")
    try folder.write("SHA256SUMS", "\(sha256("a"))  a.txt\n\(sha256("b"))  b.txt\n\(sha256("c"))  c.txt\n")
    #expect(try rows(folder, "a.txt", verify: false) == ["checksum-list.differs \(folder.at("a.txt"))"])
  }

  @Test func nothingIsReadOutsideTheFolder() throws {
    let folder = try TemporaryFolder()
    try folder.write("secret", "s")
    try folder.write("m/a.txt", "a")
    try folder.link("m/in", to: "..")
    try folder.write(
      "m/SHA256SUMS",
      ["../secret", folder.at("secret"), "in/secret", "a.txt"].map { "\(sha256("x"))  \($0)\n" }.joined())
    let report = try report(folder, "m")
    #expect(report.provenance.filter { $0.path.hasSuffix("secret") }.allSatisfy { $0.status == .unverifiable })
    #expect(!report.provenance.contains { $0.actual == sha256("s") })
  }

  @Test func withoutHashesOnlySizesAreCompared() throws {
    let folder = try TemporaryFolder()
    let commit = String(repeating: "a", count: 40)
    try folder.write("models--o--n/snapshots/\(commit)/a", "12")
    try folder.write("models--o--n/snapshots/\(commit)/b", "x")
    let blob = String(repeating: "0", count: 40)
    try folder.write(
      "models--o--n/trees/\(commit).json",
      #"{"format_version":1,"files":{"a":{"size":1,"blob_id":"\#(blob)"},"b":{"size":1,"blob_id":"\#(blob)"}}}"#)
    let found = try report(folder) { $0.hashing = .never }.provenance.map { "\($0.status.rawValue) \($0.reason)" }
    #expect(found == ["differs ", "unverifiable not-hashed"])
  }

  @Test func anOllamaStoreIsCheckedAtRest() throws {
    let folder = try TemporaryFolder()
    let manifest = { (digest: String) in
      #"{"schemaVersion":2,"config":{"digest":"sha256:\#(sha256("c"))","size":1},"layers":[{"digest":"\#(digest)","size":1}]}"#
    }
    try folder.write("models/blobs/sha256-\(sha256("c"))", "c")
    try folder.write("models/blobs/sha256-\(sha256("w"))", "v")
    try folder.write("models/manifests/registry.example.invalid/library/tiny/latest", manifest("sha256:" + sha256("w")))
    try folder.write("models/manifests/registry.example.invalid/library/tiny/bad", manifest("sha256:../../../x"))
    let report = try report(folder)
    #expect(report.provenance.count { $0.status == .differs } == 2)
    #expect(report.provenance.contains { $0.reason == "digest-malformed" })
    #expect(report.findings.count { $0.rule == "file-differs" } == 1)
  }

  @Test func aFileOfGitLFSIsKnownByItsPointer() throws {
    let folder = try TemporaryFolder()
    try folder.write("w.bin", "weights")
    try folder.write(".gitattributes", "*.bin filter=lfs\n")
    // The index of a checkout whose one entry is the pointer of `w.bin`.
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:\(sha256("weights"))\nsize 7\n"
    let blob = FileHasher.digest(Array(pointer.utf8), .gitBlob) ?? []
    let entry =
      [UInt8](repeating: 0, count: 24) + [0, 0, 0x81, 0xa4] + [UInt8](repeating: 0, count: 12) + blob + [0, 5]
    let index =
      Array("DIRC".utf8) + [0, 0, 0, 2, 0, 0, 0, 1] + entry + Array("w.bin".utf8) + [UInt8](repeating: 0, count: 5)
    try folder.write(".git/index", index)
    #expect(try rows(folder) == ["git-index.verified w.bin"])
    try folder.write("w.bin", "Weights")
    #expect(try rows(folder) == ["git-index.differs w.bin"])
  }

  @Test func aSnapshotOfACacheIsHeldAgainstItsTree() throws {
    let folder = try TemporaryFolder()
    let commit = String(repeating: "a", count: 40)
    let repository = "models--o--n"
    try folder.write("\(repository)/blobs/\(sha256("w"))", "w")
    try folder.folder("\(repository)/snapshots/\(commit)")
    try folder.link("\(repository)/snapshots/\(commit)/w.bin", to: "../../blobs/\(sha256("w"))")
    try folder.write(
      "\(repository)/trees/\(commit).json",
      #"{"format_version":1,"files":{"w.bin":{"size":1,"lfs_sha256":"\#(sha256("v"))","lfs_size":1,"blob_id":"x"}}}"#)
    let wanted = ["hub-cache.verified w.bin", "hub-tree.differs w.bin"]
    #expect(try rows(folder, "\(repository)/snapshots/\(commit)") == wanted)
  }

  @Test func aFolderWithoutRecordsIsNoSuccess() throws {
    let folder = try TemporaryFolder()
    try folder.write("a.txt", "a")
    let report = try report(folder)
    #expect(ExitStatus.of(report, failOn: .medium) == .incomplete)
  }

  /// What is left of an unpacked archive is no fault of the files that are here.
  @Test func aListOfAnAbsentArchiveIsANote() throws {
    let folder = try TemporaryFolder()
    try folder.write("a.txt", "a")
    try folder.write(".archive.sha256", "\(sha256("x"))  a.zip\n")
    let report = try report(folder, verify: false)
    #expect(report.findings.map(\.severity) == [.low])
    #expect(report.provenance.map(\.status) == [.missingFile])
  }

  @Test func thousandsOfMissingFilesAreCounted() throws {
    let folder = try TemporaryFolder()
    try folder.write("a", "x")
    try folder.write("SHA256SUMS", "\(sha256("x"))  a\n" + (0..<3000).map { "\(sha256("x"))  f\($0)\n" }.joined())
    let report = try report(folder)
    #expect(report.provenance.count == 1002)
    #expect(report.provenance.last?.detail == "the same holds for 2000 more files")
  }
}
