import Glibc
import MScanBytes
import MScanFacts
import Testing

@testable import MScanEngine

@Suite struct DiscoveryTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func targets(_ names: [String] = [""], exclude: [String] = [], limits: Limits = .standard) -> [Target] {
    Discovery(limits: limits, exclude: exclude.map { PathPattern($0) }).targets(of: names.map { folder.system($0) })
  }

  private func reported(_ names: [String] = [""], exclude: [String] = []) -> [String] {
    targets(names, exclude: exclude).map(\.reported)
  }

  private func problems(_ names: [String] = [""]) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: targets(names).compactMap { target in
        target.problem.map { (target.reported, $0.subject) }
      })
  }

  @Test func orderIsThatOfBytes() throws {
    for name in ["b", "a/z", "a.b", "a/B", "a-b", "é", "Z"] { try folder.write(name, "x") }
    #expect(reported() == ["Z", "a-b", "a.b", "a/B", "a/z", "b", "é"])
  }

  @Test func severalPathsAreToldApart() throws {
    try folder.write("one/model/x", "x")
    try folder.write("two/model/x", "x")
    try folder.write("three/y", "x")
    #expect(reported(["three"]) == ["y"])
    #expect(reported(["one/model", "three"]) == ["model/x", "three/y"])
    #expect(reported(["one/model", "two/model"]) == [folder.at("one/model/x"), folder.at("two/model/x")])
  }

  @Test func aFileIsReportedAsGivenAndScannedOnce() throws {
    let file = try folder.write("m/x", "x")
    #expect(reported(["m/x"]) == [file])
    #expect(reported(["m/x", "m/x", "m/./x"]) == [file])
    #expect(reported(["m", "m/x"]) == ["m/x"])
    #expect(reported(["m/x", "m"]) == [file])
    #expect(reported(["m", "m"]) == ["m/x"])
  }

  @Test func whatIsNoFileIsSaid() throws {
    try folder.write("ok", "x")
    try folder.run("mkfifo pipe")
    #expect(problems() == ["pipe": "file.special"])
    #expect(problems(["pipe"]).values.sorted() == ["file.special"])
    #expect(problems(["gone"]).values.sorted() == ["file.missing"])
    #expect(
      targets(["/dev/null"].map { "../../../../../../../../../.." + $0 }).first?.problem?.subject == "file.special")
    #expect(reported() == ["ok", "pipe"])
  }

  @Test func foldersThatMayNotBeReadAreSaid() throws {
    try folder.write("closed/x", "x")
    try folder.write("open/y", "y")
    try folder.run("chmod 000 closed")
    defer { try? folder.run("chmod 755 closed") }
    // The superuser may read everything.
    let expected = getuid() == 0 ? [:] : ["closed": "file.permission"]
    #expect(problems() == expected)
    #expect(reported().contains("open/y"))
  }

  @Test func linksAreFollowedInsideAlone() throws {
    let outside = try TemporaryFolder()
    try outside.write("secret", "x")
    try folder.write("real/model.bin", "x")
    try folder.link("inside", to: "real/model.bin")
    try folder.link("absolute", to: folder.at("real/model.bin"))
    try folder.link("out", to: outside.at("secret"))
    try folder.link("out-folder", to: outside.path)
    try folder.link("climbs", to: "../../nothing/here")
    try folder.link("nowhere", to: "gone")
    try folder.link("self", to: "self")
    try folder.link("real/up", to: "..")
    #expect(
      problems() == [
        "out": "link.escapes", "out-folder": "link.escapes", "climbs": "link.escapes", "nowhere": "link.broken",
        "self": "link.loop",
      ])
    #expect(targets().filter { $0.problem == nil }.map(\.reported) == ["absolute", "inside", "real/model.bin"])
  }

  @Test func aLinkGivenByItsOwnerIsFollowed() throws {
    let outside = try TemporaryFolder()
    try outside.write("weights", "x")
    try folder.link("latest", to: outside.at("weights"))
    try folder.link("folder", to: outside.path)
    #expect(problems(["latest"]).isEmpty)
    #expect(targets(["latest"]).map(\.path) == [outside.system("weights")])
    #expect(reported(["folder"]) == ["weights"])
  }

  @Test func hubCachesAreReadThroughTheirSnapshots() throws {
    let repository = "hub/models--org--name"
    try folder.write("\(repository)/blobs/aa", "x")
    try folder.write("\(repository)/blobs/bb", "x")
    try folder.write("\(repository)/.no_exist/rev/config.json", "")
    try folder.write("hub/models--org--other/blobs/cc", "x")
    try folder.folder("\(repository)/snapshots/rev/sub")
    try folder.link("\(repository)/snapshots/rev/model.bin", to: "../../blobs/aa")
    try folder.link("\(repository)/snapshots/rev/sub/deep.bin", to: "../../../blobs/aa")
    try folder.link("\(repository)/snapshots/rev/stolen", to: "../../../models--org--other/blobs/cc")
    #expect(reported(["\(repository)/snapshots/rev"]) == ["model.bin", "stolen", "sub/deep.bin"])
    #expect(problems(["\(repository)/snapshots/rev"]) == ["stolen": "link.escapes"])
    let whole = targets(["hub"])
    #expect(
      whole.map(\.reported) == [
        "models--org--name/.no_exist/rev/config.json", "models--org--name/blobs/bb",
        "models--org--name/snapshots/rev/model.bin", "models--org--name/snapshots/rev/stolen",
        "models--org--name/snapshots/rev/sub/deep.bin",
      ])
    #expect(whole.first?.emptyIsNormal == true)
    #expect(whole.dropFirst().allSatisfy { !$0.emptyIsNormal })
  }

  @Test func onlyWhatGitKeepsIsSkipped() throws {
    try folder.write("real/.git/HEAD", "ref")
    try folder.write("real/.git/objects/x", "x")
    try folder.write("real/.git/refs/y", "x")
    try folder.write("false/.git/model.bin", "x")
    try folder.write("real/.cache/z", "x")
    try folder.link("real/way-in", to: ".git/objects")
    #expect(reported() == ["false/.git/model.bin", "real/.cache/z", "real/way-in/x"])
  }

  @Test func excludedPathsAreLeftOut() throws {
    for name in ["a/x.bin", "a/b/x.txt", "c/x.bin", "keep"] { try folder.write(name, "x") }
    #expect(reported(exclude: ["a"]) == ["c/x.bin", "keep"])
    #expect(reported(exclude: ["*.bin"]) == ["a/b/x.txt", "keep"])
    #expect(reported(exclude: ["a/**/x.txt", "/c"]) == ["a/x.bin", "keep"])
    #expect(
      Discovery(exclude: [PathPattern("m/a", base: folder.system().parent)]).targets(of: [folder.system()]).count == 4)
    let below = PathPattern("\(folder.system().lastComponent)/a", base: folder.system().parent)
    #expect(Discovery(exclude: [below]).targets(of: [folder.system()]).map(\.reported) == ["c/x.bin", "keep"])
  }

  @Test func theNumberOfFilesIsBounded() throws {
    for number in 0..<10 { try folder.write("f\(number)", "x") }
    var limits = Limits()
    limits.files = 4
    let found = targets(limits: limits)
    #expect(found.count == 5)
    #expect(found.count { $0.problem?.subject == "limit.files" } == 1)
  }

  @Test func namesNeedNotBeText() throws {
    try folder.run(#"touch "$(printf 'a\377b')""#)
    let found = targets()
    #expect(found.map(\.reported) == ["a\\xffb"])
    #expect(throws: Never.self) { try OpenFile(#require(found.first).path) }
  }
}

