import MScanBytes
import MScanFacts

@testable import MScanFormats

/// Reads one pickle and everything nested in it as pickles.
func readPickle(_ bytes: [UInt8], limits: Limits = .standard, name: String = "model.pkl") -> FactBuffer {
  var sink = FactBuffer(limits: limits)
  let row = sink.artifacts.append(Artifact(name: name, format: PickleFormat.id, size: bytes.count))
  PickleFormat.read(
    ArtifactInput(index: row, source: ByteSource(bytes), name: name, limits: limits), into: &sink)
  var budget = 64
  while let child = sink.children.popLast(), budget > 0 {
    budget -= 1
    let name = sink.artifacts[child.index]?.name ?? ""
    PickleFormat.read(
      ArtifactInput(index: child.index, source: child.source, name: name, limits: limits), into: &sink)
  }
  return sink
}

extension FactBuffer {
  func callables(_ stage: CallableFact.Stage, artifact: Int? = nil) -> [CallableFact] {
    facts.compactMap { fact in
      guard case .callable(let callable) = fact.payload, callable.stage == stage else { return nil }
      return artifact == nil || fact.artifact == artifact ? callable : nil
    }
  }

  var anomalies: [AnomalyFact] {
    facts.compactMap { fact in
      guard case .anomaly(let anomaly) = fact.payload else { return nil }
      return anomaly
    }
  }

  /// `via path(arguments)` of every call, in order.
  var calls: [String] {
    callables(.invoked).map { "\($0.via) \($0.dotted)(\($0.arguments.joined(separator: ", ")))" }
  }
}

/// Bytes from text, where each character is one byte.
func latin1(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
