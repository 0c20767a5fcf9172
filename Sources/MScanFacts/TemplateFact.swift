/// `template`: something that a template does when it is rendered. Subjects: the category and a name, `attribute.__class__`,
/// `filter.attr`, `global.cycler`, `condition.content`; a name that could not be computed is `?`.
public struct TemplateFact: Sendable, Hashable {
  public enum Category: String, Sendable, Hashable, CaseIterable {
    /// A walk from one value to another by names; all its steps are names of one fact.
    case attribute
    case filter, test
    /// A function that is not the template's own is called, or only named.
    case call, global
    /// Something is called on a value.
    case method
    /// Another template is loaded.
    case load
    /// Text is put out, or a value set, only when something holds; the names say what is asked.
    case condition
    /// Text of the template's own: `output`, `comment`, `set`; `turn` for what goes into every turn of a conversation.
    case text
    /// An address in such a text, by its host.
    case link
    /// Characters that nobody sees: `bidi`, `zero-width`, `tag`, `control`.
    case invisible
    /// Text of a message is replaced: `content`; or a message is added: `message.user`.
    case rewrite
    /// A message is not passed on: `user`, `system`, `assistant`, `tool`; or, by their number alone, some: `history`, or a part of what they say: `content`.
    case drop
    /// What grows with a number in the template: `range`, `repeat`, `pad`, `power`.
    case size
    /// A macro that calls itself.
    case recursion
    /// What rendering made-up conversations shows: `lost.user`, `role.user`, `trigger.word`, `trigger.shape`, `trigger.date`,
    /// `trigger.random`, `added.turn`, `added.words`.
    case rendered
  }

  public var category: Category
  public var names: [String]
  /// How it is written: `dot`, `subscript`, `attr`, `format`, `map` …
  public var via: String
  /// The source, bounded.
  public var expression: String
  /// A text in its own right: what is compared with, what is put out in lower case, the whole address.
  public var value: String
  /// Text that is put out, or set, under a condition, or in place of another.
  public var injects: String
  /// Words of prose in ``injects``, or in ``value`` for a text.
  public var words: Int
  /// What is compared with or counted; of a condition on a variable, the words of the longest text in ``injects``.
  public var number: Int?
  public var flags: [String]

  public init(
    _ category: Category, _ names: [String], via: String = "", expression: String = "", value: String = "",
    injects: String = "", words: Int = 0, number: Int? = nil, flags: [String] = []
  ) {
    self.category = category
    self.names = names
    self.via = via
    self.expression = expression
    self.value = value
    self.injects = injects
    self.words = words
    self.number = number
    self.flags = flags
  }

  public static let attributes = [
    "name", "category", "via", "expression", "value", "injects", "words", "number", "flags",
  ]

  var subjects: [String] {
    let own = names.map { category.rawValue + "." + $0 }
    return own.isEmpty ? [category.rawValue] : own
  }

  func attribute(named attribute: String) -> AttributeValue? {
    switch attribute {
    case "name": .list(names)
    case "category": .text(category.rawValue)
    case "via": .text(via)
    case "expression": .text(expression)
    case "value": .text(value)
    case "injects": .text(injects)
    case "words": .integer(words)
    case "number": number.map(AttributeValue.integer)
    case "flags": .list(flags)
    default: nil
    }
  }
}
