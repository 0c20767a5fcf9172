/// A tensor by what it does in the network, whatever the file calls it: layer, role and part.
public struct TensorKey: Sendable, Hashable, Comparable {
  /// Layer from 0; -1 for what stands outside the layers.
  public var layer: Int
  /// In the words of GGUF for the roles that are known (`attn_q`, `ffn_down`, `token_embd`), else the rest of the name.
  public var role: String
  /// `weight`, `bias`, or the last step of another name.
  public var part: String

  public init(layer: Int, role: String, part: String) {
    self.layer = layer
    self.role = role
    self.part = part
  }

  public static func < (a: TensorKey, b: TensorKey) -> Bool {
    if a.layer != b.layer { return a.layer < b.layer }
    if a.role != b.role { return a.role.utf8.lexicographicallyPrecedes(b.role.utf8) }
    return a.part.utf8.lexicographicallyPrecedes(b.part.utf8)
  }

  static let embedding = TensorKey(layer: -1, role: "token_embd", part: "weight")

  func inLayer(_ layer: Int) -> TensorKey { TensorKey(layer: layer, role: role, part: part) }
}

/// Tensor names of the schemes in use, made one. Sources: the state dicts of transformers, the tables of
/// `gguf-py/gguf/tensor_mapping.py`, the original checkpoints of Llama and GPT-2.
enum CanonicalName {
  /// What a name says: its key, and the stack of layers it belongs to (`encoder`, `decoder`, `model`).
  struct Reading {
    var key: TensorKey
    var stack: String
  }

  /// Steps behind which the number of a layer stands.
  private static let layerSteps: Set<String> = [
    "layer", "layers", "h", "block", "blocks", "blk", "resblocks", "encoder_layers", "decoder_layers",
  ]

  /// Roles by the last steps of a name inside a layer. The longest that fits wins.
  private static let roles: [String: String] = [
    "self_attn.q_proj": "attn_q", "attention.self.query": "attn_q", "attention.wq": "attn_q", "attn.q_proj": "attn_q",
    "attention.q_lin": "attn_q", "attention.attention.query": "attn_q", "attention.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "attention.self.key": "attn_k", "attention.wk": "attn_k", "attn.k_proj": "attn_k",
    "attention.k_lin": "attn_k", "attention.attention.key": "attn_k", "attention.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "attention.self.value": "attn_v", "attention.wv": "attn_v", "attn.v_proj": "attn_v",
    "attention.v_lin": "attn_v", "attention.attention.value": "attn_v", "attention.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "attention.output.dense": "attn_output", "attn.c_proj": "attn_output",
    "self_attn.out_proj": "attn_output", "attn.o_proj": "attn_output", "attention.wo": "attn_output",
    "attention.out_lin": "attn_output", "attention.dense": "attn_output", "self_attn.dense": "attn_output",
    "self_attention.dense": "attn_output", "attn.out_proj": "attn_output",
    "attn.c_attn": "attn_qkv", "self_attn.qkv_proj": "attn_qkv", "attention.query_key_value": "attn_qkv",
    "self_attention.query_key_value": "attn_qkv", "attn.Wqkv": "attn_qkv",
    "mlp.gate_proj": "ffn_gate", "feed_forward.w1": "ffn_gate",
    "mlp.up_proj": "ffn_up", "intermediate.dense": "ffn_up", "mlp.c_fc": "ffn_up", "feed_forward.w3": "ffn_up",
    "mlp.dense_h_to_4h": "ffn_up", "ffn.lin1": "ffn_up", "mlp.fc1": "ffn_up", "mlp.gate_up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "mlp.c_proj": "ffn_down", "output.dense": "ffn_down", "feed_forward.w2": "ffn_down",
    "mlp.dense_4h_to_h": "ffn_down", "ffn.lin2": "ffn_down", "mlp.fc2": "ffn_down",
    "input_layernorm": "attn_norm", "ln_1": "attn_norm", "attention_norm": "attn_norm",
    "post_attention_layernorm": "ffn_norm", "ln_2": "ffn_norm", "ffn_norm": "ffn_norm",
    "attention.output.LayerNorm": "attn_output_norm", "sa_layer_norm": "attn_output_norm",
    "output.LayerNorm": "layer_output_norm", "output_layer_norm": "layer_output_norm",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
  ]

  /// Roles outside the layers, by the last steps of a name.
  private static let topRoles: [String: String] = [
    "embed_tokens": "token_embd", "word_embeddings": "token_embd", "wte": "token_embd", "tok_embeddings": "token_embd",
    "embed_in": "token_embd", "wpe": "position_embd", "position_embeddings": "position_embd",
    "token_type_embeddings": "token_types", "lm_head": "output", "embed_out": "output", "ln_f": "output_norm",
    "norm": "output_norm", "final_layernorm": "output_norm", "embeddings.LayerNorm": "token_embd_norm",
    "pooler.dense": "pooler",
  ]

  static func read(_ name: String) -> Reading {
    let steps = name.split(separator: ".", omittingEmptySubsequences: false)
    guard let part = steps.last, steps.count > 1 else {
      return Reading(key: TensorKey(layer: -1, role: name, part: ""), stack: "")
    }
    let stem = steps.dropLast()
    var at = stem.startIndex
    while at < stem.endIndex {
      let next = at + 1
      if next < stem.endIndex, layerSteps.contains(String(stem[at])), let layer = number(stem[next]) {
        let rest = stem[(next + 1)...]
        if !rest.isEmpty {
          return Reading(
            key: TensorKey(
              layer: layer, role: role(rest, in: roles) ?? rest.joined(separator: "."), part: String(part)),
            stack: stem[..<at].joined(separator: "."))
        }
      }
      at = next
    }
    return Reading(
      key: TensorKey(layer: -1, role: role(stem, in: topRoles) ?? stem.joined(separator: "."), part: String(part)),
      stack: "")
  }

  /// The role that the last one to three steps spell.
  private static func role(_ steps: ArraySlice<Substring>, in table: [String: String]) -> String? {
    for count in [3, 2, 1] where steps.count >= count {
      if let found = table[steps.suffix(count).joined(separator: ".")] { return found }
    }
    return nil
  }

  /// A layer's number: up to five digits.
  private static func number(_ text: Substring) -> Int? {
    guard !text.isEmpty, text.utf8.count <= 5, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
  }

  /// Whether the role is one of those that the table of names outside the layers gives.
  static func isTopRole(_ role: String) -> Bool { topRoles.values.contains(role) }

  /// The keys of all names of one model. Where it has several stacks of layers (an encoder and a decoder), the roles of
  /// all but the largest carry the stack's name, so that no two tensors share a key.
  static func keys(of names: [String]) -> [TensorKey] {
    let readings = names.map { read($0) }
    var counts: [String: Int] = [:]
    for reading in readings where reading.key.layer >= 0 { counts[reading.stack, default: 0] += 1 }
    guard counts.count > 1 else { return readings.map(\.key) }
    let main = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? ""
    return readings.map { reading in
      guard reading.key.layer >= 0, reading.stack != main else { return reading.key }
      var key = reading.key
      key.role = reading.stack + "/" + key.role
      return key
    }
  }
}
