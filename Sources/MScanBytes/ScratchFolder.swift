import Glibc
import Synchronization

/// A folder of its own below `$TMPDIR` or `/tmp`, gone with its files when the last reference goes. Flat but for the
/// folders that names with `/` ask for.
public final class ScratchFolder: Sendable {
  /// Absolute.
  public let path: SystemPath
  /// What was made in it, outermost first.
  private let made = Mutex<[SystemPath]>([])

  /// - Throws: when no folder can be made.
  public init() throws(FileStatus.Failure) {
    let parent = RunningProcess.environment("TMPDIR") ?? "/tmp"
    var template = (parent + "/mscan-XXXXXX").utf8CString
    let made = unsafe template.withUnsafeMutableBufferPointer { buffer -> [UInt8]? in
      guard let start = buffer.baseAddress, let name = unsafe mkdtemp(start) else { return nil }
      return unsafe FileSystem.bytes(at: name)
    }
    guard let made else { throw FileStatus.Failure(code: errno) }
    path = SystemPath(bytes: made)
  }

  /// Writes a file; `name` is relative, with the folders it needs.
  public func write(_ name: SystemPath, _ bytes: [UInt8]) throws(FileStatus.Failure) {
    var folder = path
    for step in name.components.dropLast() {
      folder = folder.appending(step)
      let code = unsafe folder.withCString { unsafe mkdir($0, 0o755) }
      guard code == 0 || errno == EEXIST else { throw FileStatus.Failure(code: errno) }
      if code == 0 { made.withLock { $0.append(folder) } }
    }
    let output = try ByteOutput(path: path.appending(name))
    made.withLock { $0.append(path.appending(name)) }
    do throws(ByteOutput.Failure) {
      try output.write(bytes)
    } catch {
      throw FileStatus.Failure(code: EIO)
    }
  }

  deinit {
    for item in made.withLock({ $0 }).reversed() + [path] { _ = unsafe item.withCString { unsafe remove($0) } }
  }
}
