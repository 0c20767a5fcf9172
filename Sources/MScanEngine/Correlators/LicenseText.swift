/// Licences by the words that only their texts have. Ids are those of SPDX and the Hub.
enum LicenseText {
  private struct Mark {
    let id: String
    /// All have to be there, in lower case with single blanks.
    let phrases: [String]
  }

  /// The more special first.
  private static let marks: [Mark] = [
    Mark(id: "apache-2.0", phrases: ["apache license", "version 2.0"]),
    Mark(id: "agpl-3.0", phrases: ["gnu affero general public license", "version 3"]),
    Mark(id: "lgpl-3.0", phrases: ["gnu lesser general public license", "version 3"]),
    Mark(id: "lgpl-2.1", phrases: ["gnu lesser general public license", "version 2.1"]),
    Mark(id: "gpl-3.0", phrases: ["gnu general public license", "version 3"]),
    Mark(id: "gpl-2.0", phrases: ["gnu general public license", "version 2"]),
    Mark(id: "mpl-2.0", phrases: ["mozilla public license", "2.0"]),
    Mark(id: "llama3.3", phrases: ["llama 3.3 community license"]),
    Mark(id: "llama3.2", phrases: ["llama 3.2 community license"]),
    Mark(id: "llama3.1", phrases: ["llama 3.1 community license"]),
    Mark(id: "llama4", phrases: ["llama 4 community license"]),
    Mark(id: "llama3", phrases: ["meta llama 3 community license"]),
    Mark(id: "llama2", phrases: ["llama 2 community license"]),
    Mark(id: "gemma", phrases: ["gemma terms of use"]),
    Mark(id: "bigscience-bloom-rail-1.0", phrases: ["bigscience rail license v1.0"]),
    Mark(id: "bigcode-openrail-m", phrases: ["bigcode open rail-m"]),
    Mark(id: "creativeml-openrail-m", phrases: ["creativeml open rail-m"]),
    Mark(id: "openrail++", phrases: ["creativeml open rail++-m"]),
    Mark(id: "cc-by-nc-nd-4.0", phrases: ["attribution-noncommercial-noderivatives 4.0"]),
    Mark(id: "cc-by-nc-sa-4.0", phrases: ["attribution-noncommercial-sharealike 4.0"]),
    Mark(id: "cc-by-nc-4.0", phrases: ["attribution-noncommercial 4.0"]),
    Mark(id: "cc-by-nd-4.0", phrases: ["attribution-noderivatives 4.0"]),
    Mark(id: "cc-by-sa-4.0", phrases: ["attribution-sharealike 4.0"]),
    Mark(id: "cc-by-4.0", phrases: ["attribution 4.0 international"]),
    Mark(id: "cc0-1.0", phrases: ["cc0 1.0 universal"]),
    Mark(id: "unlicense", phrases: ["free and unencumbered software released into the public domain"]),
    Mark(id: "isc", phrases: ["permission to use, copy, modify, and/or distribute this software for any purpose"]),
    Mark(id: "bsd-3-clause", phrases: ["redistribution and use in source and binary forms", "neither the name of"]),
    Mark(id: "bsd-2-clause", phrases: ["redistribution and use in source and binary forms"]),
    Mark(id: "mit", phrases: ["permission is hereby granted, free of charge, to any person obtaining a copy"]),
  ]

  /// - Parameter text: the start of a licence's text, in lower case with single blanks.
  static func id(of text: String) -> String? {
    marks.first { mark in mark.phrases.allSatisfy { text.contains($0) } }?.id
  }

  /// Ids that say the same: `bsd` and `cc` without a version, a version with its ending.
  static func isSame(_ a: String, _ b: String) -> Bool {
    func stem(_ id: String) -> String {
      let lower = id.lowercased()
      for ending in ["-only", "-or-later"] where lower.hasSuffix(ending) { return String(lower.dropLast(ending.count)) }
      return lower
    }
    let (x, y) = (stem(a), stem(b))
    return x == y || x.hasPrefix(y + "-") || y.hasPrefix(x + "-")
  }
}
