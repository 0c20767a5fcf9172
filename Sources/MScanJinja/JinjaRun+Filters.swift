extension JinjaRun {
  // MARK: Methods

  /// A method of a text or a dict; nil for what is looked up as a field and called.
  mutating func method(_ name: String, of value: RenderValue, _ call: JinjaNode) throws(Stop) -> RenderValue? {
    switch value {
    case .text(let text): return try method(name, text, try arguments(call).given)
    case .dict(let pairs):
      let given = try arguments(call).given
      switch name {
      case "items": return .list(pairs.map { .list([.text($0.key), $0.value]) })
      case "keys": return .list(pairs.map { .text($0.key) })
      case "values": return .list(pairs.map(\.value))
      case "get":
        let key = given.first?.written() ?? ""
        return pairs.first { $0.key == key }?.value ?? (given.count > 1 ? given[1] : .none)
      default: return nil
      }
    case .list(let items):
      switch name {
      case "index", "count":
        guard let item = try arguments(call).given.first else { throw .unknown }
        let places = items.indices.filter { RenderValue.areEqual(items[$0], item) }
        if name == "count" { return .integer(places.count) }
        guard let first = places.first else { throw .unknown }
        return .integer(first)
      // The renderer forbids what changes a list.
      default: throw .unknown
      }
    case .loop(let box):
      guard name == "cycle" else { throw .unknown }
      let given = try arguments(call).given
      guard let at = box.fields["index0"]?.integer, !given.isEmpty else { throw .unknown }
      return given[at % given.count]
    default: return nil
    }
  }

  private mutating func method(_ name: String, _ text: String, _ given: [RenderValue]) throws(Stop) -> RenderValue {
    try spend(1 + text.utf8.count / 16)
    let first = given.first?.text
    switch name {
    case "strip": return .text(Self.stripped(text, first, true, true))
    case "lstrip": return .text(Self.stripped(text, first, true, false))
    case "rstrip": return .text(Self.stripped(text, first, false, true))
    case "lower", "casefold": return .text(text.lowercased())
    case "upper": return .text(text.uppercased())
    case "title": return .text(Self.titled(text))
    case "capitalize": return .text(Self.capitalised(text))
    case "startswith", "endswith":
      var options = [first].compactMap { $0 }
      if case .list(let items)? = given.first { options = items.compactMap(\.text) }
      guard !options.isEmpty else { throw .unknown }
      return .bool(options.contains { name == "startswith" ? Self.starts(text, $0) : Self.ends(text, $0) })
    case "removeprefix":
      guard let first else { throw .unknown }
      return .text(
        Self.starts(text, first) ? String(decoding: text.utf8.dropFirst(first.utf8.count), as: UTF8.self) : text)
    case "removesuffix":
      guard let first else { throw .unknown }
      return .text(
        Self.ends(text, first) ? String(decoding: text.utf8.dropLast(first.utf8.count), as: UTF8.self) : text)
    case "replace":
      guard given.count >= 2, let old = first, let new = given[1].text else { throw .unknown }
      return try replaced(text, old, new)
    case "split", "rsplit":
      return try split(text, first, given.count > 1 ? given[1].integer : nil, last: name == "rsplit")
    case "splitlines": return .list(text.parts(between: "\n").map { .text($0) })
    case "join":
      guard let value = given.first else { throw .unknown }
      return try joined(try elements(of: value), text)
    case "find":
      guard let first else { throw .unknown }
      guard let range = text.range(ofPart: first) else { return .integer(-1) }
      return .integer(text[..<range.lowerBound].unicodeScalars.count)
    case "count":
      guard let first, !first.isEmpty else { throw .unknown }
      return .integer(text.parts(between: first).count - 1)
    case "format":
      // Fields are not filled in here, but one that is wide fills memory.
      guard !Self.hasWideField(text) else { throw .tooLarge }
      throw .unknown
    case "center", "ljust", "rjust", "zfill":
      guard let width = given.first?.integer else { throw .unknown }
      return try padded(text, width, name)
    case "isdigit", "isnumeric", "isdecimal": return .bool(!text.isEmpty && text.allSatisfy(\.isNumber))
    case "isascii": return .bool(text.utf8.allSatisfy { $0 < 0x80 })
    case "isalpha": return .bool(!text.isEmpty && text.allSatisfy(\.isLetter))
    case "isalnum": return .bool(!text.isEmpty && text.allSatisfy { $0.isLetter || $0.isNumber })
    case "isupper": return .bool(text.contains(where: \.isUppercase) && !text.contains(where: \.isLowercase))
    case "islower": return .bool(text.contains(where: \.isLowercase) && !text.contains(where: \.isUppercase))
    case "isspace": return .bool(!text.isEmpty && text.allSatisfy(\.isWhitespace))
    default: throw .unknown
    }
  }

  /// Whether a number of six digits or more stands behind a colon: `{:>999999999}`.
  private static func hasWideField(_ text: String) -> Bool {
    var digits = 0
    for byte in text.utf8 {
      digits = (0x30...0x39).contains(byte) ? digits + 1 : 0
      if digits > 5 { return true }
    }
    return false
  }

  private mutating func padded(_ text: String, _ width: Int, _ side: String) throws(Stop) -> RenderValue {
    let length = text.unicodeScalars.count
    guard width > length else { return .text(text) }
    let missing = width - length
    guard missing <= Self.textLimit else { throw .tooLarge }
    try spend(1 + missing / 32)
    func blank(_ count: Int) -> String { String(repeating: side == "zfill" ? "0" : " ", count: count) }
    switch side {
    case "ljust": return .text(text + blank(missing))
    case "center":
      // The odd one is on the left when the width is odd.
      let left = missing / 2 + (missing & width & 1)
      return .text(blank(left) + text + blank(missing - left))
    default: return .text(blank(missing) + text)
    }
  }

  static func starts(_ text: String, _ part: String) -> Bool { text.utf8.starts(with: part.utf8) }
  static func ends(_ text: String, _ part: String) -> Bool { text.utf8.reversed().starts(with: part.utf8.reversed()) }

  static func stripped(_ text: String, _ set: String?, _ start: Bool, _ end: Bool) -> String {
    let wanted = set.map { Set($0.unicodeScalars) }
    func isOut(_ scalar: Unicode.Scalar) -> Bool { wanted?.contains(scalar) ?? scalar.properties.isWhitespace }
    var scalars = Substring(text).unicodeScalars
    while start, let first = scalars.first, isOut(first) { scalars.removeFirst() }
    while end, let last = scalars.last, isOut(last) { scalars.removeLast() }
    return String(scalars)
  }

  static func capitalised(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst().lowercased() }

  static func titled(_ text: String) -> String {
    text.split(separator: " ", omittingEmptySubsequences: false).map { capitalised(String($0)) }.joined(separator: " ")
  }

  mutating func replaced(_ text: String, _ old: String, _ new: String) throws(Stop) -> RenderValue {
    guard !old.isEmpty else { throw .unknown }
    let parts = text.parts(between: old)
    try spend(1 + parts.count)
    guard text.utf8.count + parts.count * new.utf8.count <= Self.textLimit else { throw .tooLarge }
    return .text(parts.joined(separator: new))
  }

  private func split(_ text: String, _ separator: String?, _ most: Int?, last: Bool) throws(Stop) -> RenderValue {
    guard let separator else { return .list(text.split(whereSeparator: \.isWhitespace).map { .text(String($0)) }) }
    guard !separator.isEmpty else { throw .unknown }
    var parts = text.parts(between: separator)
    if let most, most >= 0, parts.count > most + 1 {
      parts =
        last
        ? [parts.prefix(parts.count - most).joined(separator: separator)] + parts.suffix(most)
        : Array(parts.prefix(most)) + [parts.dropFirst(most).joined(separator: separator)]
    }
    return .list(parts.map { .text($0) })
  }

  func joined(_ items: [RenderValue], _ separator: String) throws(Stop) -> RenderValue {
    let texts = items.map { $0.written() }
    let size = texts.reduce(0) { $0 + $1.utf8.count } + texts.count * separator.utf8.count
    guard size <= Self.textLimit else { throw .tooLarge }
    return .text(texts.joined(separator: separator))
  }

  /// `%s`, `%d`, `%c` and `%%` of Python, without widths.
  func formatted(_ format: String, _ values: [RenderValue]) throws(Stop) -> RenderValue {
    var values = values[...]
    if case .list(let items)? = values.first, values.count == 1 { values = items[...] }
    var out = ""
    var isCode = false
    var width = ""
    for scalar in format.unicodeScalars {
      if !isCode {
        if scalar == "%" { isCode = true } else { out.unicodeScalars.append(scalar) }
        continue
      }
      isCode = false
      if scalar == "%" {
        out += "%"
        continue
      }
      if scalar == "*" {
        // A width that is given.
        guard let number = values.popFirst()?.integer, number.magnitude < 100_000 else { throw .tooLarge }
        isCode = true
        continue
      }
      if ("0"..."9").contains(scalar) || scalar == "-" || scalar == "." {
        // A width; a long one is a way to fill memory.
        isCode = true
        width += String(scalar)
        if width.utf8.count > 6 { throw .tooLarge }
        continue
      }
      width = ""
      guard let value = values.popFirst() else { throw .unknown }
      switch scalar {
      case "s", "d", "i", "r": out += value.written()
      case "c":
        guard let code = value.integer, let number = UInt32(exactly: code), let letter = Unicode.Scalar(number) else {
          throw .unknown
        }
        out.unicodeScalars.append(letter)
      default: throw .unknown
      }
    }
    return try text(out)
  }

  // MARK: Filters

  mutating func filter(_ step: JinjaNode, _ value: RenderValue) throws(Stop) -> RenderValue {
    let (given, named) = try arguments(step)
    func argument(_ place: Int, _ name: String) -> RenderValue? {
      place < given.count ? given[place] : named.first { $0.0 == name }?.1
    }
    switch step.text {
    case "trim": return .text(Self.stripped(value.written(), argument(0, "chars")?.text, true, true))
    case "tojson", "string", "safe", "e", "escape", "forceescape":
      switch step.text {
      case "tojson": return try text(value.json())
      case "safe", "string": return .text(value.written())
      default:
        var out = value.written()
        for (old, new) in [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&#34;"), ("'", "&#39;")] {
          out = out.parts(between: old).joined(separator: new)
        }
        return try text(out)
      }
    case "length", "count":
      switch value {
      case .text(let text): return .integer(text.unicodeScalars.count)
      case .undefined: return .integer(0)
      default: return .integer(try elements(of: value).count)
      }
    case "striptags", "urlize":
      let written = value.written()
      try spend(1 + written.utf8.count / 16)
      return try text(step.text == "urlize" ? Self.linked(written) : Self.withoutTags(written))
    case "center":
      return try padded(value.written(), argument(0, "width")?.integer ?? 80, "center")
    case "batch", "slice":
      return try parted(value, step.text == "batch", argument(0, "")?.integer, argument(1, "fill_with"))
    case "groupby":
      guard let key = argument(0, "attribute")?.text else { throw .unknown }
      return try grouped(value, key)
    case "default", "d":
      let isMissing: Bool
      if case .undefined = value {
        isMissing = true
      } else {
        isMissing = (argument(1, "boolean")?.isTrue ?? false) && !value.isTrue
      }
      return isMissing ? argument(0, "default_value") ?? .text("") : value
    case "join":
      var items = try elements(of: value)
      if let name = argument(1, "attribute")?.text { items = items.map { member(name, of: $0) } }
      return try joined(items, argument(0, "d")?.text ?? "")
    case "first": return try elements(of: value).first ?? .undefined
    case "last": return try elements(of: value).last ?? .undefined
    case "list": return .list(try elements(of: value))
    case "upper": return .text(value.written().uppercased())
    case "lower": return .text(value.written().lowercased())
    case "title": return .text(Self.titled(value.written()))
    case "capitalize": return .text(Self.capitalised(value.written()))
    case "replace":
      guard let old = argument(0, "old")?.text, let new = argument(1, "new")?.text else { throw .unknown }
      return try replaced(value.written(), old, new)
    case "reverse":
      if case .text(let text) = value { return .text(String(String.UnicodeScalarView(text.unicodeScalars.reversed()))) }
      return .list(try elements(of: value).reversed())
    case "int":
      if let number = value.number { return .integer(Int(exactly: number.rounded(.towardZero)) ?? 0) }
      return .integer(Int(Self.stripped(value.written(), nil, true, true)) ?? argument(0, "default")?.integer ?? 0)
    case "float": return .double(value.number ?? Double(value.written()) ?? 0)
    case "abs": return value.integer.map { .integer($0 == .min ? .max : abs($0)) } ?? value
    case "format": return try formatted(value.written(), given)
    case "wordcount": return .integer(value.written().split(whereSeparator: \.isWhitespace).count)
    case "items":
      guard case .dict(let pairs) = value else { throw .unknown }
      return .list(pairs.map { .list([.text($0.key), $0.value]) })
    case "dictsort":
      guard case .dict(let pairs) = value else { throw .unknown }
      return .list(pairs.sorted { $0.key < $1.key }.map { .list([.text($0.key), $0.value]) })
    case "truncate":
      let length = argument(0, "length")?.integer ?? 255
      let scalars = value.written().unicodeScalars
      guard length >= 0, scalars.count > length else { return value }
      return .text(String(String.UnicodeScalarView(scalars.prefix(length))) + "...")
    case "indent":
      let width = argument(0, "width")?.integer ?? 4
      guard (0...64).contains(width) else { throw .unknown }
      return try text(
        value.written().parts(between: "\n").joined(separator: "\n" + String(repeating: " ", count: width)))
    case "random":
      let items = try elements(of: value)
      return items.isEmpty ? .undefined : pick == 0 ? items[0] : items[items.count - 1]
    case "unique":
      let key = argument(1, "attribute")?.text
      var kept: [RenderValue] = []
      var known: [RenderValue] = []
      for item in try elements(of: value).prefix(256) {
        let own = try compared(item, by: key)
        try spend(known.count * (1 + (own.text?.utf8.count ?? 0) / 256))
        guard !known.contains(where: { RenderValue.areEqual($0, own) }) else { continue }
        known.append(own)
        kept.append(item)
      }
      return .list(kept)
    case "sort":
      let key = argument(2, "attribute")?.text
      let isReversed = argument(0, "reverse")?.isTrue ?? false
      let items = try elements(of: value)
      try spend(items.count * 4)
      var keyed: [(place: Int, key: RenderValue)] = []
      for (place, item) in items.enumerated() { keyed.append((place, try compared(item, by: key))) }
      keyed.sort { a, b in
        let order = RenderValue.order(a.key, b.key) ?? 0
        return order == 0 ? a.place < b.place : (order < 0) != isReversed
      }
      return .list(keyed.map { items[$0.place] })
    case "sum": return .integer(try elements(of: value).reduce(0) { $0 &+ ($1.integer ?? 0) })
    case "min": return try elements(of: value).min { (RenderValue.order($0, $1) ?? 0) < 0 } ?? .undefined
    case "max": return try elements(of: value).max { (RenderValue.order($0, $1) ?? 0) < 0 } ?? .undefined
    case "map": return try map(value, given, named)
    case "select", "reject", "selectattr", "rejectattr": return try select(step.text, value, given)
    case "attr": return member(given.first?.text ?? "", of: value)
    default: throw .unknown
    }
  }

  private mutating func map(
    _ value: RenderValue, _ given: [RenderValue], _ named: [(String, RenderValue)]
  ) throws(Stop) -> RenderValue {
    let items = try elements(of: value)
    if let name = named.first(where: { $0.0 == "attribute" })?.1.text {
      let standard = named.first { $0.0 == "default" }?.1
      return .list(
        items.map { item in
          let found = member(name, of: item)
          if case .undefined = found, let standard { return standard }
          return found
        })
    }
    guard let name = given.first?.text else { throw .unknown }
    var mapped: [RenderValue] = []
    for item in items { mapped.append(try apply(name, item, Array(given.dropFirst()))) }
    return .list(mapped)
  }

  /// A filter by its name, with arguments that are at hand.
  private mutating func apply(_ name: String, _ value: RenderValue, _ given: [RenderValue]) throws(Stop) -> RenderValue
  {
    switch (name, given.count) {
    case ("replace", 2): return try replaced(value.written(), given[0].written(), given[1].written())
    case (_, 0): return try filter(JinjaNode(kind: .filter, start: 0, end: 0, text: name), value)
    default: throw .unknown
    }
  }

  /// Without elements and comments of a page, and with single blanks.
  private static func withoutTags(_ text: String) -> String {
    var out = ""
    var isTag = false
    for character in text {
      if character == "<" { isTag = true }
      if !isTag { out.append(character) }
      if character == ">" { isTag = false }
    }
    return out.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// With addresses as links, about as Jinja2 writes them.
  private static func linked(_ text: String) -> String {
    text.split(separator: " ", omittingEmptySubsequences: false).map { word in
      let isAddress = ["http://", "https://", "www.", "mailto:"].contains { word.hasPrefix($0) }
      return isAddress ? "<a href=\"\(word)\" rel=\"noopener\">\(word)</a>" : String(word)
    }.joined(separator: " ")
  }

  /// What an element is sorted by: an attribute of it where one is named, texts without their case.
  private mutating func compared(_ item: RenderValue, by key: String?) throws(Stop) -> RenderValue {
    var own = item
    for part in (key ?? "").split(separator: ".") { own = member(String(part), of: own) }
    try spend(1 + (own.text?.utf8.count ?? 0) / 16)
    return own.text.map { .text($0.lowercased()) } ?? own
  }

  /// Lists of `count` elements, or `count` lists, with what fills up the last.
  private mutating func parted(_ value: RenderValue, _ isBatch: Bool, _ count: Int?, _ fill: RenderValue?)
    throws(Stop) -> RenderValue
  {
    let items = try elements(of: value)
    guard let count, count > 0 else { throw .unknown }
    guard count < 100_000 else { throw .tooLarge }
    try spend(count)
    guard !isBatch else {
      var rows = stride(from: 0, to: items.count, by: count).map { Array(items[$0..<min($0 + count, items.count)]) }
      if let fill, let last = rows.last, last.count < count {
        rows[rows.count - 1] += Array(repeating: fill, count: count - last.count)
      }
      return .list(rows.map { .list($0) })
    }
    var rows: [RenderValue] = []
    var at = 0
    for number in 0..<count {
      let size = items.count / count + (number < items.count % count ? 1 : 0)
      var row = Array(items[at..<at + size])
      at += size
      if let fill, number >= items.count % count, items.count % count > 0 { row.append(fill) }
      rows.append(.list(row))
    }
    return .list(rows)
  }

  /// Pairs of what an attribute is and the elements with it, in its order.
  private mutating func grouped(_ value: RenderValue, _ key: String) throws(Stop) -> RenderValue {
    let items = try elements(of: value)
    try spend(items.count * 8)
    var groups: [(key: RenderValue, items: [RenderValue])] = []
    for item in items {
      var own = item
      for part in key.split(separator: ".") { own = member(String(part), of: own) }
      try spend(groups.count * (1 + (own.text?.utf8.count ?? 0) / 256))
      if let place = groups.firstIndex(where: { RenderValue.areEqual($0.key, own) }) {
        groups[place].items.append(item)
      } else {
        groups.append((own, [item]))
      }
    }
    groups.sort { (RenderValue.order($0.key, $1.key) ?? 0) < 0 }
    return .list(groups.map { .list([$0.key, .list($0.items)]) })
  }

  private mutating func select(_ name: String, _ value: RenderValue, _ given: [RenderValue]) throws(Stop) -> RenderValue
  {
    let isByAttribute = name.hasSuffix("attr")
    let keeps = name.hasPrefix("select")
    var kept: [RenderValue] = []
    for item in try elements(of: value) {
      try spend()
      var subject = item
      var rest = given[...]
      if isByAttribute {
        guard let key = rest.popFirst()?.text else { throw .unknown }
        for part in key.split(separator: ".") { subject = member(String(part), of: subject) }
      }
      let answer: Bool
      if let testName = rest.popFirst()?.text {
        answer = try test(testName, subject, Array(rest))
      } else {
        answer = subject.isTrue
      }
      if answer == keeps { kept.append(item) }
    }
    return .list(kept)
  }

  // MARK: Tests

  mutating func test(_ step: JinjaNode, _ value: RenderValue) throws(Stop) -> Bool {
    try test(step.text, value, try arguments(step).given)
  }

  mutating func test(_ name: String, _ value: RenderValue, _ given: [RenderValue]) throws(Stop) -> Bool {
    switch (name, value) {
    case ("defined", .undefined): return false
    case ("defined", _): return true
    case ("undefined", .undefined): return true
    case ("undefined", _): return false
    case ("none", .none): return true
    case ("none", _): return false
    case ("string", .text): return true
    case ("string", _): return false
    case ("mapping", .dict): return true
    case ("mapping", _): return false
    case ("sequence", .list), ("sequence", .text), ("sequence", .dict), ("iterable", .list), ("iterable", .text),
      ("iterable", .dict):
      return true
    case ("sequence", _), ("iterable", _): return false
    case ("boolean", .bool): return true
    case ("boolean", _): return false
    case ("true", .bool(let flag)): return flag
    case ("false", .bool(let flag)): return !flag
    case ("true", _), ("false", _): return false
    case ("number", .integer), ("number", .double), ("integer", .integer), ("float", .double): return true
    case ("number", _), ("integer", _), ("float", _): return false
    case ("odd", _): return (value.integer ?? 0) % 2 != 0
    case ("even", _): return (value.integer ?? 1) % 2 == 0
    case ("upper", .text(let text)): return text == text.uppercased() && text != text.lowercased()
    case ("lower", .text(let text)): return text == text.lowercased() && text != text.uppercased()
    case ("callable", .macro), ("callable", .function): return true
    case ("callable", _): return false
    case ("divisibleby", _):
      guard let number = value.integer, let by = given.first?.integer, by != 0 else { throw .unknown }
      return number % by == 0
    case ("in", _):
      guard let container = given.first else { throw .unknown }
      return try holds(container, value)
    case ("equalto", _), ("eq", _), ("==", _), ("sameas", _):
      guard let other = given.first else { throw .unknown }
      return RenderValue.areEqual(value, other)
    case ("ne", _), ("!=", _):
      guard let other = given.first else { throw .unknown }
      return !RenderValue.areEqual(value, other)
    case ("gt", _), ("lt", _), ("ge", _), ("le", _), (">", _), ("<", _), (">=", _), ("<=", _), ("greaterthan", _),
      ("lessthan", _):
      guard let other = given.first, let order = RenderValue.order(value, other) else { throw .unknown }
      switch name {
      case "gt", ">", "greaterthan": return order > 0
      case "lt", "<", "lessthan": return order < 0
      case "ge", ">=": return order >= 0
      default: return order <= 0
      }
    default: throw .unknown
    }
  }
}
