import MScanBytes

/// One header block of a tar archive (POSIX.1-2001 ustar and pax, GNU extensions, v7), 512 bytes, as Python's `tarfile`
/// takes it.
struct TarHeader {
  static let blockSize = 512

  var name: String
  var size: Int
  /// The type flag: `0` a file, `1` a hard link, `2` a symbolic link, `3` and `4` devices, `5` a folder, `6` a FIFO, `x`
  /// and `g` pax records, `L` and `K` GNU long names, `S` a GNU sparse file. Of any other, and of NUL, a file is made.
  var type: UInt8
  var linkName: String
  /// The block itself, for what only some types have.
  let block: [UInt8]

  var isHardLink: Bool { type == 0x31 }
  var isLink: Bool { type == 0x31 || type == 0x32 }
  /// A folder; before there was a type for it, a name that ends in a slash.
  var isFolder: Bool { type == 0x35 || type == 0 && name.hasSuffix("/") }
  /// A device or a FIFO.
  var isDevice: Bool { type == 0x33 || type == 0x34 || type == 0x36 }
  var isSparse: Bool { type == 0x53 }
  /// Whether data stands behind the header.
  var hasData: Bool { !isLink && !isFolder && !isDevice }

  /// Reads a block; nil when its checksum does not hold or a number is none.
  init?(_ block: [UInt8]) {
    guard block.count == Self.blockSize, Self.checksumHolds(block), let size = Self.number(block[124..<136]), size >= 0
    else { return nil }
    self.block = block
    self.size = size
    type = block[156]
    linkName = Self.text(block[157..<257])
    let prefix = Self.text(block[345..<500])
    let own = Self.text(block[0..<100])
    // The GNU types keep other fields where ustar has its prefix, and so do GNU archives of other members.
    let isGNU = block[257..<265].elementsEqual("ustar  \0".utf8)
    name = prefix.isEmpty || isGNU || [0x4c, 0x4b, 0x53].contains(type) ? own : prefix + "/" + own
  }

  /// The sum of all bytes with the checksum's own field as blanks; old writers summed signed bytes.
  private static func checksumHolds(_ block: [UInt8]) -> Bool {
    guard let stated = number(block[148..<156]) else { return false }
    var unsigned = 8 * 0x20
    var negative = 0
    for (index, byte) in block.enumerated() where !(148..<156).contains(index) {
      unsigned += Int(byte)
      if byte >= 0x80 { negative += 256 }
    }
    return stated == unsigned || stated == unsigned - negative
  }

  /// A number field: octal as Python's `int(text, 8)` takes it, with blanks around it, a sign, `0o` and underscores; or,
  /// when the first bit is set, big-endian, of which two's complement makes a negative. Nil when it is none or too large.
  static func number(_ field: ArraySlice<UInt8>) -> Int? {
    if let first = field.first, first & 0x80 != 0 { return base256(field, first) }
    var text = field.prefix { $0 != 0 }
    while let byte = text.first, isBlank(byte) { text = text.dropFirst() }
    while let byte = text.last, isBlank(byte) { text = text.dropLast() }
    if text.isEmpty { return 0 }
    let isNegative = text.first == UInt8(ascii: "-")
    if isNegative || text.first == UInt8(ascii: "+") { text = text.dropFirst() }
    if text.starts(with: "0o".utf8) || text.starts(with: "0O".utf8) { text = text.dropFirst(2) }
    guard !text.isEmpty else { return nil }
    var value = 0
    for byte in text where byte != UInt8(ascii: "_") {
      guard (0x30...0x37).contains(byte) else { return nil }
      let (product, over) = value.multipliedReportingOverflow(by: 8)
      guard !over else { return nil }
      value = product + Int(byte - 0x30)
    }
    return isNegative ? -value : value
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

  private static func base256(_ field: ArraySlice<UInt8>, _ first: UInt8) -> Int? {
    var value = first & 0x40 != 0 ? -1 : Int(first & 0x3f)
    for byte in field.dropFirst() {
      let (product, over) = value.multipliedReportingOverflow(by: 256)
      guard !over else { return nil }
      value = product | Int(byte)
    }
    return value
  }

  static func text(_ field: some Sequence<UInt8>) -> String {
    String(decoding: Array(field.prefix { $0 != 0 }), as: UTF8.self)
  }
}

/// Records of a pax header (`25 path=some/long/name\n`), in their order. The last of a key counts.
struct PaxRecords {
  private(set) var all: [(key: String, value: String)] = []
  /// Whether the bytes were records to their end.
  private(set) var isWhole = true

  init(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while let blank = rest.firstIndex(of: 0x20), let length = Int(String(decoding: rest[..<blank], as: UTF8.self)),
      length > blank - rest.startIndex + 1, length <= rest.count
    {
      let record = rest[(blank + 1)..<(rest.startIndex + length)].dropLast()
      guard let equals = record.firstIndex(of: 0x3d) else { break }
      all.append(
        (
          String(decoding: record[..<equals], as: UTF8.self),
          String(decoding: record[(equals + 1)...], as: UTF8.self)
        ))
      rest = rest[(rest.startIndex + length)...]
    }
    isWhole = rest.allSatisfy { $0 == 0 }
  }

  subscript(_ key: String) -> String? { all.last { $0.key == key }?.value }
}
