import Testing

@testable import MScanFormats

@Suite struct PickleAliasTests {
  @Test(arguments: [
    ("__builtin__", "eval", "builtins", "eval"), ("__builtin__", "xrange", "builtins", "range"),
    ("__builtin__", "reduce", "functools", "reduce"), ("copy_reg", "_reconstructor", "copyreg", "_reconstructor"),
    ("cPickle", "loads", "pickle", "loads"), ("commands", "getoutput", "subprocess", "getoutput"),
    ("urllib2", "urlopen", "urllib.request", "urlopen"), ("exceptions", "ValueError", "builtins", "ValueError"),
    ("exceptions", "StandardError", "builtins", "Exception"), ("itertools", "imap", "builtins", "map"),
    ("UserDict", "IterableUserDict", "collections", "UserDict"), ("__builtin__", "apply", "builtins", "apply"),
  ])
  func maps(module: String, name: String, newModule: String, newName: String) {
    let mapped = PickleAliases.map(module, name)
    #expect(mapped?.module == newModule)
    #expect(mapped?.name == newName)
  }

  @Test(arguments: [("os", "system"), ("builtins", "eval"), ("itertools", "chain"), ("", "")])
  func keeps(module: String, name: String) { #expect(PickleAliases.map(module, name) == nil) }
}
