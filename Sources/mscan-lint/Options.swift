import ArgumentParser
import MScanBytes
import MScanEngine
import MScanFacts

/// Which files.
struct TargetOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Files, folders and hub caches; '-' reads a list of paths from standard input, split by NUL or newline.",
      valueName: "path"),
    completion: .file())
  var paths: [String]

  @Option(
    help: ArgumentHelp("Files read at a time; the default is one for each core.", valueName: "n"))
  var jobs: Int?

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs has to be at least 1.") }
    if paths.contains("") { throw ValidationError("A PATH is empty.") }
    if paths.count(where: { $0 == "-" }) > 1 { throw ValidationError("'-' can be given once.") }
  }
}

/// For commands that count nothing on the terminal, so that one line of options fits them all.
struct SilentOptions: ParsableArguments {
  @Flag(help: ArgumentHelp("Nothing is counted on the terminal.", visibility: .hidden)) var noProgress = false
}

/// The PATHs of a command line.
enum PathList {
  /// The paths, with `-` replaced by what standard input lists.
  static func expand(_ paths: [String]) throws -> [SystemPath] {
    var all: [SystemPath] = []
    for path in paths {
      guard path == "-" else {
        all.append(SystemPath(path))
        continue
      }
      guard let list = RunningProcess.readStandardInput(limit: 1 << 30) else {
        throw RunFailure("the list of paths on standard input could not be read; it may have up to 1 GiB")
      }
      all.append(contentsOf: split(list))
    }
    return all
  }

  /// One path a line, or, as `find -print0` writes them, between NULs.
  static func split(_ list: [UInt8]) -> [SystemPath] {
    if list.contains(0) { return list.split(separator: 0).map { SystemPath(bytes: $0) } }
    return list.split(separator: UInt8(ascii: "\n"))
      .map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
      .filter { !$0.isEmpty }
      .map { SystemPath(bytes: $0) }
  }
}

/// How bounds are written. All are `Int`, since every further type costs a look-up at each start.
enum Bound {
  /// A count of at least 1.
  static func count(_ text: String) throws -> Int {
    guard let number = Int(text), number > 0 else {
      throw ValidationError("'\(text)' is not a count; write a whole number from 1.")
    }
    return number
  }

  /// A number of bytes: `4096`, `64K`, `512M`, `8G`.
  static func bytes(_ text: String) throws -> Int {
    var digits = text.uppercased()[...]
    for ending in ["IB", "B"] where digits.hasSuffix(ending) {
      digits = digits.dropLast(ending.count)
      break
    }
    let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
    let shift = digits.last.flatMap { shifts[$0] } ?? 0
    if shift > 0 { digits = digits.dropLast() }
    let (value, overflow) = (Int(digits) ?? 0).multipliedReportingOverflow(by: 1 << shift)
    guard value > 0, !overflow else {
      throw ValidationError("'\(text)' is not a number of bytes; write 4096, 64K, 512M or 8G.")
    }
    return value
  }
}

