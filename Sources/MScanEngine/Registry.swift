import MScanBytes
import MScanFacts
import MScanFormats
import MScanJinja
import MScanPython

/// The one place where the engine meets the formats: what a file is, who reads it, and what it means when nobody does.
enum Registry {
  struct Identity: Sendable {
    /// What the content is, or what the parent knows it to be read as; `unknown` when nothing fits.
    var format: String
    /// What the name claims; empty when it claims nothing.
    var claimed: String
    /// Further formats of the same bytes.
    var also: [String]
    /// Every format that a loader could take the bytes for, the likeliest first.
    var readings: [String]
    /// Whether loaders take a file of this name for a model.
    var isModelName: Bool
  }

  /// Endings whose files are unpickled whatever their first bytes are.
  private static let unpickled: Set<String> = [
    "pkl", "pickle", "joblib", "dill", "pt", "pth", "ckpt", "bin", "msc", "mdl", "skops", "cloudpickle",
  ]

  static func identify(_ source: ByteSource, name: String, hint: String?) -> Identity {
    let found = Identify.identify(source, name: name)
    let isModelName = Identify.isModelName(name)
    let content = found.format ?? "unknown"
    let format = hint ?? content
    // What only the holder knows the bytes to be, in a form that is its own: TorchScript looks like Python, a schema of
    // skops is JSON. The form is read as well, but for text, and is no second face of the file.
    let isForm = hint != nil && FormatForms.isForm(content, of: format)
    var readings = [format] + (isForm && content != "json" && isText(content) ? [] : [content]) + found.also
    // Pickles of the first protocols have no magic number, and a loader asks nobody what it unpickles.
    let isCertain =
      hasMagicNumber(content) && !(NamedFormats.isWeak(content) && Identify.mayStartPickle(source.prefix(1)))
    if isModelName, !isCertain, unpickled.contains(ending(of: name)) { readings.append("pickle") }
    // An import goes by the name alone.
    if hint == nil, found.claimed == PythonFormat.id { readings.append(PythonFormat.id) }
    var also = found.also
    if content != format, content != "unknown", !isText(content), !isForm { also.insert(content, at: 0) }
    return Identity(
      format: format, claimed: isForm && found.claimed == content ? format : found.claimed, also: also,
      readings: readings,
      isModelName: isModelName)
  }

  /// The readers of the bytes, each once.
  static func readers(for found: Identity) -> [any Format.Type] {
    var ids: [String] = []
    for id in found.readings where !ids.contains(id) { ids.append(id) }
    return ids.compactMap { reader(named: $0) }
  }

  /// The readers of `MScanFormats`, and of the targets beside it, which it does not know of.
  private static func reader(named id: String) -> (any Format.Type)? {
    switch id {
    case PythonFormat.id: PythonFormat.self
    case JinjaFormat.id: JinjaFormat.self
    case GoTemplateFormat.id: GoTemplateFormat.self
    default: FormatList.named(id)
    }
  }

  /// Whether a file of this name has to have content.
  static func needsContent(_ found: Identity) -> Bool {
    found.isModelName || found.claimed == "json" || !(found.claimed.isEmpty || isHarmless(found.claimed))
  }

  /// What to say of content that has no reader; nil when it is of a kind that holds nothing to run.
  static func whyUnread(_ found: Identity) -> String? {
    switch found.format {
    case "unknown": "the content is of no known format; find out what it is"
    case "git-lfs-pointer": "this is a pointer of Git LFS, not the file itself; fetch it with 'git lfs pull'"
    case let format where isHarmless(format) || Identify.isListedOnly(format): nil
    case let format: "this version does not read \(NamedFormats.title(of: format) ?? format + " files")"
    }
  }

  /// Whether lines and columns make sense in it.
  static func isText(_ format: String) -> Bool {
    ["json", "git-lfs-pointer", "torchscript", "xml", "protobuf-text", GoTemplateFormat.id].contains(format)
      || Identify.isTextFormat(format)
  }

  /// Whether what the text carries encoded is looked for in its bytes; readers of documents look into their strings.
  static func carriesText(_ found: Identity) -> Bool {
    isText(found.format) && !["json", "notebook", "git-lfs-pointer", "torchscript"].contains(found.format)
  }

  private static func isHarmless(_ format: String) -> Bool {
    [
      "text", "yaml", "markdown", "python", "jinja", "image", "audio", "video", "pdf", "empty", "tensor-data",
      "coreml-weights",
    ]
    .contains(format)
  }

  private static func hasMagicNumber(_ format: String) -> Bool {
    format == "git-lfs-pointer" || (format != "unknown" && !isText(format))
  }

  private static func ending(of name: String) -> String {
    guard let dot = name.lastIndex(of: ".") else { return "" }
    return name[name.index(after: dot)...].lowercased()
  }
}
