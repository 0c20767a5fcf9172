import Foundation
import Testing

/// The built program, run in a folder of its own.
final class Tool {
  struct Result {
    var status: Int32
    var output: Data
    var errors: String

    var text: String { String(decoding: output, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }

    /// The document, or one document a line.
    func json() throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: output) as? [String: Any])
    }

    func objects() throws -> [[String: Any]] {
      try lines.map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
    }
  }

  let folder: URL

  /// Beside the bundle of the tests.
  static let binary = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(path: "mscan-lint")

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "mscan-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let url = folder.appending(path: name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  func read(_ name: String) throws -> String {
    try String(decoding: Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
  }

  func run(_ arguments: String..., input: [UInt8] = [], environment: [String: String] = [:]) throws -> Result {
    try run(arguments, input: input, environment: environment)
  }

  func run(_ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]) throws -> Result {
    let process = Process()
    process.executableURL = Self.binary
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = environment
    // Files, not pipes: nothing fills up while the program runs.
    let names = ["in", "out", "err"].map {
      FileManager.default.temporaryDirectory.appending(path: "mscan-\(UUID()).\($0)")
    }
    defer { for name in names { try? FileManager.default.removeItem(at: name) } }
    try Data(input).write(to: names[0])
    for name in names.dropFirst() { try Data().write(to: name) }
    process.standardInput = try FileHandle(forReadingFrom: names[0])
    process.standardOutput = try FileHandle(forWritingTo: names[1])
    process.standardError = try FileHandle(forWritingTo: names[2])
    try process.run()
    process.waitUntilExit()
    return Result(
      status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try Data(contentsOf: names[1]), errors: String(decoding: try Data(contentsOf: names[2]), as: UTF8.self))
  }

  /// A line of shell with the program as `$TOOL`.
  func shell(_ line: String) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", line]
    process.currentDirectoryURL = folder
    process.environment = ["TOOL": Self.binary.path, "PATH": "/usr/bin:/bin"]
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}

/// Small files with known content.
enum Sample {
  /// `os.system("echo x")`, protocol 0.
  static let spawn = Array("cos\nsystem\n(S'echo x'\ntR.".utf8)
  /// The empty dictionary, protocol 2.
  static let harmless: [UInt8] = [0x80, 2, 0x7d, 0x2e]
  /// A protocol 2 pickle that ends in the middle of a string.
  static let cut: [UInt8] = [0x80, 2, 0x58, 9, 0, 0, 0, 0x61]
}
