import MScanBytes
import MScanFacts

/// Messages of a role that a template never passes on, although it knows the role.
extension JinjaTeller {
  /// Roles whose messages decide what a model may do.
  private static let roles = ["system", "user"]

  /// A template that asks for a role only to leave its messages out: a filter, a condition around all that is passed on,
  /// or an empty branch.
  mutating func tellDroppedRoles(into sink: inout FactBuffer) {
    let outputs = tree.nodes.indices.filter { tree[$0].kind == .output && reads.read($0).contains("content") }
    guard !outputs.isEmpty else { return }
    let loops = tree.nodes.indices.filter { tree[$0].kind == .loop && tree[$0].children.count == 5 }
    for role in Self.roles {
      let mentions = tree.nodes.indices.filter { tree[$0].kind == .string && tree[$0].text == role }
      guard !mentions.isEmpty, let drop = drop(of: role, mentions, outputs, loops) else { continue }
      state(TemplateFact(.drop, ["messages." + role], expression: excerpt(drop)), at: drop, into: &sink)
    }
    tellUnusedFirst(outputs, loops, into: &sink)
  }

  /// The first construct that leaves the role out, if all that is passed on goes by one.
  private mutating func drop(of role: String, _ mentions: [Int], _ outputs: [Int], _ loops: [Int]) -> Int? {
    var used: Set<Int> = []
    var places: [Int] = []
    /// Where nothing of the role arrives.
    var covered: [Range<Int>] = []
    for index in tree.nodes.indices {
      let node = tree[index]
      switch node.kind {
      case .loop where node.children.count == 5:
        let filters = expressions(of: node.children[1]).flatMap { tree[$0].children }
          .filter { leavesOut(role, tree[$0], &used) }
        let isFiltered = asksOther(node.children[4], than: role, &used)
        guard let place = isFiltered ? node.children[4] : filters.first else { continue }
        places.append(place)
        covered.append(extent(node.children[2]))
      case .branches:
        for place in stride(from: 1, to: node.children.count, by: 2) {
          let (condition, body) = (node.children[place - 1], node.children[place])
          if asksOther(condition, than: role, &used) {
            places.append(condition)
            covered.append(extent(body))
          } else if let mention = mention(of: role, inEquality: condition), isEmpty(body) {
            used.insert(mention)
            places.append(condition)
            // Behind a jump nothing more of the loop is done for the message.
            let end = has(.jump, in: body) ? loop(around: index, loops).map { tree[$0].end } : nil
            covered.append(node.start..<max(node.end, end ?? node.end))
          }
        }
      default: continue
      }
    }
    guard !places.isEmpty, mentions.allSatisfy(used.contains), Self.all(outputs.map { tree[$0].start }, lieIn: covered)
    else { return nil }
    return places.min { tree[$0].start < tree[$1].start }
  }

  private func extent(_ node: Int) -> Range<Int> { tree[node].start..<max(tree[node].start, tree[node].end) }

  /// Whether each place, ascending, is in one of the ranges.
  private static func all(_ places: [Int], lieIn ranges: [Range<Int>]) -> Bool {
    let ranges = ranges.sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
    var next = 0
    var end = 0
    return places.sorted().allSatisfy { place in
      while next < ranges.count, ranges[next].lowerBound <= place {
        end = max(end, ranges[next].upperBound)
        next += 1
      }
      return place < end
    }
  }

  /// The innermost loop that a node stands in.
  private mutating func loop(around index: Int, _ loops: [Int]) -> Int? {
    visitsLeft -= loops.count
    guard visitsLeft > 0 else { return nil }
    let start = tree[index].start
    return loops.filter { extent($0).contains(start) }.min { extent($0).count < extent($1).count }
  }

  /// `rejectattr('role', 'equalto', 'system')`, `selectattr('role', '!=', 'system')`.
  private func leavesOut(_ role: String, _ filter: JinjaNode, _ used: inout Set<Int>) -> Bool {
    guard filter.kind == .filter, ["rejectattr", "selectattr"].contains(filter.text) else { return false }
    var strings: [Int] = []
    var waiting = filter.children
    while let at = waiting.popLast(), strings.count < 8 {
      if tree[at].kind == .string { strings.append(at) } else { waiting += tree[at].children }
    }
    let texts = Set(strings.map { tree[$0].text })
    let isUnequal = !texts.isDisjoint(with: ["ne", "!="])
    guard texts.contains("role"), texts.contains(role), isUnequal == (filter.text == "selectattr") else { return false }
    used.formUnion(strings.filter { tree[$0].text == role })
    return true
  }

