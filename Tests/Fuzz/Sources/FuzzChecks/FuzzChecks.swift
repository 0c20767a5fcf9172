import MScanBytes
public import MScanFacts
public import MScanFormats

/// What must hold for any bytes: no trap, facts inside their artifact, and the same facts twice.
public func checkReader(_ format: any Format.Type, _ bytes: [UInt8]) {
  let first = facts(of: bytes, as: format)
  for fact in first.facts {
    guard let artifact = first.artifacts[fact.artifact] else { fatalError("a fact of no artifact") }
    guard fact.range.end <= artifact.size || artifact.parent != nil else { fatalError("a fact outside its artifact") }
  }
  guard first.facts == facts(of: bytes, as: format).facts else { fatalError("other facts the second time") }
}

private func facts(of bytes: [UInt8], as format: any Format.Type) -> FactBuffer {
  var limits = Limits.standard
  limits.pickleHeap = 8 << 20
  limits.pickleMemo = 1 << 20
  limits.memberBytes = 4 << 20
  var sink = FactBuffer(limits: limits)
  // Some documents are read by their names.
  let name = ["input", "vocab.json", "added_tokens.json", "input.jsonl"][bytes.count % 4]
  // Without rules, readers take the ways that state less and go faster.
  let interest = bytes.count % 3 == 0 ? ValueInterest() : ValueInterest.all
  let row = sink.artifacts.append(Artifact(name: name, format: format.id, size: bytes.count))
  format.read(
    ArtifactInput(index: row, source: ByteSource(bytes), name: name, limits: limits, interest: interest), into: &sink)
  CommandLines.search(ArtifactInput(index: row, source: ByteSource(bytes), name: name, limits: limits), into: &sink)
  var budget = 16
  while let child = sink.children.popLast(), budget > 0 {
    budget -= 1
    let source = child.open(limits: limits).source
    let name = sink.artifacts[child.index]?.name ?? ""
    guard let id = child.format ?? Identify.identify(source, name: name).format, let reader = FormatList.named(id)
    else {
      continue
    }
    reader.read(ArtifactInput(index: child.index, source: source, name: name, limits: limits), into: &sink)
  }
  return sink
}
