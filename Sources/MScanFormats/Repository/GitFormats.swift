import MScanBytes
public import MScanFacts

/// Which programs git runs over which files. Source: gitattributes(5).
public enum GitAttributesFormat: Format {
  public static let id = "gitattributes"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: id, into: &sink) else { return }
    for line in text.lineRanges() {
      let range = text.trimmed(line)
      let words = text.text(range).split { $0 == " " || $0 == "\t" }.map(String.init)
      guard let pattern = words.first, !pattern.hasPrefix("#") else { continue }
      for word in words.dropFirst() {
        let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, ["filter", "diff", "merge"].contains(parts[0]) else { continue }
        text.operation("git", parts[0], [parts[1]], node: pattern, range, into: &sink)
      }
    }
  }
}

/// Settings of git: those that name commands, and where submodules come from. Source: git-config(1), gitmodules(5).
public enum GitConfigFormat: Format {
  public static let id = "gitconfig"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: id, into: &sink) else { return }
    for entry in INIEntries(text, continuing: .backslash) {
      let parts = entry.section.split(separator: " ", maxSplits: 1)
      let section = (parts.first.map(String.init) ?? "").lowercased()
      let scope = parts.count > 1 ? parts[1].trimming("\"") : ""
      let key = section + "." + entry.key.lowercased()
      if key == "submodule.url" {
        text.reference("git.submodule", .url, entry.value, entry.range, into: &sink)
      } else {
        text.operation("git", key, [entry.value], scope: scope, entry.range, into: &sink)
      }
    }
  }
}

/// `key = value` lines below `[section]` lines, as configparser, desktop entries and git write them.
struct INIEntries: Sequence {
  enum Continuation { case backslash, indent }

  struct Entry {
    var section: String
    var key: String
    var value: String
    var range: Range<Int>
  }

  private let text: RepositoryText
  private let continuation: Continuation

  init(_ text: RepositoryText, continuing: Continuation) {
    self.text = text
    continuation = continuing
  }

  func makeIterator() -> IndexingIterator<[Entry]> {
    var found: [Entry] = []
    var section = ""
    var goesOn = false
    for line in text.lineRanges() {
      let range = text.trimmed(line)
      guard let first = range.isEmpty ? nil : text.bytes[range.lowerBound] else {
        goesOn = false
        continue
      }
      let isIndented = continuation == .indent && range.lowerBound > line.lowerBound
      if goesOn || isIndented, let last = found.indices.last, found[last].section == section {
        // A value over several lines is that many values of one key, each with its place.
        found.append(Entry(section: section, key: found[last].key, value: text.text(range), range: range))
        goesOn = continuation == .backslash && text.bytes[range.upperBound - 1] == 0x5c
        continue
      }
      if first == 0x23 || first == 0x3b { continue }
      if first == 0x5b {
        section = text.text(range).dropFirst().split(separator: "]").first.map(String.init) ?? ""
        continue
      }
      let signs: Set<UInt8> = continuation == .indent ? [0x3d, 0x3a] : [0x3d]
      let sign = text.bytes[range].firstIndex { signs.contains($0) } ?? range.upperBound
      let key = text.text(text.trimmed(range.lowerBound..<sign))
      let value = text.text(text.trimmed(Swift.min(sign + 1, range.upperBound)..<range.upperBound)).trimming("\"")
      goesOn = continuation == .backslash && text.bytes[range.upperBound - 1] == 0x5c
      found.append(Entry(section: section, key: key, value: value, range: range))
    }
    return found.makeIterator()
  }
}

extension StringProtocol {
  /// Without one `mark` at each end.
  func trimming(_ mark: Character) -> String {
    count > 1 && first == mark && last == mark ? String(dropFirst().dropLast()) : String(self)
  }
}
