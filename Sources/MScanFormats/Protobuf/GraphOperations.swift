import MScanBytes
import MScanFacts

/// The operators of a graph, each told once with the place of the first and a count: a graph of a million nodes takes
/// the memory of its operators.
struct GraphOperations {
  private struct Entry {
    var fact: OperationFact
    var range: ByteRange
    var place: Place
    var count = 1
  }

  private let input: ArtifactInput
  private var entries: [Entry] = []
  private var places: [OperationFact: Int] = [:]
  /// Functions that the file defines, by domain and name.
  private var defined: Set<String> = []
  /// The first that ``Limits/operators`` left out.
  private var left: ByteRange?

  init(_ input: ArtifactInput) { self.input = input }

  mutating func add(_ fact: OperationFact, _ range: ByteRange, node: String) {
    if let place = places[fact] {
      entries[place].count &+= 1
    } else if entries.count < input.limits.operators {
      places[fact] = entries.count
      entries.append(Entry(fact: fact, range: range, place: .node(node)))
    } else if left == nil {
      left = range
    }
  }

  /// A function of the file. Nodes that call it are told as such, wherever it is defined.
  mutating func define(_ name: String, domain: String = "") {
    if defined.count < input.limits.operators { defined.insert(domain + "." + name) }
  }

  func finish(into sink: inout FactBuffer) {
    for entry in entries {
      var fact = entry.fact
      fact.isLocal = defined.contains(fact.domain + "." + fact.name)
      sink.emit(
        .operation(fact), artifact: input.index, range: entry.range, place: entry.place, count: entry.count)
    }
    guard let left else { return }
    sink.emit(
      .anomaly(
        AnomalyFact(
          subject: "limit.operators", field: "operators",
          detail: "more than \(input.limits.operators) different operators", incomplete: true)),
      artifact: input.index, range: left, place: .whole)
  }
}

/// Bounded arguments of a node: `name=value`.
struct GraphArguments {
  private(set) var texts: [String] = []
  private var length = 0

  /// Adds one, as far as there is room.
  mutating func add(_ name: String, _ value: String, _ limits: Limits) {
    let room = limits.argumentCharacters &- length
    guard room > 0 else { return }
    let text = String((name + "=" + value).unicodeScalars.prefix(room))
    texts.append(text)
    length &+= text.unicodeScalars.count
  }
}
