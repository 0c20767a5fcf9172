import MScanFacts

/// The number of a dotted name in ``DottedPaths``.
struct DottedPath: Hashable, Sendable {
  let number: UInt32
}

/// The dotted names that a module's expressions come to, each once, by number: a name is its last word and the name in
/// front of it. To make `a.b` of `a`, to compare two, or to ask again whether rules want one, takes no memory.
struct DottedPaths {
  /// What a name's text begins or ends with.
  struct Form: OptionSet {
    let rawValue: UInt8
    /// `builtins.…`.
    static let builtin = Form(rawValue: 1)
    /// `(…`: what a call gave, or something of it.
    static let result = Form(rawValue: 2)
    /// `?…`: nothing is known of it.
    static let unknown = Form(rawValue: 4)
    /// `.…`: of the module's own package.
    static let relative = Form(rawValue: 8)
    /// A module that others hand on is among its inner words: `torch.os.system`.
    static let passes = Form(rawValue: 16)
    /// `…)`.
    static let closed = Form(rawValue: 32)
    /// Its first word is that of a function the resolver knows.
    static let familiar = Form(rawValue: 64)
  }

  /// What a call of a name gives: not looked up, told by the arguments, nothing, or an object by its own name.
  enum Given: Equatable { case unasked, dependent, nothing, object(DottedPath) }

  private struct Entry {
    /// The name in front of the last dot; none for a single word.
    var parent: UInt32
    var word: UInt32
    /// Bytes of the whole.
    var length: Int
    var form: Form
    /// How far rules name it and what is below it; nil while nobody asked.
    var interest: CallInterest.Reach?
    /// What a call of it gives.
    var given = Given.unasked
    /// Place in ``KnownFunction/allCases``, 254 for none of them, 255 while it was not looked up.
    var known: UInt8 = 255
    var text = ""
    /// The name as the only value of an expression.
    var single: [PythonValue] = []
  }

  private static let none = UInt32.max
  /// In place of a word, for what a call of the name in front of it gives.
  private static let given = UInt32.max - 2
  private static let dot = UInt8(ascii: ".")
  private static let dots: [UInt8] = [dot]
  /// Texts that are taken apart. Bytes; 1,000: names that are longer are of no module.
  private static let textLimit = 1000

  private var entries: [Entry] = []
  private var children = NumberTable(capacity: 256)
  /// The module's names are the first words, by their numbers; then come those that only its texts have.
  private let names: PythonNames
  private var moreWords: [String] = []
  /// By their bytes: to Swift, texts are the same when they only look it.
  private var moreNumbers: [[UInt8]: UInt32] = [:]

  /// Modules of the standard library that other modules import, and that are reached through those: `torch.os.system`.
  private static let commonModules: Set<String> = [
    "os", "sys", "subprocess", "builtins", "importlib", "socket", "shutil", "ctypes", "pickle", "posix", "pty", "runpy",
    "code", "urllib", "http", "threading", "multiprocessing", "tempfile", "types", "marshal", "webbrowser",
  ]
  /// For each word, the word of the common module that it stands for (`random._os` is `os` as well); none for no such,
  /// ``unasked`` while nobody asked.
  private var commonModule: [UInt32]
  private static let unasked = UInt32.max - 1

  /// The word `builtins`, and those of the module's names that are first words of functions the resolver knows.
  private var builtinsWord: UInt32
  private let familiar: [UInt32]

  init(_ names: PythonNames) {
    self.names = names
    commonModule = [UInt32](repeating: Self.unasked, count: names.count)
    familiar = KnownFunction.roots.compactMap { names.number(of: $0) }
    builtinsWord = Self.none
    builtinsWord = word("builtins")
  }

  // MARK: - Words

  private func text(ofWord word: UInt32) -> String {
    // Told as ``text(_:)`` does it; alone, it is but the end of a name.
    if word == Self.given { return ")" }
    if Int(word) < names.count { return names.text(word) }
    let place = Int(word) - names.count
    // What a broken statement left without a name.
    return moreWords.indices.contains(place) ? moreWords[place] : "?"
  }

  private mutating func word(_ text: String) -> UInt32 {
    names.number(of: text) ?? otherWord(Array(text.utf8))
  }

