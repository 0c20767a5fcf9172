import MScanBytes
import MScanLineage

/// One model of a scan: a weight file or a set of shards, with what its folder says of it.
struct ModelUnit: Sendable {
  /// As reports name it.
  var child: String
  /// Names that registries and cards may know it by.
  var ownNames: Set<String>
  var folder: SystemPath
  var files: [ModelFile]
  var claims: [Claim]
  var license: String
  var architecture: String
  /// Revision of a hub cache; empty for others.
  var revision: String

  var target: Int { files.first?.target ?? 0 }
  var isWeightless: Bool { files.allSatisfy { $0.tensors.isEmpty } }

  /// Whether a quantiser wrote it, by the names of its types and tensors.
  var isQuantised: Bool {
    files.contains { file in
      file.tensors.contains { tensor in
        file.format == "gguf"
          ? ["Q", "I"].contains(tensor.stored.dtype.prefix(1)) && tensor.stored.dtype.contains("Q")
          : tensor.stored.name.hasSuffix(".qweight") || tensor.stored.name.holds(".quant_state.")
            || tensor.stored.name.hasSuffix(".weight_scale") || tensor.stored.name.hasSuffix(".SCB")
      }
    }
  }

  /// Its tensors, with the files open.
  func weights() -> WeightSet? {
    var set = WeightSet(container: files.first { !$0.tensors.isEmpty }?.container ?? "")
    var sources: [SystemPath: Int] = [:]
    func source(_ path: SystemPath) -> Int? {
      if let index = sources[path] { return index }
      guard let file = try? OpenFile(path, followLinks: true) else { return nil }
      set.sources.append(ByteSource(file))
      sources[path] = set.sources.count - 1
      return set.sources.count - 1
    }
    for file in files {
      for tensor in file.tensors {
        var path = file.path
        if !tensor.external.isEmpty {
          let relative = SystemPath(tensor.external)
          guard !relative.isAbsolute, relative.normalised.components.first != SystemPath("..") else { continue }
          path = file.folder.appending(relative)
        }
        guard let index = source(path) else { continue }
        var stored = tensor.stored
        stored.source = index
        set.tensors.append(stored)
      }
      if file.format == "gguf" {
        let name = file.text("general.architecture") ?? ""
        set.architecture = name
        set.heads = file.number("\(name).attention.head_count")
        set.keyHeads = file.number("\(name).attention.head_count_kv")
      }
    }
    if set.architecture.isEmpty { set.architecture = architecture }
    return set.tensors.isEmpty ? nil : set
  }
}

/// Sorts the files of a scan into models.
enum ModelUnits {
  /// - Parameters:
  ///   - files: of the whole scan, in the order of their reported paths.
  ///   - isNamed: whether an advisory is about a folder, which is then a model whatever lies in it.
  static func all(of files: [ModelFile], isNamed: (SystemPath) -> Bool) -> [ModelUnit] {
    var folders: [SystemPath: [ModelFile]] = [:]
    var order: [SystemPath] = []
    for file in files {
      if folders[file.folder] == nil { order.append(file.folder) }
      folders[file.folder, default: []].append(file)
    }
    var units: [ModelUnit] = []
    for folder in order {
      let own = folders[folder] ?? []
      let groups = groups(of: own.filter { !$0.tensors.isEmpty })
      let documents = documents(for: folder, in: folders)
      let identity = ModelIdentity(folder)
      let label = label(own, identity)
      for group in groups {
        let child = groups.count == 1 ? label : label + "/" + (group.first?.name ?? "")
        units.append(unit(child, identity, folder, group, documents))
      }
      if groups.isEmpty,
        !ClaimReader.claims(in: own.flatMap(\.values)).isEmpty || own.contains(where: { !$0.claims.isEmpty })
          || isNamed(folder)
      {
        units.append(unit(label, identity, folder, [], own))
      }
    }
    return units
  }

  private static func unit(
    _ child: String, _ identity: ModelIdentity, _ folder: SystemPath, _ group: [ModelFile], _ documents: [ModelFile]
  ) -> ModelUnit {
    let inGroup = Set(group.map(\.target))
    // What another weight file says is said of itself.
    let said = group + documents.filter { !inGroup.contains($0.target) && $0.tensors.isEmpty }
    let values = said.flatMap(\.values)
    var claims = ClaimReader.claims(in: values) + said.flatMap(\.claims)
    claims.removeAll { claim in identity.names.contains { ModelName.areSame($0, claim.parent) } }
    var files = group
    if files.isEmpty, let first = documents.first { files = [first] }
    return ModelUnit(
      child: child, ownNames: identity.names, folder: folder, files: files, claims: claims,
      license: values.first { $0.keyPath == "license" || $0.keyPath == "general.license" }?.text ?? "",
      architecture: values.first { $0.file == "config.json" && $0.keyPath == "model_type" }?.text ?? "",
      revision: identity.revision)
  }

  /// Weight files one by one, shards together.
  private static func groups(of files: [ModelFile]) -> [[ModelFile]] {
    var groups: [[ModelFile]] = []
    var places: [String: Int] = [:]
    for file in files {
      guard let shard = ShardName(file.name) else {
        groups.append([file])
        continue
      }
      let set = "\(shard.prefix)\u{0}\(shard.suffix)\u{0}\(shard.total)"
      if let place = places[set] {
        groups[place].append(file)
      } else {
        places[set] = groups.count
        groups.append([file])
      }
    }
    return groups
  }

  /// The files of the folder, and, where it has no card, of the nearest folder above that has one.
  private static func documents(for folder: SystemPath, in folders: [SystemPath: [ModelFile]]) -> [ModelFile] {
    var found = folders[folder] ?? []
    var at = folder
    while !found.contains(where: { $0.name.lowercased() == "readme.md" }) {
      let above = at.parent
      guard above != at, !above.isEmpty, folders.keys.contains(above) else { break }
      found += folders[above] ?? []
      at = above
    }
    return found
  }

  private static func label(_ files: [ModelFile], _ identity: ModelIdentity) -> String {
    let reported = SystemPath(files.first?.reported ?? "")
    let parent = reported.parent
    return reported.components.count > 1 ? parent.description : identity.shortName
  }
}

/// The names a folder gives its model.
struct ModelIdentity: Sendable {
  /// `org/name` of a hub cache, else the last two parts of the path, and the last alone.
  var names: Set<String>
  var fullName: String
  var shortName: String
  var revision = ""

  init(_ folder: SystemPath) {
    let resolved = (try? FileSystem.resolve(folder)) ?? folder.normalised
    let parts = resolved.components.map(\.description)
    let prefix = "models--"
    if let at = parts.lastIndex(where: { $0.hasPrefix(prefix) }) {
      fullName = String(parts[at].dropFirst(prefix.count)).replacingDoubleHyphen()
      shortName = fullName
      names = [fullName]
      if at + 2 < parts.count, parts[at + 1] == "snapshots" { revision = parts[at + 2] }
      return
    }
    shortName = parts.last ?? "model"
    fullName = parts.suffix(2).joined(separator: "/")
    names = [fullName, shortName]
  }
}

extension String {
  /// `org--name` → `org/name`.
  fileprivate func replacingDoubleHyphen() -> String {
    var out = ""
    var rest = self[...]
    while let at = rest.firstIndex(of: "-") {
      out += rest[..<at]
      let next = rest.index(after: at)
      if next < rest.endIndex, rest[next] == "-" {
        out += "/"
        rest = rest[rest.index(after: next)...]
      } else {
        out += "-"
        rest = rest[next...]
      }
    }
    return out + rest
  }
}
