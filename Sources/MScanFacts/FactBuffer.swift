public import MScanBytes

/// A child that a parser found: its row in the table, and its bytes.
public struct ChildArtifact: Sendable {
  public var index: Int
  /// The bytes as they lie in the parent; ``open(limits:)`` decodes them.
  public var source: ByteSource
  /// A format the parent knows it to have whatever its first bytes say (`data.pkl` is what torch unpickles); nil to go
  /// by content.
  public var format: String?
  /// How `source` is compressed; nil when it is not.
  public var compression: Codec?

  public init(index: Int, source: ByteSource, format: String? = nil, compression: Codec? = nil) {
    self.index = index
    self.source = source
    self.format = format
    self.compression = compression
  }

  /// The decoded bytes, what stopped the decoder if it did not reach their end, and how many encoded bytes are left
  /// behind that end. Decoding waits until a child is read, so that an archive never has more than one member open.
  public func open(limits: Limits) -> (source: ByteSource, failure: ParseFailure?, left: Int) {
    guard let compression else { return (source, nil, 0) }
    let output = Decompression.decode(source, compression, bounds: Decompression.Bounds(limits))
    return (output.source, output.failure, output.failure == nil ? source.count - output.consumed : 0)
  }
}

/// The facts of one file on disk and all that is nested in it, in the order they were stated.
///
/// Identical facts (same artifact, same payload) coalesce into the first, with a count.
public struct FactBuffer: Sendable {
  public var artifacts = ArtifactTable()
  public private(set) var facts: [Fact] = []
  /// Children found and not yet read; the walker takes them.
  public var children: [ChildArtifact] = []
  /// Set when ``Limits/facts`` was hit for an artifact.
  public private(set) var droppedFacts: Set<Int> = []

  private struct Key: Hashable {
    let artifact: Int
    let payload: Fact.Payload
  }
  private var seen: [Key: Int] = [:]
  /// How many facts each artifact has, by its row.
  private var perArtifact: [Int] = []
  private let limit: Int

  public init(limits: Limits = .standard) { limit = limits.facts }

  /// States a fact. What goes over ``Limits/facts`` in one artifact is left out, and that said once.
  ///
  /// - Parameter distinct: where it stands is part of what the fact says, so that it coalesces with no other.
  public mutating func emit(
    _ payload: Fact.Payload, artifact: Int, range: ByteRange, place: Place, count: Int = 1, distinct: Bool = false
  ) {
    // What an artifact is, is said once of each reading; a key for it would never be found again.
    var key: Key?
    if case .artifact = payload {} else if !distinct { key = Key(artifact: artifact, payload: payload) }
    if let key, let index = seen[key] {
      facts[index].count += count
      return
    }
    while perArtifact.count <= artifact { perArtifact.append(0) }
    let stated = artifact >= 0 ? perArtifact[artifact] : 0
    if stated >= limit {
      guard droppedFacts.insert(artifact).inserted else { return }
      facts.append(
        Fact(
          artifact: artifact, range: range, place: place,
          payload: .anomaly(
            AnomalyFact(subject: "limit.facts", field: "facts", detail: "more than \(limit) facts", incomplete: true))))
      return
    }
    if artifact >= 0 { perArtifact[artifact] = stated + 1 }
    if let key { seen[key] = facts.count }
    facts.append(Fact(artifact: artifact, range: range, place: place, payload: payload, count: count))
  }

  /// States a failure of a reader as an anomaly `<format>.<reason>`; a limit as `limit.<field>`.
  public mutating func emit(_ failure: ParseFailure, format: String, artifact: Int, size: Int) {
    let subject =
      failure.reason == .limitExceeded ? "limit.\(failure.fieldName)" : "\(format).\(failure.reason.rawValue)"
    let start = min(max(0, failure.offset), size)
    emit(
      .anomaly(
        AnomalyFact(
          subject: subject, field: failure.fieldName, detail: "\(failure.fieldName) at byte \(start)",
          incomplete: true)),
      artifact: artifact, range: ByteRange(start, min(start + 1, size)), place: .whole)
  }

  /// Adds a row to the table and queues its bytes for reading.
  @discardableResult
  public mutating func addChild(
    _ artifact: Artifact, source: ByteSource, format: String? = nil, compression: Codec? = nil
  ) -> Int {
    let index = artifacts.append(artifact)
    children.append(ChildArtifact(index: index, source: source, format: format, compression: compression))
    return index
  }

  /// Changes facts in place, when all of an artifact are there and more is known of them. They coalesce no further.
  public mutating func revise(_ change: (inout Fact) -> Void) {
    for index in facts.indices { change(&facts[index]) }
  }

  /// Moves the facts after `mark` into byte order; parsers that state facts out of order call it at their end.
  public mutating func sortFacts(after mark: Int) {
    guard mark < facts.count else { return }
    let order = (mark..<facts.count).sorted {
      (facts[$0].range.start, $0) < (facts[$1].range.start, $1)
    }
    // Most parsers state nearly everything in order.
    guard !order.elementsEqual(mark..<facts.count) else { return }
    var moved = [Int](repeating: 0, count: order.count)
    for (new, old) in order.enumerated() { moved[old - mark] = new + mark }
    facts.replaceSubrange(mark..., with: order.map { facts[$0] })
    seen = seen.mapValues { $0 < mark ? $0 : moved[$0 - mark] }
  }
}
