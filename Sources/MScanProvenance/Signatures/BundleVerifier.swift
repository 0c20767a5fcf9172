import FoundationEssentials
import MScanBytes
import X509

/// Whether somebody who is trusted signed a bundle's statement.
///
/// An embedded certificate or key proves nothing of who signed: it only shows that the statement was not changed since.
struct BundleVerifier {
  let bundle: SignedBundle
  let trust: TrustOptions
  /// The present, in seconds since 1970.
  var now = Moment.now

  func verdict() -> SignatureVerdict {
    guard bundle.payloadType == "application/vnd.in-toto+json" else {
      return refuse("statement-malformed", "it signs '\(bundle.payloadType)', which is no statement of in-toto")
    }
    guard bundle.signatures.count == 1 else {
      return refuse(
        "statement-malformed", "it has \(bundle.signatures.count) signatures; tools read one of them and not the others"
      )
    }
    switch bundle.material {
    case .key(let hint, let raw): return byKey(hint: hint, raw: raw)
    case .certificate(let leaf): return keyless([leaf])
    case .chain(let chain): return bundle.logEntries.isEmpty ? byCertificate(chain) : keyless(chain)
    }
  }

  private func refuse(_ reason: String, _ detail: String) -> SignatureVerdict {
    SignatureVerdict(isTrusted: false, detail: detail, reason: reason)
  }

  private func accept(_ detail: String) -> SignatureVerdict { SignatureVerdict(isTrusted: true, detail: detail) }

  /// How the signature fits the statement; nil when it does not.
  private enum Fit { case present, legacy }

  private func fit(_ key: SigningKey) -> Fit? {
    guard let signature = bundle.signatures.first else { return nil }
    if key.verifies(signature, over: bundle.signedBytes) { return .present }
    let legacy = bundle.legacySignedBytes
    return key.verifies(signature, over: legacy) || key.verifiesWithSHA256(signature, over: legacy) ? .legacy : nil
  }

  private static let invalid = "the signature does not fit the statement; one of them was changed"

  private func words(_ fit: Fit) -> String { fit == .legacy ? ", in the form of model-signing 0.x" : "" }

  // MARK: - Key

  private func byKey(hint: String?, raw: [UInt8]?) -> SignatureVerdict {
    let embedded = raw.flatMap { SigningKey(pem: String(decoding: $0, as: UTF8.self)) ?? SigningKey(der: $0) }
    if let embedded, fit(embedded) == nil { return refuse("signature-invalid", Self.invalid) }
    guard !trust.keys.isEmpty else {
      let other = trust.isEmpty ? "" : ", and no key was given"
      return refuse(
        trust.isEmpty ? "signature-unchecked" : "signer-untrusted", "signed with a key\(other); give it with --key")
    }
    var unreadable: [String] = []
    var tried: [String] = []
    for file in trust.keys {
      guard let key = SigningKey(pem: file.text) else {
        unreadable.append(file.name)
        continue
      }
      if let hint, hint != key.hint, !hint.isEmpty {
        tried.append(file.name)
        continue
      }
      if let embedded, embedded != key {
        tried.append(file.name)
        continue
      }
      if let fit = fit(key) { return accept("signed with the key \(file.name)\(words(fit))") }
      // The bundle says that it is this key's.
      if hint != nil || embedded != nil { return refuse("signature-invalid", Self.invalid) }
      tried.append(file.name)
    }
    if let name = unreadable.first, tried.isEmpty {
      return refuse("signer-untrusted", "'\(name)' holds no public key that can be used")
    }
    return refuse("signer-untrusted", "signed with another key than \(tried.joined(separator: ", "))")
  }

  // MARK: - Certificate

  private func byCertificate(_ chain: [[UInt8]]) -> SignatureVerdict {
    let certificates = chain.compactMap { Certificate.der($0) }
    guard certificates.count == chain.count, let leaf = certificates.first else {
      return refuse("statement-malformed", "one of its certificates cannot be read")
    }
    guard let fit = fit(SigningKey(leaf.publicKey)) else { return refuse("signature-invalid", Self.invalid) }
    let signer = Self.name(of: leaf)
    guard !trust.certificates.isEmpty else {
      if trust.isEmpty, !leaf.isValid(at: now) { return expired(signer) }
      let reason = trust.isEmpty ? "signature-unchecked" : "signer-untrusted"
      return refuse(reason, "signed by \(signer), as its certificate says; give its authority with --certificate")
    }
    let roots = trust.certificates.flatMap { PEMText.blocks("CERTIFICATE", in: $0.text) }.compactMap {
      Certificate.der($0)
    }
    let start = Int(leaf.notValidBefore.timeIntervalSince1970)
    // When it was signed nobody proves, so that the path has to hold when the certificate was new.
    guard CertificatePath.issuer(of: leaf, through: Array(certificates.dropFirst()), to: roots, at: start) != nil else {
      return refuse("signer-untrusted", "the certificate of \(signer) does not lead to an authority that was given")
    }
    guard CertificatePath.maySign(leaf) else {
      return refuse("signer-untrusted", "the certificate of \(signer) is not for signing")
    }
    guard leaf.isValid(at: now) else { return expired(signer) }
    if let problem = identityProblem(leaf) { return refuse("signer-untrusted", problem) }
    return accept("signed by \(signer)\(words(fit))")
  }