@Suite struct GlobTests {
  @Test(arguments: [
    ("*.bin", "a/b/x.bin", true), ("*.bin", "x.bin.txt", false), ("/x.bin", "x.bin", true),
    ("/x.bin", "a/x.bin", false),
    ("a/*/c", "a/b/c", true), ("a/*/c", "a/b/b/c", false), ("a/**/c", "a/b/b/c", true), ("a/**/c", "a/c", true),
    ("a", "a/b/c", true), ("a/b", "a/bc", false), ("?.txt", "é.txt", false), ("a?c", "abc", true),
    ("**", "anything/at/all", true), ("", "x", false), ("a*b*c", "aXbYbZc", true), ("a*b*c", "aXcYb", false),
    ("./a", "a", true), ("*", "", false),
  ])
  func matches(pattern: String, path: String, expected: Bool) {
    #expect(Glob(pattern).matches(path) == expected)
  }

  @Test func manyStarsStayCheap() {
    let pattern = String(repeating: "**/*a*a*a*/", count: 20) + "b"
    #expect(!Glob(pattern).matches(String(repeating: "aaaaaaaaaaaaaaaaaaaa/", count: 50) + "c"))
  }
}

@Suite struct SystemPathTests {
  @Test(arguments: [
    ("a/./b//c", "a/b/c"), ("./a", "a"), ("a/../b", "b"), ("../a", "../a"), ("/../a", "/a"), ("a/..", "."), ("/", "/"),
    ("", "."), ("a/../../b", "../b"),
  ])
  func normalised(path: String, expected: String) {
    #expect(SystemPath(path).normalised.description == expected)
  }

  @Test(arguments: [("a/b", "a"), ("a", "."), ("/a", "/"), ("/", "/"), ("a/b/", "a"), ("/a//b", "/a")])
  func parent(path: String, expected: String) {
    #expect(SystemPath(path).parent.description == expected)
  }

  @Test func insideMeansByComponent() {
    #expect(SystemPath("/a/b").isInside(SystemPath("/a")))
    #expect(SystemPath("/a").isInside(SystemPath("/a")))
    #expect(SystemPath("/a").isInside(SystemPath("/")))
    #expect(!SystemPath("/ab").isInside(SystemPath("/a")))
  }
}
