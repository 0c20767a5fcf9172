public import MScanBytes
public import MScanFacts

/// A file that a scan found, as far as records are concerned.
public struct ProvenanceFile: Sendable {
  /// As the report names it.
  public var reported: String
  /// Where it was found: the folder resolved, the last component as it is, so that a link stands for itself.
  public var location: SystemPath
  /// What to open; links are resolved.
  public var path: SystemPath
  /// Why it cannot be read, as an anomaly's subject; nil when it can.
  public var problem: String?

  public init(reported: String, location: SystemPath, path: SystemPath, problem: String? = nil) {
    self.reported = reported
    self.location = location
    self.path = path
    self.problem = problem
  }
}

/// A kind of record: something beside a model that says what its files have to be.
public protocol ProvenanceRecord: Sendable {
  /// As the report names it: `checksum-list`.
  static var kind: String { get }
  /// For people: `checksum list`.
  static var title: String { get }
  /// Whether the file is such a record, by its place, its name and its first bytes. Asked of every file, so that it
  /// looks at the name first and reads nothing unless that fits.
  static func recognises(_ input: RecordInput) -> Bool
  /// What the record says. Never throws past its edge: what cannot be read is a problem of the reading.
  static func read(_ input: RecordInput) -> RecordReading
  /// The same for a file that may hold several records of the kind.
  static func readings(of input: RecordInput) -> [RecordReading]
}

extension ProvenanceRecord {
  public static func readings(of input: RecordInput) -> [RecordReading] { [read(input)] }
}

/// A file that may be a record.
public struct RecordInput: Sendable {
  public var file: ProvenanceFile
  public var source: ByteSource
  public var limits: Limits
  public var trust: TrustOptions
  /// Last component of ``ProvenanceFile/location``.
  public let name: String
  /// The folder that the names in it start from.
  public var base: SystemPath
  /// Whether a person named this file as a record, so that it needs no telling name.
  public let isGiven: Bool

  public init(
    file: ProvenanceFile, source: ByteSource, limits: Limits = .standard, trust: TrustOptions = TrustOptions(),
    base: SystemPath? = nil, isGiven: Bool = false
  ) {
    self.isGiven = isGiven
    self.file = file
    self.source = source
    self.limits = limits
    self.trust = trust
    name = file.location.lastComponent.description
    self.base = base ?? file.location.parent
    jsonHead = isGiven || Self.mayBeJSON(name) ? source.prefix(Self.headBytes) : []
  }

  /// What is looked at to tell one JSON record from another. Bytes; 64 KiB: what a scan reads of a small file anyway.
  private static let headBytes = 64 << 10

  /// `.json` and the endings of signed statements; names without an ending are those of manifests.
  private static func mayBeJSON(_ name: String) -> Bool {
    guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
    return ["json", "sig", "sigstore", "jsonl", "att", "bundle", "spdx", "cdx", "intoto"].contains(
      name[dot...].dropFirst())
  }

  /// The first bytes of a file that may be JSON by its name; empty for others.
  let jsonHead: [UInt8]

  /// Whether the head has each of the words in it.
  func hasWords(_ words: String...) -> Bool {
    !jsonHead.isEmpty && words.allSatisfy { jsonHead.holds($0) }
  }

  /// The whole record; nil when it is over ``Limits/recordBytes`` or cannot be read.
  func bytes() -> [UInt8]? {
    guard source.count <= limits.recordBytes else { return nil }
    let bytes = source.prefix(source.count)
    return bytes.count == source.count ? bytes : nil
  }

  /// The record as it is named in a report, without its last `steps` components.
  func reported(droppingLast steps: Int) -> String {
    var path = file.reported[...]
    for _ in 0..<steps {
      guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
      path = path[..<slash]
    }
    return String(path)
  }
}

/// What one record says.
public struct RecordReading: Sendable {
  public var kind: String
  /// As the report names it.
  public var record: String
  /// The record's own file.
  public var location: SystemPath
  /// The folder that the names start from.
  public var base: SystemPath
  public var claims: [RecordClaim] = []
  /// What is wrong with the record, or has to be said of it as a whole.
  public var notes: [RecordNote] = []
  /// Folders of which it lists every file, so that others are out of place there.
  public var covers: [SystemPath] = []
  /// Places that it leaves out on purpose: each stands for itself and all below it.
  public var ignored: [SystemPath] = []
  /// Places whose files the record does not speak for, although they lie in the folder: each with all below it.
  public var leftOut: [SystemPath] = []
  /// The commit that it says its files are of; files of one folder should agree on it.
  public var revision: String?
  /// Set when who made the record was to be proved and was not; nil for records that nobody signs.
  public var signature: SignatureVerdict?
  /// Whether the names may start from a folder inside ``base``, for records that lie beside the model's folder.
  public var findsBase = false
  /// Whether the record stands for part of what it lists, so that what is absent is no lack.
  public var isPartial = false
  /// Whether everything that it may list was looked for. Not so beside a single file that is scanned: what else the
  /// record lists, nobody asked about.
  public var isInScope = true

