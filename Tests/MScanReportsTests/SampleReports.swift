import MScanBytes
import MScanFacts

/// Reports that the tests render.
enum Sample {
  static let processSpawn = RuleDescriptor(
    id: "process-spawn", title: "Loading this file can start another program", kind: .callable, severity: .critical,
    precision: .veryHigh, cwe: ["CWE-502", "CWE-78"], atlas: ["AML.T0011.000"],
    message: "'{name}' is {stage} with {arguments}.",
    why: "A pickle can call any importable function before the loader has seen a tensor.",
    fix: "Do not load it. Ask its publisher for safetensors.",
    references: ["https://docs.python.org/3/library/pickle.html"], aliases: ["spawn"])

  static let libraryClass = RuleDescriptor(
    id: "library-class", title: "The file builds an object of a library", kind: .callable, severity: .low,
    message: "'{name}' is {stage}.", fix: "Load it with weights_only=True.")

  static let remoteCode = RuleDescriptor(
    id: "remote-code", title: "The configuration names code", kind: .value, severity: .medium, precision: .high,
    cwe: ["CWE-829"], message: "'{path}' names {value}.", fix: "Read the Python file it names.")

  /// A checkpoint with a call in its stored `data.pkl`, a configuration, and a file that was not read.
  static var full: ScanReport {
    var artifacts = ArtifactTable()
    let bin = artifacts.append(Artifact(name: "a b/pytorch_model.bin", format: "zip", size: 1234))
    let pickle = artifacts.append(
      Artifact(
        name: "archive/data.pkl", parent: bin, rangeInParent: ByteRange(64, 264), format: "pickle", size: 200))
    let packed = artifacts.append(
      Artifact(
        name: "x/data.pkl", parent: bin, rangeInParent: ByteRange(400, 500), encoding: .deflate, format: "pickle",
        size: 300))
    // A row that nothing refers to.
    artifacts.append(Artifact(name: "unused.bin", format: "zip", size: 7))
    let config = artifacts.append(Artifact(name: "config.json", format: "json", size: 90))
    var report = ScanReport(
      toolVersion: "0.1.0", rulesVersion: "0123456789abcdef", rules: [libraryClass, processSpawn, remoteCode],
      artifacts: artifacts)
    report.findings = [
      finding(
        libraryClass, "'collections.Counter' is named.", "a b/pytorch_model.bin", pickle, ["archive/data.pkl"],
        place: "opcode 2", at: 70, inner: ByteRange(6, 20), subject: "collections.Counter"),
      finding(
        processSpawn, "'os.system' is invoked with echo x.", "a b/pytorch_model.bin", pickle, ["archive/data.pkl"],
        place: "opcode 6", at: 86, inner: ByteRange(22, 23), subject: "os.system", arguments: ["echo x"],
        related: [Finding.Related(message: "os.system is named here", byteOffset: 70, byteLength: 10, exact: true)]),
      finding(
        processSpawn, "'os.system' is invoked with echo y.", "a b/pytorch_model.bin", packed, ["x/data.pkl"],
        place: "opcode 9", at: 400, inner: ByteRange(30, 31), exact: false, subject: "os.system",
        arguments: ["echo y", "2"]),
      finding(
        remoteCode, "'auto_map.AutoModel' names modeling.Model.", "config.json", config, [],
        place: "/auto_map/AutoModel",
        at: 41, inner: ByteRange(41, 60), line: 4, column: 3, subject: "auto_map.AutoModel"),
    ]
    report.unread = [
      Unread(
        file: "broken.pkl", chain: ["inner.pkl"], reason: "truncated", detail: "opcode at byte 12", byteOffset: 12)
    ]
    report.summary = summary(files: 12, artifacts: 31, bytes: 45_678, bytesRead: 45_123, seconds: 0.0123)
    return report
  }

  static var clean: ScanReport {
    var report = ScanReport(toolVersion: "0.1.0", rulesVersion: "0123456789abcdef")
    report.summary = summary(files: 2, artifacts: 2, bytes: 812, bytesRead: 812, seconds: 0)
    return report
  }

  /// Names and texts chosen to break out of each format.
  static let hostile = "evil\u{1b}[2J\r\n::error::x\u{202e}|`<b>]](http://x)@all&\"'%41,\u{0}\u{2028}\u{10fffe}"

  static var hostileReport: ScanReport {
    var artifacts = ArtifactTable()
    let file = artifacts.append(Artifact(name: hostile, format: "zip", size: 10))
    let inner = artifacts.append(
      Artifact(name: "/../" + hostile, parent: file, rangeInParent: ByteRange(0, 5), format: "pickle", size: 5))
    var report = ScanReport(
      toolVersion: "0.1.0", rulesVersion: "0", rules: [processSpawn], artifacts: artifacts,
      findings: [
        finding(
          processSpawn, hostile, hostile, inner, ["/../" + hostile], place: "member " + hostile, at: 1,
          inner: ByteRange(1, 2), subject: hostile, arguments: [hostile])
      ],
      unread: [Unread(file: hostile, chain: [hostile], reason: "malformed", detail: hostile)])
    report.summary = summary(files: 1, artifacts: 2, bytes: 10, bytesRead: 10, seconds: 0.5)
    return report
  }

  static func finding(
    _ rule: RuleDescriptor, _ message: String, _ file: String, _ artifact: Int, _ chain: [String], place: String,
    at offset: Int, inner: ByteRange, exact: Bool = true, line: Int? = nil, column: Int = 1, subject: String,
    arguments: [String] = [], related: [Finding.Related] = [], suppression: String? = nil
  ) -> Finding {
    Finding(
      rule: rule.id, severity: rule.severity, precision: rule.precision, message: message, file: file,
      artifact: artifact, chain: chain, place: place, line: line ?? 1, column: column, isText: line != nil,
      byteOffset: offset, byteLength: exact ? inner.count : 100, exact: exact, innerRange: inner, subject: subject,
      arguments: arguments, when: rule.kind == .callable ? ["pickle.load", "torch.load"] : [],
      fingerprint: "00000000000000\(offset % 90 + 10)", suppression: suppression, fix: rule.fix, related: related)
  }

  static func summary(files: Int, artifacts: Int, bytes: Int, bytesRead: Int, seconds: Double) -> ScanReport.Summary {
    var summary = ScanReport.Summary()
    summary.files = files
    summary.artifacts = artifacts
    summary.bytes = bytes
    summary.bytesRead = bytesRead
    summary.seconds = seconds
    return summary
  }
}
