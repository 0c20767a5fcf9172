import MScanBytes
public import MScanFacts

/// `setup.cfg` and its kin: each line a value below `section.key`.
public enum INIFormat: Format {
  public static let id = "ini"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: id, into: &sink) else { return }
    for entry in INIEntries(text, continuing: .indent) where !entry.value.isEmpty {
      let path = entry.section.isEmpty ? entry.key : entry.section + "." + entry.key
      text.value(path, entry.value, entry.range, into: &sink)
    }
  }
}

/// A desktop entry, an Internet shortcut or an `autorun.inf`: what opening it starts. Source: the Desktop Entry
/// Specification.
public enum ShortcutFormat: Format {
  public static let id = "shortcut"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: id, into: &sink) else { return }
    for entry in INIEntries(text, continuing: .backslash) {
      switch entry.key.lowercased() {
      case "exec", "tryexec", "open", "shellexecute", "command":
        text.operation("shortcut", "exec", [entry.value], scope: entry.section, entry.range, into: &sink)
      case "url", "iconfile": text.reference("shortcut.url", .url, entry.value, entry.range, into: &sink)
      default: break
      }
    }
  }
}

/// A path file of Python's `site`: lines that start with `import` run whenever Python starts, others are added to the
/// module path. Source: CPython's `Lib/site.py`.
public enum SitePathFormat: Format {
  public static let id = "site-path"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: id, into: &sink) else { return }
    for (number, line) in text.pythonLineRanges().enumerated() {
      let range = text.trimmed(line)
      guard !range.isEmpty, text.bytes[line.lowerBound] != 0x23 else { continue }
      let words = text.text(range)
      if words.hasPrefix("import "), line.lowerBound == range.lowerBound {
        text.operation("site", "import", [words], range, into: &sink)
        text.child("line \(number + 1)", range, format: "python", into: &sink)
      } else if words.hasPrefix("import\t"), line.lowerBound == range.lowerBound {
        text.operation("site", "import", [words], range, into: &sink)
        text.child("line \(number + 1)", range, format: "python", into: &sink)
      } else {
        text.reference("site.path", .path, words, range, into: &sink)
      }
    }
  }
}

/// A model description of Ollama. Source: Ollama's Modelfile reference.
public enum ModelfileFormat: Format {
  public static let id = "modelfile"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: id, into: &sink) else { return }
    var block: (key: String, range: Range<Int>)?
    for line in text.lineRanges() {
      let range = text.trimmed(line)
      if let open = block {
        let whole = open.range.lowerBound..<line.upperBound
        block = (open.key, whole)
        guard text.text(range).hasSuffix("\"\"\"") else { continue }
        text.value(open.key, text.text(whole).replacingQuotes, whole, into: &sink)
        template(open.key, whole, text, into: &sink)
        block = nil
        continue
      }
      let words = text.text(range)
      guard !words.isEmpty, !words.hasPrefix("#") else { continue }
      let verb = words.prefix { $0 != " " && $0 != "\t" }.lowercased()
      let rest = words.dropFirst(verb.count).drop { $0 == " " || $0 == "\t" }
      switch verb {
      case "from", "adapter":
        let target = rest.trimming("\"")
        let isPath =
          target.hasPrefix(".") || target.hasPrefix("/") || target.hasPrefix("~") || target.hasSuffix(".gguf")
        let type: ReferenceFact.Target = target.contains("://") ? .url : isPath ? .path : .repository
        text.reference("modelfile.\(verb)", type, target, range, into: &sink)
      case "template", "system", "parameter", "license", "message":
        if rest.hasPrefix("\"\"\""), rest.count < 6 || !rest.hasSuffix("\"\"\"") {
          block = (verb, range)
        } else {
          text.value(verb, String(rest).replacingQuotes, range, into: &sink)
          template(verb, range, text, into: &sink)
        }
      default: break
      }
    }
    if let open = block {
      text.value(open.key, text.text(open.range), open.range, into: &sink)
      template(open.key, open.range, text, into: &sink)
    }
  }

  /// Queues what Ollama puts into every prompt, without its verb and its quotes.
  private static func template(
    _ verb: String, _ range: Range<Int>, _ text: RepositoryText, into sink: inout FactBuffer
  ) {
    guard ["template", "system", "message"].contains(verb) else { return }
    var (start, end) = (min(range.lowerBound + verb.utf8.count, range.upperBound), range.upperBound)
    while start < end, RepositoryText.isBlank(text.bytes[start]) { start += 1 }
    for _ in 0..<3 where start < end && text.bytes[start] == UInt8(ascii: "\"") { start += 1 }
    for _ in 0..<3 where end > start && text.bytes[end - 1] == UInt8(ascii: "\"") { end -= 1 }
    guard start < end else { return }
    text.child(verb.uppercased(), start..<end, format: "go-template", into: &sink)
  }
}

extension String {
  /// Without the three quotes around a block, and the words before them.
  fileprivate var replacingQuotes: String {
    guard let open = self.firstRange(of: "\"\"\"") else { return trimming("\"") }
    let rest = self[open.upperBound...]
    return rest.hasSuffix("\"\"\"") ? String(rest.dropLast(3)) : String(rest)
  }
}

/// A model configuration of Triton.
public enum TritonFormat: Format {
  public static let id = "triton"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    TextProtocolBuffer.read(input, id, into: &sink)
  }
}

/// TensorFlow's `checkpoint`: which checkpoint of a folder is the latest one.
public enum CheckpointStateFormat: Format {
  public static let id = "checkpoint-state"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    TextProtocolBuffer.read(input, "checkpoint", into: &sink)
  }
}

/// A text protocol buffer, of which every scalar is read, whatever it lies in.
private enum TextProtocolBuffer {
  static func read(_ input: ArtifactInput, _ prefix: String, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: prefix, into: &sink) else { return }
    for line in text.lineRanges() {
      var at = line.lowerBound
      while let (key, value, end) = scalar(text, from: at, to: line.upperBound) {
        text.value(prefix + "." + text.text(key), text.text(value), key.lowerBound..<end, into: &sink)
        at = end
      }
    }
  }

  /// The next `key: value` of a line: where both stand, quotes left out, and where to go on.
  private static func scalar(
    _ text: RepositoryText, from start: Int, to end: Int
  ) -> (key: Range<Int>, value: Range<Int>, end: Int)? {
    let bytes = text.bytes
    var at = start
    while at < end {
      guard bytes[at] != 0x23 else { return nil }
      guard isWord(bytes[at]) else {
        at += 1
        continue
      }
      let word = at
      while at < end, isWord(bytes[at]) { at += 1 }
      let key = word..<at
      while at < end, RepositoryText.isBlank(bytes[at]) { at += 1 }
      guard at < end, bytes[at] == 0x3a else { continue }
      at += 1
      while at < end, RepositoryText.isBlank(bytes[at]) { at += 1 }
      guard at < end, bytes[at] != 0x7b, bytes[at] != 0x5b else { continue }
      let quote = bytes[at]
      guard quote == 0x22 || quote == 0x27 else {
        let first = at
        while at < end, !RepositoryText.isBlank(bytes[at]), ![0x2c, 0x3b, 0x7d, 0x5d].contains(bytes[at]) { at += 1 }
        return (key, first..<at, max(at, first + 1))
      }
      let first = at + 1
      at = first
      while at < end, bytes[at] != quote { at += bytes[at] == 0x5c ? 2 : 1 }
      return (key, first..<max(first, min(at, end)), min(at + 1, end))
    }
    return nil
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    byte == 0x5f || (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
  }
}
