/// What a condition asks, atom by atom.
struct JinjaTrigger: Hashable {
  /// See ``JinjaReads``.
  var name: String
  /// Texts that are compared with.
  var literals: [String] = []
  var numbers: [Int] = []
}

extension JinjaTeller {
  /// Tests of what a value is, rather than of what it says.
  private static let kindTests: Set<String> = [
    "defined", "undefined", "none", "string", "mapping", "iterable", "sequence", "number", "integer", "float",
    "boolean",
    "true", "false", "callable", "filter", "test", "odd", "even", "sameas",
  ]
  private static let triggerLimit = 64

  /// The atoms of a condition, by what they look at, in the order of the names. Names that were set under a condition, or
  /// to the outcome of one, bring its atoms along.
  mutating func triggers(of condition: Int) -> [JinjaTrigger] {
    var found: [String: JinjaTrigger] = [:]
    var seen: Set<Int> = []
    collect(condition, &found, &seen)
    return found.keys.sorted().compactMap { found[$0] }
  }

  private mutating func collect(_ condition: Int, _ found: inout [String: JinjaTrigger], _ seen: inout Set<Int>) {
    var waiting = [condition]
    while let index = waiting.popLast(), visitsLeft > 0 {
      visitsLeft -= 1
      guard seen.count < 512, seen.insert(index).inserted else { continue }
      let node = tree[index]
      switch node.kind {
      case .unary: waiting += node.children
      case .chain where node.operators.first == "and" || node.operators.first == "or": waiting += node.children
      case .conditional: waiting += node.children
      case .constant, .number, .string, .missing: break
      default:
        addPlace(node, &found)
        if let last = node.children.last, node.kind == .postfix, tree[last].kind == .test,
          Self.kindTests.contains(tree[last].text)
        {
          continue
        }
        add(atom: index, &found)
        waiting += implied(by: index)
      }
    }
  }

  /// `messages[8]`: whether there are so many.
  private mutating func addPlace(_ node: JinjaNode, _ found: inout [String: JinjaTrigger]) {
    guard node.kind == .postfix, node.children.count > 1, tree[node.children[1]].kind == .subscripted,
      let index = tree[node.children[1]].children.first, tree[index].kind == .number,
      let number = Int(tree[index].text),
      node.children.count == 2 || tree[node.children[2]].kind == .test,
      reads.steps(of: node, to: 2) == ["messages"]
    else { return }
    found["count", default: JinjaTrigger(name: "count")].numbers.append(number)
  }

  private mutating func add(atom index: Int, _ found: inout [String: JinjaTrigger]) {
    var literals: [String] = []
    var numbers: [Int] = []
    constants(of: index, &literals, &numbers)
    for name in reads.read(index).sorted() where found.count < Self.triggerLimit || found[name] != nil {
      var trigger = found[name] ?? JinjaTrigger(name: name)
      for literal in literals where trigger.literals.count < 32 && !trigger.literals.contains(literal) {
        trigger.literals.append(literal)
      }
      trigger.numbers += numbers.prefix(8)
      found[name] = trigger
    }
  }

  /// Texts and numbers of an atom that are not keys.
  private mutating func constants(of index: Int, _ literals: inout [String], _ numbers: inout [Int]) {
    var waiting = [index]
    // What is on a list of known keys is left alone; all others are what the template is about.
    let isException = tree[index].operators.contains("not in")
    while let at = waiting.popLast(), visitsLeft > 0 {
      visitsLeft -= 1
      let node = tree[at]
      switch node.kind {
      case .string:
        if !node.text.isEmpty { literals.append(node.text) }
      case .number:
        if let number = Int(node.text) { numbers.append(number) }
      case .name where reads.read(at).isEmpty:
        // A name that the template sets to a text, or to a table of them.
        for value in meaning.value(at).values {
          let texts: [String]
          switch value {
          case .text(let text): texts = [text]
          case .list(let items): texts = isException ? [] : items.compactMap(\.text)
          case .dict(let pairs): texts = pairs.map(\.key)
          default: continue
          }
          for text in texts.prefix(8) where !text.isEmpty { literals.append(text) }
        }
      case .name: break
      case .postfix: waiting += operands(of: node)
      default: waiting += node.children
      }
    }
  }

  /// A chain without keys: `x['key']`, `x.get('key')`, `x|default('')`, `x|selectattr('key', …)`.
  private func operands(of node: JinjaNode) -> [Int] {
    var found: [Int] = []
    for (place, child) in node.children.enumerated() {
      let step = tree[child]
      switch step.kind {
      case .subscripted: break
      case .call:
        let isKeyed = place > 0 && ["get", "pop", "setdefault"].contains(tree[node.children[place - 1]].text)
        found += isKeyed ? [] : step.children
      case .filter:
        if ["default", "d", "map", "join", "tojson", "attr", "trim"].contains(step.text) { continue }
        guard step.text.hasSuffix("attr") else {
          found += step.children
          continue
        }
        // What kind of part it is, an image or a text, is not what it says.
        if let key = step.children.first, tree[key].kind == .string, tree[key].text == "type" { continue }
        // The name of a test between the key and the value.
        found += step.children.dropFirst(step.children.count > 2 ? 2 : 1)
      case .attribute: break
      default:
        // A chain's own name is a variable and no text to compare with.
        if place == 0, step.kind == .name, node.children.count > 1 { continue }
        found.append(child)
      }
    }
    return found
  }

  /// Conditions that decide what the names in an atom are set to.
  private func implied(by atom: Int) -> [Int] {
    var found: [Int] = []
    var waiting = [atom]
    var budget = 256
    while let index = waiting.popLast(), budget > 0 {
      budget -= 1
      let node = tree[index]
      let path = node.kind == .name ? node.text : JinjaNames.path(index, tree)
      for source in path.flatMap({ names.sources[$0] }) ?? [] {
        guard case .node(let value) = source else { continue }
        switch tree[value].kind {
        case .constant, .string, .number: found += names.conditions[value] ?? []
        case .unary, .conditional: found.append(value)
        case .chain where tree[value].operators.contains { !["+", "-", "~", "*", "/", "//", "%", "**"].contains($0) }:
          found.append(value)
        case .postfix where isQuestion(tree[value]): found.append(value)
        default: break
        }
      }
      waiting += node.children
    }
    return found
  }

  /// `x.startswith('y')`, `x is equalto y`.
  private func isQuestion(_ node: JinjaNode) -> Bool {
    node.children.contains {
      let step = tree[$0]
      return step.kind == .test || step.kind == .attribute && ["startswith", "endswith"].contains(step.text)
    }
  }
}
