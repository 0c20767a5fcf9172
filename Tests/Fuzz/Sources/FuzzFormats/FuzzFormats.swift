import FuzzChecks
import MScanBytes
import MScanFormats

/// Any bytes, as what they are found to be and then as every format in turn: a loader may be told to read them as that.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFormats(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  // The first byte picks the name, so that what is decided by name is reached as well.
  let names = ["model.bin", "model.pkl", "config.json", "model.safetensors", "x.npy", "x.npz", "README.md", "x"]
  let name = names[Int(bytes.first ?? 0) % names.count]
  let source = ByteSource(bytes)
  let found = Identify.identify(source, name: name)
  guard found == Identify.identify(source, name: name) else { fatalError("something else the second time") }
  for format in FormatList.all { checkReader(format, bytes) }
  return 0
}