  public init(kind: String, record: String, location: SystemPath, base: SystemPath) {
    self.kind = kind
    self.record = record
    self.location = location
    self.base = base
  }

  init(_ kind: String, of input: RecordInput) {
    self.init(kind: kind, record: input.file.reported, location: input.file.location, base: input.base)
  }
}

/// One file that a record lists.
public struct RecordClaim: Sendable {
  /// As the record writes it, for people.
  public var name: String
  /// Where that is; nil when the name leads out of the record's folder.
  public var location: SystemPath?
  /// Each of them has to fit.
  public var digests: [Digest] = []
  /// Bytes.
  public var size: Int?
  /// The part of the file that the digests are of; nil for all of it.
  public var part: ByteRange?
  /// Line of the record, from 1.
  public var line: Int?
  /// A file of Git LFS fits too when the digest is that of its pointer.
  public var mayBePointer = false
  /// What the record knows of the inside of the file; nil for most.
  public var contents: LockedContents?
  /// Nothing is amiss when the file is not there.
  public var isOptional = false
  /// What looks like a digest may be something else, so that only a match says anything.
  public var isGuess = false

  public init(name: String, location: SystemPath?, digests: [Digest] = [], size: Int? = nil, line: Int? = nil) {
    self.name = name
    self.location = location
    self.digests = digests
    self.size = size
    self.line = line
  }
}

/// Something to say of a record as a whole, or of a file without looking at it.
public struct RecordNote: Sendable {
  public var status: ProvenanceFact.Status
  public var reason: String
  /// The file it is about, by its place; nil for the record itself.
  public var location: SystemPath?
  /// What the record calls it.
  public var name: String
  public var detail: String
  public var line: Int?

  public init(
    _ status: ProvenanceFact.Status, _ reason: String = "", location: SystemPath? = nil, name: String = "",
    detail: String, line: Int? = nil
  ) {
    self.status = status
    self.reason = reason
    self.location = location
    self.name = name
    self.detail = detail
    self.line = line
  }
}

/// What is known of who made a record.
public struct SignatureVerdict: Sendable {
  public var isTrusted: Bool
  /// Who, or why not, in half a sentence.
  public var detail: String
  /// The reason of the fact, for one that is not trusted.
  public var reason: String

  public init(isTrusted: Bool, detail: String, reason: String = "") {
    self.isTrusted = isTrusted
    self.detail = detail
    self.reason = reason
  }
}

/// Names in records, and where they lead.
enum RecordPath {
  /// The place of a relative name in a folder; nil for a name that is absolute, empty or leads out of the folder at any
  /// point of its way.
  static func resolve(_ name: [UInt8], in base: SystemPath) -> SystemPath? {
    guard let relative = relative(name) else { return nil }
    return base.appending(relative)
  }

  static func resolve(_ name: String, in base: SystemPath) -> SystemPath? { resolve(Array(name.utf8), in: base) }

  /// The name with `.` and empty components left out; nil as above.
  static func relative(_ name: [UInt8]) -> SystemPath? {
    guard !name.isEmpty, name.first != UInt8(ascii: "/"), !name.contains(0) else { return nil }
    let components = SystemPath(bytes: name).components
    let up = SystemPath("..")
    guard !components.isEmpty, !components.contains(up) else { return nil }
    return components.reduce(SystemPath("")) { $0.appending($1) }
  }

  static func text(_ name: [UInt8]) -> String { SystemPath(bytes: name).description }
}

extension RecordReading {
  /// Says that the record cannot be read.
  mutating func fail(_ reason: String, _ detail: String, line: Int? = nil) {
    notes.append(RecordNote(.unverifiable, reason, detail: detail, line: line))
  }

  static func tooLarge(_ kind: String, of input: RecordInput) -> RecordReading {
    var reading = RecordReading(kind, of: input)
    let detail =
      input.source.count > input.limits.recordBytes
      ? "the record has \(input.source.count) bytes, more than the \(input.limits.recordBytes) that are read"
      : "the record could not be read to its end"
    reading.fail("record-limit", detail)
    return reading
  }

  /// The document of a JSON record; nil, with the reason stated, when it is none.
  static func document(
    _ kind: String, of input: RecordInput
  ) -> (reading: RecordReading, root: JSONValue?) {
    guard let bytes = input.bytes() else { return (tooLarge(kind, of: input), nil) }
    var reading = RecordReading(kind, of: input)
    do throws(JSONDocument.Failure) {
      return (reading, try JSONDocument(bytes, limits: input.limits).root)
    } catch {
      switch error {
      case .malformed(let at): reading.fail("record-malformed", "it is not JSON from byte \(at) on")
      case .duplicateKey(let key):
        reading.fail("record-duplicate", "it has the key '\(key)' twice in one object; readers take one or the other")
      case .limit(let name): reading.fail("record-limit", "it is larger than the limit '\(name)' allows")
      }
      return (reading, nil)
    }
  }
}
