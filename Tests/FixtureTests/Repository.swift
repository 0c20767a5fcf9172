import Foundation
import MScanBytes
import MScanEngine
import MScanFacts
import MScanRules
import Testing

/// The repository that these tests lie in, and its rules as they are built in.
enum Repository {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func path(_ name: String) -> String { root.appending(path: name).path }

  static let rules: RuleSet? = try? RuleLibrary.load()

  /// The rows of a table below `Fixtures/names`: columns between tabs, `#` starts a comment line.
  static func rows(_ name: String, columns: Int) -> [[String]] {
    let text = (try? String(contentsOf: root.appending(path: "Fixtures/names/\(name).tsv"), encoding: .utf8)) ?? ""
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      let cells = line.split(separator: "\t").map(String.init)
      return cells.count == columns ? cells : []
    }
  }
}

/// A folder of its own for one test, gone with its last reference.
final class Scratch {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "mscan-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
  }
}
