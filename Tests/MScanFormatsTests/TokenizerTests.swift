import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct TokenizerTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let text: String
    let expected: [String]
    var testDescription: String { String(text.prefix(60)) }
    init(_ text: String, _ expected: [String]) { (self.text, self.expected) = (text, expected) }
  }

  /// `role=text` of every token, in order.
  private func tokens(_ sink: FactBuffer) -> [String] {
    sink.facts.compactMap { fact in
      guard case .token(let token) = fact.payload else { return nil }
      return "\(token.role)=\(token.text)"
    }
  }

  private static func vocabulary(_ entries: String, added: String = "", more: String = "") -> String {
    #"{"added_tokens":[\#(added)],"model":{"type":"BPE","vocab":{\#(entries)}\#(more)}}"#
  }

  @Test(arguments: [
    Case(vocabulary(#""a":0,"b":1"#), []),
    Case(vocabulary(#""a":0,"b":0"#), ["tokenizer.duplicate-id"]),
    Case(
      vocabulary(#""a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0"#), Array(repeating: "tokenizer.duplicate-id", count: 5)),
    Case(vocabulary(#""a":0,"b":-1"#), ["tokenizer.id-range"]),
    Case(vocabulary(#""a":0,"b":99999999999999999999"#), ["tokenizer.id-range", "json.large-integer"]),
    Case(vocabulary(#""a":0,"b":1.5"#), ["tokenizer.id-type"]),
    Case(vocabulary(#""a":0,"b":"1""#), ["tokenizer.id-type"]),
    Case(vocabulary(#""a":0,"b":5000"#), ["tokenizer.id-gap"]),
    Case(vocabulary(#""a":0,"a":1"#), ["json.duplicate-key"]),
    Case(vocabulary(#""a":0,"b":1"#, added: #"{"id":1,"content":"b"}"#), []),
    Case(vocabulary(#""a":0,"b":1"#, added: #"{"id":2,"content":"c"}"#), []),
    Case(vocabulary(#""a":0,"b":1"#, added: #"{"id":1,"content":"c"}"#), ["tokenizer.foreign-added-tokens"]),
    Case(
      vocabulary(#""a":0,"b":1"#, added: #"{"id":0,"content":"a"},{"id":1,"content":"c"}"#), ["tokenizer.id-collision"]),
    Case(vocabulary(#""a":0,"\u0062":1"#, added: #"{"id":1,"content":"b"}"#), []),
    Case(vocabulary(#""a":0,"b":1"#, added: #"{"id":7,"content":"b"}"#), ["tokenizer.remapped-token"]),
    Case(
      vocabulary(#""a":0"#, added: #"{"id":7,"content":"x"},{"id":7,"content":"y"}"#), ["tokenizer.duplicate-id"]),
    Case(
      vocabulary(#""a":0"#, added: #"{"id":7,"content":"x"},{"id":8,"content":"x"}"#), ["tokenizer.duplicate-token"]),
    Case(vocabulary(#""a":0"#, added: #"{"id":"7","content":"x"}"#), ["tokenizer.id-type"]),
    Case(vocabulary(#""a":0,"b":1,"ab":2"#, more: #","merges":["a b"]"#), []),
    Case(vocabulary(#""a":0,"b":1,"ab":2"#, more: #","merges":[["a","b"]]"#), []),
    Case(vocabulary(#""a":0,"b":1,"ab":2"#, more: #","merges":["a  b"]"#), ["tokenizer.unknown-merge"]),
    Case(vocabulary(#""a":0,"b":1,"ab":2"#, more: #","merges":["b a"]"#), ["tokenizer.unknown-merge"]),
    Case(vocabulary(#""a":0,"b":1,"ab":2"#, more: #","merges":[["a","b","a"]]"#), ["tokenizer.unknown-merge"]),
    Case(
      vocabulary(#""a":0,"b":1"#, more: #","continuing_subword_prefix":"\#u{23}\#u{23}","merges":["a b"]"#), []),
    Case(#"{"model":{"vocab":[["<unk>",0],["a",-1.5],["b",-2]]}}"#, []),
    Case(#"{"model":{"vocab":[["<unk>",0],["a",-1.5],["a",-2]]}}"#, ["tokenizer.duplicate-token"]),
    Case(#"{"model":{"vocab":[["<unk>",0],["a",-1.5],["b",0.001]]}}"#, ["tokenizer.score"]),
    Case(#"{"model":{"vocab":"x","merges":"y"},"added_tokens":7,"normalizer":[],"decoder":"x"}"#, []),
  ])
  func checksIDs(_ sample: Case) {
    let sink = readJSON(sample.text, name: "tokenizer.json", interest: ValueInterest())
    #expect(sink.anomalySubjects.sorted() == sample.expected.sorted())
    #expect(sink.keepsTheLaws())
  }

  /// A vocabulary's words are not settings, whatever they say.
  @Test func statesNoValuesOfAVocabulary() {
    let interest = ValueInterest(keys: ["depth", "target"])
    #expect(readJSON(Self.vocabulary(#""depth":7,"target":8"#), interest: interest).values.isEmpty)
    #expect(readJSON(#"{"depth":7}"#, name: "vocab.json", interest: interest).values.isEmpty)
    #expect(readJSON(#"{"depth":7}"#, name: "config.json", interest: interest).values == ["depth=7"])
  }

  @Test(arguments: [
    Case(#"{"normalizer":{"type":"Replace","pattern":{"String":"a"},"content":"b"}}"#, ["replaced=a", "inserted=b"]),
    Case(#"{"normalizer":{"type":"Replace","pattern":{"Regex":"a+"},"content":""}}"#, ["replaced=a+"]),
    Case(#"{"decoder":{"type":"Sequence","decoders":[{"type":"Prepend","prepend":"x"}]}}"#, ["inserted=x"]),
    Case(#"{"pre_tokenizer":{"type":"Split","pattern":{"String":"x"},"behavior":"Removed"}}"#, ["removed=x"]),
    Case(#"{"pre_tokenizer":{"type":"Split","pattern":{"String":"x"},"behavior":"Removed","invert":true}}"#, []),
    Case(#"{"pre_tokenizer":{"type":"Split","pattern":{"String":"x"},"behavior":"Isolated"}}"#, []),
    Case(#"{"eos_token":"x","bos_token":{"content":"y"},"pad_token":null}"#, ["eos=x", "bos=y"]),
    Case(#"{"additional_special_tokens":["x",{"content":"y"}]}"#, ["special=x", "special=y"]),
    Case(
      #"{"added_tokens_decoder":{"5":{"content":"x","special":true},"6":{"content":"y"}}}"#, ["special=x", "added=y"]),
    Case(#"{"extra_special_tokens":{"image_token":"x"}}"#, ["special=x"]),
  ])
  func states(_ sample: Case) {
    #expect(tokens(readJSON(sample.text, name: "tokenizer.json")) == sample.expected)
  }

  @Test func leavesPlainMarksOut() {
    var limits = Limits.standard
    limits.plainTokens = 2
    let added = (0..<5).map { #"{"id":\#($0),"content":"<x\#($0)>"}"# }.joined(separator: ",")
    let sink = readJSON(
      #"{"added_tokens":[\#(added),{"id":9,"content":"word"}]}"#, limits: limits, interest: ValueInterest())
    #expect(tokens(sink) == ["added=<x0>", "added=<x1>", "added=word"])
  }

  /// What is read in runs, and on two threads when it is much, says the same as what is read an entry at a time.
  @Test(arguments: [0, 1, 2, 3]) func readsRunsAsSingleEntries(_ form: Int) {
    var random = Draw(state: UInt64(17 + form))
    for count in [3, 9, 40, 700, 45_000] {
      var words: [String] = []
      var pairs: [(String, String)] = []
      for number in 0..<count {
        let isRepeated = number > 4 && random.draw(count < 1000 ? 20 : 9000) == 0
        words.append(isRepeated ? words[random.draw(words.count)] : Self.word(number, &random))
        let (first, second) = (words[random.draw(words.count)], words[random.draw(words.count)])
        pairs.append((first, second))
        if random.draw(3) != 0, first.utf8.count + second.utf8.count < 40 { words.append(first + second) }
      }
      let entries = words.enumerated().map { "\(Self.quoted($1, form, &random)): \($0)" }
      let merges = pairs.map { first, second in
        random.draw(2) == 0
          ? Self.quoted(first + " " + second, form, &random)
          : "[\(Self.quoted(first, form, &random)), \(Self.quoted(second, form, &random))]"
      }
      let text = Self.vocabulary(
        entries.joined(separator: ","),
        more: #","continuing_subword_prefix":"","merges":[\#(merges.joined(separator: ","))]"#)
      var limits = Limits.standard
      limits.facts = .max
      let runs = readJSON(text, name: "tokenizer.json", limits: limits, interest: ValueInterest())
      let single = readJSON(text, name: "tokenizer.json", limits: limits, interest: .all)
      #expect(Self.anomalies(runs) == Self.anomalies(single))
      #expect(count < 700 || runs.anomalySubjects.contains("json.duplicate-key"))
      #expect(count < 9 || runs.anomalySubjects.contains("tokenizer.unknown-merge"))
    }
  }

  private static func anomalies(_ sink: FactBuffer) -> [String] {
    sink.facts.compactMap { fact in
      guard case .anomaly(let anomaly) = fact.payload else { return nil }
      return "\(fact.range.start)..<\(fact.range.end) \(anomaly.subject) \(anomaly.detail)"
    }
  }

  private static func word(_ number: Int, _ random: inout Draw) -> String {
    let signs = ["a", "Ġ", "漢", "\"", "\\", "\n", "😀", "/", "\u{7f}", "zq", "-"]
    return (0...random.draw(9)).map { _ in signs[random.draw(signs.count)] }.joined() + String(number, radix: 36)
  }

  /// A text as JSON has it: as it is, with all in escapes that is no ASCII, with every sign in one, or any of these.
  private static func quoted(_ text: String, _ form: Int, _ random: inout Draw) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      let way = form == 3 ? random.draw(3) : form
      switch scalar {
      case "\"" where way < 2: quoted += "\\\""
      case "\\" where way < 2: quoted += "\\\\"
      case "\n" where way < 2: quoted += "\\n"
      case "/" where way == 1: quoted += "\\/"
      case _ where way == 0 || way == 1 && scalar.isASCII: quoted.unicodeScalars.append(scalar)
      default:
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16, uppercase: random.draw(2) == 0)
          quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      }
    }
    return quoted + "\""
  }

  private struct Draw {
    var state: UInt64

    mutating func draw(_ below: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % below
    }
  }

  @Test func survivesAnything() {
    let text =
      #"{"added_tokens":[{"id":1,"content":"b"}],"normalizer":{"type":"Replace","pattern":{"Regex":"(a+)+"},"content":"x"},"#
      + #""model":{"vocab":{"a":0,"b":1},"merges":["a b",["a","b"]]},"post_processor":{"type":"TemplateProcessing","#
      + #""special_tokens":{"b":{"ids":[0],"tokens":["b"]}}}}"#
    expectNoSurprise(JSONFormat.self, Array(text.utf8), name: "tokenizer.json")
    expectNoSurprise(
      JSONFormat.self, Array(#"{"model":{"vocab":{"\u0120a":0,"\n":1},"merges":["\u0120 \n",["\u0061","b"]]}}"#.utf8),
      name: "tokenizer.json", interest: ValueInterest())
    expectNoSurprise(
      JSONFormat.self, Array(#"{"model":{"vocab":[["a",0],["b",1]]},"eos_token":"a"}"#.utf8), name: "t.json")
  }

  // MARK: Other vocabularies

  private static func piece(_ text: String, _ score: Float, _ type: UInt8) -> [UInt8] {
    var bits = score.bitPattern.littleEndian
    let number = (0..<4).map { _ -> UInt8 in
      defer { bits >>= 8 }
      return UInt8(truncatingIfNeeded: bits)
    }
    let body = [0x0a, UInt8(text.utf8.count)] + Array(text.utf8) + [0x15] + number + [0x18, type]
    return [0x0a, UInt8(body.count)] + body
  }

  private static let model =
    piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("\u{2581}a", -1, 1) + piece("never", 0, 3) + piece("x", 2, 1)
    + piece("x", -2, 1)

  @Test func readsSentencePiece() {
    let sink = read(SentencePieceFormat.self, Self.model, name: "tokenizer.model", interest: ValueInterest())
    #expect(tokens(sink) == ["special=<s>", "special=never"])
    #expect(sink.anomalySubjects == ["tokenizer.score", "tokenizer.duplicate-token"])
    #expect(Identify.identify(ByteSource(Self.model), name: "tokenizer.model").format == SentencePieceFormat.id)
    expectNoSurprise(SentencePieceFormat.self, Self.model, name: "tokenizer.model")
  }

  @Test func readsTiktoken() {
    let text = "IQ== 0\nIg== 1\nIw== 2\nIw== 3\nJA== 1\nbad\nJQ== 99999999\n"
    let sink = read(TiktokenFormat.self, Array(text.utf8), name: "tokenizer.model")
    #expect(
      Set(sink.anomalySubjects)
        == ["tokenizer.duplicate-token", "tokenizer.duplicate-id", "tokenizer.line", "tokenizer.id-range"])
    #expect(Identify.identify(ByteSource(Array(text.utf8)), name: "x.tiktoken").format == TiktokenFormat.id)
    expectNoSurprise(TiktokenFormat.self, Array(text.utf8), name: "x.tiktoken")
  }

  @Test func readsLines() {
    let merges = read(MergesFormat.self, Array("#version: 0.2\na b\r\na\n b\n\nc d".utf8), name: "merges.txt")
    #expect(merges.anomalySubjects == ["tokenizer.line", "tokenizer.line"])
    let words = read(WordListFormat.self, Array("a\nb\r\na\nb\n".utf8), name: "vocab.txt")
    #expect(words.anomalySubjects == ["tokenizer.duplicate-line", "tokenizer.duplicate-line"])
    expectNoSurprise(MergesFormat.self, Array("a b\nc\n".utf8), name: "merges.txt")
  }

  /// A map that leads `no` to `yes`, in a double array built by hand.
  @Test func findsRewritesInCharacterMaps() {
    var units = [UInt32](repeating: 0, count: 256)
    // The root's children start at 0 ^ 1; `n` is at 1 ^ 0x6e, its children at that ^ 2, and so on.
    units[0] = 1 << 10
    let first = 1 ^ 0x6e
    units[first] = 2 << 10 | 0x6e
    let second = first ^ 2 ^ 0x6f
    units[second] = 4 << 10 | 0x100 | 0x6f
    units[second ^ 4] = 0x8000_0000
    let trie = units.flatMap { unit in (0..<4).map { UInt8(truncatingIfNeeded: unit >> UInt32($0 * 8)) } }
    let map = [0, 4, 0, 0] + trie + Array("yes".utf8) + [0]
    #expect(CharacterMap(map)?.rewrites.map { $0.from + ">" + $0.to } == ["no>yes"])
    for count in 0..<map.count { _ = CharacterMap(Array(map[..<count])) }
    for index in map.indices {
      var changed = map
      changed[index] ^= 0xff
      _ = CharacterMap(changed)
    }
    #expect(CharacterMap(Array(map.dropLast())) == nil)
  }

  // MARK: Shapes

  @Test(arguments: [
    ("", "empty"), ("  ", "blank"), ("the", "word"), (" the", "word"), ("\u{120}the", "word"), ("don't", "word"),
    ("not guilty", "phrase"), ("12", "number"), ("-1.5", "number"), ("<s>", "mark"), ("<|im_end|>", "mark"),
    ("[MASK]", "mark"), ("__en__", "mark"), ("<｜end▁of▁sentence｜>", "mark"), ("eng_Latn", "name"), ("a1", "name"),
    ("``", "other"), ("<a b>", "other"),
  ])
  func tellsShapes(text: String, kind: String) {
    #expect(TextShape(text).kind.rawValue == kind)
  }

  @Test func countsWhatIsNotSeen() {
    #expect(TextShape("a\u{200b}b\u{2060}").invisible == 2)
    #expect(TextShape("a\u{200d}b").invisible == 1)
    #expect(TextShape("\u{0645}\u{200c}\u{06cc}").invisible == 0)
    #expect(TextShape("p\u{0430}ss").mixesScripts)
    #expect(!TextShape("\u{043f}\u{0440}\u{0438}").mixesScripts)
    #expect(TextShape("https://example.invalid").isLink)
  }

  @Test(arguments: [
    (#"(a+)+"#, "regex-backtracking"), (#"(\s*\w+)*x"#, "regex-backtracking"), (#"(a|a)*"#, "regex-backtracking"),
    (#"((a{2,})x)+"#, "regex-backtracking"), (#"a{1,100000}"#, "regex-count"), (#"(?>a+)+"#, ""), (#"(a++)+"#, ""),
    (#"(\d{3})+(?!\d)"#, ""), (#"'s|'t| ?\p{L}+|\s+(?!\S)|\s+"#, ""), (#"[a-z]+(?:-[0-9]{1,3})?"#, ""),
    (#"((((("#, ""), (#")))"#, ""), (#"[[["#, ""), (#"\"#, ""), (#"a{"#, ""), (#"(?"#, ""), (#"(?#x"#, ""),
  ])
  func findsSlowPatterns(pattern: String, flaw: String) {
    #expect((RegexShape(pattern).flaw?.rawValue ?? "") == flaw)
  }

  @Test(arguments: [
    (#"\s+"#, ""), (#"\bnot\b"#, "not"), (#"[0-9]+"#, "0"), (#"\d"#, "0"), (#"(?i:yes|no)"#, "yes no"),
    (#"\p{L}+"#, "aa"),
    (#"(?=not)x"#, "x"), (#"\u006e\x6f"#, "no"), (#"https?://"#, "https://"), (#"[^a-z]"#, ""), (#"[.,]"#, ""),
  ])
  func readsLiterals(pattern: String, literal: String) {
    let words = RegexShape(pattern).literal.split(separator: " ").joined(separator: " ")
    #expect(words == literal)
  }
}
