import FoundationEssentials
import MScanBytes
import SwiftASN1
import Synchronization
@_spi(FixedExpiryValidationTime) import X509

/// Paths from a leaf to an authority that a person trusts, as RFC 5280 has them.
enum CertificatePath {
  /// The certificate that issued the leaf on a path that holds at a moment; nil without such a path.
  static func issuer(of leaf: Certificate, through others: [Certificate], to roots: [Certificate], at moment: Int)
    -> Certificate?
  {
    let when = Date(timeIntervalSince1970: Double(moment))
    return Blocking.wait {
      var verifier = Verifier(rootCertificates: CertificateStore(roots)) {
        RFC5280Policy(fixedExpiryValidationTime: when)
        IdentityPolicy()
      }
      guard
        case .validCertificate(let chain) = await verifier.validate(leaf: leaf, intermediates: CertificateStore(others))
      else { return nil }
      return Array(chain).dropFirst().first
    }
  }

  /// Leaves of identities have a critical subject alternative name, which some policy has to claim. What it says is
  /// compared where the person's wishes are known.
  private struct IdentityPolicy: VerifierPolicy {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [
      .X509ExtensionID.subjectAlternativeName, .X509ExtensionID.extendedKeyUsage, .X509ExtensionID.keyUsage,
    ]

    mutating func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) async -> PolicyEvaluationResult {
      .meetsPolicy
    }
  }

  /// Whether the leaf may sign things: it says so, or that it signs code.
  static func maySign(_ leaf: Certificate) -> Bool {
    if let usage = try? leaf.extensions.keyUsage, usage.digitalSignature { return maySignCode(leaf) ?? true }
    return maySignCode(leaf) ?? false
  }

  /// Nil when the leaf does not say what it is for.
  static func maySignCode(_ leaf: Certificate) -> Bool? {
    guard let usage = try? leaf.extensions.extendedKeyUsage else { return nil }
    return usage.contains(.codeSigning)
  }

  static func mayStampTime(_ leaf: Certificate) -> Bool {
    ((try? leaf.extensions.extendedKeyUsage) ?? nil)?.contains(.timeStamping) ?? false
  }

  /// Who the leaf is of: e-mail addresses, URIs and other names.
  static func identities(of leaf: Certificate) -> [String] {
    guard let names = try? leaf.extensions.subjectAlternativeNames else { return [] }
    return names.compactMap { name in
      switch name {
      case .rfc822Name(let text), .uniformResourceIdentifier(let text), .dnsName(let text): text
      // Fulcio's user names: `[0] UTF8String`.
      case .otherName(let other):
        other.value.flatMap { value in
          var serializer = DER.Serializer()
          guard (try? serializer.serialize(value)) != nil, let node = try? DER.parse(serializer.serializedBytes) else {
            return nil
          }
          return utf8Text(node)
        }
      default: nil
      }
    }
  }

  private static func utf8Text(_ node: ASN1Node) -> String? {
    switch node.content {
    case .primitive(let bytes): return String(validating: bytes, as: UTF8.self)
    case .constructed(let inside):
      var iterator = inside.makeIterator()
      guard let first = iterator.next(), case .primitive(let bytes) = first.content else { return nil }
      return String(validating: bytes, as: UTF8.self)
    }
  }

  /// Who vouched for the identity, as Fulcio notes it: 1.3.6.1.4.1.57264.1.8, or in its first form .1.1.
  static func issuerOfIdentity(_ leaf: Certificate) -> String? {
    if let value = leaf.extensions[oid: [1, 3, 6, 1, 4, 1, 57264, 1, 8]]?.value, let node = try? DER.parse(value) {
      return utf8Text(node)
    }
    return leaf.extensions[oid: [1, 3, 6, 1, 4, 1, 57264, 1, 1]].flatMap {
      String(validating: $0.value, as: UTF8.self)
    }
  }
}

/// Runs what is only offered as an asynchronous function on the thread that waits for it, so that it waits for no other.
enum Blocking {
  private final class OwnThread: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])

    func enqueue(_ job: consuming ExecutorJob) {
      let job = UnownedJob(job)
      jobs.withLock { $0.append(job) }
    }

    /// Runs the next job; false when there is none.
    func step() -> Bool {
      guard let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return false }
      unsafe job.runSynchronously(on: asUnownedTaskExecutor())
      return true
    }
  }

  private final class Box<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
    let done = Atomic<Bool>(false)
  }

  static func wait<Value: Sendable>(_ work: @escaping @Sendable () async -> Value?) -> Value? {
    let box = Box<Value>()
    let thread = OwnThread()
    Task.detached(executorPreference: thread) {
      let value = await work()
      box.value.withLock { $0 = value }
      box.done.store(true, ordering: .releasing)
    }
    while !box.done.load(ordering: .acquiring) {
      if !thread.step() { RunningProcess.pause() }
    }
    return box.value.withLock { $0 }
  }
}
