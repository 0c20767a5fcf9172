public import MScanBytes
import MScanFacts
import MScanFormats

/// What a configuration's `require` asks of every model, beyond that nothing bad is found in it.
public struct Requirements: Sendable, Hashable {
  /// Keys, certificates and trusted roots, by file; one of them has to have signed.
  public var signedBy: [SystemPath] = []
  /// Who has to have signed, for signatures without a key.
  public var identity: String?
  public var issuer: String?
  /// Every file has to be in a record that it is held against.
  public var hashes = false
  /// Format ids that weights may have; any when empty.
  public var formats: [String] = []
  /// The model may not bring code of its own.
  public var noRemoteCode = false
  /// Licences that a card may name, in lower case; any when empty.
  public var licenses: [String] = []
  /// A card has to name what the model was made from.
  public var parents = false
  /// Names that it may name; any when empty.
  public var allowedParents: [String] = []

  public init() {}

  public var isEmpty: Bool { self == Requirements() }
  var needsSignature: Bool { !signedBy.isEmpty || identity != nil || issuer != nil }

  /// The rules that a violation is a finding of.
  static let rules: [RuleDescriptor] = [
    rule(
      "required-signature", "A model is not signed as the configuration requires", .high, [347],
      "The configuration requires a signature: {detail}.",
      "Without it nobody stands for the files, and whoever can change them can also remove what would show it.",
      "Get the model with its signature, or take the requirement out of the configuration."),
    rule(
      "required-hash", "A file is in no record that it could be held against", .medium, [354],
      "The configuration requires a recorded hash, and no record covers '{file}'.",
      "A file without a recorded hash can be changed without a trace.",
      "Record the model as it is with 'mscan-lint lock', once you know where it comes from."),
    rule(
      "required-format", "Weights are in a format that the configuration does not allow", .high, [502],
      "'{file}' is {detail}, which the configuration does not allow for weights.",
      "Formats that run code when they are loaded were ruled out here.",
      "Ask the publisher for the weights in an allowed format, or convert them where they can do no harm."),
    rule(
      "required-no-code", "A model brings code of its own, which the configuration forbids", .high, [829],
      "The configuration forbids code that comes with a model: {detail}.",
      "With trust_remote_code, or an import, this code runs with the rights of whoever loads the model.",
      "Use a model of an architecture that the library knows itself."),
    rule(
      "required-license", "A model's licence is not one that the configuration allows", .medium, [1357],
      "The configuration allows other licences: {detail}.",
      "What may be done with the model hangs on its licence, and on that of what it was made from.",
      "Ask the publisher for the licence, or add it to the configuration once it was looked at."),
    rule(
      "required-parent", "A model does not say what it was made from, as the configuration requires", .medium, [1357],
      "The configuration requires a known parent: {detail}.",
      "What is wrong with a base model is wrong with its children, which nobody finds who does not know the parent.",
      "Ask the publisher for the base model, and have it named in the card as 'base_model'."),
  ]

  private static func rule(
    _ id: String, _ title: String, _ severity: Severity, _ cwe: [Int], _ message: String, _ why: String, _ fix: String
  ) -> RuleDescriptor {
    RuleDescriptor(
      id: id, title: title, kind: .provenance, severity: severity, precision: .veryHigh, cwe: cwe.map { "CWE-\($0)" },
      message: message, why: why, fix: fix)
  }

  /// A rule that is violated, the file it is told of, and why.
  private struct Violation {
    var rule: String
    var file: String
    var detail: String
  }

  /// Adds a finding for each requirement that the model does not meet.
  func apply(to report: inout ScanReport) {
    for violation in violations(of: report) {
      guard let rule = Self.rules.first(where: { $0.id == violation.rule }) else { continue }
      let row = report.artifacts.append(Artifact(name: violation.file, size: 0))
      var hash = StableHash()
      for part in [rule.id, violation.file, violation.detail] { hash.combine(part) }
      let message = rule.message.split(separator: "{", omittingEmptySubsequences: false).enumerated().map {
        number, part in
        guard number > 0, let end = part.firstIndex(of: "}") else { return String(part) }
        let value = part[..<end] == "file" ? violation.file : violation.detail
        return value + String(part[part.index(after: end)...])
      }.joined()
      report.findings.append(
        Finding(
          rule: rule.id, severity: rule.severity, precision: rule.precision, message: message, file: violation.file,
          artifact: row, chain: [], place: "file", byteOffset: 0, byteLength: 0, exact: true,
          innerRange: ByteRange(0, 0), subject: violation.detail, fingerprint: hash.hex, fix: rule.fix))
    }
  }

  private func violations(of report: ScanReport) -> [Violation] {
    var found: [Violation] = []
    let model = report.model
    let top = report.files.first?.path ?? "."
    let card = report.files.first { Walker.lastComponent($0.path) == "README.md" }?.path ?? top
    func note(_ rule: String, _ file: String, _ detail: String) {
      found.append(Violation(rule: rule, file: file, detail: detail))
    }
    if needsSignature {
      let signatures = report.provenance.filter { $0.path.isEmpty && $0.kind == "openssf-model-signing" }
      if !signatures.contains(where: { $0.status == .verified }) {
        note("required-signature", signatures.first?.record ?? top, signatures.first?.detail ?? "there is none")
      }
    }
    if hashes {
      let covered = Set(report.provenance.filter { $0.status == .verified }.map(\.path))
      let records = Set(report.provenance.map(\.record))
      for file in report.files where !covered.contains(file.path) && !records.contains(file.path) {
        note("required-hash", file.path, "no record")
      }
    }
    for file in report.files where !formats.isEmpty && Self.isWeights(file) && !formats.contains(file.format) {
      note("required-format", file.path, file.format)
    }
    if noRemoteCode {
      for claim in model.remoteCode { note("required-no-code", Self.file(of: claim), "auto_map names \(claim.value)") }
      for file in report.files where file.format == "python" || file.path.hasSuffix(".py") {
        note("required-no-code", file.path, "'\(file.path)' is Python")
      }
    }
    if !licenses.isEmpty {
      if model.licenses.isEmpty { note("required-license", card, "the card names none") }
      for claim in model.licenses where !licenses.contains(claim.value.lowercased()) {
        note("required-license", Self.file(of: claim), "the card names '\(claim.value)'")
      }
    }
    if parents {
      if model.parents.isEmpty { note("required-parent", card, "the card names none") }
      for claim in model.parents where !allowedParents.isEmpty && !allowedParents.contains(claim.value) {
        note("required-parent", Self.file(of: claim), "'\(claim.value)' is not one of the allowed ones")
      }
    }
    return found
  }

  /// Whether loaders take the file for weights: by its format, or by its name where that tells nothing.
  private static func isWeights(_ file: ScannedFile) -> Bool {
    let isModelName = Identify.isModelName(Walker.lastComponent(file.path))
    if file.format.isEmpty || vocabularies.contains(file.format) { return false }
    if Registry.isText(file.format) { return isModelName && file.format == "text" }
    return isModelName || FormatList.named(file.format) != nil
  }

  /// Formats of vocabularies, which have endings of models.
  private static let vocabularies: Set<String> = ["sentencepiece", "tiktoken"]

  /// `README.md` of `README.md:3`.
  private static func file(of claim: ModelDescription.Claim) -> String {
    guard let colon = claim.source.lastIndex(of: ":"), Int(claim.source[claim.source.index(after: colon)...]) != nil
    else {
      return claim.source
    }
    return String(claim.source[..<colon])
  }
}
