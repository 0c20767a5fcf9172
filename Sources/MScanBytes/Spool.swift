import Glibc

/// Bytes that grow: in memory first, in a temporary file without a name once they are many. So a checkpoint of gigabytes
/// inside an archive is read with the memory of a small one.
public struct Spool: Sendable {
  /// Bytes so far.
  public private(set) var count = 0
  private var held: [UInt8] = []
  private var file: TemporaryFile?
  private let memory: Int
  private let fallback: Int
  private let folders: [String]
  private var isRefused = false

  /// - Parameters:
  ///   - memory: bytes that are held before a file is made.
  ///   - fallback: bytes that are held when no file can be made.
  ///   - folders: where a file may be made, in this order.
  public init(memory: Int, fallback: Int, folders: [String] = TemporaryFile.folders) {
    self.memory = memory
    self.fallback = max(memory, fallback)
    self.folders = folders
  }

  /// Adds bytes, or as many as fit.
  ///
  /// - Returns: what stopped it: `field` at `limit` bytes, `spool` when there is no room for the bytes.
  mutating func append(_ bytes: ArraySlice<UInt8>, limit: Int, field: StaticString) -> ParseFailure? {
    let room = max(0, limit - count)
    if let failure = append(bytes.prefix(room)) { return failure }
    return bytes.count > room ? ParseFailure(.limitExceeded, field, at: count) : nil
  }

  /// Adds bytes. Returns the failure `spool` when there is nowhere to put them.
  public mutating func append(_ bytes: ArraySlice<UInt8>) -> ParseFailure? {
    if let file {
      guard file.write(bytes, at: count) else { return refusal }
      count += bytes.count
      return nil
    }
    if held.count + bytes.count > memory, !isRefused, moveToFile() { return append(bytes) }
    guard held.count + bytes.count <= (isRefused ? fallback : memory) else { return refusal }
    held.append(contentsOf: bytes)
    count = held.count
    return nil
  }

  /// Adds zeros, which take no room in a file.
  public mutating func appendZeros(_ zeros: Int) -> ParseFailure? {
    if file == nil, held.count + zeros > memory, !isRefused { _ = moveToFile() }
    guard let file else {
      guard zeros <= fallback - held.count else { return refusal }
      held.append(contentsOf: repeatElement(0, count: zeros))
      count = held.count
      return nil
    }
    let (sum, over) = count.addingReportingOverflow(zeros)
    guard !over, file.extend(to: sum) else { return refusal }
    count = sum
    return nil
  }

  /// The bytes. Nothing may be added after this.
  public func finish() -> ByteSource {
    guard let file else { return ByteSource(held) }
    return ByteSource(OpenFile(file, size: count))
  }

  private var refusal: ParseFailure { ParseFailure(.limitExceeded, "spool", at: count) }

  private mutating func moveToFile() -> Bool {
    guard let made = TemporaryFile(folders: folders), made.write(held[...], at: 0) else {
      isRefused = true
      return false
    }
    file = made
    held = []
    return true
  }
}

/// A file without a name, gone when the last reference goes.
public final class TemporaryFile: Sendable {
  let descriptor: Int32

  /// Where temporary files may be made: `$TMPDIR` first.
  public static let folders: [String] = {
    let fixed = ["/tmp", "/var/tmp"]
    guard let own = RunningProcess.environment("TMPDIR"), own.hasPrefix("/") else { return fixed }
    return [own] + fixed
  }()

  /// `O_TMPFILE`, which the headers keep from programs that are not C.
  private static let withoutName: Int32 = 0o20_000_000 | O_DIRECTORY

  /// Makes a file in the first folder that takes one; nil when none does.
  init?(folders: [String]) {
    for folder in folders {
      var made = unsafe SystemPath(folder).withCString {
        unsafe open($0, Self.withoutName | O_RDWR | O_CLOEXEC | O_EXCL, 0o600)
      }
      if made < 0 { made = Self.makeAndUnlink(in: folder) }
      guard made >= 0 else { continue }
      descriptor = made
      return
    }
    return nil
  }

  /// For file systems that only make files with names.
  private static func makeAndUnlink(in folder: String) -> Int32 {
    var template = (folder + "/mscan-lint-XXXXXX").utf8CString.map { $0 }
    return unsafe template.withUnsafeMutableBufferPointer { buffer in
      guard let path = buffer.baseAddress else { return -1 }
      let made = unsafe mkstemp(path)
      if made >= 0 {
        unsafe unlink(path)
        _ = fcntl(made, F_SETFD, FD_CLOEXEC)
      }
      return made
    }
  }

  deinit { close(descriptor) }

  func write(_ bytes: ArraySlice<UInt8>, at offset: Int) -> Bool {
    unsafe bytes.withUnsafeBytes { raw in
      var done = 0
      while done < raw.count, let start = raw.baseAddress {
        let wrote = unsafe pwrite(descriptor, start + done, raw.count - done, off_t(offset + done))
        if wrote > 0 {
          done += wrote
        } else if wrote == 0 || errno != EINTR {
          return false
        }
      }
      return true
    }
  }

  func extend(to size: Int) -> Bool { ftruncate(descriptor, off_t(size)) == 0 }
}
