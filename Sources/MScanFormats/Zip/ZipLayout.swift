/// What writes a zip of this kind, told by the names of its members, and how each member is then read. Names are lower
/// case here: torch compares without case.
struct ZipLayout {
  enum Kind: String {
    /// `torch.jit.save`: `constants.pkl` or `bytecode.pkl` beside `code/`.
    case torchScript = "torchscript-archive"
    /// `torch.package`: a folder `.data` with `extern_modules`, and Python sources that its importer runs.
    case torchPackage = "torch-package"
    /// `torch.export.save`: a graph as JSON.
    case exportedProgram = "torch-export"
    /// A model that was compiled to a native library (`torch._inductor.aoti_compile_and_package`).
    case compiledModel = "torch-compiled-model"
    /// `skops.io.dump`: `schema.json`.
    case skops = "skops"
    /// `torch.save`: `data.pkl`.
    case checkpoint = "torch-checkpoint"
  }

  /// What the archive is, in the order of ``Kind``; several when it is several.
  private(set) var kinds: [Kind] = []
  /// Folders, with the slash, that hold the pickles of a TorchScript archive, of a package.
  private var scriptRoots: Set<String> = []
  private var packageRoots: Set<String> = []

  init(names: [String]) {
    var found: Set<Kind> = []
    let isExport = names.contains { Self.parts($0).base == "archive_format" }
    for name in names {
      let (folder, base) = Self.parts(name)
      switch base {
      case "constants.pkl", "bytecode.pkl": scriptRoots.insert(folder)
      case "data.pkl": found.insert(.checkpoint)
      case "extern_modules", "python_version":
        if folder.hasSuffix(".data/") {
          packageRoots.insert(String(folder.dropLast(6)))
          found.insert(.torchPackage)
        }
      case "serialized_exported_program.json": found.insert(.exportedProgram)
      case "schema.json" where folder.isEmpty: found.insert(.skops)
      default:
        if isExport, folder.hasSuffix("models/"), base.hasSuffix(".json") { found.insert(.exportedProgram) }
        // Without a library, the loader compiles the wrapper, with the compiler that a file beside it names.
        if Self.isLibrary(base) || Self.isWrapper(base), folder.contains("aotinductor/") {
          found.insert(.compiledModel)
        }
      }
    }
    if names.contains(where: { isScript($0) || $0.hasSuffix(".debug_pkl") || $0.hasSuffix("bytecode.pkl") }) {
      found.insert(.torchScript)
    }
    kinds = [.torchScript, .torchPackage, .exportedProgram, .compiledModel, .skops, .checkpoint].filter(found.contains)
  }

  /// `(a/b/, c)` of `a/b/c`.
  private static func parts(_ name: String) -> (folder: String, base: String) {
    guard let slash = name.lastIndex(where: { $0 == "/" || $0 == "\\" }) else { return ("", name) }
    return (String(name[...slash]), String(name[name.index(after: slash)...]))
  }

  private static func isLibrary(_ base: String) -> Bool {
    [".so", ".dll", ".dylib", ".cubin", ".pyd"].contains { base.hasSuffix($0) }
  }

  private static func isWrapper(_ base: String) -> Bool {
    [".cpp", ".o", "_compile_flags.json", "_linker_flags.json", ".cu"].contains { base.hasSuffix($0) }
  }

  /// Whether `torch.jit.load` compiles the member.
  private func isScript(_ name: String) -> Bool {
    guard name.hasSuffix(".py") else { return false }
    if name.contains(".data/ts_code/") { return true }
    var root = name.startIndex
    for _ in 0..<Self.folderLimit {
      if name[root...].hasPrefix("code/"), scriptRoots.contains(String(name[..<root])) { return true }
      guard let slash = name[root...].firstIndex(of: "/") else { return false }
      root = name.index(after: slash)
    }
    return false
  }

  /// Folders of a path that could be the archive's own; torch's own archives have one.
  private static let folderLimit = 16

  /// The format that the loader reads a member as whatever its bytes say; nil to go by content.
  func format(of name: String) -> String? {
    let (folder, base) = Self.parts(name)
    if base == "data.pkl" { return "pickle" }
    if base == "bytecode.pkl", scriptRoots.contains(folder) { return TorchScriptBytecodeFormat.id }
    if isScript(name) { return TorchScriptFormat.id }
    if base == "schema.json", folder.isEmpty { return SkopsFormat.id }
    return nil
  }

  /// Whether a member is the raw elements of a tensor in one of the newer layouts.
  func isStorage(_ name: String) -> Bool {
    let (folder, base) = Self.parts(name)
    if base.hasSuffix(".storage"), folder.hasSuffix(".data/") {
      return packageRoots.contains(String(folder.dropLast(6)))
    }
    guard kinds.contains(.exportedProgram) || kinds.contains(.compiledModel), !base.contains(".") else { return false }
    return folder.hasSuffix("data/weights/") && base.hasPrefix("weight_")
      || folder.hasSuffix("data/constants/") && base.hasPrefix("tensor_")
  }
}
