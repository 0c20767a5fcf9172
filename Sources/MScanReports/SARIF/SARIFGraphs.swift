import MScanFacts

/// `run.graphs`: where the models come from, one graph of what they say and one of what their weights say. Source:
/// SARIF 2.1.0, 3.39 to 3.41.
enum SARIFGraphs {
  /// Edges of one graph; a viewer shows fewer.
  private static let limit = 5000

  private struct Edge {
    var parent: String
    var child: String
    var label: String
  }

  static func write(_ lineage: LineageReport, to json: inout JSONWriter) {
    let declared = lineage.declared.prefix(limit).map {
      Edge(parent: $0.parent, child: $0.child, label: $0.operation.isEmpty ? "derived" : $0.operation)
    }
    let inferred = lineage.inferred.prefix(limit).map {
      Edge(parent: $0.parent, child: $0.child, label: $0.operation)
    }
    let graphs = [("What the models say they are made from", declared), ("What their weights say", inferred)]
      .filter { !$0.1.isEmpty }
    guard !graphs.isEmpty else { return }
    json.list("graphs", graphs) { json, graph in
      json.object { json in
        json.object("description") { $0.member("text", graph.0) }
        var nodes: [String] = []
        var seen: Set<String> = []
        for edge in graph.1 { nodes += [edge.parent, edge.child].filter { seen.insert($0).inserted } }
        json.list("nodes", nodes) { json, node in
          json.object { json in
            json.member("id", node)
            json.object("label") { $0.member("text", node) }
          }
        }
        var ids: Set<[String]> = []
        let distinct = graph.1.filter { ids.insert([$0.parent, $0.child, $0.label]).inserted }
        json.list("edges", distinct.enumerated()) { json, edge in
          json.object { json in
            json.member("id", "e\(edge.offset)")
            json.object("label") { $0.member("text", edge.element.label) }
            json.member("sourceNodeId", edge.element.parent)
            json.member("targetNodeId", edge.element.child)
          }
        }
      }
    }
  }
}
