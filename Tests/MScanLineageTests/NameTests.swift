import Testing

@testable import MScanLineage

@Suite struct NameTests {
  @Test(arguments: [
    ("model.layers.3.self_attn.q_proj.weight", 3, "attn_q", "weight"),
    ("blk.3.attn_q.weight", 3, "attn_q", "weight"),
    ("bert.encoder.layer.11.attention.self.query.bias", 11, "attn_q", "bias"),
    ("encoder.layer.0.attention.output.dense.weight", 0, "attn_output", "weight"),
    ("encoder.layer.0.output.dense.weight", 0, "ffn_down", "weight"),
    ("h.2.attn.c_attn.weight", 2, "attn_qkv", "weight"),
    ("transformer.h.2.mlp.c_proj.weight", 2, "ffn_down", "weight"),
    ("layers.5.feed_forward.w3.weight", 5, "ffn_up", "weight"),
    ("gpt_neox.layers.1.attention.query_key_value.weight", 1, "attn_qkv", "weight"),
    ("model.embed_tokens.weight", -1, "token_embd", "weight"),
    ("token_embd.weight", -1, "token_embd", "weight"),
    ("lm_head.weight", -1, "output", "weight"),
    ("output_norm.weight", -1, "output_norm", "weight"),
    ("wpe.weight", -1, "position_embd", "weight"),
    ("conv1.weight", -1, "conv1", "weight"), ("x", -1, "x", ""),
  ])
  func namesAreMadeOne(name: String, layer: Int, role: String, part: String) {
    #expect(CanonicalName.read(name).key == TensorKey(layer: layer, role: role, part: part))
  }

  @Test func stacksAreKeptApart() {
    let names = [
      "encoder.layers.0.self_attn.q_proj.weight", "encoder.layers.1.self_attn.q_proj.weight",
      "decoder.layers.0.self_attn.q_proj.weight",
    ]
    #expect(Set(CanonicalName.keys(of: names)).count == 3)
  }

