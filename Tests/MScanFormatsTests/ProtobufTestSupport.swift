import MScanBytes
import MScanFacts

@testable import MScanFormats

/// Writes protocol buffers, well made or not.
enum Proto {
  static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var out: [UInt8] = []
    while rest > 0x7f {
      out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return out + [UInt8(truncatingIfNeeded: rest)]
  }

  static func tag(_ number: Int, _ wire: ProtobufWire) -> [UInt8] {
    varint(UInt64(number) << 3 | UInt64(wire.rawValue))
  }

  static func number(_ number: Int, _ value: UInt64) -> [UInt8] { tag(number, .varint) + varint(value) }
  static func bytes(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
    tag(number, .length) + varint(UInt64(bytes.count)) + bytes
  }
  static func text(_ number: Int, _ text: String) -> [UInt8] { bytes(number, Array(text.utf8)) }
  static func message(_ number: Int, _ fields: [UInt8]...) -> [UInt8] { bytes(number, fields.flatMap(\.self)) }
}

extension FactBuffer {
  /// Subjects of the operations with their arguments, and how often each was there, in order.
  var graphOperations: [String] {
    facts.compactMap { fact in
      guard case .operation(let operation) = fact.payload else { return nil }
      let subject = fact.subjects.first ?? ""
      let arguments = operation.arguments.isEmpty ? "" : "(\(operation.arguments.joined(separator: ", ")))"
      return subject + arguments + (operation.isLocal ? " local" : "") + (fact.count > 1 ? " x\(fact.count)" : "")
    }
  }

  /// `field=target` of every reference, in order.
  var graphReferences: [String] {
    facts.compactMap { fact in
      guard case .reference(let reference) = fact.payload else { return nil }
      return "\(reference.field)=\(reference.target)"
    }
  }

  /// `name dtype shape` of every tensor, in order.
  var tensorLines: [String] {
    facts.compactMap { fact in
      guard case .tensor(let tensor) = fact.payload else { return nil }
      return "\(tensor.name) \(tensor.dtype) \(tensor.shape)"
    }
  }
}
