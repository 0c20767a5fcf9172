import MScanFacts

/// `invocations` and the descriptors of their notifications: what was not read, and what was left out.
struct SARIFNotifications {
  struct Note {
    var id: String
    var level: String
    var text: String
    /// Row in `artifacts`.
    var artifact: Int?
  }

  /// Sorted, without duplicates.
  let ids: [String]
  private let notes: [Note]
  private let isComplete: Bool

  static let tooMany = "too-many-results"

  /// - Parameter limit: notes kept.
  init(_ report: ScanReport, leftOut: Int, kept: Int, limit: Int, artifacts: inout SARIFArtifacts) {
    var notes: [Note] = []
    if leftOut > 0 {
      notes.append(
        Note(
          id: Self.tooMany, level: "warning",
          text: "The \(kept) most severe results are here and \(leftOut) more are not; --format json has all."))
    }
    for unread in report.unread.prefix(limit) {
      let place = Prose.place(of: unread)
      let text = Prose.reason(of: unread) + (place.isEmpty ? "" : " (\(place))")
      // The standard: a notification of level error says that the run failed, and with this one it has.
      notes.append(
        Note(
          id: Plain.text(unread.reason, limit: 80), level: "error", text: SARIFResults.message(text),
          artifact: artifacts.file(unread.file)))
    }
    if report.unread.count > limit {
      notes.append(
        Note(
          id: Self.tooMany, level: "warning",
          text: "\(report.unread.count - limit) more places were not read; --format json has all."))
    }
    self.notes = notes
    ids = Set(notes.map(\.id)).sorted()
    isComplete = report.unread.isEmpty
  }

  func writeDescriptors(to json: inout JSONWriter) {
    guard !ids.isEmpty else { return }
    json.list("notifications", ids) { json, id in
      json.object { json in
        json.member("id", id)
        json.object("shortDescription") { json in
          json.member("text", id == Self.tooMany ? "Results were left out" : "Something was not read: \(id)")
        }
        json.object("defaultConfiguration") { $0.member("level", id == Self.tooMany ? "warning" : "error") }
      }
    }
  }

  func writeInvocation(_ artifacts: SARIFArtifacts, to json: inout JSONWriter) {
    json.member("executionSuccessful", isComplete)
    json.list("toolExecutionNotifications", notes) { json, note in
      json.object { json in
        json.object("descriptor") { json in
          json.member("id", note.id)
          if let index = ids.firstIndex(of: note.id) { json.member("index", index) }
        }
        json.member("level", note.level)
        json.object("message") { $0.member("text", note.text) }
        guard let row = note.artifact else { return }
        json.list("locations", [row]) { json, row in
          json.object { json in
            json.object("physicalLocation") { artifacts.location(of: row, to: &$0) }
          }
        }
      }
    }
  }
}
