/// Files that tools find by their whole name, and what they are.
enum RepositoryNames {
  private static let names: [String: String] = ["mlmodel": "yaml"]

  /// - Parameter name: last component of a path.
  static func format(of name: String) -> String? { names[name.lowercased()] }
}
