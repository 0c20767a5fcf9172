import MScanBytes
import Testing

@Suite struct SpoolTests {
  private static let piece = [UInt8](0..<200)

  @Test(arguments: [1000, 250, 0]) func keepsEveryByte(memory: Int) {
    var spool = Spool(memory: memory, fallback: memory)
    for _ in 0..<4 { #expect(spool.append(Self.piece[...]) == nil) }
    #expect(spool.appendZeros(300) == nil)
    #expect(spool.append([7][...]) == nil)
    let source = spool.finish()
    #expect(source.count == 1101)
    #expect(source.prefix(400, at: 100) == Array((Self.piece + Self.piece + Self.piece)[100..<500]))
    #expect(source.prefix(10, at: 1095) == [0, 0, 0, 0, 0, 7])
    #expect(source.slice(ByteRange(1100, 1200)).prefix(9) == [7])
  }

  @Test func withoutAFolderItStopsAtItsMemory() {
    var spool = Spool(memory: 100, fallback: 500, folders: ["/nowhere/at/all"])
    #expect(spool.append(Self.piece[...]) == nil)
    #expect(spool.append(Self.piece[...]) == nil)
    #expect(spool.append(Self.piece[...])?.fieldName == "spool")
    #expect(spool.appendZeros(1 << 40)?.fieldName == "spool")
    #expect(spool.finish().count == 400)
  }

  @Test func zerosTakeNoRoom() {
    var spool = Spool(memory: 16, fallback: 16)
    #expect(spool.appendZeros(1 << 40) == nil)
    #expect(spool.append([1][...]) == nil)
    #expect(spool.finish().prefix(4, at: (1 << 40) - 1) == [0, 1])
  }
}
