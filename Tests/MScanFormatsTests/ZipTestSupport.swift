import MScanBytes
import MScanFacts

@testable import MScanFormats

/// Writes zip archives, well made or not.
struct ZipBuilder {
  struct Member {
    var name: String
    var data: [UInt8]
    var method: UInt16 = 0
    var flags: UInt16 = 0
    var centralName: String?
    var centralMethod: UInt16?
    var centralFlags: UInt16?
    var crc: UInt32?
    var attributes: UInt32 = 0
    var listed = true
  }

  var members: [Member] = []
  var prefix: [UInt8] = []
  var comment: [UInt8] = []
  /// Added to every offset the directory states.
  var offsetShift = 0

  func bytes() -> [UInt8] {
    var out = prefix
    var directory: [UInt8] = []
    var count = 0
    for member in members {
      let offset = out.count - prefix.count + offsetShift
      let crc = member.crc ?? Inflate.crc32(member.data)
      let tail = Self.u32(crc) + Self.u32(UInt32(member.data.count)) + Self.u32(UInt32(member.data.count))
      let name = Array(member.name.utf8)
      out += [0x50, 0x4b, 3, 4] + Self.u16(20) + Self.u16(member.flags) + Self.u16(member.method)
      out += Self.u32(0) + tail + Self.u16(UInt16(name.count)) + Self.u16(0) + name + member.data
      guard member.listed else { continue }
      let central = Array((member.centralName ?? member.name).utf8)
      count += 1
      directory += [0x50, 0x4b, 1, 2] + Self.u16(20) + Self.u16(20) + Self.u16(member.centralFlags ?? member.flags)
      directory += Self.u16(member.centralMethod ?? member.method) + Self.u32(0) + tail
      directory += Self.u16(UInt16(central.count)) + Self.u16(0) + Self.u16(0) + Self.u16(0) + Self.u16(0)
      directory += Self.u32(member.attributes) + Self.u32(UInt32(offset)) + central
    }
    let start = out.count - prefix.count + offsetShift
    out += directory
    out += [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + Self.u16(UInt16(count)) + Self.u16(UInt16(count))
    out += Self.u32(UInt32(directory.count)) + Self.u32(UInt32(start)) + Self.u16(UInt16(comment.count)) + comment
    return out
  }

  static func u16(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xff), UInt8(value >> 8)] }
  static func u32(_ value: UInt32) -> [UInt8] { u16(UInt16(value & 0xffff)) + u16(UInt16(value >> 16)) }
}

/// Reads a zip; the children stay queued.
func readZip(_ bytes: [UInt8], limits: Limits = .standard) -> FactBuffer {
  var sink = FactBuffer(limits: limits)
  let row = sink.artifacts.append(Artifact(name: "model.pt", format: ZipFormat.id, size: bytes.count))
  ZipFormat.read(
    ArtifactInput(index: row, source: ByteSource(bytes), name: "model.pt", limits: limits), into: &sink)
  return sink
}

extension FactBuffer {
  var members: [MemberFact] {
    facts.compactMap { fact in
      guard case .member(let member) = fact.payload else { return nil }
      return member
    }
  }
}
