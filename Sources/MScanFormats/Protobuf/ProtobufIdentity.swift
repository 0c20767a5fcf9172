import MScanBytes

/// Which messages of known formats some bytes are, by a bounded dry run: the fields that make the format what it is
/// must be there, nested as its definition has them. Fields that are unknown to it do not count against it, because
/// loaders skip them.
struct ProtobufIdentity {
  /// Formats, by what they are told from.
  static let formats: Set<String> = [
    "onnx", "onnx-tensor", "savedmodel", "tf-metagraph", "graphdef", "keras-metadata", "tf-fingerprint", "coreml",
    "paddle", "caffe", "sentencepiece",
  ]

  private var reader: ProtobufReader
  private let size: Int

  /// All that fit; more than one for a file that was built so.
  ///
  /// - Parameter head: the first bytes of the source.
  static func kinds(of source: ByteSource, head: [UInt8]) -> [String] {
    var identity = Self(reader: ProtobufReader(source, head: head), size: source.count)
    return identity.kinds()
  }

  private init(reader: ProtobufReader, size: Int) {
    self.reader = reader
    self.size = size
  }

  private mutating func kinds() -> [String] {
    let root = outline(ByteRange(0, size))
    guard !root.messages.isEmpty || !root.numbers.isEmpty else { return [] }
    var found: [String] = []
    if isModel(root) { found.append("onnx") }
    if any(root, 2, { $0.isMetaGraph($1) }) { found.append("savedmodel") }
    if isMetaGraph(root) { found.append("tf-metagraph") }
    if isGraph(root) { found.append("graphdef") }
    if any(root, 1, { $0.isSavedObject($1) }) { found.append("keras-metadata") }
    if isCoreML(root) { found.append("coreml") }
    if any(root, 1, { $0.isBlock($1) }) { found.append("paddle") }
    if isNet(root) { found.append("caffe") }
    if found.isEmpty, isVocabulary(root) { found.append("sentencepiece") }
    if found.isEmpty, isTensor(root) { found.append("onnx-tensor") }
    if found.isEmpty, isFingerprint(root) { found.append("tf-fingerprint") }
    return found
  }

  // MARK: Steps

  private mutating func outline(_ range: ByteRange) -> ProtobufOutline { ProtobufOutline(&reader, range) }

  /// Whether a message in the field passes.
  private mutating func any(
    _ outline: ProtobufOutline, _ number: Int, _ passes: (inout Self, ProtobufOutline) -> Bool
  ) -> Bool {
    for range in outline.messages[number] ?? [] {
      let inner = self.outline(range)
      if passes(&self, inner) { return true }
    }
    return false
  }

