// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

func library(_ name: String, _ dependencies: [Target.Dependency], plugins: [Target.PluginUsage] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings, plugins: plugins)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
  name: "mscan-lint",
  products: [
    .executable(name: "mscan-lint", targets: ["mscan-lint"]),
    // The readers alone, for the fuzzers under Tests/Fuzz.
    .library(
      name: "MScanReaders",
      targets: [
        "MScanBytes", "MScanFacts", "MScanFormats", "MScanProvenance", "MScanPython", "MScanJinja", "MScanYAML",
      ]),
  ],
  dependencies: [
    // Commands, help, usage errors and completions as users of Swift tools know them.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // Digests and signatures: BoringSSL, with the instructions that processors have for SHA-256. It brings the small part
    // of Foundation, which nothing on the way to a plain scan touches.
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    // Certificate paths as RFC 5280 has them, and DER; nobody should write those again.
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
  ],
  targets: [
    // Inflate and CRC-32 for zip members: the reference implementation that loaders use themselves.
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    // The other compressions of models. The codec libraries themselves, and no archive library on top: only they say how
    // many bytes a stream used, where the next one starts and what stands behind the last, which is where things hide;
    // libarchive reads on over all that. Its 7z reader would bring iconv and a C parser of hostile headers for what is
    // 500 lines here; the static program would be larger and still not know a member's place.
    .systemLibrary(
      name: "CCodecs", providers: [.apt(["liblzma-dev", "libbz2-dev", "libzstd-dev", "liblz4-dev"])]),
    // YAML events for rule files and model configurations. Yams would bring all of Foundation: +44 MB, +2.5 ms a start.
    .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

    library("MScanBytes", ["CZlib", "CCodecs"]),
    library("MScanYAML", ["CYaml"]),
    library("MScanFacts", ["MScanBytes"]),
    library("MScanFormats", ["MScanBytes", "MScanFacts", "MScanYAML"]),
    library("MScanPython", ["MScanBytes", "MScanFacts"]),
    library("MScanJinja", ["MScanBytes", "MScanFacts"]),
    library("MScanRules", ["MScanBytes", "MScanFacts", "MScanYAML"]),
    library(
      "MScanProvenance",
      [
        "MScanBytes", "MScanFacts", "MScanYAML", .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "X509", package: "swift-certificates"), .product(name: "SwiftASN1", package: "swift-asn1"),
      ]),
    library("MScanLineage", ["MScanBytes", "MScanFacts"]),
    library("MScanReports", ["MScanBytes", "MScanFacts"]),

    // Rules/ becomes Swift data at build time: a new rule touches no code, and start-up parses no YAML.
    .executableTarget(
      name: "embed-rules", dependencies: ["MScanRules", "MScanFacts", "MScanBytes"], path: "Sources/embed-rules",
      swiftSettings: settings),
    .plugin(
      name: "EmbedRules", capability: .buildTool(), dependencies: ["embed-rules"], path: "Sources/EmbedRules"),
    library("MScanBuiltinRules", [], plugins: ["EmbedRules"]),

    library(
      "MScanEngine",
      [
        "MScanBytes", "MScanFacts", "MScanFormats", "MScanPython", "MScanJinja", "MScanRules", "MScanReports",
        "MScanProvenance", "MScanLineage", "MScanBuiltinRules",
      ]),
    .executableTarget(
      name: "mscan-lint",
      dependencies: [
        "MScanEngine", "MScanBytes", "MScanFacts", "MScanFormats", "MScanProvenance", "MScanLineage", "MScanRules",
        "MScanReports",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: settings),

    tests("MScanBytesTests", ["MScanBytes"]),
    tests("MScanFormatsTests", ["MScanFormats", "MScanFacts", "MScanBytes"]),
    tests("MScanPythonTests", ["MScanPython", "MScanFacts", "MScanBytes"]),
    tests("MScanJinjaTests", ["MScanJinja", "MScanFacts", "MScanBytes"]),
    tests("MScanRulesTests", ["MScanRules", "MScanFacts", "MScanBytes"]),
    tests("MScanProvenanceTests", ["MScanProvenance", "MScanFacts", "MScanBytes"]),
    tests("MScanLineageTests", ["MScanLineage", "MScanFacts", "MScanBytes"]),
    tests("MScanReportsTests", ["MScanReports", "MScanFacts", "MScanBytes"]),
    tests(
      "MScanEngineTests",
      [
        "MScanEngine", "MScanProvenance", "MScanLineage", "MScanFormats", "MScanReports", "MScanRules", "MScanFacts",
        "MScanBytes",
      ]),
    // Walks Fixtures/: a new sample touches no code.
    tests("FixtureTests", ["MScanEngine", "MScanRules", "MScanFacts", "MScanBytes"]),
    // Runs the built program.
    tests("CommandTests", ["mscan-lint"]),
  ]
)
