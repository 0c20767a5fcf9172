public import MScanBytes

/// A tensor as a weight file has it.
public struct StoredTensor: Sendable {
  public var name: String
  /// The container's own name of the element type: `BF16`, `Q4_K`, `FLOAT`, `HalfStorage`, `<f4`.
  public var dtype: String
  /// Extents, the slowest first.
  public var shape: [Int]
  /// Steps between neighbours along each axis, in elements; nil for row-major without gaps.
  public var strides: [Int]?
  /// In the source. Elements that lie behind its end are not read.
  public var bytes: ByteRange
  /// Index into ``WeightSet/sources``.
  public var source: Int

  public init(name: String, dtype: String, shape: [Int], strides: [Int]? = nil, bytes: ByteRange, source: Int) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.strides = strides
    self.bytes = bytes
    self.source = source
  }
}

/// The weights of one model: the tensors of all its files, and the bytes to read them from.
public struct WeightSet: Sendable {
  /// Format id of the files.
  public var container: String
  public var sources: [ByteSource]
  public var tensors: [StoredTensor]
  /// `model_type` of the configuration, or `general.architecture` of a GGUF file; empty while unknown.
  public var architecture = ""
  /// Attention heads, and those of keys and values, as the file says; needed to undo the row order of GGUF's `llama`.
  public var heads: Int?
  public var keyHeads: Int?

  public init(container: String, sources: [ByteSource] = [], tensors: [StoredTensor] = []) {
    self.container = container
    self.sources = sources
    self.tensors = tensors
  }
}
