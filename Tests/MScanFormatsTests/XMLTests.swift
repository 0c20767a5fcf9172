import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct XMLTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let text: String
    let expected: [String]
    var testDescription: String { text }
    init(_ text: String, _ expected: [String] = []) { (self.text, self.expected) = (text, expected) }
  }

  @Test(arguments: [
    Case("<?xml version='1.0'?><a b='1' c=\"<x>\"/>", ["a"]),
    Case("<a><!-- <!DOCTYPE x SYSTEM 'y'> --><![CDATA[<b c>]]></a>", ["a"]),
    Case("<!DOCTYPE a><a/>", ["a"]),
    Case("<!DOCTYPE a SYSTEM \"x.dtd\"><a/>", ["xml.external-dtd x.dtd", "a"]),
    Case("<!DOCTYPE a PUBLIC 'p' 'http://h/x'><a/>", ["xml.external-dtd http://h/x", "a"]),
    Case("<!DOCTYPE a [<!ENTITY b 'c'> <!ELEMENT a (b)> <!ATTLIST a b CDATA '>'>]><a/>", ["a"]),
    Case("<!DOCTYPE a [<!ENTITY b 'x&lt;&#65;y & z'>]><a/>", ["a"]),
    Case("<!DOCTYPE a [<!ENTITY b '&c;'>]><a/>", ["xml.entity-expansion", "a"]),
    Case("<!DOCTYPE a [<!ENTITY % b '<!ENTITY c \"d\">'>]><a/>", ["xml.entity-expansion", "a"]),
    Case("<!DOCTYPE a [<!ENTITY b SYSTEM 'f'>]><a/>", ["xml.external-entity f", "a"]),
    Case("<!DOCTYPE a [<!ENTITY % b PUBLIC 'p' 'f'> %b;]><a/>", ["xml.external-entity f", "a"]),
    Case("<!DOCTYPE a [<!ENTITY b SYSTEM 'f' NDATA gif>]><a/>", ["xml.external-entity f", "a"]),
    Case("<a><xi:include href='f'/><include href='g'/></a>", ["a", "xml.include f"]),
    Case("<a><x library='l.so'/></a>", ["a", "xml.library l.so"]),
    Case("<net><layer type='T' version='opset1'/></net>", ["net", "openvino.opset1.T"]),
    Case("<a><layer type='T' version='opset1'/></a>", ["a"]),
    Case("<a", ["xml.truncated"]), Case("<a b>", ["xml.malformed"]), Case("< a>", ["xml.malformed"]),
    Case("<!DOCTYPE a [<!ENTITY b 'c", ["xml.truncated"]), Case("<!-- x", ["xml.truncated"]),
  ])
  func states(_ sample: Case) {
    let sink = read(XMLFormat.self, Array(sample.text.utf8), name: "m.xml")
    let stated = sink.facts.map { fact in
      switch fact.payload {
      case .reference(let reference): "\(reference.field) \(reference.target)"
      case .value(let value): value.rendered
      default: fact.subjects.first ?? ""
      }
    }
    #expect(stated == sample.expected)
    #expect(sink.keepsTheLaws())
  }

  @Test(arguments: [
    ("<?xml version='1.0'?><a/>", "xml"), ("\n <net name='x'>", "xml"), ("<PMML>", "xml"), ("<!DOCTYPE net>", "xml"),
    ("<!DOCTYPE html><html>", "html"), ("<!doctype html>", "html"), ("<b>bold</b>", "text"),
  ])
  func isToldByItsStart(_ text: String, _ format: String) {
    #expect(Identify.identify(ByteSource(Array(text.utf8)), name: "x").format == format)
  }

  @Test func noSurprise() {
    let sample =
      "<?xml v?><!DOCTYPE a SYSTEM 'x' [<!ENTITY b '&c;'><!ENTITY % d SYSTEM \"e\"><!ELEMENT a ANY>]><net a='1'><layer type='T'/></net>"
    expectNoSurprise(XMLFormat.self, Array(sample.utf8), name: "m.xml")
  }
}
