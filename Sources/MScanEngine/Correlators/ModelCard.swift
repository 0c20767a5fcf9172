import MScanBytes
import MScanFacts

/// What the card of a model leaves open, together with the files beside it: the five fields by which a model can be
/// judged (licence, performance, prompt template, datasets, dependencies), each only where the way the model was made
/// asks for it.
enum ModelCard: Correlator {
  private enum Operation: String {
    case finetune, adapter, merge, quantized
  }

  /// Names of weight files, by their ending.
  private static let weights: Set<String> = [
    "safetensors", "bin", "pt", "pth", "ckpt", "gguf", "onnx", "h5", "keras", "msgpack", "tflite",
  ]

  static func isConcerned(_ buffer: FactBuffer, _ folder: ModelFolder) -> Bool {
    let name = folder.fileName.lowercased()
    return name == "readme.md" || name == "config.json" || name == "adapter_config.json"
  }

  static func correlate(_ buffer: inout FactBuffer, in folder: ModelFolder) {
    guard let anchor = buffer.facts.first(where: { $0.artifact == 0 }) else { return }
    let names = folder.names()
    let lower = Set(names.map { $0.lowercased() })
    guard folder.fileName.lowercased() == "readme.md" else {
      // The folder's first configuration speaks for a card that is not there.
      let speaks = folder.fileName == "config.json" || !lower.contains("config.json")
      if speaks, !lower.contains("readme.md") {
        state("card", "the folder has no README.md", at: anchor, in: &buffer)
      }
      return
    }
    // A README of something else is no card.
    guard
      lower.contains(where: { isWeights($0) }) || lower.contains("config.json") || lower.contains("model_index.json")
    else { return }
    let card = Card(buffer)
    guard card.exists else {
      state("metadata", "the card has no metadata between two lines of ---", at: anchor, in: &buffer)
      return
    }
    var missing: [String] = []
    var kept: [String] = []
    func settle(_ field: String, _ isThere: Bool?) {
      guard let isThere else { return }
      if isThere { kept.append(field) } else { missing.append(field) }
    }
    settle("licence", license(card, names, folder, anchor, in: &buffer))
    settle("performance", performance(card, anchor, in: &buffer))
    let operation = operation(card, lower)
    settle("template", template(card, names, lower, folder, anchor, in: &buffer))
    settle("datasets", datasets(card, operation, anchor, in: &buffer))
    settle("dependencies", dependencies(card, operation, lower, anchor, in: &buffer))
    further(card, anchor, in: &buffer)
    let detail =
      "\(kept.count) of \(kept.count + missing.count)"
      + (missing.isEmpty ? "" : ": " + missing.joined(separator: ", ") + " missing")
    state("score", detail, at: anchor, in: &buffer)
  }

  private static func state(_ name: String, _ detail: String, at fact: Fact, in buffer: inout FactBuffer) {
    buffer.emit(AnomalyFact(subject: "quality." + name, field: "README.md", detail: detail), at: fact)
  }

  private static func isWeights(_ name: String) -> Bool {
    guard let dot = name.lastIndex(of: ".") else { return false }
    return weights.contains(String(name[name.index(after: dot)...]))
  }

  // MARK: The five fields

  private static func license(
    _ card: Card, _ names: [String], _ folder: ModelFolder, _ anchor: Fact, in buffer: inout FactBuffer
  ) -> Bool {
    let file = names.first { name in
      let stem = name.lowercased().split(separator: ".").first.map(String.init) ?? ""
      return ["license", "licence", "copying", "license-model", "model_license"].contains(stem)
    }
    let stated = card.texts("license")
    guard let license = stated.first else {
      state(
        "no-license", file.map { "the card names no licence; there is \($0)" } ?? "the card names no licence",
        at: anchor, in: &buffer)
      return false
    }
    let fact = card.fact("license") ?? anchor
    if license.lowercased() == "other" {
      if card.texts("license_name").isEmpty {
        state("license-name", "license is other, and license_name is missing", at: fact, in: &buffer)
      }
      if card.texts("license_link").isEmpty {
        state("license-link", "license is other, and license_link is missing", at: fact, in: &buffer)
      }
    }
    guard let file else {
      if card.texts("license_link").isEmpty {
        state("license-file", "no text of \(license) lies beside the card", at: fact, in: &buffer)
      }
      return true
    }
    let head = folder.head(of: file, limit: 1 << 16)
    if let found = LicenseText.id(of: PlainText.plain(String(decoding: head, as: UTF8.self))),
      license.lowercased() != "other",
      !stated.contains(where: { LicenseText.isSame($0, found) })
    {
      state("license-conflict", "the card says \(license), \(file) is \(found)", at: fact, in: &buffer)
    }
    return true
  }

