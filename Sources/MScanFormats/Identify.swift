public import MScanBytes

/// What bytes are, by what they say; the name is only asked where bytes leave it open.
public enum Identify {
  public struct Identification: Sendable, Hashable {
    /// Format id; nil when nothing fits.
    public var format: String?
    /// The format that the name claims; empty when it claims none.
    public var claimed: String
    /// Formats that the same bytes are valid as, besides `format`.
    public var also: [String]

    public init(format: String?, claimed: String = "", also: [String] = []) {
      self.format = format
      self.claimed = claimed
      self.also = also
    }
  }

  private static let headLength = 1 << 12
  private static let tailLength = 0xffff + 22

  /// Identifies a source by its head (4 KiB), and by its tail (64 KiB) where a zip could hide. Protocol 0 and 1 pickles
  /// are found by a dry run.
  ///
  /// - Parameter name: last component of its path.
  public static func identify(_ source: ByteSource, name: String) -> Identification {
    let ending = ending(of: name)
    let claimed = claim(of: name)
    guard source.count > 0 else {
      return Identification(format: "empty", claimed: isCompatible("empty", with: claimed) ? "empty" : claimed)
    }
    let head = source.prefix(headLength)
    var formats = heads(head, source, claimed: claimed)
    if formats.isEmpty {
      let isModelName = modelEndings.contains(ending)
      formats = [unmarked(head, source, name: name, claimed: claimed, isModelName: isModelName)].compactMap(\.self)
    }
    formats = withProtobuf(formats, head, source, claimed: claimed)
    if formats.isEmpty { formats = [TensorData.kind(head, name: name)].compactMap(\.self) }
    if formats.isEmpty { formats = [NamedFormats.identify(head, source, name: name)].compactMap(\.self) }
    // The readers of these two know about it.
    if formats.isEmpty, claimed != "yaml", claimed != "python", WideText.isText(head) { formats = [WideTextFormat.id] }
    // What a reader was promised, it says what is wrong with.
    if formats.isEmpty, promises.contains(claimed) { formats = [claimed] }
    if hasUserBlock(source, head: head, claimed: claimed), formats.first != "hdf5" {
      formats = ["hdf5"] + formats.filter { !textFormats.contains($0) && $0 != "text" }
    }
    // A zip is found from its end: whatever stands before it, zip readers open it.
    if formats.first != "zip", !readsOwnTail(formats), let end = zipTail(source, head: head),
      formats.first != "tar" || !TarMembers.isMember(zipEndingAt: end, of: source)
    {
      let isOwn = formats.first.map { isContainerOfItsOwn($0) } ?? false
      let rest = formats.filter { !["text", "markdown", "yaml"].contains($0) }
      formats = isOwn ? formats + ["zip"] : ["zip"] + rest
    }
    var found = Identification(format: formats.first, claimed: claimed, also: Array(formats.dropFirst()))
    if modelEndings.contains(ending) { found.claimed = "" }
    // Names of text promise no more than text; a pointer of Git LFS stands for the file that has the name.
    if let format = found.format, isCompatible(format, with: claimed) {
      found.claimed = format
    } else if RepositoryNames.formats.contains(claimed) {
      found.claimed = claimed == NotebookFormat.id ? "json" : "text"
    }
    return found
  }

  /// What the first bytes are. More than one where loaders that go by the name would each read on.
  private static func heads(_ head: [UInt8], _ source: ByteSource, claimed: String) -> [String] {
    guard let marked = magic(head, source) else { return [] }
    // Python's `tarfile` looks at the checksum, whatever the first member's name starts with.
    if isTarHeader(head) {
      let other = marked == "tar" ? Codec.starting(head)?.name : marked
      return ["tar"] + [other].compactMap(\.self)
    }
    // The signature of HDF5 is an opcode and then, `H`, none.
    if ["zip", "pickle", "git-lfs-pointer", "hdf5"].contains(marked) { return [marked] }
    // `ID3 = 1` is a line of Python, and a template may start as it likes.
    if isText(head, whole: head.count == source.count) { return [] }
    let isSource = claimed == "jinja" || textFormats.contains(claimed) && !head.contains(0)
    // `GGUF` is a float and `GIF8` is one to an unpickler, and a safetensors length can be PROTO and an opcode.
    let first = isSource ? claimed : marked
    return mayStartPickle(head) && PickleFormat.isPickle(source) ? [first, "pickle"] : [first]
  }

