import MScanBytes
import MScanFacts

/// What torch rebuilds a tensor from: a place in a storage, and the way through it.
struct PickleTensor {
  var storage: String
  var dtype: String
  /// First element, in elements of the storage.
  var offset: Int
  var shape: [Int]
  var strides: [Int]

  /// Bytes of the storage that it covers; nil when they pass 63 bits or one of the numbers is negative.
  func bytes(width: Int) -> ByteRange? {
    guard offset >= 0, shape.count == strides.count, shape.count <= 64 else { return nil }
    var last = 0
    var isEmpty = false
    for (extent, stride) in zip(shape, strides) {
      guard extent >= 0, stride >= 0 else { return nil }
      if extent == 0 {
        isEmpty = true
        continue
      }
      let (step, over) = (extent &- 1).multipliedReportingOverflow(by: stride)
      let (sum, overSum) = last.addingReportingOverflow(step)
      guard !over, !overSum else { return nil }
      last = sum
    }
    let (end, over) = last.addingReportingOverflow(isEmpty ? 0 : 1)
    let (start, overStart) = offset.multipliedReportingOverflow(by: width)
    let (count, overCount) = end.multipliedReportingOverflow(by: width)
    guard !over, !overStart, !overCount, !start.addingReportingOverflow(count).overflow else { return nil }
    return ByteRange(at: start, count: count)
  }

  /// Whether the elements stand one behind the other, the last axis fastest.
  var isRowMajor: Bool {
    var step = 1
    for (extent, stride) in zip(shape, strides).reversed() {
      if extent > 1, stride != step { return false }
      let (next, over) = step.multipliedReportingOverflow(by: max(1, extent))
      guard !over else { return false }
      step = next
    }
    return true
  }
}

/// The functions of torch that pickles call to rebuild tensors. Source: `torch/_utils.py`, `torch/_tensor.py`.
enum TensorBuilder {
  /// `(storage, offset, size, stride, …)`.
  case tensor
  /// `(tensor, requires_grad, hooks)`.
  case parameter
  /// `(function, type, arguments, state)`.
  case typed

  static func of(_ path: String) -> TensorBuilder? {
    switch path {
    case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v3": .tensor
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state": .parameter
    case "torch._tensor._rebuild_from_type_v2": .typed
    default: nil
    }
  }
}

extension PickleMachine {
  /// Remembers what a call rebuilds, if it is a tensor.
  mutating func noteTensor(_ result: PickleValue, callee: PickleValue, _ arguments: PickleValue) {
    guard result.tag == .object, callee.tag == .global, let builder = recorder.tensorBuilder(of: callee.index),
      tensors.count < limits.tensors
    else { return }
    let items = argumentItems(arguments)
    switch builder {
    case .tensor: tensors[result.index] = tensor(items)
    case .parameter:
      guard let first = items.first, first.tag == .object else { return }
      tensors[result.index] = tensors[first.index]
    case .typed:
      guard items.count > 2, items[0].tag == .global, recorder.tensorBuilder(of: items[0].index) == .tensor else {
        return
      }
      tensors[result.index] = tensor(argumentItems(items[2]))
    }
  }

  private func tensor(_ items: [PickleValue]) -> PickleTensor? {
    guard items.count >= 4, let storage = heap.object(items[0]), storage.kind == .persistentID,
      let offset = items[1].intValue
    else { return nil }
    let id = argumentItems(storage.arguments)
    guard id.count >= 3, id[2].isText, let type = path(of: id[1]) else { return nil }
    let shape = argumentItems(items[2]).map { $0.intValue ?? -1 }
    let strides = argumentItems(items[3]).map { $0.intValue ?? -1 }
    guard shape.count == strides.count, shape.count <= 64 else { return nil }
    return PickleTensor(
      storage: text(of: id[2], limit: 256), dtype: type.split(separator: ".").last.map(String.init) ?? "",
      offset: offset, shape: shape, strides: strides)
  }

  /// States the tensors that are put into a dict under their names.
  func nameTensors(from start: Int) {
    guard !tensors.isEmpty, stream.reading == .memory, !recorder.isRepeat else { return }
    for index in stride(from: start, to: stack.count &- 1, by: 2) {
      let (key, value) = (stack[index], stack[index &+ 1])
      guard key.isText, value.tag == .object, let tensor = tensors[value.index] else { continue }
      recorder.state(tensor, name: text(of: key, limit: 1024), at: opcodeStart, end: stream.position, opcode: opcode)
    }
  }
}

extension PickleRecorder {
  func tensorBuilder(of index: Int) -> TensorBuilder? {
    globals.indices.contains(index) ? globals[index].builder : nil
  }

  /// States a tensor once under each name.
  func state(_ tensor: PickleTensor, name: String, at start: Int, end: Int, opcode: Int) {
    guard let width = Self.storageWidths[tensor.dtype], let bytes = tensor.bytes(width: width) else { return }
    let fact = TensorFact(
      name: name, dtype: tensor.dtype, shape: tensor.shape, bytes: bytes, storage: tensor.storage,
      strides: tensor.isRowMajor ? nil : tensor.strides)
    stateTensor(fact, ByteRange(start, end), opcode)
  }
}

extension PickleReader {
  /// Where each storage of a legacy checkpoint lies: behind the fifth stream, in the order of their keys, eight bytes
  /// of count before each.
  func storagePlaces(behind end: Int) -> [String: ByteRange] {
    var places: [String: ByteRange] = [:]
    var at = end
    for (key, bytes) in recorder.storages.sorted(by: { $0.key.precedes($1.key) }) {
      let start = at &+ 8
      guard bytes <= input.source.count &- start else { break }
      places[key] = ByteRange(at: start, count: bytes)
      at = start &+ bytes
    }
    return places
  }

  /// The tensor at its place in the file, where the file has its storages itself.
  func placed(_ tensor: TensorFact, _ places: [String: ByteRange]) -> TensorFact {
    guard let storage = places[tensor.storage] else { return tensor }
    var tensor = tensor
    let start = storage.start &+ min(tensor.bytes.start, storage.count)
    tensor.bytes = ByteRange(at: start, count: min(tensor.bytes.count, storage.end &- start))
    tensor.storage = ""
    return tensor
  }
}