  private static func performance(_ card: Card, _ anchor: Fact, in buffer: inout FactBuffer) -> Bool {
    let hasResults = card.has("model-index") || card.has("eval_results")
    let bodyWords = [
      "| accuracy", "| f1", "| score", "benchmark", "mmlu", "| wer", "| bleu", "| map", "evaluation results", "| top-1",
    ]
    if hasResults || card.body.contains(where: { text in bodyWords.contains { text.contains($0) } }) { return true }
    state("no-evaluation", "neither model-index nor a table of results", at: anchor, in: &buffer)
    return false
  }

  /// Nil where no template is called for.
  private static func template(
    _ card: Card, _ names: [String], _ lower: Set<String>, _ folder: ModelFolder, _ anchor: Fact,
    in buffer: inout FactBuffer
  ) -> Bool? {
    let task = card.texts("pipeline_tag").first ?? ""
    let isGeneration = ["", "text-generation", "image-text-to-text", "any-to-any"].contains(task)
    let title = (folder.path.lastComponent.description + " " + card.texts("base_model").joined(separator: " "))
      .lowercased()
    let words = title.split { !$0.isLetter && !$0.isNumber }
    let isChat =
      words.contains { ["chat", "instruct", "it", "assistant", "dpo", "rlhf"].contains($0) }
      || card.texts("tags").contains { ["conversational", "chat", "instruct"].contains($0.lowercased()) }
    guard isGeneration, isChat else { return nil }
    if lower.contains("chat_template.jinja") || lower.contains("chat_template.json")
      || lower.contains("additional_chat_templates")
    {
      return true
    }
    for name in ["tokenizer_config.json", "processor_config.json"] where lower.contains(name) {
      let head = folder.head(of: name, limit: 4 << 20)
      if contains(head, "\"chat_template\"") { return true }
    }
    // A GGUF file has its template inside, among much else that is not read again here.
    if names.contains(where: { $0.lowercased().hasSuffix(".gguf") }) { return nil }
    if card.body.contains(where: {
      $0.contains("prompt template") || $0.contains("prompt format") || $0.contains("chat template")
    }) {
      return true
    }
    state("no-template", "a chat model without a chat template", at: anchor, in: &buffer)
    return false
  }

  private static func contains(_ bytes: [UInt8], _ word: String) -> Bool {
    let mark = Array(word.utf8)
    var at = 0
    while let found = bytes[at...].firstIndex(of: mark[0]) {
      if bytes[found...].starts(with: mark) { return true }
      at = found + 1
    }
    return false
  }

  /// Nil where the data is the parents' own.
  private static func datasets(
    _ card: Card, _ operation: Operation?, _ anchor: Fact, in buffer: inout FactBuffer
  ) -> Bool? {
    if operation == .quantized || operation == .merge { return nil }
    if card.has("datasets") || card.texts("tags").contains(where: { $0.hasPrefix("dataset:") }) { return true }
    state("no-dataset", "the card names no datasets", at: anchor, in: &buffer)
    return false
  }

