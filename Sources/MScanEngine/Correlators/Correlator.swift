import MScanBytes
import MScanFacts

/// Turns what a file says, together with what lies beside it, into further facts.
///
/// Each runs when its file has been read and its facts are all there. What needs the contents of several files is
/// collected as ``FileClaims`` and joined when the last file of a folder is read.
protocol Correlator: Sendable {
  /// A quick look whether the file is any of its business: it is asked of every file.
  static func isConcerned(_ buffer: FactBuffer, _ folder: ModelFolder) -> Bool
  static func correlate(_ buffer: inout FactBuffer, in folder: ModelFolder)
}

/// Every correlator, in the order they run.
enum CorrelatorList {
  static let all: [any Correlator.Type] = [
    NamedFiles.self, ShardSet.self, PickleTwin.self, ModelCard.self, GGUFShapes.self,
  ]

  /// Keys of values that correlators read, whether a rule names them or not.
  static let keys: Set<String> = Set(FileClaims.configKeys + ["embedding_length", "block_count"])
}

/// The folder that a file was found in, as a loader would look into it.
struct ModelFolder {
  let path: SystemPath
  /// Last component of the file's own name.
  let fileName: String

  /// Most entries of a folder that are looked at. Count; 20,000: a model folder has tens.
  private static let entryLimit = 20_000

  /// Whether the folder has something under this relative name; links count, wherever they lead.
  ///
  /// - Returns: nil when the name leads out of the folder, which is somebody else's fact.
  func holds(_ name: String) -> Bool? {
    let relative = SystemPath(name)
    guard !relative.isEmpty, !relative.isAbsolute, !name.contains("\\") else { return nil }
    guard relative.normalised.components.first != SystemPath("..") else { return nil }
    return (try? FileStatus(of: path.appending(relative), followLinks: false)) != nil
  }

  /// Names in the folder, in byte order; empty when it cannot be listed or is too large to be a model's.
  func names() -> [String] {
    guard let entries = try? Folder.entries(of: path, followLinks: false), entries.count <= Self.entryLimit else {
      return []
    }
    return entries.filter { $0.kind != .folder }.map(\.name.description)
  }
}

extension FactBuffer {
  /// States a fact about the folder, at the place of the fact that led to it.
  mutating func emit(_ anomaly: AnomalyFact, at fact: Fact, count: Int = 1) {
    emit(.anomaly(anomaly), artifact: fact.artifact, range: fact.range, place: fact.place, count: count)
  }

  /// The format of the file itself; nil for a file that was not opened.
  var fileFormat: String? { artifacts[0]?.format }
}
