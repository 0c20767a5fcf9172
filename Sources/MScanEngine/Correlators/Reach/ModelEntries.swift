import MScanBytes
import MScanFacts

/// Where loading starts in a model's folder: the modules that its configurations name.
///
/// Sources: `auto_map` and `custom_pipelines` of transformers, `model_index.json` of diffusers, `modules.json` of
/// sentence-transformers, and whatever other configuration names a class of a module that lies beside it.
struct ModelEntries {
  struct Entry {
    /// Name of the module's file, relative to the folder.
    var file: String
    var step: FlowStep
  }

  /// Configurations of one folder that are looked into. Count; 200: a model has tens.
  private static let fileBound = 200
  /// Of one of them. Bytes; 8 MiB: a tokenizer's configuration can have one or two.
  private static let sizeBound = 8 << 20
  /// Entries of a folder. Count; 256.
  private static let entryBound = 256

  /// Files that a loader or tool imports by their names alone.
  private static let byName: [String: String] = [
    "setup.py": "installing the folder runs it", "conftest.py": "pytest imports it",
    "sitecustomize.py": "Python imports it at its start", "usercustomize.py": "Python imports it at its start",
    "handler.py": "an inference endpoint imports it", "inference.py": "a serving container imports it",
    "__main__.py": "running the folder runs it", "hubconf.py": "torch.hub.load imports it",
    "custom_generate/generate.py": "generate(custom_generate=…) imports it",
  ]

  /// The modules that configurations of the folder name; empty when none does.
  let configured: [Entry]

  init(_ folder: SystemPath, reportedPrefix: String, limits: Limits) {
    var found: [Entry] = []
    let listed = (try? Folder.entries(of: folder, followLinks: false)) ?? []
    let hasModules = listed.contains { $0.name.description.hasSuffix(".py") || $0.kind == .folder }
    let names = hasModules ? listed.map(\.name.description).filter { $0.hasSuffix(".json") } : []
    // Of what a configuration carries, templates and the like, nothing names a module.
    var flat = limits
    flat.depth = 0
    for name in names.prefix(Self.fileBound) {
      guard let path = ModelFiles.file(name, in: folder), let status = try? FileStatus(of: path, followLinks: false),
        status.size <= Self.sizeBound
      else { continue }
      let scan = Walker(limits: flat).readPlain(Target(reported: reportedPrefix + name, path: path, folder: folder))
      for fact in scan?.buffer.facts ?? [] where fact.artifact == 0 && found.count < Self.entryBound {
        guard case .value(let value) = fact.payload, case .text(let text) = value.value else { continue }
        for file in Self.modules(named: text, at: value.keyPath, of: name, in: folder) {
          let place = fact.place.lineAndColumn
          let step = FlowStep(
            file: reportedPrefix + name, line: place?.line ?? 1, column: (place?.column ?? 1) - 1,
            message: "\(value.keyPath) names \(text.prefix(120))")
          found.append(Entry(file: file, step: step))
        }
      }
    }
    configured = found
  }

  /// Whether a file is one that something imports by its name alone, wherever it lies.
  static func isImportedByName(_ file: String) -> Bool { byName[file] != nil }

  /// The modules that are imported for their names.
  static func byName(in folder: SystemPath, reportedPrefix: String) -> [Entry] {
    byName.keys.sorted().filter { ModelFiles.file($0, in: folder) != nil }.map { file in
      Entry(
        file: file,
        step: FlowStep(
          file: reportedPrefix + file, line: 1, column: 0, message: byName[file] ?? "it is run by its name"))
    }
  }

  /// Files of the modules that a text of a configuration names: `modeling_x.XModel`, `org/repo--modeling_x.XModel`,
  /// `pipeline.py`, or a bare module where configurations name one.
  private static func modules(named text: String, at keyPath: String, of name: String, in folder: SystemPath)
    -> [String]
  {
    guard text.utf8.count <= 300 else { return [] }
    var reference = text
    if let dashes = text.firstRange(of: "--") { reference = String(text[dashes.upperBound...]) }
    if reference.hasSuffix(".py") {
      let file = reference.hasPrefix("./") ? String(reference.dropFirst(2)) : reference
      return ModelFiles.file(file, in: folder) == nil ? [] : [file]
    }
    guard reference.utf8.allSatisfy({ isNamePart($0) }) else { return [] }
    let steps = reference.split(separator: ".").map(String.init)
    guard !steps.isEmpty else { return [] }
    var candidates: [[String]] = []
    if steps.count > 1 { candidates.append(Array(steps.dropLast())) }
    if name == "model_index.json" || name == "modules.json" || keyPath.contains("pipeline")
      || keyPath.contains("module")
    {
      candidates.append(steps)
      // A component's module may lie in the component's own folder.
      if let component = keyPath.split(separator: ".").first.map(String.init) { candidates.append([component] + steps) }
    }
    return candidates.compactMap { ModelFiles.module($0, in: folder, below: folder) }
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    byte == 0x2e || byte == 0x5f || byte >= 0x80 || (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
      || (0x61...0x7a).contains(byte)
  }
}

/// Files of a model's folder by the names that code gives them. Links are followed to where discovery follows them.
enum ModelFiles {
  /// The path to open for a file of the folder; nil when there is none, or when it leads out of the folder.
  static func file(_ name: String, in folder: SystemPath) -> SystemPath? {
    let relative = SystemPath(name)
    guard !relative.isEmpty, !relative.isAbsolute, relative.normalised.components.first != SystemPath("..") else {
      return nil
    }
    let path = folder.appending(relative)
    guard let status = try? FileStatus(of: path, followLinks: true), status.kind == .file,
      let resolved = try? FileSystem.resolve(path), let home = try? FileSystem.resolve(folder)
    else { return nil }
    return resolved.isInside(home) || HubCache.isBlob(resolved) ? resolved : nil
  }

  /// `a/b.py`, or `a/b/__init__.py`, relative to `root`, for the module `a.b` looked for in `folder`.
  static func module(_ steps: [String], in folder: SystemPath, below root: SystemPath) -> String? {
    guard !steps.isEmpty, steps.count <= 16 else { return nil }
    let stem = steps.joined(separator: "/")
    for name in [stem + ".py", stem + "/__init__.py"] where file(name, in: folder) != nil { return name }
    return nil
  }
}