  /// Nil for a model that may well be a first one.
  private static func dependencies(
    _ card: Card, _ operation: Operation?, _ lower: Set<String>, _ anchor: Fact, in buffer: inout FactBuffer
  ) -> Bool? {
    let bases = card.texts("base_model")
    if let relation = card.texts("base_model_relation").first, bases.isEmpty {
      state(
        "no-base", "base_model_relation is \(relation), and base_model is missing",
        at: card.fact("base_model_relation") ?? anchor, in: &buffer)
      return false
    }
    if bases.isEmpty {
      let derived: String? =
        switch operation {
        case .adapter: "an adapter"
        case .merge: "a merge"
        case .quantized: "quantised weights"
        case .finetune: "a fine-tuned model"
        case nil: nil
        }
      guard let derived else { return nil }
      state("no-base", "\(derived), and no base_model", at: anchor, in: &buffer)
      return false
    }
    if operation == .merge, bases.count == 1, card.texts("base_model_relation").first == "merge" {
      state("merge-of-one", "a merge, and one base_model", at: card.fact("base_model") ?? anchor, in: &buffer)
    }
    for base in bases where !isRepository(base) {
      state(
        "base-name", "'\(String(base.unicodeScalars.prefix(100)))' is no name of a repository",
        at: card.fact("base_model") ?? anchor, in: &buffer)
    }
    return true
  }

  /// `owner/name` or `name`.
  private static func isRepository(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 1 || parts.count == 2 else { return false }
    return parts.allSatisfy { $0 != "." && $0 != ".." && !$0.isEmpty && $0.utf8.allSatisfy(isNameByte) }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
    default: false
    }
  }

  private static func operation(_ card: Card, _ lower: Set<String>) -> Operation? {
    if let stated = card.texts("base_model_relation").first.flatMap({ Operation(rawValue: $0.lowercased()) }) {
      return stated
    }
    if lower.contains("adapter_config.json") { return .adapter }
    if lower.contains("mergekit_config.yml") || lower.contains("mergekit_config.yaml") { return .merge }
    if lower.contains(where: { $0.hasSuffix(".gguf") }) || lower.contains("quantize_config.json")
      || lower.contains("quant_config.json")
    {
      return .quantized
    }
    let bases = card.texts("base_model")
    return bases.count > 1 ? .merge : bases.isEmpty ? nil : .finetune
  }

  private static func further(_ card: Card, _ anchor: Fact, in buffer: inout FactBuffer) {
    if !card.has("language") { state("no-language", "the card names no language", at: anchor, in: &buffer) }
    if !card.has("pipeline_tag") { state("no-task", "the card names no pipeline_tag", at: anchor, in: &buffer) }
    if !card.has("library_name") { state("no-library", "the card names no library_name", at: anchor, in: &buffer) }
    if card.body.contains(where: { $0.contains("[more information needed]") }) {
      state("placeholder", "parts of the template are not filled in", at: anchor, in: &buffer)
    }
  }

  // MARK: The card

  /// The metadata and the prose of a card, as its reader stated them.
  private struct Card {
    private var values: [String: [(text: String, fact: Fact)]] = [:]
    private(set) var body: [String] = []

    init(_ buffer: FactBuffer) {
      for fact in buffer.facts where fact.artifact == 0 {
        guard case .value(let value) = fact.payload, value.keyPath.hasPrefix("card.") else { continue }
        let steps = value.keyPath.split(separator: ".")
        if steps.count > 2, steps[1] == "body" {
          if steps[2] == "prose", case .text(let text) = value.value { body.append(text) }
          continue
        }
        guard steps.count > 1 else { continue }
        values[String(steps[1]), default: []].append((value.rendered, fact))
      }
    }

    var exists: Bool { !values.isEmpty }

    /// A text, or the texts of a list.
    func texts(_ field: String) -> [String] {
      (values[field] ?? []).compactMap { entry in
        guard case .value(let value) = entry.fact.payload, case .text(let text) = value.value, !text.isEmpty else {
          return nil
        }
        return text
      }
    }

    func has(_ field: String) -> Bool {
      (values[field] ?? []).contains { entry in
        guard case .value(let value) = entry.fact.payload else { return false }
        switch value.value {
        case .null: return false
        case .text(let text): return !text.isEmpty
        case .object(let count), .array(let count): return count > 0
        default: return true
        }
      }
    }

    func fact(_ field: String) -> Fact? { values[field]?.first?.fact }
  }
}

extension ModelFolder {
  /// The first bytes of a file of the folder; none when it cannot be read, or is a link.
  func head(of name: String, limit: Int) -> [UInt8] {
    guard let file = try? OpenFile(path.appending(SystemPath(name)), followLinks: false) else { return [] }
    return ByteSource(file).prefix(limit)
  }
}
