import MScanBytes

/// A datatype message (versions 1 to 5): what one element is.
struct HDF5Datatype {
  enum Class: Equatable {
    /// Fixed-point and floating-point numbers; `bigEndian` and, for the first, `signed`.
    case integer(signed: Bool, bigEndian: Bool)
    case float(bigEndian: Bool)
    /// Fixed length; spaces fill it up when `spaces`.
    case string(spaces: Bool)
    case variableString
    /// A list of bytes, of any length.
    case variableBytes
    case opaque
    case other
  }

  var kind: Class
  /// Bytes of an element.
  var size: Int
  /// `<f4`, `S12`, `{a: <f4, b: <i8}`; bounded.
  var text: String

  /// Whether elements may hold any bytes at all.
  var isBytes: Bool {
    switch kind {
    case .string, .opaque: true
    case .integer: size == 1
    default: false
    }
  }

  private static let textLimit = 160
  private static let namesLimit = 8

  /// A type that waits for the type inside it.
  private enum Frame {
    case compound(left: Int, parts: [String], version: UInt8, size: Int)
    case array(dimensions: String, size: Int)
    case enumeration(size: Int, names: Int, version: UInt8)
    case variable(size: Int, isString: Bool)
  }

  /// Reads one datatype from the cursor.
  ///
  /// - Throws: `truncated`, `malformed`, `unsupported`; `limitExceeded` at ``Limits/nesting``.
  /// - Complexity: linear in the message.
  static func read(_ cursor: inout ByteCursor, nesting: Int) throws(ParseFailure) -> HDF5Datatype {
    var frames: [Frame] = []
    while true {
      guard frames.count <= nesting else { throw ParseFailure(.limitExceeded, "nesting", at: cursor.offset) }
      var done = try readOne(&cursor, &frames)
      while let type = done {
        guard let frame = frames.popLast() else { return type }
        done = try close(frame, with: type, &cursor, &frames)
      }
    }
  }

  /// Reads a type's head; nil when it has a type inside, which comes next.
  private static func readOne(_ cursor: inout ByteCursor, _ frames: inout [Frame]) throws(ParseFailure) -> HDF5Datatype?
  {
    let start = cursor.offset
    let head = try cursor.readUInt8("datatype-class")
    let version = head >> 4
    let bits = UInt32(truncatingIfNeeded: try cursor.readLittleEndian(3, "class-bit-field"))
    let size = Int(try cursor.readUInt32("datatype-size"))
    guard (1...5).contains(version) else { throw ParseFailure(.unsupported, "datatype-version", at: start) }
    let order = bits & 1 == 0 ? "<" : ">"
    switch head & 15 {
    case 0:
      try cursor.skip(4, "fixed-point")
      let signed = bits & 8 != 0
      return HDF5Datatype(
        kind: .integer(signed: signed, bigEndian: bits & 1 != 0), size: size,
        text: (size == 1 ? "|" : order) + (signed ? "i" : "u") + String(size))
    case 1:
      try cursor.skip(12, "floating-point")
      return HDF5Datatype(kind: .float(bigEndian: bits & 1 != 0), size: size, text: order + "f" + String(size))
    case 2:
      try cursor.skip(2, "time")
      return HDF5Datatype(kind: .other, size: size, text: "time" + String(size))
    case 3: return HDF5Datatype(kind: .string(spaces: bits & 15 == 2), size: size, text: "S" + String(size))
    case 4:
      try cursor.skip(4, "bit-field")
      return HDF5Datatype(kind: .other, size: size, text: "bits" + String(size))
    case 5:
      try cursor.skip(bits & 0xff, "opaque-tag")
      return HDF5Datatype(kind: .opaque, size: size, text: "V" + String(size))
    case 6:
      let members = Int(bits & 0xffff)
      guard members > 0 else { throw ParseFailure(.malformed, "compound-members", at: start) }
      let name = try readMember(&cursor, version: version, size: size)
      frames.append(.compound(left: members &- 1, parts: [name], version: version, size: size))
      return nil
    case 7: return HDF5Datatype(kind: .other, size: size, text: "reference")
    case 8: frames.append(.enumeration(size: size, names: Int(bits & 0xffff), version: version))
    case 9: frames.append(.variable(size: size, isString: bits & 15 == 1))
    case 10: frames.append(.array(dimensions: try readDimensions(&cursor, version: version), size: size))
    case 11: frames.append(.array(dimensions: "complex", size: size))
    default: throw ParseFailure(.unsupported, "datatype-class", at: start)
    }
    return nil
  }