  private mutating func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    names.number(of: bytes.span) ?? otherWord(Array(bytes))
  }

  /// A word that is no name of the module.
  private mutating func otherWord(_ bytes: [UInt8]) -> UInt32 {
    if let known = moreNumbers[bytes] { return known }
    let number = UInt32(truncatingIfNeeded: names.count + moreWords.count)
    moreWords.append(String(decoding: bytes, as: UTF8.self))
    moreNumbers[bytes] = number
    commonModule.append(Self.unasked)
    return number
  }

  private mutating func commonModule(of word: UInt32) -> UInt32 {
    guard commonModule.indices.contains(Int(word)) else { return Self.none }
    let known = commonModule[Int(word)]
    if known != Self.unasked { return known }
    let plain = String(text(ofWord: word).drop { $0 == "_" })
    let found = Self.commonModules.contains(plain) ? self.word(plain) : Self.none
    commonModule[Int(word)] = found
    return found
  }

  // MARK: - Making names

  private mutating func child(_ parent: UInt32, _ word: UInt32) -> UInt32 {
    let number = UInt32(truncatingIfNeeded: entries.count)
    let found = children.insert(number, for: NumberTable.key(parent, word))
    guard found == number else { return found }
    entries.append(entry(parent, word))
    return number
  }

  private mutating func entry(_ parent: UInt32, _ word: UInt32) -> Entry {
    if word == Self.given {
      return Entry(
        parent: parent, word: word, length: entries[Int(parent)].length + 2, form: [.result, .closed])
    }
    let (first, last, count) = ends(ofWord: word)
    var entry = Entry(parent: parent, word: word, length: count, form: [])
    if parent == Self.none {
      switch first {
      case nil: entry.form = .relative
      case UInt8(ascii: "("): entry.form = .result
      case UInt8(ascii: "?"): entry.form = .unknown
      default:
        let isOwn = Int(word) < names.count
        if isOwn ? familiar.contains(word) : KnownFunction.roots.contains(text(ofWord: word)) {
          entry.form.insert(.familiar)
        }
      }
    } else {
      let before = entries[Int(parent)]
      entry.length += before.length + 1
      entry.form = before.form.subtracting(.closed)
      if before.parent == Self.none, before.word == builtinsWord { entry.form.insert(.builtin) }
      let isPlain = entry.form.isDisjoint(with: [.result, .relative])
      if isPlain, before.parent != Self.none, commonModule(of: before.word) != Self.none {
        entry.form.insert(.passes)
      }
    }
    if last == UInt8(ascii: ")") { entry.form.insert(.closed) }
    return entry
  }

  /// The first and the last byte of a word, and how many it has.
  private func ends(ofWord word: UInt32) -> (first: UInt8?, last: UInt8?, count: Int) {
    if Int(word) < names.count {
      let bytes = names.bytes(of: word)
      return (bytes.first, bytes.last, bytes.count)
    }
    let text = text(ofWord: word).utf8
    return (text.first, text.last, text.count)
  }

  /// `module.name`, as an import says it behind `level` dots.
  mutating func path(level: Int, _ module: UInt32?, _ name: UInt32) -> DottedPath {
    var at = Self.none
    for _ in 0..<level { at = child(at, word("")) }
    if let module { at = append(module, to: at) }
    return DottedPath(number: append(name, to: at))
  }

  /// Hangs on a name of the module that may have dots in it, as imports write them.
  private mutating func append(_ name: UInt32, to parent: UInt32) -> UInt32 {
    let bytes = names.bytes(of: name)
    if !bytes.contains(Self.dot) || bytes.count > Self.textLimit { return child(parent, name) }
    return append(bytes, to: parent)
  }

  /// Word by word.
  private mutating func append(_ bytes: ArraySlice<UInt8>, to parent: UInt32) -> UInt32 {
    var at = parent
    var start = bytes.startIndex
    while let end = bytes[start...].firstIndex(of: Self.dot) {
      at = child(at, word(bytes[start..<end]))
      start = end + 1
    }
    return child(at, word(bytes[start...]))
  }

  /// The name that a text says.
  mutating func path(_ text: String) -> DottedPath { append(text, to: Self.none) }

  private mutating func append(_ text: String, to parent: UInt32) -> DottedPath {
    // A computed text may be long; then it is no name, and one word.
    if !text.utf8.contains(Self.dot) || text.utf8.count > Self.textLimit {
      return DottedPath(number: child(parent, word(text)))
    }
    return DottedPath(number: append(Array(text.utf8)[...], to: parent))
  }

  /// `path.name`.
  mutating func member(_ name: String, of path: DottedPath) -> DottedPath { append(name, to: path.number) }

  /// `path.name` for a name of the module, which is without dots.
  mutating func member(_ name: UInt32, of path: DottedPath) -> DottedPath {
    DottedPath(number: child(path.number, name))
  }

  /// A single name of the module.
  mutating func path(_ name: UInt32) -> DottedPath { DottedPath(number: child(Self.none, name)) }

  /// `path.base.name.name`, without `path` where that is nil, and with `?` for a base that is.
  mutating func member(_ base: UInt32?, of path: DottedPath?, then names: [UInt32]) -> DottedPath {
    var at = child(path?.number ?? Self.none, base ?? word("?"))
    for name in names { at = child(at, name) }
    return DottedPath(number: at)
  }

  /// The last word of one name as a member of another.
  mutating func lastMember(of path: DottedPath, on object: DottedPath) -> DottedPath {
    DottedPath(number: child(object.number, entries[Int(path.number)].word))
  }

  // MARK: - What a name says

  func form(_ path: DottedPath) -> Form { entries[Int(path.number)].form }

  /// Bytes of the whole.
  func length(_ path: DottedPath) -> Int { entries[Int(path.number)].length }

  /// The last word.
  func last(_ path: DottedPath) -> String { text(ofWord: entries[Int(path.number)].word) }

  /// The name in front of the last dot.
  func parent(_ path: DottedPath) -> DottedPath? {
    let parent = entries[Int(path.number)].parent
    return parent == Self.none ? nil : DottedPath(number: parent)
  }

  func isSingleWord(_ path: DottedPath) -> Bool { entries[Int(path.number)].parent == Self.none }

  mutating func text(_ path: DottedPath) -> String {
    let entry = entries[Int(path.number)]
    if entry.parent == Self.none { return text(ofWord: entry.word) }
    if !entry.text.isEmpty { return entry.text }
    let text = compose(entry)
    entries[Int(path.number)].text = text
    return text
  }

  private mutating func compose(_ entry: Entry) -> String {
    if entry.word == Self.given { return "(" + text(DottedPath(number: entry.parent)) + ")" }
    var parts = [text(ofWord: entry.word)]
    var at = entry.parent
    while at != Self.none {
      if entries[Int(at)].word == Self.given {
        parts.append(text(DottedPath(number: at)))
        break
      }
      parts.append(text(ofWord: entries[Int(at)].word))
      at = entries[Int(at)].parent
    }
    return parts.reversed().joined(separator: ".")
  }

  /// The name as the only value of an expression.
  mutating func single(_ path: DottedPath) -> [PythonValue] {
    let at = Int(path.number)
    if entries[at].single.isEmpty { entries[at].single = [.path(path)] }
    return entries[at].single
  }

  /// `(path)`: what a call of it gives. One level deep, so that its text is made in two steps.
  mutating func result(of path: DottedPath) -> DottedPath {
    DottedPath(number: child(path.number, Self.given))
  }

  mutating func knownFunction(_ path: DottedPath) -> KnownFunction? {
    let at = Int(path.number)
    guard entries[at].form.contains(.familiar) else { return nil }
    if entries[at].known == 255 {
      entries[at].known = KnownFunction.number(ofPath: text(path)) ?? 254
    }
    return KnownFunction.at(entries[at].known)
  }

  func given(by path: DottedPath) -> Given { entries[Int(path.number)].given }

  mutating func note(_ given: Given, givenBy path: DottedPath) { entries[Int(path.number)].given = given }

  /// Whether rules want to hear of the name in a construct.
  mutating func isWanted(_ path: DottedPath, by calls: CallInterest, in construct: CallableFact.SourceConstruct) -> Bool
  {
    reach(path, calls).constructs & construct.bit != 0
  }

  /// Words are looked up one by one, each from where the name in front of it ended.
  private mutating func reach(_ path: DottedPath, _ calls: CallInterest) -> CallInterest.Reach {
    if let known = entries[Int(path.number)].interest { return known }
    var open: [UInt32] = []
    var at = path.number
    var reach = CallInterest.Reach()
    while at != Self.none {
      if let known = entries[Int(at)].interest {
        reach = known
        break
      }
      open.append(at)
      // What a call gave starts anew, in parentheses.
      at = entries[Int(at)].word == Self.given ? Self.none : entries[Int(at)].parent
    }
    while let next = open.popLast() {
      let (word, parent) = (entries[Int(next)].word, entries[Int(next)].parent)
      if word == Self.given {
        reach = calls.reach(of: text(DottedPath(number: next)).utf8.span)
      } else {
        if parent != Self.none { reach = calls.reach(of: Self.dots.span, from: reach) }
        reach = self.reach(ofWord: word, from: reach, calls)
      }
      entries[Int(next)].interest = reach
    }
    return reach
  }

  private func reach(
    ofWord word: UInt32, from reach: CallInterest.Reach, _ calls: CallInterest
  ) -> CallInterest.Reach {
    if Int(word) < names.count { return calls.reach(of: names.bytes(of: word).span, from: reach) }
    return calls.reach(of: text(ofWord: word).utf8.span, from: reach)
  }

  // MARK: - Other names of the same thing

  /// `os.system` for `torch.os.system`, from the left.
  mutating func throughModules(_ path: DottedPath) -> [DottedPath] {
    guard form(path).contains(.passes) else { return [] }
    // Words from the last to the first.
    var rest: [UInt32] = []
    var at = path.number
    var found: [DottedPath] = []
    while at != Self.none {
      let entry = entries[Int(at)]
      let module = rest.isEmpty || entry.parent == Self.none ? Self.none : commonModule(of: entry.word)
      if module != Self.none {
        var name = child(Self.none, module)
        for word in rest.reversed() { name = child(name, word) }
        found.append(DottedPath(number: name))
      }
      rest.append(entry.word)
      at = entry.parent
    }
    return found.reversed()
  }
}
