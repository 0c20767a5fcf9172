/// A path pattern: `*` and `?` inside one component, `**` for any number of components. A pattern without `/` holds
/// for a component at any depth; one that names a folder holds for all below it.
public struct Glob: Sendable, Hashable {
  public let pattern: String
  private let components: [[UInt8]]

  public init(_ pattern: String) {
    self.pattern = pattern
    var parts = pattern.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }.filter { $0 != Array(".".utf8) }
    if parts.count == 1, pattern.utf8.first != UInt8(ascii: "/") { parts.insert(Array("**".utf8), at: 0) }
    components = parts
  }

  /// Whether the pattern names `path` or a folder above it. Takes pattern components × path components steps.
  public func matches(_ path: String) -> Bool {
    let steps = path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
    // `reached[n]`: the pattern up to here can take exactly the first n steps.
    var reached = [Bool](repeating: false, count: steps.count + 1)
    reached[0] = !components.isEmpty
    for component in components {
      var next = [Bool](repeating: false, count: steps.count + 1)
      if component == Array("**".utf8) {
        var open = false
        for index in reached.indices {
          open = open || reached[index]
          next[index] = open
        }
      } else {
        for index in steps.indices where reached[index] && Self.matches(component, steps[index]) {
          next[index + 1] = true
        }
      }
      reached = next
    }
    return reached.dropFirst().contains(true)
  }

  /// One component; linear but for the retries of the last `*`.
  static func matches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
    var at = 0
    var position = 0
    var star: (pattern: Int, text: Int)?
    while position < text.count {
      if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
        star = (at, position)
        at += 1
      } else if at < pattern.count, pattern[at] == UInt8(ascii: "?") || pattern[at] == text[position] {
        at += 1
        position += 1
      } else if let last = star {
        star = (last.pattern, last.text + 1)
        at = last.pattern + 1
        position = last.text + 1
      } else {
        return false
      }
    }
    return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
