import MScanBytes
import MScanFacts

extension GGUFReader {
  /// `GGML_MAX_DIMS`.
  private static let dimensions = 4
  /// `GGML_MAX_NAME` with its closing zero.
  private static let nameLength = 63
  /// Extents that are read of a tensor; no reader takes as many.
  private static let extentsKept = 64

  /// One row of the table of tensors.
  mutating func tensor(into sink: inout FactBuffer) throws(ParseFailure) {
    try checkRoom()
    let start = wire.offset
    let (bytes, text) = try string("tensor name", limit: Self.textLimit, of: "a tensor", into: &sink)
    let name = String(decoding: bytes, as: UTF8.self)
    let dimensionsAt = wire.offset
    let stated = try wire.readUInt32("n_dimensions")
    let width = version == 1 ? 4 : 8
    guard let count = Int(exactly: stated), count <= wire.remaining / width else {
      throw stop(
        "gguf.length-out-of-file", ByteRange(dimensionsAt, wire.offset), field: "n_dimensions",
        detail: "\(short(name)): \(stated) dimensions, \(wire.remaining) bytes follow", place: .tensor(short(name)),
        into: &sink)
    }
    var raw: [UInt64] = []
    for _ in 0..<min(count, Self.extentsKept) { raw.append(try wire.readUnsigned(width, "dimensions")) }
    try wire.skip((count &- raw.count) &* width, "dimensions")
    let typeNumber = try wire.readUInt32("type")
    let offset = try wire.readUInt64("offset")
    let type = GGMLType.numbered(typeNumber)
    var tensor = Tensor(
      name: name, type: type?.name ?? "type \(typeNumber)", shape: raw.map { Int(clamping: $0) },
      entry: ByteRange(start, wire.offset), offset: offset)
    checkName(bytes, length: text.count, tensor, into: &sink)
    if count > Self.dimensions {
      note("gguf.dimensions", "n_dimensions", "\(count) dimensions, \(Self.dimensions) exist", tensor, into: &sink)
    }
    let elements = count <= Self.extentsKept ? elementCount(raw, tensor, into: &sink) : nil
    tensor.size = size(elements, type, tensor, into: &sink)
    tensors.append(tensor)
  }

  private mutating func checkName(_ bytes: [UInt8], length: Int, _ tensor: Tensor, into sink: inout FactBuffer) {
    if length > Self.nameLength {
      note("gguf.tensor-name", "tensor name", "\(length) bytes, \(Self.nameLength) fit", tensor, into: &sink)
    }
    if !names.insert(Self.digest(bytes)).inserted {
      note("gguf.duplicate-tensor", "tensor name", "the name is used twice", tensor, into: &sink)
    }
  }

  /// The product of the extents; nil when it passes 63 bits.
  private func elementCount(_ extents: [UInt64], _ tensor: Tensor, into sink: inout FactBuffer) -> Int? {
    var elements = 1
    for extent in extents {
      guard let factor = Int(exactly: extent) else {
        note("gguf.shape-overflow", "dimensions", "an extent is \(extent)", tensor, into: &sink)
        return nil
      }
      // Readers divide by the extents to see whether the product fits.
      if factor == 0 { note("gguf.dimensions", "dimensions", "an extent is 0", tensor, into: &sink) }
      let (product, over) = elements.multipliedReportingOverflow(by: factor)
      guard !over else {
        note("gguf.shape-overflow", "dimensions", "\(extents) elements", tensor, into: &sink)
        return nil
      }
      elements = product
    }
    return elements
  }

  private func size(
    _ elements: Int?, _ type: GGMLType?, _ tensor: Tensor, into sink: inout FactBuffer
  ) -> Int? {
    guard let type else {
      note("gguf.unknown-type", "type", tensor.type, tensor, into: &sink)
      return nil
    }
    if type.isRemoved { note("gguf.removed-type", "type", type.name, tensor, into: &sink) }
    guard let elements else { return nil }
    let row = tensor.shape.first ?? 1
    guard row % type.elements == 0 else {
      note(
        "gguf.block-size", "dimensions", "rows of \(row), blocks of \(type.elements) (\(type.name))", tensor,
        into: &sink)
      return nil
    }
    guard let size = type.size(count: elements, row: row) else {
      note("gguf.shape-overflow", "dimensions", "\(elements) elements of \(type.name)", tensor, into: &sink)
      return nil
    }
    return size
  }

  // MARK: Data

  /// Zero bytes between tensors that are looked at, in all. Bytes; more than the tensors of real models leave.
  private static let paddingRead = 1 << 18

