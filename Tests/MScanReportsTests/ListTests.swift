import Foundation
import Testing

@testable import MScanReports

@Suite struct ListTests {
  @Test func everyReporterIsInTheList() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/MScanReports/Reporters")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".swift") }.map { $0.dropLast(6).lowercased() }
    #expect(files.sorted() == ReporterList.all.map { $0.name }.sorted())
  }

  @Test func namesAreFound() {
    for reporter in ReporterList.all { #expect(ReporterList.named(reporter.name) == reporter) }
    #expect(ReporterList.named("yaml") == nil)
  }
}
