/// Names of the module that are set by their text.
extension PythonScopeReader {
  /// `globals().update({"run": f})`, `globals().update(run=f)`, `setattr(sys.modules[__name__], "run", f)`.
  mutating func namespaceChange(by call: NodeID) {
    let callee = tree[tree[call].first]
    switch callee.kind {
    case .name where callee.data == setattrName:
      let parts = Array(tree.children(of: call).prefix(5))
      if parts.count == 4, isOwnModule(parts[1]) { bindInModule(parts[2], parts[3]) }
    case .attribute where callee.data == updateName && isNamespace(callee.first): update(by: call)
    case .attribute where growingNames.contains(callee.data) && tree[callee.first].kind == .name:
      let value = tree.childList(of: call).last ?? 0
      if value != tree[call].first, tree[value].kind != .keyword { add(value, to: tree[callee.first].data) }
    default: break
    }
  }

  private mutating func update(by call: NodeID) {
    for argument in tree.children(of: call).dropFirst().prefix(64) {
      switch tree[argument].kind {
      case .keyword where tree[argument].first != 0: bind(tree[argument].data, .value(tree[argument].first), in: 0)
      case .dictionary:
        let entries = Array(tree.children(of: argument).prefix(256))
        guard !entries.contains(where: { tree[$0].kind == .doubleStarred }) else { continue }
        for at in stride(from: 0, to: entries.count - 1, by: 2) { bindInModule(entries[at], entries[at + 1]) }
      default: continue
      }
    }
  }

  mutating func bindInModule(_ name: NodeID, _ value: NodeID) {
    guard tree[name].kind == .string, let text = PythonLiteral.value(of: tree[name], in: tree.bytes).asText,
      let number = tree.names.number(of: text)
    else { return }
    bind(number, .value(value), in: 0)
  }

  /// `globals()`, `locals()`, `vars()`, `f.__globals__`.
  func isNamespace(_ node: NodeID) -> Bool {
    if tree[node].kind == .attribute { return tree.names.text(tree[node].data) == "__globals__" }
    guard tree[node].kind == .call, tree[tree[node].first].kind == .name else { return false }
    return ["globals", "locals", "vars"].contains(tree.names.text(tree[tree[node].first].data))
  }

  /// `sys.modules[__name__]`.
  private func isOwnModule(_ node: NodeID) -> Bool {
    let parts = Array(tree.children(of: node).prefix(2))
    guard tree[node].kind == .item, parts.count == 2, tree[parts[1]].kind == .name else { return false }
    return tree.dotted(parts[0])?.hasSuffix("modules") == true && tree.names.text(tree[parts[1]].data) == "__name__"
  }
}
