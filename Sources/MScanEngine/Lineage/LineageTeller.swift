import MScanBytes
import MScanFacts
import MScanLineage
import MScanProvenance

/// Puts outcomes into facts for the rules and into edges for the report.
struct LineageTeller {
  let known: KnownBases
  let advisories: [Advisory]
  /// Whether tensors that an advisory names are hashed.
  let hashesTensors: Bool

  func tell(_ outcome: LineageScan.Outcome, gravest: [Int: Severity], into result: inout LineageScan.Result) {
    let unit = outcome.unit
    for claim in unit.claims {
      result.report.declared.append(
        LineageReport.Declared(
          child: unit.child, parent: claim.parent, operation: claim.operation?.rawValue ?? "", source: claim.source))
    }
    if let found = outcome.origin.conclusion {
      for base in found.bases {
        result.report.inferred.append(
          LineageReport.Inferred(
            child: unit.child, parent: base, operation: found.operation.rawValue, variant: found.variant,
            confidence: Int((found.confidence * 1000).rounded()), evidence: found.evidence))
      }
    }
    var notes = outcome.origin.notes
    if !outcome.verdict.reason.isEmpty { notes.insert(outcome.verdict.reason, at: 0) }
    let inherited = inherited(outcome)
    var model = LineageReport.Model(child: unit.child, verdict: Self.verdict(outcome.verdict), notes: notes)
    score(outcome, inherited, unit.files.compactMap { gravest[$0.target] }.max(), into: &model)
    result.report.models.append(model)
    result.scans.append((unit.target, scan(outcome, inherited)))
  }

  private static func verdict(_ verdict: Verdict) -> LineageReport.Verdict {
    switch verdict.kind {
    case .none: .none
    case .consistent: .consistent
    case .undeclared: .undeclared
    case .wrongBase, .wrongOperation: .contradicted
    case .unsupported, .unverifiable: .unverifiable
    }
  }

  // MARK: Risk

  /// Advisories that reach the model: along what its weights say, or, where they say nothing, along what it says.
  private func inherited(_ outcome: LineageScan.Outcome) -> [InheritedAdvisory] {
    guard !advisories.isEmpty else { return [] }
    let unit = outcome.unit
    var edges: [Risk.Edge] = []
    if let found = outcome.origin.conclusion {
      let factor = Risk.factor(found.operation, bits: found.bits) * found.confidence
      edges = found.bases.map { Risk.Edge(parent: $0, operation: found.operation, factor: factor) }
    }
    for claim in unit.claims
    where claim.isOfWeights && !edges.contains(where: { ModelName.areSame($0.parent, claim.parent) }) {
      edges.append(
        Risk.Edge(
          parent: claim.parent, operation: claim.operation, factor: Risk.factor(claim.operation ?? .finetune)))
    }
    let named = Risk.advisories(
      for: unit.ownNames, revision: unit.revision, edges: edges, among: advisories,
      parents: { known[$0]?.parents ?? [] })
    let held = held(by: unit)
    let ids = Set(held.map(\.advisory.id))
    return held + named.filter { !ids.contains($0.advisory.id) }
  }

  /// Advisories that name the bytes of one of its tensors, which go where no name follows them.
  private func held(by unit: ModelUnit) -> [InheritedAdvisory] {
    guard hashesTensors else { return [] }
    var wanted: [String: [Advisory]] = [:]
    for advisory in advisories {
      for tensor in advisory.tensors { wanted[tensor.name, default: []].append(advisory) }
    }
    guard !wanted.isEmpty else { return [] }
    var found: [InheritedAdvisory] = []
    var told: Set<String> = []
    for file in unit.files {
      let tensors = file.tensors.filter { $0.external.isEmpty && wanted[$0.stored.name] != nil }
      guard !tensors.isEmpty else { continue }
      let digests = FileDigests.sha256(of: file.path, Set(tensors.map(\.stored.bytes).filter { !$0.isEmpty }))
      for tensor in tensors {
        guard let digest = digests[tensor.stored.bytes].map({ String(Hex.text($0)) }) else { continue }
        let content = Advisory.Content(name: tensor.stored.name, sha256: digest)
        for advisory in wanted[tensor.stored.name] ?? []
        where advisory.tensors.contains(content) && told.insert(advisory.id).inserted {
          found.append(
            InheritedAdvisory(
              advisory: advisory, path: [advisory.model], factor: 1,
              content: "the SHA-256 of its tensor \(content.name) is one that the advisory lists"))
        }
      }
    }
    return found
  }

  private static func fact(_ inherited: InheritedAdvisory, _ unit: ModelUnit) -> LineageFact {
    let kind = inherited.isOwn ? "direct" : "inherited"
    let way =
      inherited.isOwn ? inherited.content : "by way of " + inherited.path.joined(separator: " → ")
    var evidence = [inherited.advisory.summary, way].filter { !$0.isEmpty }
    if evidence.isEmpty { evidence = ["it names this model"] }
    return LineageFact(
      subject: "advisory.\(kind).\(inherited.advisory.id)", child: unit.child, parent: inherited.advisory.model,
      operation: inherited.path.count > 1 ? inherited.path[1] : "", declared: inherited.advisory.id,
      confidence: Int((inherited.factor * 100).rounded()), evidence: evidence)
  }

