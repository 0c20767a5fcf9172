import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

/// Reads one artifact with one reader.
func read(
  _ format: any Format.Type, _ bytes: [UInt8], name: String, limits: Limits = .standard,
  interest: ValueInterest = .all
) -> FactBuffer {
  var sink = FactBuffer(limits: limits)
  let row = sink.artifacts.append(Artifact(name: name, format: format.id, size: bytes.count))
  format.read(
    ArtifactInput(index: row, source: ByteSource(bytes), name: name, limits: limits, interest: interest),
    into: &sink)
  return sink
}

func readJSON(
  _ text: String, name: String = "config.json", limits: Limits = .standard, interest: ValueInterest = .all
) -> FactBuffer {
  read(JSONFormat.self, Array(text.utf8), name: name, limits: limits, interest: interest)
}

extension FactBuffer {
  /// `path=value` of every value, in order.
  var values: [String] {
    facts.compactMap { fact in
      guard case .value(let value) = fact.payload else { return nil }
      return "\(value.keyPath)=\(value.rendered)"
    }
  }

  /// Subjects of the anomalies, in order; `!` behind those that make the scan incomplete.
  var anomalySubjects: [String] { anomalies.map { $0.subject + ($0.incomplete ? "!" : "") } }

  /// What every reader owes: ranges inside the artifact, in order, children inside too.
  func keepsTheLaws() -> Bool {
    var last = 0
    for fact in facts {
      let size = artifacts[fact.artifact]?.size ?? -1
      guard fact.range.start >= 0, fact.range.end <= size else { return false }
      if fact.artifact == 0 {
        guard fact.range.start >= last else { return false }
        last = fact.range.start
      }
    }
    return children.allSatisfy { child in
      guard let row = artifacts[child.index], let range = row.rangeInParent, let parent = row.parent else {
        return false
      }
      return range.end <= artifacts[parent]?.size ?? -1 && row.size == child.source.count
    }
  }
}

/// Every prefix and every one-byte change of a sample ends in facts that keep the laws.
func expectNoSurprise(
  _ format: any Format.Type, _ sample: [UInt8], name: String, interest: ValueInterest = .all
) {
  for count in 0...sample.count {
    #expect(read(format, Array(sample[..<count]), name: name, interest: interest).keepsTheLaws(), "prefix of \(count)")
  }
  for index in sample.indices {
    for change in [UInt8(0), 0xff, sample[index] ^ 1, sample[index] ^ 0x80] {
      var bytes = sample
      bytes[index] = change
      #expect(read(format, bytes, name: name, interest: interest).keepsTheLaws(), "byte \(index) is \(change)")
    }
  }
}