  private func expired(_ signer: String) -> SignatureVerdict {
    refuse(
      "certificate-expired",
      "the certificate of \(signer) is not valid now, and nothing proves that it was when it signed")
  }

  private static func name(of leaf: Certificate) -> String {
    CertificatePath.identities(of: leaf).first ?? leaf.subject.description
  }

  /// Nil when the signer is who it has to be.
  private func identityProblem(_ leaf: Certificate) -> String? {
    let identities = CertificatePath.identities(of: leaf)
    if let wanted = trust.identity, !identities.contains(wanted) {
      return "signed by \(identities.first ?? "nobody by name"), not by \(wanted)"
    }
    let issuer = CertificatePath.issuerOfIdentity(leaf)
    if let wanted = trust.issuer, issuer != wanted {
      return "\(issuer ?? "nobody") vouched for the signer, not \(wanted)"
    }
    return nil
  }

  // MARK: - Keyless

  private func keyless(_ chain: [[UInt8]]) -> SignatureVerdict {
    guard let der = chain.first, let leaf = Certificate.der(der) else {
      return refuse("statement-malformed", "its certificate cannot be read")
    }
    guard let fit = fit(SigningKey(leaf.publicKey)) else { return refuse("signature-invalid", Self.invalid) }
    let issuer = CertificatePath.issuerOfIdentity(leaf).map { " (issuer \($0))" } ?? ""
    let signer = Self.name(of: leaf) + issuer
    guard let file = trust.trustRoot else {
      let reason = trust.isEmpty ? "signature-unchecked" : "signer-untrusted"
      return refuse(reason, "signed by \(signer), as its certificate says; give a trusted root with --trust-root")
    }
    guard let root = TrustedRoot(file.bytes) else {
      return refuse("signer-untrusted", "'\(file.name)' is no trusted root")
    }
    do throws(TransparencyLog.Refusal) {
      let moments = try self.moments(leaf: der, root)
      let authority = try issuingAuthority(leaf, at: moments, root)
      guard CertificatePath.maySignCode(leaf) == true else {
        throw TransparencyLog.Refusal("its certificate is not for signing code")
      }
      if let problem = CertificateTimestamps.problem(of: leaf, issuer: authority, root.certificateLogs) {
        throw TransparencyLog.Refusal(problem)
      }
    } catch {
      return refuse("signer-untrusted", error.detail)
    }
    if let problem = identityProblem(leaf) { return refuse("signer-untrusted", problem) }
    guard trust.identity != nil else {
      return accept(
        "signed by \(signer)\(words(fit)); whether that is who should have signed, --identity and --issuer decide")
    }
    return accept("signed by \(signer)\(words(fit))")
  }

  /// The moments of the signature that a log or a time-stamping authority stands for; at least one.
  private func moments(leaf: [UInt8], _ root: TrustedRoot) throws(TransparencyLog.Refusal) -> [Int] {
    guard !bundle.logEntries.isEmpty else { throw TransparencyLog.Refusal("it is in no transparency log") }
    guard bundle.logEntries.count <= 16, bundle.timestamps.count <= 16 else {
      throw TransparencyLog.Refusal("it has more log entries or timestamps than are read")
    }
    var moments: [Int] = []
    for entry in bundle.logEntries {
      if let moment = try TransparencyLog.check(entry, of: bundle, leaf: leaf, root: root) { moments.append(moment) }
    }
    for token in bundle.timestamps {
      guard let signature = bundle.signatures.first,
        let moment = TimeStampToken.moment(of: token, over: signature, root.timestampAuthorities)
      else {
        throw TransparencyLog.Refusal("its timestamp is over other bytes, or of no authority of the trusted root")
      }
      moments.append(moment)
    }
    guard !moments.isEmpty else { throw TransparencyLog.Refusal("nothing proves when it was signed") }
    return moments
  }

  private func issuingAuthority(
    _ leaf: Certificate, at moments: [Int], _ root: TrustedRoot
  ) throws(TransparencyLog.Refusal) -> Certificate {
    var found: Certificate?
    for moment in moments {
      guard leaf.isValid(at: moment) else {
        throw TransparencyLog.Refusal("it was signed when its certificate was not valid")
      }
      var issuer: Certificate?
      for authority in root.certificateAuthorities where authority.validity.holds(at: moment) {
        guard let last = authority.chain.last else { continue }
        issuer = CertificatePath.issuer(of: leaf, through: Array(authority.chain.dropLast()), to: [last], at: moment)
        if issuer != nil { break }
      }
      guard let issuer else {
        throw TransparencyLog.Refusal("no authority of the trusted root issued its certificate")
      }
      found = issuer
    }
    guard let found else { throw TransparencyLog.Refusal("nothing proves when it was signed") }
    return found
  }
}