  /// A score is worth its name only where something speaks against the model.
  private func score(
    _ outcome: LineageScan.Outcome, _ inherited: [InheritedAdvisory], _ gravest: Severity?,
    into model: inout LineageReport.Model
  ) {
    let intrinsic: Double =
      switch gravest {
      case .critical: 0.9
      case .high: 0.7
      case .medium: 0.45
      case .low: 0.2
      case .info, nil: 0
      }
    let passed = inherited.first.map { $0.factor * $0.advisory.score / 10 } ?? 0
    let isUnpinned = outcome.unit.claims.contains { $0.isPinned == false }
    let gap = Risk.provenanceGap(outcome.verdict.kind, isUnpinned: isUnpinned)
    guard intrinsic > 0 || passed > 0 || gap > 0 else { return }
    func share(_ value: Double) -> String { "\(Int((value * 100).rounded()))" }
    model.risk = Int((Risk.score(intrinsic: intrinsic, inherited: passed, provenance: gap) * 10).rounded())
    model.riskVector = "I:\(share(intrinsic))/P:\(share(passed))/V:\(share(gap))"
    if intrinsic > 0, let gravest {
      model.riskReasons.append("I, its own files: the gravest finding is \(gravest.rawValue)")
    }
    if let first = inherited.first {
      let of = first.advisory.model.isEmpty ? "" : " of \(first.advisory.model)"
      model.riskReasons.append(
        "P, inherited: \(first.advisory.id)\(of), \(share(first.factor))% of it arrives")
    }
    if gap > 0 {
      let reason = outcome.verdict.reason.isEmpty ? "its base is not pinned" : outcome.verdict.reason
      model.riskReasons.append("V, provenance: \(reason)")
    }
  }

  /// Files whose bytes an advisory names, each as a reading of its own.
  ///
  /// - Parameter digests: SHA-256 of files by their reported path, in hexadecimal digits.
  static func files(_ digests: [String: String], _ targets: [Target], named advisories: [Advisory]) -> [FileScan] {
    var wanted: [String: [Advisory]] = [:]
    for advisory in advisories {
      for file in advisory.files { wanted[file.sha256, default: []].append(advisory) }
    }
    guard !wanted.isEmpty else { return [] }
    return targets.compactMap { target in
      guard let found = digests[target.reported].flatMap({ wanted[$0] }) else { return nil }
      var buffer = FactBuffer()
      let row = buffer.artifacts.append(Artifact(name: target.reported, format: "", size: 0))
      var told: Set<String> = []
      for advisory in found where told.insert(advisory.id).inserted {
        let fact = LineageFact(
          subject: "advisory.direct.\(advisory.id)", child: target.reported, parent: advisory.model,
          declared: advisory.id, confidence: 100,
          evidence: [advisory.summary, "its SHA-256 is one that the advisory lists"].filter { !$0.isEmpty })
        buffer.emit(.lineage(fact), artifact: row, range: ByteRange(0, 0), place: .whole)
      }
      return FileScan(buffer: buffer, source: nil)
    }
  }

  // MARK: Facts

  /// A reading of its own, whose only row is the weight file.
  private func scan(_ outcome: LineageScan.Outcome, _ inherited: [InheritedAdvisory]) -> FileScan {
    let unit = outcome.unit
    var buffer = FactBuffer()
    let file = unit.files.first
    let row = buffer.artifacts.append(
      Artifact(name: file?.reported ?? unit.child, format: file?.format ?? "", size: file?.size ?? 0))
    for fact in facts(outcome) + inherited.map({ Self.fact($0, unit) }) {
      buffer.emit(.lineage(fact), artifact: row, range: ByteRange(0, 0), place: .whole)
    }
    return FileScan(buffer: buffer, source: nil)
  }

  private func facts(_ outcome: LineageScan.Outcome) -> [LineageFact] {
    let unit = outcome.unit
    let claims = unit.claims.filter(\.isOfWeights)
    var facts = claims.map { claim in
      LineageFact(
        subject: "declared." + (claim.operation?.rawValue ?? "unspecified"), child: unit.child, parent: claim.parent,
        operation: claim.operation?.rawValue ?? "", source: claim.source, license: unit.license,
        parentLicense: license(of: claim.parent))
    }
    if claims.contains(where: { $0.isPinned == false }), let claim = claims.first(where: { $0.isPinned == false }) {
      facts.append(
        LineageFact(
          subject: "unpinned." + (claim.operation?.rawValue ?? "unspecified"), child: unit.child, parent: claim.parent,
          operation: claim.operation?.rawValue ?? "", source: claim.source))
    }
    var fact = LineageFact(
      subject: "", child: unit.child, parent: outcome.origin.conclusion?.bases.joined(separator: ", ") ?? "",
      operation: outcome.origin.conclusion?.operation.rawValue ?? "",
      declared: Self.unique(claims.map(\.parent)).joined(separator: ", "),
      claimed: Self.unique(claims.compactMap { $0.operation?.rawValue }).joined(separator: ", "),
      source: claims.first?.source ?? "",
      confidence: Int(((outcome.origin.conclusion?.confidence ?? 0) * 100).rounded()),
      evidence: outcome.origin.conclusion?.evidence ?? [], license: unit.license,
      parentLicense: outcome.origin.conclusion?.bases.first.map { license(of: $0) } ?? "")
    if let found = outcome.origin.conclusion {
      fact.subject = "inferred." + found.operation.rawValue
      facts.append(fact)
    }
    switch outcome.verdict.kind {
    case .none, .consistent, .unverifiable: return facts
    case .undeclared: fact.subject = "undeclared." + fact.operation
    case .wrongBase: fact.subject = "contradicted.base"
    case .wrongOperation: fact.subject = "contradicted.operation." + fact.operation
    case .unsupported: fact.subject = "unsupported.base"
    }
    if fact.evidence.isEmpty { fact.evidence = [outcome.verdict.reason] }
    facts.append(fact)
    return facts
  }

  private static func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  private func license(of base: String) -> String { known[base]?.license ?? "" }
}
