/// Functions of Python whose results the resolver works out, by the dotted name that a call of them resolves to.
enum KnownFunction: String, CaseIterable {
  // Looking things up by name.
  case dunderImport = "builtins.__import__"
  case importlibImport = "importlib.__import__"
  case importModule = "importlib.import_module"
  case resolveName = "pkgutil.resolve_name"
  case locate = "pydoc.locate"
  case getattr = "builtins.getattr"
  case getattribute = "builtins.object.__getattribute__"
  case getattrStatic = "inspect.getattr_static"
  case globals = "builtins.globals"
  case locals = "builtins.locals"
  case vars = "builtins.vars"
  case attrgetter = "operator.attrgetter"
  case methodcaller = "operator.methodcaller"
  case itemgetter = "operator.itemgetter"

  // Handing a function on.
  case partial = "functools.partial"
  case partialMethod = "functools.partialmethod"
  case staticMethod = "builtins.staticmethod"
  case cache = "functools.cache"
  case wraps = "functools.wraps"
  case reduce = "functools.reduce"
  case superObject = "builtins.super"
  case type = "builtins.type"

  // Making a table of a table.
  case dict = "builtins.dict"
  case orderedDict = "collections.OrderedDict"
  case chainMap = "collections.ChainMap"
  case mappingProxy = "types.MappingProxyType"
  case simpleNamespace = "types.SimpleNamespace"
  case copy = "copy.copy"
  case deepCopy = "copy.deepcopy"

  // Holding what they are given.
  case deque = "collections.deque"
  case frozenSet = "builtins.frozenset"
  case chain = "itertools.chain"
  case chainIterable = "itertools.chain.from_iterable"
  case cycle = "itertools.cycle"
  case filter = "builtins.filter"

  // Putting paths together.
  case pathJoin = "os.path.join"
  case posixPathJoin = "posixpath.join"
  case path = "pathlib.Path"
  case expandUser = "os.path.expanduser"
  case expandVariables = "os.path.expandvars"
  case absolutePath = "os.path.abspath"
  case realPath = "os.path.realpath"
  case fileSystemPath = "os.fspath"
  case purePath = "pathlib.PurePath"

  // Conversions.
  case chr = "builtins.chr"
  case ord = "builtins.ord"
  case int = "builtins.int"
  case str = "builtins.str"
  case bytes = "builtins.bytes"
  case bytearray = "builtins.bytearray"
  case memoryview = "builtins.memoryview"
  case list = "builtins.list"
  case tuple = "builtins.tuple"
  case set = "builtins.set"
  case iter = "builtins.iter"
  case next = "builtins.next"
  case max = "builtins.max"
  case min = "builtins.min"
  case sorted = "builtins.sorted"
  case reversed = "builtins.reversed"
  case map = "builtins.map"
  case enumerate = "builtins.enumerate"
  case zip = "builtins.zip"
  case bytesFromHex = "builtins.bytes.fromhex"
  case bytearrayFromHex = "builtins.bytearray.fromhex"
  case unhexlify = "binascii.unhexlify"
  case a2bHex = "binascii.a2b_hex"
  case a2bBase64 = "binascii.a2b_base64"
  case b64decode = "base64.b64decode"
  case standardB64decode = "base64.standard_b64decode"
  case urlsafeB64decode = "base64.urlsafe_b64decode"
  case decodebytes = "base64.decodebytes"
  case b32decode = "base64.b32decode"
  case b16decode = "base64.b16decode"
  case b85decode = "base64.b85decode"
  case bz2Decompress = "bz2.decompress"
  case lzmaDecompress = "lzma.decompress"
  case zlibDecompress = "zlib.decompress"
  case gzipDecompress = "gzip.decompress"
  case codecsDecode = "codecs.decode"
  case codecsEncode = "codecs.encode"

  private static let all = Array(allCases)
  private static let byName = Dictionary(
    uniqueKeysWithValues: all.enumerated().map { ($1.rawValue, UInt8(truncatingIfNeeded: $0)) })

  /// First words of all of them.
  static let roots = Set(all.map { String($0.rawValue.prefix { $0 != "." }) })

  /// Found by one look-up: nearly every call of a module is of something else.
  static func number(ofPath path: String) -> UInt8? { byName[path] }

  static func at(_ number: UInt8) -> KnownFunction? { Int(number) < all.count ? all[Int(number)] : nil }
}
