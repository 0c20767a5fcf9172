/// Renders a template for a conversation, in bounds, to see what becomes of what was said. Nothing outside is reached: the
/// renderer's functions are stand-ins.
///
/// Source of the behaviour: Jinja2 3.1 as transformers sets it up (`trim_blocks`, `lstrip_blocks`, loop controls, undefined
/// names are empty). What it does not know ends the rendering; then nothing is concluded.
struct JinjaRun {
  enum Stop: Error {
    /// `raise_exception`: the template refuses the conversation.
    case refused
    /// Something that is not rendered here.
    case unknown
    /// A few lines of talk became more than a text may be, or took more steps than a template takes.
    case tooLarge, tooLong
  }

  /// What statements end with.
  enum Flow { case on, next, end }

  let tree: JinjaTree
  var stepsLeft: Int
  var depth = 0
  var scopes: [[String: RenderValue]]
  var output = ""
  /// Bodies of the macros, and of what `call` blocks hand over.
  var callers: [(body: Int, scopes: [[String: RenderValue]])] = []
  /// What `|random` takes, and what day it is.
  var pick = 0
  var day = 0
  /// What every date is written as; nil for ``day``.
  var date: String?

  /// Levels of expressions and blocks. Frames of this rendering are some kilobytes each.
  static let depthLimit = 72
  /// Macros within macros; what goes deeper goes on without an end. Those that write schemas take three.
  static let macroLimit = 20
  var macros = 0
  /// Bytes of one text, and of the whole.
  static let textLimit = 1 << 18

  init(_ tree: JinjaTree, steps: Int, inputs: [String: RenderValue]) {
    self.tree = tree
    stepsLeft = steps
    scopes = [inputs]
  }

  /// The conversation as the template writes it.
  mutating func render() throws(Stop) -> String {
    _ = try statement(tree.root)
    return output
  }

  mutating func spend(_ count: Int = 1) throws(Stop) {
    stepsLeft -= count
    if stepsLeft <= 0 { throw .tooLong }
  }

  mutating func write(_ text: String) throws(Stop) {
    try spend(1 + text.utf8.count / 64)
    output += text
    if output.utf8.count > Self.textLimit { throw .tooLarge }
  }

  // MARK: Names

  func lookUp(_ name: String) -> RenderValue {
    for scope in scopes.reversed() { if let value = scope[name] { return value } }
    switch name {
    case "namespace", "range", "dict", "raise_exception", "strftime_now", "cycler", "joiner": return .function(name)
    default: return .undefined
    }
  }

  mutating func assign(_ target: Int, _ value: RenderValue) throws(Stop) {
    let node = tree[target]
    switch node.kind {
    case .name: scopes[scopes.count - 1][node.text] = value
    case .tuple, .list:
      guard case .list(let items) = value, items.count == node.children.count else { throw .unknown }
      for (part, item) in zip(node.children, items) { try assign(part, item) }
    case .postfix:
      guard node.children.count == 2, case .namespace(let box) = try self.value(of: node.children[0]) else {
        throw .unknown
      }
      let step = tree[node.children[1]]
      guard step.kind == .attribute else { throw .unknown }
      box.fields[step.text] = value
    default: throw .unknown
    }
  }

  // MARK: Statements

  mutating func statement(_ index: Int) throws(Stop) -> Flow {
    try spend()
    depth += 1
    defer { depth -= 1 }
    guard depth < Self.depthLimit else { throw macros > 6 ? .tooLong : .unknown }
    let node = tree[index]
    switch node.kind {
    case .body:
      for child in node.children {
        let flow = try statement(child)
        if flow != .on { return flow }
      }
    case .data: try write(node.text)
    case .comment, .missing: break
    case .output: for child in node.children { try write(try value(of: child).written()) }
    case .branches: return try branches(node)
    case .loop: try loop(node)
    case .set: try assign(node.children[0], try value(of: node.children[1]))
    case .setBlock:
      let value = node.children[1]
      try assign(node.children[0], tree[value].kind == .body ? .text(try captured(value)) : try self.value(of: value))
    case .macro: scopes[scopes.count - 1][node.text] = .macro(index)
    case .callBlock: try callBlock(node)
    case .filterBlock: try write(try value(of: node.children[0]).written())
    case .with: try with(node)
    case .block: return try statement(node.children[0])
    case .tag: try tag(node)
    case .jump:
      switch node.text {
      case "continue": return .next
      case "break": return .end
      default: break
      }
    default: throw .unknown
    }
    return .on
  }

