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
    help: ArgumentHelp("Threads; the default is one for each core.", valueName: "n"))
  var jobs: Int?

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs has to be at least 1.") }
    if paths.contains("") { throw ValidationError("A PATH is empty.") }
    if paths.count(where: { $0 == "-" }) > 1 { throw ValidationError("'-' can be given once.") }
  }

  /// The paths, with `-` replaced by what standard input lists.
  func expanded() throws -> [SystemPath] {
    var all: [SystemPath] = []
    for path in paths {
      guard path == "-" else {
        all.append(SystemPath(path))
        continue
      }
      guard let list = RunningProcess.readStandardInput(limit: 1 << 30) else {
        throw RunFailure("the list of paths on standard input could not be read; it may have up to 1 GiB")
      }
      all.append(contentsOf: Self.split(list))
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

/// A number of bytes: `4096`, `64K`, `512M`, `8G`.
struct ByteCount: ExpressibleByArgument {
  var value: Int

  init?(argument: String) {
    var digits = argument.uppercased()[...]
    for ending in ["IB", "B"] where digits.hasSuffix(ending) {
      digits = digits.dropLast(ending.count)
      break
    }
    var shift = 0
    switch digits.last {
    case "K": shift = 10
    case "M": shift = 20
    case "G": shift = 30
    case "T": shift = 40
    default: break
    }
    if shift > 0 { digits = digits.dropLast() }
    guard let number = Int(digits), number > 0 else { return nil }
    let (value, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    guard !overflow else { return nil }
    self.value = value
  }
}

/// A count of at least 1.
struct Count: ExpressibleByArgument {
  var value: Int

  init?(argument: String) {
    guard let number = Int(argument), number > 0 else { return nil }
    value = number
  }
}

/// Bounds on what hostile input may cost.
struct LimitOptions: ParsableArguments {
  @Option(name: .customLong("max-depth"), help: ArgumentHelp("Levels of nesting in one file.", valueName: "n"))
  var depth: Count?
  @Option(name: .customLong("max-artifacts"), help: ArgumentHelp("Nested artifacts of one file.", valueName: "n"))
  var artifacts: Count?
  @Option(
    name: .customLong("max-expanded-bytes"),
    help: ArgumentHelp("Bytes of all compressed members of one file, unpacked.", valueName: "bytes"))
  var expandedBytes: ByteCount?
  @Option(
    name: .customLong("max-member-bytes"),
    help: ArgumentHelp("Bytes of one member that is held in memory.", valueName: "bytes"))
  var memberBytes: ByteCount?
  @Option(
    name: .customLong("max-expansion-ratio"),
    help: ArgumentHelp("Unpacked over packed size of a member.", valueName: "n"))
  var expansionRatio: Count?
  @Option(name: .customLong("max-members"), help: ArgumentHelp("Members of one archive.", valueName: "n"))
  var members: Count?
  @Option(name: .customLong("max-nesting"), help: ArgumentHelp("Levels of a JSON document.", valueName: "n"))
  var nesting: Count?
  @Option(name: .customLong("max-json-bytes"), help: ArgumentHelp("Bytes of a JSON document.", valueName: "bytes"))
  var jsonBytes: ByteCount?
  @Option(name: .customLong("max-values"), help: ArgumentHelp("Values stated of one document.", valueName: "n"))
  var values: Count?
  @Option(
    name: .customLong("max-safetensors-header"),
    help: ArgumentHelp("Bytes of a safetensors header.", valueName: "bytes"))
  var safetensorsHeader: ByteCount?
  @Option(name: .customLong("max-pickle-opcodes"), help: ArgumentHelp("Opcodes of one pickle.", valueName: "n"))
  var pickleOpcodes: Count?
  @Option(
    name: .customLong("max-pickle-heap"),
    help: ArgumentHelp("Bytes that the symbolic run of one pickle holds.", valueName: "bytes"))
  var pickleHeap: ByteCount?
  @Option(name: .customLong("max-facts"), help: ArgumentHelp("Facts of one artifact.", valueName: "n"))
  var facts: Count?
  @Option(name: .customLong("max-files"), help: ArgumentHelp("Files of one scan.", valueName: "n"))
  var files: Count?

  var limits: Limits {
    var limits = Limits.standard
    limits.depth = depth?.value ?? limits.depth
    limits.artifacts = artifacts?.value ?? limits.artifacts
    limits.expandedBytes = expandedBytes?.value ?? limits.expandedBytes
    limits.memberBytes = memberBytes?.value ?? limits.memberBytes
    limits.expansionRatio = expansionRatio?.value ?? limits.expansionRatio
    limits.members = members?.value ?? limits.members
    limits.nesting = nesting?.value ?? limits.nesting
    limits.jsonBytes = jsonBytes?.value ?? limits.jsonBytes
    limits.values = values?.value ?? limits.values
    limits.safetensorsHeader = safetensorsHeader?.value ?? limits.safetensorsHeader
    limits.pickleOpcodes = pickleOpcodes?.value ?? limits.pickleOpcodes
    limits.pickleHeap = pickleHeap?.value ?? limits.pickleHeap
    limits.facts = facts?.value ?? limits.facts
    limits.files = files?.value ?? limits.files
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
}
