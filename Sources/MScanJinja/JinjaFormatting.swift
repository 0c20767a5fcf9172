/// Filters and methods of texts and lists, on values that are known. Source: `jinja2/filters.py`, Python's `str`.
enum JinjaFormatting {
  typealias Value = JinjaMeaning.Value
  typealias Possible = JinjaMeaning.Possible

  // MARK: Items

  static func item(_ whole: Value, _ key: Value) -> Value? {
    switch (whole, key) {
    case (.dict(let pairs), _):
      guard let name = key.text else { return nil }
      return pairs.last { $0.key == name }?.value
    case (.list(let items), .number(let place)):
      let index = place < 0 ? items.count + place : place
      return items.indices.contains(index) ? items[index] : nil
    case (.text(let text), .number(let place)):
      let scalars = Array(text.unicodeScalars)
      let index = place < 0 ? scalars.count + place : place
      return scalars.indices.contains(index) ? .text(String(scalars[index])) : nil
    default: return nil
    }
  }

  /// `[start:stop:step]` as Python counts it; nil for what has no slices.
  static func slice(_ whole: Value, _ bounds: [Value?]) -> Value? {
    func number(_ place: Int) -> Int? {
      guard bounds.indices.contains(place), case .number(let value)? = bounds[place] else { return nil }
      return value
    }
    func indices(_ count: Int) -> [Int] {
      let step = number(2) ?? 1
      guard step != 0, step.magnitude <= 1 << 20 else { return [] }
      func place(_ value: Int) -> Int { value < 0 ? max(-1, count + max(value, -count - 1)) : min(value, count) }
      var at = number(0).map(place) ?? (step > 0 ? 0 : count - 1)
      let stop = number(1).map(place) ?? (step > 0 ? count : -1)
      if step < 0 { at = min(at, count - 1) }
      at = max(at, step > 0 ? 0 : -1)
      var found: [Int] = []
      while step > 0 ? at < stop : at > stop {
        if at >= 0, at < count { found.append(at) }
        at += step
      }
      return found
    }
    switch whole {
    case .text(let text):
      let scalars = Array(text.unicodeScalars)
      var view = String.UnicodeScalarView()
      for index in indices(scalars.count) { view.append(scalars[index]) }
      return .text(String(view))
    case .list(let items): return .list(indices(items.count).map { items[$0] })
    default: return nil
    }
  }

  // MARK: Filters and methods

  static func filter(_ name: String, _ whole: Possible, _ arguments: [Possible]) -> Possible? {
    switch name {
    case "string", "safe", "escape", "e", "forceescape", "striptags", "d", "default", "list", "tojson":
      if name == "list" { return whole.mapping(listed) }
      var found = whole
      if name == "d" || name == "default", let other = arguments.first {
        found.values += other.values
        found.isOpen = found.isOpen || other.isOpen
      }
      return found
    case "trim": return strip(whole, arguments, front: true, back: true)
    case "reverse": return whole.mapping { reversed($0) }
    case "first": return whole.mapping { item(listed($0) ?? $0, .number(0)) }
    case "last", "random": return whole.mapping { item(listed($0) ?? $0, .number(-1)) }
    case "int":
      return whole.mapping { value in
        if case .number = value { return value }
        return value.text.flatMap { Int($0) }.map { .number($0) }
      }
    case "join": return join(whole, separator: arguments.first)
    case "format": return format(whole, arguments) { percent($0, $1) }
    case "urlencode", "indent", "wordwrap", "truncate", "sort", "unique", "map", "batch": return whole.opened
    case "lower", "upper", "title", "capitalize", "replace": return method(name, whole, arguments)
    default: return nil
    }
  }

