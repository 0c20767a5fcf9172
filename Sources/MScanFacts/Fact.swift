public import MScanBytes

/// The kinds of fact. The list is closed: a new kind needs a rule that uses it.
public enum FactKind: String, Sendable, CaseIterable, Hashable {
  case artifact, member, callable, value, operation, tensor, template, reference, text, provenance, lineage, anomaly,
    token
}

/// Where in an artifact, in the format's own words.
public enum Place: Sendable, Hashable {
  /// The whole artifact.
  case whole
  /// The n-th opcode of a pickle, counted from 0.
  case opcode(Int)
  /// A JSON pointer.
  case path(String)
  case tensor(String)
  /// A member of a container.
  case member(String)
  /// A node of a graph, by its own name or by its place: `conv1`, `operator 3`.
  case node(String)
  /// Line from 1, column from 1 in Unicode scalars; `path` is the JSON pointer, if there is one.
  case line(Int, column: Int, path: String?)
  /// Of Python source: line from 1, column from 0 in UTF-8 bytes, as CPython's `ast` counts them.
  case source(line: Int, column: Int)

  public var description: String {
    switch self {
    case .whole: "file"
    case .opcode(let index): "opcode \(index)"
    case .path(let pointer): pointer
    case .tensor(let name): "tensor \(name)"
    case .member(let name): "member \(name)"
    case .node(let name): "node \(name)"
    case .line(let line, let column, let path): path ?? "\(line):\(column)"
    case .source(let line, let column): "\(line):\(column)"
    }
  }

  /// Line and column, if the place has them.
  public var lineAndColumn: (line: Int, column: Int)? {
    if case .line(let line, let column, _) = self { return (line, column) }
    return nil
  }
}

/// What an attribute of a fact holds.
public enum AttributeValue: Sendable, Hashable {
  case text(String)
  case integer(Int)
  case boolean(Bool)
  case list([String])
}

/// One thing the bytes of one artifact say. Never an opinion.
public struct Fact: Sendable, Hashable {
  public enum Payload: Sendable, Hashable {
    case artifact(ArtifactFact)
    case member(MemberFact)
    case callable(CallableFact)
    case value(ValueFact)
    case operation(OperationFact)
    case reference(ReferenceFact)
    case tensor(TensorFact)
    case token(TokenFact)
    case provenance(ProvenanceFact)
    case lineage(LineageFact)
    case template(TemplateFact)
    case anomaly(AnomalyFact)
    case text(TextFact)
  }

  /// Row in the artifact table.
  public var artifact: Int
  /// Decoded bytes of that artifact.
  public var range: ByteRange
  public var place: Place
  public var payload: Payload
  /// How many identical facts this one stands for.
  public var count: Int

  public init(artifact: Int, range: ByteRange, place: Place, payload: Payload, count: Int = 1) {
    self.artifact = artifact
    self.range = range
    self.place = place
    self.payload = payload
    self.count = count
  }

  public var kind: FactKind {
    switch payload {
    case .artifact: .artifact
    case .member: .member
    case .callable: .callable
    case .value: .value
    case .operation: .operation
    case .reference: .reference
    case .tensor: .tensor
    case .token: .token
    case .provenance: .provenance
    case .lineage: .lineage
    case .template: .template
    case .anomaly: .anomaly
    case .text: .text
    }
  }

  /// What rules key on. The first is the fact's own name; a rule that *allows* is held against that one alone.
  public var subjects: [String] {
    switch payload {
    case .artifact(let fact): [fact.format]
    case .member(let fact): [fact.name]
    case .callable(let fact): fact.subjects
    case .value(let fact): fact.subjects
    case .operation(let fact): fact.subjects
    case .reference(let fact): fact.subjects
    case .tensor(let fact): [fact.name]
    case .token(let fact): ["token." + fact.role]
    case .provenance(let fact): fact.subjects
    case .lineage(let fact): [fact.subject]
    case .template(let fact): fact.subjects
    case .anomaly(let fact): [fact.subject]
    case .text(let fact): [fact.keyword]
    }
  }

  /// A named attribute of the payload, nil when this fact has none of that name.
  public func attribute(named name: String) -> AttributeValue? {
    switch payload {
    case .artifact(let fact): fact.attribute(named: name)
    case .member(let fact): fact.attribute(named: name)
    case .callable(let fact): fact.attribute(named: name)
    case .value(let fact): fact.attribute(named: name)
    case .operation(let fact): fact.attribute(named: name)
    case .reference(let fact): fact.attribute(named: name)
    case .tensor(let fact): fact.attribute(named: name)
    case .token(let fact): fact.attribute(named: name)
    case .provenance(let fact): fact.attribute(named: name)
    case .lineage(let fact): fact.attribute(named: name)
    case .template(let fact): fact.attribute(named: name)
    case .anomaly(let fact): fact.attribute(named: name)
    case .text(let fact): fact.attribute(named: name)
    }
  }
}
