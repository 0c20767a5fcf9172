import MScanBytes

/// The header of a 7z archive: packed streams, the folders they decode to, and the files cut from them. Source:
/// `7zFormat.txt` of the LZMA SDK.
struct SevenZipHeader {
  /// One method of a folder.
  struct Coder {
    var method: [UInt8]
    var properties: [UInt8]
    var inputs: Int
    var outputs: Int
  }

  /// Packed streams, the coders they go through, and how large each coder's output is.
  struct Folder {
    var coders: [Coder] = []
    /// An input of one coder, and the output of another that feeds it.
    var bonds: [(input: Int, output: Int)] = []
    /// Inputs that the packed streams feed, in order.
    var packed: [Int] = []
    var unpackSizes: [Int] = []
    /// Sizes and checksums of the files that follow one another in what the folder decodes to.
    var files: [(size: Int, crc: UInt32?)] = []
  }

  struct Streams {
    /// Offset of the first packed stream behind the signature header.
    var packPosition = 0
    var packSizes: [Int] = []
    var folders: [Folder] = []
  }

  struct File {
    var name: [UInt16] = []
    var hasStream = true
    var isEmptyFile = false
    /// An order to delete a file of that name.
    var isAnti = false
    var attributes: UInt32?
  }

  var streams = Streams()
  var files: [File] = []

  enum Content {
    case header(SevenZipHeader)
    /// The header itself is in a folder.
    case encoded(Streams)
  }

  private enum Property {
    static let end: UInt8 = 0x00, header: UInt8 = 0x01, archive: UInt8 = 0x02, additional: UInt8 = 0x03
    static let mainStreams: UInt8 = 0x04, files: UInt8 = 0x05, pack: UInt8 = 0x06, unpack: UInt8 = 0x07
    static let substreams: UInt8 = 0x08, size: UInt8 = 0x09, crc: UInt8 = 0x0a, folder: UInt8 = 0x0b
    static let unpackSize: UInt8 = 0x0c, substreamCount: UInt8 = 0x0d, emptyStream: UInt8 = 0x0e
    static let emptyFile: UInt8 = 0x0f, anti: UInt8 = 0x10, names: UInt8 = 0x11, attributes: UInt8 = 0x15
    static let encoded: UInt8 = 0x17
  }

  static func read(_ bytes: [UInt8], at base: Int, limits: Limits) throws(ParseFailure) -> Content {
    var reader = Reader(cursor: ByteCursor(bytes, base: base), limit: limits.members)
    switch try reader.cursor.readUInt8("header") {
    case Property.header: return .header(try reader.header())
    case Property.encoded: return .encoded(try reader.streams())
    default: throw ParseFailure(.malformed, "header", at: base)
    }
  }

  private struct Reader {
    var cursor: ByteCursor
    /// Files, folders and streams at the most.
    let limit: Int

    /// A number: as many of the first byte's high bits as are set, so many bytes follow, little-endian; its low bits are
    /// the highest.
    mutating func number(_ field: StaticString) throws(ParseFailure) -> Int {
      let start = cursor.offset
      let first = try cursor.readUInt8(field)
      let following = (~first).leadingZeroBitCount
      var value = try cursor.readLittleEndian(following, field)
      if following < 7 { value |= UInt64(first & (0x7f >> UInt8(following))) << UInt64(8 * following) }
      guard let number = Int(exactly: value) else { throw ParseFailure(.malformed, field, at: start) }
      return number
    }

    mutating func count(_ field: StaticString, upTo bound: Int? = nil) throws(ParseFailure) -> Int {
      let start = cursor.offset
      let count = try number(field)
      guard count <= bound ?? limit else {
        throw ParseFailure(bound == nil ? .limitExceeded : .unsupported, bound == nil ? "members" : field, at: start)
      }
      return count
    }

    mutating func bits(_ count: Int, _ field: StaticString) throws(ParseFailure) -> [Bool] {
      let bytes = Array(try cursor.slice((count + 7) / 8, field))
      return (0..<count).map { bytes[$0 / 8] & (0x80 >> UInt8($0 % 8)) != 0 }
    }

    /// Bits, or one byte that says all are set.
    mutating func optionalBits(_ count: Int, _ field: StaticString) throws(ParseFailure) -> [Bool] {
      try cursor.readUInt8(field) != 0 ? [Bool](repeating: true, count: count) : try bits(count, field)
    }

    mutating func digests(_ count: Int) throws(ParseFailure) -> [UInt32?] {
      var digests: [UInt32?] = []
      for isDefined in try optionalBits(count, "digests") {
        digests.append(isDefined ? try cursor.readUInt32("digest") : nil)
      }
      return digests
    }

    // MARK: Streams