  static func method(_ name: String, _ whole: Possible, _ arguments: [Possible]) -> Possible? {
    switch name {
    case "lower", "casefold": return whole.mappingTexts { $0.lowercased() }
    case "upper": return whole.mappingTexts { $0.uppercased() }
    case "swapcase":
      return whole.mappingTexts { text in
        text.map { $0.isLowercase ? $0.uppercased() : $0.lowercased() }.joined()
      }
    case "title", "capitalize":
      return whole.mappingTexts { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }
    case "strip": return strip(whole, arguments, front: true, back: true)
    case "lstrip": return strip(whole, arguments, front: true, back: false)
    case "rstrip": return strip(whole, arguments, front: false, back: true)
    case "replace":
      guard arguments.count >= 2 else { return nil }
      var found = Possible(isOpen: whole.isOpen || arguments[0].isOpen || arguments[1].isOpen)
      for text in whole.texts {
        for old in arguments[0].texts {
          for new in arguments[1].texts where found.values.count < JinjaMeaning.width {
            found.values.append(.text(JinjaMeaning.cut(replace(text, old, new))))
          }
        }
      }
      return found
    case "join": return arguments.first.map { join($0, separator: whole) } ?? nil
    case "format": return format(whole, arguments) { braces($0, $1) }
    case "split", "rsplit":
      let separator = arguments.first?.texts.first
      return whole.mapping { value in
        guard let text = value.text else { return nil }
        return .list(split(text, separator).prefix(256).map { .text($0) })
      }
    case "get":
      guard let key = arguments.first?.values.first else { return nil }
      var found = whole.mapping { item($0, key) } ?? .unknown
      if arguments.count > 1 { found.values += arguments[1].values }
      return found
    case "keys": return whole
    case "values", "items":
      return whole.mapping { value in
        guard case .dict(let pairs) = value else { return nil }
        return .list(pairs.map { name == "items" ? .list([.text($0.key), $0.value]) : $0.value })
      }
    default: return nil
    }
  }

  private static func strip(_ whole: Possible, _ arguments: [Possible], front: Bool, back: Bool) -> Possible? {
    let set = arguments.first?.texts.first.map { Set($0.unicodeScalars) }
    return whole.mappingTexts { text in
      func isCut(_ scalar: Unicode.Scalar) -> Bool { set?.contains(scalar) ?? scalar.properties.isWhitespace }
      var scalars = text.unicodeScalars[...]
      while front, let first = scalars.first, isCut(first) { scalars.removeFirst() }
      while back, let last = scalars.last, isCut(last) { scalars.removeLast() }
      return String(scalars)
    }
  }

  private static func reversed(_ value: Value) -> Value? {
    switch value {
    case .text(let text):
      var view = String.UnicodeScalarView()
      view.append(contentsOf: text.unicodeScalars.reversed())
      return .text(String(view))
    case .list(let items): return .list(items.reversed())
    default: return nil
    }
  }

  private static func listed(_ value: Value) -> Value? {
    switch value {
    case .dict(let pairs): .list(pairs.map { .text($0.key) })
    case .text(let text): .list(text.unicodeScalars.prefix(256).map { .text(String($0)) })
    case .list: value
    default: nil
    }
  }

  private static func join(_ whole: Possible, separator: Possible?) -> Possible? {
    let between = separator.map { $0.texts.first ?? "" } ?? ""
    var found = Possible(isOpen: whole.isOpen || separator?.isOpen ?? false)
    for value in whole.values {
      switch value {
      case .list(let items):
        found.values.append(.text(JinjaMeaning.cut(items.compactMap(\.text).joined(separator: between))))
      case .dict(let pairs):
        found.values.append(.text(JinjaMeaning.cut(pairs.map(\.key).joined(separator: between))))
      case .text(let text):
        let parts = text.unicodeScalars.map { String($0) }
        found.values.append(.text(JinjaMeaning.cut(parts.joined(separator: between))))
      default: found.isOpen = true
      }
    }
    return found
  }

  static func replace(_ text: String, _ old: String, _ new: String) -> String {
    guard !old.isEmpty else { return text }
    return split(text, old).joined(separator: new)
  }

  private static func split(_ text: String, _ separator: String?) -> [String] {
    guard let separator, !separator.isEmpty else { return text.split(whereSeparator: \.isWhitespace).map(String.init) }
    let (bytes, mark) = (Array(text.utf8), Array(separator.utf8))
    var parts: [String] = []
    var (start, at) = (0, 0)
    while at + mark.count <= bytes.count {
      if bytes[at] == mark[0], bytes[at...].starts(with: mark) {
        parts.append(String(decoding: bytes[start..<at], as: UTF8.self))
        at += mark.count
        start = at
      } else {
        at += 1
      }
    }
    parts.append(String(decoding: bytes[start...], as: UTF8.self))
    return parts
  }

  // MARK: Formats

  private static func format(
    _ whole: Possible, _ arguments: [Possible], _ apply: (String, [Value]) -> String?
  ) -> Possible? {
    let given = arguments.map { $0.values.first ?? .text("") }
    var found = Possible(isOpen: whole.isOpen || arguments.contains { $0.isOpen || $0.values.count != 1 })
    for text in whole.texts {
      if let filled = apply(text, given) {
        found.values.append(.text(JinjaMeaning.cut(filled)))
      } else {
        found.isOpen = true
      }
    }
    return found
  }

