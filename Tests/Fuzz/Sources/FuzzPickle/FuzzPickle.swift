import FuzzChecks
import MScanFormats

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPickle(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  checkReader(PickleFormat.self, Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
