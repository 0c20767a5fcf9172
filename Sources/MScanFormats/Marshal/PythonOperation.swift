/// The instructions whose effect on the stack is followed. Others drop what is known of the stack.
enum PythonOperation: Int, CaseIterable {
  case loadConst, loadSmallInt, loadName, loadGlobal, loadFast, loadFastTwo, storeLoadFast, storeFastTwo, loadDeref
  case loadFromDictOrDeref, loadFromDictOrGlobal
  case loadAttr, loadMethod, loadSuperAttr, importName, importFrom, importStar, storeName, storeGlobal, storeFast
  case storeDeref, call, callKeyword, callFunction, callFunctionKeyword, callFunctionStar, callMethod
  case makeFunction, setFunctionAttribute, buildSequence, buildMap, buildString, binary, binaryAdd, item
  case unary, popTop, pushNull, duplicate, copy, swap, rotateTwo, listExtend, nothing, extended, popJump, returnValue
  case returnConst, loadBuildClass
}

/// One of the instruction sets of CPython. Source: `opcode.py` of 2.7 to 3.13, `opcode_ids.h` of 3.14.
enum PythonDialect: Int, CaseIterable {
  /// 2.7, and 3.0 to 3.5: instructions of one byte or three.
  case old
  /// 3.6 to 3.10: two bytes.
  case word
  case python311, python312, python313, python314

  /// For each operation its numbers, in the order of the cases above.
  private static let rows: [(operation: PythonOperation, numbers: StaticString)] = [
    (.loadConst, "100 | 100 | 100 | 100 | 83 | 82"),
    (.loadSmallInt, "| | | | | 94"),
    (.loadName, "101 | 101 | 101 | 101 | 92 | 93"),
    (.loadGlobal, "116 | 116 | 116 | 116 | 91 | 92"),
    (.loadFast, "124 | 124 | 124 | 124 127 143 | 85-87 | 84-86 88"),
    (.loadFastTwo, "| | | | 88 | 87 89"),
    (.storeLoadFast, "| | | | 111 | 113"),
    (.storeFastTwo, "| | | | 112 | 114"),
    (.loadDeref, "135 136 148 | 135 136 148 | 136 137 148 | 136 137 | 84 | 83"),
    (.loadFromDictOrDeref, "| | | 176 | 89 | 90"),
    (.loadFromDictOrGlobal, "| | | 175 | 90 | 91"),
    (.loadAttr, "106 | 106 | 106 | 106 | 82 | 80"),
    (.loadMethod, "| 160 | 160 | | |"),
    (.loadSuperAttr, "| | | 141 | 93 | 96"),
    (.importName, "108 | 108 | 108 | 108 | 75 | 73"),
    (.importFrom, "109 | 109 | 109 | 109 | 74 | 72"),
    (.importStar, "84 | 84 | 84 | | |"),
    (.storeName, "90 | 90 | 90 | 90 | 114 | 116"),
    (.storeGlobal, "97 | 97 | 97 | 97 | 113 | 115"),
    (.storeFast, "125 | 125 | 125 | 125 | 110 | 112"),
    (.storeDeref, "137 | 137 | 138 | 138 | 109 | 111"),
    (.call, "| | 171 | 171 | 53 | 52"),
    (.callKeyword, "| | | | 57 | 55"),
    (.callFunction, "131 | 131 | | | |"),
    (.callFunctionKeyword, "| 141 | | | |"),
    (.callFunctionStar, "140-142 | 142 | 142 | 142 | 54 | 4"),
    (.callMethod, "| 161 | | | |"),
    (.makeFunction, "132 134 | 132 | 132 | 132 | 26 | 23"),
    (.setFunctionAttribute, "| | | | 106 | 108"),
    (.buildSequence, "102-104 | 102-104 | 102-104 | 102-104 | 47 49 52 | 46 48 51"),
    (.buildMap, "| 105 | 105 | 105 | 48 | 47"),
    (.buildString, "| 157 | 157 | 157 | 51 | 50"),
    (
      .binary,
      "19-22 24 26-29 55-59 62-66 75-79 107 | 16 17 19 20 22 24 26-29 55-59 62-67 75-79 107 117 118 | 107 117 118 | 107 117 118 | 58 59 76 | 56 57 74"
    ),
    (.binaryAdd, "23 | 23 | 122 | 122 | 45 | 44"),
    (.item, "25 | 25 | 25 | 25 | 5 |"),
    (
      .unary,
      "10-12 15 68 | 10-12 15 68 82 155 | 10-12 15 68 82 155 | 11 12 15 68 155 173 | 14 19 21 40-43 55 60 | 12 16 19 39-42 53 58"
    ),
    (.popTop, "1 | 1 | 1 | 1 | 32 | 31"),
    (.pushNull, "| | 2 | 2 | 34 | 33"),
    (.duplicate, "4 | 4 | | | |"),
    (.copy, "| | 120 | 120 | 61 | 59"),
    (.swap, "| | 99 | 99 | 115 | 117"),
    (.rotateTwo, "2 | 2 | | | |"),
    (.listExtend, "| 162-165 | 162-165 | 162-165 | 68 69 81 107 | 66 67 79 109"),
    (
      .nothing,
      "9 87 110 113 | 9 87 110 113 | 0 9 110 135 140 149 151 166 172 | 0 9 110 135 140 149 151 172 | 0 30 62 77 79 94 149 | 0 27 28 60 75 77 97 128"
    ),
    (.extended, "144 145 | 144 | 144 | 144 | 71 | 69"),
    (.popJump, "114 115 | 114 115 | 114 115 128 129 173-176 | 114 115 128 129 | 97-100 | 100-103"),
    (.returnValue, "83 | 83 | 83 | 83 | 36 | 35"),
    (.returnConst, "| | | 121 | 103 |"),
    (.loadBuildClass, "71 | 71 | 71 | 71 | 24 | 21"),
  ]

