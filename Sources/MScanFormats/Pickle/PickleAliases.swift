/// Names of Python 2 that CPython maps to those of Python 3 when it reads protocols below 3 with `fix_imports`
/// (`Lib/_compat_pickle.py`). Written as switches: a table would be built at each start, for the few names of a file.
enum PickleAliases {
  /// Module and name in the words of Python 3; nil where they are the same.
  static func map(_ module: String, _ name: String) -> (module: String, name: String)? {
    if let renamed = renamed(module, name) { return renamed }
    return moved(module).map { ($0, name) }
  }

  /// Modules that moved as a whole.
  private static func moved(_ module: String) -> String? {
    switch module {
    case "dummy_thread": "_dummy_thread"
    case "markupbase": "_markupbase"
    case "thread": "_thread"
    case "__builtin__": "builtins"
    case "UserDict", "UserList", "UserString": "collections"
    case "_abcoll": "collections.abc"
    case "ConfigParser": "configparser"
    case "copy_reg": "copyreg"
    case "anydbm", "whichdb": "dbm"
    case "dbhash": "dbm.bsd"
    case "dumbdbm": "dbm.dumb"
    case "gdbm": "dbm.gnu"
    case "dbm": "dbm.ndbm"
    case "htmlentitydefs": "html.entities"
    case "HTMLParser": "html.parser"
    case "httplib": "http.client"
    case "cookielib": "http.cookiejar"
    case "Cookie": "http.cookies"
    case "BaseHTTPServer", "CGIHTTPServer", "SimpleHTTPServer": "http.server"
    case "StringIO", "cStringIO": "io"
    case "cPickle": "pickle"
    case "Queue": "queue"
    case "repr": "reprlib"
    case "SocketServer": "socketserver"
    case "commands": "subprocess"
    case "test.test_support": "test.support"
    case "Tkinter": "tkinter"
    case "tkColorChooser": "tkinter.colorchooser"
    case "tkCommonDialog": "tkinter.commondialog"
    case "Tkconstants": "tkinter.constants"
    case "Dialog": "tkinter.dialog"
    case "Tkdnd": "tkinter.dnd"
    case "FileDialog", "tkFileDialog": "tkinter.filedialog"
    case "tkFont": "tkinter.font"
    case "tkMessageBox": "tkinter.messagebox"
    case "ScrolledText": "tkinter.scrolledtext"
    case "SimpleDialog", "tkSimpleDialog": "tkinter.simpledialog"
    case "Tix": "tkinter.tix"
    case "ttk": "tkinter.ttk"
    case "urlparse": "urllib.parse"
    case "urllib2": "urllib.request"
    case "robotparser": "urllib.robotparser"
    case "_winreg": "winreg"
    case "_elementtree": "xml.etree.ElementTree"
    case "xmlrpclib": "xmlrpc.client"
    case "DocXMLRPCServer", "SimpleXMLRPCServer": "xmlrpc.server"
    default: nil
    }
  }

  /// Names that moved or changed by themselves.
  private static func renamed(_ module: String, _ name: String) -> (module: String, name: String)? {
    switch module {
    case "UserDict":
      switch name {
      case "IterableUserDict": ("collections", "UserDict")
      case "UserDict": ("collections", "UserDict")
      default: nil
      }
    case "UserList":
      switch name {
      case "UserList": ("collections", "UserList")
      default: nil
      }
    case "UserString":
      switch name {
      case "UserString": ("collections", "UserString")
      default: nil
      }
    case "__builtin__":
      switch name {
      case "basestring": ("builtins", "str")
      case "intern": ("sys", "intern")
      case "long": ("builtins", "int")
      case "reduce": ("functools", "reduce")
      case "unichr": ("builtins", "chr")
      case "unicode": ("builtins", "str")
      case "xrange": ("builtins", "range")
      default: nil
      }
    case "_multiprocessing":
      switch name {
      case "Connection": ("multiprocessing.connection", "Connection")
      default: nil
      }
    case "_socket":
      switch name {
      case "fromfd": ("socket", "fromfd")
      default: nil
      }
    case "itertools":
      switch name {
      case "ifilter": ("builtins", "filter")
      case "ifilterfalse": ("itertools", "filterfalse")
      case "imap": ("builtins", "map")
      case "izip": ("builtins", "zip")
      case "izip_longest": ("itertools", "zip_longest")
      default: nil
      }
    case "multiprocessing":
      switch name {
      case "AuthenticationError": ("multiprocessing.context", "AuthenticationError")
      case "BufferTooShort": ("multiprocessing.context", "BufferTooShort")
      case "ProcessError": ("multiprocessing.context", "ProcessError")
      case "TimeoutError": ("multiprocessing.context", "TimeoutError")
      default: nil
      }
    case "multiprocessing.forking":
      switch name {
      case "Popen": ("multiprocessing.popen_fork", "Popen")
      default: nil
      }
    case "multiprocessing.process":
      switch name {
      case "Process": ("multiprocessing.context", "Process")
      default: nil
      }
    case "socket":
      switch name {
      case "_socketobject": ("socket", "SocketType")
      default: nil
      }
    case "urllib":
      switch name {
      case "ContentTooShortError": ("urllib.error", "ContentTooShortError")
      case "getproxies": ("urllib.request", "getproxies")
      case "pathname2url": ("urllib.request", "pathname2url")
      case "quote": ("urllib.parse", "quote")
      case "quote_plus": ("urllib.parse", "quote_plus")
      case "unquote": ("urllib.parse", "unquote")
      case "unquote_plus": ("urllib.parse", "unquote_plus")
      case "url2pathname": ("urllib.request", "url2pathname")
      case "urlcleanup": ("urllib.request", "urlcleanup")
      case "urlencode": ("urllib.parse", "urlencode")
      case "urlopen": ("urllib.request", "urlopen")
      case "urlretrieve": ("urllib.request", "urlretrieve")
      default: nil
      }
    case "urllib2":
      switch name {
      case "HTTPError": ("urllib.error", "HTTPError")
      case "URLError": ("urllib.error", "URLError")
      default: nil
      }
    case "whichdb":
      switch name {
      case "whichdb": ("dbm", "whichdb")
      default: nil
      }
    case "exceptions":
      name == "StandardError" ? ("builtins", "Exception") : exceptions.contains(name) ? ("builtins", name) : nil
    default: nil
    }
  }

  private static let exceptions: Set<String> = [
    "ArithmeticError", "AssertionError", "AttributeError", "BaseException", "BufferError", "BytesWarning",
    "DeprecationWarning", "EOFError", "EnvironmentError", "Exception", "FloatingPointError", "FutureWarning",
    "GeneratorExit", "IOError", "ImportError", "ImportWarning", "IndentationError", "IndexError", "KeyError",
    "KeyboardInterrupt", "LookupError", "MemoryError", "NameError", "NotImplementedError", "OSError", "OverflowError",
    "PendingDeprecationWarning", "ReferenceError", "RuntimeError", "RuntimeWarning", "StopIteration", "SyntaxError",
    "SyntaxWarning", "SystemError", "SystemExit", "TabError", "TypeError", "UnboundLocalError", "UnicodeDecodeError",
    "UnicodeEncodeError", "UnicodeError", "UnicodeTranslateError", "UnicodeWarning", "UserWarning", "ValueError",
    "Warning", "ZeroDivisionError",
  ]
}
