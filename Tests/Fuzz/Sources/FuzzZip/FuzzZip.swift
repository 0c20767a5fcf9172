import FuzzChecks
import MScanFormats

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzZip(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  checkReader(ZipFormat.self, Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
