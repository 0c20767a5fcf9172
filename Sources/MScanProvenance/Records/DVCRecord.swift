import MScanBytes
import MScanFacts
import MScanYAML

/// `*.dvc` and `dvc.lock`: outputs by MD5. A folder's hash ends in `.dir` and is that of a list in DVC's own cache.
/// Source: DVC 3.67, `dvc/output.py`; cache `files/md5/<2>/<30>`.
enum DVCRecord: ProvenanceRecord {
  static let kind = "dvc"
  static let title = "DVC file"

  static func recognises(_ input: RecordInput) -> Bool {
    (input.name.hasSuffix(".dvc") && input.name.utf8.count > 4 || input.name == "dvc.lock")
      && input.source.count <= input.limits.recordBytes
      && ["outs:", "stages:", "deps:"].contains { contains($0, in: input.source.prefix(64 << 10)) }
  }

  private static func contains(_ word: String, in bytes: [UInt8]) -> Bool {
    String(decoding: bytes, as: UTF8.self).contains(word)
  }

  static func read(_ input: RecordInput) -> RecordReading {
    guard let bytes = input.bytes() else { return .tooLarge(kind, of: input) }
    var reading = RecordReading(kind, of: input)
    let outputs: [[String: String]]
    do throws(YAMLProblem) {
      outputs = try DVCOutputs.read(bytes, limit: input.limits.recordEntries)
    } catch {
      reading.fail("record-malformed", "it is not YAML: \(error.message)", line: error.mark.line)
      return reading
    }
    for output in outputs {
      guard let path = output["path"], let digits = output["md5"] ?? output["checksum"] else { continue }
      if digits.hasSuffix(".dir") {
        addFolder(path, listed: String(digits.dropLast(4)), to: &reading, input)
      } else if let digest = Hex.bytes(digits), digest.count == 16 {
        reading.claims.append(
          RecordClaim(
            name: path, location: RecordPath.resolve(path, in: input.base), digests: [Digest(.md5, digest)],
            size: output["size"].flatMap { Int($0) }))
      }
    }
    return reading
  }

  private static func addFolder(
    _ name: String, listed digits: String, to reading: inout RecordReading, _ input: RecordInput
  ) {
    guard let folder = RecordPath.resolve(name, in: input.base) else {
      reading.claims.append(RecordClaim(name: name, location: nil))
      return
    }
    guard let digest = Hex.bytes(digits), digest.count == 16 else {
      reading.fail("record-malformed", "'\(digits)' is no hash of a folder")
      return
    }
    guard let list = cached(digits.lowercased(), from: input.base, input.limits) else {
      reading.notes.append(
        RecordNote(
          .unverifiable, "list-missing", location: folder, name: name,
          detail: "its list of files is not in DVC's cache; 'dvc fetch' brings it"))
      return
    }
    guard FileHasher.digest(list, .md5) == digest, let root = try? JSONDocument(list, limits: input.limits).root,
      root.isArray
    else {
      reading.notes.append(
        RecordNote(
          .differs, "list-differs", location: folder, name: name,
          detail: "the list of its files in DVC's cache is not the one that was recorded"))
      return
    }
    for entry in root.items where reading.claims.count < input.limits.recordEntries {
      guard let path = entry["relpath"]?.string, let digits = entry["md5"]?.string, let bytes = Hex.bytes(digits) else {
        continue
      }
      reading.claims.append(
        RecordClaim(
          name: name + "/" + path, location: RecordPath.resolve(path, in: folder), digests: [Digest(.md5, bytes)]))
    }
    reading.covers.append(folder)
  }

  /// The list in the cache of the nearest repository of DVC: a place that is made of digits alone.
  private static func cached(_ digits: String, from base: SystemPath, _ limits: Limits) -> [UInt8]? {
    var folder = base
    for _ in 0..<8 {
      let files = folder.appending(SystemPath(".dvc/cache/files/md5"))
      let place = files.appending(SystemPath(String(digits.prefix(2))))
        .appending(SystemPath(String(digits.dropFirst(2)) + ".dir"))
      if let file = try? OpenFile(place, followLinks: false), file.size <= limits.recordBytes {
        let bytes = ByteSource(file).prefix(file.size)
        return bytes.count == file.size ? bytes : nil
      }
      let parent = folder.parent
      if parent == folder { break }
      folder = parent
    }
    return nil
  }
}

/// The entries of every `outs` of a DVC file, as keys and scalars. Aliases are not followed.
private enum DVCOutputs {
  static func read(_ bytes: [UInt8], limit: Int) throws(YAMLProblem) -> [[String: String]] {
    let events = try YAMLEvents(bytes)
    var found: [[String: String]] = []
    /// For each open container: whether it is a mapping, its key in hand, and whether it is an entry of `outs`.
    var open: [(isMapping: Bool, key: String?, isOuts: Bool, isEntry: Bool)] = []
    while true {
      let event = try events.next()
      switch event.kind {
      case .streamEnd: return found
      case .mappingStart, .sequenceStart:
        let isMapping = event.kind == .mappingStart
        let isOuts = !isMapping && open.last?.key == "outs"
        let isEntry = isMapping && open.last?.isOuts == true
        if open.last?.isMapping == true { open[open.count - 1].key = nil }
        if isEntry {
          guard found.count < limit else { return found }
          found.append([:])
        }
        guard open.count < 64 else { return found }
        open.append((isMapping, nil, isOuts, isEntry))
      case .end: if !open.isEmpty { open.removeLast() }
      case .scalar(let text, _):
        guard let top = open.last, top.isMapping else { continue }
        if let key = top.key {
          if top.isEntry, !found.isEmpty { found[found.count - 1][key] = text }
          open[open.count - 1].key = nil
        } else {
          open[open.count - 1].key = text
        }
      case .alias:
        if open.last?.isMapping == true { open[open.count - 1].key = nil }
      default: continue
      }
    }
  }
}
