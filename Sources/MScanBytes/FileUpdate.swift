import Glibc

/// Changes to files that others read and change too.
public enum FileUpdate {
  /// Puts `bytes` in the place of the file: readers see the old contents or the new, never a part.
  public static func replace(_ path: SystemPath, with bytes: [UInt8]) throws(FileStatus.Failure) {
    let temporary = SystemPath(bytes: path.bytes + Array(".\(getpid()).tmp".utf8))
    try write(bytes, to: temporary, flags: O_TRUNC)
    let result = unsafe temporary.withCString { from in unsafe path.withCString { to in unsafe rename(from, to) } }
    guard result == 0 else {
      let code = errno
      _ = unsafe temporary.withCString { unsafe unlink($0) }
      throw FileStatus.Failure(code: code)
    }
  }

  /// Adds `bytes` behind what the file has.
  public static func append(_ bytes: [UInt8], to path: SystemPath) throws(FileStatus.Failure) {
    try write(bytes, to: path, flags: O_APPEND)
  }

  private static func write(_ bytes: [UInt8], to path: SystemPath, flags: Int32) throws(FileStatus.Failure) {
    let descriptor = unsafe path.withCString {
      unsafe open($0, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | flags, 0o644)
    }
    guard descriptor >= 0 else { throw FileStatus.Failure(code: errno) }
    defer { close(descriptor) }
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { raw -> Int in
        guard let start = raw.baseAddress else { return 0 }
        return unsafe Glibc.write(descriptor, start + done, raw.count - done)
      }
      if count > 0 {
        done += count
      } else if count < 0, errno == EINTR {
        continue
      } else {
        throw FileStatus.Failure(code: count < 0 ? errno : EIO)
      }
    }
  }

  /// Runs `body` while no other process that asks the same holds `folder`.
  public static func withLock<Result, Failure: Error>(
    on folder: SystemPath, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let descriptor = unsafe folder.withCString { unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    // A folder that cannot be locked is one that cannot be written to either: the write says so.
    if descriptor >= 0 { _ = flock(descriptor, LOCK_EX) }
    defer { if descriptor >= 0 { close(descriptor) } }
    return try body()
  }
}
