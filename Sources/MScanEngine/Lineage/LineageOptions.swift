public import MScanBytes
public import MScanLineage

/// What a scan knows of other models.
public struct LineageOptions: Sendable {
  public var registries: [RegistryFile] = []
  /// Known flaws of models, which reach those made from them.
  public var advisories: [Advisory] = []
  public init() {}
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
