import MScanBytes
import MScanFacts

/// Datasets: shape, type, where the bytes are, and what reading them needs from elsewhere.
extension HDF5Walk {
  /// A data layout message (versions 1 to 5).
  private enum Layout {
    case compact(ByteRange)
    /// `start` is nil when no bytes are set aside.
    case contiguous(start: Int?, count: Int?)
    case chunked(HDF5ChunkLayout)
    /// A list of other datasets, in the global heap.
    case virtual(collection: Int?, index: UInt32)
  }

  /// Bytes of a dataset that is stated as a value.
  private static let valueLimit = 1 << 16
  /// Declared bytes that are never too many; 64 MiB.
  private static let unremarkable = 64 << 20

  /// States the dataset, if the object is one.
  mutating func dataset(_ header: HDF5ObjectHeader, _ node: Int, into sink: inout FactBuffer) throws(ParseFailure) {
    func first(_ kind: HDF5Message.Kind) -> HDF5Message? { header.messages.first { $0.kind == kind } }
    guard let layoutMessage = first(.layout) else { return }
    guard let typeMessage = first(.datatype), let spaceMessage = first(.dataspace) else {
      throw ParseFailure(.malformed, "dataset-messages", at: layoutMessage.start)
    }
    let names = steps(to: node)
    let place = Place.tensor(names.joined(separator: "/"))
    var typeCursor = try resolve(typeMessage).cursor
    let type = try HDF5Datatype.read(&typeCursor, nesting: input.limits.nesting)
    let space = try HDF5Dataspace(try resolve(spaceMessage).cursor, lengthSize: file.lengthSize)
    let layout = try readLayout(try resolve(layoutMessage))
    var bytes = ByteRange(header.range.start, header.range.start)
    var hasExternalFiles = false
    if let message = first(.externalFiles) {
      hasExternalFiles = true
      attempt(into: &sink) { walk, sink throws(ParseFailure) in try walk.externalFiles(message, place, into: &sink) }
    }
    var filters: [HDF5Filter]? = []
    if let message = first(.filters) {
      filters = nil
      attempt(into: &sink) { walk, sink throws(ParseFailure) in
        filters = try walk.filters(try walk.resolve(message), place, into: &sink)
      }
    }
    switch layout {
    case .compact(let range): bytes = range
    case .contiguous(let start, let count):
      if let start, let count { bytes = ByteRange(at: start, count: count) }
    case .chunked(let layout):
      isFullyMapped = false
      attempt(into: &sink) { walk, sink throws(ParseFailure) in
        guard let filters else { return }
        let nothing = ByteCursor([], base: layoutMessage.start)
        let stored = Stored(steps: names, place: place, type: type, space: space, data: nothing)
        try walk.chunks(layout, filters, stored, at: layoutMessage.start, into: &sink)
      }
    case .virtual(let collection, let index):
      attempt(into: &sink) { walk, sink throws(ParseFailure) in
        try walk.virtualSources(collection, index, place, at: layoutMessage.start, into: &sink)
      }
    }
    sink.emit(
      .tensor(
        TensorFact(
          name: names.joined(separator: "/"), dtype: type.text, shape: Array(space.shape.prefix(64)), bytes: bytes)),
      artifact: input.index, range: clip(header.range), place: place)
    check(layout, space, type, hasExternalFiles: hasExternalFiles, header.range, place, into: &sink)
    guard bytes.end <= file.size, !bytes.isEmpty else { return }
    try look(at: bytes, type, space, names, place, into: &sink)
  }

  private func readLayout(_ message: HDF5Message) throws(ParseFailure) -> Layout {
    var cursor = message.cursor
    let version = try HDF5File.expect(version: 1...5, &cursor, "layout-version")
    if version < 3 { return try readOldLayout(&cursor) }
    let place = cursor.offset
    switch try cursor.readUInt8("layout-class") {
    case 0:
      let count = Int(try cursor.readUInt16("compact-size"))
      let start = cursor.offset
      try cursor.skip(count, "compact-data")
      return .compact(ByteRange(at: start, count: count))
    case 1: return try readContiguous(&cursor)
    case 2:
      return .chunked(
        version == 3
          ? try HDF5ChunkLayout(&cursor, rank: nil, file) : try HDF5ChunkLayout(version4: &cursor, file))
    case 3:
      let collection = try file.readOffset(&cursor, "collection-address")
      return .virtual(collection: collection, index: try cursor.readUInt32("global-heap-object-index"))
    default: throw ParseFailure(.unsupported, "layout-class", at: place)
    }
  }

