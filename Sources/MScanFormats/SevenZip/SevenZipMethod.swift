import MScanBytes

/// What a folder's coders come down to.
enum SevenZipMethod {
  case stored
  case packed(Codec)
  case encrypted
  /// With the names of the methods.
  case unsupported

  /// Method ids as `Methods.txt` of the LZMA SDK lists them.
  private static let names: [[UInt8]: String] = [
    [0]: "stored", [3]: "delta", [4]: "x86", [5]: "powerpc", [6]: "ia64", [7]: "arm", [8]: "armt", [9]: "sparc",
    [0x0a]: "arm64", [0x21]: "lzma2", [3, 1, 1]: "lzma", [3, 3, 1, 3]: "x86", [3, 3, 1, 0x1b]: "bcj2",
    [3, 3, 2, 5]: "powerpc", [3, 3, 4, 1]: "ia64", [3, 3, 5, 1]: "arm", [3, 3, 7, 1]: "armt", [3, 3, 8, 5]: "sparc",
    [3, 4, 1]: "ppmd", [4, 1, 8]: "deflate", [4, 1, 9]: "deflate64", [4, 2, 2]: "bzip2", [4, 0xf7, 0x11, 1]: "zstd",
    [4, 0xf7, 0x11, 2]: "brotli", [4, 0xf7, 0x11, 4]: "lz4", [6, 0xf1, 7, 1]: "aes",
  ]

  /// Ids of liblzma for the methods it has.
  private static let filters: [String: UInt64] = [
    "delta": 3, "x86": 4, "powerpc": 5, "ia64": 6, "arm": 7, "armt": 8, "sparc": 9, "arm64": 10,
    "lzma": LZMAFilter.lzma1, "lzma2": LZMAFilter.lzma2,
  ]

  private static let codecs: [String: Codec] = ["deflate": .deflate, "bzip2": .bzip2, "zstd": .zstd, "lz4": .lz4]

  static func name(_ method: [UInt8]) -> String {
    names[method] ?? "method " + method.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// The methods of a folder in the order of packing: `x86+lzma2`.
  static func names(of folder: SevenZipHeader.Folder) -> String {
    (chain(folder) ?? folder.coders).map { name($0.method) }.joined(separator: "+")
  }

  static func of(_ folder: SevenZipHeader.Folder) -> SevenZipMethod {
    if folder.coders.contains(where: { name($0.method) == "aes" }) { return .encrypted }
    guard let chain = chain(folder) else { return .unsupported }
    let coders = chain.map { (name: name($0.method), properties: $0.properties) }.filter { $0.name != "stored" }
    guard let first = coders.first else { return .stored }
    if coders.count == 1, let codec = codecs[first.name] { return .packed(codec) }
    var all: [LZMAFilter] = []
    for coder in coders {
      guard let id = filters[coder.name] else { return .unsupported }
      all.append(LZMAFilter(id: id, properties: coder.properties))
    }
    return .packed(.filters(all, size: folder.unpackSize))
  }

  /// The coders from the one that gives the files to the one that takes the packed stream; nil when they are no chain.
  private static func chain(_ folder: SevenZipHeader.Folder) -> [SevenZipHeader.Coder]? {
    guard folder.coders.allSatisfy({ $0.inputs == 1 && $0.outputs == 1 }), var index = folder.mainOutput else {
      return nil
    }
    var chain: [SevenZipHeader.Coder] = []
    while chain.count < folder.coders.count, folder.coders.indices.contains(index) {
      chain.append(folder.coders[index])
      guard let bond = folder.bonds.first(where: { $0.input == index }) else { break }
      index = bond.output
    }
    return chain.count == folder.coders.count ? chain : nil
  }
}
