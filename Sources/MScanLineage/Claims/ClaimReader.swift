/// Reads what the files of a model's folder say about its parents. Sources: the hub's page on model cards, the writers of
/// peft, mergekit, gguf-py and transformers, whose fields are named below.
public enum ClaimReader {
  /// Keys that documents have to state for this.
  public static let keys: Set<String> = [
    "base_model", "base_models", "base_model_relation", "finetuned_from", "tags", "license", "_name_or_path",
    "base_model_name_or_path", "merge_method", "models", "slices", "general", "model_type", "head_count",
    "head_count_kv", "name_or_path", "ss_sd_model_name", "modelspec.merged_from", "model_name_or_path",
    "quantization_config", "revision", "peft_type", "__metadata__",
  ]

  private static let relations: [String: Operation] = [
    "finetune": .finetune, "adapter": .adapter, "merge": .merge, "quantized": .quantize, "quantize": .quantize,
  ]

  /// The claims of one folder's values, in the order of their files.
  public static func claims(in values: [StatedValue]) -> [Claim] {
    var claims: [Claim] = []
    for file in ordered(values.map(\.file)) {
      let own = values.filter { $0.file == file }
      guard let format = own.first?.format else { continue }
      switch (file.lowercased(), format) {
      case ("readme.md", _), (_, "markdown"): claims += card(own)
      case ("adapter_config.json", _): claims += adapter(own)
      case (_, "gguf"): claims += gguf(own)
      case (_, "safetensors"): claims += safetensors(own)
      case (_, "json"): claims += json(own)
      case (_, "yaml"): claims += yaml(own)
      default: break
      }
    }
    return claims
  }

  /// Each once, in the order of their first.
  private static func ordered(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  private static func claim(_ value: StatedValue, _ operation: Operation? = nil, isOfWeights: Bool = true) -> Claim? {
    ModelName.normalised(value.text).map {
      Claim(parent: $0, operation: operation, source: value.source, isOfWeights: isOfWeights)
    }
  }

  // MARK: Cards

  private static func card(_ values: [StatedValue]) -> [Claim] {
    let relation = values.first { $0.keyPath == "base_model_relation" }.flatMap { relations[$0.text.lowercased()] }
    var claims: [Claim] = []
    for value in values {
      switch value.keyPath {
      case "base_model", "finetuned_from", "base_models": claims += [claim(value, relation)].compactMap { $0 }
      case let path where path.hasPrefix("base_model.") || path.hasPrefix("base_models."):
        claims += [claim(value, relation)].compactMap { $0 }
      case let path where path.hasPrefix("tags."):
        guard value.text.hasPrefix("base_model:") else { continue }
        let parts = value.text.split(separator: ":", omittingEmptySubsequences: false)
        let operation = parts.count == 3 ? relations[String(parts[1])] : nil
        guard parts.count == 2 || operation != nil, let name = parts.last, !name.isEmpty else { continue }
        claims += [claim(StatedValue(value, text: String(name)), operation)].compactMap { $0 }
      default: break
      }
    }
    return claims
  }

  /// What generators write into a card's prose, line by line: the trainer of transformers, mergekit, unsloth, the hub's
  /// own template.
  public static func claims(inCard text: String, file: String) -> [Claim] {
    var claims: [Claim] = []
    var isMergeList = false
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let source = "\(file):\(index + 1)"
      func add(_ name: Substring, _ operation: Operation?) {
        guard let parent = ModelName.normalised(linked(name)) else { return }
        claims.append(Claim(parent: parent, operation: operation, source: source))
      }
      for (mark, operation) in sentences {
        if let range = String(line).range(ofText: mark) {
          let rest = String(line)[range.upperBound...]
          // The trainer says "fine-tuned" of whatever it trained.
          add(rest.prefix { $0 != " " || rest.hasPrefix("[") }, operation)
        }
      }
      if line.hasPrefix("The following models were included in the merge") {
        isMergeList = true
      } else if isMergeList {
        if let item = listItem(line) {
          add(item, .merge)
        } else if !line.allSatisfy(\.isWhitespace) {
          isMergeList = false
        }
      }
    }
    return claims
  }

  private static let sentences: [(String, Operation?)] = [
    ("This model is a fine-tuned version of ", nil), ("Finetuned from model :** ", nil),
    ("Finetuned from model [optional]:** ", nil), ("Finetuned from model:** ", nil),
    ("Quantized version of ", .quantize), ("quantized version of ", .quantize),
  ]