/// Bounds on what hostile input may cost.
struct LimitOptions: ParsableArguments {
  @Option(
    name: .customLong("max-depth"), help: ArgumentHelp("Levels of nesting in one file.", valueName: "n"),
    transform: Bound.count)
  var depth: Int?
  @Option(
    name: .customLong("max-artifacts"), help: ArgumentHelp("Nested artifacts of one file.", valueName: "n"),
    transform: Bound.count)
  var artifacts: Int?
  @Option(
    name: .customLong("max-expanded-bytes"),
    help: ArgumentHelp("Bytes of all compressed members of one file, unpacked.", valueName: "bytes"),
    transform: Bound.bytes)
  var expandedBytes: Int?
  @Option(
    name: .customLong("max-member-bytes"),
    help: ArgumentHelp("Bytes of one compressed member or file, unpacked.", valueName: "bytes"),
    transform: Bound.bytes)
  var memberBytes: Int?
  @Option(
    name: .customLong("max-held-bytes"),
    help: ArgumentHelp("Bytes of one thing that is held in memory.", valueName: "bytes"), transform: Bound.bytes)
  var heldBytes: Int?
  @Option(
    name: .customLong("max-expansion-ratio"),
    help: ArgumentHelp("Unpacked over packed size of a member.", valueName: "n"), transform: Bound.count)
  var expansionRatio: Int?
  @Option(
    name: .customLong("max-members"), help: ArgumentHelp("Members of one archive.", valueName: "n"),
    transform: Bound.count)
  var members: Int?
  @Option(
    name: .customLong("max-nesting"), help: ArgumentHelp("Levels of a JSON document.", valueName: "n"),
    transform: Bound.count)
  var nesting: Int?
  @Option(
    name: .customLong("max-json-bytes"), help: ArgumentHelp("Bytes of a JSON document.", valueName: "bytes"),
    transform: Bound.bytes)
  var jsonBytes: Int?
  @Option(
    name: .customLong("max-values"), help: ArgumentHelp("Values stated of one document.", valueName: "n"),
    transform: Bound.count)
  var values: Int?
  @Option(
    name: .customLong("max-safetensors-header"),
    help: ArgumentHelp("Bytes of a safetensors header.", valueName: "bytes"), transform: Bound.bytes)
  var safetensorsHeader: Int?
  @Option(
    name: .customLong("max-pickle-opcodes"), help: ArgumentHelp("Opcodes of one pickle.", valueName: "n"),
    transform: Bound.count)
  var pickleOpcodes: Int?
  @Option(
    name: .customLong("max-pickle-heap"),
    help: ArgumentHelp("Bytes that the symbolic run of one pickle holds.", valueName: "bytes"), transform: Bound.bytes)
  var pickleHeap: Int?
  @Option(
    name: .customLong("max-facts"), help: ArgumentHelp("Facts of one artifact.", valueName: "n"), transform: Bound.count
  )
  var facts: Int?
  @Option(
    name: .customLong("max-files"), help: ArgumentHelp("Files of one scan.", valueName: "n"), transform: Bound.count)
  var files: Int?

  var limits: Limits {
    var limits = Limits.standard
    limits.depth = depth ?? limits.depth
    limits.artifacts = artifacts ?? limits.artifacts
    limits.expandedBytes = expandedBytes ?? limits.expandedBytes
    limits.memberBytes = memberBytes ?? limits.memberBytes
    limits.heldBytes = heldBytes ?? limits.heldBytes
    limits.expansionRatio = expansionRatio ?? limits.expansionRatio
    limits.members = members ?? limits.members
    limits.nesting = nesting ?? limits.nesting
    limits.jsonBytes = jsonBytes ?? limits.jsonBytes
    limits.values = values ?? limits.values
    limits.safetensorsHeader = safetensorsHeader ?? limits.safetensorsHeader
    limits.pickleOpcodes = pickleOpcodes ?? limits.pickleOpcodes
    limits.pickleHeap = pickleHeap ?? limits.pickleHeap
    limits.facts = facts ?? limits.facts
    limits.files = files ?? limits.files
    return limits
  }
}

/// The least severity that fails a run.
enum FailOn: String, ExpressibleByArgument, CaseIterable {
  case critical, high, medium, low, never

  /// Nil for `never`.
  var severity: Severity? { Severity(rawValue: rawValue) }
}

enum ColorChoice: String, ExpressibleByArgument, CaseIterable {
  case auto, always, never
}

/// Which rules there are.
struct RuleOptions: ParsableArguments {
  @Option(
    name: .customLong("rules"),
    help: ArgumentHelp("A folder of rules to add. Repeatable.", valueName: "dir"), completion: .directory)
  var directories: [String] = []

  static func require(_ path: String, _ option: String) throws {
    let kind = (try? FileStatus(of: SystemPath(path), followLinks: true))?.kind
    guard kind == .folder || kind == .file else {
      throw ValidationError("\(option): '\(path)' does not exist.")
    }
  }
}
