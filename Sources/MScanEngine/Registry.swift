import MScanBytes
import MScanFormats

/// The one place where the engine meets the list of formats.
enum Registry {
  struct Identity: Sendable {
    var format: String
    var claimed: String
    var also: [String]
    /// What the parent knows the child to be read as.
    var hint: String?
  }

  static func identify(_ source: ByteSource, name: String, hint: String?) -> Identity {
    Identity(format: source.count == 0 ? "empty" : "unknown", claimed: "", also: [], hint: hint)
  }

  static func readers(for found: Identity) -> [any Format.Type] { [] }

  static func needsContent(_ found: Identity) -> Bool { !found.claimed.isEmpty }

  static func whyUnread(_ found: Identity) -> String? { "the content is not understood" }

  static func isText(_ format: String) -> Bool { false }
}
