/// What a person meant who wrote a name that does not exist.
enum Suggestion {
  /// The nearest of `candidates`, if it is near enough to be a slip of the pen.
  static func nearest(to word: String, among candidates: [String]) -> String? {
    let letters = Array(word.utf8.prefix(64))
    let reach = max(1, letters.count / 3)
    var best: (distance: Int, name: String)?
    for candidate in candidates {
      let distance = distance(letters, Array(candidate.utf8))
      if distance <= reach, distance < best?.distance ?? Int.max { best = (distance, candidate) }
    }
    return best?.name
  }

  /// `; did you mean "x"?`, or the list of what there is when it is short enough to read.
  static func ending(for word: String, among candidates: [String]) -> String {
    if let name = nearest(to: word, among: candidates) { return "; did you mean \"\(name)\"?" }
    return candidates.count <= 20 ? "; use one of " + candidates.joined(separator: ", ") : ""
  }

  /// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for row in 1...a.count {
      var current = [row]
      for column in 1...b.count {
        var best = min(last[column] + 1, current[column - 1] + 1)
        best = min(best, last[column - 1] + (a[row - 1] == b[column - 1] ? 0 : 1))
        if row > 1, column > 1, a[row - 1] == b[column - 2], a[row - 2] == b[column - 1] {
          best = min(best, beforeLast[column - 2] + 1)
        }
        current.append(best)
      }
      beforeLast = last
      last = current
    }
    return last[b.count]
  }
}
