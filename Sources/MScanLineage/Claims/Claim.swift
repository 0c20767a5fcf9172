/// One place where a model names what it was made from.
public struct Claim: Sendable, Hashable {
  /// `org/name`, or a name without an owner.
  public var parent: String
  /// Nil where the place does not say how.
  public var operation: Operation?
  /// File and place: `README.md:3`.
  public var source: String
  /// Whether an author says so of the weights; a tokenizer's origin and the like are no more than a hint.
  public var isOfWeights: Bool
  /// Whether the place names a revision; nil where none can stand.
  public var isPinned: Bool?

  public init(
    parent: String, operation: Operation? = nil, source: String, isOfWeights: Bool = true, isPinned: Bool? = nil
  ) {
    self.parent = parent
    self.operation = operation
    self.source = source
    self.isOfWeights = isOfWeights
    self.isPinned = isPinned
  }
}

/// A value of a file of the model's folder, as a reader states it.
public struct StatedValue: Sendable {
  /// Last component.
  public var file: String
  public var format: String
  public var keyPath: String
  public var text: String
  /// `3` for a line, else the place in the format's words.
  public var place: String

  public init(file: String, format: String, keyPath: String, text: String, place: String) {
    self.file = file
    self.format = format
    self.keyPath = keyPath
    self.text = text
    self.place = place
  }

  var source: String { format == "gguf" || format == "safetensors" ? "\(file): \(keyPath)" : "\(file):\(place)" }
}

/// Model names as they are written in cards, configurations and addresses.
public enum ModelName {
  /// `org/name` out of a name, an address or a pulled reference; nil for a path of somebody's disk and for what is no
  /// name.
  public static func normalised(_ text: String) -> String? {
    guard !text.contains("\\") else { return nil }
    var name = text.trimmed[...]
    for prefix in ["https://", "http://"] where name.hasPrefix(prefix) { name = name.dropFirst(prefix.count) }
    for host in ["huggingface.co/", "www.huggingface.co/", "hf.co/", "ollama.com/library/", "ollama.com/"]
    where name.hasPrefix(host) { name = name.dropFirst(host.count) }
    if name.hasPrefix("models/") { name = name.dropFirst("models/".count) }
    if let end = name.firstIndex(where: { "?#@+".contains($0) }) { name = name[..<end] }
    for tail in ["/tree/", "/blob/", "/resolve/"] {
      if let range = String(name).range(ofText: tail) {
        name = name.prefix(String(name)[..<range.lowerBound].count)
      }
    }
    if let colon = name.lastIndex(of: ":") { name = name[..<colon] }
    while name.hasSuffix("/") { name = name.dropLast() }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), name.utf8.count <= 200,
      parts.allSatisfy({ part in
        !part.isEmpty && !part.hasPrefix(".") && !part.hasPrefix("~")
          && part.unicodeScalars.allSatisfy { isAllowed($0) }
      })
    else { return nil }
    return String(name)
  }

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "-_.".unicodeScalars.contains(scalar)
  }

  /// Whether two names mean one model: without regard to case, and to the owner where one of them has none.
  public static func areSame(_ a: String, _ b: String) -> Bool {
    let (x, y) = (a.lowercased(), b.lowercased())
    if x == y { return true }
    switch (behindOwner(x), behindOwner(y)) {
    case (let tail?, nil): return tail == y
    case (nil, let tail?): return tail == x
    default: return false
    }
  }

  /// `name` of `org/name`; nil for a name without an owner.
  static func behindOwner(_ name: String) -> String? {
    name.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(name[name.utf8.index(after: $0)...]) }
  }
}

extension String {
  /// Without blanks and quotes at its ends.
  var trimmed: String {
    func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace || scalar == "\"" || scalar == "'" }
    var scalars = Substring(self).unicodeScalars
    while let first = scalars.first, isBlank(first) { scalars.removeFirst() }
    while let last = scalars.last, isBlank(last) { scalars.removeLast() }
    return String(scalars)
  }
}
