import MScanBytes

/// The files of a scan by their places: only what is in here is ever opened for a record.
struct FileIndex {
  let files: [ProvenanceFile]
  private let byLocation: [SystemPath: Int]
  /// Indices in byte order of the places.
  private let sorted: [Int]

  init(_ files: [ProvenanceFile]) {
    self.files = files
    var map: [SystemPath: Int] = [:]
    map.reserveCapacity(files.count)
    for (index, file) in files.enumerated() where map[file.location] == nil { map[file.location] = index }
    byLocation = map
    sorted = files.indices.sorted { files[$0].location < files[$1].location }
  }

  func index(of location: SystemPath) -> Int? { byLocation[location] }

  /// The files in `folder` and below it, in byte order of their places.
  func below(_ folder: SystemPath) -> [Int] {
    let prefix = folder.bytes + [UInt8(ascii: "/")]
    var low = 0
    var high = sorted.count
    while low < high {
      let middle = (low + high) / 2
      if files[sorted[middle]].location.bytes.lexicographicallyPrecedes(prefix) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return Array(sorted[low...].prefix { files[$0].location.bytes.starts(with: prefix) })
  }
}
