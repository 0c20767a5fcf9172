import MScanBytes
import MScanFacts

/// Texts that rules look for, and where data comes from that is handed to a call.
extension PythonStatements {
  /// Bytes of a text that are told around a keyword. 160.
  private static let excerptBytes = 160
  /// Texts of one call that are told to rules, and bytes of each. 8; 200.
  private static let constantBound = 8
  private static let constantBytes = 200
  /// Expressions that are looked at to see what flows into one call, and names that are told. Counts; 96 and 48.
  private static let flowBound = 96
  private static let sourceBound = 48

  // MARK: - Texts

  /// Texts and switches that the arguments of a call come to: `0:name` by position, `mode=w` by name, also through
  /// `**` of a dictionary that is written out.
  mutating func constants(of node: NodeID) -> [String] {
    var found: [String] = []
    for (position, argument) in tree.children(of: node).dropFirst().enumerated() {
      guard found.count < Self.constantBound else { break }
      switch tree[argument].kind {
      case .keyword: add(tree[argument].first, tree.names.text(tree[argument].data) + "=", to: &found)
      case .doubleStarred:
        addKept(by: tree[argument].first, to: &found)
        for case .dictionary(let dictionary) in resolver.values(of: tree[argument].first) {
          let parts = Array(tree.children(of: dictionary).prefix(32))
          var at = 0
          while at + 1 < parts.count {
            if tree[parts[at]].kind == .doubleStarred {
              at += 1
              continue
            }
            if let key = resolver.value(of: parts[at])?.asText { add(parts[at + 1], key.prefix(80) + "=", to: &found) }
            at += 2
          }
        }
      default: add(argument, "\(position):", to: &found)
      }
    }
    return found
  }

  /// Switches of `**options`, for `options = dict(mode="w")` and `options["mode"] = "w"`.
  private mutating func addKept(by options: NodeID, to found: inout [String]) {
    var origins = [options]
    if tree[options].kind == .name {
      origins += resolver.origins(of: options)
      for entry in (scopes.itemValues[tree[options].data] ?? []).prefix(32) {
        if let key = resolver.value(of: entry.index)?.asText { add(entry.value, key.prefix(80) + "=", to: &found) }
      }
    }
    for origin in origins where tree[origin].kind == .call {
      for part in tree.children(of: origin).dropFirst().prefix(32) where tree[part].kind == .keyword {
        add(tree[part].first, tree.names.text(tree[part].data).prefix(80) + "=", to: &found)
      }
    }
  }

