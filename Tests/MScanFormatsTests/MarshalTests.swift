import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct MarshalTests {
  static func read(_ bytes: [UInt8], limits: Limits = .standard) -> FactBuffer {
    MScanFormatsTests.read(MarshalFormat.self, bytes, name: "code", limits: limits)
  }

  // MARK: Code objects of each Python

  /// `lambda x: __import__('os').system('echo hi') or x` as each Python marshals it.
  static let samples: [(version: String, code: String)] = [
    (
      "2.7",
      "YwEAAAABAAAAAgAAAEMAAABzGQAAAHQAAGQBAIMBAGoBAGQCAIMBAHAYAHwAAFMoAwAAAE50AgAAAG9zcwcAAABlY2hvIGhp"
        + "KAIAAAB0CgAAAF9faW1wb3J0X190BgAAAHN5c3RlbSgBAAAAdAEAAAB4KAAAAAAoAAAAAHMIAAAAPHN0cmluZz50CAAAADxs"
        + "YW1iZGE+AQAAAHQAAAAA"
    ),
    (
      "3.6",
      "4wEAAAAAAAAAAQAAAAIAAABDAAAAcxIAAAB0AGQBgwFqAWQCgwFwEHwAUwApA07aAm9zegdlY2hvIGhpKQLaCl9faW1wb3J0"
        + "X1/aBnN5c3RlbSkB2gF4qQByBQAAANoIPHN0cmluZz7aCDxsYW1iZGE+AQAAAHMAAAAA"
    ),
    (
      "3.8",
      "4wEAAAAAAAAAAAAAAAEAAAADAAAAQwAAAHMSAAAAdABkAYMBoAFkAqEBcBB8AFMAKQNO2gJvc3oHZWNobyBoaSkC2gpfX2lt"
        + "cG9ydF9f2gZzeXN0ZW0pAdoBeKkAcgUAAADaCDxzdHJpbmc+2gg8bGFtYmRhPgEAAADzAAAAAA=="
    ),
    (
      "3.10",
      "4wEAAAAAAAAAAAAAAAEAAAADAAAAQwAAAHMSAAAAdABkAYMBoAFkAqEBcAh8AFMAKQNO2gJvc3oHZWNobyBoaSkC2gpfX2lt"
        + "cG9ydF9f2gZzeXN0ZW0pAdoBeKkAcgUAAADaCDxzdHJpbmc+2gg8bGFtYmRhPgEAAABzAgAAABIA"
    ),
    (
      "3.11",
      "4wEAAAAAAAAAAAAAAAMAAAADAAAA80oAAACXAHQBAAAAAAAAAAAAAGQBpgEAAKsBAAAAAAAAAACgAQAAAAAAAAAAAAAAAAAA"
        + "AAAAAAAAZAKmAQAAqwEAAAAAAAAAAHABfABTACkDTtoCb3N6B2VjaG8gaGkpAtoKX19pbXBvcnRfX9oGc3lzdGVtKQHaAXhz"
        + "AQAAACD6CDxzdHJpbmc++gg8bGFtYmRhPnIHAAAAAQAAAHMhAAAAgACNKpBU0Qoa1Aoa1woh0gohoCnRCizUCizQCjGwAYAA"
        + "8wAAAAA="
    ),
    (
      "3.12",
      "4wEAAAAAAAAAAAAAAAMAAAADAAAA8z4AAACXAHQBAAAAAAAAAABkAasBAAAAAAAAagMAAAAAAAAAAAAAAAAAAAAAAABkAqsB"
        + "AAAAAAAAeAFzAgEAfABTACkDTtoCb3N6B2VjaG8gaGkpAtoKX19pbXBvcnRfX9oGc3lzdGVtKQHaAXhzAQAAACD6CDxzdHJp"
        + "bmc++gg8bGFtYmRhPnIHAAAAAQAAAHMbAAAAgACMKpBU0woa1woh0QohoCnTCizSCjGwAYAA8wAAAAA="
    ),
    (
      "3.13",
      "4wEAAAAAAAAAAAAAAAMAAAADAAAA80gAAACVAFsBAAAAAAAAAABTATUBAAAAAAAAUgMAAAAAAAAAAAAAAAAAAAAAAABTAjUB"
        + "AAAAAAAAPQEoAAAAAAAAAGQCAAAgAFUAJAApA07aAm9zegdlY2hvIGhpKQLaCl9faW1wb3J0X1/aBnN5c3RlbSkB2gF4cwEA"
        + "AAAg2gg8c3RyaW5nPtoIPGxhbWJkYT5yBwAAAAEAAABzHAAAAIAAjCqQVNMKGtcKIdEKIaAp0wos1woxsAHQCjHzAAAAAA=="
    ),
  ]

  @Test(arguments: samples) func readsEveryPython(_ version: String, _ code: String) {
    let sink = Self.read(Base64.decode(code.utf8))
    #expect(sink.calls == ["bytecode os.system(echo hi)"])
    #expect(sink.references == ["python.import=os"])
    #expect(sink.anomalies.isEmpty && sink.keepsTheLaws())
    #expect(sink.callables(.invoked).first?.when == ["marshal.loads"])
    let operations = sink.facts.compactMap { fact -> OperationFact? in
      guard case .operation(let operation) = fact.payload else { return nil }
      return operation
    }
    #expect(operations.map(\.name) == ["code"])
    #expect(operations.first?.arguments == ["__import__", "os", "system", "echo hi"])
  }

  // MARK: Code objects made here

  static func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }

  static func text(_ text: String) -> [UInt8] { [0x7a, UInt8(text.utf8.count)] + Array(text.utf8) }

  static func list(_ items: [[UInt8]]) -> [UInt8] { [0x29, UInt8(items.count)] + items.flatMap(\.self) }

  static func bytes(_ bytes: [UInt8]) -> [UInt8] { [0x73] + number(bytes.count) + bytes }

  /// A code object in the layout of 3.11 and later.
  static func code(
    _ instructions: [UInt8], _ constants: [[UInt8]], _ names: [String], name: String = "<lambda>"
  ) -> [UInt8] {
    var code: [UInt8] = [0x63] + (0..<5).flatMap { _ in number(0) } + bytes(instructions)
    code += list(constants) + list(names.map(text)) + list([]) + bytes([])
    code += text("f.py") + text(name) + text(name) + number(1) + bytes([]) + bytes([])
    return code
  }

  static func caches(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count * 2) }

  /// The numbers of 3.14 in order: RESUME, LOAD_GLOBAL, LOAD_ATTR, LOAD_CONST, CALL, RETURN_VALUE.
  static let newest: [UInt8] = {
    let head: [UInt8] = [128, 0, 92, 1] + caches(4) + [82, 1, 52, 1] + caches(3)
    let tail: [UInt8] = [80, 3] + caches(9) + [82, 2, 52, 1] + caches(3) + [35, 0]
    return code(head + tail, [[0x4e], text("os"), text("true")], ["__import__", "system"])
  }()

  @Test func readsTheNewest() {
    let sink = Self.read(Self.newest)
    #expect(sink.calls == ["bytecode os.system(true)"])
    #expect(sink.anomalies.isEmpty)
  }

  @Test func saysWhatNoPythonWrites() {
    // A name beyond the table of names.
    let sink = Self.read(Self.code([151, 0, 101, 9, 83, 0], [[0x4e]], []))
    #expect(sink.anomalySubjects == ["marshal.unknown-instructions!"])
  }

  @Test(
    arguments: [
      ([], ["marshal.truncated!"]), ([0x3f], ["marshal.malformed!"]), ([0x72, 9, 0, 0, 0], ["marshal.malformed!"]),
      ([0x30], ["marshal.malformed!"]), ([0x63] + [UInt8](repeating: 0, count: 40), ["marshal.malformed!"]),
      ([0x28, 0xff, 0xff, 0xff, 0x7f], ["marshal.truncated!"]), ([0x4e, 1, 2], ["marshal.trailing-bytes"]),
      ([0x7b, 0x4e, 0x4e, 0x30], []), ([0x6c, 2, 0, 0, 0, 1, 0, 2, 0], []),
      ([0x67] + [UInt8](repeating: 0, count: 8), []),
      ([0xa9, 1, 0x72, 0, 0, 0, 0], ["marshal.malformed!"]),
    ] as [([UInt8], [String])])
  func notes(_ bytes: [UInt8], _ expected: [String]) {
    #expect(Self.read(bytes).anomalySubjects == expected)
  }

  @Test func stopsAtLimits() {
    var limits = Limits.standard
    limits.marshalValues = 3
    #expect(Self.read(Self.newest, limits: limits).anomalySubjects.contains("limit.marshalValues!"))
    let deep = [UInt8](repeating: 0, count: 0) + (0..<2000).flatMap { _ -> [UInt8] in [0x29, 1] } + [0x4e]
    #expect(Self.read(deep).anomalySubjects == ["limit.nesting!"])
  }

  // MARK: Modules

  static func module(_ code: [UInt8]) -> [UInt8] { [0xa7, 0x0d, 0x0d, 0x0a] + [UInt8](repeating: 0, count: 12) + code }

  /// A module that defines `f`, which calls os.system, and calls it only if `isCalled`. 3.11.
  static func defining(isCalled: Bool) -> [UInt8] {
    let callOS: [UInt8] =
      [151, 0, 116, 0] + caches(5) + [160, 1] + caches(10) + [100, 1, 166, 1, 0, 0, 171, 1] + caches(4) + [83, 0]
    let inner = code(callOS, [[0x4e], text("true")], ["os", "system"], name: "f")
    let define: [UInt8] = [151, 0, 100, 0, 100, 1, 108, 0, 90, 0, 100, 2, 132, 0, 90, 1]
    let call: [UInt8] = [2, 0, 101, 1, 166, 0, 0, 0, 171, 0] + caches(4) + [1, 0]
    return module(
      code(
        define + (isCalled ? call : []) + [100, 1, 83, 0], [[0x69] + number(0), [0x4e], inner], ["os", "f"],
        name: "<module>"))
  }

  @Test func aModuleRunsWhatItCalls() {
    let called = MScanFormatsTests.read(PycFormat.self, Self.defining(isCalled: true), name: "m.pyc")
    #expect(called.calls.contains("bytecode os.system(true)"))
    #expect(called.callables(.invoked).first?.when == ["import"])
    let uncalled = MScanFormatsTests.read(PycFormat.self, Self.defining(isCalled: false), name: "m.pyc")
    #expect(uncalled.calls.isEmpty)
    #expect(called.anomalies.isEmpty && uncalled.anomalies.isEmpty)
    let told = uncalled.facts.contains { fact in
      guard case .operation(let operation) = fact.payload else { return false }
      return operation.name == "os.system" && operation.domain == "uncalled"
    }
    #expect(told)
  }

  @Test func isIdentified() {
    let found = Identify.identify(ByteSource(Self.defining(isCalled: true)), name: "m.cpython-311.pyc")
    #expect(found.format == "pyc" && found.claimed == "pyc")
    #expect(Identify.identify(ByteSource(Self.defining(isCalled: true)), name: "weights.bin").format == "pyc")
  }

  // MARK: In JSON

  @Test(
    arguments: [
      ("4wAAAAAAAAAAAAAAAAEAAAADAAAA8wYAAACXAHwAUwCpAU6pAKkB2gF4cwEAAAAg+gdtc2NhbiBo", ["marshal"]),
      ("4wAAAAAAAAAA\\nAAAAAAEAAAADAAAA8wYA", ["marshal"]), ("\\u0034wAAAAAAAAAAAAAAAAEAAAADAAAA", ["marshal"]),
      (" 4wAAAAAAAAAAAAAAAAEAAAADAAAA", ["marshal"]),
      ("!4!wAAAAAAAAAAAAAAAAEAAAADAAAA", ["marshal"]), ("4wheels on the bus", []), ("Ywca is a text", []), ("Yw", []),
      ("a text", []),
    ] as [(String, [String])])
  func isFoundInBase64(_ text: String, _ formats: [String]) {
    let sink = readJSON("{\"config\":{\"function\":[\"\(text)\",null]}}")
    #expect(sink.children.map(\.format) == formats)
    if !formats.isEmpty { #expect(sink.artifacts[1]?.name == "config.function.0") }
    #expect(sink.keepsTheLaws())
  }

  /// Keras takes the characters of a text that is no base64 for bytes.
  @Test func isFoundAsCharacters() {
    let text = Self.newest.map { byte in
      let digits = String(byte, radix: 16)
      return "\\u00" + String(repeating: "0", count: 2 - digits.count) + digits
    }.joined()
    let sink = readJSON("{\"code\":\"\(text)\"}")
    #expect(sink.children.map(\.format) == ["marshal"])
    #expect(sink.children.first?.source.prefix(999) == Self.newest)
    #expect(sink.artifacts[1]?.encoding == .jsonString)
  }

  @Test func base64IsPythons() {
    let table = [
      ("aGk=", "hi"), ("aGk", "hi"), ("a G\nk=", "hi"), ("=aGk=", "hi"), ("aGk=aGk=", "hi"), ("aG=k", "hi"),
      ("YQ==", "a"), ("", ""),
      ("aGkh", "hi!"), ("_-aGk=", "hi"),
    ]
    for (text, plain) in table { #expect(Base64.decode(text.utf8) == Array(plain.utf8), "\(text)") }
    #expect(Base64.decode("aGkhaGkh".utf8, limit: 2) == Array("hi".utf8))
  }

  @Test func noSurprise() {
    expectNoSurprise(MarshalFormat.self, Self.newest, name: "code")
    for sample in Self.samples where ["2.7", "3.8", "3.12"].contains(sample.version) {
      expectNoSurprise(MarshalFormat.self, Base64.decode(sample.code.utf8), name: "code")
    }
    expectNoSurprise(PycFormat.self, Self.defining(isCalled: true), name: "m.pyc")
  }
}
