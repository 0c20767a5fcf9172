import ArgumentParser
import MScanBytes
import MScanEngine
import MScanProvenance

/// Whom to believe, and what to hash.
struct ProvenanceOptions: ParsableArguments {
  @Option(
    name: .customLong("key"),
    help: ArgumentHelp("Public key of a signer, PEM. Repeatable.", valueName: "file"), completion: .file())
  var keys: [String] = []

  @Option(
    name: .customLong("certificate"),
    help: ArgumentHelp(
      "Certificate of an authority that signers' certificates lead to, PEM. Repeatable.", valueName: "file"),
    completion: .file())
  var certificates: [String] = []

  @Option(
    name: .customLong("trust-root"),
    help: ArgumentHelp("Sigstore's trusted_root.json, for signatures without a key.", valueName: "file"),
    completion: .file())
  var trustRoot: String?

  @Option(
    help: ArgumentHelp("Who has to have signed: the e-mail address or URI in the certificate.", valueName: "name"))
  var identity: String?

  @Option(
    help: ArgumentHelp("Who has to have vouched for the identity, as the certificate names it.", valueName: "url"))
  var issuer: String?

  @Option(
    name: .customLong("record"),
    help: ArgumentHelp(
      "A record that lies elsewhere: a signature, checksums, a bill of materials. Repeatable.", valueName: "file"),
    completion: .file())
  var records: [String] = []

  @Flag(name: .customLong("no-hash"), help: "Compute no hashes; what records say stays unchecked.") var noHash = false

  @Option(
    name: .customLong("hash"),
    help: ArgumentHelp("'all' hashes every file, also those that no record lists.", valueName: "which"))
  var hash: HashChoice?

  func apply(to request: inout ScanRequest) {
    request.trust = TrustRequest(
      keys: keys, certificates: certificates, trustRoot: trustRoot, identity: identity, issuer: issuer, records: records
    )
    request.noHash = noHash
    request.hash = hash
  }
}

enum HashChoice: String, ExpressibleByArgument, CaseIterable {
  case all
}

/// Files that a person trusts, by name.
struct TrustRequest {
  var keys: [String] = []
  var certificates: [String] = []
  var trustRoot: String?
  var identity: String?
  var issuer: String?
  var records: [String] = []

  /// What has to exist, by option.
  var files: [(option: String, file: String)] {
    keys.map { ("--key", $0) } + certificates.map { ("--certificate", $0) }
      + (trustRoot.map { [("--trust-root", $0)] } ?? []) + records.map { ("--record", $0) }
  }

  /// Bytes; 16 MiB: trusted roots have some 10 KB, bundles of authorities 250 KB.
  private static let limit = 16 << 20

  func plan(paths: [SystemPath]) throws -> ProvenancePlan {
    func read(_ name: String) throws -> TrustFile {
      do throws(OpenFile.Refusal) {
        return TrustFile(name: name, bytes: try WholeFile.read(name, limit: Self.limit))
      } catch {
        throw RunFailure("'\(name)' \(error.explanation)")
      }
    }
    var plan = ProvenancePlan()
    plan.paths = paths
    plan.records = records.map { SystemPath($0) }
    plan.trust.keys = try keys.map(read)
    plan.trust.certificates = try certificates.map(read)
    plan.trust.trustRoot = try trustRoot.map(read)
    plan.trust.identity = identity
    plan.trust.issuer = issuer
    return plan
  }
}

/// `verify`: what was published, and who says so.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Hold files against the checksums, signatures and lists that lie beside them.",
    discussion: """
      Everything is checked offline. A signature counts only with a key, an authority or a trusted root that you give.

      Exit codes: 0 all of it holds, 1 something differs or is not trusted, 2 something could not be checked.
      """)

  @OptionGroup var targets: TargetOptions

  @OptionGroup(title: "Provenance") var provenance: ProvenanceOptions

  @OptionGroup var report: ReportOptions

  @OptionGroup var ruleOptions: RuleOptions

  func run() throws {
    var request = ScanRequest(paths: targets.paths)
    request.verifies = true
    report.apply(to: &request)
    provenance.apply(to: &request)
    request.rules = ruleOptions.directories
    request.jobs = targets.jobs
    try request.run()
  }
}