  /// Whether a condition, or a part of it that has to hold, is `message.role != 'system'`.
  private mutating func asksOther(_ condition: Int, than role: String, _ used: inout Set<Int>) -> Bool {
    let node = tree[condition]
    guard node.kind == .chain else {
      guard node.kind == .unary, node.text == "not" || node.operators == ["not"], let inner = node.children.first,
        let mention = mention(of: role, inEquality: inner)
      else { return false }
      used.insert(mention)
      return true
    }
    if !node.operators.isEmpty, node.operators.allSatisfy({ $0 == "and" }) {
      var isAsked = false
      for part in node.children.prefix(16) where tree[part].kind != .chain || tree[part].operators != node.operators {
        if asksOther(part, than: role, &used) { isAsked = true }
      }
      return isAsked
    }
    guard node.operators == ["!="], let mention = mention(of: role, comparedIn: node) else { return false }
    used.insert(mention)
    return true
  }

  private mutating func mention(of role: String, inEquality condition: Int) -> Int? {
    let node = tree[condition]
    guard node.kind == .chain, node.operators == ["=="] else { return nil }
    return mention(of: role, comparedIn: node)
  }

  /// The text of a comparison of a message's role with one.
  private mutating func mention(of role: String, comparedIn node: JinjaNode) -> Int? {
    guard node.children.count == 2 else { return nil }
    for (asked, given) in [(0, 1), (1, 0)] {
      let text = tree[node.children[given]]
      if text.kind == .string, text.text == role, reads.read(node.children[asked]) == ["role"] {
        return node.children[given]
      }
    }
    return nil
  }

  /// Whether a body does nothing but jump: no text, no value, nothing kept for later, no error.
  private func isEmpty(_ body: Int) -> Bool {
    var waiting = [body]
    while let at = waiting.popLast() {
      switch tree[at].kind {
      case .body: waiting += tree[at].children
      case .data where tree[at].text.allSatisfy(\.isWhitespace): continue
      case .comment, .missing: continue
      case .jump where tree[at].text != "debug": continue
      default: return false
      }
    }
    return true
  }

  /// The first message, whose text is kept under a name that nothing reads, while the others are passed on without it.
  private mutating func tellUnusedFirst(_ outputs: [Int], _ loops: [Int], into sink: inout FactBuffer) {
    let sets = tree.nodes.filter { $0.kind == .set && $0.children.count == 2 }
    let targets = Set(sets.map { $0.children[0] })
    let used = Set(
      tree.nodes.indices.filter { tree[$0].kind == .name && !targets.contains($0) }.map { tree[$0].text })
    for node in sets where tree[node.children[0]].kind == .name && !used.contains(tree[node.children[0]].text) {
      let value = node.children[1]
      guard isFirstContent(value), outputs.allSatisfy({ isFromRest($0, loops) }) else { continue }
      state(TemplateFact(.drop, ["messages.system"], expression: excerpt(value)), at: value, into: &sink)
    }
  }

  /// `messages[0].content`, perhaps with filters and methods behind it.
  private mutating func isFirstContent(_ value: Int) -> Bool {
    let node = tree[value]
    guard node.kind == .postfix, node.children.count > 2, tree[node.children[0]].text == "messages",
      tree[node.children[1]].kind == .subscripted, let index = tree[node.children[1]].children.first,
      case .number(0)? = meaning.value(index).values.first
    else { return false }
    return reads.read(value).contains("content")
  }

  /// Whether an output stands in a loop over messages of which the first is left out.
  private mutating func isFromRest(_ output: Int, _ loops: [Int]) -> Bool {
    guard let loop = loop(around: output, loops) else { return false }
    return expressions(of: tree[loop].children[1]).contains { at in
      tree[at].children.contains { step in
        guard tree[step].kind == .subscripted, let slice = tree[step].children.first, tree[slice].kind == .slice,
          let start = tree[slice].children.first
        else { return false }
        if case .number(1)? = meaning.value(start).values.first { return true }
        return false
      }
    }
  }
}
