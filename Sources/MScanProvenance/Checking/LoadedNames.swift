import MScanBytes

/// Names that a loader, an interpreter or a build takes in by themselves, so that a record which leaves such a file out
/// leaves a gap. What that is worth is for rules to say.
enum LoadedNames {
  private static let endings: Set<String> = [
    "py", "pyc", "pyo", "pyd", "pyw", "so", "dll", "dylib", "exe", "sh", "bash", "bat", "cmd", "ps1", "js", "jar",
    "pkl", "pickle", "pt", "pth", "ckpt", "bin", "joblib", "dill", "npy", "npz", "keras", "h5", "hdf5", "pb", "onnx",
    "gguf", "safetensors", "msc", "mdl", "zip", "whl", "jinja", "pdmodel", "pdparams", "skops", "cloudpickle", "ipynb",
    "llamafile", "engine", "plan", "pte", "tflite", "mlmodel", "nemo", "mar", "tar", "gz", "tgz", "xz", "7z", "yml",
    "yaml", "json",
  ]

  static func contains(_ location: SystemPath) -> Bool {
    let name = location.lastComponent.bytes
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return false }
    return endings.contains(String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased())
  }
}
