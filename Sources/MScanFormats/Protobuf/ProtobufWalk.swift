import MScanBytes
import MScanFacts

/// What a format does with the fields it looks at. The walk keeps the accounts: unknown fields, wire types that do not
/// fit, groups, lengths that lie.
protocol ProtobufVisitor {
  associatedtype Role: Sendable

  static var schema: ProtobufSchema<Role> { get }

  /// A message starts. Ends come in the opposite order of starts, also when the message is broken.
  mutating func begin(_ role: Role, _ range: ByteRange)
  mutating func end(_ role: Role, _ range: ByteRange, into sink: inout FactBuffer)
  /// A number, each number of a packed list, or bytes at `field.payload`.
  mutating func take(
    _ role: Role, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer)
}

/// Walks the messages of a file in the order they stand, without recursion.
struct ProtobufWalk<Visitor: ProtobufVisitor> {
  private typealias Schema = ProtobufSchema<Visitor.Role>

  private struct Frame {
    /// Index into the schema's messages; -1 for a group, whose number is `group`.
    var message: Int
    var role: Visitor.Role?
    var range: ByteRange
    var group = 0
    /// Fields that are there once, by place, for the first 64.
    var seen: UInt64 = 0
  }

  private let input: ArtifactInput
  /// First part of the subjects of what is wrong with the encoding, whatever the format.
  private static var subject: String { "protobuf" }
  private let schema: Schema
  private var reader: ProtobufReader
  private var frames: [Frame]
  private var ledger: ProtobufLedger
  /// Broken messages that were left for what follows them.
  private var left = 0
  private static var mostLeft: Int { 16 }

  /// - Parameter range: the part of the source that is the message.
  init(_ input: ArtifactInput, range: ByteRange? = nil) {
    self.input = input
    schema = Visitor.schema
    let whole = range ?? ByteRange(0, input.source.count)
    reader = ProtobufReader(input.source, at: whole.start)
    frames = [Frame(message: 0, role: nil, range: whole)]
    ledger = ProtobufLedger(input)
  }

  /// Bytes asked of the source.
  var bytesRead: Int { reader.bytesRead }

  mutating func run(_ visitor: inout Visitor, into sink: inout FactBuffer) {
    while let frame = frames.last {
      do throws(ParseFailure) {
        if let field = try reader.next(before: frame.range.end) {
          try accept(field, frame, &visitor, into: &sink)
        } else {
          guard frame.message >= 0 else { throw ParseFailure(.malformed, "group", at: frame.range.start) }
          leave(&visitor, into: &sink)
        }
      } catch {
        fail(error, frame, &visitor, into: &sink)
      }
    }
    ledger.finish(overlong: reader.overlong, into: &sink)
  }

  private mutating func leave(_ visitor: inout Visitor, into sink: inout FactBuffer) {
    guard let frame = frames.popLast() else { return }
    if let role = frame.role { visitor.end(role, frame.range, into: &sink) }
  }

  /// States what is wrong and goes on behind the innermost message.
  private mutating func fail(
    _ failure: ParseFailure, _ frame: Frame, _ visitor: inout Visitor, into sink: inout FactBuffer
  ) {
    let size = input.source.count
    if failure.reason != .truncated || !ledger.isTruncated {
      sink.emit(failure, format: Self.subject, artifact: input.index, size: size)
    }
    left &+= 1
    if frames.count == 1 || left > Self.mostLeft {
      // What stands behind the break belongs to nobody.
      UnownedBytes.carve(ByteRange(min(failure.offset, size), size), of: input, into: &sink)
      while !frames.isEmpty { leave(&visitor, into: &sink) }
      return
    }
    while let last = frames.last, last.message < 0, frames.count > 1 { leave(&visitor, into: &sink) }
    let end = frames.last?.range.end ?? size
    if frames.count > 1 { leave(&visitor, into: &sink) }
    reader.move(to: max(end, reader.position))
  }

  private mutating func accept(
    _ field: ProtobufField, _ frame: Frame, _ visitor: inout Visitor, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    if field.isCut { ledger.cut(field, in: frame.range, into: &sink) }
    switch field.wire {
    case .endGroup:
      guard frame.message < 0, frame.group == field.number else {
        throw ParseFailure(.malformed, "group", at: field.start)
      }
      return leave(&visitor, into: &sink)
    case .beginGroup:
      ledger.group(field, in: frame.message, name(of: frame))
      guard frames.count < input.limits.nesting else { throw ParseFailure(.limitExceeded, "nesting", at: field.start) }
      frames.append(
        Frame(message: -1, role: nil, range: ByteRange(field.start, frame.range.end), group: field.number))
      return
    case .varint, .fixed32, .fixed64, .length: break
    }
    guard frame.message >= 0 else { return reader.move(to: field.payload.end) }
    let message = schema.messages[frame.message]
    guard let place = message.place(of: field.number) else {
      if !message.skips(field.number) { ledger.unknown(field, in: frame.message, message.name) }
      return reader.move(to: field.payload.end)
    }
    let known = message.fields[place]
    guard known.takes(field.wire) else {
      ledger.mistyped(field, known.name, in: frame.message, message.name)
      return reader.move(to: field.payload.end)
    }
    if !known.isRepeated, known.role != nil, place < 64 {
      if frame.seen & 1 &<< UInt64(place) != 0 {
        ledger.repeated(field, known.name, in: frame.message, message.name)
      }
      frames[frames.count &- 1].seen |= 1 &<< UInt64(place)
    }
    if let next = known.message {
      guard frames.count < input.limits.nesting else {
        sink.emit(
          ParseFailure(.limitExceeded, "nesting", at: field.start), format: Self.subject, artifact: input.index,
          size: input.source.count)
        return reader.move(to: field.payload.end)
      }
      frames.append(Frame(message: next, role: known.role, range: field.payload))
      if let role = known.role { visitor.begin(role, field.range) }
      return
    }
    if let role = known.role {
      if known.isPacked(field.wire), case .varint = known.shape {
        try unpack(role, field, &visitor, into: &sink)
      } else {
        visitor.take(role, field, &reader, into: &sink)
      }
    }
    reader.move(to: field.payload.end)
  }

  private func name(of frame: Frame) -> StaticString {
    frame.message >= 0 ? schema.messages[frame.message].name : "group"
  }

  private mutating func unpack(
    _ role: Visitor.Role, _ field: ProtobufField, _ visitor: inout Visitor, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    var count = 0
    while reader.position < field.payload.end {
      guard count < input.limits.protobufElements else {
        throw ParseFailure(.limitExceeded, "protobufElements", at: field.start)
      }
      count &+= 1
      var one = field
      one.wire = .varint
      one.value = try reader.varint("packed", before: field.payload.end)
      visitor.take(role, one, &reader, into: &sink)
    }
  }
}
