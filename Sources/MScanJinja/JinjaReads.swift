/// What of a template's inputs its expressions look at: `content` (what a message says), `length` (how much it says),
/// `count` (how many messages there are, and which one it is), `role`, `messages`, `attribute.x` of one, `variable.x` and
/// `call.x` for what the renderer gives.
struct JinjaReads {
  private let tree: JinjaTree
  private let names: JinjaNames
  private(set) var stepsLeft: Int
  private var depth = 0
  private var open: Set<String> = []
  private var known: [Int: Set<String>] = [:]

  private static let depthLimit = 96
  private static let width = 24
  /// Keys of a message, and of a part of one, under which its text is.
  private static let contentKeys: Set<String> = ["content", "text", "parts", "reasoning_content", "thinking"]

  init(_ tree: JinjaTree, names: JinjaNames, steps: Int) {
    self.tree = tree
    self.names = names
    stepsLeft = steps
  }

  mutating func read(_ index: Int) -> Set<String> {
    if let found = known[index] { return found }
    guard stepsLeft > 0, depth < Self.depthLimit else { return [] }
    stepsLeft -= 1
    depth += 1
    let mayDepend = !open.isEmpty
    let found = evaluate(index)
    depth -= 1
    if !mayDepend { known[index] = found }
    return found
  }

  private mutating func evaluate(_ index: Int) -> Set<String> {
    let node = tree[index]
    switch node.kind {
    case .name: return named(node.text)
    case .postfix: return postfix(index, node)
    default:
      var found: Set<String> = []
      for child in node.children where found.count < Self.width { found.formUnion(read(child)) }
      return found
    }
  }

  private mutating func named(_ name: String) -> Set<String> {
    if name == "messages" || name == "message" && names.sources[name] == nil { return ["messages"] }
    guard names.isOwn(name) else { return ["variable." + name] }
    return bound(name)
  }

  private mutating func bound(_ name: String) -> Set<String> {
    guard let sources = names.sources[name], open.insert(name).inserted else { return [] }
    defer { open.remove(name) }
    var found: Set<String> = []
    for source in sources where found.count < Self.width {
      switch source {
      case .node(let node), .element(let node), .part(let node, _): found.formUnion(read(node))
      }
    }
    return found
  }

  private mutating func postfix(_ index: Int, _ node: JinjaNode) -> Set<String> {
    if let path = JinjaNames.path(index, tree), names.sources[path] != nil { return bound(path) }
    return steps(of: node, to: node.children.count)
  }

  /// What a chain looks at, with its first `end` children: the value and the steps behind it.
  mutating func steps(of node: JinjaNode, to end: Int) -> Set<String> {
    guard let base = node.children.first else { return [] }
    let head = tree[base]
    var found: Set<String>
    var at = 1
    if head.kind == .name, end > 1, tree[node.children[1]].kind == .call {
      found = called(head.text, tree[node.children[1]])
      at = 2
    } else if head.kind == .name, head.text == "loop", end > 1 {
      return ["first", "last"].contains(tree[node.children[1]].text) ? ["edge"] : ["count"]
    } else if let path = path(of: node), end > 1, names.sources[path] != nil {
      found = bound(path)
      at = 2
    } else {
      found = read(base)
    }
    while at < min(end, node.children.count) {
      step(tree[node.children[at]], &found)
      at += 1
    }
    return found
  }

  /// `ns.x` at the head of a longer chain.
  private func path(of node: JinjaNode) -> String? {
    guard node.children.count > 1, tree[node.children[0]].kind == .name else { return nil }
    let step = tree[node.children[1]]
    return step.kind == .attribute ? tree[node.children[0]].text + "." + step.text : nil
  }

  private mutating func called(_ name: String, _ call: JinjaNode) -> Set<String> {
    var found: Set<String> = []
    for argument in call.children { found.formUnion(read(argument)) }
    if let macro = names.macros[name] {
      if open.insert("macro " + name).inserted {
        found.formUnion(read(macro.body))
        open.remove("macro " + name)
      }
    } else if !["namespace", "dict", "range"].contains(name) {
      found.insert("call." + name)
    }
    return found
  }

  private mutating func step(_ step: JinjaNode, _ found: inout Set<String>) {
    switch step.kind {
    case .attribute: enter(step.text, &found)
    case .subscripted:
      for child in step.children {
        if tree[child].kind == .string {
          enter(tree[child].text, &found)
        } else if tree[child].kind != .slice, tree[child].kind != .number {
          found.formUnion(read(child).subtracting(["count", "edge"]))
        }
      }
    case .filter where step.text == "length" || step.text == "count":
      if found.contains("messages") { found = ["count"] } else if found.contains("content") { found = ["length"] }
    case .call:
      // `message.get('content')`
      if let key = step.children.first, tree[key].kind == .string { enter(tree[key].text, &found) }
      for child in step.children { found.formUnion(read(child)) }
    case .filter:
      if step.text == "map", let keyword = step.children.first, tree[keyword].kind == .keyword,
        let key = tree[keyword].children.first, tree[key].kind == .string
      {
        enter(tree[key].text, &found)
      }
      if step.text == "random" { found.insert("random") }
      for child in step.children { found.formUnion(read(child)) }
    default:
      for child in step.children { found.formUnion(read(child)) }
    }
  }

  /// A named part of what was looked at so far.
  private func enter(_ key: String, _ found: inout Set<String>) {
    if Self.contentKeys.contains(key) {
      found = ["content"]
    } else if key == "role" {
      found = ["role"]
    } else if found.contains("messages"), !Self.methods.contains(key) {
      found = ["attribute." + key]
    } else if found.contains("content"), ["type", "name", "id", "function", "image", "image_url"].contains(key) {
      found = ["attribute." + key]
    }
  }

  /// Names behind a dot that are no keys of a message.
  private static let methods: Set<String> = [
    "get", "items", "keys", "values", "pop", "append", "copy", "strip", "lstrip", "rstrip", "split", "lower", "upper",
  ]
}
