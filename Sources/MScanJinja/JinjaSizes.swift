import MScanFacts

/// What grows with a number that stands in the template.
extension JinjaTeller {
  /// Loops whose number of turns stands in the template, each times those inside of it.
  ///
  /// Children come before their parents in the tree's array, so that one pass is enough.
  mutating func tellLoops(into sink: inout FactBuffer) {
    var most = [Int](repeating: 1, count: tree.nodes.count)
    for index in tree.nodes.indices {
      let node = tree.nodes[index]
      for child in node.children where child < index { most[index] = max(most[index], most[child]) }
      guard node.kind == .loop, node.children.count == 5, let own = turns(of: node.children[1]) else { continue }
      let (total, overflow) = own.multipliedReportingOverflow(by: most[index])
      most[index] = overflow ? .max : max(1, total)
      state(
        TemplateFact(.size, ["range"], expression: excerpt(node.children[1]), number: most[index]), at: index,
        into: &sink)
    }
  }

  /// Numbers that `range` is given in the iterated expression; nil when it has none.
  private mutating func turns(of iterated: Int) -> Int? {
    let node = tree[iterated]
    if node.kind == .name, let sources = names.sources[node.text] {
      let found = sources.compactMap { source -> Int? in
        guard case .node(let value) = source, tree[value].kind == .postfix else { return nil }
        return value
      }
      return found.compactMap { turns(ofCall: $0) }.max()
    }
    return turns(ofCall: iterated)
  }

  private mutating func turns(ofCall index: Int) -> Int? {
    let node = tree[index]
    guard node.kind == .postfix, node.children.count > 1, tree[node.children[0]].text == "range",
      tree[node.children[0]].kind == .name, tree[node.children[1]].kind == .call
    else { return nil }
    let bounds = tree[node.children[1]].children.map { child -> Int? in
      meaning.value(child).values.compactMap { if case .number(let number) = $0 { number } else { nil } }.max()
    }
    guard let first = bounds.first ?? nil else { return nil }
    guard bounds.count > 1 else { return max(0, first) }
    guard let second = bounds[1] else { return nil }
    let (span, overflow) = second.subtractingReportingOverflow(first)
    let step = bounds.count > 2 ? max(1, Int(clamping: (bounds[2] ?? 1).magnitude)) : 1
    return overflow ? .max : abs(max(-Int.max, span)) / step
  }

  /// `'x' * 1000000000`, `2 ** 100000`.
  mutating func tellGrowth(_ index: Int, _ node: JinjaNode, into sink: inout FactBuffer) {
    let isPower = node.operators.contains("**")
    guard isPower || node.operators.contains("*") else { return }
    let values = node.children.map { meaning.value($0) }
    func number(_ possible: JinjaMeaning.Possible) -> Int? {
      possible.values.compactMap { if case .number(let number) = $0 { number } else { nil } }.max()
    }
    let isRepeat = values.contains { possible in
      possible.values.contains { value in
        switch value {
        case .text, .list: true
        default: false
        }
      }
    }
    if isPower, let exponent = values.dropFirst().compactMap(number).max() {
      state(TemplateFact(.size, ["power"], expression: excerpt(index), number: exponent), at: index, into: &sink)
    }
    guard isRepeat, !isPower else { return }
    let product = values.compactMap(number).reduce(1) { total, next in
      let (value, overflow) = total.multipliedReportingOverflow(by: max(1, next))
      return overflow ? .max : value
    }
    state(TemplateFact(.size, ["repeat"], expression: excerpt(index), number: product), at: index, into: &sink)
  }

  /// Methods and filters that fill up to a width.
  private static let padding: Set<String> = ["center", "ljust", "rjust", "zfill", "indent", "expandtabs"]

  mutating func tellPadding(_ name: String, _ call: Int, _ start: Int, _ end: Int, into sink: inout FactBuffer) {
    guard Self.padding.contains(name), let width = numbers(of: call).max() else { return }
    state(TemplateFact(.size, ["pad"], via: name, number: width), start, end, into: &sink)
  }

  // MARK: Recursion

  /// Macros that call themselves, over others as well, and whether anything decides if they do.
  mutating func tellRecursion(into sink: inout FactBuffer) {
    guard !names.macros.isEmpty else { return }
    var calls: [String: [String: Bool]] = [:]
    for (name, macro) in names.macros { calls[name] = callees(macro.body) }
    var budget = 1 << 17
    for name in names.macros.keys.sorted() {
      guard let macro = names.macros[name] else { continue }
      if let isBare = reaches(name, name, calls, &budget) {
        state(
          TemplateFact(.recursion, ["macro"], value: name, flags: isBare ? ["unconditional"] : []), at: macro.node,
          into: &sink)
      }
    }
  }

  /// Macros called in a body, and whether one of the calls stands outside of every branch and loop.
  private func callees(_ body: Int) -> [String: Bool] {
    var found: [String: Bool] = [:]
    var waiting = [(body, true)]
    while let (index, isBare) = waiting.popLast() {
      let node = tree[index]
      if node.kind == .postfix, node.children.count > 1, tree[node.children[0]].kind == .name,
        tree[node.children[1]].kind == .call, names.macros[tree[node.children[0]].text] != nil
      {
        let name = tree[node.children[0]].text
        found[name] = (found[name] ?? false) || isBare
      }
      let guards =
        [.branches, .loop, .conditional].contains(node.kind) || node.operators.first == "and"
        || node.operators.first == "or"
      for child in node.children { waiting.append((child, isBare && !guards)) }
    }
    return found
  }

  /// Whether `target` is called from `start` on, and then whether by calls that nothing decides on.
  private func reaches(
    _ start: String, _ target: String, _ calls: [String: [String: Bool]], _ budget: inout Int
  ) -> Bool? {
    var isReached = false
    var seen: Set<String> = []
    var waiting = [(start, true)]
    while let (name, isBare) = waiting.popLast(), budget > 0 {
      for (callee, bare) in (calls[name] ?? [:]).sorted(by: { $0.key < $1.key }) {
        budget -= 1
        if callee == target {
          if isBare && bare { return true }
          isReached = true
        }
        if seen.insert(callee + (isBare && bare ? "!" : "")).inserted { waiting.append((callee, isBare && bare)) }
      }
    }
    return isReached ? false : nil
  }
}
