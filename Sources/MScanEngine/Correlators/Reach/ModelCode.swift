import MScanBytes
import MScanFacts
import MScanPython
import Synchronization

/// What loading the models of a scan imports, folder by folder, found out when the first Python file of a folder is read
/// and kept for the others.
final class ModelCode: Sendable {
  /// What loading a model of one folder imports.
  struct Reach: Sendable {
    /// By file, relative to the folder.
    var modules: [String: ModelModules.Result]
    /// Whether more could be imported than was followed.
    var isOpen: Bool
  }

  /// Answers of one folder, worked out by whoever asks first.
  private final class Once: Sendable {
    let value = Mutex<Reach??>(nil)
  }

  /// Folders above a file that are asked. Count; 6.
  private static let levels = 6

  private let limits: Limits
  private let folders = Mutex<[SystemPath: Once]>([:])

  init(limits: Limits) { self.limits = limits }

  enum Answer {
    /// No configuration near the file names any module.
    case unknown
    case notReached
    case reached(ModelModules.Result)
  }

  /// How loading gets to a Python file: asked of its folder and of those above it, as far up as the scan goes.
  ///
  /// - Parameters:
  ///   - reported: the file's path from where the scan starts, with `/`.
  ///   - folder: the folder it was found in.
  func answer(for reported: String, in folder: SystemPath) -> Answer {
    let steps = reported.split(separator: "/").map(String.init)
    guard let name = steps.last else { return .unknown }
    var at = folder
    var below: [String] = [name]
    var hasModel = false
    for level in 0..<min(Self.levels, steps.count) {
      if level > 0 {
        below.insert(steps[steps.count - 1 - level], at: 0)
        at = at.parent
      }
      let prefix = steps.dropLast(level + 1).map { $0 + "/" }.joined()
      guard let reach = reach(of: at, reportedPrefix: prefix) else { continue }
      hasModel = true
      if let result = reach.modules[below.joined(separator: "/")] { return .reached(result) }
      if reach.isOpen { return .unknown }
    }
    return hasModel ? .notReached : .unknown
  }

  /// Whether loading gets to a Python file, so that other modules say what its names stand for.
  func isReached(_ reported: String, in folder: SystemPath) -> Bool {
    if case .reached = answer(for: reported, in: folder) { return true }
    return false
  }

  /// Nil when no configuration of the folder names a module of it.
  private func reach(of folder: SystemPath, reportedPrefix: String) -> Reach? {
    let once = folders.withLock { folders in
      if let known = folders[folder] { return known }
      let new = Once()
      folders[folder] = new
      return new
    }
    return once.value.withLock { value in
      if let known = value { return known }
      let found = compute(folder, reportedPrefix)
      value = .some(found)
      return found
    }
  }

  private func compute(_ folder: SystemPath, _ reportedPrefix: String) -> Reach? {
    let entries = ModelEntries(folder, reportedPrefix: reportedPrefix, limits: limits).configured
    guard !entries.isEmpty else { return nil }
    let byName = ModelEntries.byName(in: folder, reportedPrefix: reportedPrefix)
    var modules = ModelModules(
      folder, reportedPrefix: reportedPrefix, entries: entries + byName, limits: limits)
    return Reach(modules: modules.results(), isOpen: modules.isOpen)
  }
}

/// Says of each call in a Python file whether loading the model gets to it, when, and on which way.
enum CodeReach {
  /// In place of a moment, for code that nothing imports.
  static let notReached = "not reached"
  /// Beside the moment of functions that nothing seen calls, in modules that loading imports.
  static let loaded = "loaded"

  static func apply(to buffer: inout FactBuffer, _ target: Target, _ code: ModelCode) {
    guard buffer.facts.contains(where: { isCode($0.payload) }) else { return }
    switch code.answer(for: target.reported, in: target.folder) {
    case .unknown:
      // What is imported for its name is there once it is, whoever calls its functions.
      guard ModelEntries.isImportedByName(target.path.lastComponent.description) else { return }
      buffer.revise { fact in
        guard fact.artifact == 0, case .callable(var callable) = fact.payload, callable.isInSource,
          callable.when == PythonModule.Moment.call.list
        else { return }
        callable.when.append(loaded)
        fact.payload = .callable(callable)
      }
    case .notReached:
      buffer.revise { fact in
        switch fact.payload {
        case .callable(var callable) where callable.isInSource:
          callable.when = [notReached]
          callable.flow = []
          fact.payload = .callable(callable)
        case .text(var text) where !text.when.isEmpty:
          text.when = [notReached]
          fact.payload = .text(text)
        default: break
        }
      }
    case .reached(let result):
      buffer.revise { fact in
        // What a constant of the module holds runs when its text does, which is said of the call.
        guard fact.artifact == 0 else { return }
        switch fact.payload {
        case .callable(var callable) where callable.isInSource:
          revise(&callable, result)
          fact.payload = .callable(callable)
        case .text(var text) where text.when == [PythonModule.Moment.import.text]:
          text.when = [result.moment.text]
          fact.payload = .text(text)
        default: break
        }
      }
    }
  }

  private static func isCode(_ payload: Fact.Payload) -> Bool {
    switch payload {
    case .callable(let callable): callable.isInSource
    case .text: true
    default: false
    }
  }

  private static func revise(_ callable: inout CallableFact, _ result: ModelModules.Result) {
    let own = callable.when.first.flatMap(PythonModule.Moment.init) ?? .call
    let moment = min(result.moment, max(own, result.moments[callable.function] ?? own))
    // Of a function that nothing seen calls, all that is known is that it is there once the model is.
    callable.when = moment == .call ? [moment.text, loaded] : [moment.text]
    if moment > .call, let way = result.ways[callable.function] ?? result.ways[""] { callable.flow = way }
    for subject in callable.subjects {
      for path in result.translations[subject] ?? [] where !callable.subjects.contains(path) {
        callable.subjects.append(path)
      }
    }
  }
}
