import MScanBytes
import MScanFacts

/// Lists that `sha256sum` and its kin write and check: GNU (`HASH  name`, `HASH *name`), BSD (`SHA256 (name) = HASH`), a
/// leading `\` for names with `\n` and `\\` written out, and files that hold a hash alone beside the file they name.
/// Source: coreutils `digest.c`.
enum ChecksumListRecord: ProvenanceRecord {
  static let kind = "checksum-list"
  static let title = "checksum list"

  /// Endings of a file that names one other, and the algorithm they say.
  private static let sidecars: [String: DigestAlgorithm] = [
    "md5": .md5, "sha1": .sha1, "sha256": .sha256, "sha384": .sha384, "sha512": .sha512, "md5sum": .md5,
    "sha1sum": .sha1, "sha256sum": .sha256, "sha384sum": .sha384, "sha512sum": .sha512, "sha224": .other("SHA-224"),
    "sha224sum": .other("SHA-224"), "b2": .other("BLAKE2b"), "b2sum": .other("BLAKE2b"),
    "blake2b": .other("BLAKE2b"), "b3": .other("BLAKE3"), "b3sum": .other("BLAKE3"), "blake3": .other("BLAKE3"),
  ]

  static func recognises(_ input: RecordInput) -> Bool {
    let name = input.name.utf8
    guard name.count >= 4, name.count < 256 else { return false }
    if input.isGiven { return firstLineFits(input) }
    // `sum` and `sha`, `md5`, `b2`, `b3`, `blake` are in every such name.
    guard isListName(input.name.lowercased()) else { return false }
    return firstLineFits(input)
  }

  /// `SHA256SUMS`, `md5sum.txt`, `checksums.sha256`, `CHECKSUM.bsd`, `model.bin.sha256`; not `tensor.checksum.py`.
  static func isListName(_ name: String) -> Bool {
    if sidecars[ending(of: name)] != nil { return true }
    guard name.holds("sum"), !["py", "c", "h", "sh", "so", "exe", "asc", "sig", "gpg"].contains(ending(of: name))
    else { return false }
    let starts = ["md5sum", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "shasum", "b2sum", "b3sum"]
    return name.hasPrefix("checksum") || name.hasSuffix("checksums.txt") || name.hasSuffix("checksum.txt")
      || starts.contains { name.hasPrefix($0) }
      || starts.contains { name.hasSuffix($0 + "s") || name.hasSuffix($0 + ".txt") || name.hasSuffix($0 + "s.txt") }
  }

  /// The algorithm that a name says: of its ending, or of its start where the digest's length says another
  /// (`B2SUMS`).
  private static func hint(of name: String) -> DigestAlgorithm? {
    if let told = sidecars[ending(of: name)] { return told }
    if name.hasPrefix("b2sum") || name.contains("blake2") { return .other("BLAKE2b") }
    if name.hasPrefix("b3sum") || name.contains("blake3") { return .other("BLAKE3") }
    return nil
  }

