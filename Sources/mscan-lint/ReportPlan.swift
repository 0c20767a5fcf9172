import ArgumentParser
import MScanBytes
import MScanEngine
import MScanFacts
import MScanReports

/// Which reports go where.
struct ReportPlan {
  struct Item {
    var reporter: any Reporter.Type
    /// Nil for standard output.
    var path: String?
  }

  private(set) var items: [Item] = []

  static var names: String { ReporterList.all.map { $0.name }.joined(separator: ", ") }

  /// Endings that tell what is wanted when `--output` comes without a format.
  private static let endings = [
    "sarif": "sarif", "json": "json", "ndjson": "ndjson", "jsonl": "ndjson", "md": "markdown", "xml": "junit",
    "html": "html",
  ]

  init(formats: [String], outputs: [String]) throws {
    var open = formats
    var plain: [String] = []
    for output in outputs {
      guard let equals = output.firstIndex(of: "="), !output[..<equals].contains("/") else {
        plain.append(output)
        continue
      }
      let name = String(output[..<equals])
      let path = String(output[output.index(after: equals)...])
      items.append(Item(reporter: try Self.reporter(name, "--output"), path: try Self.checked(path)))
      open.removeAll { $0 == name }
    }
    for path in plain {
      let name: String
      if open.count > 1 || plain.count > 1 {
        throw ValidationError("--output: say which format goes to '\(path)': --output FORMAT=\(path)")
      } else if let format = open.popLast() {
        name = format
      } else {
        let ending = path.split(separator: ".").last.map(String.init) ?? ""
        name = Self.endings[ending].flatMap { ReporterList.named($0)?.name } ?? "text"
      }
      items.append(Item(reporter: try Self.reporter(name, "--format"), path: try Self.checked(path)))
    }
    if open.isEmpty, plain.isEmpty, formats.isEmpty { open = ["text"] }
    if Set(open).count > 1 {
      throw ValidationError(
        "--format: standard output takes one format; send the others to files: --output FORMAT=FILE")
    }
    if let name = open.first { items.append(Item(reporter: try Self.reporter(name, "--format"), path: nil)) }
  }

  private static func reporter(_ name: String, _ option: String) throws -> any Reporter.Type {
    if let reporter = ReporterList.named(name) { return reporter }
    throw ValidationError("\(option): there is no format '\(name)'; use one of \(names).")
  }

  private static func checked(_ path: String) throws -> String {
    if path.isEmpty { throw ValidationError("--output: the file has no name.") }
    return path
  }

  /// Opens the files before the scan, so that a report that cannot be written costs no scan.
  func open() throws -> [ByteOutput?] {
    try items.map { item in
      guard let path = item.path else { return nil }
      do throws(FileStatus.Failure) {
        return try ByteOutput(path: SystemPath(path))
      } catch {
        let why =
          switch error {
          case .missing: "its folder does not exist"
          case .permission: "you may not write there"
          case .loop: "it is a link that leads back to itself"
          case .failed(let code): FileSystem.message(for: code)
          }
        throw RunFailure("'\(path)' cannot be written: \(why)")
      }
    }
  }

  func write(
    _ report: ScanReport, to files: [ByteOutput?], quiet: Bool, failOn: Severity?, color: Bool, alwaysColor: Bool
  ) throws {
    for (item, file) in zip(items, files) {
      let style = ReportStyle(color: file == nil ? color : alwaysColor, quiet: quiet, failOn: failOn)
      let text = item.reporter.render(report, style: style)
      guard let file else {
        try Terminal.print(text)
        continue
      }
      do throws(ByteOutput.Failure) {
        try file.replace(with: text)
      } catch {
        let why = if case .failed(let code) = error { FileSystem.message(for: code) } else { "its reader has gone" }
        throw RunFailure("'\(item.path ?? "")' could not be written: \(why)")
      }
    }
  }
}
