import MScanBytes
public import MScanFacts

/// A gzip file (RFC 1952): what all its members hold, one behind the other, as Python's `gzip` reads them.
public enum GzipFormat: Format {
  public static let id = "gzip"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    CompressedReader(input: input, format: id, codec: .gzip).read(into: &sink)
  }
}

/// A zlib stream (RFC 1950), as joblib writes it. What follows the stream no reader of it looks at.
public enum ZlibFormat: Format {
  public static let id = "zlib"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    CompressedReader(input: input, format: id, codec: .zlib).read(into: &sink)
  }
}

/// A bzip2 file: all its streams, as Python's `bz2` reads them.
public enum Bzip2Format: Format {
  public static let id = "bzip2"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    CompressedReader(input: input, format: id, codec: .bzip2).read(into: &sink)
  }
}

/// An `.xz` file: all its streams, and `.lzma` ones behind them, as Python's `lzma` reads them.
public enum XZFormat: Format {
  public static let id = "xz"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    CompressedReader(input: input, format: id, codec: .xz).read(into: &sink)
  }
}

/// A `.lzma` file, which has no mark and no checksum.
public enum LZMAFormat: Format {
  public static let id = "lzma"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    CompressedReader(input: input, format: id, codec: .lzma).read(into: &sink)
  }
}

/// A zstd file (RFC 8878): all its frames. Some readers stop at the first; its skippable frames none of them shows.
public enum ZstdFormat: Format {
  public static let id = "zstd"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    CompressedReader(input: input, format: id, codec: .zstd).read(into: &sink)
  }
}

/// An LZ4 file, as joblib and the `lz4` command read it: frames of the present format and of the first one.
public enum LZ4Format: Format {
  public static let id = "lz4"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let isLegacy = input.source.prefix(4) == [0x02, 0x21, 0x4c, 0x18]
    CompressedReader(input: input, format: id, codec: isLegacy ? .lz4Legacy : .lz4).read(into: &sink)
  }
}