    mutating func streams() throws(ParseFailure) -> Streams {
      var streams = Streams()
      var sawSubstreams = false
      while true {
        let at = cursor.offset
        switch try cursor.readUInt8("streams info") {
        case Property.pack: try readPack(&streams)
        case Property.unpack: try readFolders(&streams)
        case Property.substreams:
          try readSubstreams(&streams)
          sawSubstreams = true
        case Property.end:
          if !sawSubstreams { oneFileEach(&streams) }
          return streams
        default: throw ParseFailure(.malformed, "streams info", at: at)
        }
      }
    }

    private func oneFileEach(_ streams: inout Streams) {
      for index in streams.folders.indices {
        streams.folders[index].files = [(streams.folders[index].unpackSize, nil)]
      }
    }

    private mutating func readPack(_ streams: inout Streams) throws(ParseFailure) {
      streams.packPosition = try number("pack position")
      let count = try count("packed streams")
      while true {
        let at = cursor.offset
        switch try cursor.readUInt8("pack info") {
        case Property.size:
          streams.packSizes = []
          for _ in 0..<count { streams.packSizes.append(try number("pack size")) }
        case Property.crc: _ = try digests(count)
        case Property.end: return
        default: throw ParseFailure(.malformed, "pack info", at: at)
        }
      }
    }

    private mutating func readFolders(_ streams: inout Streams) throws(ParseFailure) {
      while true {
        let at = cursor.offset
        switch try cursor.readUInt8("unpack info") {
        case Property.folder:
          let count = try count("folders")
          guard try cursor.readUInt8("external") == 0 else { throw ParseFailure(.unsupported, "external", at: at) }
          streams.folders = []
          for _ in 0..<count { streams.folders.append(try folder()) }
        case Property.unpackSize:
          for index in streams.folders.indices {
            streams.folders[index].unpackSizes = []
            for coder in streams.folders[index].coders {
              for _ in 0..<coder.outputs { streams.folders[index].unpackSizes.append(try number("unpack size")) }
            }
          }
        case Property.crc:
          for (index, digest) in try digests(streams.folders.count).enumerated() {
            streams.folders[index].files = [(streams.folders[index].unpackSize, digest)]
          }
        case Property.end: return
        default: throw ParseFailure(.malformed, "unpack info", at: at)
        }
      }
    }

    private mutating func folder() throws(ParseFailure) -> Folder {
      var folder = Folder()
      var inputs = 0
      var outputs = 0
      for _ in 0..<(try count("coders", upTo: 32)) {
        let at = cursor.offset
        let flags = try cursor.readUInt8("coder")
        guard flags & 0xc0 == 0 else { throw ParseFailure(.unsupported, "coder", at: at) }
        let method = Array(try cursor.slice(flags & 0x0f, "method"))
        var coder = Coder(method: method, properties: [], inputs: 1, outputs: 1)
        if flags & 0x10 != 0 {
          coder.inputs = try count("input streams", upTo: 32)
          coder.outputs = try count("output streams", upTo: 32)
        }
        if flags & 0x20 != 0 { coder.properties = Array(try cursor.slice(try number("properties size"), "properties")) }
        inputs += coder.inputs
        outputs += coder.outputs
        folder.coders.append(coder)
      }
      guard outputs > 0 else { throw ParseFailure(.malformed, "coders", at: cursor.offset) }
      for _ in 0..<(outputs - 1) {
        folder.bonds.append((try number("bind pair"), try number("bind pair")))
      }
      let packed = inputs - (outputs - 1)
      if packed == 1 {
        let bound = Set(folder.bonds.map(\.input))
        folder.packed = (0..<inputs).filter { !bound.contains($0) }
      } else if packed > 1 {
        for _ in 0..<packed { folder.packed.append(try number("packed stream")) }
      }
      return folder
    }

    private mutating func readSubstreams(_ streams: inout Streams) throws(ParseFailure) {
      var counts = [Int](repeating: 1, count: streams.folders.count)
      var isSized = false
      while true {
        let at = cursor.offset
        switch try cursor.readUInt8("substreams info") {
        case Property.substreamCount:
          var total = 0
          for index in counts.indices {
            counts[index] = try count("substreams")
            total += counts[index]
            guard total <= limit else { throw ParseFailure(.limitExceeded, "members", at: at) }
          }
        case Property.size:
          try readSizes(&streams, counts)
          isSized = true
        case Property.crc:
          if !isSized { try noSizes(&streams, counts) }
          isSized = true
          try readDigests(&streams)
        case Property.end:
          if !isSized { try noSizes(&streams, counts) }
          return
        default: throw ParseFailure(.malformed, "substreams info", at: at)
        }
      }
    }

