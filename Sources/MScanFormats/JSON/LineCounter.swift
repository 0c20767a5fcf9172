import MScanBytes

/// Lines and columns of a text, counted only as far as they are asked for. Line from 1, column from 1 in Unicode
/// scalars; a line ends behind `\n`.
///
/// Questions in rising order cost one pass over the text together; one that goes back costs at most `stride` bytes more.
struct LineCounter {
  private struct Mark {
    var offset: Int
    var line: Int
    var column: Int
  }

  private static let stride = 1 << 16
  /// Mark `n` stands at byte `n * stride`.
  private var marks = [Mark(offset: 0, line: 1, column: 1)]
  private var last = Mark(offset: 0, line: 1, column: 1)

  /// Where `offset` lies; an offset behind the end counts as the end.
  mutating func place(of offset: Int, in bytes: Span<UInt8>) -> (line: Int, column: Int) {
    let target = min(max(0, offset), bytes.count)
    if target < last.offset {
      last = marks[min(target / Self.stride, marks.count &- 1)]
    }
    while last.offset < target {
      let stop = min(target, (last.offset / Self.stride &+ 1) &* Self.stride)
      let ends = bytes.lineEnds(from: last.offset, to: stop)
      if ends.last >= 0 {
        last.line &+= ends.count
        last.column = 1
      }
      for at in max(last.offset, ends.last &+ 1)..<stop where bytes[at] & 0xc0 != 0x80 { last.column &+= 1 }
      last.offset = stop
      if stop == marks.count &* Self.stride { marks.append(last) }
    }
    return (last.line, last.column)
  }
}
