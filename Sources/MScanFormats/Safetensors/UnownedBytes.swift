import MScanBytes
import MScanFacts

/// Bytes of a container that nothing in it claims: what another loader would find there.
enum UnownedBytes {
  /// Bytes of a region that are searched, and magic numbers in it that are tried.
  private static let window = 1 << 16
  private static let attempts = 32

  /// Queues the first archive or pickle in `region` as a child: a zip local header or a pickle's protocol opcode
  /// anywhere in its first 64 KiB, or a pickle without one right behind the padding.
  static func carve(_ region: ByteRange, of input: ArtifactInput, into sink: inout FactBuffer) {
    let head = input.source.prefix(min(window, region.count), at: region.start)
    let padding = head.prefix { $0 == 0 || $0 == 0x20 || $0 == 0x0a }.count
    var left = attempts
    for step in padding..<max(padding, head.count &- 1) {
      let isZip = head[step...].prefix(4).elementsEqual([0x50, 0x4b, 3, 4])
      let isPickle = head[step] == 0x80 && (2...5).contains(head[step &+ 1])
      guard isZip || isPickle || step == padding else { continue }
      let rest = ByteRange(region.start &+ step, min(region.end, input.source.count))
      let source = input.source.slice(rest)
      guard isZip || PickleFormat.isPickle(source) else {
        left &-= 1
        if left == 0 { return }
        continue
      }
      sink.addChild(
        Artifact(
          name: "bytes at \(rest.start)", parent: input.index, rangeInParent: rest, encoding: .stored,
          size: source.count),
        source: source, format: isZip ? nil : PickleFormat.id)
      return
    }
  }
}
