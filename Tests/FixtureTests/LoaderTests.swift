import Foundation
import MScanBytes
import MScanEngine
import MScanFacts
import Testing

/// Which loader steps findings name, and which of them would have refused.
@Suite struct LoaderTests {
  private func findings(_ name: String, _ text: String) throws -> [Finding] {
    let rules = try #require(Repository.rules)
    let scratch = try Scratch()
    try scratch.write(name, text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
    let targets = Discovery().targets(of: [SystemPath(scratch.url.path)])
    return Scanner(jobs: 1).scan(targets, rules: rules, policy: Policy()).findings
  }

  private static let spawn = "cos\nsystem\n(S'echo x'\ntR."

  @Test(arguments: [
    ("model.pt", ["torch.load", "pickle.load"], true), ("pytorch_model.bin", ["from_pretrained", "torch.load"], true),
    ("optimizer.pt", ["transformers.Trainer.train(resume_from_checkpoint)", "torch.load"], true),
    ("rng_state_0.pth", ["transformers.Trainer.train(resume_from_checkpoint)", "torch.load"], true),
    ("model.pkl", ["pickle.load"], false), ("x.joblib", ["joblib.load"], false),
    (".msc", ["modelscope.snapshot_download on opening the cache"], false),
    ("a.mdl", ["modelscope.snapshot_download on opening the cache"], false),
  ])
  func findingsNameTheLoader(name: String, when: [String], isRefused: Bool) throws {
    let found = try #require(try findings(name, Self.spawn).first { $0.subject.hasSuffix("system") })
    #expect(found.when == when)
    #expect(found.refusedBy == (isRefused ? ["torch.load(weights_only=True)"] : []))
  }

  /// `_codecs.encode` is on torch's own list: its restricted unpickler calls it, too.
  @Test func acceptedNamesAreNotRefused() throws {
    let found = try findings("model.pt", "c_codecs\nencode\n(S'x'\nS'rot13'\ntR.")
    #expect(found.allSatisfy { $0.refusedBy.isEmpty })
  }
}
