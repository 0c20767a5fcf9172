import MScanBytes
import MScanFacts
import MScanPython

/// The modules of one folder that loading its model imports, followed from one to the next: which of their functions
/// run, when, and how the loader gets there.
///
/// Nothing only rises: a module or function that two ways lead to runs at the earlier moment. What cannot be followed
/// (a computed import, source over a limit) leaves the folder *open*: then any module of it could be imported.
struct ModelModules {
  typealias Moment = PythonModule.Moment

  private struct Member {
    var module: PythonModule
    var moment: Moment
    /// How the loader gets to the module.
    var steps: [FlowStep]
    /// Which call of which module first led to a function of this one.
    var causes: [String: Cause] = [:]
  }

  private struct Cause {
    var file: String
    var function: String
    var line: Int
    var column: Int
  }

  /// What was found out about one module, ready to be held against its facts.
  struct Result: Sendable {
    var moment: Moment
    /// By the function's name; the empty name for the module's own level.
    var moments: [String: Moment] = [:]
    var ways: [String: [FlowStep]] = [:]
    /// Importable things that a name of another module of the folder stands for.
    var translations: [String: [String]] = [:]
  }

  /// Modules that are followed. Count; 512. Their source together. Bytes; 64 MiB.
  private static let moduleBound = 512
  private static let sourceBound = 64 << 20
  /// Times that a module is gone through because more of it runs, over all modules. Count; 4,096.
  private static let followBound = 4096
  /// Names that are looked up through others. Count; 100,000.
  private static let lookUpBound = 100_000
  /// Names that stand for names. Levels; 8.
  private static let aliasBound = 8
  private static let stepBound = 16

  private let folder: SystemPath
  private let reportedPrefix: String
  private let limits: Limits
  private var members: [String: Member] = [:]
  private var queue: [String] = []
  private var follows = 0
  private var lookUps = 0
  private var sourceBytes = 0
  /// Whether more than what was followed could be imported.
  private(set) var isOpen = false

  init(_ folder: SystemPath, reportedPrefix: String, entries: [ModelEntries.Entry], limits: Limits) {
    self.folder = folder
    self.reportedPrefix = reportedPrefix
    self.limits = limits
    for entry in entries { enter(entry.file, .import, [entry.step]) }
    while let file = queue.popLast() {
      follows += 1
      guard follows <= Self.followBound, lookUps <= Self.lookUpBound else {
        isOpen = true
        return
      }
      follow(file)
    }
  }

  private mutating func again(_ file: String) {
    if !queue.contains(file) { queue.append(file) }
  }

  /// What is known of each module, by its file relative to the folder.
  mutating func results() -> [String: Result] {
    var results: [String: Result] = [:]
    for file in members.keys.sorted() { results[file] = result(of: file) }
    return results
  }

  // MARK: - Following

  private mutating func enter(_ file: String, _ moment: Moment, _ steps: [FlowStep]) {
    if let known = members[file] {
      guard known.moment < moment else { return }
      members[file]?.moment = moment
      members[file]?.steps = steps
      again(file)
      return
    }
    guard members.count < Self.moduleBound, sourceBytes <= Self.sourceBound,
      let path = ModelFiles.file(file, in: folder), let opened = try? OpenFile(path, followLinks: false)
    else {
      isOpen = true
      return
    }
    let name = Walker.lastComponent(file)
    sourceBytes += opened.size
    let module = PythonModule(ByteSource(opened), name: name, limits: limits)
    if !module.isComplete { isOpen = true }
    members[file] = Member(module: module, moment: moment, steps: steps)
    again(file)
  }

  private mutating func follow(_ file: String) {
    guard let reached = members[file]?.moment, let outgoing = members[file]?.module.outgoing() else { return }
    for call in outgoing {
      let moment = min(reached, call.moment)
      for target in call.targets {
        if call.isImport {
          followImport(of: target, from: file, call, moment)
        } else {
          followCall(of: target, from: file, call, moment)
          followLoading(by: target, from: file, call, moment)
        }
      }
    }
  }