  private func readOldLayout(_ cursor: inout ByteCursor) throws(ParseFailure) -> Layout {
    let rank = Int(try cursor.readUInt8("dimensionality"))
    let place = cursor.offset
    let kind = try cursor.readUInt8("layout-class")
    try cursor.skip(5, "reserved")
    switch kind {
    case 0:
      try cursor.skip(rank &* 4, "dimension-size")
      let count = Int(try cursor.readUInt32("compact-size"))
      let start = cursor.offset
      try cursor.skip(count, "compact-data")
      return .compact(ByteRange(at: start, count: count))
    case 1:
      let start = try readDataStart(&cursor)
      // The size is the shape's.
      return .contiguous(start: start, count: nil)
    case 2: return .chunked(try HDF5ChunkLayout(&cursor, rank: rank, file))
    default: throw ParseFailure(.unsupported, "layout-class", at: place)
    }
  }

  private func readContiguous(_ cursor: inout ByteCursor) throws(ParseFailure) -> Layout {
    let start = try readDataStart(&cursor)
    let count = try cursor.readLittleEndian(file.lengthSize, "size-of-data")
    return .contiguous(start: start, count: Int(clamping: count))
  }

  /// The file offset of a dataset's bytes, which may be outside the file: ``check(_:_:_:hasExternalFiles:_:_:into:)`` says.
  private func readDataStart(_ cursor: inout ByteCursor) throws(ParseFailure) -> Int? {
    guard let address = try cursor.readAddress(file.offsetSize, "data-address") else { return nil }
    return ByteRange(at: file.superblock.base, count: Int(clamping: address)).end
  }

  /// Holds the bytes a dataset has against those its shape and type need.
  private mutating func check(
    _ layout: Layout, _ space: HDF5Dataspace, _ type: HDF5Datatype, hasExternalFiles: Bool, _ range: ByteRange,
    _ place: Place, into sink: inout FactBuffer
  ) {
    guard let needed = space.bytes(of: type) else {
      return note(
        "hdf5.shape-overflow", range, field: "dimension-size", detail: "no number holds the size of the data",
        place: place, into: &sink)
    }
    var stored = file.size
    switch layout {
    case .compact(let data):
      if data.count < needed { noteShort(needed, data.count, range, place, into: &sink) }
      return
    case .contiguous(let start?, let stated):
      let count = stated ?? needed
      let data = ByteRange(at: start, count: count)
      if data.end > file.size {
        return note(
          "hdf5.out-of-file", range, field: "data-address",
          detail: "bytes \(data.start) to \(data.end), the file has \(file.size)", isIncomplete: true, place: place,
          into: &sink)
      }
      file.own(start, count)
      if count < needed { noteShort(needed, count, range, place, into: &sink) }
      return
    case .contiguous(nil, _):
      if hasExternalFiles { return }
      stored = 0
    case .chunked: break
    case .virtual: return
    }
    let (most, overflow) = max(stored, 1).multipliedReportingOverflow(by: input.limits.expansionRatio)
    if !overflow, needed > most, needed > Self.unremarkable {
      note(
        "hdf5.claimed-size", range, field: "dimension-size",
        detail: "\(needed) bytes of data are claimed, at most \(stored) are in the file", place: place, into: &sink)
    }
  }

  private func noteShort(
    _ needed: Int, _ stored: Int, _ range: ByteRange, _ place: Place, into sink: inout FactBuffer
  ) {
    note(
      "hdf5.size-mismatch", range, field: "size-of-data", detail: "\(needed) bytes are needed, \(stored) are there",
      place: place, into: &sink)
  }

