import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

/// Pickles without a magic number, as somebody would write them who wants them not to look like one. CPython asks for
/// `os.system` in each, but for those that say otherwise.
@Suite struct PickleProbeTests {
  static let call = "cos\nsystem\n(S'echo x'\ntR."
  static let stackCall = "\u{8c}\u{2}os\u{8c}\u{6}system\u{93}\u{8c}\u{6}echo x\u{85}R."
  private static let mega = "\0\0\u{10}\0" + String(repeating: "a", count: 1 << 20)

  private static func times(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

  static let disguises: [(String, String)] = [
    ("plain", call), ("INST", "(S'echo x'\nios\nsystem\n."), ("OBJ", "(cos\nsystem\nS'echo x'\no."),
    ("no PROTO", stackCall), ("late PROTO", times("N0", 10) + "\u{80}\u{4}" + call),
    ("PROTO 0", "\u{80}\0" + call), ("PROTO 1", "\u{80}\u{1}" + call),
    ("double quotes", "cos\nsystem\n(S\"echo x\"\ntR."), ("carriage return", "cos\nsystem\n(Vecho x\r\ntR."),
    ("escaped module", "Vo\\u0073\n0" + stackCall),
    ("MEMOIZE", "\u{8c}\u{2}os\u{94}\u{8c}\u{6}system\u{94}\u{93}\u{94}\u{8c}\u{6}echo x\u{94}\u{85}\u{94}R\u{94}."),
    ("long UNICODE", "V" + times("a", 90_000) + "\n0" + call),
    ("longer UNICODE", "V" + times("lorem ipsum ", 80_000) + "\n0" + call),
    ("long STRING", "S'" + times("a", 90_000) + "'\n0" + call),
    ("BINUNICODE", "X" + mega + "0" + call), ("BINSTRING", "T" + mega + "0" + call),
    ("BINBYTES", "B" + mega + "0" + call),
    ("BINBYTES8", "\u{8e}\0\0\u{1}\0\0\0\0\0" + times("a", 1 << 16) + "0" + call),
    ("BYTEARRAY8", "\u{96}\0\0\u{1}\0\0\0\0\0" + times("a", 1 << 16) + "0" + call),
    ("short strings", times("U\u{5}aaaaa0", 3000) + call),
    ("a megabyte of nothing", times("N0", 1 << 17) + call), ("marks and POP_MARK", times("(1", 80_000) + call),
    ("marks and POP", times("(0", 80_000) + call), ("INT lines", times("I1\n0", 100_000) + call),
    ("LONG lines", times("L1L\n0", 50_000) + call), ("FLOAT lines", times("F1.5\n0", 50_000) + call),
    ("hexadecimal INT", times("I0x10\n0", 5000) + call), ("INT as bool", times("I01\n0", 5000) + call),
    ("PUT", "N" + (0..<20_000).map { "p\($0)\n" }.joined() + "0" + call),
    ("PUT to one slot", "N" + times("p0\n", 80_000) + "0" + call),
    ("BINPUT", "N" + times("q\0", 90_000) + "0" + call), ("GET", "Np0\n0" + times("g0\n0", 100_000) + call),
    ("DUP", "N" + times("20", 90_000) + "0" + call), ("lists", times("]0", 80_000) + call),
    ("tuples", times(")0", 80_000) + call), ("dicts", times("}0", 80_000) + call),
    ("nested marks", times("(", 5000) + times("1", 5000) + call), ("marks left", times("(", 5000) + call),
    ("a stack left", times("N", 100_000) + call), ("nested tuples", ")" + times("\u{85}", 5000) + "0" + call),
    ("APPEND", "]" + times("K\u{1}a", 100_000) + "0" + call),
    ("SETITEM", "}" + times("K\u{1}K\u{2}s", 50_000) + "0" + call),
    ("FRAME", "\u{95}\(Character(Unicode.Scalar(UInt8(call.utf8.count))))\0\0\0\0\0\0\0" + call),
    ("frames of nothing", times("\u{95}\0\0\0\0\0\0\0\0", 1000) + call),
    ("getattr", "cbuiltins\ngetattr\n(cbuiltins\n__import__\n(S'os'\ntRS'system'\ntR(S'echo x'\ntR."),
    ("map", "cbuiltins\nmap\n(cos\nsystem\n(S'echo x'\nltR."), ("BUILD alone", "cos\nenviron\n}b."),
    ("prose behind", call + times(" and so on, dear reader. ", 1000)), ("no STOP", String(call.dropLast())),
    ("break behind", call.dropLast() + "\0\0"), ("text behind", call.dropLast() + "\nThis is a readme.\n"),
    ("prose in front", times("VThe quick brown fox jumps\n0", 20_000) + call),
    ("a readme in front", "V# Model card\n0VThis model is nice\n0" + call),
    ("BINFLOAT as GGUF", "GGUF\0\0\0\0\u{10}0" + call), ("BINFLOAT as GIF", "GIF89a\0\0\u{10}0" + call),
    ("LONG1", "\u{8a}\u{1}\u{1}0" + call), ("LONG4", "\u{8b}\u{1}\0\0\0\u{1}0" + call), ("NEWTRUE", "\u{88}0" + call),
    ("EMPTY_SET", "\u{8f}0" + call), ("FROZENSET", "(\u{91}0" + call),
    // Run by a loader that has the code registered.
    ("extension code", "\u{82}\u{1})R."), ("extension code and prose", "\u{82}\u{1})R. and so on"),
    ("many calls", times("cos\nsystem\n(S'true'\ntR0", 20_000) + "N."),
    ("latin-1", "S'caf\\xe9'\n0" + call), ("PERSID", "Pan id\n0" + call),
  ]

  @Test(arguments: disguises) func findsWhatRuns(_ name: String, _ text: String) {
    let source = ByteSource(latin1(text))
    var probe = PickleProbe()
    #expect(probe.look(source) != .no)
    // A second run over megabytes would show nothing new.
    guard source.count < 100_000 else { return }
    for file in ["notes.txt", "config.json", "README.md", "preview.png", "setup.py", "weights", "t.jinja", "a.yaml"] {
      let found = Identify.identify(source, name: file)
      #expect(([found.format ?? ""] + found.also).contains("pickle"), "as \(file)")
    }
  }

  @Test func thereAreSixty() { #expect(Self.disguises.count >= 60) }

  @Test(arguments: [
    "I saw a cat (it was small).\nSo I left.\n", "coconut\nmilk\n", "cat\ndog\nelephant\n", "c\nd\ne\n",
    "Various\ncats\n",
    "import os\nos.system('x')\n", " cos\nsystem\n(S'x'\ntR.", "\ncos\nsystem\n(S'x'\ntR.", "#cos\nsystem\n(S'x'\ntR.",
    "\tcos\nsystem\n(S'x'\ntR.", "(see below)\n", "Nothing.\n", "N.", "Version 1.0\n", "F1 score\n", "I1\n", "((((((",
    "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN", "]\n", "Licensed under\n", "gpt\n", "Papers\nwith\ncode\n", "ccc", "c", "V", "",
    "class A:\n  pass\n", "continue\nif\n(x)\n", "GNU GENERAL PUBLIC LICENSE\n", "}", "Go\n",
  ])
  func proseIsNone(_ text: String) {
    var probe = PickleProbe()
    #expect(probe.look(ByteSource(latin1(text))) == .no)
  }

  @Test func tellsTheEnd() {
    var probe = PickleProbe()
    #expect(probe.look(ByteSource(latin1(Self.call + "junk"))) == .pickle(end: Self.call.utf8.count))
    #expect(probe.look(ByteSource(latin1("cos\nsystem\n(S'x'\ntR\0"))) == .pickle(end: nil))
    var poor = PickleProbe(opcodes: 100)
    #expect(poor.look(ByteSource(latin1(Self.times("N0", 1000) + Self.call))) == .pickle(end: nil))
    #expect(poor.look(ByteSource(latin1(Self.call))) == .spent)
  }

  @Test func carves() {
    let call = latin1("\u{80}\u{2}" + Self.call)
    let gap = [UInt8](repeating: 0, count: 200_000)
    let bytes = gap + call + gap + call + [0x80, 2, 0x80] + call
    var carver = PickleCarver(ByteSource(bytes))
    carver.search(ByteRange(0, bytes.count))
    let starts = [gap.count, 2 * gap.count + call.count, 2 * gap.count + 2 * call.count]
    #expect(carver.finds.map(\.range.start).prefix(2) == starts.prefix(2) && carver.finds.count == 3)
    #expect(carver.finds.first?.range.count == call.count && carver.unsearched == nil)
  }

  /// Starts by the thousand, each of which would run through all the rest.
  @Test func carvingIsBounded() {
    var bytes: [UInt8] = []
    for _ in 0..<100_000 { bytes += [0x80, 2, 0x4e, 0x30] }
    var carver = PickleCarver(ByteSource(bytes + [0xff]))
    carver.search(ByteRange(0, bytes.count + 1))
    #expect(carver.unsearched != nil && carver.finds.isEmpty)
  }
}
