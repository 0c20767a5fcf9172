public import MScanBytes
public import MScanFacts
import Synchronization

/// Facts as JSON Lines, one object a fact, file by file in path order.
public struct FactLines: Sendable {
  /// Bytes handed on at a time.
  private static let chunk = 1 << 16

  public var limits: Limits
  public var jobs: Int
  public var skip: Set<FileIdentity>
  /// Keywords that are looked for in texts: those of a rule set.
  public var texts: TextInterest

  public init(
    limits: Limits = .standard, jobs: Int = RunningProcess.cores, skip: Set<FileIdentity> = [],
    texts: TextInterest = .none
  ) {
    self.limits = limits
    self.jobs = max(1, jobs)
    self.skip = skip
    self.texts = texts
  }

  /// Reads the targets and hands their lines to `write`, never from two threads at once.
  ///
  /// - Parameter write: takes whole lines; returns false to stop.
  /// - Returns: whether everything was read.
  public func run(_ targets: [Target], write: @escaping @Sendable ([UInt8]) -> Bool) -> Bool {
    let output = OrderedOutput(write: write)
    let walker = Walker(limits: limits, interest: .all, texts: texts, skip: skip)
    Workers.run(targets.count, threads: jobs) { index in
      defer { output.finish(index) }
      guard let scan = walker.read(targets[index]) else { return true }
      let lines = FactRenderer(table: scan.buffer.artifacts)
      var bytes: [UInt8] = []
      for fact in scan.buffer.facts {
        if case .anomaly(let anomaly) = fact.payload, anomaly.incomplete { output.noteIncomplete() }
        lines.render(fact, into: &bytes)
        if bytes.count >= Self.chunk {
          guard output.emit(bytes, of: index) else { return false }
          bytes.removeAll(keepingCapacity: true)
        }
      }
      return output.emit(bytes, of: index)
    }
    return output.isComplete
  }
}

/// Passes on what threads produce in the order of their numbers. What comes early waits in memory, up to a bound;
/// beyond it the thread waits, never the one whose turn it is.
final class OrderedOutput: Sendable {
  /// Bytes that may wait; 16 MiB.
  private static let window = 16 << 20

  private struct State {
    var turn = 0
    var waiting: [Int: [UInt8]] = [:]
    var waitingBytes = 0
    var finished: Set<Int> = []
    var isOpen = true
    var isComplete = true
  }

  private let state = Mutex(State())
  private let write: @Sendable ([UInt8]) -> Bool

  init(write: @escaping @Sendable ([UInt8]) -> Bool) { self.write = write }

  var isComplete: Bool { state.withLock { $0.isComplete } }

  func noteIncomplete() { state.withLock { $0.isComplete = false } }

  /// - Returns: false when nothing more is wanted.
  func emit(_ bytes: [UInt8], of number: Int) -> Bool {
    while true {
      let taken: Bool? = state.withLock { state in
        guard state.isOpen else { return false }
        if state.turn == number {
          if !bytes.isEmpty { state.isOpen = write(bytes) }
          return state.isOpen
        }
        guard state.waitingBytes + bytes.count <= Self.window else { return nil }
        state.waiting[number, default: []].append(contentsOf: bytes)
        state.waitingBytes += bytes.count
        return true
      }
      if let taken { return taken }
      RunningProcess.pause()
    }
  }

  func finish(_ number: Int) {
    state.withLock { state in
      state.finished.insert(number)
      while state.finished.remove(state.turn) != nil {
        state.turn += 1
        guard let bytes = state.waiting.removeValue(forKey: state.turn) else { continue }
        state.waitingBytes -= bytes.count
        if state.isOpen, !bytes.isEmpty { state.isOpen = write(bytes) }
      }
    }
  }
}

/// One fact as a line of JSON.
struct FactRenderer {
  let table: ArtifactTable

