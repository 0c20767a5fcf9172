import MScanBytes
import MScanFacts

/// Bytes that two structures own, and those that none does.
extension HDF5Walk {
  /// Gaps whose first bytes are looked at; the largest come first.
  private static let gapsLookedAt = 8

  mutating func account(into sink: inout FactBuffer) {
    let extents = file.sortedExtents()
    noteOverlap(extents, into: &sink)
    let end = file.superblock.endOfFile.flatMap { Int(exactly: $0) } ?? file.size
    if end < file.size {
      let rest = ByteRange(end, file.size)
      note(
        "hdf5.trailing-bytes", rest, field: "end-of-file-address", detail: "\(rest.count) bytes behind the file's end",
        into: &sink)
      UnownedBytes.carve(rest, of: input, into: &sink)
    }
    guard isFullyMapped, file.hasAllExtents else { return }
    var gaps: [ByteRange] = []
    var owned = 0
    for extent in extents {
      if extent.start > owned { gaps.append(ByteRange(owned, min(extent.start, end))) }
      owned = max(owned, extent.end)
    }
    if owned < min(end, file.size) { gaps.append(ByteRange(owned, min(end, file.size))) }
    noteGaps(gaps.filter { $0.count >= 8 }, into: &sink)
  }

  private func noteOverlap(_ extents: [HDF5File.Extent], into sink: inout FactBuffer) {
    var owned = 0
    for extent in extents {
      if extent.start < owned {
        return note(
          "hdf5.overlap", ByteRange(extent.start, min(owned, extent.used)), field: "address",
          detail: "two structures own the bytes at \(extent.start)", into: &sink)
      }
      owned = max(owned, extent.used)
    }
  }

  /// libhdf5 leaves room between structures and does not wipe what is deleted, so a gap alone is no news.
  private func noteGaps(_ gaps: [ByteRange], into sink: inout FactBuffer) {
    let largest = gaps.sorted { ($1.count, $0.start) < ($0.count, $1.start) }.prefix(Self.gapsLookedAt)
    for gap in largest { UnownedBytes.carve(gap, of: input, into: &sink) }
    guard let first = largest.first else { return }
    let total = gaps.reduce(0) { $0 &+ $1.count }
    note(
      "hdf5.unaccounted-bytes", first, field: "address",
      detail: "\(total) bytes that no structure owns, the first \(first.count) at byte \(first.start)", into: &sink)
  }
}
