import MScanBytes

/// Formats that are told by their content where no reader of ``Identify``'s own table fits. Most are not looked into:
/// each has a name that people know, so that "not read" says what.
public enum NamedFormats {
  /// What a format is called; nil for formats that have a reader, or that nobody needs to be told of.
  public static func title(of format: String) -> String? { titles[format] }

  /// Whether a pickle could be made to look like it: the loader that unpickles the file does not look.
  public static func isWeak(_ format: String) -> Bool {
    titles[format] != nil || [MessagePackFormat.id, TiktokenFormat.id].contains(format)
  }

  /// The format of bytes that no reader takes, by a magic number or a small check.
  ///
  /// - Parameter name: last component of the path; asked only where the content agrees and is not enough.
  static func identify(_ head: [UInt8], _ source: ByteSource, name: String) -> String? {
    for mark in marks where head.count >= mark.offset &+ mark.bytes.count {
      if head[mark.offset...].starts(with: mark.bytes) { return mark.format }
    }
    if let format = byStructure(head, source) { return format }
    if PaddleTensorFormat.isTensor(source) { return PaddleTensorFormat.id }
    if MessagePackFormat.isDocument(source) { return MessagePackFormat.id }
    return byNameAndContent(head, source, ending: name.split(separator: ".").last.map { $0.lowercased() } ?? "")
  }

  /// The format of a text; nil for one that is only text.
  static func identify(text head: [UInt8]) -> String? {
    if XMLFormat.isDocument(head) { return XMLFormat.id }
    if TiktokenFormat.isVocabulary(head) { return TiktokenFormat.id }
    if let mark = textMarks.first(where: { head.starts(with: $0.bytes) }) { return mark.format }
    let lines = head.prefix(64).split(separator: 0x0a, maxSplits: 3, omittingEmptySubsequences: false)
    // The versions of the format and of R, as numbers of six digits.
    if lines.count == 4, lines[0].elementsEqual("A".utf8),
      lines[1].elementsEqual("2".utf8) || lines[1].elementsEqual("3".utf8),
      lines[2].count == 6, lines[2].allSatisfy({ (0x30...0x39).contains($0) })
    {
      return "r-data"
    }
    let isLayerTable = head.starts(with: Array("\"1 ".utf8)) && lines.first.map { $0.contains(0x2c) } == true
    return isLayerTable && String(decoding: lines.first ?? [], as: UTF8.self).contains(" 4206624770 ") ? "tnn" : nil
  }

  // MARK: Marks

  private struct Mark {
    let format: String
    let bytes: [UInt8]
    var offset = 0

    init(_ format: String, _ text: String, at offset: Int = 0) {
      (self.format, bytes, self.offset) = (format, Array(text.utf8), offset)
    }

    init(_ format: String, _ bytes: [UInt8], at offset: Int = 0) {
      (self.format, self.bytes, self.offset) = (format, bytes, offset)
    }
  }