  func render(_ fact: Fact, into line: inout [UInt8]) {
    var object = JSONObject()
    object.add("kind", fact.kind.rawValue)
    object.add("subject", fact.subjects.first ?? "")
    object.add("file", table.file(of: fact.artifact))
    object.add("chain", table.chain(of: fact.artifact))
    object.add("start", fact.range.start)
    object.add("end", fact.range.end)
    object.add("place", fact.place.description)
    if let position = fact.place.lineAndColumn {
      object.add("line", position.line)
      object.add("column", position.column)
    }
    if fact.count > 1 { object.add("count", fact.count) }
    switch fact.payload {
    case .artifact(let payload):
      object.add("format", payload.format)
      object.add("claimed", payload.claimed)
      object.add("size", payload.size)
      object.add("also", payload.also)
    case .member(let payload):
      object.add("name", payload.name)
      object.add("method", payload.method)
      object.add("compressedSize", payload.compressedSize)
      object.add("size", payload.size)
      object.add("flags", payload.flags.map(\.rawValue))
    case .callable(let payload):
      object.add("module", payload.module)
      object.add("name", payload.name)
      object.add("stage", payload.stage.rawValue)
      object.add("via", payload.via)
      object.add("arguments", payload.arguments)
      object.add("when", payload.when)
      if !payload.function.isEmpty { object.add("function", payload.function) }
      if !payload.receives.isEmpty { object.add("receives", payload.receives) }
      if !payload.asked.isEmpty { object.add("asked", payload.asked) }
      if !payload.constants.isEmpty { object.add("constants", payload.constants) }
    case .text(let payload):
      object.add("text", payload.text)
      object.add("callee", payload.callee)
      object.add("when", payload.when)
    case .value(let payload): add(payload, to: &object)
    case .operation(let payload):
      object.add("framework", payload.framework)
      object.add("name", payload.name)
      object.add("domain", payload.domain)
      object.add("node", payload.node)
      object.add("scope", payload.scope)
      object.add("arguments", payload.arguments)
      if payload.isLocal { object.add("local", true) }
    case .reference(let payload):
      object.add("field", payload.field)
      object.add("type", payload.type.rawValue)
      object.add("target", payload.target)
      object.add("revision", payload.revision)
    case .tensor(let payload):
      object.add("name", payload.name)
      object.add("dtype", payload.dtype)
      object.add("shape", payload.shape)
      object.add("byteStart", payload.bytes.start)
      object.add("byteEnd", payload.bytes.end)
      if !payload.storage.isEmpty { object.add("storage", payload.storage) }
      if let strides = payload.strides { object.add("strides", strides) }
    case .token(let payload):
      object.add("role", payload.role)
      object.add("text", payload.text)
      object.add("with", payload.with)
      if let id = payload.id { object.add("id", id) }
      object.add("scope", payload.scope)
      object.add("shape", TextShape(payload.literal).kind.rawValue)
    case .provenance(let payload):
      object.add("record", payload.record)
      object.add("status", payload.status.rawValue)
      object.add("path", payload.path)
      object.add("detail", payload.detail)
    case .lineage(let payload):
      object.add("child", payload.child)
      object.add("parent", payload.parent)
      object.add("operation", payload.operation)
      object.add("declared", payload.declared)
      object.add("claimed", payload.claimed)
      object.add("source", payload.source)
      object.add("confidence", payload.confidence)
      object.add("evidence", payload.evidence)
    case .template(let payload): add(payload, to: &object)
    case .anomaly(let payload):
      object.add("field", payload.field)
      object.add("offset", fact.range.start)
      object.add("detail", payload.detail)
      object.add("incomplete", payload.incomplete)
    }
    object.finish(into: &line)
  }

  private func add(_ payload: TemplateFact, to object: inout JSONObject) {
    object.add("names", payload.names)
    if !payload.via.isEmpty { object.add("via", payload.via) }
    if !payload.expression.isEmpty { object.add("expression", payload.expression) }
    if !payload.value.isEmpty { object.add("value", payload.value) }
    if !payload.injects.isEmpty { object.add("injects", payload.injects) }
    if payload.words > 0 { object.add("words", payload.words) }
    if let number = payload.number { object.add("number", number) }
    if !payload.flags.isEmpty { object.add("flags", payload.flags) }
  }

  private func add(_ payload: ValueFact, to object: inout JSONObject) {
    object.add("path", payload.keyPath)
    switch payload.value {
    case .text(let text):
      object.add("value", text)
      object.add("type", "string")
    case .number(let digits):
      object.add("value", number: digits)
      object.add("type", "number")
    case .boolean(let flag):
      object.add("value", flag)
      object.add("type", "boolean")
    case .null:
      object.addNull("value")
      object.add("type", "null")
    case .object(let count):
      object.addNull("value")
      object.add("type", "object")
      object.add("items", count)
    case .array(let count):
      object.addNull("value")
      object.add("type", "array")
      object.add("items", count)
    }
  }
}
