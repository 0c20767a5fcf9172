import MScanBytes

/// Programs and native libraries by their first bytes. Sources: the ELF gABI, Microsoft's PE format, `mach-o/loader.h`,
/// the WebAssembly and DEX specifications, the JVM specification.
enum Executables {
  /// Nil when the bytes are none.
  ///
  /// - Parameter head: the first 4 KiB, or all.
  static func format(_ head: [UInt8]) -> String? {
    if head.starts(with: [0x7f, 0x45, 0x4c, 0x46]) { return elf(head) }
    // Actually portable executables: a DOS program that is a shell script and becomes whatever the system runs.
    if head.starts(with: Array("MZqFpD".utf8)) || head.starts(with: Array("jartsr='".utf8)) { return "ape" }
    if head.starts(with: [0x4d, 0x5a]) { return portable(head) }
    if let format = mach(head) { return format }
    if head.starts(with: [0, 0x61, 0x73, 0x6d]), head.count >= 8, head[6] == 0, head[7] == 0 { return "wasm" }
    if head.starts(with: Array("dex\n".utf8)), head.count > 7, head[7] == 0 { return "dex" }
    let link: [UInt8] = [0x4c, 0, 0, 0, 0x01, 0x14, 0x02, 0, 0, 0, 0, 0, 0xc0]
    return head.starts(with: link) ? "windows-shortcut" : nil
  }

  static let formats: Set<String> = [
    "elf", "elf-library", "elf-object", "appimage", "ape", "pe", "pe-library", "mach-o", "mach-o-library", "java-class",
    "wasm", "dex", "windows-shortcut",
  ]

  /// A number of `width` bytes; nil behind the end.
  private static func number(_ head: [UInt8], _ at: Int, _ width: Int, big: Bool) -> Int? {
    guard at >= 0, at <= head.count - width else { return nil }
    var value: UInt64 = 0
    for step in 0..<width {
      value |= UInt64(head[at + step]) << UInt64(8 * (big ? width - 1 - step : step))
    }
    return Int(exactly: value)
  }

  /// A library is a shared object that asks for no interpreter: programs are shared objects, too.
  private static func elf(_ head: [UInt8]) -> String {
    guard head.count > 18 else { return "elf" }
    if head[8...].starts(with: [0x41, 0x49]), head[10] == 1 || head[10] == 2 { return "appimage" }
    let isWide = head[4] == 2
    let isBig = head[5] == 2
    switch number(head, 16, 2, big: isBig) {
    case 1: return "elf-object"
    case 3: break
    default: return "elf"
    }
    guard let table = number(head, isWide ? 32 : 28, isWide ? 8 : 4, big: isBig),
      let size = number(head, isWide ? 54 : 42, 2, big: isBig), size >= 4,
      let count = number(head, isWide ? 56 : 44, 2, big: isBig), table <= head.count
    else { return "elf" }
    for index in 0..<min(count, 64) {
      // Bounded: 64 entries of 64 KiB at most.
      guard let type = number(head, table + index * size, 4, big: isBig) else { return "elf" }
      if type == 3 { return "elf" }
    }
    return "elf-library"
  }

  private static func portable(_ head: [UInt8]) -> String? {
    guard let at = number(head, 60, 4, big: false), at <= head.count - 4,
      head[at...].starts(with: [0x50, 0x45, 0, 0])
    else { return nil }
    guard let flags = number(head, at + 22, 2, big: false) else { return "pe" }
    return flags & 0x2000 == 0 ? "pe" : "pe-library"
  }

  private static func mach(_ head: [UInt8]) -> String? {
    guard let magic = number(head, 0, 4, big: true), let second = number(head, 4, 4, big: true) else { return nil }
    switch magic {
    // Java's classes start alike: there the next four bytes are a version, and versions start at 45.
    case 0xcafe_babe: return second < 45 ? "mach-o" : "java-class"
    case 0xcafe_babf: return second < 45 ? "mach-o" : nil
    case 0xbeba_feca, 0xbfba_feca: return "mach-o"
    case 0xfeed_face, 0xfeed_facf: return type(number(head, 12, 4, big: true))
    case 0xcefa_edfe, 0xcffa_edfe: return type(number(head, 12, 4, big: false))
    default: return nil
    }
  }

  /// `MH_DYLIB`, `MH_BUNDLE`.
  private static func type(_ type: Int?) -> String { type == 6 || type == 8 ? "mach-o-library" : "mach-o" }
}
