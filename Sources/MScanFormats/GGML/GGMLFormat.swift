import MScanBytes
public import MScanFacts

/// The formats of ggml before GGUF: `ggml`, `ggmf` and `ggjt` models, and `ggla` adapters. A header of numbers that
/// depends on the model, a vocabulary, and tensors one behind the other. Source: `llama.cpp` and `whisper.cpp`, 2023.
public enum GGMLFormat: Format {
  public static let id = "ggml"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var reader = GGMLReader(input)
    do throws(ParseFailure) {
      try reader.read(into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
      UnownedBytes.carve(ByteRange(reader.offset, input.source.count), of: input, into: &sink)
    }
    sink.sortFacts(after: mark)
  }
}

/// How a kind of model lays its header out; nothing in the file says which it is, so each is tried.
private struct GGMLLayout {
  let name: String
  /// The numbers of the header, in order.
  let fields: [String]
  /// Filters of a spectrogram come next: rows, columns, floats.
  var hasFilters = false
  /// The vocabulary has a length of its own.
  var repeatsLength = true
  /// Each token has a score.
  var hasScores = false

  static let llama = GGMLLayout(
    name: "llama", fields: ["n_vocab", "n_embd", "n_mult", "n_head", "n_layer", "n_rot", "ftype"], repeatsLength: false)
  static let scored = GGMLLayout(
    name: "llama", fields: llama.fields, repeatsLength: false, hasScores: true)
  static let whisper = GGMLLayout(
    name: "whisper",
    fields: [
      "n_vocab", "n_audio_ctx", "n_audio_state", "n_audio_head", "n_audio_layer", "n_text_ctx", "n_text_state",
      "n_text_head", "n_text_layer", "n_mels", "ftype",
    ], hasFilters: true)
  static let gpt = GGMLLayout(name: "gpt", fields: ["n_vocab", "n_ctx", "n_embd", "n_head", "n_layer", "ftype"])
  static let gptJ = GGMLLayout(
    name: "gpt-j", fields: ["n_vocab", "n_ctx", "n_embd", "n_head", "n_layer", "n_rot", "ftype"])
  static let neoX = GGMLLayout(
    name: "gpt-neox", fields: ["n_vocab", "n_ctx", "n_embd", "n_head", "n_layer", "n_rot", "par_res", "ftype"])
}

private struct GGMLReader {
  private static let dimensions = 4
  private static let nameLimit = 4096
  private static let alignment = 32

  private let input: ArtifactInput
  private var wire: WindowReader

  var offset: Int { wire.offset }

  init(_ input: ArtifactInput) {
    self.input = input
    wire = WindowReader(input.source)
  }

  mutating func read(into sink: inout FactBuffer) throws(ParseFailure) {
    let magic = try wire.readUInt32("magic")
    var version: UInt32 = 0
    if magic != 0x6767_6d6c { version = try wire.readUInt32("version") }
    let start = wire
    switch magic {
    case 0x6767_6c61:
      guard version == 1 else { throw ParseFailure(.unsupported, "version", at: 4) }
      for name in ["lora_r", "lora_alpha"] {
        state(
          name, .number(String(Int32(bitPattern: try wire.readUInt32("hparams")))), at: wire.offset &- 4, into: &sink)
      }
      try tensors(isAligned: true, into: &sink)
    case 0x6767_6d66, 0x6767_6a74:
      guard (1...3).contains(version) else { throw ParseFailure(.unsupported, "version", at: 4) }
      try header(.scored, into: &sink)
      try tensors(isAligned: magic == 0x6767_6a74, into: &sink)
    default:
      for layout in [GGMLLayout.whisper, .gpt, .gptJ, .neoX, .llama] {
        var trial = self
        var unused = FactBuffer()
        guard (try? trial.header(layout, into: &unused)) != nil, trial.startsTensor() else { continue }
        wire = start
        try header(layout, into: &sink)
        return try tensors(isAligned: false, into: &sink)
      }
      throw ParseFailure(.unsupported, "hparams", at: 4)
    }
  }

  // MARK: Header

