import Foundation
import MScanBytes
import Synchronization

/// A folder of its own for one test, gone with its last reference.
final class TemporaryFolder {
  /// Absolute, links resolved.
  let path: String

  init() throws {
    let made = FileManager.default.temporaryDirectory.appending(path: "mscan-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
    path = made.resolvingSymlinksInPath().path
  }

  deinit {
    try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    try? FileManager.default.removeItem(atPath: path)
  }

  func at(_ name: String) -> String { name.isEmpty ? path : path + "/" + name }
  func system(_ name: String = "") -> SystemPath { SystemPath(at(name)) }

  @discardableResult
  func write(_ name: String, _ content: some Sequence<UInt8>) throws -> String {
    let url = URL(filePath: at(name))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(content).write(to: url)
    return url.path
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

  func folder(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: at(name), withIntermediateDirectories: true)
  }

  /// Runs a line of shell in the folder, for what Foundation has no words for.
  func run(_ line: String) throws {
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = ["-c", line]
    shell.currentDirectoryURL = URL(filePath: path)
    try shell.run()
    shell.waitUntilExit()
    guard shell.terminationStatus == 0 else { throw CocoaError(.fileWriteUnknown) }
  }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: at(name), withDestinationPath: target)
  }
}

/// Bytes that threads append to.
final class Mutexed: Sendable {
  private let bytes = Mutex<[UInt8]>([])

  var all: [UInt8] { bytes.withLock { $0 } }

  func append(_ more: [UInt8]) -> Bool {
    bytes.withLock { $0 += more }
    return true
  }
}
