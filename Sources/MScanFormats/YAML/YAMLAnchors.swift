import MScanBytes
import MScanFacts

/// A key path in both spellings: joined with dots, and as a JSON pointer.
struct YAMLPath: Sendable, Hashable {
  var dotted = ""
  var pointer = ""

  /// - Parameter silently: leave the step out of the dotted path.
  func appending(_ step: String, silently: Bool = false) -> YAMLPath {
    YAMLPath(
      dotted: silently ? dotted : dotted.isEmpty ? step : dotted + "." + step,
      pointer: pointer + "/" + JSONWalk.pointerStep(step))
  }

  func appending(_ rest: YAMLPath) -> YAMLPath {
    let joint = dotted.isEmpty || rest.dotted.isEmpty ? "" : "."
    return YAMLPath(dotted: dotted + joint + rest.dotted, pointer: pointer + rest.pointer)
  }

  /// What remains of the path behind one that it starts with.
  func behind(_ head: YAMLPath) -> YAMLPath {
    let rest = dotted.utf8.dropFirst(head.dotted.utf8.count)
    let step = rest.first == 0x2e && !head.dotted.isEmpty ? rest.dropFirst() : rest
    return YAMLPath(
      dotted: String(Substring(step)), pointer: String(Substring(pointer.utf8.dropFirst(head.pointer.utf8.count))))
  }
}

/// The anchors of a text and what aliases to them stand for, counted and never built.
struct YAMLAnchors {
  struct Anchor {
    var path: YAMLPath
    /// Nodes below it, aliases followed; saturates.
    var nodes: Int
    /// What it is when it is no container.
    var scalar: ValueFact.Scalar?
    var isOpen = false
    /// Its scalars among those recorded.
    var recorded: Range<Int>
    /// Whether some of its scalars were not recorded.
    var isCut = false
  }

  struct Recorded {
    var path: YAMLPath
    var value: ValueFact.Scalar
  }

  private var byName: [String: Int] = [:]
  private var all: [Anchor] = []
  private var entries: [Recorded] = []
  private var isFull = false
  private var openCount = 0
  private var restatementsLeft: Int
  private let recordLimit: Int
  private let limit: Int
  private var hasTold = false
  /// The most nodes that one anchor stands for.
  private(set) var mostNodes = 0

  init(limits: Limits) {
    limit = limits.yamlAnchors
    recordLimit = limits.yamlAliasValues
    restatementsLeft = limits.yamlAliasValues
  }

  /// Whether a container with an anchor is open.
  var isRecording: Bool { openCount > 0 }

  /// A container with an anchor starts. A later anchor of the same name stands for the later node.
  mutating func open(_ name: String, path: YAMLPath, at offset: Int) throws(ParseFailure) -> Int {
    let index = try append(
      name, Anchor(path: path, nodes: 1, isOpen: true, recorded: entries.count..<entries.count), at: offset)
    openCount += 1
    return index
  }

  mutating func close(_ index: Int, nodes: Int) {
    openCount -= 1
    guard all.indices.contains(index) else { return }
    all[index].isOpen = false
    all[index].nodes = nodes
    all[index].recorded = all[index].recorded.lowerBound..<entries.count
    all[index].isCut = isFull
    mostNodes = max(mostNodes, nodes)
  }

  mutating func add(_ name: String, _ scalar: ValueFact.Scalar, at offset: Int) throws(ParseFailure) {
    _ = try append(name, Anchor(path: YAMLPath(), nodes: 1, scalar: scalar, recorded: 0..<0), at: offset)
  }

  private mutating func append(_ name: String, _ anchor: Anchor, at offset: Int) throws(ParseFailure) -> Int {
    guard all.count < limit else { throw ParseFailure(.limitExceeded, "yamlAnchors", at: offset) }
    byName[name] = all.count
    all.append(anchor)
    return all.count - 1
  }

  /// What an alias stands for; nil when there is no such anchor yet.
  func target(of name: String) -> Anchor? {
    guard let index = byName[name] else { return nil }
    var anchor = all[index]
    if anchor.isOpen { anchor.nodes = .max }
    return anchor
  }

  mutating func record(_ path: YAMLPath, _ value: ValueFact.Scalar) {
    guard entries.count < recordLimit else {
      isFull = true
      return
    }
    entries.append(Recorded(path: path, value: value))
  }

  /// A recorded scalar to state once more; nil when enough was.
  mutating func takeRecorded(_ index: Int) -> Recorded? {
    guard restatementsLeft > 0, entries.indices.contains(index) else { return nil }
    restatementsLeft -= 1
    return entries[index]
  }

  func ranOut(of anchor: Anchor) -> Bool { anchor.isCut || restatementsLeft <= 0 && !anchor.recorded.isEmpty }

  /// Whether this is the first time to say so.
  mutating func tell() -> Bool {
    defer { hasTold = true }
    return !hasTold
  }
}
