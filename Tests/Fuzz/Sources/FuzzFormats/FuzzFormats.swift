import FuzzChecks
import Glibc
import MScanBytes
import MScanFacts
import MScanFormats
import MScanJinja
import MScanPython

/// Readers of the targets beside `MScanFormats`.
private let further: [any Format.Type] = [PythonFormat.self, JinjaFormat.self, GoTemplateFormat.self]

/// The one reader to feed, by `FUZZ_FORMAT`; nil to feed them all.
private let chosen: (any Format.Type)? = {
  guard let text = getenv("FUZZ_FORMAT") else { return nil }
  let id = String(cString: text)
  guard let format = further.first(where: { $0.id == id }) ?? FormatList.named(id) else {
    print("there is no reader '\(id)'; these are: \((FormatList.all + further).map { $0.id }.joined(separator: ", "))")
    exit(2)
  }
  return format
}()

/// Any bytes, as what they are found to be and then as every format in turn: a loader may be told to read them as that.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFormats(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  if let chosen {
    checkReader(chosen, bytes)
    return 0
  }
  // The first byte picks the name, so that what is decided by name is reached as well.
  let names = [
    "model.bin", "model.pkl", "config.json", "model.safetensors", "x.npy", "x.npz", "README.md", "x", "x.py", "x.yaml",
    "saved_model.pb", "model.onnx", "model.h5", "requirements.txt", "Makefile", "x.ipynb",
  ]
  let name = names[Int(bytes.first ?? 0) % names.count]
  let source = ByteSource(bytes)
  let found = Identify.identify(source, name: name)
  guard found == Identify.identify(source, name: name) else { fatalError("something else the second time") }
  for format in FormatList.all + further { checkReader(format, bytes) }
  return 0
}
