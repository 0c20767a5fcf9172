// swift-tools-version: 6.2
import PackageDescription

// Built with: swift build -c release --package-path Tests/Fuzz --product fuzz-pickle --sanitize=fuzzer
// Run with:   Tests/Fuzz/.build/release/fuzz-pickle -max_total_time=600 -rss_limit_mb=512 CORPUS
func fuzzer(_ name: String, _ folder: String) -> Target {
  .executableTarget(
    name: name,
    dependencies: ["FuzzChecks", .product(name: "MScanReaders", package: "mscan-lint")],
    path: "Sources/\(folder)")
}

let package = Package(
  name: "mscan-lint-fuzz",
  dependencies: [.package(name: "mscan-lint", path: "../..")],
  targets: [
    .target(name: "FuzzChecks", dependencies: [.product(name: "MScanReaders", package: "mscan-lint")]),
    fuzzer("fuzz-formats", "FuzzFormats"),
    fuzzer("fuzz-pickle", "FuzzPickle"),
    fuzzer("fuzz-zip", "FuzzZip"),
    fuzzer("fuzz-records", "FuzzRecords"),
  ]
)