  /// States the tensors, in the order of the table.
  func stateTensors(dataStart: Int, into sink: inout FactBuffer) {
    let size = input.source.count
    for tensor in tensors {
      let (sum, over) = dataStart.addingReportingOverflow(Int(clamping: tensor.offset))
      let begin = over ? size : min(sum, size)
      let bytes = ByteRange(at: begin, count: min(tensor.size ?? 0, size &- begin))
      sink.emit(
        .tensor(TensorFact(name: tensor.name, dtype: tensor.type, shape: tensor.shape, bytes: bytes)),
        artifact: input.index, range: tensor.entry, place: .tensor(tensor.name))
    }
  }

  /// The data behind the table: where it starts, which tensor owns what, and what nobody owns.
  mutating func layOut(into sink: inout FactBuffer) {
    let size = input.source.count
    let dataStart = min(aligned(wire.offset), size)
    stateTensors(dataStart: dataStart, into: &sink)
    var paddingLeft = Self.paddingRead
    checkPadding(ByteRange(wire.offset, dataStart), &paddingLeft, into: &sink)
    let length = size &- dataStart
    var owned = 0
    // Behind a tensor of a size that nobody knows, bytes may be its own.
    var isOpen = false
    tensors.sort { ($0.offset, $0.size ?? 0) < ($1.offset, $1.size ?? 0) }
    for tensor in tensors {
      if tensor.offset % UInt64(truncatingIfNeeded: alignment) != 0 {
        note(
          "gguf.offset-misaligned", "offset", "\(tensor.offset) is no multiple of \(alignment)", tensor, into: &sink)
      }
      let begin = Int(clamping: tensor.offset)
      let (sum, over) = begin.addingReportingOverflow(tensor.size ?? 0)
      let end = over ? Int.max : sum
      if end > length {
        note("gguf.out-of-file", "offset", "bytes \(begin) to \(end) of \(length)", tensor, into: &sink)
      }
      if begin < owned {
        note(
          "gguf.overlap", "offset", "starts at \(begin), bytes up to \(owned) have an owner", tensor, into: &sink)
      } else if !isOpen {
        unowned(owned, min(begin, length), dataStart, &paddingLeft, "gguf.gap", into: &sink)
      }
      isOpen = tensor.size == nil
      owned = max(owned, min(end, length))
    }
    if !isOpen { unowned(owned, length, dataStart, &paddingLeft, "gguf.trailing-bytes", into: &sink) }
  }

  /// The next multiple of the alignment.
  private func aligned(_ offset: Int) -> Int {
    let rest = offset % alignment
    guard rest > 0 else { return offset }
    let (sum, over) = offset.addingReportingOverflow(alignment &- rest)
    return over ? Int.max : sum
  }

  /// Bytes of the data that no tensor owns: padding up to the next multiple of the alignment, and what is behind it.
  private func unowned(
    _ begin: Int, _ end: Int, _ dataStart: Int, _ paddingLeft: inout Int, _ subject: String,
    into sink: inout FactBuffer
  ) {
    guard begin < end else { return }
    let padded = min(aligned(begin), end)
    checkPadding(ByteRange(dataStart &+ begin, dataStart &+ padded), &paddingLeft, into: &sink)
    guard padded < end else { return }
    let rest = ByteRange(dataStart &+ padded, dataStart &+ end)
    note(subject, rest, field: "offset", detail: "\(rest.count) bytes that no tensor owns", into: &sink)
    UnownedBytes.carve(rest, of: input, into: &sink)
  }

  private func checkPadding(_ range: ByteRange, _ left: inout Int, into sink: inout FactBuffer) {
    guard !range.isEmpty else { return }
    guard range.count <= left else {
      note("gguf.gap", range, field: "padding", detail: "\(range.count) bytes of padding", into: &sink)
      return UnownedBytes.carve(range, of: input, into: &sink)
    }
    left &-= range.count
    guard input.source.prefix(range.count, at: range.start).contains(where: { $0 != 0 }) else { return }
    note("gguf.padding", range, field: "padding", detail: "\(range.count) bytes that are not all zero", into: &sink)
    UnownedBytes.carve(range, of: input, into: &sink)
  }

  private func note(
    _ subject: String, _ field: String, _ detail: String, _ tensor: Tensor, into sink: inout FactBuffer
  ) {
    note(
      subject, tensor.entry, field: field, detail: "\(short(tensor.name)): \(detail)",
      place: .tensor(short(tensor.name)),
      into: &sink)
  }
}
