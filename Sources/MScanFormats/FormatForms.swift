/// Formats that are written in another one, and that only their holder can tell apart from it.
public enum FormatForms {
  private static let forms: [String: Set<String>] = [
    TorchScriptFormat.id: ["python", "text"],
    TorchScriptBytecodeFormat.id: ["pickle"],
    SkopsFormat.id: ["json", "text"],
    // A template looks like what it makes.
    "jinja": ["json", "text", "markdown", "yaml", "html", "xml", "python"],
    "go-template": ["json", "text", "markdown", "yaml", "html", "xml", "python"],
  ]

  /// Whether `content` is what a file of `format` looks like from outside.
  public static func isForm(_ content: String, of format: String) -> Bool { forms[format]?.contains(content) ?? false }
}
