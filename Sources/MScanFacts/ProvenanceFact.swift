/// `provenance`: what a record beside a model says of one file, and whether the file bears it out. Subjects:
/// `<kind of record>.<what>` and `<what>` alone, where *what* is the reason if there is one, else the status.
public struct ProvenanceFact: Sendable, Hashable {
  public enum Status: String, Sendable, Hashable, CaseIterable {
    case verified, differs
    case missingFile = "missing-file"
    case unlistedFile = "unlisted-file"
    /// The record is whole, and nobody who is trusted stands for it.
    case untrusted
    /// It cannot be checked here; the detail says why.
    case unverifiable
  }

  /// Of the record: `checksum-list`, `openssf-model-signing` …
  public var kind: String
  public var status: Status
  /// What is wrong, more closely than the status says; empty when that says it all.
  public var reason: String
  /// The record, as the report names it.
  public var record: String
  /// The file, as the report names it; empty for the record as a whole.
  public var path: String
  public var algorithm: String
  /// Lower-case hexadecimal digits.
  public var expected: String
  public var actual: String
  /// Half a sentence for people.
  public var detail: String
  /// Whether the record is one that lists every file of its folder.
  public var complete: Bool

  public init(
    kind: String, status: Status, reason: String = "", record: String, path: String = "", algorithm: String = "",
    expected: String = "", actual: String = "", detail: String = "", complete: Bool = false
  ) {
    self.kind = kind
    self.status = status
    self.reason = reason
    self.record = record
    self.path = path
    self.algorithm = algorithm
    self.expected = expected
    self.actual = actual
    self.detail = detail
    self.complete = complete
  }

  var subjects: [String] {
    let what = reason.isEmpty ? status.rawValue : reason
    return [kind + "." + what, what]
  }

  public static let attributes = [
    "kind", "status", "record", "path", "algorithm", "expected", "actual", "detail", "complete",
  ]

  func attribute(named name: String) -> AttributeValue? {
    switch name {
    case "kind": .text(kind)
    case "status": .text(status.rawValue)
    case "record": .text(record)
    case "path": .text(path)
    case "algorithm": .text(algorithm)
    case "expected": .text(expected)
    case "actual": .text(actual)
    case "detail": .text(detail)
    case "complete": .boolean(complete)
    default: nil
    }
  }
}
