import MScanFacts

/// Which loader steps unpickle an artifact, told by what holds it and by its name.
enum PickleLoaders {
  private struct Row {
    /// The last component of the file's name: whole, or its start or end with `*` for the rest.
    var name: String
    var loaders: [String]
  }

  /// The names that loaders choose their files by, the first that fits counts. Sources: `Trainer` of transformers,
  /// `from_pretrained` of transformers, peft and diffusers, the hub client of ModelScope, joblib, dill, skops.
  private static let rows: [Row] = [
    Row(name: "training_args.bin", loaders: ["torch.load of the training arguments"]),
    Row(name: "optimizer.pt", loaders: ["transformers.Trainer.train(resume_from_checkpoint)", "torch.load"]),
    Row(name: "optimizer.bin", loaders: ["accelerate.Accelerator.load_state", "torch.load"]),
    Row(name: "scheduler.pt", loaders: ["transformers.Trainer.train(resume_from_checkpoint)", "torch.load"]),
    Row(name: "scheduler.bin", loaders: ["accelerate.Accelerator.load_state", "torch.load"]),
    Row(name: "scaler.pt", loaders: ["transformers.Trainer.train(resume_from_checkpoint)", "torch.load"]),
    Row(name: "rng_state*", loaders: ["transformers.Trainer.train(resume_from_checkpoint)", "torch.load"]),
    Row(name: "random_states_*", loaders: ["accelerate.Accelerator.load_state", "torch.load"]),
    Row(name: "pytorch_model*", loaders: ["from_pretrained", "torch.load"]),
    Row(name: "adapter_model*", loaders: ["peft.PeftModel.from_pretrained", "torch.load"]),
    Row(name: "diffusion_pytorch_model*", loaders: ["from_pretrained", "torch.load"]),
    Row(name: "*.msc", loaders: ["modelscope.snapshot_download on opening the cache"]),
    Row(name: "*.mdl", loaders: ["modelscope.snapshot_download on opening the cache"]),
    Row(name: "output.pkl", loaders: ["joblib.Memory", "joblib.load"]),
    Row(name: "*.joblib", loaders: ["joblib.load"]),
    Row(name: "*.skops", loaders: ["joblib.load", "skops.card.Card.get_model"]),
    Row(name: "*.dill", loaders: ["dill.load"]),
    Row(name: "*.cloudpickle", loaders: ["cloudpickle.load"]),
    Row(name: "*.pt", loaders: ["torch.load", "pickle.load"]),
    Row(name: "*.pth", loaders: ["torch.load", "pickle.load"]),
    Row(name: "*.bin", loaders: ["torch.load", "pickle.load"]),
    Row(name: "*.ckpt", loaders: ["torch.load", "pickle.load"]),
  ]

  /// - Parameter index: a row of the table.
  static func of(_ index: Int, in table: ArtifactTable) -> [String] {
    guard let row = table[index] else { return ["pickle.load"] }
    guard let parent = row.parent.flatMap({ table[$0] }) else { return named(row.name) }
    // Another reading of the same bytes has the loaders of those bytes.
    if row.encoding == .reading, parent.format != "pickle", let outer = row.parent { return of(outer, in: table) }
    let base = lastComponent(row.name)
    switch parent.format {
    case "zip": return member(base, of: parent)
    case "npy": return ["numpy.load(allow_pickle=True)"]
    case "pickle" where parent.layout.contains(DumbShelf.id), GNUDBMFormat.id, BerkeleyDBFormat.id, SQLiteFormat.id:
      return ["shelve.open, when the entry is read"]
    case "pickle": return row.name.hasPrefix("stream") ? ["a reader that starts there"] : ["the pickle around it"]
    case "tar" where ["pickle", "tensors", "storages", "sys_info"].contains(base):
      return ["torch.load, before 2.6 with weights_only=True too"]
    case "zlib", "joblib-zfile": return ["joblib.load"]
    case "gzip", "bzip2", "xz", "lzma", "lz4", "zstd":
      let inner = named(base)
      return inner == ["pickle.load"] ? ["joblib.load", "pandas.read_pickle", "pickle.load"] : inner
    default: return isEncoded(row) ? ["whatever decodes the text"] : ["pickle.load"]
    }
  }

  private static func isEncoded(_ row: Artifact) -> Bool { row.encoding == .base64 || row.encoding == .hex }

  private static func member(_ base: String, of parent: Artifact) -> [String] {
    if parent.layout.contains("torchscript-archive") { return ["torch.jit.load", "torch.load"] }
    if parent.layout.contains("torch-package") { return ["torch.package.PackageImporter.load_pickle"] }
    if parent.layout.contains("torch-export") { return ["torch.export.load"] }
    if base == "data.pkl" || base == "constants.pkl" { return ["torch.load"] }
    return named(base)
  }

  private static func named(_ name: String) -> [String] {
    let base = lastComponent(name).lowercased()
    let row = rows.first { row in
      if row.name.hasPrefix("*") { return base.hasSuffix(row.name.dropFirst()) }
      if row.name.hasSuffix("*") { return base.hasPrefix(row.name.dropLast()) }
      return base == row.name
    }
    return row?.loaders ?? ["pickle.load"]
  }

  private static func lastComponent(_ name: String) -> String {
    guard let slash = name.utf8.lastIndex(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }) else {
      return name
    }
    return String(name[name.utf8.index(after: slash)...])
  }
}
