import MScanBytes
import MScanFacts

/// Texts of the template's own, the addresses in them, and what nobody sees.
extension JinjaTeller {
  /// Characters of a text that are stated together, and how many of them are stated again with the next, so that no
  /// phrase falls in between.
  private static let window = 600
  private static let overlap = 120
  /// Stands for what is not the template's own.
  private static let gap: Unicode.Scalar = "\u{fffc}"

  /// A text and where its parts stand.
  private struct Run {
    var scalars: [Unicode.Scalar] = []
    /// Index of the first scalar, and the offset of what it is from.
    var marks: [(index: Int, offset: Int)] = []

    mutating func append(_ text: String, at offset: Int) {
      guard !text.isEmpty else { return }
      marks.append((scalars.count, offset))
      scalars += Array(text.unicodeScalars)
    }

    func offset(of index: Int) -> Int {
      var (low, high) = (0, marks.count)
      while low + 1 < high {
        let middle = (low + high) / 2
        if marks[middle].index <= index { low = middle } else { high = middle }
      }
      return marks.isEmpty ? 0 : marks[low].offset
    }
  }

  mutating func tellTexts(into sink: inout FactBuffer) {
    var output = Run()
    var used: Set<Int> = []
    for index in tree.nodes.indices {
      let node = tree.nodes[index]
      switch node.kind {
      case .comment:
        var run = Run()
        run.append(node.text, at: node.start + 2)
        tell(run, "comment", into: &sink)
      case .data, .output: break
      default: continue
      }
    }
    for index in inOrder() {
      let node = tree[index]
      if node.kind == .data { output.append(node.text, at: node.start) } else { append(index, to: &output, &used) }
    }
    tell(output, "output", into: &sink)
    for index in tree.nodes.indices where tree.nodes[index].kind == .string && !used.contains(index) {
      var run = Run()
      run.append(tree.nodes[index].text, at: tree.nodes[index].start)
      tell(run, "string", into: &sink)
    }
    tellComputed(into: &sink)
    tellInvisible(into: &sink)
  }

  /// Texts and outputs, as they stand.
  private func inOrder() -> [Int] {
    tree.nodes.indices.filter { tree.nodes[$0].kind == .data || tree.nodes[$0].kind == .output }
      .sorted { tree.nodes[$0].start < tree.nodes[$1].start }
  }

  /// What an output puts out: its own texts, and gaps.
  private func append(_ index: Int, to run: inout Run, _ used: inout Set<Int>) {
    var waiting = Array(tree[index].children.reversed())
    while let at = waiting.popLast() {
      let node = tree[at]
      switch node.kind {
      case .string:
        run.append(node.text, at: node.start)
        used.insert(at)
      case .chain where node.operators.allSatisfy({ $0 == "+" || $0 == "~" }): waiting += node.children.reversed()
      default: run.append(String(Self.gap), at: node.start)
      }
    }
  }

  /// Texts that are put together, where that makes an address or more words than its parts.
  private mutating func tellComputed(into sink: inout FactBuffer) {
    for index in tree.nodes.indices {
      let node = tree.nodes[index]
      guard node.kind == .chain || node.kind == .postfix else { continue }
      let isSum = node.operators.contains("+") || node.operators.contains("~") || node.operators.contains("%")
      let isMade =
        node.kind == .postfix
        && node.children.dropFirst().contains {
          [.filter, .subscripted].contains(tree[$0].kind) || ["join", "format", "replace"].contains(tree[$0].text)
        }
      guard isSum || isMade else { continue }
      for text in meaning.value(index).texts.prefix(4) where text.utf8.count >= 8 {
        var run = Run()
        run.append(text, at: node.start)
        tell(run, "computed", into: &sink)
      }
    }
  }

  private func tell(_ run: Run, _ name: String, into sink: inout FactBuffer) {
    tellLinks(run, name, into: &sink)
    var start = 0
    while start < run.scalars.count {
      let end = min(start + Self.window, run.scalars.count)
      var view = String.UnicodeScalarView()
      view.append(contentsOf: run.scalars[start..<end])
      let text = String(view)
      let words = PlainText.words(text)
      if words > 1 {
        let offset = run.offset(of: start)
        let fact = TemplateFact(.text, [name], value: PlainText.plain(text), words: words)
        state(fact, offset, run.offset(of: max(start, end - 1)) + 1, into: &sink)
      }
      if end == run.scalars.count { break }
      start = end - Self.overlap
    }
  }

