/// The names under which a callable may be denied: its own dotted path, and every path that it reaches or passes.
enum PickleSubjects {
  /// Components considered of one name. Longer names keep their head and their tail.
  private static let componentLimit = 16

  /// Subjects of a global: `module.name` in the words of Python 3; as written; and because the machine takes dotted
  /// names, each suffix of the name (`pathlib` + `os.system` is `os.system`) and each prefix (`os.system.__call__`
  /// passes `os.system`).
  static func of(module: String, name: String, path: String) -> [String] {
    var subjects = [path]
    let written = module.isEmpty ? name : module + "." + name
    if written != path { subjects.append(written) }
    let steps = name.split(separator: ".", omittingEmptySubsequences: false)
    if steps.count > 1 {
      let mappedModule = String(path.dropLast(min(path.count, name.count + 1)))
      let base = path.hasSuffix("." + name) ? mappedModule : module
      for end in stride(from: min(steps.count - 1, componentLimit), to: 0, by: -1) {
        subjects.append(base + "." + steps[..<end].joined(separator: "."))
      }
      addRuns(steps, into: &subjects)
    }
    addLast(steps, into: &subjects)
    return unique(subjects)
  }

  /// Subjects of a path that was resolved: no step of it is known to be the module, so every run of two steps and more.
  static func of(path: String) -> [String] {
    var subjects = [path]
    let steps = path.split(separator: ".", omittingEmptySubsequences: false)
    for end in stride(from: min(steps.count - 1, componentLimit), to: 1, by: -1) {
      subjects.append(steps[..<end].joined(separator: "."))
    }
    addRuns(steps, into: &subjects)
    addLast(steps, into: &subjects)
    return unique(subjects)
  }

  /// The last step alone: `system` and `__globals__` tell what they are in any module.
  private static func addLast(_ steps: [Substring], into subjects: inout [String]) {
    if let last = steps.last, !last.isEmpty { subjects.append(String(last)) }
  }

  /// Runs of at least two steps, with and without the underscore of a private module name.
  private static func addRuns(_ steps: [Substring], into subjects: inout [String]) {
    let head = steps.prefix(componentLimit)
    let runs = steps.count > componentLimit ? [Array(head), Array(steps.suffix(componentLimit))] : [Array(head)]
    for run in runs {
      for start in 0..<run.count where start + 1 < run.count {
        for end in stride(from: run.count, to: start + 1, by: -1) {
          subjects.append(run[start..<end].joined(separator: "."))
          // `random._os` is the module `os` under another name.
          if let first = run[start].first, first == "_", run[start].count > 1 {
            subjects.append(([run[start].drop { $0 == "_" }] + run[(start + 1)..<end]).joined(separator: "."))
          }
        }
      }
    }
  }

  private static func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }
}