  /// `%s`, `%c`, `%d`, `%x`, `%(name)s` in order; nil when something else stands there.
  static func percent(_ text: String, _ values: [Value]) -> String? {
    var values = values
    if values.count == 1, case .list(let items) = values[0] { values = items }
    var result = ""
    var next = 0
    let scalars = Array(text.unicodeScalars)
    var at = 0
    while at < scalars.count {
      guard scalars[at] == "%", at + 1 < scalars.count else {
        result.unicodeScalars.append(scalars[at])
        at += 1
        continue
      }
      at += 1
      if scalars[at] == "%" {
        result += "%"
        at += 1
        continue
      }
      if scalars[at] == "(" { while at < scalars.count, scalars[at] != ")" { at += 1 }; at += 1 }
      while at < scalars.count, "0123456789.-+# ".unicodeScalars.contains(scalars[at]) { at += 1 }
      guard at < scalars.count, values.indices.contains(next) else { return nil }
      guard let piece = converted(values[next], by: scalars[at]) else { return nil }
      result += piece
      next += 1
      at += 1
    }
    return result
  }

  private static func converted(_ value: Value, by letter: Unicode.Scalar) -> String? {
    switch (letter, value) {
    case ("c", .number(let number)):
      return UInt32(exactly: number).flatMap { Unicode.Scalar($0) }.map { String($0) }
    case ("x", .number(let number)): return String(number, radix: 16)
    case ("o", .number(let number)): return String(number, radix: 8)
    case ("s", _), ("d", _), ("i", _), ("r", _), ("c", _): return value.text
    default: return nil
    }
  }

  /// `{}`, `{0}`, `{0:c}`; nil when something else stands there.
  static func braces(_ text: String, _ values: [Value]) -> String? {
    var result = ""
    var next = 0
    let scalars = Array(text.unicodeScalars)
    var at = 0
    while at < scalars.count {
      let scalar = scalars[at]
      let isDouble = at + 1 < scalars.count && scalars[at + 1] == scalar
      guard scalar == "{" || scalar == "}", !isDouble else {
        result.unicodeScalars.append(scalar)
        at += isDouble && (scalar == "{" || scalar == "}") ? 2 : 1
        continue
      }
      guard scalar == "{", let close = scalars[at...].firstIndex(of: "}") else { return nil }
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars[(at + 1)..<close])
      let parts = String(view).split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let field = parts.first.map(String.init) ?? ""
      guard let place = field.isEmpty ? next : Int(field), values.indices.contains(place) else { return nil }
      let kind = parts.count > 1 ? parts[1].unicodeScalars.last : nil
      guard let piece = kind == "c" ? converted(values[place], by: "c") : values[place].text else { return nil }
      result += piece
      next += 1
      at = close + 1
    }
    return result
  }

  /// The names that the fields of a format walk to: `{0.__class__[x]}`.
  static func fieldSteps(_ text: String) -> [[String]] {
    var found: [[String]] = []
    var rest = text.unicodeScalars[...]
    while let open = rest.firstIndex(of: "{"), found.count < 64 {
      rest = rest[rest.index(after: open)...]
      guard let close = rest.firstIndex(where: { $0 == "}" || $0 == "{" || $0 == "!" || $0 == ":" }) else { break }
      let field = String(rest[..<close])
      let steps = field.split { $0 == "." || $0 == "[" || $0 == "]" }.map(String.init)
      if steps.count > 1 || field.hasPrefix(".") || field.hasPrefix("[") {
        found.append(Array(field.hasPrefix(".") || field.hasPrefix("[") ? steps[...] : steps.dropFirst()))
      }
    }
    return found
  }
}

extension JinjaMeaning.Possible {
  /// Each value changed; nil when none could be.
  func mapping(_ change: (JinjaMeaning.Value) -> JinjaMeaning.Value?) -> Self? {
    let changed = values.compactMap(change)
    guard !changed.isEmpty else { return nil }
    return Self(values: changed, isOpen: isOpen || changed.count < values.count)
  }

  func mappingTexts(_ change: (String) -> String) -> Self? {
    mapping { value in value.text.map { .text(change($0)) } }
  }

  var opened: Self { Self(values: values, isOpen: true) }
}