  @Test(arguments: [
    ("org/name", "org/name"), ("https://huggingface.co/org/name", "org/name"),
    ("https://huggingface.co/org/name/tree/main", "org/name"), ("hf.co/org/name:Q4_K_M", "org/name"),
    (" \"org/name\" ", "org/name"), ("gpt2", "gpt2"), ("org/name+org2/lora", "org/name"), ("org/name@abc", "org/name"),
  ])
  func modelNames(text: String, name: String) { #expect(ModelName.normalised(text) == name) }

  @Test(arguments: ["./model", "/data/model", "~/x", "a/b/c", "", "..", "C:\\x", "some words here"])
  func pathsAreNoNames(text: String) { #expect(ModelName.normalised(text) == nil) }
}

@Suite struct ClaimTests {
  static func value(_ file: String, _ format: String, _ path: String, _ text: String) -> StatedValue {
    StatedValue(file: file, format: format, keyPath: path, text: text, place: "3")
  }

  static let cases: [([StatedValue], [Claim])] = [
    (
      [
        value("README.md", "markdown", "base_model", "org/base"),
        value("README.md", "markdown", "base_model_relation", "quantized"),
      ],
      [Claim(parent: "org/base", operation: .quantize, source: "README.md:3")]
    ),
    (
      [
        value("README.md", "markdown", "base_model.0", "org/a"),
        value("README.md", "markdown", "base_model.1", "org/b"),
      ],
      [Claim(parent: "org/a", source: "README.md:3"), Claim(parent: "org/b", source: "README.md:3")]
    ),
    (
      [
        value("README.md", "markdown", "tags.2", "base_model:adapter:org/base"),
        value("README.md", "markdown", "tags.3", "base_model:adapter:"),
      ],
      [Claim(parent: "org/base", operation: .adapter, source: "README.md:3")]
    ),
    (
      [value("adapter_config.json", "json", "base_model_name_or_path", "org/base")],
      [Claim(parent: "org/base", operation: .adapter, source: "adapter_config.json:3", isPinned: false)]
    ),
    ([value("config.json", "json", "_name_or_path", "/home/x/model")], []),
    ([value("config.json", "json", "_name_or_path", "org/base")], [Claim(parent: "org/base", source: "config.json:3")]),
    (
      [
        value("mergekit_config.yml", "yaml", "merge_method", "ties"),
        value("mergekit_config.yml", "yaml", "models.0.model", "org/a"),
        value("mergekit_config.yml", "yaml", "slices.0.sources.1.model", "org/b+org/lora"),
      ],
      [
        Claim(parent: "org/a", operation: .merge, source: "mergekit_config.yml:3"),
        Claim(parent: "org/b", operation: .merge, source: "mergekit_config.yml:3"),
      ]
    ),
    (
      [
        value("m.gguf", "gguf", "general.base_model.count", "1"),
        value("m.gguf", "gguf", "general.base_model.0.name", "Base 7B"),
        value("m.gguf", "gguf", "general.base_model.0.organization", "Org"),
      ],
      [Claim(parent: "Org/Base-7B", source: "m.gguf: general.base_model.0.name")]
    ),
  ]

  @Test(arguments: cases.indices) func claimsAreRead(index: Int) {
    #expect(ClaimReader.claims(in: Self.cases[index].0) == Self.cases[index].1)
  }

  @Test func proseOfGenerators() {
    let card = """
      This model is a fine-tuned version of [org/base](https://huggingface.co/org/base) on an unknown dataset.
      The following models were included in the merge:
      * [org/a](https://huggingface.co/org/a)
      * org/b

      This model was trained from scratch on
      """
    let claims = ClaimReader.claims(inCard: card, file: "README.md")
    #expect(claims.map(\.parent) == ["org/base", "org/a", "org/b"])
    #expect(
      ClaimReader.claims(inModelfile: "FROM hf.co/org/base:Q4\nFROM ./x.gguf\n", file: "Modelfile").map(\.parent) == [
        "org/base"
      ])
  }

  static func bases(_ parents: KeyValuePairs<String, [String]>) -> KnownBases {
    KnownBases(parents.map { KnownBases.Entry(name: $0.key, parents: $0.value) })
  }

  static let known = bases(["acme/base": [], "acme/chat": ["acme/base"], "other/rival": []])

  static let verdicts:
    [(claims: [String], operation: MScanLineage.Operation?, found: [String], MScanLineage.Operation, Verdict.Kind)] = [
      (["acme/base"], nil, ["acme/base"], .finetune, .consistent),
      (["acme/base"], nil, ["acme/chat"], .finetune, .consistent),
      (["acme/chat"], nil, ["acme/base"], .finetune, .consistent),
      (["ACME/Base"], .finetune, ["acme/base"], .finetune, .consistent),
      (["acme/base"], .finetune, ["acme/base"], .copy, .wrongOperation),
      (["acme/base"], .quantize, ["acme/base"], .convert, .consistent),
      (["acme/base"], .merge, ["acme/base"], .finetune, .consistent),
      (["acme/base"], nil, ["other/rival"], .finetune, .wrongBase),
      (["acme/base"], nil, ["acme/base", "other/rival"], .merge, .wrongBase),
      (["who/knows"], nil, ["other/rival"], .finetune, .unverifiable),
      (["who/knows"], nil, [], .finetune, .unverifiable),
      (["acme/base"], nil, [], .finetune, .unsupported),
      ([], nil, ["acme/base"], .finetune, .undeclared), ([], nil, [], .finetune, .none),
    ]

  @Test(arguments: verdicts.indices) func verdictsFollow(index: Int) {
    let (claims, claimed, found, operation, kind) = Self.verdicts[index]
    var origin = Origin()
    if !found.isEmpty { origin.conclusion = Conclusion(operation, bases: found, confidence: 1, evidence: []) }
    let verdict = Verdict(
      claims: claims.map { Claim(parent: $0, operation: claimed, source: "README.md:1") }, origin: origin,
      known: Self.known)
    #expect(verdict.kind == kind, "\(verdict.reason)")
  }

  @Test func cyclesOfParentsEnd() {
    #expect(Verdict.roots(of: "a/a", Self.bases(["a/a": ["b/b"], "b/b": ["a/a"]])) == ["a/a"])
  }

  /// The index answers what comparing with every name would.
  @Test func indexFindsTheSameNames() {
    let names = [
      "acme/base", "ACME/Base", "base", "BASE", "other/base", "a/b/base", "acme/", "/base", "", "/", "é/B",
      "e\u{301}/b",
    ]
    var index = ModelNameIndex()
    for (number, name) in names.enumerated() { index.add(name, number) }
    for name in names {
      let compared = names.indices.filter { ModelName.areSame(names[$0], name) }
      #expect(index.numbers(of: name).sorted() == compared, "\(name)")
    }
  }

  @Test func aKnownBaseIsTheOneWrittenExactlySo() {
    let known = KnownBases([
      .init(name: "b/base", parents: []), .init(name: "a/base", parents: ["x/y"]), .init(name: "Base", parents: []),
    ])
    #expect(known["base"]?.name == "Base")
    #expect(known["a/base"]?.parents == ["x/y"])
    #expect(known["B/BASE"]?.name == "b/base")
    #expect(known["c/other"] == nil)
  }
}
