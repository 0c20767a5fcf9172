import MScanBytes

/// Calls whose result is known: looking things up by name, and making texts of texts.
extension PythonResolver {
  mutating func call(_ id: NodeID) -> [PythonValue] {
    let parts = children(id)
    guard let callee = parts.first else { return [] }
    let functions = values(of: callee)
    guard !functions.isEmpty else { return [] }
    let arguments = Array(parts.dropFirst())
    var found: [PythonValue] = []
    for function in functions {
      if arguments.isEmpty, let path = function.asPath, paths.knownFunction(path) == .superObject {
        found += superObjects(at: id)
      } else {
        found += result(of: function, arguments, at: id)
      }
    }
    return found
  }

  /// What a call of something importable gives where its arguments have no part in it, as they have for all that
  /// ``result(ofPath:_:)`` knows.
  mutating func given(by path: DottedPath) -> DottedPaths.Given {
    let known = paths.given(by: path)
    if known != .unasked { return known }
    var isPlain = paths.knownFunction(path) == nil
    if isPlain, let object = paths.parent(path) {
      let name = paths.last(path)
      isPlain = name != "__getattribute__" && !(Self.tableMethods.contains(name) && isTable(.path(object)))
    }
    var found = isPlain ? DottedPaths.Given.nothing : .dependent
    if isPlain, let made = object(madeBy: path).first?.asPath { found = .object(made) }
    paths.note(found, givenBy: path)
    return found
  }

  /// The value of an argument, by position or by name.
  private mutating func argument(_ position: Int, _ name: String, _ arguments: [NodeID]) -> [PythonValue] {
    for argument in arguments where tree[argument].kind == .keyword {
      if tree.names.text(tree[argument].data) == name { return values(of: tree[argument].first) }
    }
    guard position < arguments.count, tree[arguments[position]].kind != .keyword,
      tree[arguments[position]].kind != .doubleStarred
    else { return [] }
    return values(of: arguments[position])
  }

  private mutating func result(of function: PythonValue, _ arguments: [NodeID], at id: NodeID) -> [PythonValue] {
    switch function {
    case .path(let path): return result(ofPath: path, arguments)
    case .function(let node):
      guard let scope = scopes.opened[node] else { return [] }
      // A lambda sees the names of a comprehension around it.
      if tree[node].kind == .lambda { return scopes.scopes[scope].returns.flatMap { values(of: $0) } }
      return outside { $0.results(ofScope: scope) }
    case .classDefinition(let node): return [.instance(node)]
    case .method(.dictionary(let node), let name):
      if name == "popitem" { return pairs(of: node, justValues: false) }
      if name == "items" || name == "values" { return [.list(pairs(of: node, justValues: name == "values"))] }
      guard ["get", "pop", "setdefault", "__getitem__"].contains(name) else { return [] }
      return entries(of: node, at: argument(0, "", arguments)) + argument(1, "", arguments)
    case .method(.list(let values), "pop"), .method(.list(let values), "popleft"),
      .method(.list(let values), "__next__"):
      return some(of: values.reversed())
    case .method(.namespace, let name): return entries(of: .namespace, by: name, arguments)
    case .method(let object, let name): return method(name, of: object, arguments).map { [$0] } ?? []
    case .getter(let name):
      return argument(0, "", arguments).flatMap { object -> [PythonValue] in
        var objects = [object]
        for step in name.split(separator: ".") { objects = objects.flatMap { attribute(String(step), of: $0) } }
        return objects
      }
    case .item(let key):
      return argument(0, "", arguments).flatMap { object -> [PythonValue] in
        if case .path(let path) = object { return [.path(paths.member(key, of: path))] }
        if case .dictionary(let node) = object { return entries(of: node, at: [.text(key)]) }
        guard let elements = object.elements, let at = Int(key) else { return [] }
        let place = at < 0 ? at &+ elements.count : at
        return elements.indices.contains(place) ? [elements[place]] : []
      }
    default: return []
    }
  }