  /// Puts a finished type into the one around it; nil when that one wants another.
  private static func close(
    _ frame: Frame, with type: HDF5Datatype, _ cursor: inout ByteCursor, _ frames: inout [Frame]
  ) throws(ParseFailure) -> HDF5Datatype? {
    switch frame {
    case .compound(let left, var parts, let version, let size):
      if parts.count <= namesLimit, let last = parts.indices.last { parts[last] += ": " + type.text }
      guard left > 0 else {
        return HDF5Datatype(kind: .other, size: size, text: clip("{" + parts.joined(separator: ", ") + "}"))
      }
      let name = try readMember(&cursor, version: version, size: size)
      if parts.count < namesLimit { parts.append(name) } else if parts.count == namesLimit { parts.append("…") }
      frames.append(.compound(left: left &- 1, parts: parts, version: version, size: size))
      return nil
    case .array(let dimensions, let size):
      return HDF5Datatype(kind: .other, size: size, text: clip("\(type.text)[\(dimensions)]"))
    case .enumeration(let size, let names, let version):
      for _ in 0..<names { try skipName(&cursor, padded: version < 3) }
      // 65,535 names of at most 4 GiB each stay below 2^48.
      try cursor.skip(names &* type.size, "enumeration-values")
      return HDF5Datatype(kind: .other, size: size, text: clip("enum \(type.text)"))
    case .variable(let size, let isString):
      return HDF5Datatype(
        kind: isString ? .variableString : type.size == 1 && type.isBytes ? .variableBytes : .other, size: size,
        text: isString ? "string" : clip("\(type.text)[]"))
    }
  }

  /// Name and place of a compound's member; its type follows.
  private static func readMember(
    _ cursor: inout ByteCursor, version: UInt8, size: Int
  ) throws(ParseFailure) -> String {
    let name = try readName(&cursor, padded: version < 3)
    if version >= 3 {
      let width = size < 1 << 8 ? 1 : size < 1 << 16 ? 2 : size < 1 << 24 ? 3 : 4
      try cursor.skip(width, "member-byte-offset")
    } else {
      try cursor.skip(version == 1 ? 32 : 4, "member-byte-offset")
    }
    return String(name.prefix(32))
  }

  private static func readDimensions(_ cursor: inout ByteCursor, version: UInt8) throws(ParseFailure) -> String {
    let rank = try cursor.readUInt8("array-dimensionality")
    if version < 3 { try cursor.skip(3, "array-dimensionality") }
    var dimensions: [String] = []
    for _ in 0..<rank { dimensions.append(String(try cursor.readUInt32("array-dimension"))) }
    if version < 3 { try cursor.skip(4 &* Int(rank), "array-permutation") }
    return clip(dimensions.joined(separator: ","))
  }

  private static func readName(_ cursor: inout ByteCursor, padded: Bool) throws(ParseFailure) -> String {
    let start = cursor.index
    try skipName(&cursor, padded: padded)
    let name = cursor.bytes[start..<cursor.index].prefix { $0 != 0 }.prefix(textLimit)
    return String(decoding: name, as: UTF8.self)
  }

  private static func skipName(_ cursor: inout ByteCursor, padded: Bool) throws(ParseFailure) {
    let start = cursor.index
    while try cursor.readUInt8("name") != 0 {}
    let length = cursor.index &- start
    if padded, length % 8 != 0 { try cursor.skip(8 &- length % 8, "name") }
  }

  private static func clip(_ text: String) -> String { String(text.prefix(textLimit)) }
}

/// A dataspace message (versions 1 and 2): how many elements, in which shape.
struct HDF5Dataspace {
  var dimensions: [UInt64] = []
  /// No elements, whatever the dimensions.
  var isNull = false

  init(_ message: ByteCursor, lengthSize: Int) throws(ParseFailure) {
    var cursor = message
    let version = try HDF5File.expect(version: 1...2, &cursor, "dataspace-version")
    let rank = try cursor.readUInt8("dimensionality")
    try cursor.skip(1, "dataspace-flags")
    if version == 1 {
      try cursor.skip(5, "reserved")
    } else {
      isNull = try cursor.readUInt8("dataspace-type") == 2
    }
    for _ in 0..<rank { dimensions.append(try cursor.readLittleEndian(lengthSize, "dimension-size")) }
  }

  /// Nil when it does not fit.
  var elements: Int? {
    if isNull { return 0 }
    if dimensions.contains(0) { return 0 }
    var product = 1
    for dimension in dimensions {
      guard let extent = Int(exactly: dimension) else { return nil }
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      if overflow { return nil }
      product = next
    }
    return product
  }

  /// Bytes of all elements of `type`; nil when the number does not fit.
  func bytes(of type: HDF5Datatype) -> Int? {
    guard let elements else { return nil }
    let (bytes, overflow) = elements.multipliedReportingOverflow(by: type.size)
    return overflow ? nil : bytes
  }

  /// Extents as a `tensor` fact keeps them.
  var shape: [Int] { dimensions.map { Int(clamping: $0) } }
}
