/// The tokens of Python, keywords and operators each their own kind.
enum TokenKind: UInt8, Sendable {
  // Structure.
  case endOfFile, newline, indent, dedent, invalid
  // Operands. `formatString` is the prefix and opening quote of an f-string or t-string alone.
  case name, number, string, formatString
  // Brackets.
  case leftParenthesis, rightParenthesis, leftBracket, rightBracket, leftBrace, rightBrace
  // Punctuation.
  case comma, colon, semicolon, dot, ellipsis, arrow, equal, colonEqual, exclamation, augmentedAssignment
  // Operators.
  case at, plus, minus, star, doubleStar, slash, doubleSlash, percent, pipe, ampersand, caret, tilde, leftShift,
    rightShift, less, greater, equalEqual, notEqual, lessEqual, greaterEqual
  // Keywords.
  case kwFalse, kwNone, kwTrue, kwAnd, kwAs, kwAssert, kwAsync, kwAwait, kwBreak, kwClass, kwContinue, kwDef, kwDel,
    kwElif, kwElse, kwExcept, kwFinally, kwFor, kwFrom, kwGlobal, kwIf, kwImport, kwIn, kwIs, kwLambda, kwNonlocal,
    kwNot, kwOr, kwPass, kwRaise, kwReturn, kwTry, kwWhile, kwWith, kwYield

  /// Whether an expression can start with it.
  var startsExpression: Bool {
    switch self {
    case .name, .number, .string, .formatString, .leftParenthesis, .leftBracket, .leftBrace, .minus, .plus, .tilde,
      .ellipsis, .star, .kwNot, .kwLambda, .kwAwait, .kwTrue, .kwFalse, .kwNone:
      true
    default: false
    }
  }

  /// Whether it can only stand at the start of a statement.
  var startsStatementOnly: Bool {
    switch self {
    case .kwAssert, .kwBreak, .kwClass, .kwContinue, .kwDef, .kwDel, .kwElif, .kwExcept, .kwFinally, .kwGlobal,
      .kwImport, .kwNonlocal, .kwPass, .kwRaise, .kwReturn, .kwTry, .kwWhile, .kwWith, .at:
      true
    default: false
    }
  }
}

/// Keywords by their bytes, packed into one integer, first byte lowest.
enum Keywords {
  static func kind(_ packed: UInt64) -> TokenKind {
    switch packed {
    case 0x65_736c_6146: .kwFalse  // False
    case 0x656e_6f4e: .kwNone  // None
    case 0x6575_7254: .kwTrue  // True
    case 0x64_6e61: .kwAnd  // and
    case 0x7361: .kwAs  // as
    case 0x7472_6573_7361: .kwAssert  // assert
    case 0x63_6e79_7361: .kwAsync  // async
    case 0x74_6961_7761: .kwAwait  // await
    case 0x6b_6165_7262: .kwBreak  // break
    case 0x73_7361_6c63: .kwClass  // class
    case 0x6575_6e69_746e_6f63: .kwContinue  // continue
    case 0x66_6564: .kwDef  // def
    case 0x6c_6564: .kwDel  // del
    case 0x6669_6c65: .kwElif  // elif
    case 0x6573_6c65: .kwElse  // else
    case 0x7470_6563_7865: .kwExcept  // except
    case 0x79_6c6c_616e_6966: .kwFinally  // finally
    case 0x72_6f66: .kwFor  // for
    case 0x6d6f_7266: .kwFrom  // from
    case 0x6c61_626f_6c67: .kwGlobal  // global
    case 0x6669: .kwIf  // if
    case 0x7472_6f70_6d69: .kwImport  // import
    case 0x6e69: .kwIn  // in
    case 0x7369: .kwIs  // is
    case 0x6164_626d_616c: .kwLambda  // lambda
    case 0x6c61_636f_6c6e_6f6e: .kwNonlocal  // nonlocal
    case 0x74_6f6e: .kwNot  // not
    case 0x726f: .kwOr  // or
    case 0x7373_6170: .kwPass  // pass
    case 0x65_7369_6172: .kwRaise  // raise
    case 0x6e72_7574_6572: .kwReturn  // return
    case 0x79_7274: .kwTry  // try
    case 0x65_6c69_6877: .kwWhile  // while
    case 0x6874_6977: .kwWith  // with
    case 0x64_6c65_6979: .kwYield  // yield
    default: .name
    }
  }
}
