import MScanBytes
public import MScanFacts

/// MessagePack, as Flax keeps parameters in it: maps of maps down to arrays, which are extensions. Arrays' own bytes are
/// not read. Source: the MessagePack specification, and `flax.serialization` 0.10.
public enum MessagePackFormat: Format {
  public static let id = "msgpack"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var walk = MessagePackWalk(input)
    do throws(ParseFailure) {
      try walk.read(into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
      UnownedBytes.carve(ByteRange(walk.offset, input.source.count), of: input, into: &sink)
    }
    sink.sortFacts(after: mark)
  }

  /// Whether the bytes are a map with texts for keys, by a walk of at most 4,096 items that meets nothing else.
  static func isDocument(_ source: ByteSource) -> Bool {
    guard let first = source.prefix(1).first, first == 0xde || first == 0xdf || (0x81...0x8f).contains(first) else {
      return false
    }
    var wire = WindowReader(source)
    wire.isBigEndian = true
    var open: [(left: Int, isMap: Bool)] = []
    var keys = 0
    for _ in 0..<4096 {
      guard let item = try? MessagePackItem.read(&wire) else { return false }
      if let top = open.last, top.isMap, top.left % 2 == 0 {
        guard case .text = item.kind else { return false }
        keys += 1
      }
      if !open.isEmpty { open[open.count &- 1].left &-= 1 }
      switch item.kind {
      case .map: open.append((item.count &* 2, true))
      case .array: open.append((item.count, false))
      default: guard (try? wire.skip(item.count, "payload")) != nil else { return false }
      }
      while let top = open.last, top.left == 0 { open.removeLast() }
      if open.isEmpty { return keys > 0 && wire.remaining == 0 }
    }
    return keys >= 8
  }
}

/// One item's head: what it is, and how many bytes or entries follow.
struct MessagePackItem {
  enum Kind {
    case null
    case boolean(Bool)
    case number(String)
    case text, binary, array, map
    case ext(Int8)
  }

  var kind: Kind
  /// Bytes of the payload, or entries.
  var count = 0

  /// - Throws: `malformed` for `0xc1`, which no type has.
  static func read(_ wire: inout WindowReader) throws(ParseFailure) -> MessagePackItem {
    let start = wire.offset
    let tag = try wire.readUInt8("type")
    switch tag {
    case 0...0x7f: return MessagePackItem(kind: .number(String(tag)))
    case 0x80...0x8f: return MessagePackItem(kind: .map, count: Int(tag & 15))
    case 0x90...0x9f: return MessagePackItem(kind: .array, count: Int(tag & 15))
    case 0xa0...0xbf: return MessagePackItem(kind: .text, count: Int(tag & 31))
    case 0xc0: return MessagePackItem(kind: .null)
    case 0xc2, 0xc3: return MessagePackItem(kind: .boolean(tag == 0xc3))
    case 0xc4...0xc6: return MessagePackItem(kind: .binary, count: try length(1 &<< Int(tag &- 0xc4), &wire))
    case 0xc7...0xc9:
      let count = try length(1 &<< Int(tag &- 0xc7), &wire)
      return MessagePackItem(kind: .ext(Int8(bitPattern: try wire.readUInt8("ext type"))), count: count)
    case 0xca: return number(Float(bitPattern: try wire.readUInt32("float")))
    case 0xcb: return number(Double(bitPattern: try wire.readUInt64("float")))
    case 0xcc...0xcf:
      return MessagePackItem(kind: .number(String(try wire.readUnsigned(1 &<< Int(tag &- 0xcc), "uint"))))
    case 0xd0...0xd3: return try signed(1 &<< Int(tag &- 0xd0), &wire)
    case 0xd4...0xd8:
      let type = Int8(bitPattern: try wire.readUInt8("ext type"))
      return MessagePackItem(kind: .ext(type), count: 1 &<< Int(tag &- 0xd4))
    case 0xd9...0xdb: return MessagePackItem(kind: .text, count: try length(1 &<< Int(tag &- 0xd9), &wire))
    case 0xdc, 0xdd: return MessagePackItem(kind: .array, count: try length(tag == 0xdc ? 2 : 4, &wire))
    case 0xde, 0xdf: return MessagePackItem(kind: .map, count: try length(tag == 0xde ? 2 : 4, &wire))
    case 0xe0...0xff: return MessagePackItem(kind: .number(String(Int8(bitPattern: tag))))
    default: throw ParseFailure(.malformed, "type", at: start)
    }
  }

  private static func length(_ width: Int, _ wire: inout WindowReader) throws(ParseFailure) -> Int {
    Int(truncatingIfNeeded: try wire.readUnsigned(width, "length"))
  }

  private static func signed(_ width: Int, _ wire: inout WindowReader) throws(ParseFailure) -> MessagePackItem {
    let raw = try wire.readUnsigned(width, "int")
    let shift = UInt64(64 &- 8 &* width)
    return MessagePackItem(kind: .number(String(Int64(bitPattern: raw &<< shift) &>> Int64(shift))))
  }

  private static func number(_ value: some BinaryFloatingPoint & CustomStringConvertible) -> MessagePackItem {
    // JSON has no word for infinities and for what is no number.
    MessagePackItem(kind: .number(value.isFinite ? value.description : "0"))
  }
}
