import MScanBytes
public import MScanFacts

/// A list of packages for pip: names, addresses, and the options that say where packages come from. Source: pip's
/// "Requirements File Format".
public enum RequirementsFormat: Format {
  public static let id = "requirements"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: id, into: &sink) else { return }
    let mark = sink.facts.count
    var open: Range<Int>?
    for line in text.pythonLineRanges() {
      let range = (open?.lowerBound ?? line.lowerBound)..<line.upperBound
      // A line that ends in a backslash goes on in the next.
      if !line.isEmpty, text.bytes[line.upperBound - 1] == 0x5c {
        open = range
        continue
      }
      open = nil
      take(range, &text, into: &sink)
    }
    if let range = open { take(range, &text, into: &sink) }
    sink.sortFacts(after: mark)
  }

  private static let options: [String: (field: String, type: ReferenceFact.Target)] = [
    "-i": ("index", .url), "--index-url": ("index", .url), "--pypi-url": ("index", .url),
    "--extra-index-url": ("extra-index", .url), "-f": ("find-links", .url), "--find-links": ("find-links", .url),
    "--trusted-host": ("trusted-host", .url), "-r": ("include", .path), "--requirement": ("include", .path),
    "-c": ("constraint", .path), "--constraint": ("constraint", .path), "-e": ("editable", .path),
    "--editable": ("editable", .path),
  ]

  private static func take(_ line: Range<Int>, _ text: inout RepositoryText, into sink: inout FactBuffer) {
    let range = text.trimmed(line)
    guard !range.isEmpty else { return }
    // pip puts what follows right behind, so that an option may be written in two halves.
    let joined = text.text(range).split(separator: "\\\r\n", omittingEmptySubsequences: false).joined()
      .split(separator: "\\\n", omittingEmptySubsequences: false).joined()
    var words = joined.split { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }.map(String.init)
    // `#` starts a comment at the start of a word; inside an address it does not.
    if let comment = words.firstIndex(where: { $0.hasPrefix("#") }) { words.removeSubrange(comment...) }
    words.removeAll { $0 == "\\" }
    guard let first = words.first else { return }
    if first.hasPrefix("-") {
      option(words, range, &text, into: &sink)
    } else {
      requirement(words, range, &text, into: &sink)
    }
  }

  private static func option(
    _ words: [String], _ range: Range<Int>, _ text: inout RepositoryText, into sink: inout FactBuffer
  ) {
    let parts = words[0].split(separator: "=", maxSplits: 1).map(String.init)
    var name = parts[0]
    var value = parts.count > 1 ? parts[1] : words.count > 1 ? words[1] : ""
    // `-rother.txt`, `-e.`
    if options[name] == nil, name.utf8.count > 2, !name.hasPrefix("--"), options[String(name.prefix(2))] != nil {
      value = String(words[0].dropFirst(2))
      name = String(name.prefix(2))
    }
    guard let (field, type) = options[name] else {
      text.operation("requirements", "option", [words.joined(separator: " ")], range, into: &sink)
      return
    }
    if field == "editable" {
      return requirement([value] + words.dropFirst(2), range, &text, isEditable: true, into: &sink)
    }
    text.reference("requirements.\(field)", type, value, range, into: &sink)
  }

  private static func requirement(
    _ words: [String], _ range: Range<Int>, _ text: inout RepositoryText, isEditable: Bool = false,
    into sink: inout FactBuffer
  ) {
    let line = words.joined(separator: " ")
    // `name @ address`, or an address alone.
    let address = line.contains("://") ? words.first { $0.contains("://") } ?? line : nil
    if let address {
      let target = address.drop { $0 == "@" }
      let start = target.firstIndex { $0 == "@" }
      // `name@git+https://…` without blanks.
      let isNamed = start.map { !target[..<$0].contains(":") } ?? false
      let bare = isNamed ? String(target[target.index(after: start ?? target.startIndex)...]) : String(target)
      return Self.address(bare, range, &text, into: &sink)
    }
    guard let first = words.first, !first.isEmpty else { return }
    let name = first.prefix { $0.isLetter || $0.isNumber || "-_.".contains($0) }
    let isPath =
      isEditable || first.hasPrefix(".") || first.contains("/") || first.contains("\\") || first.hasSuffix(".whl")
      || first.hasSuffix(".zip") || first.hasSuffix(".tar.gz")
    if isPath {
      text.reference(isEditable ? "requirements.editable" : "requirements.path", .path, first, range, into: &sink)
    } else {
      let version = line.dropFirst(name.count).drop { $0 == " " }
      let pin = version.hasPrefix("==") ? String(version.dropFirst(2).prefix { $0 != " " && $0 != ";" }) : ""
      text.reference("requirements.package", .package, String(name), revision: pin, range, into: &sink)
    }
  }

  private static func address(
    _ address: String, _ range: Range<Int>, _ text: inout RepositoryText, into sink: inout FactBuffer
  ) {
    let parts = address.split(separator: "#", maxSplits: 1).map(String.init)
    let plain = parts.first ?? ""
    let fragment = parts.count > 1 ? parts[1] : ""
    let scheme = plain.prefix { $0 != ":" }
    guard scheme.contains("+") else {
      let hash = fragment.split(separator: "&").first { $0.hasPrefix("sha256=") }.map { String($0.dropFirst(7)) }
      text.reference("requirements.url", .url, plain, revision: hash ?? "", range, into: &sink)
      return
    }
    // Only a commit pins: a branch or a tag can be moved.
    let last = plain.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
    let revision = last.split(separator: "@", omittingEmptySubsequences: false).dropFirst().last.map(String.init) ?? ""
    let isCommit = revision.utf8.count == 40 && revision.allSatisfy(\.isHexDigit)
    let target = isCommit ? String(plain.dropLast(41)) : plain
    text.reference("requirements.vcs", .repository, target, revision: isCommit ? revision : "", range, into: &sink)
  }
}