  private mutating func followImport(
    of target: String, from file: String, _ call: PythonModule.Outgoing, _ moment: Moment
  ) {
    guard let (base, steps) = Self.location(of: target, from: file) else { return }
    for count in 0...min(steps.count, 16) {
      let part = base + steps.prefix(count)
      guard let module = part.isEmpty ? nil : ModelFiles.module(part, in: folder, below: folder) else { continue }
      guard module != file else { continue }
      let step = FlowStep(
        file: reportedPrefix + file, line: call.line, column: call.column,
        message: "imports \(target.prefix(120))")
      let before = members[file]?.steps ?? []
      enter(module, moment, Array((before + way(to: call.function, in: file) + [step]).suffix(Self.stepBound)))
    }
  }

  private mutating func followCall(
    of target: String, from file: String, _ call: PythonModule.Outgoing, _ moment: Moment
  ) {
    guard let (module, name) = defined(target, from: file, level: 0), module != file, members[module] != nil else {
      return
    }
    guard members[module]?.module.raise(name, to: moment) == true else { return }
    if members[module]?.causes[name] == nil {
      members[module]?.causes[name] = Cause(
        file: file, function: call.function, line: call.line, column: call.column)
    }
    again(module)
  }

  /// Functions that import or run what they are told the name of.
  private static let loaders: Set<String> = [
    "builtins.__import__", "importlib.import_module", "importlib.__import__", "importlib.util.spec_from_file_location",
    "importlib.machinery.SourceFileLoader", "runpy.run_path", "runpy.run_module", "builtins.exec", "builtins.execfile",
    "transformers.dynamic_module_utils.get_class_from_dynamic_module", "imp.load_source",
  ]

  /// What makes other folders, or other code, be asked for modules.
  private static let finders: Set<String> = [
    "sys.path.append", "sys.path.insert", "sys.path.extend", "sys.path.__setitem__", "site.addsitedir",
    "sys.meta_path.append", "sys.meta_path.insert", "sys.meta_path.extend", "sys.path_hooks.append",
    "sys.path_hooks.insert", "importlib.util.spec_from_loader", "importlib.machinery.FileFinder",
    "importlib.machinery.PathFinder.find_spec", "pkgutil.extend_path", "pkgutil.iter_modules",
  ]

  private mutating func followLoading(
    by target: String, from file: String, _ call: PythonModule.Outgoing, _ moment: Moment
  ) {
    if Self.finders.contains(target) { isOpen = true }
    guard Self.loaders.contains(target) else { return }
    guard let texts = call.firstTexts else {
      isOpen = true
      return
    }
    for text in texts {
      if text.hasSuffix(".py") {
        guard ModelFiles.file(text, in: folder) != nil else { continue }
        let step = FlowStep(
          file: reportedPrefix + file, line: call.line, column: call.column, message: "runs \(text.prefix(120))")
        enter(text, moment, (members[file]?.steps ?? []) + [step])
      } else {
        followImport(of: text, from: file, call, moment)
      }
    }
  }

  // MARK: - Names

  /// Where a dotted name is looked for: the folder's steps from the root, and the steps of the name.
  ///
  /// `..a.b` of `x/y/m.py` is looked for in `x`, an absolute name in the root of the folder, which loaders put on the
  /// path.
  private static func location(of target: String, from file: String) -> (base: [String], steps: [String])? {
    let dots = target.prefix { $0 == "." }.count
    let steps = target.dropFirst(dots).split(separator: ".").map(String.init)
    guard dots > 0 else { return steps.isEmpty ? nil : ([], steps) }
    var base = file.split(separator: "/").dropLast().map(String.init)
    guard base.count >= dots - 1 else { return nil }
    base.removeLast(dots - 1)
    return (base, steps)
  }

  /// The module of the folder that defines what a dotted name stands for, and its name there; through names that stand
  /// for names.
  private mutating func defined(_ target: String, from file: String, level: Int) -> (file: String, name: String)? {
    lookUps += 1
    guard level < Self.aliasBound, lookUps <= Self.lookUpBound,
      let (module, rest) = split(Self.ofClass(target), from: file), let first = rest.first
    else { return nil }
    for meaning in members[module]?.module.meanings(of: first) ?? [] {
      switch meaning {
      case .own: return (module, rest.joined(separator: "."))
      case .path(let path):
        let further = ([path] + rest.dropFirst()).joined(separator: ".")
        if let found = defined(further, from: module, level: level + 1) { return found }
      }
    }
    return nil
  }