  /// One list of what several hold.
  private mutating func gathered(_ values: [PythonValue]) -> [PythonValue] {
    let all = values.flatMap { value in value.elements ?? taken(from: value) }
    charge(all.count >> 4)
    return all.isEmpty || all.count > 1 << 16 ? [] : [.list(all)]
  }

  mutating func results(ofScope scope: Int) -> [PythonValue] {
    let returned = scopes.scopes[scope].returns.flatMap { values(of: $0) }
    let yielded = scopes.scopes[scope].yields.prefix(Self.valueBound)
    return yielded.isEmpty ? returned : returned + [.list(yielded.flatMap { values(of: $0) })]
  }

  private mutating func result(ofPath path: DottedPath, _ arguments: [NodeID]) -> [PythonValue] {
    guard let function = paths.knownFunction(path) else { return result(ofOther: path, arguments) }
    switch function {
    case .dunderImport, .importlibImport:
      let isWhole = !argument(3, "fromlist", arguments).isEmpty
      return modules(argument(0, "name", arguments), arguments) { name in
        isWhole ? name : String(name.prefix { $0 != "." })
      }
    case .importModule, .resolveName, .locate:
      return modules(argument(0, "name", arguments), arguments) { name in
        String(name.map { $0 == ":" ? "." : $0 })
      }
    case .getattr, .getattribute, .getattrStatic:
      let objects = argument(0, "", arguments)
      let names = argument(1, "", arguments)
      let fallback = argument(2, "", arguments)
      if names.compactMap(\.asText).allSatisfy(\.isEmpty) { return anyMember(of: objects) + fallback }
      return names.compactMap(\.asText).flatMap { name in objects.flatMap { attribute(name, of: $0) } } + fallback
    case .globals, .locals: return [.namespace]
    case .vars:
      if arguments.isEmpty { return [.namespace] }
      return argument(0, "", arguments).compactMap(\.asPath).map { .path(paths.member("__dict__", of: $0)) }
    case .attrgetter: return argument(0, "", arguments).compactMap(\.asText).map { .getter($0) }
    case .methodcaller: return argument(0, "", arguments).compactMap(\.asText).map { .caller($0) }
    case .itemgetter:
      return argument(0, "", arguments).compactMap { $0.asText ?? $0.asInteger.map { String($0) } }.map { .item($0) }
    case .partial, .partialMethod, .staticMethod, .cache, .wraps: return argument(0, "func", arguments)
    case .reduce: return reduced(arguments)
    // `super(type(os), os)` looks things up in its second.
    case .superObject: return argument(1, "", arguments)
    case .type:
      guard arguments.count == 1 else { return [] }
      return argument(0, "", arguments).compactMap { value in
        if case .instance(let node) = value { .classDefinition(node) } else { nil }
      }
    case .dict, .orderedDict, .chainMap, .mappingProxy, .simpleNamespace, .copy, .deepCopy:
      return arguments.prefix(4).flatMap { given -> [PythonValue] in
        let isSpread = tree[given].kind == .doubleStarred
        return values(of: isSpread ? tree[given].first : given).flatMap { tables(in: $0) }
      }
    // A path stays what it names; `~` as well.
    case .expandUser, .expandVariables, .absolutePath, .realPath, .fileSystemPath:
      let texts = argument(0, "", arguments).filter { $0.asText != nil }
      return texts.isEmpty ? object(madeBy: path) : texts
    case .pathJoin, .posixPathJoin:
      let parts = arguments.prefix(32).map { values(of: $0).lazy.compactMap(\.asText).first }
      guard !parts.isEmpty, !parts.contains(nil) else { return object(madeBy: path) }
      return bounded(.text(parts.compactMap(\.self).joined(separator: "/"))).map { [$0] } ?? []
    case .deque, .frozenSet, .cycle: return gathered(argument(0, "iterable", arguments))
    case .filter: return gathered(argument(1, "", arguments))
    case .chain: return gathered(arguments.prefix(16).flatMap { values(of: $0) })
    case .chainIterable: return gathered(argument(0, "", arguments).flatMap { $0.elements ?? [] })
    case .next, .max, .min:
      return argument(0, "", arguments).flatMap { value in
        taken(from: value)
      }
    default:
      let known = bounded(converted(function, arguments))
      return known.isEmpty ? object(madeBy: path) : known
    }
  }