  /// Whether a text in the field is a name as operators have them.
  private mutating func hasName(_ outline: ProtobufOutline, _ number: Int, capital: Bool = false) -> Bool {
    for range in outline.messages[number] ?? [] where range.count <= 256 {
      let bytes = reader.bytes(range, limit: 256)
      guard let first = bytes.first else { continue }
      let isStart = (0x41...0x5a).contains(first) || first == 0x5f || !capital && (0x61...0x7a).contains(first)
      let isName = bytes.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
          || [0x5f, 0x2e, 0x3a, 0x3e, 0x2d, 0x2f].contains($0)
      }
      if isStart, isName { return true }
    }
    return false
  }

  // MARK: ONNX

  /// `ModelProto`.
  private mutating func isModel(_ root: ProtobufOutline) -> Bool {
    if any(root, 7, { $0.isONNXGraph($1) }) || any(root, 25, { $0.any($1, 7, { $0.isNode($1) }) }) { return true }
    if any(root, 20, { $0.any($1, 1, { $0.isONNXGraph($1) }) || $0.any($1, 2, { $0.isONNXGraph($1) }) }) {
      return true
    }
    // A graph without nodes and weights.
    return root.hasMessage(7) && root.hasNumber(1) && any(root, 8) { $1.hasNumber(2) && $1.hasOnly([1, 2]) }
  }

  private mutating func isONNXGraph(_ graph: ProtobufOutline) -> Bool {
    any(graph, 1) { $0.isNode($1) }
      || any(graph, 5) { $1.hasNumber(2) && ($1.hasMessage(8) || $1.hasMessage(9) || $1.hasMessage(13)) }
      || any(graph, 15) { $0.any($1, 1) { $1.hasNumber(2) } }
  }

  private mutating func isNode(_ node: ProtobufOutline) -> Bool { hasName(node, 4) }

  /// `TensorProto` by itself: nothing but its own fields, and as many bytes as its shape says.
  private func isTensor(_ root: ProtobufOutline) -> Bool {
    guard let type = root.numbers[2]?.last, let type = Int(exactly: type), (1...32).contains(type),
      root.hasOnly([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16])
    else { return false }
    if root.hasMessage(13) { return root.numbers[14] == [1] }
    guard let raw = root.messages[9]?.last else {
      return (root.hasNumber(1) || root.hasMessage(1)) && [4, 5, 6, 7, 10, 11].contains { root.hasMessage($0) }
    }
    if root.hasMessage(1) { return true }
    var elements = 1
    for extent in root.numbers[1] ?? [] {
      let (product, overflow) = elements.multipliedReportingOverflow(by: Int(truncatingIfNeeded: extent))
      guard !overflow else { return false }
      elements = product
    }
    return ONNXType.bytes(elements, type: type) == raw.count
  }

  // MARK: TensorFlow

  /// `MetaGraphDef`: a graph, or information with tags and a version.
  private mutating func isMetaGraph(_ outline: ProtobufOutline) -> Bool {
    if any(outline, 2, { $0.isGraph($1) }) { return true }
    return any(outline, 1) { identity, info in
      (info.messages[5] ?? []).contains { range in
        guard let first = identity.reader.bytes(range, limit: 1).first else { return false }
        return (0x30...0x39).contains(first) && range.count < 64
      } && info.hasOnly([1, 2, 3, 4, 5, 6, 7, 8])
    }
  }

  /// `GraphDef`: nodes, or a library of functions.
  private mutating func isGraph(_ graph: ProtobufOutline) -> Bool {
    if any(graph, 1, { identity, node in node.hasMessage(1) && identity.hasName(node, 2, capital: true) }) {
      return true
    }
    return any(graph, 2) { identity, library in
      identity.any(library, 1) { identity, function in
        identity.any(function, 1) { identity, signature in identity.hasName(signature, 1) }
          && (function.hasMessage(3) || function.hasMessage(4))
      }
    }
  }

  /// `SavedObject` of `keras_metadata.pb`.
  private mutating func isSavedObject(_ object: ProtobufOutline) -> Bool {
    object.hasMessage(3) && object.hasMessage(5) && hasName(object, 4) && object.hasOnly([2, 3, 4, 5, 6])
  }

  /// `FingerprintDef`: hashes.
  private func isFingerprint(_ root: ProtobufOutline) -> Bool {
    size < 4096 && (1...5).filter { root.hasNumber($0) }.count >= 3 && root.hasOnly([1, 2, 3, 4, 5, 6, 7])
      && (root.hasMessage(6) || root.hasMessage(7))
  }

  // MARK: Others

  /// `Model` of CoreML: a version, a description with features, and one of its types.
  private mutating func isCoreML(_ root: ProtobufOutline) -> Bool {
    let types: [ClosedRange<Int>] = [
      200...202, 300...304, 400...404, 500...502, 555...560, 600...620, 900...900,
      2000...2010, 3000...3000,
    ]
    guard root.hasNumber(1), root.messages.keys.contains(where: { number in types.contains { $0.contains(number) } })
    else { return false }
    return any(root, 2) { identity, description in
      [1, 10].contains { identity.any(description, $0) { $1.hasMessage(1) && $1.hasMessage(3) } }
    }
  }

  /// `BlockDesc` of Paddle.
  private func isBlock(_ block: ProtobufOutline) -> Bool {
    block.hasNumber(1) && block.hasNumber(2) && (block.hasMessage(3) || block.hasMessage(4))
      && block.hasOnly([1, 2, 3, 4, 5])
  }

  /// `ModelProto` of SentencePiece: pieces with scores.
  private mutating func isVocabulary(_ root: ProtobufOutline) -> Bool {
    guard root.hasMessage(1), root.hasOnly([1, 2, 3, 4, 5]) else { return false }
    return any(root, 1) { identity, piece in
      guard piece.fixed.contains(2), piece.hasOnly([1, 2, 3]), let text = piece.messages[1]?.first else { return false }
      return String(validating: identity.reader.bytes(text, limit: 256), as: UTF8.self) != nil || text.count > 256
    }
  }

  /// `NetParameter` of Caffe: layers of today or of its first version.
  private mutating func isNet(_ root: ProtobufOutline) -> Bool {
    any(root, 100) { $1.hasMessage(1) && $0.hasName($1, 2) }
      || any(root, 2) { $1.hasNumber(5) && $0.hasName($1, 4) && ($1.hasMessage(2) || $1.hasMessage(3)) }
  }
}
