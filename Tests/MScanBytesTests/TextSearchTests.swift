import MScanBytes
import Testing

@Suite struct TextSearchTests {
  @Test(arguments: [
    ("", "", true), ("a", "", true), ("", "a", false), ("abc", "abc", true), ("abc", "abcd", false),
    ("aab", "ab", true),
    ("aaab", "aab", true), ("abab", "bab", true), ("abx", "xy", false), ("é", "\u{e9}", true), ("x.y", ".", true),
  ])
  func standsSomewhere(text: String, wanted: String, expected: Bool) {
    #expect(text.holds(wanted) == expected)
    #expect(Array(text.utf8).holds(wanted) == expected)
  }
}
