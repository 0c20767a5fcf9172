import MScanBytes
import MScanFacts

/// Characters that make source read as something else than what runs: directions that reorder a line, characters that
/// nobody sees, letters of one script that look like those of another, and letters that Python takes for plain ones.
///
/// Sources: Unicode Standard Annex 9 (directions), Technical Standards 39 and 55 (confusables, source code), PEP 3131
/// (identifiers are normalised).
enum HiddenText {
  /// Facts of one sort in one file. Count; 50.
  private static let bound = 50
  /// So many invisible characters in a row are no typography. Count; 8.
  private static let runBound = 8

  static func state(of tree: PythonTree, _ notes: PythonNotes, into sink: inout FactBuffer) {
    // Nearly all source is ASCII.
    guard !tree.lines.isASCII else { return }
    var told: [String: Int] = [:]
    func tell(_ subject: String, _ detail: String, _ start: Int, _ end: Int) {
      guard told[subject, default: 0] < bound else { return }
      told[subject, default: 0] += 1
      let (line, column) = tree.lines.position(of: UInt32(clamping: start))
      sink.emit(
        .anomaly(AnomalyFact(subject: subject, field: "source", detail: detail)), artifact: notes.artifact,
        range: notes.offsets.range(UInt32(clamping: start), UInt32(clamping: end)),
        place: .source(line: line, column: column), distinct: true)
    }
    characters(of: tree.bytes, tell)
    identifiers(of: tree, tell)
  }

  private typealias Tell = (_ subject: String, _ detail: String, _ start: Int, _ end: Int) -> Void

  // MARK: - Characters

  private static func characters(of bytes: [UInt8], _ tell: Tell) {
    var at = 0
    var run: (start: Int, count: Int, first: UInt32)?
    var previous: UInt32 = 0
    func close(_ end: Int) {
      guard let hidden = run else { return }
      run = nil
      if hidden.count >= runBound {
        tell("python.hidden-data", "\(hidden.count) invisible characters in a row", hidden.start, end)
      } else if !isTypography(hidden.first, after: previous) {
        tell("python.invisible-character", "\(name(hidden.first)), which is not shown", hidden.start, end)
      }
    }
    while at < bytes.count {
      guard bytes[at] >= 0x80 else {
        if run != nil { close(at) }
        // Eight at a time.
        at += 1
        while let word = bytes.span.word(at: at), word & 0x8080_8080_8080_8080 == 0 { at += 8 }
        previous = UInt32(bytes[at - 1])
        continue
      }
      let (scalar, length) = decode(bytes, at)
      if isDirection(scalar) {
        close(at)
        tell("python.bidi-control", "\(name(scalar)), which reorders what is shown", at, at + length)
      } else if isInvisible(scalar), !(at == 0 && scalar == 0xfeff) {
        if run == nil { run = (at, 0, scalar) }
        run?.count += 1
        at += length
        continue
      } else if run != nil {
        close(at)
      }
      previous = scalar
      at += length
    }
    close(at)
  }

  /// One scalar of text; U+FFFD over one byte where it is no UTF-8.
  private static func decode(_ bytes: [UInt8], _ at: Int) -> (UInt32, Int) {
    let first = bytes[at]
    let length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1
    guard length > 1, at + length <= bytes.count else { return (0xfffd, 1) }
    var value = UInt32(first & (0xff >> UInt8(length + 1)))
    for index in at + 1..<at + length {
      guard bytes[index] & 0xc0 == 0x80 else { return (0xfffd, 1) }
      value = value << 6 | UInt32(bytes[index] & 0x3f)
    }
    return (value, length)
  }

  /// Embeddings, overrides and isolates.
  private static func isDirection(_ scalar: UInt32) -> Bool {
    (0x202a...0x202e).contains(scalar) || (0x2066...0x2069).contains(scalar)
  }

