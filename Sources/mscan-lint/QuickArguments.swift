/// Reads the arguments of a plain `scan` without the argument parser, whose set-up costs some three milliseconds.
///
/// Only what is certain is read here. Anything else (another command, an unknown option, a missing or odd value) gives
/// nil, and the argument parser, which defines the command line, reads the arguments and explains them.
enum QuickArguments {
  static func scan(_ arguments: [String]) -> ScanRequest? {
    var request = ScanRequest(paths: [])
    var rest = arguments[...]
    if rest.first == "scan" { rest = rest.dropFirst() }
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("-"), argument != "-" else {
        request.paths.append(argument)
        continue
      }
      switch argument {
      case "--no-progress": request.noProgress = true
      case "--quiet", "-q": request.quiet = true
      default:
        guard read(argument, &rest, into: &request) else { return nil }
      }
    }
    guard let first = request.paths.first, !commands.contains(first), !request.paths.contains(""),
      request.paths.count(where: { $0 == "-" }) <= 1
    else { return nil }
    return request
  }

  /// Words that are a command in the first place; as a path they have to be written `./facts`.
  private static let commands: Set<String> = ["facts", "rules", "explain", "completions", "help", "scan"]

  /// An option with a value: `--name value` or `--name=value`.
  private static func read(
    _ argument: String, _ rest: inout ArraySlice<String>, into request: inout ScanRequest
  ) -> Bool {
    let name: Substring
    let value: String
    if let equals = argument.firstIndex(of: "=") {
      name = argument[..<equals]
      value = String(argument[argument.index(after: equals)...])
    } else {
      guard let next = rest.popFirst() else { return false }
      name = argument[...]
      value = next
    }
    guard !value.isEmpty, !value.hasPrefix("-") else { return false }
    switch name {
    case "--format": request.formats.append(value)
    case "--output": request.outputs.append(value)
    case "--ignore": request.ignore.append(value)
    case "--select": request.select.append(value)
    case "--rules": request.ruleFolders.append(value)
    case "--config": request.config = value
    case "--baseline": request.baseline = value
    case "--jobs":
      guard let jobs = Int(value), jobs > 0 else { return false }
      request.jobs = jobs
    case "--fail-on":
      guard let failOn = FailOn(rawValue: value) else { return false }
      request.failOn = failOn
    case "--color":
      guard let color = ColorChoice(rawValue: value) else { return false }
      request.color = color
    default: return false
    }
    return true
  }
}
