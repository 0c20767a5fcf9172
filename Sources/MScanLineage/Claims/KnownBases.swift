/// Finds models by name as ``ModelName/areSame(_:_:)`` compares names, without going over all of them.
public struct ModelNameIndex: Sendable {
  /// Numbers by the whole name in lower case, and by what stands behind the owner of those that have one.
  private var whole: [String: [Int]] = [:]
  private var owned: [String: [Int]] = [:]

  public init() {}

  /// - Parameter number: of the model, for whoever asks; one model may have many names.
  public mutating func add(_ name: String, _ number: Int) {
    let name = name.lowercased()
    whole[name, default: []].append(number)
    if let tail = ModelName.behindOwner(name) { owned[tail, default: []].append(number) }
  }

  /// Numbers of the models of this name, those that are written exactly so first.
  public func numbers(of name: String) -> [Int] {
    let name = name.lowercased()
    let same = whole[name] ?? []
    guard let tail = ModelName.behindOwner(name) else { return same + (owned[name] ?? []) }
    return same + (whole[tail] ?? [])
  }
}

/// What is known of every base of a match: registries, and models of the same scan.
public struct KnownBases: Sendable {
  public struct Entry: Sendable, Hashable {
    public var name: String
    public var parents: [String]
    public var license: String
    /// The revision it was taken at; empty while unknown.
    public var revision: String
    /// ``RegistryRecord/digest``.
    public var digest: [UInt8]

    public init(
      name: String, parents: [String], license: String = "", revision: String = "", digest: [UInt8] = []
    ) {
      self.name = name
      self.parents = parents
      self.license = license
      self.revision = revision
      self.digest = digest
    }
  }

  private let entries: [Entry]
  private var exact: [String: Int] = [:]
  private var index = ModelNameIndex()

  /// - Parameter entries: of two with one name the last counts.
  public init(_ entries: [Entry]) {
    var last: [String: Entry] = [:]
    for entry in entries { last[entry.name] = entry }
    self.entries = last.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    for (number, entry) in self.entries.enumerated() {
      exact[entry.name] = number
      index.add(entry.name, number)
    }
  }

  /// The base of this name; else one that is written in another case; else one that has an owner where the name has
  /// none, or the other way round. The first in order of several.
  public subscript(name: String) -> Entry? {
    guard let number = exact[name] ?? index.numbers(of: name).first, entries.indices.contains(number) else {
      return nil
    }
    return entries[number]
  }
}
