/// The everyday spelling of `scan` and `facts`, read without the argument parser: its reflection costs a third of the
/// time that the scan of one small file takes. Whatever is not listed here, help and mistakes among it, is left to it.
enum PlainArguments {
  /// The command, ready to run; nil to ask the argument parser.
  static func command(_ arguments: [String]) -> (() throws -> Void)? {
    switch arguments.first {
    case nil, "help", "verify", "lock", "lineage", "fingerprint", "rules", "explain", "completions": nil
    case "facts": facts(arguments.dropFirst()).map { request in { try request.run() } }
    case "scan": scan(arguments.dropFirst()).map { request in { try request.run() } }
    default: scan(arguments[...]).map { request in { try request.run() } }
    }
  }

  private static func facts(_ arguments: ArraySlice<String>) -> FactsRequest? {
    guard arguments.allSatisfy(isPath), !arguments.isEmpty else { return nil }
    return FactsRequest(paths: Array(arguments))
  }

  private static func scan(_ arguments: ArraySlice<String>) -> ScanRequest? {
    var request = ScanRequest(paths: [])
    var rest = arguments
    while let argument = rest.popFirst() {
      if isPath(argument) {
        request.paths.append(argument)
        continue
      }
      switch argument {
      case "--no-progress": request.noProgress = true
      case "--quiet", "-q": request.quiet = true
      default:
        // A value that starts with a dash is a mistake more often than a value.
        guard let value = rest.popFirst(), !value.hasPrefix("-"), set(argument, value, in: &request) else { return nil }
      }
    }
    return request.paths.isEmpty ? nil : request
  }

  private static func set(_ option: String, _ value: String, in request: inout ScanRequest) -> Bool {
    switch option {
    case "--format": request.formats.append(value)
    case "--output": request.outputs.append(value)
    case "--ignore": request.ignore.append(value)
    case "--select": request.select.append(value)
    case "--rules": request.rules.append(value)
    case "--config" where request.config == nil: request.config = value
    case "--baseline" where request.baseline == nil: request.baseline = value
    case "--fail-on":
      guard let threshold = FailOn(rawValue: value) else { return false }
      request.failOn = threshold
    case "--color":
      guard let color = ColorChoice(rawValue: value) else { return false }
      request.color = color
    case "--jobs":
      guard let jobs = Int(value), jobs > 0 else { return false }
      request.jobs = jobs
    default: return false
    }
    return true
  }

  private static func isPath(_ argument: String) -> Bool { !argument.isEmpty && !argument.hasPrefix("-") }
}