  private static let marks: [Mark] = [
    Mark(ORTFormat.id, "ORTM", at: 4), Mark(ExecuTorchFormat.id, "ET12", at: 4), Mark(GGMLFormat.id, "fmgg"),
    Mark(GGMLFormat.id, "algg"),
    // Models, compiled and not.
    Mark("rknn", "RKNN"), Mark("rknn", "CYPTRKNN"), Mark("ncnn", [0xdd, 0x85, 0x76, 0]), Mark("tensorrt", "ftrt"),
    Mark("tensorrt", "ptrt"), Mark("tnn", [2, 0, 0xbc, 0xfa]), Mark("tnn", [4, 0, 0xbc, 0xfa]),
    Mark("mindspore", "MSL0", at: 4), Mark("mindspore", "MSL1", at: 4), Mark("mindspore", "MSL2", at: 4),
    Mark("hailo", [1, 0x48, 0x45, 0x46]), Mark("ascend", "IMOD"), Mark("executorch-data", "FT01", at: 4),
    Mark("tvm-parameters", [0xb7, 0x9c, 4, 5, 0x4f, 0x8d, 0xe5, 0xf7]),
    Mark("mxnet-parameters", [0x12, 1, 0, 0, 0, 0, 0, 0]), Mark("cntk", [0x42, 0, 0x43, 0, 0x4e, 0]),
    Mark("coreml-weights", [0xef, 0xbe, 0xad, 0xde], at: 64), Mark("catboost", "CBM1"), Mark("xgboost", "binf"),
    Mark("xgboost", "CONFIG-offset:"), Mark("fasttext", [0xba, 0x16, 0x4f, 0x2f]),
    Mark("kenlm", "mmap lm http://kheafield.com/code"),
    // Serialisers that run code, and code.
    Mark("java-serialized", [0xac, 0xed, 0, 5]), Mark("r-data", "RDX2\n"), Mark("r-data", "RDX3\n"),
    Mark("r-data", "RDB2\n"), Mark("r-data", "RDB3\n"), Mark("r-data", [0x58, 0x0a, 0, 0, 0, 2]),
    Mark("r-data", [0x58, 0x0a, 0, 0, 0, 3]), Mark("lua-bytecode", [0x1b, 0x4c, 0x75, 0x61]),
    Mark("lua-bytecode", [0x1b, 0x4c, 0x4a]), Mark("wasm", [0, 0x61, 0x73, 0x6d]), Mark("dex", "dex\n03"),
    // Data.
    Mark("parquet", "PAR1"), Mark("parquet", "PARE"), Mark("arrow", "ARROW1"), Mark("arrow", "FEA1"),
    Mark("orc", "ORC"), Mark("avro", [0x4f, 0x62, 0x6a, 1]), Mark("duckdb", "DUCK", at: 8),
    Mark("lmdb", [0xde, 0xc0, 0xef, 0xbe], at: 16), Mark("matlab", "MATLAB 5.0 MAT-file"),
    Mark("matlab", "MATLAB 7.3 MAT-file"), Mark("netcdf", [0x43, 0x44, 0x46, 1]),
    Mark("netcdf", [0x43, 0x44, 0x46, 2]),
    Mark("netcdf", [0x43, 0x44, 0x46, 5]), Mark("hdf4", [0x0e, 3, 0x13, 1]),
    Mark("mathematica", "(*This is a Mathematica binary dump file"), Mark("encrypted", "Salted__"),
    Mark("encrypted", "age-encryption.org/"),
  ]

  private static let textMarks: [Mark] = [
    Mark("ncnn", "7767517\n"), Mark("lightgbm", "tree\nversion="), Mark("torch7", "4\n1\n3\nV 1\n"),
    Mark("r-data", "RDA2\n"), Mark("r-data", "RDA3\n"), Mark("kenlm", "\\data\\\n"),
    Mark("encrypted", "age-encryption.org/"),
    Mark("encrypted", "-----BEGIN PGP MESSAGE-----"), Mark("encrypted", "-----BEGIN AGE ENCRYPTED FILE-----"),
  ]

  // MARK: Checks

  private static func byStructure(_ head: [UInt8], _ source: ByteSource) -> String? {
    if isTorch7(head) { return "torch7" }
    if isXGBoost(head) { return "xgboost" }
    if isWordVectors(head) { return "word2vec" }
    if isRecords(head, source) { return "tfrecord" }
    return nil
  }

  /// What has no mark of its own and no other reading: the name has to agree with the little that can be checked.
  private static func byNameAndContent(_ head: [UInt8], _ source: ByteSource, ending: String) -> String? {
    switch ending {
    case "msgpack", "mpk":
      head.first.map { (0x80...0x9f).contains($0) || (0xdc...0xdf).contains($0) } == true
        ? MessagePackFormat.id : nil
    case "mnn": isFlatBuffer(source) ? "mnn" : nil
    case "weights": isDarknet(head, source) ? "darknet" : nil
    case "wlnet", "wxf":
      head.starts(with: [0x38, 0x3a]) || head.starts(with: [0x38, 0x43, 0x3a]) ? "mathematica" : nil
    default: nil
    }
  }

  /// An object or a table of Torch7, with the first class's version behind it.
  private static func isTorch7(_ head: [UInt8]) -> Bool {
    guard head.count >= 16, head[0] == 3 || head[0] == 4, head[1...7].elementsEqual([0, 0, 0, 1, 0, 0, 0]) else {
      return false
    }
    let version: [UInt8] = [3, 0, 0, 0, 0x56, 0x20, 0x31]
    return head.prefix(256).indices.contains { head[$0...].starts(with: version) }
  }