  private static func ending(of name: String) -> String {
    guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return "" }
    return String(name[name.utf8.index(after: dot)...])
  }

  /// Whether one of the first lines is of a form that is read.
  private static func firstLineFits(_ input: RecordInput) -> Bool {
    let head = input.source.prefix(4096)
    let hint = hint(of: input.name.lowercased())
    return head.split(separator: UInt8(ascii: "\n")).prefix(40).contains { line in
      switch Line(trimmed(line), hint: hint) {
      case .entry, .alone: true
      case .comment, .unreadable: false
      }
    }
  }

  static func read(_ input: RecordInput) -> RecordReading {
    guard let bytes = input.bytes() else { return .tooLarge(kind, of: input) }
    var reading = RecordReading(kind, of: input)
    let suffix = ending(of: input.name.lowercased())
    let hint = hint(of: input.name.lowercased())
    var number = 0
    var unreadable = 0
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      guard reading.claims.count < input.limits.recordEntries else {
        reading.fail("record-limit", "it lists more than \(input.limits.recordEntries) files", line: number)
        break
      }
      switch Line(trimmed(line), hint: hint) {
      case .entry(let name, let digest):
        reading.claims.append(
          RecordClaim(
            name: RecordPath.text(name), location: RecordPath.resolve(name, in: input.base), digests: [digest],
            line: number))
      case .alone(let digest) where sidecars[suffix] != nil && input.name.utf8.count > suffix.utf8.count + 1:
        // The hash of the file that the list is named after.
        let name = String(input.name.dropLast(suffix.count + 1))
        reading.claims.append(
          RecordClaim(
            name: name, location: RecordPath.resolve(name, in: input.base), digests: [digest], line: number))
      case .alone, .unreadable:
        unreadable += 1
        if unreadable == 1 {
          reading.fail("record-malformed", "line \(number) is no line of a checksum list", line: number)
        }
      case .comment: continue
      }
    }
    return reading
  }

  private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    line.last == UInt8(ascii: "\r") ? line.dropLast() : line
  }

  /// One line.
  private enum Line {
    case entry(name: [UInt8], Digest)
    case alone(Digest)
    case comment
    case unreadable

    init(_ line: ArraySlice<UInt8>, hint: DigestAlgorithm?) {
      var rest = line.drop { $0 == 0x20 || $0 == 0x09 }
      guard let first = rest.first, first != UInt8(ascii: "#") else {
        self = .comment
        return
      }
      // What an armoured signature wraps around a list.
      if rest.starts(with: "-----".utf8) || rest.starts(with: "Hash: ".utf8) {
        self = .comment
        return
      }
      let isEscaped = first == UInt8(ascii: "\\")
      if isEscaped { rest = rest.dropFirst() }
      func name(_ written: ArraySlice<UInt8>) -> [UInt8] { isEscaped ? Line.unescaped(written) : Array(written) }
      if let (digits, behind) = Line.digits(rest) {
        guard let digest = Line.digest(digits, hint: hint) else {
          self = .unreadable
          return
        }
        if behind.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
          self = .alone(digest)
          return
        }
        // Two marks stand between: a blank, and a blank or a star.
        var written = behind.dropFirst()
        if let mark = written.first, mark == 0x20 || mark == UInt8(ascii: "*") { written = written.dropFirst() }
        self = written.isEmpty ? .unreadable : .entry(name: name(written), digest)
        return
      }
      guard let (algorithm, written, digits) = Line.tagged(rest), let bytes = Hex.bytes(digits),
        algorithm.length ?? bytes.count == bytes.count
      else {
        self = .unreadable
        return
      }
      self = .entry(name: name(written), Digest(algorithm, bytes))
    }

    /// The digits that the line starts with, and what is behind them.
    private static func digits(_ line: ArraySlice<UInt8>) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
      let digits = line.prefix { Hex.value($0) != nil }
      let behind = line.dropFirst(digits.count)
      guard digits.count >= 32, behind.first.map({ $0 == 0x20 || $0 == 0x09 }) ?? true else { return nil }
      return (digits, behind)
    }

    private static func digest(_ digits: ArraySlice<UInt8>, hint: DigestAlgorithm?) -> Digest? {
      guard let bytes = Hex.bytes(digits), let algorithm = DigestAlgorithm(length: bytes.count) else { return nil }
      if let hint, hint.length == nil || hint.length == bytes.count { return Digest(hint, bytes) }
      return Digest(algorithm, bytes)
    }

    /// `SHA256 (name) = digits`.
    private static func tagged(
      _ line: ArraySlice<UInt8>
    ) -> (DigestAlgorithm, ArraySlice<UInt8>, ArraySlice<UInt8>)? {
      let tag = line.prefix { $0 != 0x20 && $0 != UInt8(ascii: "(") }
      guard !tag.isEmpty, tag.count < 20 else { return nil }
      let behind = line.dropFirst(tag.count).drop { $0 == 0x20 }
      guard behind.first == UInt8(ascii: "(") else { return nil }
      let digits = Array(line.reversed().prefix { Hex.value($0) != nil }).count
      let before = line.dropLast(digits)
      guard digits >= 32, before.reversed().starts(with: ") = ".utf8.reversed()), before.count > tag.count + 5 else {
        return nil
      }
      let written = behind.dropFirst().dropLast(digits + 4)
      return (DigestAlgorithm(named: String(decoding: tag, as: UTF8.self)), written, line.suffix(digits))
    }

    /// `\n`, `\r` and `\\`, as coreutils writes them.
    private static func unescaped(_ written: ArraySlice<UInt8>) -> [UInt8] {
      var name: [UInt8] = []
      var rest = written
      while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "\\"), let next = rest.first else {
          name.append(byte)
          continue
        }
        rest = rest.dropFirst()
        switch next {
        case UInt8(ascii: "n"): name.append(0x0a)
        case UInt8(ascii: "r"): name.append(0x0d)
        default: name.append(next)
        }
      }
      return name
    }
  }
}
