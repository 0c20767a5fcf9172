import MScanBytes
import MScanFacts
import MScanProvenance

/// What a lockfile keeps of the inside of a file, so that a later change can be named.
struct FileContents {
  /// Tensors of one file that are told one by one. Count; 20,000: the largest shards have some thousands.
  private static let tensorLimit = 20_000
  /// Values of one document that are told one by one. Count; 2,000: configurations have tens, vocabularies 250,000.
  private static let valueLimit = 2000
  /// Characters of a value that are kept; of longer ones a hash is. Count; 80.
  private static let valueCharacters = 80
  /// Digits of a tensor's digest that are kept. Count; 16: enough to tell that it changed, for which the file's own
  /// digest is the proof.
  private static let digits = 16

  var format: String
  var contents = LockedContents()
  /// Values that say where the model comes from and under which licence, with their lines.
  var declared: [(key: String, value: String, line: Int)] = []
  /// Why some of the file was not read; nil when all was.
  var problem: String?

  /// - Parameter wantsDigests: whether the bytes of the tensors are hashed.
  init(of target: Target, limits: Limits, wantsDigests: Bool) {
    let walker = Walker(limits: limits)
    format = ""
    guard let scan = walker.read(target) else { return }
    format = scan.buffer.fileFormat ?? ""
    var ranges: [String: ByteRange] = [:]
    var values: [String: String] = [:]
    for fact in scan.buffer.facts where fact.artifact == 0 {
      switch fact.payload {
      case .tensor(let tensor) where ranges.count < Self.tensorLimit:
        contents.tensors[tensor.name] = LockedContents.Tensor(dtype: tensor.dtype, shape: tensor.shape)
        ranges[tensor.name] = tensor.bytes
      case .value(let value):
        note(value, line: fact.place.lineAndColumn?.line ?? 0)
        if Self.isDocument(format), values.count <= Self.valueLimit, Self.isScalar(value.value) {
          values[value.keyPath] = Self.short(value.rendered)
        }
      case .anomaly(let anomaly) where anomaly.incomplete && problem == nil: problem = anomaly.detail
      default: continue
      }
    }
    if values.count <= Self.valueLimit { contents.values = values }
    guard wantsDigests, !ranges.isEmpty else { return }
    let digests = FileDigests.sha256(of: target.path, Set(ranges.values.filter { !$0.isEmpty }))
    for (name, range) in ranges {
      contents.tensors[name]?.digest = digests[range].map { String(Hex.text($0).prefix(Self.digits)) } ?? ""
    }
  }

  private static func isDocument(_ format: String) -> Bool { ["json", "yaml", "markdown"].contains(format) }

  private static func isScalar(_ value: ValueFact.Scalar) -> Bool {
    switch value {
    case .object, .array: false
    default: true
    }
  }

  private static func short(_ text: String) -> String {
    if text.count <= valueCharacters { return text }
    return "sha256:" + String(Hex.text(FileDigests.sha256(of: Array(text.utf8))).prefix(digits))
  }

  private mutating func note(_ value: ValueFact, line: Int) {
    let key = value.keyPath.prefix { $0 != "." }
    guard ["base_model", "base_model_name_or_path", "_name_or_path", "license"].contains(key), declared.count < 64,
      case .text(let text) = value.value, !text.isEmpty
    else { return }
    declared.append((String(key), text, line))
  }
}
