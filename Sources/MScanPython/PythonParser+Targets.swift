extension PythonParser {
  /// Whether the operand may stand left of `=`, behind `for` or `as`: names, attributes, subscripts, and lists and
  /// tuples of those.
  mutating func checkTarget(_ operand: Operand, starred: Bool = true) throws(SyntaxFailure) {
    var open = [operand.node]
    while let next = open.popLast() {
      let node = nodes[Int(next)]
      switch node.kind {
      case .name, .attribute, .item: continue
      case .starred where starred: open.append(node.first)
      case .tuple, .list:
        var child = node.first
        while child != 0 {
          open.append(child)
          child = nodes[Int(child)].next
        }
      default: throw SyntaxFailure(offset: Int(node.start), problem: "cannot assign to this expression")
      }
    }
  }

  /// A target without commas or stars, of an annotation or an augmented assignment.
  func isSingleTarget(_ operand: Operand) -> Bool {
    switch nodes[Int(operand.node)].kind {
    case .name, .attribute, .item: true
    default: false
    }
  }

  // MARK: - Patterns

  /// Whether the operand, read as an expression, is a pattern.
  mutating func checkPattern(_ operand: Operand) throws(SyntaxFailure) {
    var open = [operand.node]
    while let next = open.popLast() {
      let node = nodes[Int(next)]
      switch node.kind {
      case .name, .attribute, .number, .string, .formatString, .constant: continue
      case .strings, .tuple, .list, .dictionary, .classPattern, .asPattern, .keyword, .starred, .doubleStarred,
        .unary, .binary:
        var child = node.first
        while child != 0 {
          open.append(child)
          child = nodes[Int(child)].next
        }
      default: throw SyntaxFailure(offset: Int(node.start), problem: "invalid pattern")
      }
    }
  }

  // MARK: - Broken statements

  /// Keeps what was complete when an expression broke: the frames' nodes and the last operand.
  mutating func salvage(from floor: Int, _ current: Operand) {
    var kept: [NodeID] = []
    for frame in frames[floor...] {
      if frame.node != 0, !frame.ownsLinkedNode { kept.append(frame.node) }
      if frame.other != 0, !frame.ownsLinkedOther { kept.append(frame.other) }
    }
    if current.node != 0, !kept.contains(current.node) { kept.append(current.node) }
    salvaged += kept
    let format = frames[floor...].first { $0.kind == .formatString }
    frames.removeLast(frames.count - floor)
    // Behind a broken f-string, reading goes on behind its closing quote.
    if let format, let end = lexer.endOfLiteral(at: Int(format.start), flags: UInt8(truncatingIfNeeded: format.other)),
      end > lexer.start
    {
      lexer.position = end
      lexer.nesting = Int(format.before)
      lexer.advance()
    }
  }

  /// The salvaged nodes under one `broken` node; 0 when there are none.
  mutating func takeSalvaged() -> NodeID {
    guard !salvaged.isEmpty else { return 0 }
    let node = add(.broken, from: Int(nodes[Int(salvaged[0])].start), to: lexer.start)
    var last: NodeID = 0
    for child in salvaged { link(child, to: node, after: &last) }
    salvaged.removeAll(keepingCapacity: true)
    return node
  }
}

extension Frame {
  /// Whether `node` has a parent already.
  var ownsLinkedNode: Bool {
    switch kind {
    case .comprehensionTarget, .comprehensionIterable, .comprehensionCondition, .lambdaDefault, .field, .specification:
      true
    default: false
    }
  }

  /// Whether `other` has a parent already, or is no node.
  var ownsLinkedOther: Bool {
    switch kind {
    case .lambdaBody, .formatString, .specification: true
    default: false
    }
  }
}
