import Foundation
import MScanBytes
import MScanEngine
import Synchronization
import Testing

/// What the readers state of each sample below `Fixtures/formats`, held against the golden beside it. To write the
/// goldens anew after a change that is meant, run the tests with `UPDATE_GOLDENS=1` and read the diff.
@Suite struct FormatTests {
  static let folder = Repository.root.appending(path: "Fixtures/formats")

  static let samples: [String] = {
    let found = FileManager.default.enumerator(atPath: folder.path)
    return (found?.compactMap { $0 as? String } ?? []).filter { isSample($0) }.sorted()
  }()

  private static func isSample(_ path: String) -> Bool {
    let file = folder.appending(path: path)
    return !path.hasSuffix(".facts") && (try? file.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true
  }

  private func facts(_ sample: String) throws -> String {
    let bytes = [UInt8](try Data(contentsOf: Self.folder.appending(path: sample)))
    let scratch = try Scratch()
    let isHex = sample.hasSuffix(".hex")
    let name = (isHex ? String(sample.dropLast(4)) : sample).split(separator: "/").last.map(String.init) ?? sample
    try scratch.write(name, isHex ? HexText(bytes, file: sample).bytes : bytes)
    let lines = Mutex<[UInt8]>([])
    _ = FactLines(jobs: 1).run(Discovery().targets(of: [SystemPath(scratch.url.path)])) { piece in
      lines.withLock { $0 += piece }
      return true
    }
    return lines.withLock { String(decoding: $0, as: UTF8.self) }
  }

  @Test(arguments: samples) func statesWhatItDid(sample: String) throws {
    let stated = try facts(sample)
    let golden = Self.folder.appending(path: sample + ".facts")
    if ProcessInfo.processInfo.environment["UPDATE_GOLDENS"] == "1" {
      try Data(stated.utf8).write(to: golden)
    }
    let wanted = try String(contentsOf: golden, encoding: .utf8)
    #expect(stated == wanted)
  }

  @Test func everyReaderHasASample() {
    let folders = Set(Self.samples.compactMap { $0.split(separator: "/").first.map(String.init) })
    #expect(folders.isSuperset(of: ["gguf", "gzip", "json", "npy", "pickle", "safetensors", "tar", "yaml", "zip"]))
    #expect(folders.isSuperset(of: ["bzip2", "lz4", "lzma", "xz", "zstd"]))
    #expect(folders.isSuperset(of: ["torchscript", "torchscript-bytecode", "skops-schema", "joblib-zfile"]))
    #expect(folders.isSuperset(of: ["dbm-dumb", "dbm-gnu", "berkeley-db", "sqlite"]))
    #expect(folders.isSuperset(of: ["hdf5", "marshal", "pyc"]))
  }
}
