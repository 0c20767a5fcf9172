public import MScanBytes
import MScanFacts
public import MScanLineage
import MScanProvenance
import MScanRules

/// What a scan knows of other models.
public struct LineageOptions: Sendable {
  public var registries: [RegistryFile] = []
  /// Known flaws of models, which reach those made from them.
  public var advisories: [Advisory] = []
  /// Whether tensors that an advisory names by their digest may be hashed.
  public var hashesTensors = true
  public init() {}

  /// With the advisories of the rules, which stand behind those that a person gives.
  func adding(_ known: [KnownAdvisory], hashing: HashPolicy) -> LineageOptions {
    var options = self
    options.hashesTensors = options.hashesTensors && hashing != .never
    let given = Set(advisories.map(\.id))
    for entry in known where !given.contains(entry.id) {
      let files = entry.files.map { Advisory.Content(name: "", sha256: $0) }
      let models = entry.models.isEmpty ? [""] : entry.models
      options.advisories += models.enumerated().map { number, model in
        Advisory(
          id: entry.id, summary: entry.summary, model: model, files: number == 0 ? files : [],
          reach: Advisory.Reach(rawValue: entry.reach.rawValue) ?? .descendants, isByOwner: true,
          score: Self.scores[entry.severity] ?? 5)
      }
    }
    return options
  }

  /// The middle of the ranges that CVSS gives these words.
  private static let scores: [Severity: Double] = [.critical: 9.5, .high: 8, .medium: 5.5, .low: 2, .info: 0]
}

/// Reads and writes registries.
public enum RegistryStore {
  /// The file of values beside a registry.
  static func valuesPath(of path: SystemPath) -> SystemPath { SystemPath(bytes: path.bytes + Array(".values".utf8)) }

  /// - Throws: ``RegistryFile/Failure`` with words for people.
  public static func open(_ path: SystemPath) throws(RegistryFile.Failure) -> RegistryFile {
    let file: OpenFile
    do throws(OpenFile.Refusal) {
      file = try OpenFile(path)
    } catch {
      let why: String =
        switch error {
        case .missing, .brokenLink: "there is no such file"
        case .permission: "you may not read it"
        case .notRegular(let kind): "it is \(kind)"
        case .failed(let code): FileSystem.message(for: code)
        }
      throw RegistryFile.Failure(message: "'\(path)': \(why)")
    }
    let values = (try? OpenFile(valuesPath(of: path))).map { ByteSource($0) }
    do throws(RegistryFile.Failure) {
      return try RegistryFile(ByteSource(file), values: values)
    } catch {
      throw RegistryFile.Failure(message: "'\(path)': \(error.message)")
    }
  }
}
