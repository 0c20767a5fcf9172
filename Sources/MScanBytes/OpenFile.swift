import Glibc
import Synchronization

/// A regular file, open for reading, with a count of the bytes read from it. Closed when the last reference goes.
public final class OpenFile: Sendable {
  /// Why a path was not opened as a file.
  public enum Refusal: Error, Hashable, Sendable {
    case missing
    case permission
    case notRegular(String)
    case brokenLink
    case failed(Int32)
  }

  let descriptor: Int32
  /// Size in bytes when it was opened.
  public let size: Int
  public let device: UInt64
  public let inode: UInt64
  /// Whose the descriptor is, when this does not own it.
  private let owner: TemporaryFile?
  private let bytesReadCounter = Atomic<Int>(0)

  /// Bytes asked of the kernel so far.
  public var bytesRead: Int { bytesReadCounter.load(ordering: .relaxed) }

  /// Opens `path` without blocking on a FIFO and without following it into a device.
  ///
  /// - Parameter followLinks: whether the last path component may be a symbolic link.
  public convenience init(path: String, followLinks: Bool = true) throws(Refusal) {
    try self.init(SystemPath(path), followLinks: followLinks)
  }

  /// The same for a path whose bytes need not be UTF-8.
  public init(_ path: SystemPath, followLinks: Bool = true) throws(Refusal) {
    let flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (followLinks ? 0 : O_NOFOLLOW)
    let fd = unsafe path.withCString { unsafe Glibc.open($0, flags) }
    guard fd >= 0 else {
      switch errno {
      case ENOENT:
        var info = stat()
        let link = unsafe path.withCString { unsafe lstat($0, &info) } == 0
        throw link ? .brokenLink : .missing
      case EACCES, EPERM: throw .permission
      case ENXIO: throw .notRegular("a pipe, socket or device")
      case ELOOP: throw .brokenLink
      default: throw .failed(errno)
      }
    }
    var info = stat()
    guard unsafe fstat(fd, &info) == 0 else {
      let code = errno
      close(fd)
      throw .failed(code)
    }
    guard info.st_mode & S_IFMT == S_IFREG else {
      close(fd)
      throw .notRegular(Self.kind(of: info.st_mode))
    }
    descriptor = fd
    size = Int(info.st_size)
    device = UInt64(info.st_dev)
    inode = UInt64(info.st_ino)
    owner = nil
  }

  /// Reads what was written to a temporary file, which lives as long as this.
  init(_ file: TemporaryFile, size: Int) {
    descriptor = file.descriptor
    self.size = size
    device = 0
    inode = 0
    owner = file
  }

  deinit { if owner == nil { close(descriptor) } }

  /// The words for what a file mode says, for people.
  public static func kind(of mode: UInt32) -> String {
    switch mode & S_IFMT {
    case S_IFIFO: "a named pipe"
    case S_IFSOCK: "a socket"
    case S_IFCHR, S_IFBLK: "a device"
    case S_IFDIR: "a folder"
    case S_IFLNK: "a symbolic link"
    default: "not a regular file"
    }
  }

  func read(at offset: Int, count: Int, into buffer: inout [UInt8]) -> Int {
    if buffer.isEmpty {
      // Nothing to keep: the bytes need no zeros first.
      buffer = unsafe [UInt8](unsafeUninitializedCapacity: count) { space, filled in
        let bytes = UnsafeMutableRawBufferPointer(space)
        unsafe LargeArrays.advise(bytes)
        filled = unsafe fill(bytes, from: offset)
      }
      return buffer.count
    }
    if buffer.count < count {
      buffer.append(contentsOf: repeatElement(0, count: count - buffer.count))
    } else if buffer.count > count {
      buffer.removeLast(buffer.count - count)
    }
    let done = unsafe buffer.withUnsafeMutableBytes { unsafe fill($0, from: offset) }
    if done < count { buffer.removeLast(count - done) }
    return done
  }

  /// Reads into the whole of `space`; returns how many bytes there were.
  private func fill(_ space: UnsafeMutableRawBufferPointer, from offset: Int) -> Int {
    guard let start = space.baseAddress else { return 0 }
    var done = 0
    while done < space.count {
      let got = unsafe pread(descriptor, start + done, space.count - done, off_t(offset + done))
      if got > 0 {
        done += got
      } else if got < 0 && errno == EINTR {
        continue
      } else {
        break
      }
    }
    bytesReadCounter.add(done, ordering: .relaxed)
    return done
  }
}
