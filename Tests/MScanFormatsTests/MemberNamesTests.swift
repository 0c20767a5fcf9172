import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct MemberNamesTests {
  @Test(arguments: [
    ("a/data.pkl", "a/data.pkl", MemberFact.Flag.duplicate), ("a/b", "./a//b", .duplicate),
    ("data.pkl", "DATA.PKL", .caseVariant), ("\u{e9}.pkl", "e\u{301}.pkl", .unicodeVariant),
    ("data.pkl", "\u{ff44}ata.pkl", .unicodeVariant), ("data.pkl", "d\u{1d41a}ta.pkl", .unicodeVariant),
    ("file", "\u{fb01}le", .unicodeVariant), ("DATA", "\u{ff24}\u{ff41}ta", .unicodeVariant),
  ])
  func collisions(first: String, second: String, flag: MemberFact.Flag) {
    var names = MemberNames()
    #expect(names.add(first.utf8, index: 0).flags.isEmpty)
    #expect(names.add(second.utf8, index: 1).flags == [flag])
  }

  @Test(arguments: [("a/b", "a/c"), ("ab", "a/b"), ("\u{e9}", "\u{e8}"), ("..", "."), ("/a", "a")])
  func noCollisions(first: String, second: String) {
    var names = MemberNames()
    _ = names.add(first.utf8, index: 0)
    #expect(names.add(second.utf8, index: 1).flags.isEmpty)
  }

  @Test func bytesThatAreNoTextStandForThemselves() {
    var names = MemberNames()
    #expect(names.add([0x61, 0xe9], index: 0).flags.isEmpty)
    #expect(names.add([0x61, 0xe8], index: 1).flags.isEmpty)
    #expect(names.add([0x41, 0xe9], index: 2).flags == [.caseVariant])
  }

  @Test(arguments: [
    ("a/../b", [MemberFact.Flag.traversal]), ("a\\..\\b", [.traversal, .backslash]), ("/x", [.absolute]),
    ("C:/x", [.absolute]), ("a\u{200b}b", [.hidden]), ("a\u{0}b", [.hidden]), ("model/data.pkl", []),
  ])
  func flags(name: String, expected: [MemberFact.Flag]) { #expect(MemberNames.flags(of: name) == expected) }

  @Test(arguments: [
    ("../x", "a/b", false, false), ("../../x", "a/b", false, true), ("../x", "a/b", true, true),
    ("x", "a", false, false),
    ("/etc/x", "a", false, true), ("x/../../y", "a", true, true), ("./x", "a", true, false),
  ])
  func links(target: String, name: String, isHard: Bool, leadsOut: Bool) {
    #expect(MemberNames.leadsOut(target, from: name, isHard: isHard) == leadsOut)
  }
}
