/// What `fingerprint` takes of a base.
public enum Fingerprinting {
  /// The record and the values of a model; nil when none of its tensors can be read by place.
  public static func take(
    _ weights: WeightSet, name: String, revision: String = "", license: String = "", parents: [String] = [],
    withBlocks: Bool = true
  ) -> (record: RegistryRecord, sketch: Sketch)? {
    let model = ModelWeights(weights)
    guard model.layers > 0, !model.tensors.isEmpty else { return nil }
    var sketcher = Sketcher(model)
    var sketch = sketcher.sketch()
    sketcher.addNorms(to: &sketch)
    if withBlocks { sketcher.addBlocks(to: &sketch) }
    return (
      RegistryRecord(name: name, revision: revision, license: license, parents: parents, sketch: sketch), sketch
    )
  }
}
