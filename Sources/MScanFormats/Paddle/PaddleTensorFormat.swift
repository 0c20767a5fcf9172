import MScanBytes
public import MScanFacts

/// Parameters of PaddlePaddle: tensors one behind the other, without names. Their own bytes are not read. Source:
/// `SerializeToStream` in `lod_tensor.cc` and `tensor_util.cc` of Paddle 2.6. Worked example, two floats:
///
///     00 00 00 00  00 00 … (8)    version, levels of LoD; each level has a length in bytes and offsets
///     00 00 00 00                 version of the tensor
///     04 00 00 00  08 05 10 02    length of the description: type 5 (FP32), dims 2
///     …                           8 bytes of data
public enum PaddleTensorFormat: Format {
  public static let id = "paddle-tensor"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var wire = WindowReader(input.source)
    var number = 0
    do throws(ParseFailure) {
      while wire.remaining > 0 {
        guard number < input.limits.tensors else {
          throw ParseFailure(.limitExceeded, "tensors", at: wire.offset)
        }
        let start = wire.offset
        let tensor = try tensor(&wire)
        let name = String(number)
        sink.emit(
          .tensor(TensorFact(name: name, dtype: tensor.type.name, shape: tensor.shape, bytes: tensor.bytes)),
          artifact: input.index, range: ByteRange(start, tensor.bytes.start), place: .tensor(name))
        number &+= 1
      }
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
      UnownedBytes.carve(ByteRange(wire.offset, input.source.count), of: input, into: &sink)
    }
    sink.sortFacts(after: mark)
  }

  /// Whether a tensor whose size fits stands at the start.
  static func isTensor(_ source: ByteSource) -> Bool {
    guard source.prefix(4) == [0, 0, 0, 0] else { return false }
    var wire = WindowReader(source)
    return (try? tensor(&wire)) != nil
  }

  private struct Tensor {
    var type: (name: String, bytes: Int)
    var shape: [Int]
    var bytes: ByteRange
  }

  private static let levels = 16
  private static let description = 1 << 10

  private static func tensor(_ wire: inout WindowReader) throws(ParseFailure) -> Tensor {
    let start = wire.offset
    guard try wire.readUInt32("version") == 0 else { throw ParseFailure(.malformed, "version", at: start) }
    let levels = try wire.readUInt64("lod_level")
    guard levels <= Self.levels else { throw ParseFailure(.malformed, "lod_level", at: start) }
    for _ in 0..<levels { try wire.skip(try wire.readUInt64("lod"), "lod") }
    let tensorAt = wire.offset
    guard try wire.readUInt32("tensor version") == 0 else {
      throw ParseFailure(.malformed, "tensor version", at: tensorAt)
    }
    let size = try wire.readUInt32("desc size")
    guard size > 0, size <= Self.description else { throw ParseFailure(.malformed, "desc size", at: tensorAt) }
    let descAt = wire.offset
    var description = ByteCursor(try wire.bytes(Int(size), "desc"), base: descAt)
    let (type, shape) = try Self.describe(&description)
    var elements = type.bytes
    for extent in shape {
      let (product, over) = elements.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !over else { throw ParseFailure(.malformed, "dims", at: descAt) }
      elements = product
    }
    let data = ByteRange(at: wire.offset, count: elements)
    try wire.skip(elements, "data")
    return Tensor(type: type, shape: shape, bytes: data)
  }

  /// `TensorDesc`: 1 `data_type`, 2 `dims`.
  private static func describe(
    _ cursor: inout ByteCursor
  ) throws(ParseFailure) -> (type: (name: String, bytes: Int), shape: [Int]) {
    let start = cursor.offset
    var type: (name: String, bytes: Int)?
    var shape: [Int] = []
    while !cursor.isAtEnd {
      switch try cursor.readUInt8("desc") {
      case 0x08: type = types[Int(clamping: try varint(&cursor))]
      case 0x10: shape.append(Int(clamping: Int64(bitPattern: try varint(&cursor))))
      case 0x12:
        let length = Int(clamping: min(try varint(&cursor), UInt64(description)))
        let end = cursor.index &+ length
        while cursor.index < end {
          shape.append(Int(clamping: Int64(bitPattern: try varint(&cursor))))
        }
      default: throw ParseFailure(.malformed, "desc", at: start)
      }
    }
    guard let type else { throw ParseFailure(.malformed, "data_type", at: start) }
    return (type, shape)
  }

  private static func varint(_ cursor: inout ByteCursor) throws(ParseFailure) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      let byte = try cursor.readUInt8("varint")
      value |= UInt64(byte & 0x7f) &<< shift
      if byte < 0x80 { return value }
    }
    throw ParseFailure(.malformed, "varint", at: cursor.offset)
  }

  /// Element types and their bytes.
  private static let types: [Int: (name: String, bytes: Int)] = [
    0: ("BOOL", 1), 1: ("INT16", 2), 2: ("INT32", 4), 3: ("INT64", 8), 4: ("FP16", 2), 5: ("FP32", 4), 6: ("FP64", 8),
    20: ("UINT8", 1), 21: ("INT8", 1), 22: ("BF16", 2), 23: ("COMPLEX64", 8), 24: ("COMPLEX128", 16),
    32: ("FP8_E4M3FN", 1), 33: ("FP8_E5M2", 1),
  ]
}
