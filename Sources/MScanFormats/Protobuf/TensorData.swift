/// Files of numbers that another file says how to read, and graphs written as text.
enum TensorData {
  /// A file of weights: by its own marks, or by the name that its format gives it. Loaders take such bytes for numbers
  /// and nothing else.
  static func kind(_ head: [UInt8], name: String) -> String? {
    if isCoreMLWeights(head) { return "coreml-weights" }
    return isShard(name) || name.hasSuffix(".onnx_data") || name.hasSuffix(".onnx.data") ? "tensor-data" : nil
  }

  /// `weight.bin` of an `.mlpackage`: a count, the version 2, and a mark at the head of the first blob.
  private static func isCoreMLWeights(_ head: [UInt8]) -> Bool {
    head.count >= 68 && head[4..<8].elementsEqual([2, 0, 0, 0])
      && head[64..<68].elementsEqual([0xef, 0xbe, 0xad, 0xde])
  }

  /// `variables.data-00000-of-00001`: tensors of a checkpoint.
  private static func isShard(_ name: String) -> Bool {
    guard let dot = name.lastIndex(of: ".") else { return false }
    let parts = name[name.index(after: dot)...].split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == "data", parts[2] == "of" else { return false }
    return [parts[1], parts[3]].allSatisfy { $0.utf8.count >= 5 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
  }

  /// Whether a text is a graph in the text form of protocol buffers: one of the fields of a graph starts a line.
  static func isGraphText(_ head: [UInt8]) -> Bool {
    let fields: Set<String> = [
      "node", "library", "meta_graphs", "meta_info_def", "graph_def", "saved_model_schema_version", "layer", "layers",
      "graph", "ir_version", "opset_import", "blocks", "specificationVersion",
    ]
    return head.split(separator: 0x0a).contains { line in
      let text = String(decoding: line.prefix(80), as: UTF8.self)
      let name = text.drop { $0 == " " || $0 == "\t" }.prefix { $0 == "_" || $0.isLetter }
      let rest = text.drop { $0 == " " || $0 == "\t" }.dropFirst(name.count).drop { $0 == " " }
      return fields.contains(String(name)) && [":", "{", "<"].contains(rest.first)
    }
  }
}
