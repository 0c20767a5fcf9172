import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct NamedFormatsTests {
  static func words(_ numbers: UInt32...) -> [UInt8] {
    var bytes: [UInt8] = []
    for number in numbers {
      for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
    return bytes
  }

  /// Pieces end to end.
  static func joined(_ pieces: [UInt8]...) -> [UInt8] { Array(pieces.joined()) }

  struct Case: Sendable, CustomTestStringConvertible {
    let format: String?
    let bytes: [UInt8]
    var name = "x"
    var testDescription: String { "\(format ?? "nothing") \(name)" }
    init(_ format: String?, _ bytes: [UInt8], name: String = "x") {
      (self.format, self.bytes, self.name) = (format, bytes, name)
    }
    init(_ format: String, _ start: String, name: String = "x") {
      self.init(format, latin1(start) + [UInt8](repeating: 1, count: 64), name: name)
    }
  }

  @Test(arguments: [
    Case("rknn", "RKNN\u{0}"), Case("tensorrt", "ftrt\u{0}"), Case("parquet", "PAR1\u{15}\u{0}"),
    Case("arrow", "ARROW1\u{0}\u{0}"), Case("java-serialized", "\u{ac}\u{ed}\u{0}\u{5}sr"),
    Case("r-data", "RDX3\nX\n\u{0}"), Case("r-data", "X\n\u{0}\u{0}\u{0}\u{3}"),
    Case("r-data", Array("A\n3\n263169\n197888\n".utf8)), Case("text", Array("A\n3\nb\nc\n".utf8)),
    Case("lua-bytecode", "\u{1b}Lua\u{53}\u{0}"), Case("wasm", "\u{0}asm\u{1}\u{0}\u{0}\u{0}"),
    Case("fasttext", words(793_712_314, 12), name: "lid.bin"), Case("catboost", "CBM1\u{0}"),
    Case("xgboost", "{L\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{7}learner{"), Case("xgboost", "binf\u{0}"),
    Case("word2vec", joined(latin1("2 2\na "), words(0xff, 0xff), latin1("\nb "), words(1, 2))),
    Case("torch7", joined(words(4, 1, 3), latin1("V 1"), words(9), latin1("nn.Linear"))),
    Case(
      "tf-checkpoint", joined([UInt8](repeating: 0xf0, count: 40), [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb])),
    Case("duckdb", joined([UInt8](repeating: 0xf0, count: 8), latin1("DUCK"))),
    Case("ncnn", Array("7767517\n1 1\n".utf8)), Case("ncnn", words(7_767_517, 1)),
    Case("kenlm", "mmap lm http://kheafield.com/code format version 5\n\u{0}"),
    Case("encrypted", "Salted__\u{0}\u{ff}"), Case("lightgbm", Array("tree\nversion=v4\n".utf8)),
    Case("darknet", words(0, 2, 5, 64, 0, 1), name: "yolo.weights"), Case(nil, words(0, 2, 5, 64, 0, 1)),
    Case("tensor-data", [0xf0, 1, 2, 3], name: "variables.data-00000-of-00001"),
    Case(nil, [0xf0, 1, 2, 3], name: "variables.data-0-of-1"),
    Case("paddle-tensor", joined(words(0, 0, 0, 0, 4), [8, 5, 16, 1], words(7))),
    Case(nil, joined(words(0, 0, 0, 0, 4), [8, 5, 16, 2], words(7))),
    Case("msgpack", [0x81, 0xa1, 0x61, 1]), Case("msgpack", [0x82, 1], name: "m.msgpack"), Case(nil, [0x82, 1]),
    Case("ort", joined(words(16), latin1("ORTM"), words(0xff, 0xff))),
    Case("executorch", joined(words(16), latin1("ET12"), words(0xff, 0xff))),
    Case("ggml", "fmgg\u{1}\u{0}"), Case("ggml", "algg\u{1}\u{0}"),
  ])
  func tells(_ sample: Case) {
    #expect(Identify.identify(ByteSource(sample.bytes), name: sample.name).format == sample.format)
  }

  @Test func aRecordIsToldByItsChecksum() {
    // The checksum of the length 5, masked.
    var length = Self.words(5, 0)
    var crc: UInt32 = .max
    for byte in length {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
    }
    crc = ~crc
    length += Self.words((crc >> 15 | crc << 17) &+ 0xa282_ead8) + [1, 2, 3, 4, 5] + Self.words(0)
    #expect(Identify.identify(ByteSource(length), name: "x").format == "tfrecord")
    length[8] ^= 1
    #expect(Identify.identify(ByteSource(length), name: "x").format == nil)
  }

  /// A loader that unpickles a file does not ask what else it looks like.
  @Test func titlesAreWeak() {
    #expect(NamedFormats.isWeak("parquet") && NamedFormats.isWeak("msgpack"))
    #expect(!NamedFormats.isWeak("gguf") && NamedFormats.title(of: "gguf") == nil)
  }
}