    /// All sizes but the last of each folder, which is what is left.
    private mutating func readSizes(_ streams: inout Streams, _ counts: [Int]) throws(ParseFailure) {
      for (index, count) in counts.enumerated() {
        let whole = streams.folders[index].unpackSize
        let digest = streams.folders[index].files.first?.crc
        streams.folders[index].files = []
        var left = whole
        for number in 0..<count {
          let at = cursor.offset
          let size = number == count - 1 ? left : try self.number("substream size")
          guard size <= left else { throw ParseFailure(.malformed, "substream size", at: at) }
          left -= size
          streams.folders[index].files.append((size, count == 1 ? digest : nil))
        }
      }
    }

    private mutating func noSizes(_ streams: inout Streams, _ counts: [Int]) throws(ParseFailure) {
      guard counts.allSatisfy({ $0 <= 1 }) else { throw ParseFailure(.malformed, "substream size", at: cursor.offset) }
      try readSizes(&streams, counts)
    }

    /// Checksums of the files that have none from their folder.
    private mutating func readDigests(_ streams: inout Streams) throws(ParseFailure) {
      var unknown: [(folder: Int, file: Int)] = []
      for (index, folder) in streams.folders.enumerated() where folder.files.count != 1 || folder.files[0].crc == nil {
        unknown += folder.files.indices.map { (index, $0) }
      }
      for (place, digest) in zip(unknown, try digests(unknown.count)) {
        streams.folders[place.folder].files[place.file].crc = digest
      }
    }

    // MARK: Files

    mutating func header() throws(ParseFailure) -> SevenZipHeader {
      var header = SevenZipHeader()
      while true {
        let at = cursor.offset
        switch try cursor.readUInt8("header") {
        case Property.archive:
          while try cursor.readUInt8("archive property") != 0 {
            try cursor.skip(try number("property size"), "archive property")
          }
        case Property.additional: throw ParseFailure(.unsupported, "additional streams", at: at)
        case Property.mainStreams: header.streams = try streams()
        case Property.files: header.files = try readFiles()
        case Property.end: return header
        default: throw ParseFailure(.malformed, "header", at: at)
        }
      }
    }

    private mutating func readFiles() throws(ParseFailure) -> [File] {
      var files = [File](repeating: File(), count: try count("files"))
      var empty: [Int] = []
      while true {
        let type = try cursor.readUInt8("file property")
        guard type != Property.end else { return files }
        let at = cursor.offset
        let size = try number("property size")
        guard size <= cursor.remaining else { throw ParseFailure(.truncated, "file property", at: at) }
        let start = cursor.offset
        switch type {
        case Property.emptyStream:
          for (index, isEmpty) in try bits(files.count, "empty streams").enumerated() where isEmpty {
            files[index].hasStream = false
            empty.append(index)
          }
        case Property.emptyFile:
          for (place, isFile) in zip(empty, try bits(empty.count, "empty files")) { files[place].isEmptyFile = isFile }
        case Property.anti:
          for (place, isAnti) in zip(empty, try bits(empty.count, "anti items")) { files[place].isAnti = isAnti }
        case Property.names: try readNames(&files, end: start + size)
        case Property.attributes:
          let defined = try optionalBits(files.count, "attributes")
          guard try cursor.readUInt8("external") == 0 else { throw ParseFailure(.unsupported, "external", at: at) }
          for (index, isDefined) in defined.enumerated() where isDefined {
            files[index].attributes = try cursor.readUInt32("attributes")
          }
        default: break
        }
        guard cursor.offset <= start + size else { throw ParseFailure(.malformed, "property size", at: at) }
        try cursor.skip(start + size - cursor.offset, "file property")
      }
    }

    /// Names in UTF-16, each up to a zero.
    private mutating func readNames(_ files: inout [File], end: Int) throws(ParseFailure) {
      let at = cursor.offset
      guard try cursor.readUInt8("external") == 0 else { throw ParseFailure(.unsupported, "external", at: at) }
      for index in files.indices {
        var name: [UInt16] = []
        while true {
          guard cursor.offset < end else { throw ParseFailure(.truncated, "file name", at: cursor.offset) }
          let unit = try cursor.readUInt16("file name")
          if unit == 0 { break }
          name.append(unit)
        }
        files[index].name = name
      }
    }
  }
}

extension SevenZipHeader.Folder {
  /// The output that no other coder takes.
  var mainOutput: Int? {
    let taken = Set(bonds.map(\.output))
    return (0..<coders.reduce(0) { $0 + $1.outputs }).first { !taken.contains($0) }
  }

  /// Bytes the folder decodes to.
  var unpackSize: Int {
    guard let output = mainOutput, unpackSizes.indices.contains(output) else { return 0 }
    return unpackSizes[output]
  }
}
