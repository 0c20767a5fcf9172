import MScanFacts

/// The relative URIs of the files that a log names. Absolute paths tell where someone keeps their models, and no other
/// machine could follow them, so what those paths have in common is left out.
struct SARIFPaths {
  /// Bytes before the relative part of an absolute path.
  private let dropped: Int

  init(_ files: some Sequence<String>) {
    var common: [Substring.UTF8View.SubSequence]?
    for file in files where file.utf8.first == UInt8(ascii: "/") {
      var folders = file.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      folders.removeLast()
      guard let known = common else {
        common = folders.map { $0 }
        continue
      }
      let alike = zip(known, folders).prefix { $0.0.elementsEqual($0.1) }.count
      common = Array(known.prefix(alike))
    }
    dropped = (common ?? []).reduce(0) { $0 + $1.count + 1 }
  }

  func uri(of file: String) -> String {
    guard file.utf8.first == UInt8(ascii: "/") else { return Self.encoded(file) }
    return Self.encoded(file.utf8.dropFirst(dropped))
  }

  /// A name inside a container; a leading slash is part of the name there, not a root.
  static func uri(ofMember name: String) -> String {
    name.utf8.first == UInt8(ascii: "/") ? "%2F" + encoded(name.utf8.dropFirst()) : encoded(name)
  }

  private static func encoded(_ path: String) -> String { encoded(path.utf8[...]) }

  /// Percent-encodes all but unreserved characters and `/`.
  private static func encoded(_ path: Substring.UTF8View) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for byte in path {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"), UInt8(ascii: "/"):
        out.append(byte)
      default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return out.isEmpty ? "." : String(decoding: out, as: UTF8.self)
  }
}
