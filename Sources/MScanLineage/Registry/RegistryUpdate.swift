import MScanBytes

/// Adds bases to a registry: what the two files have to hold afterwards.
public struct RegistryUpdate: Sendable {
  private var records: [RegistryRecord]
  /// Of the first base that was put in; ties the file of values to the registry. 0 while there is none.
  private var identity: UInt64
  /// Bytes that the file of values has already; 0 for a new one.
  private let valuesBytes: Int
  /// What is added to the file of values.
  public private(set) var addedValues: [UInt8] = []
  /// Bases that were in the registry under the name of one that was added.
  public private(set) var replaced: [String] = []

  /// - Parameters:
  ///   - registry: nil for a new one.
  ///   - valuesBytes: the size of the file of values; 0 when there is none.
  public init(_ registry: RegistryFile?, valuesBytes: Int) throws(RegistryFile.Failure) {
    var records: [RegistryRecord] = []
    if let registry {
      for number in 0..<registry.count {
        guard let record = registry.record(number, .whole) else {
          throw RegistryFile.Failure(message: "the registry is damaged: record \(number + 1) cannot be read")
        }
        records.append(record)
      }
    }
    self.records = records
    identity = registry?.identity ?? 0
    self.valuesBytes = registry?.values != nil ? valuesBytes : 0
  }

  /// Whether the file of values has to be written from its start.
  public var startsValues: Bool { valuesBytes == 0 }

  /// Adds a base, in place of one of the same name.
  ///
  /// - Parameter keepsValues: false for the registry alone: it tells families, not how a derivative was made.
  public mutating func add(_ record: RegistryRecord, _ sketch: Sketch, keepsValues: Bool) {
    var record = record
    if identity == 0 { identity = RegistryFile.hash(RegistryFile.encode(record).bytes) | 1 }
    if keepsValues {
      let bytes = SketchCoding.encode(sketch)
      if startsValues, addedValues.isEmpty {
        var head = RecordWriter()
        head.number(RegistryFile.version, width: 4)
        head.number(0, width: 4)
        head.number(identity, width: 8)
        addedValues = RegistryFile.valuesMagic + head.bytes
      }
      record.values = (valuesBytes + addedValues.count, bytes.count, RegistryFile.hash(bytes))
      addedValues += bytes
    }
    if let index = records.firstIndex(where: { $0.name == record.name }) {
      replaced.append(record.name)
      records[index] = record
    } else {
      records.append(record)
    }
  }

  /// The registry, whole.
  public var registry: [UInt8] { RegistryFile.encode(records, identity: identity) }
}