  /// Texts that are a value rather than a tensor, and bytes that are a file of their own.
  private mutating func look(
    at bytes: ByteRange, _ type: HDF5Datatype, _ space: HDF5Dataspace, _ names: [String], _ place: Place,
    into sink: inout FactBuffer
  ) throws(ParseFailure) {
    let isText =
      switch type.kind {
      case .string, .variableString: true
      default: false
      }
    if type.kind == .variableBytes {
      var left = input.limits.hdf5Chunks
      let nothing = ByteCursor([], base: bytes.start)
      let stored = Stored(steps: names, place: place, type: type, space: space, data: nothing)
      return try rows(try file.read(at: bytes.start, bytes.count, "data"), stored, &left, into: &sink)
    }
    guard isText || type.isBytes else { return }
    if isText, bytes.count <= Self.valueLimit, let needed = space.bytes(of: type), needed <= bytes.count {
      let data = try file.read(at: bytes.start, bytes.count, "data")
      let stored = Stored(steps: names, place: place, type: type, space: space, data: data)
      return try state(stored, bytes, into: &sink)
    }
    guard type.isBytes else { return }
    let nothing = ByteCursor([], base: bytes.start)
    queuePickle(bytes, Stored(steps: names, place: place, type: type, space: space, data: nothing), into: &sink)
  }

  // MARK: Elsewhere

  /// An external file list message (version 1): the address of a local heap, then for each file the offset of its name
  /// in the heap, the offset of the data in the file, and its size.
  private mutating func externalFiles(
    _ message: HDF5Message, _ place: Place, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    var cursor = message.cursor
    _ = try HDF5File.expect(version: 1...1, &cursor, "external-files-version")
    try cursor.skip(5, "reserved")
    let slots = try cursor.readUInt16("used-slots")
    guard let address = try file.readOffset(&cursor, "heap-address") else {
      throw ParseFailure(.malformed, "heap-address", at: message.start)
    }
    let heap = try HDF5LocalHeap(&file, at: address)
    for _ in 0..<slots {
      let name = try cursor.readLittleEndian(file.lengthSize, "name-offset")
      try cursor.skip(2 &* file.lengthSize, "external-file-offset")
      refer("hdf5.external-file", try heap.text(&file, at: name), message.range, place, into: &sink)
    }
  }

  /// A filter pipeline message (versions 1 and 2): for each filter its number, the length of its name, flags, the number
  /// of its parameters, its name (padded to 8 in version 1), its parameters.
  private func filters(
    _ message: HDF5Message, _ place: Place, into sink: inout FactBuffer
  ) throws(ParseFailure) -> [HDF5Filter] {
    var filters: [HDF5Filter] = []
    var cursor = message.cursor
    let version = try HDF5File.expect(version: 1...2, &cursor, "filter-pipeline-version")
    let count = try cursor.readUInt8("number-of-filters")
    if version == 1 { try cursor.skip(6, "reserved") }
    for _ in 0..<count {
      let start = cursor.offset
      let number = try cursor.readUInt16("filter-identification")
      let nameLength = version == 1 || number >= 256 ? try cursor.readUInt16("name-length") : 0
      try cursor.skip(2, "filter-flags")
      let parameters = Int(try cursor.readUInt16("number-of-client-data-values"))
      let name = HDF5Link.text(try cursor.slice(nameLength, "filter-name").prefix { $0 != 0 })
      let parameter = parameters > 0 ? try cursor.readUInt32("client-data") : 0
      try cursor.skip(max(0, parameters &- 1) &* 4, "client-data")
      filters.append(HDF5Filter(number: number, parameter: parameter))
      if version == 1, parameters % 2 != 0 { try cursor.skip(4, "padding") }
      sink.emit(
        .operation(
          OperationFact(
            framework: "hdf5", name: "filter.\(number)", node: place.description, arguments: name.isEmpty ? [] : [name])
        ),
        artifact: input.index, range: clip(ByteRange(start, cursor.offset)), place: place)
    }
    return filters
  }

