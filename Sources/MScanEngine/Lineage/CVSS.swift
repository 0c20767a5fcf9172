/// The base score of a CVSS vector. Source: the specification of CVSS 3.1, section 7.1.
///
/// A vector of version 4 is scored by the same formula, with its metrics put in the place of those they came from: the
/// scores of version 4 itself are a table that experts ranked. It is an estimate, within a point of the table for the
/// vectors that matter here.
enum CVSS {
  private static let weights: [String: [String: Double]] = [
    "AV": ["N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2], "AC": ["L": 0.77, "H": 0.44],
    "UI": ["N": 0.85, "R": 0.62], "C": ["H": 0.56, "L": 0.22, "N": 0], "I": ["H": 0.56, "L": 0.22, "N": 0],
    "A": ["H": 0.56, "L": 0.22, "N": 0],
  ]

  /// Nil for what is no such vector.
  static func baseScore(_ vector: String) -> Double? {
    var metrics: [String: String] = [:]
    for part in vector.split(separator: "/") {
      let pair = part.split(separator: ":")
      if pair.count == 2 { metrics[String(pair[0])] = String(pair[1]) }
    }
    switch metrics["CVSS"]?.first {
    case "3": return score(metrics)
    case "4": return score(older(metrics))
    default: return nil
    }
  }

  /// Metrics of version 4 in the words of version 3.
  private static func older(_ metrics: [String: String]) -> [String: String] {
    var older = metrics
    for (new, old) in [("VC", "C"), ("VI", "I"), ("VA", "A")] { older[old] = metrics[new] }
    if metrics["AT"] == "P" { older["AC"] = "H" }
    if metrics["UI"] == "P" || metrics["UI"] == "A" { older["UI"] = "R" }
    let reachesOthers = ["SC", "SI", "SA"].contains { metrics[$0].map { $0 != "N" } ?? false }
    older["S"] = reachesOthers ? "C" : "U"
    return older
  }

  private static func score(_ metrics: [String: String]) -> Double? {
    func weight(_ name: String) -> Double? { metrics[name].flatMap { weights[name]?[$0] } }
    let isChanged = metrics["S"] == "C"
    let privileges = metrics["PR"].flatMap {
      ["N": 0.85, "L": isChanged ? 0.68 : 0.62, "H": isChanged ? 0.5 : 0.27][$0]
    }
    guard let av = weight("AV"), let ac = weight("AC"), let ui = weight("UI"), let pr = privileges,
      let c = weight("C"), let i = weight("I"), let a = weight("A")
    else { return nil }
    let base = 1 - (1 - c) * (1 - i) * (1 - a)
    var power = 1.0
    for _ in 0..<15 { power *= base - 0.02 }
    let impact = isChanged ? 7.52 * (base - 0.029) - 3.25 * power : 6.42 * base
    guard impact > 0 else { return 0 }
    let sum = impact + 8.22 * av * ac * pr * ui
    return ((min(10, isChanged ? 1.08 * sum : sum)) * 10).rounded(.up) / 10
  }
}
