import MScanFacts

/// A rule's message: text with the names of attributes in braces; `{{` and `}}` stand for braces.
enum MessageTemplate {
  enum Piece: Equatable {
    case text(String)
    case placeholder(String)
    /// A brace without its partner.
    case unclosed
  }

  static func pieces(of template: String) -> [Piece] {
    var pieces: [Piece] = []
    var text = ""
    var rest = template.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      if scalar == "{" || scalar == "}", rest.first == scalar {
        rest = rest.dropFirst()
        text.unicodeScalars.append(scalar)
      } else if scalar == "{" {
        let name = rest.prefix { $0 != "}" && $0 != "{" }
        rest = rest[name.endIndex...]
        if !text.isEmpty { pieces.append(.text(text)) }
        text = ""
        if rest.first == "}" {
          rest = rest.dropFirst()
          pieces.append(.placeholder(String(name)))
        } else {
          pieces.append(.unclosed)
        }
      } else if scalar == "}" {
        pieces.append(.unclosed)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    if !text.isEmpty { pieces.append(.text(text)) }
    return pieces
  }

  /// The text for people, with every value made printable and cut to ``Printable/limit`` characters.
  static func fill(_ template: String, with value: (String) -> String) -> String {
    var filled = ""
    for piece in pieces(of: template) {
      switch piece {
      case .text(let text): filled += text
      case .placeholder(let name): filled += Printable.text(value(name))
      case .unclosed: continue
      }
    }
    return filled
  }

  /// How an attribute reads inside a sentence.
  static func words(for value: AttributeValue?, named name: String) -> String {
    switch value {
    case nil: return "unknown"
    case .text(let text): return text.isEmpty && name == "arguments" ? "no arguments" : text
    case .integer(let number): return String(number)
    case .boolean(let flag): return flag ? "true" : "false"
    case .list(let list):
      if !list.isEmpty { return list.joined(separator: ", ") }
      return name == "when" ? "its loader" : "nothing"
    }
  }
}