  // MARK: Addresses

  private static let schemes = [
    "https://", "http://", "ftp://", "ws://", "wss://", "data:text", "javascript:", "file://",
  ]
  .map { Array($0.unicodeScalars) }

  private func tellLinks(_ run: Run, _ name: String, into sink: inout FactBuffer) {
    let scalars = run.scalars
    var at = 0
    while at < scalars.count {
      guard let scheme = Self.schemes.first(where: { Self.starts(scalars, at, $0) }) else {
        at += 1
        continue
      }
      var end = at + scheme.count
      while end < scalars.count, Self.isAddress(scalars[end]) { end += 1 }
      // With what a message says in it, an address carries it away.
      let carries = end < scalars.count && scalars[end] == Self.gap
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars[at..<min(end, at + 2048)])
      let address = String(view)
      let host =
        scheme.last == "/" ? String(address.dropFirst(scheme.count).prefix { !"/?#".contains($0) }).lowercased() : ""
      state(
        TemplateFact(
          .link, [host.isEmpty ? String(address.prefix { $0 != ":" }) : host], via: name, value: address,
          flags: carries ? ["carries"] : []),
        run.offset(of: at), run.offset(of: max(at, end - 1)) + 1, into: &sink)
      at = end
    }
  }

  private static func starts(_ scalars: [Unicode.Scalar], _ at: Int, _ mark: [Unicode.Scalar]) -> Bool {
    guard at + mark.count <= scalars.count else { return false }
    for (step, scalar) in mark.enumerated() {
      let found = scalars[at + step]
      let lower = found.value >= 0x41 && found.value <= 0x5a ? Unicode.Scalar(found.value + 32) ?? found : found
      if lower != scalar { return false }
    }
    return true
  }

  private static func isAddress(_ scalar: Unicode.Scalar) -> Bool {
    scalar != gap && !scalar.properties.isWhitespace && !"\"'<>)]}`|\\".unicodeScalars.contains(scalar)
  }

  // MARK: What nobody sees

  private func tellInvisible(into sink: inout FactBuffer) {
    var first: [String: Int] = [:]
    var counts: [String: Int] = [:]
    func note(_ scalar: Unicode.Scalar, _ before: Unicode.Scalar?, _ offset: Int) {
      guard let kind = InvisibleText.kind(of: scalar), !InvisibleText.isSpelling(scalar, after: before) else { return }
      if first[kind] == nil { first[kind] = offset }
      counts[kind, default: 0] += 1
    }
    var offset = 0
    var before: Unicode.Scalar?
    for scalar in String(decoding: tree.bytes, as: UTF8.self).unicodeScalars {
      // A mark at the start of a file says how it is encoded.
      if !(offset == 0 && scalar.value == 0xfeff) { note(scalar, before, offset) }
      before = scalar
      offset += UTF8.width(scalar)
    }
    // Escapes write what the source does not show.
    for node in tree.nodes
    where node.kind == .string
      && tree.bytes[min(node.start, tree.bytes.count)..<min(node.end, tree.bytes.count)].contains(0x5c)
    {
      var before: Unicode.Scalar?
      for scalar in node.text.unicodeScalars {
        if scalar.value >= 0x80 { note(scalar, before, node.start) }
        before = scalar
      }
    }
    for kind in first.keys.sorted() {
      guard let start = first[kind] else { continue }
      state(TemplateFact(.invisible, [kind], number: counts[kind]), start, start + 1, into: &sink)
    }
    // Letters of another alphabet among those of a word are seen, and not told apart.
    let mixed = tree.nodes.first { node in
      (node.kind == .data || node.kind == .string) && !node.text.utf8.allSatisfy { $0 < 0x80 }
        && TextShape(node.text).mixesScripts
    }
    if let mixed {
      let value = String(mixed.text.unicodeScalars.prefix(120))
      state(TemplateFact(.invisible, ["lookalike"], value: value), mixed.start, mixed.end, into: &sink)
    }
  }
}
