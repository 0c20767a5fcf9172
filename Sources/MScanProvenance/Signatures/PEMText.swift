import SwiftASN1

/// Blocks of a PEM text.
enum PEMText {
  /// DER of every block of a kind, in order; nothing when the text is no PEM.
  static func blocks(_ kind: String, in text: String) -> [[UInt8]] {
    ((try? PEMDocument.parseMultiple(pemString: text)) ?? []).filter { $0.discriminator == kind }.map(\.derBytes)
  }
}
