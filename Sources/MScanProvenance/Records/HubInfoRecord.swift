import MScanBytes
import MScanFacts

/// What the hub says of a model (`GET /api/models/<id>?blobs=true`, `hf models info --format json`), kept as a file:
/// `siblings` with the hash of each. Two spellings of the keys are in use.
enum HubInfoRecord: ProvenanceRecord {
  static let kind = "hub-info"
  static let title = "saved answer of the Hugging Face hub"

  static func recognises(_ input: RecordInput) -> Bool {
    input.hasWords("\"siblings\"", "\"rfilename\"")
      && (input.hasWords("\"blobId\"") || input.hasWords("\"blob_id\""))
  }

  static func read(_ input: RecordInput) -> RecordReading {
    let found = RecordReading.document(kind, of: input)
    var reading = found.reading
    guard let root = found.root else { return reading }
    reading.findsBase = true
    for sibling in root["siblings"]?.items ?? [] {
      guard reading.claims.count < input.limits.recordEntries else {
        reading.fail("record-limit", "it lists more than \(input.limits.recordEntries) files")
        break
      }
      guard let name = sibling["rfilename"]?.string else { continue }
      var claim = RecordClaim(name: name, location: RecordPath.resolve(name, in: input.base))
      let lfs = sibling["lfs"]
      if let digits = lfs?["sha256"]?.string, let bytes = Hex.bytes(digits) {
        claim.digests = [Digest(.sha256, bytes)]
        claim.size = lfs?["size"]?.integer
      } else if let digits = (sibling["blobId"] ?? sibling["blob_id"])?.string, let bytes = Hex.bytes(digits) {
        claim.digests = [Digest(.gitBlob, bytes)]
        claim.size = sibling["size"]?.integer
      } else {
        continue
      }
      reading.claims.append(claim)
    }
    return reading
  }
}