  /// Adds the protocol buffers that the bytes are. Text is what they are looked for in when the name says so.
  private static func withProtobuf(
    _ formats: [String], _ head: [UInt8], _ source: ByteSource, claimed: String
  ) -> [String] {
    let isClaimed = claimed == "protobuf" || ProtobufIdentity.formats.contains(claimed)
    if !isClaimed, let first = formats.first, first == "text" || first == "json" || textFormats.contains(first) {
      return first == "text" && claimed == "protobuf-text" && TensorData.isGraphText(head) ? [claimed] : formats
    }
    guard isClaimed || !isText(head, whole: head.count == source.count) else { return formats }
    var kinds = ProtobufIdentity.kinds(of: source, head: head)
    if CheckpointReader.isTable(source) { kinds.append(CheckpointFormat.id) }
    guard !kinds.isEmpty else { return formats }
    return formats.filter { $0 != "text" } + kinds
  }

  /// Whether an unpickler takes the first byte on an empty stack.
  public static func mayStartPickle(_ head: [UInt8]) -> Bool {
    guard let first = head.first else { return false }
    return pickleStarts.contains(first)
  }

  private static let pickleStarts: Set<UInt8> = Set(
    Array("()]}BCFGIJKLMNPSTUVXc".utf8) + [0x80, 0x82, 0x83, 0x84] + Array(0x88...0x8f) + [0x95, 0x96, 0x97])

  private static func isCompatible(_ format: String, with claimed: String) -> Bool {
    switch claimed {
    case "": false
    case "text", "yaml", "markdown", "jinja", "python":
      textFormats.contains(format) || ["text", "json", "empty", "git-lfs-pointer", WideTextFormat.id].contains(format)
    case "json": format == "git-lfs-pointer" || format == WideTextFormat.id
    case _ where RepositoryNames.formats.contains(claimed): isCompatible(format, with: "text")
    case "zip": format == "git-lfs-pointer" || format == "hdf5"
    case "tar": ["git-lfs-pointer", "gzip", "bzip2", "xz", "zstd", "lz4"].contains(format)
    case "elf": format == "git-lfs-pointer" || Executables.formats.contains(format)
    case "protobuf-text": format == "git-lfs-pointer" || format == "text"
    case "protobuf": format == "git-lfs-pointer" || ProtobufIdentity.formats.contains(format)
    default: format == "git-lfs-pointer"
    }
  }

  /// Formats whose writers put a zip behind the model; their readers look for it.
  private static func readsOwnTail(_ formats: [String]) -> Bool { formats == ["tflite"] }

  /// Formats that a reader opens from the front and that another reader opens as a zip.
  private static func isContainerOfItsOwn(_ format: String) -> Bool {
    [
      "safetensors", "pickle", "npy", "gguf", "hdf5", "tar", "gzip", "bzip2", "xz", "lzma", "zstd", "lz4",
      "zlib", "7z",
    ]
    .contains(format) || ProtobufIdentity.formats.contains(format)
      || Executables.formats.contains(format)
  }

  // MARK: Magic numbers

  private struct Magic {
    let format: String
    let bytes: [UInt8]
    var offset = 0
  }

