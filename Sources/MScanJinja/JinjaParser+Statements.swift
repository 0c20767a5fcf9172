extension JinjaParser {
  /// The tag that starts here, with all up to its end tag.
  mutating func statement() -> Int {
    let start = token.start
    advance()
    guard token.kind == .name else {
      problem("a tag has to start with a name")
      let values = expressionsToEnd()
      closeTag()
      return add(.tag, start, lastEnd, children: values)
    }
    let name = token.text
    advance()
    switch name {
    case "if": return branches(start)
    case "for": return loop(start)
    case "set": return set(start)
    case "macro": return macro(start)
    case "call": return callBlock(start)
    case "filter": return filterBlock(start)
    case "with": return with(start)
    case "block": return block(start)
    case "include", "extends", "import", "from": return load(name, start)
    case "do", "print": return simple(name == "do" ? .tag : .output, name, start)
    case "break", "continue", "debug":
      closeTag()
      return add(.jump, start, lastEnd, text: name)
    case "autoescape", "generation", "trans": return wrapped(name, start)
    default:
      if tree.unknownTags.count < 64 {
        tree.unknownTags.append(JinjaProblem(message: name, offset: start))
      }
      return simple(.tag, name, start)
    }
  }

  private mutating func simple(_ kind: JinjaNode.Kind, _ name: String, _ start: Int) -> Int {
    let values = expressionsToEnd()
    closeTag()
    return add(kind, start, lastEnd, text: name, children: values)
  }

  private mutating func branches(_ start: Int) -> Int {
    var children = [tuple(conditionals: true)]
    closeTag()
    children.append(body(until: ["elif", "else", "endif"]))
    while tree.limit == nil, token.kind == .blockStart, peek(1).kind == .name {
      if peek(1).text == "elif" {
        advance()
        advance()
        children.append(tuple(conditionals: true))
        closeTag()
        children.append(body(until: ["elif", "else", "endif"]))
      } else if peek(1).text == "else", children.count.isMultiple(of: 2) {
        advance()
        advance()
        closeTag()
        children.append(body(until: ["endif"]))
      } else {
        break
      }
    }
    endBlock("endif")
    return add(.branches, start, lastEnd, children: children)
  }

  private mutating func loop(_ start: Int) -> Int {
    let target = targets(stop: "in")
    if !takeName("in") { problem("expected 'in'") }
    // The condition of a loop stands where that of an expression would.
    let iterated = tuple(conditionals: false)
    let filter = takeName("if") ? expression() : missing()
    let isRecursive = takeName("recursive")
    closeTag()
    let inner = body(until: ["else", "endfor"])
    var otherwise = missing()
    if token.kind == .blockStart, peek(1).text == "else" {
      advance()
      advance()
      closeTag()
      otherwise = body(until: ["endfor"])
    }
    endBlock("endfor")
    return add(
      .loop, start, lastEnd, operators: isRecursive ? ["recursive"] : [],
      children: [target, iterated, inner, otherwise, filter])
  }

  /// Names, attributes of namespaces and tuples of them, up to `stop`.
  private mutating func targets(stop: String) -> Int {
    let start = token.start
    var parts: [Int] = []
    while !isTagEnd, !isName(stop), !isSymbol("="), tree.limit == nil {
      let before = index
      parts.append(deeper { $0.unary(filters: false) })
      if !takeSymbol(",") { break }
      if index == before { advance() }
    }
    return parts.count == 1 ? parts[0] : add(.tuple, start, lastEnd, children: parts)
  }

  private mutating func set(_ start: Int) -> Int {
    let target = targets(stop: "=")
    if takeSymbol("=") {
      let value = tuple()
      closeTag()
      return add(.set, start, lastEnd, children: [target, value])
    }
    var steps: [Int] = []
    while isSymbol("|"), tree.limit == nil { steps.append(filterStep()) }
    closeTag()
    let inner = body(until: ["endset"])
    endBlock("endset")
    let value = steps.isEmpty ? inner : add(.postfix, start, lastEnd, children: [inner] + steps)
    return add(.setBlock, start, lastEnd, children: [target, value])
  }

  private mutating func macro(_ start: Int) -> Int {
    var name = ""
    if token.kind == .name {
      name = token.text
      advance()
    } else {
      problem("a macro without a name")
    }
    var children = parameters()
    closeTag()
    children.append(body(until: ["endmacro"]))
    endBlock("endmacro")
    return add(.macro, start, lastEnd, text: name, children: children)
  }

  /// `(a, b=1)`; nothing when there is no bracket.
  private mutating func parameters() -> [Int] {
    guard takeSymbol("(") else { return [] }
    var found: [Int] = []
    while !isSymbol(")"), !isTagEnd, tree.limit == nil {
      let here = token
      let before = index
      if here.kind == .name { advance() } else { problem("expected the name of a parameter") }
      let standard = takeSymbol("=") ? [expression()] : []
      found.append(add(.parameter, here.start, lastEnd, text: here.text, children: standard))
      if !takeSymbol(","), !isSymbol(")") { problem("expected ',' or ')'") }
      if index == before { advance() }
    }
    expectSymbol(")")
    return found
  }

  private mutating func callBlock(_ start: Int) -> Int {
    let parameters = parameters()
    let call = isTagEnd ? missing() : expression()
    closeTag()
    let inner = body(until: ["endcall"])
    endBlock("endcall")
    return add(.callBlock, start, lastEnd, children: [call] + parameters + [inner])
  }

  private mutating func filterBlock(_ start: Int) -> Int {
    var steps: [Int] = []
    if token.kind == .name {
      steps.append(filterName(token.start))
      while isSymbol("|"), tree.limit == nil { steps.append(filterStep()) }
    } else {
      problem("expected the name of a filter")
    }
    closeTag()
    let inner = body(until: ["endfilter"])
    endBlock("endfilter")
    let value = add(.postfix, start, lastEnd, children: [inner] + steps)
    return add(.filterBlock, start, lastEnd, children: [value])
  }

  private mutating func with(_ start: Int) -> Int {
    var children: [Int] = []
    while !isTagEnd, tree.limit == nil {
      let before = index
      children.append(deeper { $0.unary(filters: false) })
      expectSymbol("=")
      children.append(expression())
      if !takeSymbol(","), !isTagEnd { problem("expected ','") }
      if index == before { advance() }
    }
    closeTag()
    children.append(body(until: ["endwith"]))
    endBlock("endwith")
    return add(.with, start, lastEnd, children: children)
  }

  private mutating func block(_ start: Int) -> Int {
    let name = token.kind == .name ? token.text : ""
    if token.kind == .name { advance() } else { problem("a block without a name") }
    while isName("scoped") || isName("required") { advance() }
    closeTag()
    let inner = body(until: ["endblock"])
    endBlock("endblock")
    return add(.block, start, lastEnd, text: name, children: [inner])
  }

  private mutating func load(_ name: String, _ start: Int) -> Int {
    var children = [isTagEnd ? missing() : expression()]
    if name == "from" {
      if !takeName("import") { problem("expected 'import'") }
    }
    // `as x`, `a as b, c`, `with context`, `ignore missing`: names alone.
    while !isTagEnd, tree.limit == nil {
      let here = token
      if here.kind == .name {
        children.append(add(.name, here.start, here.end, text: here.text))
      } else if !isSymbol(",") {
        problem("'\(here.text)' is not expected here")
      }
      advance()
    }
    closeTag()
    return add(.load, start, lastEnd, text: name, children: children)
  }

  /// `autoescape`, `generation` and `trans`: perhaps values, and a body.
  private mutating func wrapped(_ name: String, _ start: Int) -> Int {
    var children: [Int] = []
    while !isTagEnd, tree.limit == nil {
      let before = index
      let value = expression()
      // `trans count=list|length`
      children.append(takeSymbol("=") ? expression() : value)
      _ = takeSymbol(",")
      if index == before { advance() }
    }
    closeTag()
    children.append(body(until: ["end" + name, "pluralize"]))
    if name == "trans", token.kind == .blockStart, peek(1).text == "pluralize" {
      children += restOfTag()
      children.append(body(until: ["endtrans"]))
    }
    endBlock("end" + name)
    return add(.tag, start, lastEnd, text: name, children: children)
  }
}
