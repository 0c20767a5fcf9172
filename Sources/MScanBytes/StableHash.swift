/// A 64-bit hash that is the same on every run and machine (FNV-1a with a final avalanche). For fingerprints and for
/// look-up tables over names that the rule set fixes; not for anything an attacker gains from colliding.
public struct StableHash: Sendable {
  @usableFromInline var state: UInt64

  @inlinable
  public init(seed: UInt64 = 0) { state = 0xcbf2_9ce4_8422_2325 ^ seed }

  @inlinable
  public mutating func combine(_ byte: UInt8) {
    state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
  }

  @inlinable
  public mutating func combine(_ text: String) {
    for byte in text.utf8 { combine(byte) }
    combine(0xff)
  }

  @inlinable public var value: UInt64 {
    var mixed = state
    mixed ^= mixed &>> 33
    mixed = mixed &* 0xff51_afd7_ed55_8ccd
    mixed ^= mixed &>> 33
    mixed = mixed &* 0xc4ce_b9fe_1a85_ec53
    return mixed ^ (mixed &>> 33)
  }

  /// Sixteen lower-case hexadecimal digits.
  public var hex: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
