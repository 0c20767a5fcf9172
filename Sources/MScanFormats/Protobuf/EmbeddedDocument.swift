import MScanBytes
import MScanFacts

/// Texts of a protocol buffer that are documents of their own.
enum EmbeddedDocument {
  /// Queues the text in `range` as a JSON child, if it is JSON to its end. A text longer than ``Limits/heldBytes``
  /// that starts like JSON is stated as a limit.
  ///
  /// - Returns: whether it was queued, or stated.
  @discardableResult
  static func queue(
    _ name: String, _ range: ByteRange, _ reader: inout ProtobufReader, _ input: ArtifactInput,
    into sink: inout FactBuffer
  ) -> Bool {
    let head = reader.bytes(range, limit: 64)
    guard let first = head.first(where: { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }), first == 0x7b || first == 0x5b,
      range.count >= 2
    else { return false }
    guard range.count <= input.limits.heldBytes else {
      sink.emit(
        ParseFailure(.limitExceeded, "heldBytes", at: range.start), format: "protobuf", artifact: input.index,
        size: input.source.count)
      return true
    }
    let text = reader.bytes(range, limit: range.count)
    guard text.count == range.count, isDocument(text.span, input.limits) else { return false }
    sink.addChild(
      Artifact(
        name: name, parent: input.index, rangeInParent: range, encoding: .stored, size: text.count),
      source: input.source.slice(range), format: JSONFormat.id)
    return true
  }

  /// Queues bytes of a field as a child of whatever format they are.
  static func queue(_ range: ByteRange, _ input: ArtifactInput, into sink: inout FactBuffer) {
    let source = input.source.slice(range)
    sink.addChild(
      Artifact(
        name: "bytes at \(range.start)", parent: input.index, rangeInParent: range, encoding: .stored,
        size: source.count),
      source: source)
  }

  private static func isDocument(_ text: Span<UInt8>, _ limits: Limits) -> Bool {
    var reader = JSONReader(nesting: limits.nesting)
    do throws(ParseFailure) {
      while try reader.next(text).kind != .end {}
    } catch {
      return error.reason == .limitExceeded
    }
    reader.skipBlanks(text)
    return reader.position == text.count
  }
}

/// Whether bytes of a `bytes` or `string` field are text for people.
enum ReadableText {
  /// UTF-8 without control characters but line ends and tabs.
  ///
  /// - Parameter whole: nothing was cut from the end.
  static func isReadable(_ bytes: [UInt8], whole: Bool) -> Bool {
    let (valid, isValid) = PickleText.validUTF8(bytes[...], surrogates: false)
    guard isValid, valid == bytes.count || !whole else { return false }
    return bytes.allSatisfy { $0 >= 0x20 || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
  }
}