  private mutating func add(_ node: NodeID, _ prefix: String, to found: inout [String]) {
    guard node != 0 else { return }
    let isSwitch = prefix.hasSuffix("=")
    switch tree[node].kind {
    case .constant:
      found.append(prefix + String(decoding: written(node).prefix(8), as: UTF8.self))
      return
    case .number where isSwitch:
      // Python takes any number for a switch.
      let isZero = written(node).allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".") }
      found.append(prefix + (isZero ? "False" : "True"))
      return
    case .string, .strings, .name, .attribute, .binary: break
    case .call where !isSwitch: break
    case .call, .not, .conditional, .boolean, .comparison, .item:
      if isSwitch { found.append(prefix + "?") }
      return
    default: return
    }
    for value in resolver.values(of: node) where found.count < Self.constantBound {
      switch value {
      case .text(let text) where text.utf8.count <= Self.constantBytes: found.append(prefix + text)
      // A name that stands for `True` or `False` is a number to Python as well.
      case .integer(0) where isSwitch: found.append(prefix + "False")
      case .integer(1) where isSwitch: found.append(prefix + "True")
      default: continue
      }
    }
  }

  private func written(_ node: NodeID) -> ArraySlice<UInt8> {
    tree.bytes[Int(tree[node].start)..<max(Int(tree[node].start), Int(tree[node].end))]
  }

  /// Keywords in what a call is given, whether it stands there or is put together elsewhere.
  mutating func stateTexts(handedOnBy node: NodeID, to callee: DottedPath?, into sink: inout FactBuffer) {
    guard !texts.isEmpty else { return }
    var next = tree.firstArgument(of: node)
    while next != 0 {
      let given = tree.value(ofArgument: next)
      next = tree.next(after: next)
      if given != 0 { state(texts: given, callee: callee, node: node, into: &sink) }
    }
    // `(home / ".netrc").read_text()`: the path is what the method works on.
    let method = tree[tree[node].first]
    guard method.kind == .attribute else { return }
    let object = method.first
    let isPath = tree[object].kind == .binary || tree[object].kind == .call && isPathCall(tree[object].first)
    if isPath { state(texts: object, callee: callee, node: node, into: &sink) }
  }

  private mutating func state(texts given: NodeID, callee: DottedPath?, node: NodeID, into sink: inout FactBuffer) {
    switch tree[given].kind {
    case .string:
      isTold[Int(given)] = true
      if holdsNoKeyword(given) { return }
    case .strings, .binary, .formatString, .name, .attribute, .item, .call: break
    default: return
    }
    var isKnown = false
    let answer = resolver.answer(of: given)
    for value in answer.place == nil ? [] : resolver.values(answer) {
      let bytes: [UInt8]
      switch value {
      case .text(let text): bytes = Array(text.utf8)
      case .bytes(let content): bytes = content
      default: continue
      }
      isKnown = true
      state(bytes, callee: callee, at: given, from: node, into: &sink)
    }
    guard !isKnown, let text = partlyKnown(given) else { return }
    isTold[Int(given)] = true
    state(Array(text.utf8), callee: callee, at: given, from: node, into: &sink)
  }

  /// Keywords in strings that are looked up in something, and in all others but the documentation.
  mutating func stateTexts(into sink: inout FactBuffer) {
    guard !texts.isEmpty else { return }
    for node in textPlaces where tree[node].kind == .expressionStatement {
      let first = tree[node].first
      if first != 0, tree[first].kind == .string { isTold[Int(first)] = true }
    }
    for node in textPlaces where tree[node].kind == .item {
      let parts = tree.childList(of: node)
      guard parts.count == 2 else { continue }
      switch tree[parts[1]].kind {
      case .string, .strings, .name, .binary: break
      default: continue
      }
      guard let object = resolver.values(of: parts[0]).first?.asPath else { continue }
      state(texts: parts[1], callee: object, node: node, into: &sink)
    }
    statePaths(into: &sink)
    for node in strings where !isTold[Int(node)] && !holdsNoKeyword(node) {
      let bytes: [UInt8]
      switch PythonLiteral.value(of: tree[node], in: tree.bytes) {
      case .text(let text): bytes = Array(text.utf8)
      case .bytes(let content): bytes = content
      default: continue
      }
      state(bytes, callee: nil, at: node, from: node, into: &sink)
    }
  }

  /// Whether a string has no keyword in it, for certain: without escapes, what is written is what it is.
  private func holdsNoKeyword(_ string: NodeID) -> Bool {
    let node = tree[string]
    let literal = StringLiteral(flags: UInt8(truncatingIfNeeded: node.data))
    guard literal.isRaw || !literal.hasEscapes, node.start < node.end else { return false }
    return texts.matches(in: tree.bytes[Int(node.start)..<Int(node.end)].span).isEmpty
  }

  // MARK: - Paths that are put together

  /// Keywords in paths and texts of which a part is not known, where no call was given them.
  private mutating func statePaths(into sink: inout FactBuffer) {
    // Sides of a longer path, which is told as a whole.
    var inner: Set<NodeID> = []
    for node in textPlaces.reversed() {
      switch tree[node].kind {
      case .binary:
        inner.insert(tree[node].first)
        if inner.contains(node) { continue }
      case .formatString, .call: break
      default: continue
      }
      guard !isTold[Int(node)], let text = partlyKnown(node) else { continue }
      state(Array(text.utf8), callee: nil, at: node, from: node, into: &sink)
    }
  }

  /// `f"{home}/.ssh/id_rsa"`, `home / ".aws" / "credentials"`, `os.path.join(home, ".netrc")`, with `?` for what is not
  /// known; nil for anything else.
  private mutating func partlyKnown(_ node: NodeID) -> String? {
    switch tree[node].kind {
    case .formatString: return resolver.answer(of: node) == .nothing ? formatted(node) : nil
    case .binary where tree[node].data == UInt32(TokenKind.slash.rawValue):
      var parts: [NodeID] = []
      var at = node
      while tree[at].kind == .binary, tree[at].data == UInt32(TokenKind.slash.rawValue), parts.count < 32 {
        let sides = Array(tree.children(of: at).prefix(2))
        guard sides.count == 2 else { break }
        parts.append(sides[1])
        at = sides[0]
      }
      return parts.isEmpty ? nil : joined((parts + [at]).reversed())
    case .call where isPathCall(tree[node].first):
      let given = Array(tree.children(of: node).dropFirst().prefix(32))
      return given.count > 1 ? joined(given) : nil
    default: return nil
    }
  }

  private mutating func isPathCall(_ callee: NodeID) -> Bool {
    guard pathNames.contains(tree.lastName(of: callee)) else { return false }
    if tree[callee].kind == .attribute, tree.names.text(tree[callee].data) == "joinpath" { return true }
    guard case .path(let path)? = resolver.values(of: callee).first else { return false }
    switch resolver.paths.knownFunction(path) {
    case .pathJoin, .posixPathJoin, .path, .purePath: return true
    default: return false
    }
  }

  /// Texts between slashes; nil when none of them is known, or all are and the text is told where it stands.
  private mutating func joined(_ parts: [NodeID]) -> String? {
    var steps: [String] = []
    var known = 0
    for part in parts {
      let text = resolver.values(of: part).lazy.compactMap(\.asText).first
      if text != nil { known += 1 }
      steps.append(text.map { String($0.prefix(Self.constantBytes)) } ?? "?")
    }
    return known > 0 ? steps.joined(separator: "/") : nil
  }

  private mutating func formatted(_ node: NodeID) -> String? {
    var text = ""
    for part in tree.children(of: node).prefix(64) {
      if tree[part].kind == .text {
        text += PythonLiteral.text(of: tree[part], in: tree.bytes)
      } else {
        text += resolver.value(of: tree[part].first)?.asText ?? "?"
      }
      guard text.utf8.count < 4096 else { break }
    }
    return text
  }

  private mutating func state(
    _ bytes: [UInt8], callee: DottedPath?, at node: NodeID, from code: NodeID, into sink: inout FactBuffer
  ) {
    for match in texts.matches(in: bytes.span) {
      let when = moment(of: code)
      let start = max(0, match.offset - Self.excerptBytes / 2)
      let excerpt = bytes[start..<min(bytes.count, start + Self.excerptBytes)]
      let fact = TextFact(
        keyword: match.keyword, text: String(decoding: excerpt, as: UTF8.self),
        callee: callee.map { resolver.paths.text($0) } ?? "", when: when)
      sink.emit(
        .text(fact), artifact: notes.artifact, range: notes.offsets.range(tree[node].start, tree[node].end),
        place: place(of: tree[node]))
    }
  }

  // MARK: - Where data comes from

  /// Dotted names, and keywords of texts, that flow into a call: through nested calls, through names and attributes,
  /// through what functions of the module return. Every assignment counts, whatever the order they run in.
  ///
  /// - Returns: the names, and how each was asked for (``CallableFact/asked``).
  mutating func sources(of node: NodeID) -> (names: [String], asked: [String]) {
    var open: [NodeID] = []
    for argument in tree.children(of: node).dropFirst() where !isPlain(argument) { open.append(argument) }
    guard !open.isEmpty else { return ([], []) }
    var found: [String] = []
    var asked: [String] = []
    // What is called or looked into: it is not handed on itself.
    var bases: [NodeID] = []
    // Few enough to look through.
    var seen: [NodeID] = []
    while let next = open.popLast(), seen.count < Self.flowBound, found.count < Self.sourceBound {
      guard !seen.contains(next) else { continue }
      seen.append(next)
      let kind = tree[next].kind
      switch kind {
      case .number, .constant, .lambda, .functionDefinition: continue
      case .string:
        guard !texts.isEmpty else { continue }
        let written = tree.bytes[Int(tree[next].start)..<Int(tree[next].end)]
        for match in texts.matches(in: written.span) where !found.contains(match.keyword) {
          found.append(match.keyword)
        }
        continue
      case .name, .attribute:
        var isNamed = false
        for case .path(let path) in resolver.values(of: next) where !resolver.paths.form(path).contains(.closed) {
          isNamed = isNamed || !resolver.paths.form(path).contains(.result)
          let text = resolver.paths.text(path)
          if !found.contains(text) { found.append(text) }
          if !bases.contains(next) { add(text + "(*)", to: &asked) }
        }
        open += resolver.origins(of: next)
        // What `os.environ` is an attribute of is told by its name; what a call gave is not.
        if kind == .attribute, !isNamed { open.append(tree[next].first) }
        continue
      case .item:
        let parts = tree.children(of: next).prefix(2).map { $0 }
        if let object = parts.first, parts.count == 2 {
          bases.append(object)
          for case .path(let path) in resolver.values(of: object) {
            state(resolver.paths.text(path), askedBy: parts[1], &found, &asked)
          }
        }
      case .call:
        bases.append(tree[next].first)
        for value in resolver.values(of: tree[next].first) {
          switch value {
          case .path(let path):
            let text = resolver.paths.text(path)
            if !found.contains(text) { found.append(text) }
            if let first = tree.given(to: next).first { state(text, askedBy: first, &found, &asked) }
          case .function(let function):
            if let scope = scopes.opened[function] { open += scopes.scopes[scope].returns.prefix(4) }
          default: continue
          }
        }
      default: break
      }
      for child in tree.children(of: next).prefix(32) where !isPlain(child) { open.append(child) }
    }
    resolver.charge(seen.count >> 2)
    return (found, asked)
  }

  /// What something is asked for, and keywords in it, whether it is written there or put together elsewhere.
  private mutating func state(
    _ name: String, askedBy key: NodeID, _ found: inout [String], _ asked: inout [String]
  ) {
    let values = resolver.values(of: key)
    let keys = values.compactMap(\.asText)
    guard !keys.isEmpty, keys.count == values.count else { return add(name + "(?)", to: &asked) }
    for key in keys {
      add(name + "(" + key.prefix(80) + ")", to: &asked)
      guard !texts.isEmpty else { continue }
      for match in texts.matches(in: key.utf8.span) {
        if !found.contains(match.keyword) { found.append(match.keyword) }
        add("?(" + match.keyword + ")", to: &asked)
      }
    }
  }

  private func add(_ text: String, to asked: inout [String]) {
    if asked.count < Self.sourceBound, !asked.contains(text) { asked.append(text) }
  }

  /// Whether nothing flows out of an expression.
  private func isPlain(_ node: NodeID) -> Bool {
    let kind = tree[node].kind
    return kind == .number || kind == .constant || (kind == .string && texts.isEmpty)
  }
}