  /// The sources of a virtual dataset: `00`, number of entries, then for each the source's file and dataset, ended by
  /// NUL, and two selections. The file `.` is this one.
  private mutating func virtualSources(
    _ collection: Int?, _ index: UInt32, _ place: Place, at start: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    guard let collection else { return }
    let range = try globalHeap.object(collection, index, &file, at: start)
    var cursor = try file.read(at: range.start, range.count, "virtual-dataset")
    let version = try HDF5File.expect(version: 0...1, &cursor, "virtual-dataset-version")
    let entries = try cursor.readLittleEndian(file.lengthSize, "number-of-entries")
    var done: UInt64 = 0
    while done < entries {
      let at = cursor.offset
      // Version 1 has flags: names that an earlier entry has are left out and numbered.
      let flags = version == 1 ? try cursor.readUInt8("entry-flags") : 0
      if flags & ~4 != 0 { throw ParseFailure(.unsupported, "entry-flags", at: at) }
      let name = flags & 4 != 0 ? "." : HDF5Link.text(try Self.readText(&cursor))
      _ = try Self.readText(&cursor)
      if name != "." {
        refer("hdf5.virtual-source", name, ByteRange(at, cursor.offset), place, into: &sink)
      }
      try HDF5Selection.skip(&cursor)
      try HDF5Selection.skip(&cursor)
      done &+= 1
    }
  }

  private static func readText(_ cursor: inout ByteCursor) throws(ParseFailure) -> ArraySlice<UInt8> {
    let start = cursor.index
    while try cursor.readUInt8("source-name") != 0 {}
    return cursor.bytes[start..<(cursor.index &- 1)]
  }
}

/// A selection of elements, stepped over.
enum HDF5Selection {
  static func skip(_ cursor: inout ByteCursor) throws(ParseFailure) {
    let place = cursor.offset
    let type = try cursor.readUInt32("selection-type")
    let version = try cursor.readUInt32("selection-version")
    switch (type, version) {
    case (0, 1), (3, 1): try cursor.skip(8, "selection")
    case (1, 1), (2, 1):
      try cursor.skip(4, "reserved")
      try cursor.skip(try cursor.readUInt32("selection-length"), "selection")
    case (2, 2):
      try cursor.skip(1, "selection-flags")
      try cursor.skip(try cursor.readUInt32("selection-length"), "selection")
    case (1, 2):
      let width = Int(try cursor.readUInt8("encode-size"))
      let rank = Int(try cursor.readUInt32("rank"))
      let points = try cursor.readLittleEndian(try narrow(width, place), "number-of-points")
      try skip(UInt64(rank), points, width, &cursor)
    case (2, 3):
      let flags = try cursor.readUInt8("selection-flags")
      let width = Int(try cursor.readUInt8("encode-size"))
      let rank = UInt64(try cursor.readUInt32("rank"))
      if flags & 1 != 0 {
        try skip(rank, 4, width, &cursor)
      } else {
        let blocks = try cursor.readLittleEndian(try narrow(width, place), "number-of-blocks")
        try skip(rank &* 2, blocks, width, &cursor)
      }
    default: throw ParseFailure(.unsupported, "selection-version", at: place)
    }
  }

  private static func narrow(_ width: Int, _ place: Int) throws(ParseFailure) -> Int {
    guard [1, 2, 4, 8].contains(width) else { throw ParseFailure(.malformed, "encode-size", at: place) }
    return width
  }

  /// Steps over `a` times `b` numbers of `width` bytes.
  private static func skip(_ a: UInt64, _ b: UInt64, _ width: Int, _ cursor: inout ByteCursor) throws(ParseFailure) {
    let (count, overflow) = a.multipliedReportingOverflow(by: b)
    let (bytes, overflow2) = count.multipliedReportingOverflow(by: UInt64(truncatingIfNeeded: width))
    guard !overflow, !overflow2 else { throw ParseFailure(.truncated, "selection", at: cursor.offset) }
    try cursor.skip(bytes, "selection")
  }
}
