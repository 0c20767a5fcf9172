import ArgumentParser
import MScanBytes
import MScanEngine
import Synchronization

/// The run failed for a reason other than its arguments: exit 2.
struct RunFailure: Error {
  var message: String
  init(_ message: String) { self.message = message }
}

/// What the tool says besides its report.
enum Terminal {
  static func note(_ text: String) { tell("note: \(text)") }
  static func warning(_ text: String) { tell("warning: \(text)") }
  static func error(_ text: String) { tell("error: \(text)") }

  private static func tell(_ text: String) {
    // Nothing can be said about a standard error that takes no words.
    try? ByteOutput.standardError.write("\(Tool.name): \(text)\n")
  }

  /// Writes to standard output. A reader that has gone is no failure: it has what it wanted.
  static func print(_ text: String) throws {
    do throws(ByteOutput.Failure) {
      try ByteOutput.standardOutput.write(text)
    } catch {
      if case .failed(let code) = error {
        throw RunFailure("standard output could not be written: \(FileSystem.message(for: code))")
      }
    }
  }

  /// Runs a command's body and turns its failure into exit 2.
  static func run(_ body: () throws -> ExitStatus) throws {
    let status: ExitStatus
    do {
      status = try body()
    } catch let failure as RunFailure {
      error(failure.message)
      throw ExitCode(ExitStatus.incomplete.rawValue)
    }
    if status != .clean { throw ExitCode(status.rawValue) }
  }

  static func wantsColor(_ choice: ColorChoice) -> Bool {
    switch choice {
    case .always: return true
    case .never: return false
    case .auto:
      func isSet(_ name: String) -> Bool { !(RunningProcess.environment(name) ?? "").isEmpty }
      if isSet("NO_COLOR") { return false }
      if isSet("CLICOLOR_FORCE"), RunningProcess.environment("CLICOLOR_FORCE") != "0" { return true }
      return ByteOutput.standardOutput.isTerminal && RunningProcess.environment("TERM") != "dumb"
    }
  }
}

/// A line on a terminal's standard error that counts files, once a scan has taken a second.
final class Progress: Sendable {
  private let total: Int
  private let started = RunningProcess.monotonicSeconds
  private let shown = Mutex(0.0)

  /// Nil when nobody would see it.
  init?(total: Int, wanted: Bool) {
    guard wanted, ByteOutput.standardError.isTerminal else { return nil }
    self.total = total
  }

  func update(_ done: Int) { show { "\(done) of \(total) files" } }

  /// Tells of bytes hashed, in megabytes.
  func hashed(_ bytes: Int) { show { "\(bytes / 1_000_000) MB hashed" } }

  private func show(_ text: () -> String) {
    let now = RunningProcess.monotonicSeconds
    guard now - started > 1 else { return }
    shown.withLock { last in
      guard now - last > 0.2 else { return }
      last = now
      try? ByteOutput.standardError.write("\r\u{1b}[K\(text())")
    }
  }

  func clear() {
    shown.withLock { last in
      if last > 0 { try? ByteOutput.standardError.write("\r\u{1b}[K") }
    }
  }
}