  private static func isInvisible(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x00ad, 0x034f, 0x061c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b...0x180f, 0x200b...0x200f, 0x2060...0x2064,
      0x206a...0x206f, 0x3164, 0xfe00...0xfe0f, 0xfeff, 0xffa0, 0x1d173...0x1d17a, 0xe0000...0xe007f,
      0xe0100...0xe01ef:
      true
    default: false
    }
  }

  /// Joiners in scripts that need them, and what chooses between the forms of a symbol.
  private static func isTypography(_ scalar: UInt32, after previous: UInt32) -> Bool {
    switch scalar {
    case 0x200c, 0x200d: (0x0600...0x0dff).contains(previous) || isSymbol(previous)
    case 0x200e, 0x200f, 0x061c: (0x0590...0x08ff).contains(previous)
    case 0xfe00...0xfe0f, 0xe0020...0xe007f: isSymbol(previous) || previous == 0x23 || (0x2a...0x39).contains(previous)
    case 0xe0100...0xe01ef: (0x3400...0x9fff).contains(previous)
    default: false
    }
  }

  private static func isSymbol(_ scalar: UInt32) -> Bool {
    (0x2000...0x2bff).contains(scalar) || (0x3000...0x303f).contains(scalar) || (0x3297...0x3299).contains(scalar)
      || (0x1f000...0x1faff).contains(scalar) || scalar == 0xa9 || scalar == 0xae
  }

  private static func name(_ scalar: UInt32) -> String {
    let digits = String(scalar, radix: 16, uppercase: true)
    let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    guard let name = Unicode.Scalar(scalar)?.properties.name else { return code }
    return code + " " + name.lowercased()
  }

  // MARK: - Identifiers

  private static func identifiers(of tree: PythonTree, _ tell: Tell) {
    var known = [Bool](repeating: false, count: tree.names.count)
    let wide = WideBlocks(tree.bytes)
    for node in tree.nodes {
      switch node.kind {
      case .name, .attribute, .functionDefinition, .classDefinition, .parameter, .alias, .keyword:
        guard Int(node.data) < known.count else { continue }
      default: continue
      }
      let end = Int(min(node.end, UInt32(clamping: tree.bytes.count)))
      if node.kind == .name || node.kind == .attribute, wide.mayHold(node), isRewritten(node, tree) {
        let start = node.kind == .name ? Int(node.start) : end
        let plain = tree.names.text(node.data)
        let detail = "written in other letters, which Python reads as \(plain.prefix(80))"
        tell("python.compatibility-identifier", detail, start, end)
      }
      guard !known[Int(node.data)] else { continue }
      known[Int(node.data)] = true
      guard tree.names.bytes(of: node.data).contains(where: { $0 >= 0x80 }) else { continue }
      let text = tree.names.text(node.data)
      // A definition is shown by its first line, not by all of it.
      state(text, tree, Int(node.start), node.kind == .name ? end : Int(node.start) + 1, tell)
    }
  }

  /// Which blocks of a text hold anything but ASCII: nearly all names are told by it not to.
  private struct WideBlocks {
    private static let bits = 6
    private var isWide: [Bool]

    init(_ bytes: [UInt8]) {
      isWide = [Bool](repeating: false, count: bytes.count >> Self.bits + 1)
      let text = bytes.span
      var at = 0
      while at < text.count {
        if let word = text.word(at: at), word & 0x8080_8080_8080_8080 == 0 {
          at += 8
        } else {
          if text[at] >= 0x80 { isWide[at >> Self.bits] = true }
          at += 1
        }
      }
    }

    /// False only for what has none in it; asked of short spans, true for all longer than a block.
    func mayHold(_ node: Node) -> Bool {
      guard node.end > node.start, node.end - node.start <= 1 << Self.bits else { return true }
      let (first, last) = (Int(node.start) >> Self.bits, Int(node.end - 1) >> Self.bits)
      guard last < isWide.count else { return true }
      return isWide[first] || isWide[last]
    }
  }

  /// Whether letters that are not ASCII stand where Python sees a name of plain letters, two or more.
  private static func isRewritten(_ node: Node, _ tree: PythonTree) -> Bool {
    let end = Int(node.end)
    guard end <= tree.bytes.count else { return false }
    // The name of an attribute is the last of what the node spans.
    var isWide = false
    var at = end
    while at > Int(node.start), isNamePart(tree.bytes[at - 1]) {
      at -= 1
      isWide = isWide || tree.bytes[at] >= 0x80
    }
    guard isWide else { return false }
    let name = tree.names.text(node.data)
    return name.utf8.count > 1 && name.utf8.allSatisfy { $0 < 0x80 }
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    byte >= 0x80 || byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
      || (0x61...0x7a).contains(byte)
  }

  private static func state(_ plain: String, _ tree: PythonTree, _ start: Int, _ end: Int, _ tell: Tell) {
    if let hidden = plain.unicodeScalars.first(where: { isInvisible($0.value) }) {
      return tell("python.invisible-identifier", "\(name(hidden.value)) in a name", start, end)
    }
    var skeleton = ""
    var hasPlainLetter = false
    var foreign = 0
    for scalar in plain.unicodeScalars {
      if scalar.isASCII {
        hasPlainLetter = hasPlainLetter || scalar.properties.isAlphabetic
        skeleton.unicodeScalars.append(scalar)
      } else if let twin = Confusables.twin(of: scalar) {
        foreign += 1
        skeleton.unicodeScalars.append(twin)
      } else {
        return
      }
    }
    guard foreign > 0, hasPlainLetter || tree.names.number(of: skeleton) != nil else { return }
    tell("python.homoglyph", "a name that looks like \(skeleton.prefix(80)) and is another", start, end)
  }
}

/// Letters of other scripts that are drawn as a letter of ASCII is.
enum Confusables {
  /// Pairs of a letter and its twin. Source: Unicode Technical Standard 39, those of the same shape in common fonts.
  private static let pairs = """
    аaсcԁdеeһhіiјjӏlоoрpԛqѕsѵvԝwхxуyАAВBСCЕEНHІIЈJКKМMОOРPЅSТTХXҮYԚQԜWԌGкkΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXοoɑaɡgıiոnսuօoհhցg\
    զqյjᎠDᎡRᎢTᎪAᎫJᎬEᎳWᎷMᎻHᏀGᏃZᏔWᏕSᏙVᏚSᏞLᏟCᏢPᏦKᏴBꓐBꓑPꓓDꓔTꓖGꓗKꓙJꓚCꓜZꓝFꓟMꓠNꓡLꓢSꓣRꓦVꓧHꓪWꓫXꓬYꓮAꓰEꓲIꓳOꓴU
    """

  private static let table: [Unicode.Scalar: Unicode.Scalar] = {
    var table: [Unicode.Scalar: Unicode.Scalar] = [:]
    var letter: Unicode.Scalar?
    for scalar in pairs.unicodeScalars {
      if let known = letter {
        table[known] = scalar
        letter = nil
      } else {
        letter = scalar
      }
    }
    return table
  }()

  static func twin(of scalar: Unicode.Scalar) -> Unicode.Scalar? { table[scalar] }
}