  /// `* [org/name](…)` or `- org/name`.
  private static func listItem(_ line: Substring) -> Substring? {
    let text = line.drop { $0 == " " }
    guard text.hasPrefix("* ") || text.hasPrefix("- ") else { return nil }
    return text.dropFirst(2)
  }

  /// The text of a link in Markdown, or the word itself.
  private static func linked(_ text: Substring) -> String {
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      return String(text[text.index(after: text.startIndex)..<end])
    }
    return String(text.prefix { !$0.isWhitespace && $0 != "," && $0 != ")" })
  }

  /// A Modelfile's FROM and ADAPTER.
  public static func claims(inModelfile text: String, file: String) -> [Claim] {
    text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count == 2, words[0].lowercased() == "from", let parent = ModelName.normalised(String(words[1])),
        !parent.lowercased().hasSuffix(".gguf"), !parent.lowercased().hasSuffix(".safetensors")
      else { return nil }
      return Claim(parent: parent, source: "\(file):\(index + 1)")
    }
  }

  // MARK: Configurations

  private static func json(_ values: [StatedValue]) -> [Claim] {
    values.compactMap { value in
      switch (value.file, value.keyPath) {
      case ("config.json", "_name_or_path"), ("model_index.json", "_name_or_path"): claim(value)
      case ("tokenizer_config.json", "name_or_path"): claim(value, isOfWeights: false)
      default: nil
      }
    }
  }

  private static func adapter(_ values: [StatedValue]) -> [Claim] {
    let revision = values.first { $0.keyPath == "revision" }?.text ?? ""
    let isPinned = revision.utf8.count >= 40 && revision.utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
    return values.compactMap { value in
      guard value.keyPath == "base_model_name_or_path", var found = claim(value, .adapter) else { return nil }
      found.isPinned = isPinned
      return found
    }
  }

  /// A merge's recipe (`merge_method`), or a trainer's settings.
  private static func yaml(_ values: [StatedValue]) -> [Claim] {
    let isMerge = values.contains { $0.keyPath == "merge_method" }
    return values.compactMap { value in
      if isMerge {
        let steps = value.keyPath.split(separator: ".")
        guard value.keyPath == "base_model" || (steps.last == "model" && ["models", "slices"].contains(steps[0])) else {
          return nil
        }
        return claim(value, .merge)
      }
      return ["base_model", "model_name_or_path"].contains(value.keyPath) ? claim(value) : nil
    }
  }

  /// `general.base_model.<n>.{repo_url,organization,name}` and `general.source.{repo_url,url}`.
  private static func gguf(_ values: [StatedValue]) -> [Claim] {
    let byPath = Dictionary(values.map { ($0.keyPath, $0) }) { first, _ in first }
    var claims: [Claim] = []
    let count = min(64, byPath["general.base_model.count"].flatMap { Int($0.text) } ?? 0)
    for index in 0..<max(0, count) {
      let stem = "general.base_model.\(index)."
      if let address = byPath[stem + "repo_url"] ?? byPath[stem + "url"], let found = claim(address) {
        claims.append(found)
      } else if let name = byPath[stem + "name"] {
        let plain = name.text.split(separator: " ").joined(separator: "-")
        let full = byPath[stem + "organization"].map {
          $0.text.split(separator: " ").joined(separator: "-") + "/" + plain
        }
        if let found = claim(StatedValue(name, text: full ?? plain)) { claims.append(found) }
      }
    }
    for key in ["general.source.repo_url", "general.source.url", "general.source.huggingface.repository"] {
      if let value = byPath[key], let found = claim(value) { claims.append(found) }
    }
    return claims
  }

  private static func safetensors(_ values: [StatedValue]) -> [Claim] {
    values.compactMap { value in
      switch value.keyPath {
      case "__metadata__.ss_sd_model_name", "__metadata__.base_model", "__metadata__.base_model_name_or_path":
        let name = value.text.dropping(suffix: ".safetensors") ?? value.text.dropping(suffix: ".ckpt") ?? value.text
        return claim(StatedValue(value, text: name), isOfWeights: value.keyPath != "__metadata__.ss_sd_model_name")
      default: return nil
      }
    }
  }
}

extension StatedValue {
  /// The same place with another text.
  fileprivate init(_ other: StatedValue, text: String) {
    self = other
    self.text = text
  }
}
