import MScanBytes
import MScanFacts
import MScanLineage

/// What one file of a model's folder adds to its lineage.
struct ModelFile: Sendable {
  /// A tensor, and the file beside this one that holds its bytes; empty for this one.
  struct Tensor: Sendable {
    var stored: StoredTensor
    var external: String
  }

  var target: Int
  var reported: String
  var path: SystemPath
  var folder: SystemPath
  var name: String
  var format: String
  var size: Int
  /// Format of what holds the tensors: `torch` for its pickles.
  var container = ""
  var tensors: [Tensor] = []
  var values: [StatedValue] = []
  var claims: [Claim] = []

  var isEmpty: Bool { tensors.isEmpty && values.isEmpty && claims.isEmpty }

  /// Formats whose tensors lie at places of the file.
  private static let containers: Set<String> = [
    "safetensors", "gguf", "pickle", "onnx", "npy", "hdf5", "msgpack", "tensorflow-checkpoint",
  ]

  /// Documents that may name a parent.
  private static let documents: Set<String> = ["json", "yaml", "markdown", "gguf", "safetensors"]

  init(_ scan: FileScan, target: Target, number: Int) {
    self.target = number
    reported = target.reported
    path = target.path
    folder = target.folder
    name = Walker.lastComponent(target.reported)
    format = scan.buffer.fileFormat ?? ""
    size = scan.size
    takeTensors(scan)
    if Self.documents.contains(format) { takeValues(scan.buffer) }
    takeProse(scan.source)
  }

  // MARK: Tensors

  private mutating func takeTensors(_ scan: FileScan) {
    let table = scan.buffer.artifacts
    var external: [String: String] = [:]
    var storages: StoragePlaces?
    for fact in scan.buffer.facts {
      switch fact.payload {
      case .reference(let reference) where reference.field == "onnx.external-data":
        if case .tensor(let tensor) = fact.place { external[tensor] = reference.target }
      case .tensor(let tensor):
        let holder = table[fact.artifact]?.format ?? ""
        guard Self.containers.contains(holder) else { continue }
        if container.isEmpty { container = Self.container(of: holder, in: format) }
        var bytes = tensor.bytes
        var outside = ""
        if !tensor.storage.isEmpty {
          if storages == nil { storages = StoragePlaces(scan) }
          guard let place = storages?.place(of: tensor.storage, for: fact.artifact),
            tensor.bytes.end <= place.count
          else { continue }
          bytes = ByteRange(at: place.start + tensor.bytes.start, count: tensor.bytes.count)
        } else if let target = external[tensor.name] {
          outside = target
        } else {
          let place = table.onDisk(fact.artifact, tensor.bytes)
          guard place.exact else { continue }
          bytes = place.range
        }
        tensors.append(
          Tensor(
            stored: StoredTensor(
              name: Self.name(tensor.name, holder), dtype: tensor.dtype,
              shape: holder == "gguf" ? tensor.shape.reversed() : tensor.shape, strides: tensor.strides, bytes: bytes,
              source: 0), external: outside))
      default: continue
      }
    }
  }

  private static func container(of holder: String, in format: String) -> String {
    switch holder {
    case "pickle": "torch"
    case "npy": format == "zip" ? "npz" : "npy"
    default: holder
    }
  }

  /// NumPy's archives name a tensor by its member; HDF5 by a path.
  private static func name(_ name: String, _ holder: String) -> String {
    switch holder {
    case "npy": name.hasSuffix(".npy") ? String(name.dropLast(4)) : name
    case "hdf5", "msgpack": name.split(separator: "/").joined(separator: ".")
    default: name
    }
  }

  // MARK: Claims

  private mutating func takeValues(_ buffer: FactBuffer) {
    for fact in buffer.facts where fact.artifact == 0 {
      guard case .value(let value) = fact.payload, values.count < 4096, Self.isWanted(value.keyPath) else { continue }
      let text: String
      switch value.value {
      case .text(let string): text = string
      case .number, .boolean: text = value.rendered
      default: continue
      }
      let place = fact.place.lineAndColumn.map { String($0.line) } ?? fact.place.description
      values.append(StatedValue(file: name, format: format, keyPath: value.keyPath, text: text, place: place))
    }
  }

  private static func isWanted(_ keyPath: String) -> Bool {
    keyPath.split(separator: ".").contains { ClaimReader.keys.contains(String($0)) }
  }

  /// Prose of cards and Modelfiles: up to ``Limits/frontMatter`` bytes.
  private mutating func takeProse(_ source: ByteSource?) {
    let lower = name.lowercased()
    guard let source, lower == "readme.md" || lower == "modelfile" else { return }
    let text = String(decoding: source.prefix(Limits.standard.frontMatter), as: UTF8.self)
    claims +=
      lower == "modelfile"
      ? ClaimReader.claims(inModelfile: text, file: name) : ClaimReader.claims(inCard: text, file: name)
  }

  /// A value of this file as a whole number.
  func number(_ keyPath: String) -> Int? { values.first { $0.keyPath == keyPath }.flatMap { Int($0.text) } }
  func text(_ keyPath: String) -> String? { values.first { $0.keyPath == keyPath }?.text }
}

/// Where the members of a torch archive that hold storages start.
private struct StoragePlaces {
  private let table: ArtifactTable
  private let source: ByteSource?
  private var members: [String: (artifact: Int, fact: ByteRange, size: Int)] = [:]
  private var known: [String: ByteRange] = [:]

  init(_ scan: FileScan) {
    table = scan.buffer.artifacts
    source = scan.source
    for fact in scan.buffer.facts {
      guard case .member(let member) = fact.payload, member.method == "stored", member.size == member.compressedSize,
        member.flags.allSatisfy({ $0 == .dataDescriptor })
      else { continue }
      members["\(fact.artifact)/\(member.name)"] = (fact.artifact, fact.range, member.size)
    }
  }

  /// Bytes of the storage `key` of the pickle `artifact`, in the file; nil when they are not stored as they are.
  mutating func place(of key: String, for artifact: Int) -> ByteRange? {
    var row = artifact
    while table[row]?.encoding == .reading, let parent = table[row]?.parent { row = parent }
    guard let pickle = table[row], let archive = pickle.parent, let slash = pickle.name.lastIndex(of: "/") else {
      return nil
    }
    let name = "\(archive)/\(pickle.name[...slash])data/\(key)"
    if let place = known[name] { return place }
    guard let member = members[name], let source else { return nil }
    let disk = table.onDisk(archive, member.fact)
    // The local header: signature, 22 bytes of fields, lengths of name and extra field.
    let header = source.prefix(30, at: disk.range.start)
    guard disk.exact, header.count == 30, header.starts(with: [0x50, 0x4b, 3, 4]) else { return nil }
    let skipped = 30 + Int(header[26]) + Int(header[27]) << 8 + Int(header[28]) + Int(header[29]) << 8
    let start = disk.range.start + skipped
    guard start + member.size <= source.count else { return nil }
    let place = ByteRange(at: start, count: member.size)
    known[name] = place
    return place
  }
}