  /// A table, or that which pairs were taken from: `dict(os.__dict__.items())`.
  private mutating func tables(in value: PythonValue) -> [PythonValue] {
    if isTable(value) { return [value] }
    if case .dictionary = value { return [value] }
    for pair in value.elements?.prefix(4) ?? [] {
      guard let path = pair.elements?.last?.asPath, paths.last(path) == "?", let module = paths.parent(path) else {
        continue
      }
      return module == builtins ? [.path(module)] : [.path(paths.member("__dict__", of: module))]
    }
    return []
  }

  /// Entries of a dictionary that is written out.
  private mutating func pairs(of node: NodeID, justValues: Bool) -> [PythonValue] {
    let parts = children(node)
    guard !parts.contains(where: { tree[$0].kind == .doubleStarred }) else { return [] }
    charge(parts.count >> 3)
    return stride(from: 0, to: min(parts.count, Self.pathBound) - 1, by: 2).flatMap { at -> [PythonValue] in
      let entries = values(of: parts[at + 1])
      if justValues { return entries.isEmpty ? [.none] : entries }
      let key = value(of: parts[at]) ?? .none
      return entries.isEmpty ? [.list([key, .none])] : entries.map { .list([key, $0]) }
    }
  }

  /// Modules by their names; one that nobody knows is `?`, unless it is of the package the code is in.
  private mutating func modules(
    _ names: [PythonValue], _ arguments: [NodeID], _ name: (String) -> String
  ) -> [PythonValue] {
    // An empty one is what the loop that puts it together starts with.
    let known = names.compactMap(\.asText).filter { !$0.isEmpty }
    if known.isEmpty, let first = arguments.first, arguments.count == 1, !isRelative(first) {
      return [.path(paths.path("?"))]
    }
    return known.map { .path(paths.path(name($0))) }
  }

