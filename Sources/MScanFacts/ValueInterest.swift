/// Which values of a document some rule could name. A reader walks and checks everything, and states only these.
public struct ValueInterest: Sendable {
  /// State every value (the `facts` command).
  public let everything: Bool
  /// Keys that start a rule's key path. A value is stated when any step of its path is one of them.
  public let keys: Set<String>
  /// The keys as bytes, by their first byte: 256 lists, made once for all documents.
  public let keysByFirstByte: [[[UInt8]]]

  public init(everything: Bool = false, keys: Set<String> = []) {
    self.everything = everything
    self.keys = keys
    var table = [[[UInt8]]](repeating: [], count: 256)
    for key in keys {
      let bytes = Array(key.utf8)
      table[Int(bytes.first ?? 0)].append(bytes)
    }
    keysByFirstByte = table
  }

  /// The same, and values under further keys.
  public func adding(_ more: Set<String>) -> ValueInterest {
    everything ? self : ValueInterest(keys: keys.union(more))
  }

  public static let all = ValueInterest(everything: true)

  public func wants(key: String) -> Bool { everything || keys.contains(key) }
}