  /// UBJSON of XGBoost: an object whose first key, with a length of 64 bits, is one of its own.
  private static func isXGBoost(_ head: [UInt8]) -> Bool {
    guard head.starts(with: [0x7b, 0x4c, 0, 0, 0, 0, 0, 0, 0]) else { return false }
    let key = head.dropFirst(10)
    return ["learner", "version", "Config", "Model"].contains { key.starts(with: Array($0.utf8)) }
  }

  /// Two numbers on a line, then a word, a blank and floats.
  private static func isWordVectors(_ head: [UInt8]) -> Bool {
    guard let line = head.prefix(32).firstIndex(of: 0x0a), line >= 3 else { return false }
    let numbers = head[..<line].split(separator: 0x20, omittingEmptySubsequences: false)
    guard numbers.count == 2, numbers.allSatisfy({ !$0.isEmpty && $0.allSatisfy { (0x30...0x39).contains($0) } }) else {
      return false
    }
    let rest = head[(line &+ 1)...].prefix(256)
    guard let blank = rest.firstIndex(of: 0x20), blank > line &+ 1 else { return false }
    return Identify.isText(Array(rest[..<blank]), whole: true)
  }

  /// The first record's length, and the checksum of the length.
  private static func isRecords(_ head: [UInt8], _ source: ByteSource) -> Bool {
    guard head.count >= 16 else { return false }
    var cursor = ByteCursor(Array(head.prefix(12)))
    guard let length = try? cursor.readUInt64("length"), let stated = try? cursor.readUInt32("crc"),
      length <= UInt64(source.count &- 12)
    else { return false }
    let crc = castagnoli(head.prefix(8))
    return stated == (crc &>> 15 | crc &<< 17) &+ 0xa282_ead8
  }

  private static func castagnoli(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var crc: UInt32 = .max
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc &>> 1 ^ 0x82f6_3b78 : crc &>> 1 }
    }
    return ~crc
  }

  private static func isFlatBuffer(_ source: ByteSource) -> Bool {
    var buffer = FlatBuffer(source, limits: .standard)
    return (try? buffer.root("root")) != nil
  }

  /// `major`, `minor`, `revision`, and floats.
  private static func isDarknet(_ head: [UInt8], _ source: ByteSource) -> Bool {
    guard head.count >= 20, source.count % 4 == 0 else { return false }
    return head[0] == 0 && head[4] <= 2 && head[8] <= 5
      && [1, 2, 3, 5, 6, 7, 9, 10, 11].allSatisfy { head[$0] == 0 }
  }

  /// `data-00000-of-00001`.

  // MARK: Titles

  private static let titles: [String: String] = [
    "rknn": "RKNN models (Rockchip)", "ncnn": "ncnn models", "tensorrt": "TensorRT engines", "tnn": "TNN models",
    "mindspore": "MindSpore Lite models", "mnn": "MNN models", "hailo": "Hailo models", "ascend": "Ascend models",
    "executorch-data": "ExecuTorch data files",
    "tvm-parameters": "TVM parameters", "mxnet-parameters": "MXNet parameters", "cntk": "CNTK models",
    "coreml-weights": "the weights of a Core ML package", "catboost": "CatBoost models", "xgboost": "XGBoost models",
    "lightgbm": "LightGBM models", "fasttext": "fastText models", "word2vec": "word2vec vectors",
    "kenlm": "KenLM language models", "darknet": "Darknet weights", "torch7": "Torch7 files",
    "java-serialized": "serialised Java objects", "r-data": "serialised R objects",
    "lua-bytecode": "compiled Lua", "wasm": "WebAssembly", "dex": "compiled Android code",
    "parquet": "Parquet tables", "arrow": "Arrow tables", "orc": "ORC tables", "avro": "Avro records",
    "duckdb": "DuckDB databases", "lmdb": "LMDB databases",
    "tfrecord": "TFRecord files", "matlab": "MATLAB files",
    "netcdf": "NetCDF files", "hdf4": "HDF4 files", "mathematica": "Wolfram Language files",
    "encrypted": "encrypted files",
  ]
}