  private static let magics: [Magic] = [
    Magic(format: "zip", bytes: [0x50, 0x4b, 3, 4]), Magic(format: "zip", bytes: [0x50, 0x4b, 5, 6]),
    Magic(format: "npy", bytes: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]),
    Magic(format: ZFileFormat.id, bytes: ZFileFormat.magic),
    Magic(format: "7z", bytes: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]),
    Magic(format: "tar", bytes: [0x75, 0x73, 0x74, 0x61, 0x72], offset: 257),
    Magic(format: "hdf5", bytes: [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]),
    Magic(format: "gguf", bytes: [0x47, 0x47, 0x55, 0x46]), Magic(format: "ggml", bytes: [0x6c, 0x6d, 0x67, 0x67]),
    Magic(format: "ggml", bytes: [0x74, 0x6a, 0x67, 0x67]),
    Magic(format: "tflite", bytes: [0x54, 0x46, 0x4c, 0x33], offset: 4),
    Magic(format: "torch-mobile", bytes: [0x50, 0x54, 0x4d, 0x46], offset: 4),
    Magic(format: "sqlite", bytes: [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65, 0x20]),
    Magic(format: "image", bytes: [0x89, 0x50, 0x4e, 0x47]), Magic(format: "image", bytes: [0xff, 0xd8, 0xff]),
    Magic(format: "image", bytes: [0x47, 0x49, 0x46, 0x38]),
    Magic(format: "image", bytes: [0x57, 0x45, 0x42, 0x50], offset: 8),
    Magic(format: "image", bytes: [0x49, 0x49, 0x2a, 0]), Magic(format: "image", bytes: [0, 0, 1, 0, 1]),
    Magic(format: "audio", bytes: [0x57, 0x41, 0x56, 0x45], offset: 8),
    Magic(format: "audio", bytes: [0x4f, 0x67, 0x67, 0x53]),
    Magic(format: "audio", bytes: [0x49, 0x44, 0x33]), Magic(format: "audio", bytes: [0x66, 0x4c, 0x61, 0x43]),
    Magic(format: "video", bytes: [0x66, 0x74, 0x79, 0x70], offset: 4),
    Magic(format: "pdf", bytes: [0x25, 0x50, 0x44, 0x46, 0x2d]),
    // Archives that are named, and not read.
    Magic(format: "rar", bytes: [0x52, 0x61, 0x72, 0x21, 0x1a, 0x07]),
    Magic(format: "cab", bytes: [0x4d, 0x53, 0x43, 0x46, 0, 0, 0, 0]),
    Magic(format: "xar", bytes: [0x78, 0x61, 0x72, 0x21, 0]),
    Magic(format: "ar", bytes: [0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e, 0x0a]),
    Magic(format: "cpio", bytes: [0x30, 0x37, 0x30, 0x37, 0x30, 0x31]),
    Magic(format: "cpio", bytes: [0x30, 0x37, 0x30, 0x37, 0x30, 0x32]),
    Magic(format: "cpio", bytes: [0x30, 0x37, 0x30, 0x37, 0x30, 0x37]),
    Magic(format: "rpm", bytes: [0xed, 0xab, 0xee, 0xdb]), Magic(format: "squashfs", bytes: [0x68, 0x73, 0x71, 0x73]),
    Magic(format: "compress", bytes: [0x1f, 0x9d]), Magic(format: "lzip", bytes: [0x4c, 0x5a, 0x49, 0x50, 1]),
    Magic(format: "lzop", bytes: [0x89, 0x4c, 0x5a, 0x4f, 0]),
    Magic(format: "brotli", bytes: [0xce, 0xb2, 0xcf, 0x81]),
  ]

  private static func magic(_ head: [UInt8], _ source: ByteSource) -> String? {
    if isSafetensors(head, source) { return "safetensors" }
    if MagicBytes.isBinaryPickle(head) { return "pickle" }
    if let program = Executables.format(head) { return program }
    for magic in magics where head.count >= magic.offset + magic.bytes.count {
      if head[magic.offset...].starts(with: magic.bytes) { return magic.format }
    }
    if GNUDBMFormat.isMagic(head) { return GNUDBMFormat.id }
    if BerkeleyDBFormat.isMagic(head) { return BerkeleyDBFormat.id }
    if PycFormat.codeStart(head) != nil { return "pyc" }
    if isTarHeader(head) { return "tar" }
    if let codec = codec(head, source) { return codec.name }
    if let format = behindSkippableFrames(source) { return format }
    // ISO 9660 begins behind sixteen blocks for the boot loader.
    if source.count > 0x8006, source.prefix(5, at: 0x8001) == Array("CD001".utf8) { return "iso" }
    if isPointer(head, count: source.count) { return "git-lfs-pointer" }
    // zlib: deflate with a window, and a check that makes the pair a multiple of 31.
    return isZlib(head, source) ? "zlib" : nil
  }

  /// Every window but the largest makes the first byte a letter or a sign, so that more has to come of it.
  private static func isZlib(_ head: [UInt8], _ source: ByteSource) -> Bool {
    guard head.count > 2, head[0] & 0x8f == 8, (Int(head[0]) * 256 + Int(head[1])) % 31 == 0 else { return false }
    let decoded = Inflate.decode(source.slice(ByteRange(0, 4096)), .zlib, limit: 256).bytes
    if head[0] == 0x78 { return !decoded.isEmpty }
    return decoded.count >= 16 && (MagicBytes.isUnmistakable(decoded) || mayStartPickle(decoded))
  }

  /// Whether the signature of HDF5 stands behind a user block. Beyond the head it is looked for where the name says so.
  private static func hasUserBlock(_ source: ByteSource, head: [UInt8], claimed: String) -> Bool {
    if claimed == "hdf5" { return HDF5Format.superblockOffset(source) != nil }
    return [512, 1024, 2048].contains { at in
      head.count > at && head[at] == 0x89 && head[at...].starts(with: HDF5Format.signature)
    }
  }

  /// The compression by its mark. A `.lzma` file has none, so its first bytes have to decode to something as well.
  private static func codec(_ head: [UInt8], _ source: ByteSource) -> Codec? {
    guard let codec = Codec.starting(head) else { return nil }
    guard codec == .lzma else { return codec }
    return Decompression.head(of: source.slice(ByteRange(0, 4096)), codec, count: 16).isEmpty ? nil : codec
  }

  /// zstd and LZ4 share their skippable frames: the first other frame says which it is. A file that has none is `zstd`.
  private static func behindSkippableFrames(_ source: ByteSource) -> String? {
    var at = 0
    for _ in 0..<1024 {
      guard let frame = Codec.skippableFrame(in: source, at: at) else { break }
      at = min(frame.end, source.count)
    }
    guard at > 0 else { return nil }
    if let codec = Codec.starting(source.prefix(16, at: at)), codec == .lz4 || codec == .lz4Legacy { return codec.name }
    return "zstd"
  }

  /// A member's header without the `ustar` mark: its checksum, in octal at 148, is the sum of its other bytes.
  private static func isTarHeader(_ head: [UInt8]) -> Bool {
    guard head.count >= 512, head[0] != 0 else { return false }
    return TarHeader(Array(head[..<512])) != nil
  }

  /// A pointer of Git LFS and nothing else: at most 1,024 bytes, in lines that its specification knows.
  private static func isPointer(_ head: [UInt8], count: Int) -> Bool {
    guard count <= 1024, head.starts(with: Array("version https://git-lfs".utf8)) else { return false }
    let lines = head.split(separator: 0x0a).dropFirst().map { String(decoding: $0, as: UTF8.self) }
    return lines.allSatisfy { line in
      let parts = line.split(separator: " ", omittingEmptySubsequences: false)
      guard parts.count == 2, let value = parts.last?.utf8 else { return false }
      if parts[0] == "size" { return value.allSatisfy { (0x30...0x39).contains($0) } }
      guard parts[0] == "oid" || parts[0].hasPrefix("ext-") else { return false }
      return value.starts(with: "sha256:".utf8)
        && value.dropFirst(7).allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
  }

  /// A length that could be a header's, and an object behind it. The reader says what else is wrong.
  private static func isSafetensors(_ head: [UInt8], _ source: ByteSource) -> Bool {
    guard head.count >= 10, head[6] == 0, head[7] == 0 else { return false }
    var index = 8
    while index < min(head.count, 64), [0x20, 0x09, 0x0a, 0x0d].contains(head[index]) { index += 1 }
    guard index < head.count, head[index] == 0x7b else { return false }
    let next = head[(index + 1)...].first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
    return next == 0x22 || next == 0x7d
  }

  static func hasZipTail(_ source: ByteSource, head: [UInt8]) -> Bool { zipTail(source, head: head) != nil }

  /// Where the last end record with a directory stands.
  private static func zipTail(_ source: ByteSource, head: [UInt8]) -> Int? {
    let start = max(0, source.count - tailLength)
    let tail = source.count <= head.count ? head : source.prefix(tailLength, at: start)
    guard tail.count >= 22 else { return nil }
    // From the end on. A byte that the signature does not have lets four places go at once.
    var at = tail.count - 22
    while at >= 0 {
      switch tail[at] {
      case 0x50:
        if tail[at + 1] == 0x4b, tail[at + 2] == 5, tail[at + 3] == 6,
          ZipEnd.readings(source, at: start + at).contains(where: { hasDirectory($0, source) })
        {
          return start + at
        }
        at -= 1
      case 0x4b, 5, 6: at -= 1
      default: at -= 4
      }
    }
    return nil
  }

  /// Whether a directory stands where one of the readers looks for it.
  private static func hasDirectory(_ end: ZipEnd, _ source: ByteSource) -> Bool {
    guard end.directorySize >= ZipRecord.centralLength, end.directorySize <= source.count else { return false }
    let signature: [UInt8] = [0x50, 0x4b, 1, 2]
    return source.prefix(4, at: end.directoryEnd &- end.directorySize) == signature
      || source.prefix(4, at: end.directoryOffset) == signature
  }

  // MARK: Without a magic number

  private static func unmarked(
    _ head: [UInt8], _ source: ByteSource, name: String, claimed: String, isModelName: Bool
  ) -> String? {
    let text = isText(head, whole: head.count == source.count)
    let first = head.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
    if text, first == 0x7b, claimed == NotebookFormat.id { return NotebookFormat.id }
    if text, first == 0x7b || first == 0x5b, !["python", "jinja", "yaml"].contains(claimed),
      !RepositoryNames.formats.contains(claimed)
    {
      if claimed == "json" || looksLikeJSON(head) { return "json" }
    }
    // Prose seldom passes the dry run, source never; so every text is tried, whatever it is called.
    if mayStartPickle(head), PickleFormat.isPickle(source) { return "pickle" }
    if text {
      if claimed == "json" { return "json" }
      if textFormats.contains(claimed) { return claimed }
      return RepositoryNames.format(ofText: head, ending: ending(of: name), name: name)
        ?? NamedFormats.identify(text: head) ?? "text"
    }
    if isModelName, head.first.map({ $0 == 0x80 }) == true { return "pickle" }
    // Python reads a path file in the encoding of the machine when it is not UTF-8.
    if ending(of: name) == "pth", !head.contains(0), importsAtStart(head) { return SitePathFormat.id }
    // Scripts are run whatever encoding their comments are in.
    return RepositoryNames.formats.contains(claimed) && !head.contains(0) ? claimed : nil
  }

  private static func importsAtStart(_ head: [UInt8]) -> Bool {
    head.split { $0 == 0x0a || $0 == 0x0d }.contains { line in
      ["import ", "import\t"].contains { line.starts(with: $0.utf8) }
    }
  }

  /// Formats whose readers say what is wrong with a file of that name.
  private static let promises: Set<String> = [
    "onnx", "coreml", "paddle", "caffe", "protobuf", "safetensors", "npy", "json", "yaml",
    "tar", "pyc", "python",
  ]
  private static let textFormats: Set<String> =
    RepositoryNames.formats.union(["python", "markdown", "jinja", "yaml"])

  /// Whether a format has lines.
  public static func isTextFormat(_ format: String) -> Bool { format == "text" || textFormats.contains(format) }

  /// Whether a format is only told of: nothing looks into it.
  public static func isListedOnly(_ format: String) -> Bool { RepositoryNames.unread.contains(format) }

  private static func looksLikeJSON(_ head: [UInt8]) -> Bool {
    let compact = head.filter { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }.prefix(2)
    guard let second = compact.dropFirst().first else { return false }
    if compact.first == 0x7b { return second == 0x22 || second == 0x7d }
    // `[net]` starts a section of settings.
    let words = head.drop { $0 != 0x5b }.dropFirst().drop { [0x20, 0x09, 0x0a, 0x0d].contains($0) }
    if [0x74, 0x66, 0x6e].contains(second) {
      return ["true", "false", "null"].contains { words.starts(with: $0.utf8) }
    }
    return [0x22, 0x7b, 0x5b, 0x5d, 0x2d].contains(second) || (0x30...0x39).contains(second)
  }

  /// UTF-8 without control characters, as far as `bytes` go.
  static func isText(_ bytes: [UInt8], whole: Bool) -> Bool {
    let (valid, isValid) = PickleText.validUTF8(bytes[...], surrogates: false)
    guard isValid, valid == bytes.count || !whole else { return false }
    return bytes.allSatisfy { $0 >= 0x20 || (0x09...0x0d).contains($0) || $0 == 0x1b }
  }

  // MARK: Names

  private static let claims: [String: String] = [
    "safetensors": "safetensors", "json": "json", "jsonl": "json", "ndjson": "json", "npy": "npy",
    "npz": "zip", "zip": "zip", "whl": "zip", "jar": "zip", "mar": "zip", "keras": "zip", "gguf": "gguf",
    "onnx": "onnx", "pb": "protobuf", "h5": "hdf5", "hdf5": "hdf5", "tflite": "tflite", "py": "python", "pyc": "pyc",
    "pyw": "python", "pyi": "python",
    "md": "markdown", "jinja": "jinja", "jinja2": "jinja", "j2": "jinja", "yaml": "yaml", "yml": "yaml", "png": "image",
    "jpg": "image", "jpeg": "image", "gif": "image", "webp": "image", "ico": "image", "txt": "text", "pdf": "pdf",
    "wav": "audio", "mp3": "audio", "ogg": "audio", "flac": "audio", "mp4": "video", "tar": "tar", "nemo": "tar",
    "gz": "gzip", "tgz": "gzip", "bz2": "bzip2", "tbz": "bzip2", "tbz2": "bzip2", "xz": "xz", "txz": "xz",
    "lzma": "lzma", "zst": "zstd", "zstd": "zstd", "tzst": "zstd", "lz4": "lz4", "7z": "7z", "so": "elf",
    "pbtxt": "protobuf-text", "prototxt": "protobuf-text", "mlmodel": "coreml", "pdmodel": "paddle",
    "caffemodel": "caffe",
  ]

  /// Endings under which loaders take a pickle, a zip or something older: they claim a model, not a format.
  private static let modelEndings: Set<String> = [
    "bin", "pt", "pth", "ckpt", "pkl", "pickle", "joblib", "dill", "model", "mdl", "msc", "p", "dat", "data", "pyt",
  ]

  public static func isModelName(_ name: String) -> Bool { modelEndings.contains(ending(of: name)) }

  static func claim(of name: String) -> String {
    RepositoryNames.format(of: name) ?? claims[ending(of: name)] ?? ""
  }

  private static func ending(of name: String) -> String {
    guard let dot = name.lastIndex(of: ".") else { return "" }
    return name[name.index(after: dot)...].lowercased()
  }
}
