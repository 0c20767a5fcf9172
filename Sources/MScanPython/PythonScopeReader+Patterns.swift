/// What the patterns of a `match` bind.
extension PythonScopeReader {
  /// Binds what a pattern takes out of the subject, as far as both show their parts.
  mutating func captures(_ pattern: NodeID, of subject: NodeID, _ scope: Int) {
    var open: [(pattern: NodeID, binding: Binding)] = [(pattern, .value(subject))]
    while let (next, binding) = open.popLast() {
      let node = tree[next]
      let parts = Array(tree.children(of: next))
      switch node.kind {
      case .name: bind(node.data, node.data == wildcardName ? .unknown : binding, in: scope)
      case .asPattern:
        bind(node.data, binding, in: scope)
        open += parts.map { ($0, binding) }
      case .binary: open += parts.map { ($0, binding) }
      case .tuple, .list: open += zip(parts, elements(of: binding, count: parts.count)).map { ($0, $1) }
      case .dictionary: open += entries(of: parts, in: binding)
      case .classPattern:
        for part in parts.dropFirst() {
          guard case .value(let value) = binding else {
            open.append((part, .unknown))
            continue
          }
          // What `str(x)` and `object(x)` take is the subject itself.
          let isNamed = tree[part].kind == .keyword
          let own = isNamed ? Binding.member(of: value, name: tree[part].data) : binding
          let inner = isNamed ? tree[part].first : part
          if inner != 0 { open.append((inner, own)) }
        }
      case .attribute: continue
      default: open += parts.map { ($0, .unknown) }
      }
    }
  }

  private func elements(of binding: Binding, count: Int) -> [Binding] {
    guard case .value(let value) = binding else { return [Binding](repeating: .unknown, count: count) }
    if tree[value].kind == .tuple || tree[value].kind == .list {
      let values = Array(tree.children(of: value))
      if values.count == count, !values.contains(where: { tree[$0].kind == .starred }) {
        return values.map { .value($0) }
      }
    }
    return [Binding](repeating: .element(value), count: count)
  }

  /// The patterns of a mapping, each with what stands under its key where the subject is written out.
  private func entries(of pattern: [NodeID], in binding: Binding) -> [(pattern: NodeID, binding: Binding)] {
    var given: [NodeID] = []
    var subject: NodeID?
    if case .value(let value) = binding {
      subject = value
      if tree[value].kind == .dictionary { given = Array(tree.children(of: value)) }
    }
    func written(_ node: NodeID) -> ArraySlice<UInt8> {
      tree.bytes[Int(tree[node].start)..<max(Int(tree[node].start), Int(tree[node].end))]
    }
    var found: [(pattern: NodeID, binding: Binding)] = []
    var at = 0
    while at < pattern.count {
      guard tree[pattern[at]].kind != .doubleStarred, at + 1 < pattern.count else {
        found.append((pattern[at], .unknown))
        at += 1
        continue
      }
      let key = written(pattern[at])
      let match = stride(from: 0, to: given.count - 1, by: 2).first { written(given[$0]) == key }
      let other = given.isEmpty ? subject.map { Binding.entry(of: $0, key: pattern[at]) } : nil
      found.append((pattern[at + 1], match.map { .value(given[$0 + 1]) } ?? other ?? .unknown))
      at += 2
    }
    return found
  }
}
