import MScanBytes
public import MScanFacts

/// safetensors: a length of eight bytes, a JSON header, and tensors that tile the rest. Specification: the format
/// section of the safetensors README and its reference implementation. Tensor data is never read.
public enum SafetensorsFormat: Format {
  public static let id = "safetensors"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    do throws(ParseFailure) {
      try SafetensorsReader(input: input).read(into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    sink.sortFacts(after: mark)
  }
}

struct SafetensorsReader {
  let input: ArtifactInput
  private var source: ByteSource { input.source }

  init(input: ArtifactInput) { self.input = input }

  func read(into sink: inout FactBuffer) throws(ParseFailure) {
    var cursor = ByteCursor(source.prefix(8))
    let stated = try cursor.readUInt64("header length")
    guard let length = Int(exactly: stated), length <= source.count - 8 else {
      throw ParseFailure(.truncated, "header length", at: 0)
    }
    guard length <= input.limits.safetensorsHeader else {
      throw ParseFailure(.limitExceeded, "safetensorsHeader", at: 0)
    }
    let bytes = try source.bytes(ByteRange(8, 8 + length), limit: length, field: "header")
    let (valid, isValid) = PickleText.validUTF8(bytes[...], surrogates: false)
    if !isValid || valid < bytes.count {
      anomaly("safetensors.invalid-utf8", ByteRange(8 + valid, 8 + valid + 1), "byte \(8 + valid)", true, into: &sink)
    }
    if let first = bytes.first, first != 0x7b {
      anomaly("safetensors.header-start", ByteRange(8, 9), "the header does not start with {", into: &sink)
    }
    var header = SafetensorsHeader(bytes)
    var scanner = JSONScanner(bytes, base: 8, nesting: input.limits.nesting)
    var isWhole = true
    do throws(ParseFailure) {
      try scanner.scan(&header)
      let padding = bytes[scanner.index...]
      if padding.contains(where: { $0 != 0x20 }) {
        anomaly(
          "safetensors.header-padding", ByteRange(8 + scanner.index, 8 + bytes.count),
          "\(padding.count) bytes behind the header's object are not blanks", into: &sink)
      }
    } catch {
      isWhole = false
      anomaly(
        error.reason == .limitExceeded ? "limit.nesting" : "safetensors.invalid-json",
        ByteRange(at: error.offset, count: 1), "\(error.fieldName) at byte \(error.offset)", true, into: &sink)
    }
    if isWhole, !header.isObject {
      anomaly("safetensors.invalid-header", ByteRange(8, 9), "the header is not an object", true, into: &sink)
    }
    state(header, dataStart: 8 + length, isWhole: isWhole, into: &sink)
  }

