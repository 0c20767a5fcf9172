import Glibc

/// What the file system says about a path, without opening it.
public struct FileStatus: Sendable, Hashable {
  public enum Kind: Sendable, Hashable { case file, folder, link, special(String) }

  /// Why the file system gave no answer.
  public enum Failure: Error, Sendable, Hashable {
    case missing
    case permission
    /// A link that leads back to itself.
    case loop
    case failed(Int32)

    init(code: Int32) {
      switch code {
      case ENOENT, ENOTDIR: self = .missing
      case EACCES, EPERM: self = .permission
      case ELOOP: self = .loop
      default: self = .failed(code)
      }
    }
  }

  public var kind: Kind
  /// Bytes.
  public var size: Int
  public var device: UInt64
  public var inode: UInt64
  public var owner: UInt32
  public var isWritableByEveryone: Bool

  /// - Parameter followLinks: whether a link in the last component is followed.
  public init(of path: SystemPath, followLinks: Bool) throws(Failure) {
    var info = stat()
    let result = unsafe path.withCString { unsafe followLinks ? stat($0, &info) : lstat($0, &info) }
    guard result == 0 else { throw Failure(code: errno) }
    switch info.st_mode & S_IFMT {
    case S_IFREG: kind = .file
    case S_IFDIR: kind = .folder
    case S_IFLNK: kind = .link
    default: kind = .special(OpenFile.kind(of: info.st_mode))
    }
    size = Int(info.st_size)
    device = UInt64(info.st_dev)
    inode = UInt64(info.st_ino)
    owner = info.st_uid
    isWritableByEveryone = info.st_mode & S_IWOTH != 0
  }
}

/// Questions to the file system that need no open file.
public enum FileSystem {
  /// The absolute path with every link, `.` and `..` resolved.
  public static func resolve(_ path: SystemPath) throws(FileStatus.Failure) -> SystemPath {
    let found: [UInt8]? = unsafe path.withCString { text in
      guard let start = unsafe realpath(text, nil) else { return nil }
      defer { unsafe free(start) }
      return unsafe bytes(at: start)
    }
    guard let found else { throw FileStatus.Failure(code: errno) }
    return SystemPath(bytes: found)
  }

  /// What a symbolic link says, unresolved; at most 4,096 bytes.
  public static func linkText(of path: SystemPath) -> SystemPath? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = unsafe path.withCString { text in
      unsafe buffer.withUnsafeMutableBytes { raw in
        unsafe raw.withMemoryRebound(to: CChar.self) { chars in
          guard let start = chars.baseAddress else { return -1 }
          return unsafe readlink(text, start, chars.count)
        }
      }
    }
    return count < 0 ? nil : SystemPath(bytes: buffer.prefix(count))
  }

  /// The words of the operating system for an error number.
  public static func message(for code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
  }

  /// User id that the process acts as.
  public static var userID: UInt32 { geteuid() }

  static func bytes(at start: UnsafePointer<CChar>) -> [UInt8] {
    unsafe Array(UnsafeRawBufferPointer(start: start, count: strlen(start)))
  }
}

/// The entries of a folder.
public enum Folder {
  public struct Entry: Sendable {
    public var name: SystemPath
    public var kind: FileStatus.Kind?
  }

  /// Every entry but `.` and `..`, in byte order. `kind` is nil where the file system does not tell it.
  ///
  /// - Parameter followLinks: whether `path` itself may be a link.
  public static func entries(of path: SystemPath, followLinks: Bool) throws(FileStatus.Failure) -> [Entry] {
    let flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC | (followLinks ? 0 : O_NOFOLLOW)
    let descriptor = unsafe path.withCString { unsafe openat(AT_FDCWD, $0, flags) }
    guard descriptor >= 0 else { throw FileStatus.Failure(code: errno) }
    guard let stream = unsafe fdopendir(descriptor) else {
      let code = errno
      close(descriptor)
      throw FileStatus.Failure(code: code)
    }
    defer { unsafe closedir(stream) }
    var found: [Entry] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        let code = errno
        if code != 0 { throw FileStatus.Failure(code: code) }
        break
      }
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe FileSystem.bytes(at: $0) }
      }
      if name == [UInt8(ascii: ".")] || name == [UInt8(ascii: "."), UInt8(ascii: ".")] { continue }
      found.append(Entry(name: SystemPath(bytes: name), kind: unsafe kind(of: entry.pointee.d_type)))
    }
    return found.sorted { $0.name < $1.name }
  }

  private static func kind(of type: UInt8) -> FileStatus.Kind? {
    switch Int(type) {
    case Int(DT_REG): .file
    case Int(DT_DIR): .folder
    case Int(DT_LNK): .link
    case Int(DT_FIFO): .special("a named pipe")
    case Int(DT_SOCK): .special("a socket")
    case Int(DT_CHR), Int(DT_BLK): .special("a device")
    default: nil
    }
  }
}
