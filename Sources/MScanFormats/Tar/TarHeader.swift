import MScanBytes

/// One header block of a tar archive (POSIX.1-2001 ustar and pax, GNU extensions), 512 bytes.
struct TarHeader {
  static let blockSize = 512

  var name: String
  var size: Int
  /// The type flag: `0` a file, `1` a hard link, `2` a symbolic link, `5` a folder, `x` and `g` pax records, `L` and
  /// `K` GNU long names, `S` a GNU sparse file.
  var type: UInt8
  var linkName: String

  var isFile: Bool { type == 0x30 || type == 0 || type == 0x37 }
  var isLink: Bool { type == 0x31 || type == 0x32 }

  /// Reads a block; nil when its checksum does not hold.
  init?(_ block: [UInt8]) {
    guard block.count == Self.blockSize, Self.checksumHolds(block), let size = Self.number(block[124..<136]) else {
      return nil
    }
    let prefix = block[257..<262].elementsEqual("ustar".utf8) ? Self.text(block[345..<500]) : ""
    let own = Self.text(block[0..<100])
    // GNU archives keep other fields where ustar has its prefix.
    let isGNU = block[257..<265].elementsEqual("ustar  \0".utf8)
    name = prefix.isEmpty || isGNU ? own : prefix + "/" + own
    self.size = size
    type = block[156]
    linkName = Self.text(block[157..<257])
  }

  /// The sum of all bytes with the checksum's own field as blanks; old writers summed signed bytes.
  private static func checksumHolds(_ block: [UInt8]) -> Bool {
    guard let stated = number(block[148..<156]) else { return false }
    var unsigned = 8 * 0x20
    var signed = 8 * 0x20
    for (index, byte) in block.enumerated() where !(148..<156).contains(index) {
      unsigned += Int(byte)
      signed += Int(Int8(bitPattern: byte))
    }
    return stated == unsigned || stated == signed
  }

  /// Octal digits between blanks and NUL, or a big-endian number when the first bit is set. Nil when negative or past
  /// what fits.
  private static func number(_ field: ArraySlice<UInt8>) -> Int? {
    if let first = field.first, first & 0x80 != 0 {
      guard first & 0x40 == 0 else { return nil }
      var value = Int(first & 0x3f)
      for byte in field.dropFirst() {
        let (product, over) = value.multipliedReportingOverflow(by: 256)
        guard !over else { return nil }
        value = product | Int(byte)
      }
      return value
    }
    var value = 0
    for byte in field.drop(while: { $0 == 0x20 || $0 == 0 }) {
      guard byte != 0x20, byte != 0 else { break }
      guard (0x30...0x37).contains(byte) else { return nil }
      value = value * 8 + Int(byte - 0x30)
    }
    return value
  }

  static func text(_ field: some Sequence<UInt8>) -> String {
    String(decoding: Array(field.prefix { $0 != 0 }), as: UTF8.self)
  }

  /// `path`, `linkpath` and `size` of pax records (`25 path=some/long/name\n`), by key. The last of a key counts.
  static func paxRecords(_ bytes: [UInt8]) -> [String: String] {
    var records: [String: String] = [:]
    var rest = bytes[...]
    while let blank = rest.firstIndex(of: 0x20), let length = Int(String(decoding: rest[..<blank], as: UTF8.self)),
      length > blank - rest.startIndex + 1, length <= rest.count
    {
      let record = rest[(blank + 1)..<(rest.startIndex + length)].dropLast()
      if let equals = record.firstIndex(of: 0x3d) {
        records[String(decoding: record[..<equals], as: UTF8.self)] = String(
          decoding: record[(equals + 1)...], as: UTF8.self)
      }
      rest = rest[(rest.startIndex + length)...]
    }
    return records
  }
}
