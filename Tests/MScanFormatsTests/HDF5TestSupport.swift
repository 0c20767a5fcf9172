import MScanBytes
import MScanFacts

@testable import MScanFormats

/// Writes HDF5 for tests, piece by piece; what points forward is filled in at the end.
struct HDF5Writer {
  enum Piece {
    case bytes([UInt8])
    /// The address of a label, or of the end.
    case address(String)
  }

  private var pieces: [Piece] = []
  private var labels: [String: Int] = [:]
  private var count = 0

  static func number(_ value: UInt64, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  mutating func label(_ name: String) { labels[name] = count }

  mutating func add(_ bytes: [UInt8]) {
    pieces.append(.bytes(bytes))
    count += bytes.count
  }

  mutating func add(_ text: String) { add(Array(text.utf8)) }

  mutating func add(_ value: UInt64, _ width: Int = 8) { add(Self.number(value, width)) }

  mutating func address(_ name: String) {
    pieces.append(.address(name))
    count += 8
  }

  var bytes: [UInt8] {
    pieces.flatMap { piece in
      switch piece {
      case .bytes(let bytes): bytes
      case .address(let name): Self.number(UInt64(name == "end" ? count : labels[name] ?? 0), 8)
      }
    }
  }

  // MARK: Parts

  static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
  static let undefined = UInt64.max

  /// A superblock of version 2 whose root is at `root`.
  mutating func superblock(base: UInt64 = 0) {
    add(Self.signature + [2, 8, 8, 0])
    add(base)
    add(Self.undefined)
    address("end")
    address("root")
    add([0, 0, 0, 0])
  }

  /// An object header of version 2.
  mutating func header(_ name: String, _ messages: [HDF5TestMessage]) {
    label(name)
    let size = messages.reduce(0) { $0 + 4 + $1.count }
    add(Array("OHDR".utf8) + [2, 1])
    add(UInt64(size), 2)
    for message in messages {
      add([message.type] + Self.number(UInt64(message.count), 2) + [message.flags])
      pieces += message.pieces
      count += message.count
    }
    add([0, 0, 0, 0])
  }

  /// A file of a root group and what `more` adds.
  static func file(
    _ messages: [HDF5TestMessage], _ more: (inout HDF5Writer) -> Void = { _ in }
  ) -> [UInt8] {
    var writer = HDF5Writer()
    writer.superblock()
    writer.header("root", messages)
    more(&writer)
    return writer.bytes
  }
}

/// A message of an object header.
struct HDF5TestMessage {
  var type: UInt8
  var flags: UInt8 = 0
  var pieces: [HDF5Writer.Piece]

  var count: Int {
    pieces.reduce(0) { sum, piece in
      if case .bytes(let bytes) = piece { sum + bytes.count } else { sum + 8 }
    }
  }

  init(_ type: UInt8, _ pieces: HDF5Writer.Piece...) { (self.type, self.pieces) = (type, pieces) }

  static let float: [UInt8] = [0x11, 0x20, 0x1f, 0, 4, 0, 0, 0, 0, 0, 0x20, 0, 0x17, 8, 0, 0x17, 0x7f, 0, 0, 0]
  static let byte: [UInt8] = [0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0]
  static let variableString: [UInt8] = [0x19, 1, 0, 0, 16, 0, 0, 0] + string(1)

  static func string(_ size: Int) -> [UInt8] { [0x13, 0, 0, 0] + HDF5Writer.number(UInt64(size), 4) }

  static func space(_ dimensions: [UInt64]) -> [UInt8] {
    [2, UInt8(dimensions.count), 0, dimensions.isEmpty ? 0 : 1] + dimensions.flatMap { HDF5Writer.number($0, 8) }
  }

  static func hard(_ name: String, _ label: String) -> HDF5TestMessage {
    HDF5TestMessage(6, .bytes([1, 0, UInt8(name.utf8.count)] + Array(name.utf8)), .address(label))
  }

  static func link(_ name: String, type: UInt8, _ value: [UInt8]) -> HDF5TestMessage {
    let head: [UInt8] = [1, 8, type, UInt8(name.utf8.count)] + Array(name.utf8)
    return HDF5TestMessage(6, .bytes(head + HDF5Writer.number(UInt64(value.count), 2) + value))
  }

  static func attribute(
    _ name: String, _ type: [UInt8], _ dimensions: [UInt64] = [], _ data: HDF5Writer.Piece...
  ) -> HDF5TestMessage {
    let space = space(dimensions)
    let sizes = [name.utf8.count + 1, type.count, space.count].flatMap { HDF5Writer.number(UInt64($0), 2) }
    var message = HDF5TestMessage(12, .bytes([3, 0] + sizes + [0] + Array(name.utf8) + [0] + type + space))
    message.pieces += data
    return message
  }

  static func text(_ name: String, _ text: String) -> HDF5TestMessage {
    attribute(name, string(text.utf8.count), [], .bytes(Array(text.utf8)))
  }

  static func layout(_ head: [UInt8], _ pieces: HDF5Writer.Piece...) -> HDF5TestMessage {
    var message = HDF5TestMessage(8, .bytes(head))
    message.pieces += pieces
    return message
  }

  static func contiguous(_ label: String, _ size: UInt64) -> HDF5TestMessage {
    layout([3, 1], .address(label), .bytes(HDF5Writer.number(size, 8)))
  }

  /// The messages of a dataset.
  static func dataset(
    _ type: [UInt8], _ dimensions: [UInt64], _ layout: HDF5TestMessage
  ) -> [HDF5TestMessage] {
    [HDF5TestMessage(1, .bytes(space(dimensions))), HDF5TestMessage(3, .bytes(type)), layout]
  }
}
