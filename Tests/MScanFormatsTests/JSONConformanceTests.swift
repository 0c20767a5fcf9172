import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

/// RFC 8259, production by production: what its grammar takes is read without a word, what it does not take is said.
@Suite struct JSONConformanceTests {
  private func anomalies(_ text: [UInt8]) -> [String] {
    read(JSONFormat.self, text, name: "a.json").anomalySubjects
  }

  /// Section 2 to 7: texts, structures, numbers, strings.
  @Test(arguments: [
    "null", "true", "false", "0", "-0", "1", "-1", "10", "0.5", "-0.5", "1e2", "1E+2", "1e-2", "1.5e10", "-1.5E-10",
    "0e0",
    "\"\"", "\"a\"", #""\"\\\/\b\f\n\r\t""#, #""\u0061""#, #""\uD83D\uDE00""#, #""\ufffe""#, "\"\u{7f}\"", "\"\u{a0}\"",
    "\"\u{2028}\u{2029}\"", "\"\u{10ffff}\"", "[]", "{}", "[[]]", "[{}]", "{\"\":0}", "{\"a\":{}}", "[null,1,\"1\",{}]",
    " [ ] ", "\t{\n\"a\"\r:\n1\t}\n", "[1\n,\n2]", "{\"a\":[],\"b\":[]}", "[1e-9999]", "[123456789012345]",
    "[1000000000000000019884624838656]", "[-9007199254740992]", "[\"\u{e9}\u{4e16}\"]", "{\"a\":\"b\",\"A\":\"b\"}",
  ])
  func accepts(_ text: String) {
    #expect(anomalies(Array(text.utf8)).isEmpty)
  }

  @Test(arguments: [
    "", " ", "nul", "nulll", "True", "tru e", "undefined", "+1", "01", "-01", "-", ".5", "1.", "1.e2", "1e", "1e+",
    "1e+-2",
    "0x10", "1_000", "1,", "Inf", "--1", "\"", "\"a", "'a'", #""\x41""#, #""\u12""#, #""\u12G4""#, #""\ ""#, #""\""#,
    "\"\n\"", "\"\t\"", "\"\u{0}\"", "\"\u{1f}\"", "[", "]", "[1", "[,]", "[,1]", "[1,,2]", "[1 2]", "[1:2]", "[\"a\"",
    "{",
    "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\" 1}", "{\"a\"::1}", "{\"a\":1 \"b\":2}", "{,}", "{\"a\":1,,\"b\":2}",
    "{a:1}", "{1:1}", "{null:1}", "{[]:1}", "[}", "{]", "[1}", "{\"a\":1]", "\u{feff}[]", "[]]", "{}}", "1 2", "[]#",
    "\u{a0}[]", "[\u{b}1]", "[\u{c}1]", "*", "{\"a\":1}/", "[1/]", "\u{2028}1", "<a>",
  ])
  func refuses(_ text: String) {
    #expect(!anomalies(Array(text.utf8)).isEmpty)
  }

  /// Section 8.1: UTF-8. What is not is said where it stands.
  @Test(
    arguments: [
      [0x22, 0xff, 0x22], [0x22, 0xc0, 0xaf, 0x22], [0x22, 0xe0, 0x80, 0xaf, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xf8, 0x88, 0x80, 0x80, 0x80, 0x22], [0x22, 0x80, 0x22],
      [0x22, 0xe4, 0xb8, 0x22], [0x22, 0xc3, 0x22], [0xff, 0xfe, 0x5b, 0, 0x5d, 0], [0xfe, 0xff, 0, 0x5b, 0, 0x5d],
    ] as [[UInt8]])
  func refusesOtherEncodings(_ text: [UInt8]) {
    #expect(!anomalies(text).isEmpty)
  }

  /// Each fast path over eight bytes, at each place in a word.
  @Test func findsEverythingAtEveryOffset() {
    for offset in 0..<24 {
      let fill = String(repeating: "x", count: offset)
      #expect(anomalies(Array("\"\(fill)é\(fill)\"".utf8)).isEmpty)
      #expect(anomalies(Array("\"\(fill)\\n\(fill)\"".utf8)).isEmpty)
      #expect(anomalies(Array("\"\(fill)\u{1}\(fill)\"".utf8)) == ["json.malformed!"])
      #expect(anomalies(Array("\"\(fill)\\q\(fill)\"".utf8)) == ["json.malformed!"])
      #expect(anomalies(Array("\"\(fill)".utf8)) == ["json.truncated!"])
      #expect(anomalies(Array("\"\(fill)".utf8) + [0x80] + Array("\(fill)\"".utf8)) == ["json.invalid-utf8"])
      #expect(anomalies(Array("{\"\(fill)a\":1,\"\(fill)b\":1}".utf8)).isEmpty)
      #expect(anomalies(Array("{\"\(fill)a\":1,\"\(fill)a\":1}".utf8)) == ["json.duplicate-key"])
      #expect(anomalies(Array((String(repeating: " ", count: offset) + "[]" + fill).utf8)).isEmpty == (offset == 0))
    }
  }

  /// What Python's reader takes beyond the standard is read, and said.
  @Test(arguments: [
    ("[NaN]", "json.not-a-number"), ("[-Infinity]", "json.not-a-number"), ("[1e999]", "json.not-a-number"),
    (#"["\ud800"]"#, "json.lone-surrogate"), (#"{"a":1,"a":1}"#, "json.duplicate-key"),
    ("[123456789012345678]", "json.large-integer"), (#"["\u0000"]"#, "json.nul-character"),
    ("[1] // x", "json.comment"), ("[1,]", "json.loose-comma"),
  ])
  func tellsDialects(text: String, subject: String) {
    #expect(anomalies(Array(text.utf8)) == [subject])
  }

  @Test func takesCommentsWhereEditorsDo() {
    let text = Array("{\n  // by hand\n  \"version\": \"2.0.0\", /* x */\n}".utf8)
    #expect(read(JSONFormat.self, text, name: "tasks.json").anomalySubjects.isEmpty)
    #expect(read(JSONFormat.self, text, name: "tsconfig.json").anomalySubjects.isEmpty)
    #expect(read(JSONFormat.self, text, name: "config.json").anomalySubjects == ["json.comment", "json.loose-comma"])
  }
}
