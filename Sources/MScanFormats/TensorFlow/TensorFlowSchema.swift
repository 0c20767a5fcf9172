/// The fields of TensorFlow's graphs that the reader looks at.
enum TensorFlowRole: Sendable {
  // SavedModel, MetaGraphDef
  case schemaVersion, metaGraph, tag, version, assetFile, assetName
  // GraphDef, FunctionDef
  case graph, function, signatureName
  // NodeDef
  case node, nodeName, operatorName, inputName
  // AttrValue, with its key
  case attribute, attributeName, attributeText
  // TensorProto
  case tensor, dataType, dimension, content, stringValue
  // SavedUserObject, SavedObject
  case userObject, identifier, metadata, registeredName
}

/// `saved_model.proto`, `meta_graph.proto`, `graph.proto` and what they use, TensorFlow 2.20.
enum TensorFlowSchema {
  typealias Schema = ProtobufSchema<TensorFlowRole>

  static let savedModel = Schema([savedModelMessage, metaGraphMessage, graphMessage] + parts)
  static let metaGraph = Schema([metaGraphMessage, graphMessage] + parts)
  static let graph = Schema([graphMessage] + parts)

  private static let parts = [nodeMessage] + metaParts + functionParts + valueParts

  private static let savedModelMessage = Schema.Message(
    "SavedModel",
    [
      .init(1, "saved_model_schema_version", .varint, .schemaVersion),
      .init(2, "meta_graphs", .message("MetaGraphDef"), .metaGraph, repeated: true),
    ])

  private static let metaGraphMessage = Schema.Message(
    "MetaGraphDef",
    [
      .init(1, "meta_info_def", .message("MetaInfoDef")), .init(2, "graph_def", .message("GraphDef"), .graph),
      .init(3, "saver_def", .opaque), .init(4, "collection_def", .opaque, repeated: true),
      .init(5, "signature_def", .opaque, repeated: true),
      .init(6, "asset_file_def", .message("AssetFileDef"), .assetFile, repeated: true),
      .init(7, "object_graph_def", .message("SavedObjectGraph")),
    ])

  private static let graphMessage = Schema.Message(
    "GraphDef",
    [
      .init(1, "node", .message("NodeDef"), .node, repeated: true),
      .init(2, "library", .message("FunctionDefLibrary")), .init(3, "version", .varint),
      .init(4, "versions", .opaque), .init(5, "debug_info", .opaque),
    ])

  private static let nodeMessage = Schema.Message(
    "NodeDef",
    [
      .init(1, "name", .bytes, .nodeName), .init(2, "op", .bytes, .operatorName),
      .init(3, "input", .bytes, .inputName, repeated: true), .init(4, "device", .bytes),
      .init(5, "attr", .message("AttrEntry"), .attribute, repeated: true),
      .init(6, "experimental_debug_info", .opaque), .init(7, "experimental_type", .opaque),
    ])

  private static let metaParts: [Schema.Message] = [
    .init(
      "MetaInfoDef",
      [
        .init(1, "meta_graph_version", .bytes), .init(2, "stripped_op_list", .opaque), .init(3, "any_info", .opaque),
        .init(4, "tags", .bytes, .tag, repeated: true), .init(5, "tensorflow_version", .bytes, .version),
        .init(6, "tensorflow_git_version", .bytes), .init(7, "stripped_default_attrs", .varint),
        .init(8, "function_aliases", .opaque, repeated: true),
      ]),
    .init(
      "AssetFileDef", [.init(1, "tensor_info", .opaque), .init(2, "filename", .bytes, .assetName)]),
    .init(
      "SavedObjectGraph",
      [
        .init(1, "nodes", .message("SavedObject"), repeated: true),
        .init(2, "concrete_functions", .opaque, repeated: true),
      ]),
    .init(
      "SavedObject",
      [
        .init(1, "children", .opaque, repeated: true), .init(3, "slot_variables", .opaque, repeated: true),
        .init(4, "user_object", .message("SavedUserObject"), .userObject), .init(5, "asset", .opaque),
        .init(6, "function", .opaque), .init(7, "variable", .opaque), .init(8, "bare_concrete_function", .opaque),
        .init(9, "constant", .opaque), .init(10, "resource", .opaque),
        .init(11, "saveable_objects", .opaque, repeated: true), .init(12, "captured_tensor", .opaque),
        .init(13, "registered_name", .bytes, .registeredName), .init(14, "serialized_user_proto", .opaque),
        .init(15, "dependencies", .opaque, repeated: true), .init(16, "registered_saver", .bytes, .registeredName),
      ]),
    .init(
      "SavedUserObject",
      [
        .init(1, "identifier", .bytes, .identifier), .init(2, "version", .opaque),
        .init(3, "metadata", .bytes, .metadata),
      ]),
  ]

