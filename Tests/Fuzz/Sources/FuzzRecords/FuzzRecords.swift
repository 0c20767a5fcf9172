import Glibc
import MScanBytes
import MScanProvenance

/// Names that make a file each kind of record.
private let names = [
  "SHA256SUMS", "CHECKSUM", "a.bin.sha256", "bom.cdx.json", "spdx.json", "info.json", "model.sig", "a.sigstore.json",
  "mscan.lock.json", "model.dvc", "models--o--n/trees/0123456789012345678901234567890123456789.json",
  ".cache/huggingface/download/a.metadata", "models--o--n/refs/main", "models/manifests/h/n/m/t", "a-01234567.pth",
  "a.intoto.json",
]

private let trust: TrustOptions = {
  var trust = TrustOptions()
  let key =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"
  trust.keys = [TrustFile(name: "k", bytes: Array(key.utf8))]
  return trust
}()

/// Any bytes as every kind of record: no trap, no name that leads out, the same reading twice.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRecords(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let base = SystemPath("/m")
  for name in names {
    let location = base.appending(SystemPath(name))
    let input = RecordInput(
      file: ProvenanceFile(reported: name, location: location, path: location), source: ByteSource(bytes), trust: trust)
    for record in RecordList.records(for: input) {
      let first = record.readings(of: input)
      for claim in first.flatMap(\.claims) {
        if let place = claim.location, !place.isInside(base) { fatalError("a name that leads out: \(claim.name)") }
      }
      let second = record.readings(of: input)
      guard first.map({ $0.claims.map(\.name) }) == second.map({ $0.claims.map(\.name) }),
        first.map(\.notes.count) == second.map(\.notes.count)
      else {
        fatalError("another reading the second time")
      }
    }
  }
  return 0
}