  private func anomaly(
    _ subject: String, _ range: ByteRange, _ detail: String, _ incomplete: Bool = false, place: Place = .whole,
    into sink: inout FactBuffer
  ) {
    let cut = ByteRange(min(range.start, source.count), min(range.end, source.count))
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, detail: detail, incomplete: incomplete)), artifact: input.index,
      range: cut, place: place)
  }

  // MARK: Tensors

  private func state(
    _ header: SafetensorsHeader, dataStart: Int, isWhole: Bool, into sink: inout FactBuffer
  ) {
    for problem in header.problems {
      anomaly(
        problem.subject, ByteRange(8 + problem.range.lowerBound, 8 + problem.range.upperBound), problem.detail,
        into: &sink)
    }
    for entry in header.metadata where input.interest.everything || input.interest.wants(key: "__metadata__") {
      sink.emit(
        .value(ValueFact(keyPath: "__metadata__." + entry.key, value: .text(String(entry.value.prefix(4096))))),
        artifact: input.index, range: ByteRange(8 + entry.range.lowerBound, 8 + entry.range.upperBound),
        place: .path("/__metadata__/" + entry.key))
    }
    var extents: [(range: ByteRange, name: String)] = []
    for tensor in header.tensors {
      if let extent = state(tensor, dataStart: dataStart, into: &sink) { extents.append((extent, tensor.name)) }
    }
    if isWhole { account(extents.sorted { ($0.range, $0.name) < ($1.range, $1.name) }, from: dataStart, into: &sink) }
  }

  /// States one tensor and what is wrong with it. Returns the bytes it claims, in the file.
  private func state(
    _ tensor: SafetensorsHeader.Tensor, dataStart: Int, into sink: inout FactBuffer
  ) -> ByteRange? {
    let place = Place.tensor(tensor.name)
    let range = ByteRange(8 + tensor.key.lowerBound, 8 + max(tensor.end, tensor.key.upperBound))
    guard let dtype = tensor.dtype, let shape = tensor.shape, let offsets = tensor.offsets, offsets.count == 2 else {
      anomaly(
        "safetensors.invalid-header", range, "\(tensor.name) lacks dtype, shape or data_offsets", true, place: place,
        into: &sink)
      return nil
    }
    let (start, overStart) = dataStart.addingReportingOverflow(offsets[0])
    let (end, overEnd) = dataStart.addingReportingOverflow(offsets[1])
    guard !overStart, !overEnd, start <= end else {
      anomaly(
        "safetensors.offsets", range, "\(tensor.name): data_offsets \(offsets)", true, place: place, into: &sink)
      return nil
    }
    let extent = ByteRange(start, end)
    sink.emit(
      .tensor(TensorFact(name: tensor.name, dtype: dtype, shape: shape, bytes: extent)), artifact: input.index,
      range: range, place: place)
    if end > source.count {
      anomaly(
        "safetensors.out-of-file", range, "\(tensor.name) ends at byte \(end) of \(source.count)", true, place: place,
        into: &sink)
    }
    guard let bits = SafetensorsHeader.bits[dtype] else {
      anomaly("safetensors.unknown-dtype", range, "\(tensor.name): \(dtype)", place: place, into: &sink)
      return extent
    }
    if size(shape, bits: bits) != extent.count {
      anomaly(
        "safetensors.shape-mismatch", range, "\(tensor.name): \(dtype) \(shape) in \(extent.count) bytes",
        place: place, into: &sink)
    }
    return extent
  }

  /// Bytes of a tensor; nil when that overflows or is not whole.
  private func size(_ shape: [Int], bits: Int) -> Int? {
    var total = bits
    for side in shape {
      let (product, over) = total.multipliedReportingOverflow(by: side)
      guard !over else { return nil }
      total = product
    }
    return total % 8 == 0 ? total / 8 : nil
  }

  /// Holds the tensors against the bytes: they tile the data without gap, overlap or rest.
  private func account(
    _ extents: [(range: ByteRange, name: String)], from dataStart: Int, into sink: inout FactBuffer
  ) {
    var at = dataStart
    for (range, name) in extents {
      if range.start > at { unowned(ByteRange(at, range.start), "safetensors.gap", "before \(name)", into: &sink) }
      if range.start < at, !range.isEmpty {
        anomaly(
          "safetensors.overlap", range, "\(name) shares bytes with another tensor", place: .tensor(name), into: &sink)
      }
      at = max(at, range.end)
    }
    if at < source.count {
      unowned(ByteRange(at, source.count), "safetensors.trailing-bytes", "behind the last tensor", into: &sink)
    }
  }

  private func unowned(_ range: ByteRange, _ subject: String, _ what: String, into sink: inout FactBuffer) {
    let cut = ByteRange(min(range.start, source.count), min(range.end, source.count))
    anomaly(subject, cut, "\(cut.count) bytes \(what)", into: &sink)
    let part = source.slice(cut)
    let head = part.prefix(64)
    guard MagicBytes.isUnmistakable(head) || (part.count < 1 << 20 && PickleFormat.isPickle(part)) else { return }
    sink.addChild(
      Artifact(
        name: "bytes at \(cut.start)", parent: input.index, rangeInParent: cut, encoding: .stored, size: part.count),
      source: part)
  }
}
