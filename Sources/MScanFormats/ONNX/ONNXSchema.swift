/// The fields of ONNX that the reader looks at.
enum ONNXRole: Sendable {
  // ModelProto
  case irVersion, producerName, producerVersion, modelDomain, modelVersion, documentation, metadata, opset, training
  // GraphProto, FunctionProto
  case graph, subgraph, function, functionName, functionDomain, initializer, sparseInitializer
  // NodeProto
  case node, nodeName, operatorType, nodeDomain
  // AttributeProto
  case attribute, attributeName, attributeInteger, attributeText, attributeTexts, attributeTensor, attributeSparse
  // TensorProto
  case dimension, dataType, tensorName, rawData, fourByteData, eightByteData, numberData, textData
  case externalData, dataLocation
  // StringStringEntryProto, OperatorSetIdProto
  case key, entryValue, opsetDomain, opsetVersion
}

/// `onnx.proto`, ONNX 1.19 (IR version 12).
enum ONNXSchema {
  typealias Schema = ProtobufSchema<ONNXRole>

  static let model = Schema([modelProto] + parts)
  /// A tensor in a file of its own, as the test data of ONNX has them.
  static let tensor = Schema([tensorProto] + parts.filter { $0.name.description != "TensorProto" })

  private static let modelProto = Schema.Message(
    "ModelProto",
    [
      .init(1, "ir_version", .varint, .irVersion), .init(2, "producer_name", .bytes, .producerName),
      .init(3, "producer_version", .bytes, .producerVersion), .init(4, "domain", .bytes, .modelDomain),
      .init(5, "model_version", .varint, .modelVersion), .init(6, "doc_string", .bytes, .documentation),
      .init(7, "graph", .message("GraphProto"), .graph),
      .init(8, "opset_import", .message("OperatorSetIdProto"), .opset, repeated: true),
      .init(14, "metadata_props", .message("StringStringEntryProto"), .metadata, repeated: true),
      .init(20, "training_info", .message("TrainingInfoProto"), .training, repeated: true),
      .init(25, "functions", .message("FunctionProto"), .function, repeated: true),
      .init(26, "configuration", .opaque, repeated: true),
    ])

  private static let parts: [Schema.Message] = [
    tensorProto, graphProto, nodeProto, attributeProto, functionProto,
    .init(
      "TrainingInfoProto",
      [
        .init(1, "initialization", .message("GraphProto"), .subgraph),
        .init(2, "algorithm", .message("GraphProto"), .subgraph),
        .init(3, "initialization_binding", .opaque, repeated: true),
        .init(4, "update_binding", .opaque, repeated: true),
      ]),
    .init(
      "OperatorSetIdProto",
      [.init(1, "domain", .bytes, .opsetDomain), .init(2, "version", .varint, .opsetVersion)]),
    .init(
      "StringStringEntryProto", [.init(1, "key", .bytes, .key), .init(2, "value", .bytes, .entryValue)]),
    .init(
      "SparseTensorProto",
      [
        .init(1, "values", .message("TensorProto"), .sparseInitializer),
        .init(2, "indices", .message("TensorProto"), .attributeTensor), .init(3, "dims", .varint, repeated: true),
      ]),
  ]

  private static let graphProto = Schema.Message(
    "GraphProto",
    [
      .init(1, "node", .message("NodeProto"), .node, repeated: true), .init(2, "name", .bytes),
      .init(5, "initializer", .message("TensorProto"), .initializer, repeated: true),
      .init(10, "doc_string", .bytes, .documentation), .init(11, "input", .opaque, repeated: true),
      .init(12, "output", .opaque, repeated: true), .init(13, "value_info", .opaque, repeated: true),
      .init(14, "quantization_annotation", .opaque, repeated: true),
      .init(15, "sparse_initializer", .message("SparseTensorProto"), repeated: true),
      .init(16, "metadata_props", .opaque, repeated: true),
    ])

  private static let nodeProto = Schema.Message(
    "NodeProto",
    [
      .init(1, "input", .bytes, repeated: true), .init(2, "output", .bytes, repeated: true),
      .init(3, "name", .bytes, .nodeName), .init(4, "op_type", .bytes, .operatorType),
      .init(5, "attribute", .message("AttributeProto"), .attribute, repeated: true), .init(6, "doc_string", .bytes),
      .init(7, "domain", .bytes, .nodeDomain), .init(8, "overload", .bytes),
      .init(9, "metadata_props", .opaque, repeated: true),
      .init(10, "device_configurations", .opaque, repeated: true),
    ])

  private static let attributeProto = Schema.Message(
    "AttributeProto",
    [
      .init(1, "name", .bytes, .attributeName), .init(2, "f", .fixed32), .init(3, "i", .varint, .attributeInteger),
      .init(4, "s", .bytes, .attributeText), .init(5, "t", .message("TensorProto"), .attributeTensor),
      .init(6, "g", .message("GraphProto"), .subgraph), .init(7, "floats", .fixed32, repeated: true),
      .init(8, "ints", .varint, repeated: true), .init(9, "strings", .bytes, .attributeTexts, repeated: true),
      .init(10, "tensors", .message("TensorProto"), .attributeTensor, repeated: true),
      .init(11, "graphs", .message("GraphProto"), .subgraph, repeated: true), .init(13, "doc_string", .bytes),
      .init(14, "tp", .opaque), .init(15, "type_protos", .opaque, repeated: true), .init(20, "type", .varint),
      .init(21, "ref_attr_name", .bytes), .init(22, "sparse_tensor", .message("SparseTensorProto"), .attributeSparse),
      .init(23, "sparse_tensors", .message("SparseTensorProto"), .attributeSparse, repeated: true),
    ])

  private static let functionProto = Schema.Message(
    "FunctionProto",
    [
      .init(1, "name", .bytes, .functionName), .init(4, "input", .bytes, repeated: true),
      .init(5, "output", .bytes, repeated: true), .init(6, "attribute", .bytes, repeated: true),
      .init(7, "node", .message("NodeProto"), .node, repeated: true), .init(8, "doc_string", .bytes),
      .init(9, "opset_import", .message("OperatorSetIdProto"), .opset, repeated: true),
      .init(10, "domain", .bytes, .functionDomain),
      .init(11, "attribute_proto", .message("AttributeProto"), .attribute, repeated: true),
      .init(12, "value_info", .opaque, repeated: true), .init(13, "overload", .bytes),
      .init(14, "metadata_props", .opaque, repeated: true),
    ])

  private static let tensorProto = Schema.Message(
    "TensorProto",
    [
      .init(1, "dims", .varint, .dimension, repeated: true), .init(2, "data_type", .varint, .dataType),
      .init(3, "segment", .opaque), .init(4, "float_data", .fixed32, .fourByteData, repeated: true),
      .init(5, "int32_data", .numbers, .numberData, repeated: true),
      .init(6, "string_data", .bytes, .textData, repeated: true),
      .init(7, "int64_data", .numbers, .numberData, repeated: true), .init(8, "name", .bytes, .tensorName),
      .init(9, "raw_data", .bytes, .rawData), .init(10, "double_data", .fixed64, .eightByteData, repeated: true),
      .init(11, "uint64_data", .numbers, .numberData, repeated: true), .init(12, "doc_string", .bytes),
      .init(13, "external_data", .message("StringStringEntryProto"), .externalData, repeated: true),
      .init(14, "data_location", .varint, .dataLocation), .init(16, "metadata_props", .opaque, repeated: true),
    ])
}
