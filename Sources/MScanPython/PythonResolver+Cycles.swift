/// What is being worked out, and what of it was asked for again on the way to its own answer.
struct PythonCycles {
  enum Thing: Hashable {
    case node(NodeID)
    /// A name, by its number among those of all scopes.
    case name(UInt32)
    /// An attribute of any object, by its name.
    case attribute(UInt32)
  }

  /// Values in the order in which they came.
  struct Guess {
    var values: [PythonValue] = []
    var known: Set<PythonValue> = []
  }

  /// How many things are being worked out, each on the way to the one before.
  var level = 0
  /// The outermost of them that was asked for again, by its level; `Int.max` for none.
  var reached = Int.max
  /// Answers that rest on something still open, in the order in which they were found.
  private(set) var tentative: [Thing] = []
  /// Stretches of them, and the level of what all of one rest on.
  private var stretches: [(start: Int, level: Int)] = []
  /// The place of each in ``tentative``, from 1, by kind of thing; 0 for what is none of them.
  private var places: (nodes: [UInt32], names: [UInt32], attributes: [UInt32])
  /// What is known so far of something that was asked for again.
  var guesses: [Thing: Guess] = [:]
  /// Values that came to any of the guesses.
  var growth = 0

  init(nodes: Int, names: Int, attributes: Int) {
    places = (
      [UInt32](repeating: 0, count: nodes), [UInt32](repeating: 0, count: names),
      [UInt32](repeating: 0, count: attributes)
    )
  }

  private mutating func put(_ place: Int, of thing: Thing) {
    let place = UInt32(truncatingIfNeeded: place)
    switch thing {
    case .node(let node): places.nodes[Int(node)] = place
    case .name(let number): places.names[Int(number)] = place
    case .attribute(let name): places.attributes[Int(name)] = place
    }
  }

  /// Adds an answer that rests on what is at a level, and with it those that were found on the way.
  mutating func add(_ thing: Thing, from mark: Int, to level: Int) {
    tentative.append(thing)
    put(tentative.count, of: thing)
    lower(from: mark, to: level)
  }

  /// What was found since rests on what is at a level, further out.
  mutating func lower(from mark: Int, to level: Int) {
    guard mark < tentative.count else { return }
    while let last = stretches.last, last.start >= mark { stretches.removeLast() }
    stretches.append((mark, level))
  }

  /// Takes out those that were found since.
  mutating func take(from mark: Int) -> ArraySlice<Thing> {
    guard mark < tentative.count else { return [] }
    while let last = stretches.last, last.start >= mark { stretches.removeLast() }
    let taken = tentative[mark...]
    tentative.removeSubrange(mark...)
    for thing in taken { put(0, of: thing) }
    return taken
  }

  /// A known answer is asked for: whoever asks rests on what it rests on.
  @inline(__always)
  mutating func rest(on thing: Thing) {
    if tentative.isEmpty { return }
    let place =
      switch thing {
      case .node(let node): places.nodes[Int(node)]
      case .name(let number): places.names[Int(number)]
      case .attribute(let name): places.attributes[Int(name)]
      }
    if place == 0 { return }
    let stretch = stretches.last { $0.start < Int(place) }
    reached = min(reached, stretch?.level ?? 0)
  }
}

/// Names and attributes that take their values from one another: `second = first or os.system` and `first = second`, or
/// `x = os` and `x = x.system`.
///
/// What is asked for again on the way to its own answer is what is known of it so far: nothing, at first. When that
/// grew, whatever rests on it is worked out again, until nothing grows.
extension PythonResolver {
  typealias Thing = PythonCycles.Thing

  /// Rounds in which one thing is worked out again. Count; 64.
  private static let roundBound = 64
  /// Values of one guess. Count; 1,024.
  private static let guessBound = 1024
  /// Names that are hung on a value on the way to itself, one on the other: `node = node.parent` goes on for ever.
  /// Count; 1, so that with the last step two names come to a value.
  private static let hangBound = 1
  /// A text that is handed round. Bytes; 200.
  private static let guessedText = 200

  /// Works out a thing that may rest on itself.
  mutating func solve(_ thing: Thing) -> PythonAnswer {
    let (level, outer) = (cycles.level, cycles.reached)
    cycles.level += 1
    defer { cycles.level = level }
    for _ in 0..<Self.roundBound {
      let (mark, growth) = (cycles.tentative.count, cycles.growth)
      cycles.reached = .max
      let found = work(out: thing)
      let low = cycles.reached
      if low > level {
        cycles.reached = outer
        return found
      }
      grow(thing, found)
      if low < level {
        cycles.add(thing, from: mark, to: low)
        cycles.reached = min(outer, low)
        return found
      }
      if cycles.growth == growth {
        settle(from: mark)
        cycles.guesses[thing] = nil
        cycles.reached = outer
        return found
      }
      forgetTentative(from: mark)
    }
    stop(at: "pythonMeaning")
    cycles.reached = outer
    return .nothing
  }

  /// What rests on something that is known now stays as it is.
  private mutating func settle(from mark: Int) {
    for thing in cycles.take(from: mark) { cycles.guesses[thing] = nil }
  }

  /// What rests on something that is not known as well as it was thought is open again.
  mutating func forgetTentative(from mark: Int) {
    for thing in cycles.take(from: mark) { forget(thing) }
  }

  /// What is known so far of something open, which is at that level.
  mutating func guess(_ thing: Thing, at level: Int) -> PythonAnswer {
    cycles.reached = min(cycles.reached, level)
    guard let guess = cycles.guesses[thing] else { return .nothing }
    return answer(guess.values)
  }

  private mutating func grow(_ thing: Thing, _ found: PythonAnswer) {
    if found == .nothing { return }
    var all = cycles.guesses[thing] ?? PythonCycles.Guess()
    let before = all.values.count
    for value in values(found) where isHandedRound(value) && !all.known.contains(value) && !goesOn(value, from: all) {
      guard all.values.count < Self.guessBound else {
        stop(at: "pythonMeaning")
        break
      }
      all.values.append(value)
      all.known.insert(value)
    }
    guard all.values.count > before else { return }
    cycles.guesses[thing] = all
    cycles.growth += all.values.count - before
  }

  /// What may come to something by way of itself. Numbers, bytes and lists would grow without an end.
  private func isHandedRound(_ value: PythonValue) -> Bool {
    switch value {
    case .integer, .bytes, .list, .none, .method: false
    case .text(let text): text.utf8.count <= Self.guessedText
    default: true
    }
  }

  /// Whether a value is another one with more hung on it, and would be again.
  private func goesOn(_ value: PythonValue, from all: PythonCycles.Guess) -> Bool {
    switch value {
    case .path(let path):
      var (at, steps) = (paths.parent(path), 1)
      // Nothing more is known of what hangs on what a call gave.
      let bound = paths.form(path).contains(.result) ? 0 : Self.hangBound
      while let object = at {
        if steps > bound, all.known.contains(.path(object)) { return true }
        (at, steps) = (paths.parent(object), steps + 1)
      }
      return false
    case .text(let text):
      return all.values.contains { other in other.asText.map { $0.isEmpty || text.contains($0) } ?? false }
    default: return false
    }
  }
}
