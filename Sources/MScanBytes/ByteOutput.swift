import Glibc

/// Bytes out to a file or a standard stream, and the little the tool asks of its terminal.
public final class ByteOutput: Sendable {
  /// Why a write stopped.
  public enum Failure: Error, Sendable, Hashable {
    /// The reader at the other end of a pipe has gone.
    case closed
    case failed(Int32)
  }

  public static let standardOutput = ByteOutput(descriptor: 1, owned: false)
  public static let standardError = ByteOutput(descriptor: 2, owned: false)

  private let descriptor: Int32
  private let owned: Bool

  private init(descriptor: Int32, owned: Bool) {
    self.descriptor = descriptor
    self.owned = owned
  }

  /// Opens `path` for writing and keeps what it holds until ``replace(with:)``.
  public init(path: SystemPath) throws(FileStatus.Failure) {
    descriptor = unsafe path.withCString { unsafe open($0, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o644) }
    guard descriptor >= 0 else { throw FileStatus.Failure(code: errno) }
    owned = true
  }

  deinit { if owned { close(descriptor) } }

  public var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Device and inode, to know the file again under another name.
  public var identity: FileIdentity? {
    var info = stat()
    guard unsafe fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { return nil }
    return FileIdentity(device: UInt64(info.st_dev), inode: UInt64(info.st_ino))
  }

  /// Writes all of `bytes`.
  public func write(_ bytes: [UInt8]) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { raw -> Int in
        guard let start = raw.baseAddress else { return 0 }
        return unsafe Glibc.write(descriptor, start + done, raw.count - done)
      }
      if count >= 0 {
        done += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&waiting, 1, -1)
      case EPIPE: throw .closed
      case let code: throw .failed(code)
      }
    }
  }

  public func write(_ text: String) throws(Failure) { try write(Array(text.utf8)) }

  /// Empties the file and writes `text`.
  public func replace(with text: String) throws(Failure) {
    if identity != nil, ftruncate(descriptor, 0) != 0 { throw .failed(errno) }
    try write(text)
  }
}

/// One file, whatever path leads to it.
public struct FileIdentity: Sendable, Hashable {
  public let device: UInt64
  public let inode: UInt64

  public init(device: UInt64, inode: UInt64) {
    self.device = device
    self.inode = inode
  }
}

/// The process the tool runs in.
public enum RunningProcess {
  /// Makes a write to a closed pipe an error instead of a silent death.
  public static func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }

  public static func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }

  /// Everything on standard input, up to `limit` bytes; nil when there is more or it cannot be read.
  public static func readStandardInput(limit: Int) -> [UInt8]? {
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(0, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return all }
      all.append(contentsOf: chunk.prefix(count))
      if all.count > limit { return nil }
    }
  }

  /// Cores in use, at least 1.
  public static var cores: Int {
    return max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  /// Gives the core away for a millisecond.
  public static func pause() { usleep(1000) }

  /// Seconds on a clock that only goes forward.
  public static var monotonicSeconds: Double {
    var now = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }
}
