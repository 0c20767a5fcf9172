import Glibc

/// Folders on disk, for what the tool itself reads: rules, fixtures, configuration.
public enum Directory {
  /// What a name in a folder stands for. A symbolic link is a link, whatever it points to.
  public enum Kind: Sendable, Hashable { case file, folder, link, other }

  public struct Entry: Sendable, Hashable {
    public var name: String
    public var kind: Kind

    public init(name: String, kind: Kind) {
      self.name = name
      self.kind = kind
    }
  }

  /// The entries of a folder in byte order of their names, without `.` and `..`.
  ///
  /// - Parameter limit: most entries to read; more is a failure.
  /// - Throws: `missing`, `permission`, or `failed` with an `errno` (`E2BIG` for more entries than `limit`).
  public static func list(_ path: String, limit: Int = 100_000) throws(OpenFile.Refusal) -> [Entry] {
    guard let stream = unsafe opendir(path) else {
      switch errno {
      case ENOENT: throw .missing
      case EACCES, EPERM: throw .permission
      default: throw .failed(errno)
      }
    }
    defer { unsafe closedir(stream) }
    var entries: [Entry] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        let code = errno
        guard code == 0 else { throw .failed(code) }
        break
      }
      let name = unsafe withUnsafePointer(to: entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      guard name != ".", name != ".." else { continue }
      guard entries.count < limit else { throw .failed(E2BIG) }
      let type = unsafe Int(entry.pointee.d_type)
      entries.append(Entry(name: name, kind: kind(type: type, path: path + "/" + name)))
    }
    return entries.sorted { $0.name.precedes($1.name) }
  }

  private static func kind(type: Int, path: String) -> Kind {
    switch type {
    case Int(DT_REG): return .file
    case Int(DT_DIR): return .folder
    case Int(DT_LNK): return .link
    case Int(DT_UNKNOWN):
      // Some file systems leave the type out.
      var info = stat()
      guard unsafe lstat(path, &info) == 0 else { return .other }
      switch info.st_mode & S_IFMT {
      case S_IFREG: return .file
      case S_IFDIR: return .folder
      case S_IFLNK: return .link
      default: return .other
      }
    default: return .other
    }
  }
}

/// Whole files on disk, for what the tool itself reads and writes.
public enum WholeFile {
  /// All bytes of a regular file.
  ///
  /// - Parameter limit: most bytes to read; a longer file is a failure.
  /// - Throws: why it was not opened, or `failed` with an `errno` (`EFBIG` over `limit`, `EIO` when it reads short).
  public static func read(_ path: String, limit: Int) throws(OpenFile.Refusal) -> [UInt8] {
    let file = try OpenFile(path: path)
    guard file.size <= limit else { throw .failed(EFBIG) }
    var bytes: [UInt8] = []
    guard file.read(at: 0, count: file.size, into: &bytes) == file.size else { throw .failed(EIO) }
    return bytes
  }

  /// Creates or replaces a file.
  ///
  /// - Throws: `failed` with an `errno`.
  public static func write(_ bytes: [UInt8], to path: String) throws(OpenFile.Refusal) {
    let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .failed(errno) }
    let written = write(bytes, toDescriptor: descriptor)
    let code = errno
    guard close(descriptor) == 0, written else { throw .failed(written ? errno : code) }
  }

  /// Writes all bytes to an open descriptor: 1 is standard output, 2 standard error.
  ///
  /// - Returns: whether all were taken.
  @discardableResult
  public static func write(_ bytes: [UInt8], toDescriptor descriptor: Int32) -> Bool {
    var done = 0
    unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return }
      while done < raw.count {
        let put = unsafe Glibc.write(descriptor, start + done, raw.count - done)
        if put > 0 {
          done += put
        } else if put < 0 && errno == EINTR {
          continue
        } else {
          break
        }
      }
    }
    return done == bytes.count
  }
}

extension OpenFile.Refusal {
  /// What went wrong, in words that end a sentence about a path.
  public var explanation: String {
    switch self {
    case .missing: "does not exist"
    case .permission: "may not be read by this user"
    case .notRegular(let kind): "is \(kind)"
    case .brokenLink: "is a link that leads nowhere"
    case .failed(EFBIG): "is too large"
    case .failed(E2BIG): "has too many entries"
    case .failed(ENOTDIR): "is not a folder"
    case .failed(let code):
      unsafe strerror(code).map { unsafe "could not be read: " + String(cString: $0) } ?? "could not be read"
    }
  }
}

extension StaticString {
  /// A copy of the literal's bytes.
  public var bytes: [UInt8] {
    withUTF8Buffer { unsafe Array($0) }
  }
}