  private mutating func tag(_ node: JinjaNode) throws(Stop) {
    switch node.text {
    case "generation", "autoescape":
      if let body = node.children.last { _ = try statement(body) }
    case "do": for child in node.children { _ = try value(of: child) }
    default: throw .unknown
    }
  }

  private mutating func branches(_ node: JinjaNode) throws(Stop) -> Flow {
    var place = 0
    while place + 1 < node.children.count {
      if try value(of: node.children[place]).isTrue { return try statement(node.children[place + 1]) }
      place += 2
    }
    return place < node.children.count ? try statement(node.children[place]) : .on
  }

  private mutating func loop(_ node: JinjaNode) throws(Stop) {
    guard node.operators.isEmpty, node.children.count == 5 else { throw .unknown }
    var items = try elements(of: try value(of: node.children[1]))
    scopes.append([:])
    defer { scopes.removeLast() }
    if tree[node.children[4]].kind != .missing {
      var kept: [RenderValue] = []
      for item in items {
        try assign(node.children[0], item)
        if try value(of: node.children[4]).isTrue { kept.append(item) }
      }
      items = kept
    }
    if items.isEmpty {
      _ = try statement(node.children[3])
      return
    }
    let state = RenderValue.Box()
    for (number, item) in items.enumerated() {
      scopes[scopes.count - 1] = [:]
      state.fields = [
        "index": .integer(number + 1), "index0": .integer(number), "first": .bool(number == 0),
        "last": .bool(number == items.count - 1), "length": .integer(items.count),
        "revindex": .integer(items.count - number), "revindex0": .integer(items.count - number - 1),
        "previtem": number > 0 ? items[number - 1] : .undefined,
        "nextitem": number + 1 < items.count ? items[number + 1] : .undefined, "depth": .integer(1),
        "depth0": .integer(0),
      ]
      scopes[scopes.count - 1]["loop"] = .loop(state)
      try assign(node.children[0], item)
      if try statement(node.children[2]) == .end { return }
    }
  }

  private mutating func with(_ node: JinjaNode) throws(Stop) {
    var values: [(Int, RenderValue)] = []
    var place = 0
    while place + 2 < node.children.count {
      values.append((node.children[place], try value(of: node.children[place + 1])))
      place += 2
    }
    scopes.append([:])
    defer { scopes.removeLast() }
    for (target, value) in values { try assign(target, value) }
    if let body = node.children.last { _ = try statement(body) }
  }

  /// What a body writes.
  mutating func captured(_ body: Int) throws(Stop) -> String {
    let before = output
    output = ""
    defer { output = before }
    scopes.append([:])
    defer { scopes.removeLast() }
    _ = try statement(body)
    return output
  }

  private mutating func callBlock(_ node: JinjaNode) throws(Stop) {
    guard node.children.count == 2 else { throw .unknown }
    callers.append((node.children[1], scopes))
    defer { callers.removeLast() }
    scopes.append(["caller": .caller(callers.count - 1)])
    defer { scopes.removeLast() }
    try write(try value(of: node.children[0]).written())
  }

  // MARK: Macros

  mutating func call(macro index: Int, _ given: [RenderValue], _ named: [(String, RenderValue)]) throws(Stop)
    -> RenderValue
  {
    guard macros < Self.macroLimit else { throw .tooLong }
    macros += 1
    defer { macros -= 1 }
    let node = tree[index]
    guard let body = node.children.last else { throw .unknown }
    var own: [String: RenderValue] = [:]
    let parameters = node.children.dropLast()
    for (place, parameter) in parameters.enumerated() {
      let name = tree[parameter].text
      if place < given.count {
        own[name] = given[place]
      } else if let value = named.first(where: { $0.0 == name })?.1 {
        own[name] = value
      } else {
        own[name] = try tree[parameter].children.first.map { child throws(Stop) in try value(of: child) } ?? .undefined
      }
    }
    if case .caller(let number) = lookUp("caller") { own["caller"] = .caller(number) }
    let outer = scopes
    // A macro sees what stands at the template's own level.
    scopes = Array(scopes.prefix(1)) + [own]
    defer { scopes = outer }
    return .text(try captured(body))
  }

  mutating func call(caller number: Int) throws(Stop) -> RenderValue {
    guard callers.indices.contains(number) else { throw .unknown }
    let outer = scopes
    scopes = callers[number].scopes
    defer { scopes = outer }
    return .text(try captured(callers[number].body))
  }
}
