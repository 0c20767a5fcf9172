/// Every kind of record, in the order that a file is asked whether it is one.
public enum RecordList {
  public static let all: [any ProvenanceRecord.Type] = [
    HubBlobRecord.self, HubTreeRecord.self, HubDownloadRecord.self, HubReferenceRecord.self, ImageBlobRecord.self,
    OllamaManifestRecord.self, ImageManifestRecord.self, ModelScopeRecord.self, MLflowRecord.self, TorchHubRecord.self,
    LockfileRecord.self, ModelSignatureRecord.self, ChecksumListRecord.self, DVCRecord.self, LFSPointerRecord.self,
    CycloneDXRecord.self, SPDXRecord.self,
    HubInfoRecord.self,
  ]

  /// The kinds of record that a file is; none for most.
  public static func records(for input: RecordInput) -> [any ProvenanceRecord.Type] {
    all.filter { $0.recognises(input) }
  }

  /// What to call a kind of record; its id for one that is not here.
  public static func title(of kind: String) -> String { all.first { $0.kind == kind }?.title ?? kind }
}