  private static let tables: [[PythonOperation?]] = {
    var tables = [[PythonOperation?]](repeating: Array(repeating: nil, count: 256), count: allCases.count)
    for row in rows {
      let columns = row.numbers.description.split(separator: "|", omittingEmptySubsequences: false)
      for (dialect, column) in columns.enumerated() where dialect < tables.count {
        for entry in column.split(separator: " ") {
          // `19-22` is a range; the table is our own text.
          let ends = entry.split(separator: "-").compactMap { UInt8($0) }
          guard let first = ends.first, let last = ends.last, first <= last else { continue }
          for number in first...last { tables[dialect][Int(number)] = row.operation }
        }
      }
    }
    return tables
  }()

  var table: [PythonOperation?] { Self.tables[rawValue] }

  /// Words of inline cache behind an instruction; they are zero in a file.
  func caches(_ operation: PythonOperation) -> Int {
    switch (operation, self) {
    case (.loadGlobal, .python311): 5
    case (.loadGlobal, .python312), (.loadGlobal, .python313), (.loadGlobal, .python314): 4
    case (.loadAttr, .python311): 4
    case (.loadAttr, .python312), (.loadAttr, .python313), (.loadAttr, .python314): 9
    default: 0
    }
  }

  /// Bits of an argument below the index of a name.
  func nameShift(_ operation: PythonOperation) -> Int {
    switch operation {
    case .loadGlobal: rawValue >= Self.python311.rawValue ? 1 : 0
    case .loadAttr: rawValue >= Self.python312.rawValue ? 1 : 0
    case .loadSuperAttr: 2
    default: 0
    }
  }

  /// The number of RESUME, which every function of 3.11 and later has near its start.
  var resume: UInt8? {
    switch self {
    case .old, .word: nil
    case .python311, .python312: 151
    case .python313: 149
    case .python314: 128
    }
  }

  /// Dialects that a layout of code objects may have.
  static func candidates(_ layout: MarshalCode.Layout) -> [PythonDialect] {
    switch layout {
    case .python2: [.old]
    case .python3: [.word, .old]
    case .python38: [.word]
    case .python311: [.python311, .python312, .python313, .python314]
    }
  }
}

/// An instruction with its argument, and where it starts in the bytes of its code.
struct PythonInstruction {
  var operation: PythonOperation?
  var argument: Int
  var offset: Int

  /// Splits bytes into instructions.
  static func split(_ code: ArraySlice<UInt8>, _ dialect: PythonDialect) -> [PythonInstruction] {
    let table = dialect.table
    var found: [PythonInstruction] = []
    var at = code.startIndex
    var prefix = 0
    while at < code.endIndex {
      let number = code[at]
      // Until 3.5 numbers from 90 have an argument of two bytes.
      let width = dialect == .old ? (number >= 90 ? 2 : 0) : 1
      guard width <= code.endIndex &- at &- 1 else { break }
      var argument = prefix &<< (dialect == .old ? 16 : 8)
      for step in 0..<width { argument |= Int(code[at &+ 1 &+ step]) &<< (step &* 8) }
      if table[Int(number)] == .extended {
        prefix = argument & 0xff_ffff
      } else {
        prefix = 0
        found.append(
          PythonInstruction(operation: table[Int(number)], argument: argument, offset: at &- code.startIndex))
      }
      at = at &+ 1 &+ width
    }
    return found
  }
}
