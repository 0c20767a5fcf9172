/// How what a model claims stands to what its weights say.
public struct Verdict: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// Nothing is claimed, nothing found.
    case none
    case consistent
    /// Derived, and does not say from what.
    case undeclared
    /// The weights are of another family than the one that is claimed, or of a further one.
    case wrongBase
    case wrongOperation
    /// The claimed base is known, and the weights have nothing of it.
    case unsupported
    /// What is claimed is not known here.
    case unverifiable
  }

  public var kind: Kind
  /// For people.
  public var reason: String

  /// Operations that each claim covers.
  private static let covered: [Operation: Set<Operation>] = [
    .finetune: [.finetune, .loraMerge, .extendVocabulary], .adapter: [.adapter],
    // What looks like a fine-tune may be a merge with a partner that is not known here.
    .merge: [.merge, .finetune, .loraMerge],
    // There is no word for a conversion, and hubs call every GGUF file quantized.
    .quantize: [.quantize, .convert],
  ]

  /// - Parameters:
  ///   - claims: of the weights; hints are left out.
  public init(claims: [Claim], origin: Origin, known: KnownBases) {
    let said = claims.filter(\.isOfWeights)
    guard !said.isEmpty else {
      guard let found = origin.conclusion, found.operation != .distill else {
        self.init(kind: .none, reason: "")
        return
      }
      self.init(kind: .undeclared, reason: "made from \(found.bases.joined(separator: ", ")), and no file says so")
      return
    }
    let names = Self.unique(said.map(\.parent))
    let resolved = names.map { known[$0]?.name }
    guard let found = origin.conclusion, found.operation != .distill else {
      self = Self.withoutLink(names, resolved, origin)
      return
    }
    self = Self.judge(said, names, resolved, found, known)
  }

  private init(kind: Kind, reason: String) {
    self.kind = kind
    self.reason = reason
  }

  private static func unique(_ names: [String]) -> [String] {
    var kept: [String] = []
    for name in names where !kept.contains(where: { ModelName.areSame($0, name) }) { kept.append(name) }
    return kept
  }

  private static func withoutLink(_ names: [String], _ resolved: [String?], _ origin: Origin) -> Verdict {
    let known = resolved.compactMap { $0 }
    guard let base = known.first else {
      return Verdict(kind: .unverifiable, reason: "\(names.joined(separator: ", ")) is not in the registry")
    }
    if origin.isAdapter {
      guard origin.compared > 0, !known.contains(where: origin.fits.contains) else {
        return Verdict(kind: .consistent, reason: "")
      }
      return Verdict(kind: .wrongBase, reason: "the adapter's factors do not fit the shapes of \(base)")
    }
    if origin.isUnreadable {
      return Verdict(kind: .unverifiable, reason: origin.notes.first ?? "its tensors cannot be read by place")
    }
    return Verdict(kind: .unsupported, reason: "no layer and no embedding resembles \(base)")
  }

  private static func judge(
    _ claims: [Claim], _ names: [String], _ resolved: [String?], _ found: Conclusion, _ known: KnownBases
  ) -> Verdict {
    let claimed = resolved.compactMap { $0 }
    let families = Set(claimed.flatMap { roots(of: $0, known) })
    let strangers = found.bases.filter { base in
      if names.contains(where: { ModelName.areSame($0, base) }) { return false }
      return families.isDisjoint(with: roots(of: base, known))
    }
    if !strangers.isEmpty {
      guard claimed.count == names.count else {
        let missing = zip(names, resolved).filter { $0.1 == nil }.map(\.0)
        return Verdict(
          kind: .unverifiable,
          reason:
            "it is made from \(strangers.joined(separator: ", ")); whether \(missing.joined(separator: ", ")) is too is not known here"
        )
      }
      return Verdict(
        kind: .wrongBase,
        reason: "claims \(names.joined(separator: ", ")), and is made from \(found.bases.joined(separator: ", "))")
    }
    let operations = Set(claims.compactMap(\.operation))
    let isCovered = operations.isEmpty || operations.contains { covered[$0, default: [$0]].contains(found.operation) }
    if !isCovered {
      let said = operations.map(\.rawValue).sorted().joined(separator: ", ")
      return Verdict(kind: .wrongOperation, reason: "claims \(said), and is \(found.operation.rawValue)")
    }
    return Verdict(kind: .consistent, reason: "")
  }

  /// The ancestors that have no parents in the registry. Cycles end where they close.
  static func roots(of name: String, _ known: KnownBases) -> Set<String> {
    var roots: Set<String> = []
    var seen: Set<String> = []
    var open = [name]
    while let next = open.popLast() {
      guard seen.insert(next).inserted else { continue }
      let parents = known[next]?.parents ?? []
      if parents.isEmpty { roots.insert(next.lowercased()) } else { open += parents }
    }
    return roots.isEmpty ? [name.lowercased()] : roots
  }
}
