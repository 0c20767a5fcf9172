import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct JSONFormatTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let text: String
    let expected: [String]
    var testDescription: String { String(text.prefix(40)) }
    init(_ text: String, _ expected: [String]) { (self.text, self.expected) = (text, expected) }
  }

  /// Values, with their paths.
  @Test(arguments: [
    Case(#"{"a":1,"b":{"c":[true,null,"x"]}}"#, ["a=1", "b={1}", "b.c=[3]", "b.c.0=true", "b.c.1=null", "b.c.2=x"]),
    Case(#"{"a":"\u0041\n\ud83d\ude00\/"}"#, ["a=A\n😀/"]),
    Case(#"{"\u0061b":-1.5E+3}"#, ["ab=-1.5E+3"]),
    Case(#"{"a":12345678901234567890123}"#, ["a=12345678901234567890123"]),
    Case(#"{"a":[[],{}]}"#, ["a=[2]", "a.0=[0]", "a.1={0}"]),
    Case(#"{"a":1,"a":2}"#, ["a=1", "a=2"]),
    Case("[1]", ["0=1"]),
    Case("{}", []),
    Case("1", []),
  ])
  func states(_ sample: Case) {
    #expect(readJSON(sample.text).values == sample.expected)
    #expect(readJSON(sample.text).facts.allSatisfy { $0.range.end <= sample.text.utf8.count })
  }

  /// What differs between readers, and what Python refuses.
  @Test(arguments: [
    Case(#"{"a":1,"b":{"a":1}}"#, []),
    Case(#"{"a":1,"\u0061":2}"#, ["json.duplicate-key"]),
    Case(#"{"\ud800":1,"\ud801":2}"#, ["json.lone-surrogate"]),
    Case(#"{"\ud800":1,"\uD800":2}"#, ["json.lone-surrogate", "json.duplicate-key"]),
    Case(#"{"a":"\udc00"}"#, ["json.lone-surrogate"]),
    Case(#"{"a":"\ud83d\ud83d\ude00"}"#, ["json.lone-surrogate"]),
    Case(#"{"a":NaN,"b":-Infinity,"c":1e999}"#, Array(repeating: "json.not-a-number", count: 3)),
    Case(#"{"a":1e99,"b":-0.0}"#, []),
    Case("{\"a\":\(String(repeating: "9", count: 400))}", ["json.large-integer"]),
    Case("{\"a\":\(String(repeating: "9", count: 400)).5}", ["json.not-a-number"]),
    Case("\u{feff}{}", ["json.byte-order-mark"]),
    Case("{} {}", ["json.trailing-bytes"]),
    Case("{} x", ["json.trailing-bytes!"]),
    Case("{}\0", ["json.trailing-bytes!"]),
    Case("{} \n", []),
    Case("", ["json.truncated!"]),
    Case("  ", ["json.truncated!"]),
    Case(#"{"a":[1"#, ["json.truncated!"]),
    Case(#"{"a":"x"#, ["json.truncated!"]),
    Case(#"{"a":tru"#, ["json.truncated!"]),
    Case(#"{"a":1.}"#, ["json.malformed!"]),
    Case(#"{"a":01}"#, ["json.malformed!"]),
    Case(#"{"a":-}"#, ["json.malformed!"]),
    Case(#"{"a":1,}"#, ["json.loose-comma"]),
    Case(#"[1,]"#, ["json.loose-comma"]),
    Case(#"[,]"#, ["json.malformed!"]),
    Case(#"[1,,2]"#, ["json.malformed!"]),
    Case(#"[1}"#, ["json.malformed!"]),
    Case(#"{a:1}"#, ["json.malformed!"]),
    Case(#"{"a":'x'}"#, ["json.malformed!"]),
    Case("{\"a\":\"x\ny\"}", ["json.malformed!"]),
    Case(#"{"a":"\x41"}"#, ["json.malformed!"]),
    Case(#"{"a":"\u00g0"}"#, ["json.malformed!"]),
    Case("// comment\n{}", ["json.comment"]),
    Case("{/* a */\"a\"/**/:/**/1/**/,//\n\"b\":[]}//", ["json.comment"]),
    Case("{/* a", ["json.truncated!"]),
    Case("{/ a", ["json.malformed!"]),
    Case("{} // x", ["json.comment"]),
  ])
  func notes(_ sample: Case) {
    #expect(readJSON(sample.text).anomalySubjects == sample.expected)
  }

  @Test(arguments: [[0x80], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0xff]])
  func notesInvalidUTF8(_ bytes: [UInt8]) {
    let sink = read(JSONFormat.self, Array(#"{"a":""#.utf8) + bytes + Array(#""}"#.utf8), name: "a.json")
    #expect(sink.anomalySubjects == ["json.invalid-utf8"])
    #expect(sink.anomalies.count == 1 && sink.facts.last?.range.start == 6)
  }

  @Test func findsDuplicatesInLargeObjects() {
    let keys = (0..<5000).map { "\"key\($0)\":0" }.joined(separator: ",")
    #expect(readJSON("{\(keys)}", interest: ValueInterest()).anomalies.isEmpty)
    let sink = readJSON("{\"x\":{\(keys),\"key\\u003499\":1,\"KEY1\":2}}", interest: ValueInterest())
    #expect(sink.anomalies.map(\.detail) == ["x.key499"])
  }

  @Test func placesByLineAndColumn() {
    let sink = readJSON("{\n  \"é/~\": [1,\n 2],\r\n\"b\":\"😀\", \"c\": null}")
    let places = sink.facts.map {
      "\($0.place.lineAndColumn.map { "\($0.line):\($0.column)" } ?? "") \($0.place.description)"
    }
    #expect(places == ["2:10 /é~1~0", "2:11 /é~1~0/0", "3:2 /é~1~0/1", "4:5 /b", "4:15 /c"])
  }

  @Test func statesOnlyWhatIsOfInterest() {
    let text = #"{"a":{"auto_map":{"X":"y","z":[1]}},"b":2,"\u0061uto_map":3}"#
    let sink = readJSON(text, interest: ValueInterest(keys: ["auto_map", "autos"]))
    #expect(sink.values == ["a.auto_map={2}", "a.auto_map.X=y", "a.auto_map.z=[1]", "a.auto_map.z.0=1", "auto_map=3"])
  }

  @Test func linesHoldManyDocuments() {
    let sink = readJSON("{\"a\":1}\n\n{\"b\":2}\n", name: "x.JSONL")
    #expect(sink.values == ["a=1", "b=2"] && sink.anomalies.isEmpty)
    #expect(readJSON("", name: "x.ndjson").anomalies.isEmpty)
  }

  @Test func cutsLongTexts() {
    let sink = readJSON("{\"a\":\"\(String(repeating: "é", count: 5000))\"}")
    #expect(sink.values == ["a=" + String(repeating: "é", count: 4096) + "…"])
  }

  @Test func limitsAreStated() {
    let deep = String(repeating: "[", count: 5000)
    #expect(readJSON(deep).anomalySubjects == ["limit.nesting!"])
    #expect(readJSON(String(repeating: "[", count: 512) + String(repeating: "]", count: 512)).anomalies.isEmpty)
    var limits = Limits.standard
    limits.values = 2
    #expect(readJSON("[1,2,3,4,NaN]", limits: limits).anomalySubjects == ["limit.values!", "json.not-a-number"])
    limits = .standard
    limits.jsonBytes = 3
    #expect(readJSON("[1,2]", limits: limits).anomalySubjects == ["limit.jsonBytes!"])
    limits = .standard
    limits.jsonKeys = 2
    #expect(readJSON(#"{"a":{"b":{"c":1}}}"#, limits: limits).anomalySubjects == ["limit.jsonKeys!"])
    limits = .standard
    limits.jsonPaths = 8
    let sink = readJSON(#"{"abc":{"def":{"ghi":1}},"x":1,"x":2}"#, limits: limits)
    #expect(Set(sink.anomalySubjects) == ["limit.jsonPaths!", "json.duplicate-key"])
  }

  @Test func noSurprise() {
    let sample =
      "\u{feff}{\"a\\u0041\": [1.5e3, -0, true],\n \"b\":{\"é\":\"\\ud83d\\ude00\\n\",\"b\":NaN,\"b\":null}} []"
    expectNoSurprise(JSONFormat.self, Array(sample.utf8), name: "a.json")
  }
}
