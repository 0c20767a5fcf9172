import MScanBytes

/// A small part of a JSON document as a tree, for readers that have to look back and forth. Nodes lie in one array, in
/// the order of the text, so that no depth costs a call.
struct JSONTree {
  struct Node {
    var token: JSONToken
    /// The key it stands under; nil in an array and at the root.
    var key: JSONToken?
    var parent: Int
    /// One behind the last node below it.
    var end: Int
    /// Last byte of the value, and one.
    var limit: Int
  }

  private(set) var nodes: [Node] = []

  /// Reads the value at `range`, which a walk has found to be well-formed.
  ///
  /// - Parameter most: nodes.
  /// - Throws: `limitExceeded` (field `tokenizerNodes`) for more; whatever ``JSONReader`` throws.
  init(_ range: ByteRange, of bytes: Span<UInt8>, most: Int, nesting: Int) throws(ParseFailure) {
    var reader = JSONReader(at: range.start, nesting: nesting, takesComments: true)
    var open: [Int] = []
    var key: JSONToken?
    while true {
      let token = try reader.next(bytes)
      switch token.kind {
      case .end: return
      case .key: key = token
      case .endObject, .endArray:
        guard let index = open.popLast() else { return }
        nodes[index].end = nodes.count
        nodes[index].limit = token.end
      default:
        guard nodes.count < most else { throw ParseFailure(.limitExceeded, "tokenizerNodes", at: token.start) }
        let isOpen = token.kind == .beginObject || token.kind == .beginArray
        nodes.append(
          Node(token: token, key: key, parent: open.last ?? -1, end: nodes.count &+ 1, limit: token.end))
        if isOpen { open.append(nodes.count &- 1) }
        key = nil
      }
    }
  }

  /// Indexes of what lies directly in a container.
  func children(of index: Int) -> [Int] {
    guard nodes.indices.contains(index) else { return [] }
    var found: [Int] = []
    var at = index &+ 1
    while at < nodes[index].end {
      found.append(at)
      at = nodes[at].end
    }
    return found
  }

  /// The member of an object; the last of equal keys, as Python's reader has it.
  func member(_ name: StaticString, of index: Int, _ bytes: Span<UInt8>) -> Int? {
    guard nodes.indices.contains(index), nodes[index].token.kind == .beginObject else { return nil }
    var found: Int?
    var at = index &+ 1
    while at < nodes[index].end {
      if let key = nodes[at].key, JSONText.says(name, key, bytes) { found = at }
      at = nodes[at].end
    }
    return found
  }

  /// The text of a string; nil for anything else.
  func text(_ index: Int?, _ bytes: Span<UInt8>, limit: Int = 4096) -> String? {
    guard let index, nodes.indices.contains(index), nodes[index].token.kind == .string else { return nil }
    return JSONText.string(bytes, nodes[index].token, limit: limit)
  }

  /// A whole number; nil for anything else.
  func integer(_ index: Int?, _ bytes: Span<UInt8>) -> Int? {
    guard let index, nodes.indices.contains(index) else { return nil }
    return JSONText.integer(bytes, nodes[index].token)
  }
}