  /// The numbers and the vocabulary; whichever layout is wrong soon meets a length that does not fit.
  private mutating func header(_ layout: GGMLLayout, into sink: inout FactBuffer) throws(ParseFailure) {
    state("layout", .text(layout.name), at: wire.offset, into: &sink)
    var numbers: [String: Int32] = [:]
    for name in layout.fields {
      let at = wire.offset
      let number = Int32(bitPattern: try wire.readUInt32("hparams"))
      guard number >= 0 else { throw ParseFailure(.malformed, "hparams", at: at) }
      numbers[name] = number
      state(name, .number(String(number)), at: at, into: &sink)
    }
    if layout.hasFilters {
      let rows = try wire.readUInt32("n_mel")
      let columns = try wire.readUInt32("n_fft")
      guard rows > 0, columns > 0 else { throw ParseFailure(.malformed, "filters", at: wire.offset) }
      let (bytes, over) = (UInt64(rows) &* UInt64(columns)).multipliedReportingOverflow(by: 4)
      guard !over else { throw ParseFailure(.truncated, "filters", at: wire.offset) }
      try wire.skip(bytes, "filters")
    }
    let at = wire.offset
    var count = numbers["n_vocab"] ?? 0
    if layout.repeatsLength {
      let own = Int32(bitPattern: try wire.readUInt32("vocabulary"))
      // whisper.cpp makes up the tokens that are missing.
      guard own >= 0, layout.hasFilters ? own <= count : own == count else {
        throw ParseFailure(.malformed, "vocabulary", at: at)
      }
      count = own
    }
    guard count > 0, Int(count) <= wire.remaining / 4 else { throw ParseFailure(.truncated, "vocabulary", at: at) }
    for _ in 0..<count {
      try wire.skip(try wire.readUInt32("token"), "token")
      if layout.hasScores { try wire.skip(4, "score") }
    }
    sink.emit(
      .value(ValueFact(keyPath: "vocabulary", value: .array(Int(count)))), artifact: input.index,
      range: ByteRange(at, wire.offset), place: .path("/vocabulary"))
  }

  // MARK: Tensors

  /// Whether a tensor's header is possible here.
  private mutating func startsTensor() -> Bool {
    guard let dimensions = try? wire.readUInt32("n_dims"), let length = try? wire.readUInt32("name length"),
      let type = try? wire.readUInt32("ftype")
    else { return false }
    return (1...4).contains(dimensions) && (1...256).contains(length) && GGMLType.numbered(type) != nil
  }

  private mutating func tensors(isAligned: Bool, into sink: inout FactBuffer) throws(ParseFailure) {
    var count = 0
    while wire.remaining > 0 {
      guard count < input.limits.tensors else { throw ParseFailure(.limitExceeded, "tensors", at: wire.offset) }
      count &+= 1
      try tensor(isAligned: isAligned, into: &sink)
    }
  }

  private mutating func tensor(isAligned: Bool, into sink: inout FactBuffer) throws(ParseFailure) {
    let start = wire.offset
    let dimensions = try wire.readUInt32("n_dims")
    let length = try wire.readUInt32("name length")
    let number = try wire.readUInt32("ftype")
    guard dimensions <= Self.dimensions else { throw ParseFailure(.malformed, "n_dims", at: start) }
    var shape: [Int] = []
    var elements = 1
    for _ in 0..<dimensions {
      let at = wire.offset
      let extent = Int(Int32(bitPattern: try wire.readUInt32("ne")))
      let (product, over) = elements.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !over else { throw ParseFailure(.malformed, "ne", at: at) }
      elements = product
      shape.append(extent)
    }
    guard Int(length) <= wire.remaining else { throw ParseFailure(.truncated, "name", at: wire.offset) }
    let kept = try wire.bytes(min(Int(length), Self.nameLimit), "name")
    try wire.skip(Int(length) &- kept.count, "name")
    if isAligned { try wire.skip((Self.alignment &- wire.offset % Self.alignment) % Self.alignment, "padding") }
    guard let type = GGMLType.numbered(number), let size = type.size(count: elements, row: shape.first ?? 1) else {
      throw ParseFailure(.unsupported, "ftype", at: start)
    }
    let bytes = ByteRange(at: wire.offset, count: size)
    let name = String(decoding: kept, as: UTF8.self)
    try wire.skip(size, "data")
    sink.emit(
      .tensor(TensorFact(name: name, dtype: type.name, shape: shape, bytes: bytes)), artifact: input.index,
      range: ByteRange(start, bytes.start), place: .tensor(name))
  }

  private func state(_ path: String, _ value: ValueFact.Scalar, at offset: Int, into sink: inout FactBuffer) {
    sink.emit(
      .value(ValueFact(keyPath: path, value: value)), artifact: input.index,
      range: ByteRange(offset, min(offset &+ 4, input.source.count)), place: .path("/" + path))
  }
}
