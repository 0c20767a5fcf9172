import MScanYAML

/// A YAML document of the plain sort that rule files are: texts, lists and mappings with text keys.
struct YamlNode: Sendable, Hashable {
  struct Pair: Sendable, Hashable {
    var key: Located
    var value: YamlNode
  }

  enum Content: Sendable, Hashable {
    /// `plain` when written without quotes and not as a block.
    case scalar(String, plain: Bool)
    case sequence([YamlNode])
    case mapping([Pair])
  }

  var position: SourcePosition
  var content: Content

  /// What it is, for a message.
  var noun: String {
    switch content {
    case .scalar("", plain: true): "nothing"
    case .scalar: "a text"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

/// Why a text is not a document of that sort.
struct YamlProblem: Error, Hashable {
  var position: SourcePosition
  var message: String

  init(position: SourcePosition, message: String) {
    self.position = position
    self.message = message
  }

  /// The parser's complaint in the words of a rule file's author.
  init(_ problem: YAMLProblem) {
    let what = problem.isEncoding ? "not UTF-8 text" : "not valid YAML"
    self.init(position: SourcePosition(problem.mark), message: "\(what): \(problem.message)")
  }
}

extension SourcePosition {
  init(_ mark: YAMLMark) { self.init(line: mark.line, column: mark.column) }
}

/// Builds the document from libyaml's events, with bounds on everything: a rule file may come with a model folder.
enum YamlReader {
  /// Bytes of one file; 1 MiB: the largest list of names has a few hundred kilobytes.
  static let byteLimit = 1 << 20
  /// Levels of lists and mappings; 8: an allow file needs 4.
  static let depthLimit = 8

  private struct Open {
    var position: SourcePosition
    var isMapping: Bool
    var items: [YamlNode] = []
    var pairs: [YamlNode.Pair] = []
    var keys: [[UInt8]: SourcePosition] = [:]
    var key: Located?
  }

  /// - Throws: the first thing that is wrong: the syntax, an alias or tag, a repeated or computed key, a second document,
  ///   or a limit.
  static func read(_ bytes: [UInt8]) throws(YamlProblem) -> YamlNode {
    guard bytes.count <= byteLimit else {
      throw YamlProblem(position: .start, message: "the file is larger than \(byteLimit >> 20) MiB; split it")
    }
    let events = try opened(bytes)
    var open: [Open] = []
    var root: YamlNode?
    while true {
      let event = try next(of: events)
      let at = SourcePosition(event.start)
      if event.anchor != nil {
        throw YamlProblem(position: at, message: "anchors have no use here; write the value out")
      }
      if event.tag != nil { throw YamlProblem(position: at, message: "tags have no use here; remove it") }
      switch event.kind {
      case .other: continue
      case .alias: throw YamlProblem(position: at, message: "aliases have no use here; write the value out")
      case .documentStart:
        if root != nil { throw YamlProblem(position: at, message: "a second document; write one rule to a file") }
        continue
      case .streamEnd:
        guard let root else { throw YamlProblem(position: .start, message: "the file is empty") }
        return root
      case .sequenceStart, .mappingStart:
        guard open.count < depthLimit else {
          throw YamlProblem(position: at, message: "more than \(depthLimit) levels of lists and mappings")
        }
        if let top = open.last, top.isMapping, top.key == nil {
          throw YamlProblem(position: at, message: "a key has to be a text")
        }
        open.append(Open(position: at, isMapping: event.kind == .mappingStart))
      case .scalar(let text, let plain):
        try place(YamlNode(position: at, content: .scalar(text, plain: plain)), in: &open, root: &root)
      case .end:
        guard let done = open.popLast() else { continue }
        let content: YamlNode.Content = done.isMapping ? .mapping(done.pairs) : .sequence(done.items)
        try place(YamlNode(position: done.position, content: content), in: &open, root: &root)
      }
    }
  }

  private static func opened(_ bytes: [UInt8]) throws(YamlProblem) -> YAMLEvents {
    do throws(YAMLProblem) {
      return try YAMLEvents(bytes)
    } catch {
      throw YamlProblem(error)
    }
  }

  private static func next(of events: YAMLEvents) throws(YamlProblem) -> YAMLEvent {
    do throws(YAMLProblem) {
      return try events.next()
    } catch {
      throw YamlProblem(error)
    }
  }

  private static func place(
    _ node: YamlNode, in open: inout [Open], root: inout YamlNode?
  ) throws(YamlProblem) {
    guard var top = open.popLast() else {
      root = node
      return
    }
    if !top.isMapping {
      top.items.append(node)
    } else if let key = top.key {
      top.pairs.append(YamlNode.Pair(key: key, value: node))
      top.key = nil
    } else if case .scalar(let text, _) = node.content {
      if let first = top.keys.updateValue(node.position, forKey: Array(text.utf8)) {
        throw YamlProblem(
          position: node.position,
          message: "\(Printable.quoted(text)) is given twice; the first is on line \(first.line)")
      }
      top.key = Located(text, at: node.position)
    }
    open.append(top)
  }
}
