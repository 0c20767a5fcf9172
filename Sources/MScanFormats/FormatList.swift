public import MScanFacts

/// Every reader, by format id.
public enum FormatList {
  public static let all: [any Format.Type] = single + RepositoryNames.readers

  private static let single: [any Format.Type] = [
    Bzip2Format.self, LZ4Format.self, LZMAFormat.self, SevenZipFormat.self, XZFormat.self, ZstdFormat.self,
    GGUFFormat.self, GzipFormat.self, JSONFormat.self, NumPyFormat.self, PickleFormat.self, SafetensorsFormat.self,
    TarFormat.self,
    ZipFormat.self,
    ZlibFormat.self,
    YAMLFormat.self, MarkdownFormat.self,
    ONNXFormat.self, ONNXTensorFormat.self,
    SkopsFormat.self,
    TorchScriptBytecodeFormat.self,
    TorchScriptFormat.self,
    ZFileFormat.self,
    BerkeleyDBFormat.self,
    GNUDBMFormat.self,
    SQLiteFormat.self,
    ExecuTorchFormat.self, GGMLFormat.self, MessagePackFormat.self, ORTFormat.self, PaddleTensorFormat.self,
    TFLiteFormat.self, XMLFormat.self,
    SavedModelFormat.self, MetaGraphFormat.self, GraphDefFormat.self, KerasMetadataFormat.self, FingerprintFormat.self,
    CheckpointFormat.self, CoreMLFormat.self, PaddleFormat.self, CaffeFormat.self,
    HDF5Format.self,
    SentencePieceFormat.self, TiktokenFormat.self, MergesFormat.self, WordListFormat.self,
    MarshalFormat.self,
    PycFormat.self,
    WideTextFormat.self,
  ]

  public static func named(_ id: String) -> (any Format.Type)? { all.first { $0.id == id } }
}
