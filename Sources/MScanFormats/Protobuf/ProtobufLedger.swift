import MScanBytes
import MScanFacts

/// What a walk could not place, told once for each kind of message.
struct ProtobufLedger {
  private enum Subject: String {
    /// A field that the definition does not have; readers skip it.
    case unknown = "unknown-field"
    /// A field whose wire type is not the one of its definition; readers take it for an unknown one.
    case mistyped = "wire-type"
    /// A field that stands more than once where the definition has one: the last counts, or they are merged.
    case repeated = "repeated-field"
    /// A group, a way to nest that was given up in 2008; readers skip it.
    case group = "group"
  }

  private struct Key: Hashable {
    var subject: Subject
    /// Index into the schema's messages.
    var message: Int
  }

  private struct Entry {
    var key: Key
    var name: StaticString
    var first: ByteRange
    var detail: String
    var count = 1
    var bytes: Int
  }

  private let input: ArtifactInput
  /// In the order they were met.
  private var entries: [Entry] = []
  private var places: [Key: Int] = [:]
  /// The file ends inside a field; what else is cut follows from it.
  private(set) var isTruncated = false

  init(_ input: ArtifactInput) {
    self.input = input
  }

  mutating func unknown(_ field: ProtobufField, in message: Int, _ name: StaticString) {
    add(.unknown, message, name, field) { "field \(field.number) is not in its definition" }
  }

  mutating func mistyped(_ field: ProtobufField, _ known: StaticString, in message: Int, _ name: StaticString) {
    add(.mistyped, message, name, field) { "\(known) has the wire type \(field.wire.rawValue)" }
  }

  mutating func repeated(_ field: ProtobufField, _ known: StaticString, in message: Int, _ name: StaticString) {
    add(.repeated, message, name, field) { "\(known) stands more than once" }
  }

  mutating func group(_ field: ProtobufField, in message: Int, _ name: StaticString) {
    add(.group, message, name, field) { "field \(field.number) is a group" }
  }

  private mutating func add(
    _ subject: Subject, _ message: Int, _ name: StaticString, _ field: ProtobufField, detail: () -> String
  ) {
    let key = Key(subject: subject, message: message)
    if let place = places[key] {
      entries[place].count &+= 1
      entries[place].bytes &+= field.range.count
    } else {
      places[key] = entries.count
      entries.append(Entry(key: key, name: name, first: field.range, detail: detail(), bytes: field.range.count))
    }
  }

  /// A length that passes the end of its message, or of the file.
  mutating func cut(_ field: ProtobufField, in parent: ByteRange, into sink: inout FactBuffer) {
    let isAtEnd = parent.end >= input.source.count
    if isAtEnd {
      guard !isTruncated else { return }
      isTruncated = true
    }
    let what = isAtEnd ? "the file" : "its message"
    note(
      isAtEnd ? "truncated" : "malformed", "length", "the length of field \(field.number) passes the end of \(what)",
      ByteRange(field.start, field.payload.start), incomplete: true, into: &sink)
  }

  func finish(overlong: Int?, into sink: inout FactBuffer) {
    for entry in entries {
      let more = entry.count > 1 ? "; \(entry.count) such fields, \(entry.bytes) bytes" : ""
      note(entry.key.subject.rawValue, entry.name.description, entry.detail + more, entry.first, into: &sink)
    }
    if let overlong {
      note(
        "overlong-varint", "varint", "a number has more bytes than it needs", ByteRange(overlong, overlong &+ 1),
        into: &sink)
    }
  }

  private func note(
    _ subject: String, _ field: String, _ detail: String, _ range: ByteRange, incomplete: Bool = false,
    into sink: inout FactBuffer
  ) {
    let size = input.source.count
    sink.emit(
      .anomaly(
        AnomalyFact(subject: "protobuf.\(subject)", field: field, detail: detail, incomplete: incomplete)),
      artifact: input.index, range: ByteRange(min(range.start, size), min(range.end, size)), place: .whole)
  }
}