  private static let functionParts: [Schema.Message] = [
    .init(
      "FunctionDefLibrary",
      [
        .init(1, "function", .message("FunctionDef"), .function, repeated: true),
        .init(2, "gradient", .opaque, repeated: true), .init(3, "registered_gradients", .opaque, repeated: true),
      ]),
    .init(
      "FunctionDef",
      [
        .init(1, "signature", .message("OpDef")),
        .init(3, "node_def", .message("NodeDef"), .node, repeated: true), .init(4, "ret", .opaque, repeated: true),
        .init(5, "attr", .opaque, repeated: true), .init(6, "control_ret", .opaque, repeated: true),
        .init(7, "arg_attr", .opaque, repeated: true),
        .init(8, "resource_arg_unique_id", .opaque, repeated: true),
      ]),
    .init(
      "OpDef",
      [
        .init(1, "name", .bytes, .signatureName), .init(2, "input_arg", .opaque, repeated: true),
        .init(3, "output_arg", .opaque, repeated: true), .init(4, "attr", .opaque, repeated: true),
        .init(5, "summary", .bytes), .init(6, "description", .bytes), .init(8, "deprecation", .opaque),
        .init(16, "is_aggregate", .varint), .init(17, "is_stateful", .varint), .init(18, "is_commutative", .varint),
        .init(19, "allows_uninitialized_input", .varint), .init(20, "control_output", .bytes, repeated: true),
        .init(21, "is_distributed_communication", .varint),
      ]),
  ]

  private static let valueParts: [Schema.Message] = [
    .init(
      "AttrEntry", [.init(1, "key", .bytes, .attributeName), .init(2, "value", .message("AttrValue"))]),
    .init(
      "AttrValue",
      [
        .init(1, "list", .message("ListValue")), .init(2, "s", .bytes, .attributeText), .init(3, "i", .varint),
        .init(4, "f", .fixed32), .init(5, "b", .varint), .init(6, "type", .varint), .init(7, "shape", .opaque),
        .init(8, "tensor", .message("TensorProto"), .tensor), .init(9, "placeholder", .bytes),
        .init(10, "func", .opaque),
      ]),
    .init(
      "ListValue",
      [
        .init(2, "s", .bytes, .attributeText, repeated: true), .init(3, "i", .numbers, repeated: true),
        .init(4, "f", .fixed32, repeated: true), .init(5, "b", .numbers, repeated: true),
        .init(6, "type", .numbers, repeated: true), .init(7, "shape", .opaque, repeated: true),
        .init(8, "tensor", .opaque, repeated: true), .init(9, "func", .opaque, repeated: true),
      ]),
    .init(
      "TensorProto",
      [
        .init(1, "dtype", .varint, .dataType), .init(2, "tensor_shape", .message("TensorShapeProto")),
        .init(3, "version_number", .varint), .init(4, "tensor_content", .bytes, .content),
        .init(5, "float_val", .fixed32, repeated: true), .init(6, "double_val", .fixed64, repeated: true),
        .init(7, "int_val", .numbers, repeated: true), .init(8, "string_val", .bytes, .stringValue, repeated: true),
        .init(9, "scomplex_val", .fixed32, repeated: true), .init(10, "int64_val", .numbers, repeated: true),
        .init(11, "bool_val", .numbers, repeated: true), .init(12, "dcomplex_val", .fixed64, repeated: true),
        .init(13, "half_val", .numbers, repeated: true), .init(14, "resource_handle_val", .opaque, repeated: true),
        .init(15, "variant_val", .opaque, repeated: true), .init(16, "uint32_val", .numbers, repeated: true),
        .init(17, "uint64_val", .numbers, repeated: true), .init(18, "float8_val", .bytes),
      ]),
    .init(
      "TensorShapeProto",
      [.init(2, "dim", .message("Dim"), repeated: true), .init(3, "unknown_rank", .varint)]),
    .init("Dim", [.init(1, "size", .varint, .dimension), .init(2, "name", .bytes)]),
  ]
}

/// `DataType` of TensorFlow.
enum TensorFlowType {
  static let text = 7

  /// By number from 0, with the bytes of one element; 0 for what has no fixed size.
  private static let types: [(name: String, bytes: Int)] = [
    ("DT_INVALID", 0), ("DT_FLOAT", 4), ("DT_DOUBLE", 8), ("DT_INT32", 4), ("DT_UINT8", 1), ("DT_INT16", 2),
    ("DT_INT8", 1), ("DT_STRING", 0), ("DT_COMPLEX64", 8), ("DT_INT64", 8), ("DT_BOOL", 1), ("DT_QINT8", 1),
    ("DT_QUINT8", 1), ("DT_QINT32", 4), ("DT_BFLOAT16", 2), ("DT_QINT16", 2), ("DT_QUINT16", 2), ("DT_UINT16", 2),
    ("DT_COMPLEX128", 16), ("DT_HALF", 2), ("DT_RESOURCE", 0), ("DT_VARIANT", 0), ("DT_UINT32", 4),
    ("DT_UINT64", 8), ("DT_FLOAT8_E5M2", 1), ("DT_FLOAT8_E4M3FN", 1), ("DT_FLOAT8_E4M3FNUZ", 1),
    ("DT_FLOAT8_E4M3B11FNUZ", 1), ("DT_FLOAT8_E5M2FNUZ", 1), ("DT_INT4", 1), ("DT_UINT4", 1),
  ]

  static func name(_ number: Int) -> String { types.indices.contains(number) ? types[number].name : "\(number)" }

  /// Bytes of a tensor; nil for a type without a size, for a negative extent, or when they do not fit.
  static func bytes(_ shape: [Int], type: Int) -> Int? {
    guard types.indices.contains(type), types[type].bytes > 0 else { return nil }
    var total = types[type].bytes
    for extent in shape {
      let (product, overflow) = total.multipliedReportingOverflow(by: extent)
      guard !overflow, extent >= 0 else { return nil }
      total = product
    }
    return total
  }
}
