import MScanFacts

/// Names of files.
public enum FileNames {
  /// Whether a name has control characters, or characters that do not show or turn the text around.
  public static func hidesCharacters(_ name: String) -> Bool { MemberNames.flags(of: name).contains(.hidden) }
}

/// What the names of an archive's members tell, each by itself and beside the others; one for all kinds of archive.
struct MemberNames {
  /// Members by the bytes of their path, `.` and empty steps left out: what unpacks to the same file is the same name.
  private var exact: [[UInt8]: Int] = [:]
  /// Paths by what is left of them without case and without compatibility forms. Strings compare by canonical
  /// equivalence, so composed and decomposed letters are one.
  private var folded: [String: (path: [UInt8], lower: String)] = [:]

  /// Takes the name of member `index`.
  ///
  /// - Returns: the first member of that very name, and how the name stands to the earlier ones.
  mutating func add(_ name: some Collection<UInt8>, index: Int) -> (first: Int?, flags: [MemberFact.Flag]) {
    let path = Self.normalized(name)
    if let first = exact[path] { return (first, [.duplicate]) }
    exact[path] = index
    // Bytes that are no UTF-8 stand for themselves.
    let text = String(validating: path, as: UTF8.self) ?? String(path.map { Character(Unicode.Scalar($0)) })
    let lower = text.lowercased()
    let key = Self.compatible(lower)
    guard let other = folded.updateValue((path, lower), forKey: key), other.path != path else { return (nil, []) }
    return (nil, [other.lower.utf8.elementsEqual(lower.utf8) ? .caseVariant : .unicodeVariant])
  }

  private static func normalized(_ name: some Collection<UInt8>) -> [UInt8] {
    let steps = name.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
    var path = Array(steps.joined(separator: "/".utf8))
    if name.first == UInt8(ascii: "/") { path.insert(UInt8(ascii: "/"), at: 0) }
    return path
  }

  // MARK: One name

  /// Flags that a name has by itself.
  static func flags(of name: String) -> [MemberFact.Flag] {
    var flags: [MemberFact.Flag] = []
    let steps = name.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }
    if steps.contains("..") { flags.append(.traversal) }
    if isAbsolute(name) { flags.append(.absolute) }
    if name.utf8.contains(UInt8(ascii: "\\")) { flags.append(.backslash) }
    if name.unicodeScalars.contains(where: isHidden) { flags.append(.hidden) }
    return flags
  }

  private static func isAbsolute(_ name: String) -> Bool {
    name.hasPrefix("/") || name.hasPrefix("\\") || name.dropFirst().first == ":"
  }

  /// Control characters, and characters that do not show or turn the text around.
  private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || scalar.value == 0x7f || (0x200b...0x200f).contains(scalar.value)
      || (0x202a...0x202e).contains(scalar.value) || (0x2060...0x2069).contains(scalar.value)
      || scalar.value == 0xfeff || (0xe0000...0xe007f).contains(scalar.value)
  }

  /// Whether a link leads out of the folder that the archive is unpacked to. A symbolic link starts at its own folder, a
  /// hard link at the archive's.
  static func leadsOut(_ target: String, from name: String, isHard: Bool) -> Bool {
    if isAbsolute(target) { return true }
    var depth = 0
    let folder = isHard ? [] : name.split(separator: "/").dropLast()
    for step in folder + target.split(separator: "/") where step != "." {
      depth += step == ".." ? -1 : 1
      if depth < 0 { return true }
    }
    return false
  }

  // MARK: Compatibility forms

  /// The text with those compatibility forms of NFKC undone that look like the letters of a path: full width,
  /// mathematical, raised and lowered, ligatures, spaces.
  private static func compatible(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if let plain = plain(scalar.value) {
        scalars.append(contentsOf: plain.unicodeScalars)
      } else {
        scalars.append(scalar)
      }
    }
    return String(scalars).lowercased()
  }

  private static let ligatures = ["ff", "fi", "fl", "ffi", "ffl", "st", "st"]
  private static let others: [UInt32: String] = [
    0xa0: " ", 0x3000: " ", 0xb9: "1", 0xb2: "2", 0xb3: "3", 0x2024: ".", 0xfe52: ".", 0x2025: "..", 0x2026: "...",
    0x2113: "l", 0x210a: "g", 0x2134: "o", 0x212f: "e", 0xfe63: "-", 0xfe4d: "_", 0xfe4e: "_", 0xfe4f: "_",
  ]

  private static func plain(_ value: UInt32) -> String? {
    func letter(_ code: UInt32) -> String? { Unicode.Scalar(code).map { String(Character($0)) } }
    switch value {
    case 0xff01...0xff5e: return letter(value &- 0xfee0)
    case 0x1d400...0x1d6a3:
      let place = (value &- 0x1d400) % 52
      return letter(place < 26 ? 0x41 &+ place : 0x61 &+ place &- 26)
    case 0x1d7ce...0x1d7ff: return letter(0x30 &+ (value &- 0x1d7ce) % 10)
    case 0x2070, 0x2074...0x2079: return letter(0x30 &+ value &- 0x2070)
    case 0x2080...0x2089: return letter(0x30 &+ value &- 0x2080)
    case 0x2000...0x200a: return " "
    case 0xfb00...0xfb06: return ligatures[Int(value &- 0xfb00)]
    case 0x24b6...0x24cf: return letter(0x41 &+ value &- 0x24b6)
    case 0x24d0...0x24e9: return letter(0x61 &+ value &- 0x24d0)
    default: return others[value]
    }
  }
}