  /// `f".{name}"`, `"." + name`, `__name__ + name`, `".".join((__name__, name))`.
  private func isRelative(_ name: NodeID) -> Bool {
    var at = name
    while [.binary, .formatString, .call, .attribute].contains(tree[at].kind) {
      guard let first = tree.children(of: at).first(where: { _ in true }) else { return false }
      at = first
    }
    let start = Int(tree[at].start)
    let written = tree.bytes[start..<max(start, min(Int(tree[at].end), start + 16))]
    let text = written.drop { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") || $0 == UInt8(ascii: "{") }
    return text.first == UInt8(ascii: ".")
      || ["__name__", "__package__"].contains { text.starts(with: $0.utf8) }
  }

  /// An attribute by a name that is not known.
  private mutating func anyMember(of objects: [PythonValue]) -> [PythonValue] {
    objects.compactMap(\.asPath).map { .path(paths.member("?", of: $0)) }
  }

  /// `reduce(getattr, ["path", "join"], os)`: from attribute to attribute.
  private mutating func reduced(_ arguments: [NodeID]) -> [PythonValue] {
    let isWalk = argument(0, "function", arguments).contains { function in
      function.asPath.map { paths.knownFunction($0) == .getattr } ?? false
    }
    guard isWalk else { return [] }
    var objects = argument(2, "initial", arguments)
    var steps = argument(1, "iterable", arguments).first?.elements ?? []
    if arguments.count == 2, let first = steps.first {
      objects = [first]
      steps.removeFirst()
    }
    guard !steps.isEmpty else { return anyMember(of: objects) }
    for step in steps.prefix(32) {
      guard let name = step.asText else { return anyMember(of: objects) }
      objects = objects.flatMap { attribute(name, of: $0) }
    }
    return objects
  }

  private mutating func result(ofOther path: DottedPath, _ arguments: [NodeID]) -> [PythonValue] {
    guard let object = paths.parent(path) else { return self.object(madeBy: path) }
    let name = paths.last(path)
    if isTable(.path(object)) {
      let found = entries(of: .path(object), by: name, arguments)
      if !found.isEmpty { return found }
    } else if name == "__getattribute__" {
      // Bound to its object, or of a class, with the object in front.
      let objects = arguments.count > 1 ? argument(0, "", arguments) : [.path(object)]
      let names = argument(arguments.count > 1 ? 1 : 0, "", arguments).compactMap(\.asText)
      if names.isEmpty { return anyMember(of: objects) }
      return names.flatMap { name in objects.flatMap { attribute(name, of: $0) } }
    }
    return self.object(madeBy: path)
  }

  /// What an importable thing gives when it is called, by a name that no import has: `(socket.socket)`, so that its
  /// methods are `(socket.socket).send`. One level deep; the built-in functions make nothing that matters but files.
  private mutating func object(madeBy path: DottedPath) -> [PythonValue] {
    let form = paths.form(path)
    guard paths.length(path) < 120, form.isDisjoint(with: [.result, .unknown]) else { return [] }
    if form.contains(.builtin), paths.last(path) != "open" || paths.parent(path) != builtins { return [] }
    return paths.single(paths.result(of: path))
  }

  private mutating func bounded(_ value: PythonValue?) -> [PythonValue] {
    guard let value, let small = bounded(value) as PythonValue? else { return [] }
    return [small]
  }

  // MARK: - Conversions

  private mutating func converted(_ function: KnownFunction, _ arguments: [NodeID]) -> PythonValue? {
    guard let first = argument(0, "", arguments).first else { return nil }
    switch (function, first) {
    case (.chr, .integer(let code)):
      return UInt32(exactly: code).flatMap(Unicode.Scalar.init).map { .text(String($0)) }
    case (.ord, .text(let text)):
      return text.unicodeScalars.count == 1 ? text.unicodeScalars.first.map { .integer(Int($0.value)) } : nil
    case (.int, .text(let text)):
      let radix = argument(1, "base", arguments).first?.asInteger ?? 10
      return (2...36).contains(radix) ? Int(text, radix: radix).map { .integer($0) } : nil
    case (.int, .integer), (.str, .text), (.bytes, .bytes), (.memoryview, .bytes): return first
    case (.str, .integer(let number)): return .text(String(number))
    case (.str, .bytes(let bytes)), (.codecsDecode, .bytes(let bytes)):
      return decoded(bytes, argument(1, "encoding", arguments).first?.asText ?? "")
    case (.bytes, .text(let text)), (.bytearray, .text(let text)): return .bytes(Array(text.utf8))
    case (.bytes, .list(let values)), (.bytearray, .list(let values)):
      let numbers = values.compactMap(\.asInteger).compactMap { UInt8(exactly: $0) }
      return numbers.count == values.count ? .bytes(numbers) : nil
    case (.bytearray, .bytes): return first
    case (.list, _), (.tuple, _), (.iter, _), (.set, _), (.sorted, _): return first.elements.map { .list($0) }
    case (.reversed, _): return first.elements.map { .list($0.reversed()) }
    case (.map, .path(let function)): return mapped(function, arguments)
    case (.map, .function(let function)): return mapped(function, arguments)
    case (.enumerate, _):
      return first.elements.map { .list($0.enumerated().map { .list([.integer($0), $1]) }) }
    case (.zip, _):
      let second = argument(1, "", arguments).first?.elements
      guard let a = first.elements, let b = second else { return nil }
      return .list(zip(a, b).map { .list([$0, $1]) })
    case (.bytesFromHex, .text(let text)), (.bytearrayFromHex, .text(let text)):
      return Encodings.hex(Array(text.utf8.filter { $0 > 0x20 })).map { .bytes($0) }
    case (.unhexlify, _), (.a2bHex, _), (.b16decode, _):
      return Self.raw(first).flatMap { Encodings.hex($0) }.map { .bytes($0) }
    case (.b64decode, _), (.standardB64decode, _), (.urlsafeB64decode, _), (.a2bBase64, _), (.decodebytes, _):
      return Self.raw(first).flatMap { Encodings.base64($0) }.map { .bytes($0) }
    case (.b32decode, _): return Self.raw(first).flatMap { Encodings.base32($0) }.map { .bytes($0) }
    case (.b85decode, _): return Self.raw(first).flatMap { Encodings.base85($0) }.map { .bytes($0) }
    case (.bz2Decompress, .bytes(let bytes)):
      return Encodings.decoded(bytes, .bzip2, Self.sizeBound).map { .bytes($0) }
    case (.lzmaDecompress, .bytes(let bytes)):
      return (Encodings.decoded(bytes, .xz, Self.sizeBound) ?? Encodings.decoded(bytes, .lzma, Self.sizeBound))
        .map { .bytes($0) }
    case (.zlibDecompress, .bytes(let bytes)):
      return Encodings.inflated(bytes, .zlib, Self.sizeBound).map { .bytes($0) }
    case (.gzipDecompress, .bytes(let bytes)):
      return Encodings.inflated(bytes, .gzip, Self.sizeBound).map { .bytes($0) }
    case (.codecsDecode, .text(let text)), (.codecsEncode, .text(let text)):
      return encoded(text, argument(1, "encoding", arguments).first?.asText ?? "")
    default: return nil
    }
  }

  /// `map(chr, [...])`.
  private mutating func mapped(_ path: DottedPath, _ arguments: [NodeID]) -> PythonValue? {
    let function = paths.knownFunction(path)
    guard let elements = argument(1, "", arguments).first?.elements else { return nil }
    var results: [PythonValue] = []
    for element in elements {
      switch (function, element) {
      case (.chr, .integer(let code)):
        guard let scalar = UInt32(exactly: code).flatMap(Unicode.Scalar.init) else { return nil }
        results.append(.text(String(scalar)))
      case (.str, _): results.append(.text(Self.shown(element) ?? ""))
      case (.int, .text(let text)): results.append(Int(text).map { .integer($0) } ?? .none)
      case (.ord, .text(let text)): results.append(.integer(Int(text.unicodeScalars.first?.value ?? 0)))
      default: return nil
      }
    }
    return .list(results)
  }

  /// `map(lambda c: chr(ord(c) - 1), "pt")`: a lambda of constants.
  private mutating func mapped(_ function: NodeID, _ arguments: [NodeID]) -> PythonValue? {
    guard tree[function].kind == .lambda, let elements = argument(1, "", arguments).first?.elements,
      elements.count <= 1 << 16, elements.allSatisfy({ $0.asText != nil || $0.asInteger != nil }),
      let scope = scopes.opened[function], scopes.scopes[scope].returns.count == 1,
      let list = tree.children(of: function).first(where: { tree[$0].kind == .parameters }),
      let parameter = tree.children(of: list).first(where: { _ in true })
    else { return nil }
    return each(elements, as: tree[parameter].data, giving: scopes.scopes[scope].returns[0]).map { .list($0) }
  }

  private static func raw(_ value: PythonValue) -> [UInt8]? {
    switch value {
    case .text(let text): Array(text.utf8)
    case .bytes(let bytes): bytes
    default: nil
    }
  }

  private func decoded(_ bytes: [UInt8], _ encoding: String) -> PythonValue? {
    let name = SourceCodec.normalName(encoding)
    switch name {
    case "", "utf_8", "utf8", "ascii", "us_ascii":
      return String(validating: bytes, as: UTF8.self).map { .text($0) }
    case "hex", "hex_codec": return Encodings.hex(bytes).map { .bytes($0) }
    case "base64", "base64_codec": return Encodings.base64(bytes).map { .bytes($0) }
    case "zlib", "zip", "zlib_codec": return Encodings.inflated(bytes, .zlib, Self.sizeBound).map { .bytes($0) }
    case "rot13", "rot_13": return encoded(String(decoding: bytes, as: UTF8.self), name)
    default:
      guard let text = SourceCodec.named(name)?.decode(bytes) else { return nil }
      return .text(String(decoding: text, as: UTF8.self))
    }
  }

  private func encoded(_ text: String, _ encoding: String) -> PythonValue? {
    switch SourceCodec.normalName(encoding) {
    case "rot13", "rot_13": return .text(Encodings.rot13(text))
    case "", "utf_8", "utf8", "ascii", "latin_1", "latin1": return .bytes(Array(text.utf8))
    default: return nil
    }
  }

  // MARK: - Methods of texts

  private mutating func method(_ name: String, of object: PythonValue, _ arguments: [NodeID]) -> PythonValue? {
    let first = argument(0, "", arguments).first
    switch (object, name) {
    case (.text(let text), "join"):
      guard let parts = first?.elements?.map(\.asText), !parts.contains(nil) else { return nil }
      return bounded(.text(parts.compactMap(\.self).joined(separator: text)))
    case (.bytes(let bytes), "join"):
      guard case .list(let parts)? = first else { return nil }
      let pieces = parts.compactMap { Self.raw($0) }
      return pieces.count == parts.count ? bounded(.bytes(Array(pieces.joined(separator: bytes)))) : nil
    case (.text(let text), "replace"):
      guard let old = first?.asText, let new = argument(1, "", arguments).first?.asText, !old.isEmpty else {
        return nil
      }
      return bounded(.text(text.split(separator: old, omittingEmptySubsequences: false).joined(separator: new)))
    case (.text(let text), "format"): return formatted(text, arguments)
    case (.text(let text), "lower"), (.text(let text), "casefold"): return .text(text.lowercased())
    case (.text(let text), "upper"): return .text(text.uppercased())
    case (.text(let text), "encode"): return encoded(text, first?.asText ?? "")
    case (.bytes(let bytes), "decode"): return decoded(bytes, first?.asText ?? "")
    case (.text(let text), "strip"), (.text(let text), "lstrip"), (.text(let text), "rstrip"):
      return .text(Self.stripped(text, first?.asText, name))
    case (.text(let text), "split"):
      guard let separator = first?.asText, !separator.isEmpty else {
        return .list(text.split { $0 == " " || $0.isNewline || $0 == "\t" }.map { .text(String($0)) })
      }
      return .list(text.split(separator: separator, omittingEmptySubsequences: false).map { .text(String($0)) })
    case (.bytes(let bytes), "hex"): return .text(Encodings.digits(bytes))
    case (.bytes, "tobytes"), (.bytes, "copy"): return object
    default: return nil
    }
  }

  private static func stripped(_ text: String, _ characters: String?, _ side: String) -> String {
    let unwanted = Set((characters ?? " \t\n\r\u{0b}\u{0c}").unicodeScalars)
    var scalars = text.unicodeScalars[...]
    if side != "rstrip" { scalars = scalars.drop { unwanted.contains($0) } }
    if side != "lstrip" { while let last = scalars.last, unwanted.contains(last) { scalars.removeLast() } }
    return String(scalars)
  }

  /// `"{}{0}{name}".format(…)`, without conversions and specifications.
  private mutating func formatted(_ text: String, _ arguments: [NodeID]) -> PythonValue? {
    var result = ""
    var next = 0
    var rest = text[...]
    while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      result += rest[..<open]
      let mark = rest[open]
      rest = rest[rest.index(after: open)...]
      if rest.first == mark {
        result.append(mark)
        rest.removeFirst()
        continue
      }
      guard mark == "{", let close = rest.firstIndex(of: "}") else { return nil }
      let field = String(rest[..<close])
      rest = rest[rest.index(after: close)...]
      let position = field.isEmpty ? next : Int(field) ?? arguments.count
      if field.isEmpty { next += 1 }
      guard let shown = argument(position, field, arguments).first.flatMap(Self.shown) else { return nil }
      result += shown
      guard result.utf8.count <= Self.sizeBound else { return nil }
    }
    return .text(result + rest)
  }
}