  /// The importable things outside the folder that a dotted name stands for.
  private mutating func translated(_ target: String, from file: String, level: Int) -> [String] {
    lookUps += 1
    guard level < Self.aliasBound, lookUps <= 2 * Self.lookUpBound,
      let (module, rest) = split(Self.ofClass(target), from: file), let first = rest.first
    else { return [] }
    var found: [String] = []
    var isOwn = false
    for meaning in members[module]?.module.meanings(of: first) ?? [] {
      guard case .path(let path) = meaning else {
        isOwn = true
        continue
      }
      found += further([path] + rest.dropFirst(), in: module, level)
    }
    // `engine.run`, for an object of the module and what is set on it.
    guard isOwn, rest.count > 1 else { return found }
    for meaning in members[module]?.module.meanings(of: rest.joined(separator: ".")) ?? [] {
      if case .path(let path) = meaning { found += further([path], in: module, level) }
    }
    return found
  }

  private mutating func further(_ steps: [String], in module: String, _ level: Int) -> [String] {
    let name = steps.joined(separator: ".")
    if split(name, from: module) != nil { return translated(name, from: module, level: level + 1) }
    return name.first == "." ? [] : [name]
  }

  /// `.utils.Backend.load` for `(.utils.Backend).load`: the method of an object is that of its class.
  private static func ofClass(_ target: String) -> String {
    guard target.utf8.first == UInt8(ascii: "("), let end = target.firstIndex(of: ")") else { return target }
    return String(target[target.index(after: target.startIndex)..<end] + target[target.index(after: end)...])
  }

  /// The module of the folder that a dotted name starts with, the longest there is, and what is left of the name.
  private func split(_ target: String, from file: String) -> (file: String, rest: [String])? {
    guard let (base, steps) = Self.location(of: target, from: file) else { return nil }
    for count in stride(from: min(steps.count, 16), through: 0, by: -1) {
      let part = base + steps.prefix(count)
      guard !part.isEmpty else { continue }
      for name in [part.joined(separator: "/") + ".py", part.joined(separator: "/") + "/__init__.py"]
      where members[name] != nil && name != file {
        return (name, Array(steps.dropFirst(count)))
      }
    }
    return nil
  }

  // MARK: - Results

  private mutating func result(of file: String) -> Result? {
    guard var member = members[file] else { return nil }
    var result = Result(moment: member.moment)
    for (function, moment) in member.module.moments() { result.moments[function] = min(moment, member.moment) }
    result.ways[""] = member.steps
    for (function, moment) in result.moments where !function.isEmpty && moment > .call {
      result.ways[function] = Array((wayIn(to: function, in: file, level: 0)).suffix(Self.stepBound))
    }
    for call in member.module.outgoing() where !call.isImport {
      for target in call.targets where result.translations[target] == nil {
        let found = translated(target, from: file, level: 0)
        if !found.isEmpty { result.translations[target] = found }
      }
    }
    return result
  }

  /// Steps inside the module to a function of it.
  private mutating func way(to function: String, in file: String) -> [FlowStep] {
    function.isEmpty ? [] : (members[file]?.module.way(to: function).steps ?? []).map { named($0, file) }
  }

  private func named(_ step: FlowStep, _ file: String) -> FlowStep {
    var step = step
    step.file = reportedPrefix + file
    return step
  }

  /// Steps to a function, through the call of another module that led to it if one did.
  private mutating func wayIn(to function: String, in file: String, level: Int) -> [FlowStep] {
    guard level < Self.stepBound, let (start, steps) = members[file]?.module.way(to: function),
      let member = members[file]
    else { return [] }
    let inside = steps.map { named($0, file) }
    // A class is entered by its name, its constructor by the class's.
    let causes = [start, start.split(separator: ".").dropLast().joined(separator: ".")].lazy.compactMap {
      member.causes[$0]
    }
    guard let cause = causes.first else { return member.steps + inside }
    let step = FlowStep(
      file: reportedPrefix + cause.file, line: cause.line, column: cause.column, message: "calls \(start)")
    return wayIn(to: cause.function, in: cause.file, level: level + 1) + [step] + inside
  }
}
