import MScanBytes
import MScanFormats

/// The one place where the engine meets the formats: what a file is, who reads it, and what it means when nobody does.
enum Registry {
  struct Identity: Sendable {
    /// What the content is.
    var format: String
    /// What the name claims; empty when it claims nothing.
    var claimed: String
    /// Further formats of the same bytes.
    var also: [String]
    /// What the parent knows the child to be read as.
    var hint: String?
  }

  private static let readers: [any Format.Type] = [PickleFormat.self, ZipFormat.self]

  static func identify(_ source: ByteSource, name: String, hint: String?) -> Identity {
    let content = ContentSniffer.format(of: source)
    let claimed = NameClaim.format(of: name)
    // A format without a magic number is believed on its name's word, for so does its loader.
    let isOpen = content == "unknown" || content == "text" || content == "json"
    let believed = isOpen && readers.contains { $0.id == claimed } ? claimed : content
    let format = hint ?? believed
    let also = [believed, content].filter { $0 != format && !(isOpen && $0 == content) }
    return Identity(format: format, claimed: claimed, also: also, hint: hint)
  }

  /// The readers of the bytes: of the parent's word first, then of what the content says, then of what the name does.
  static func readers(for found: Identity) -> [any Format.Type] {
    var ids: [String] = []
    for id in [found.hint, found.format] + found.also.map(Optional.some) {
      if let id, !ids.contains(id) { ids.append(id) }
    }
    return ids.compactMap { id in readers.first { $0.id == id } }
  }

  /// Whether a file of this name has to have content.
  static func needsContent(_ found: Identity) -> Bool { !found.claimed.isEmpty && !isText(found.claimed) }

  /// What to say of content that has no reader; nil when nothing in it can run or hide.
  static func whyUnread(_ found: Identity) -> String? {
    if isText(found.format) || isImage(found.format) || found.format == "empty" { return nil }
    let what = found.format == "unknown" ? "content of no known format" : found.format
    return "\(what) is not read by this version"
  }

  /// Whether lines and columns make sense in it.
  static func isText(_ format: String) -> Bool {
    ["text", "json", "jsonl", "yaml", "markdown", "python", "jinja", "xml", "toml"].contains(format)
  }

  private static func isImage(_ format: String) -> Bool { ["png", "jpeg", "gif", "webp", "bmp"].contains(format) }
}

/// What a name claims.
enum NameClaim {
  private static let endings = [
    "safetensors": "safetensors", "pkl": "pickle", "pickle": "pickle", "joblib": "pickle", "pt": "pickle",
    "pth": "pickle", "bin": "pickle", "ckpt": "pickle", "json": "json", "npy": "npy", "npz": "zip", "gguf": "gguf",
    "onnx": "onnx", "h5": "hdf5", "hdf5": "hdf5", "keras": "zip", "zip": "zip", "tflite": "tflite", "pb": "protobuf",
    "gz": "gzip", "msc": "pickle", "mdl": "pickle", "py": "python", "md": "markdown", "txt": "text", "yaml": "yaml",
    "yml": "yaml",
  ]

  static func format(of name: String) -> String {
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return "" }
    return endings[name[name.index(after: dot)...].lowercased()] ?? ""
  }
}

/// What the first bytes say.
enum ContentSniffer {
  private static let magics: [(offset: Int, bytes: [UInt8], format: String)] = [
    (0, [0x50, 0x4b, 3, 4], "zip"), (0, [0x50, 0x4b, 5, 6], "zip"), (0, [0x1f, 0x8b], "gzip"),
    (0, Array("BZh".utf8), "bzip2"), (0, [0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz"), (0, [0x28, 0xb5, 0x2f, 0xfd], "zstd"),
    (0, [4, 0x22, 0x4d, 0x18], "lz4"), (0, [0x37, 0x7a, 0xbc, 0xaf], "7z"), (0, Array("Rar!".utf8), "rar"),
    (257, Array("ustar".utf8), "tar"), (0, [0x7f, 0x45, 0x4c, 0x46], "elf"), (0, [0xcf, 0xfa, 0xed, 0xfe], "macho"),
    (0, [0x89, 0x48, 0x44, 0x46], "hdf5"), (0, Array("GGUF".utf8), "gguf"), (0, [0x93] + Array("NUMPY".utf8), "npy"),
    (0, [0x89, 0x50, 0x4e, 0x47], "png"), (0, [0xff, 0xd8, 0xff], "jpeg"), (0, Array("GIF8".utf8), "gif"),
    (4, Array("TFL3".utf8), "tflite"), (8, Array("WEBP".utf8), "webp"), (0, Array("%PDF".utf8), "pdf"),
  ]

  static func format(of source: ByteSource) -> String {
    if source.count == 0 { return "empty" }
    let head = source.prefix(1 << 12)
    for magic in magics where head.dropFirst(magic.offset).starts(with: magic.bytes) { return magic.format }
    if head.count >= 2, head[0] == 0x80, (2...5).contains(head[1]) { return "pickle" }
    if head.count > 9, head[8] == UInt8(ascii: "{"), head[5] | head[6] | head[7] == 0 { return "safetensors" }
    if PickleFormat.isPickle(source) { return "pickle" }
    if isText(head) {
      let first = head.first { !($0 == 0x20 || (9...13).contains($0)) }
      return first == UInt8(ascii: "{") || first == UInt8(ascii: "[") ? "json" : "text"
    }
    return "unknown"
  }

  /// UTF-8 without control characters; the last character may be cut.
  private static func isText(_ head: [UInt8]) -> Bool {
    if head.contains(where: { $0 < 0x20 && !(9...13).contains($0) && $0 != 0x1b }) { return false }
    return (0..<4).contains { cut in
      cut <= head.count && String(validating: head.dropLast(cut), as: UTF8.self) != nil
    }
  }
}
