import MScanBytes

/// What the values of a symbolic run point at. Bounded: ``used`` is held against `Limits.pickleHeap`.
struct PickleHeap {
  /// A call result, an instance, a persistent id.
  struct Object {
    var callee: PickleValue
    var arguments: PickleValue
    /// Index of `paths` when the meaning is known (`os.system` for `getattr(os, "system")`), -1 otherwise.
    var path: Int32
    var kind: Kind
  }

  /// What an object is, as far as the run follows it.
  enum Kind: UInt8 {
    case result, instance, persistentID, extensionCode, buffer
    /// Its path is a module, function or attribute.
    case reference
    /// `functools.partial`, `operator.attrgetter`, `operator.methodcaller`, `vars(x)`.
    case partial, attributeGetter, methodCaller, namespace
    /// Bytes made from its arguments: `_codecs.encode(text, "latin1")`, `bytearray(b)`, `io.BytesIO(b)`.
    case madeBytes
  }

  /// Slots of lists, dicts, sets and bytearrays: 12 bits of count (saturating), 8 of weight, 10 of depth.
  private(set) var slots = SegmentedArray<UInt32>(empty: 0)
  private(set) var arena: [PickleValue] = []
  var objects: [Object] = []
  var paths: [String] = []
  var longSpans: [(offset: Int, count: Int, kind: PickleValue.TextKind)] = []

  private var ring: [PickleValue] = []
  /// Items ever put into the ring; the ring holds the last `ringSize` of them.
  private var ringHead = 0
  private var extents: [Extent] = []

  private struct Extent {
    var slot: UInt32 = .max
    var count: UInt32 = 0
    var start = 0
    var isWhole = false
  }

  private static let ringSize = 1 << 17
  private static let extentCount = 1 << 13
  /// Items of one container that are kept for evidence.
  static let keptItems = 64

  /// Bytes held, near enough.
  var used: Int {
    slots.count &* 4 &+ arena.count &* 8 &+ objects.count &* 24 &+ longSpans.count &* 24 &+ paths.count &* 64
  }

  // MARK: Weight and depth

  /// Weight is a quarter of log2 of the nodes a full print of the value would show, saturating at 2^63.
  static func weight(nodes: Double) -> UInt32 { nodes <= 1 ? 0 : UInt32(min(255, log2Quarter(nodes))) }

  private static func log2Quarter(_ nodes: Double) -> Int {
    let exponent = Int(nodes.exponent)
    let fraction = nodes.significand
    let quarter = fraction >= 1.6818 ? 3 : fraction >= 1.4142 ? 2 : fraction >= 1.1892 ? 1 : 0
    return exponent &* 4 &+ quarter
  }

  private static let nodesTable: [Double] = (0..<256).map { step in
    let roots = [1.0, 1.1892, 1.4142, 1.6818]
    return Double(sign: .plus, exponent: step / 4, significand: 1) * roots[step % 4]
  }

  /// Nodes and depth of a value.
  @inline(__always) func measure(_ value: PickleValue) -> (nodes: Double, depth: UInt32) {
    switch value.tag {
    case .list, .dict, .set:
      let slot = slots[value.index]
      return (Self.nodesTable[Int((slot &>> 12) & 0xff)], (slot &>> 20) & 0x3ff)
    case .tuple, .frozenSet:
      let payload = value.payload
      return (Self.nodesTable[Int((payload &>> 32) & 0xff)], UInt32(truncatingIfNeeded: (payload &>> 40) & 0x3ff))
    case .plainTuple: return (Double(value.payload & 0x3fff) + 1, 1)
    default: return (1, 0)
    }
  }

  // MARK: Containers

  mutating func newContainer(_ tag: PickleValue.Tag) -> PickleValue {
    let index = slots.count
    slots.append(0)
    return PickleValue(tag, UInt64(truncatingIfNeeded: index))
  }

  /// Items ever put in, 4,095 at the most.
  func count(_ container: PickleValue) -> Int { Int(slots[container.index] & 0xfff) }

  /// Adds items to a container. Returns its nodes and depth after.
  @discardableResult
  mutating func extend(
    _ container: PickleValue, with items: ArraySlice<PickleValue>
  ) -> (nodes: Double, depth: UInt32) {
    let index = container.index
    let slot = slots[index]
    var nodes = Self.nodesTable[Int((slot &>> 12) & 0xff)]
    var depth = (slot &>> 20) & 0x3ff
    for item in items {
      let (itemNodes, itemDepth) = measure(item)
      nodes += itemNodes
      if itemDepth >= depth { depth = itemDepth &+ 1 }
    }
    depth = min(max(depth, 1), 0x3ff)
    let held = Int(slot & 0xfff)
    let count = UInt32(min(0xfff, held &+ items.count))
    slots[index] = count | Self.weight(nodes: nodes) &<< 12 | depth &<< 20
    keep(index, held: held, items)
    return (nodes, depth)
  }

  private mutating func keep(_ slot: Int, held: Int, _ items: ArraySlice<PickleValue>) {
    let at = slot & (Self.extentCount - 1)
    while extents.count <= at { extents.append(Extent()) }
    var extent = extents[at]
    if extent.slot != UInt32(truncatingIfNeeded: slot) {
      guard held == 0 else { return }
      extent = Extent(slot: UInt32(truncatingIfNeeded: slot), count: 0, start: ringHead, isWhole: true)
    }
    let room = Self.keptItems - Int(extent.count)
    guard room > 0 else {
      extents[at].isWhole = false
      return
    }
    if extent.start &+ Int(extent.count) != ringHead { extent.start = moveToHead(extent) }
    if items.count > room { extent.isWhole = false }
    for item in items.prefix(room) { put(item) }
    extent.count &+= UInt32(min(room, items.count))
    extents[at] = extent
  }

  private mutating func moveToHead(_ extent: Extent) -> Int {
    let start = ringHead
    for step in 0..<Int(extent.count) { put(ring[(extent.start &+ step) & (Self.ringSize - 1)]) }
    return start
  }

  @inline(__always) private mutating func put(_ item: PickleValue) {
    if ring.count < Self.ringSize {
      ring.append(item)
    } else {
      ring[ringHead & (Self.ringSize - 1)] = item
    }
    ringHead &+= 1
  }

  /// The first items of a container as far as they are still at hand, and whether these are all.
  func items(of container: PickleValue) -> (items: [PickleValue], isWhole: Bool) {
    let held = count(container)
    guard held > 0 else { return ([], true) }
    let at = container.index & (Self.extentCount - 1)
    guard at < extents.count else { return ([], false) }
    let extent = extents[at]
    guard extent.slot == UInt32(truncatingIfNeeded: container.index), ringHead &- extent.start <= Self.ringSize
    else { return ([], false) }
    let found = (0..<Int(extent.count)).map { ring[(extent.start &+ $0) & (Self.ringSize - 1)] }
    return (found, extent.isWhole)
  }

  // MARK: Tuples

  /// A tuple or frozenset of `items`, with its nodes and depth.
  mutating func newTuple(
    _ items: ArraySlice<PickleValue>, tag: PickleValue.Tag = .tuple
  ) -> (value: PickleValue, nodes: Double, depth: UInt32) {
    if tag == .tuple {
      if items.isEmpty { return (.emptyTuple, 1, 0) }
      if items.count < 0x3fff, items.allSatisfy(\.isPlain) {
        let start = ringHead
        for item in items { put(item) }
        let payload = UInt64(truncatingIfNeeded: start) &<< 14 | UInt64(truncatingIfNeeded: items.count)
        return (PickleValue(.plainTuple, payload), Double(items.count) + 1, 1)
      }
    }
    var nodes = 1.0
    var depth: UInt32 = 1
    var hashable: UInt64 = 1
    for item in items {
      let (itemNodes, itemDepth) = measure(item)
      nodes += itemNodes
      if itemDepth >= depth { depth = itemDepth &+ 1 }
      if !item.isHashable { hashable = 0 }
    }
    depth = min(depth, 0x3ff)
    let index = arena.count
    arena.append(PickleValue.int(items.count))
    arena.append(contentsOf: items)
    let payload =
      UInt64(UInt32(truncatingIfNeeded: index)) | UInt64(Self.weight(nodes: nodes)) &<< 32 | UInt64(depth) &<< 40
      | hashable &<< 50
    return (PickleValue(tag, payload), nodes, depth)
  }

  /// Items of a tuple or frozenset; fewer when they are no longer at hand.
  func tupleItems(_ value: PickleValue) -> [PickleValue] {
    switch value.tag {
    case .plainTuple:
      let count = Int(truncatingIfNeeded: value.payload & 0x3fff)
      let start = Int(truncatingIfNeeded: value.payload &>> 14)
      guard ringHead &- start <= Self.ringSize else { return [] }
      return (0..<count).map { ring[(start &+ $0) & (Self.ringSize - 1)] }
    case .tuple, .frozenSet:
      let index = Int(truncatingIfNeeded: value.payload & 0xffff_ffff)
      guard arena.indices.contains(index), let count = arena[index].intValue, count >= 0,
        index &+ 1 &+ count <= arena.count
      else { return [] }
      return Array(arena[(index &+ 1)..<(index &+ 1 &+ count)])
    default: return []
    }
  }

  func tupleCount(_ value: PickleValue) -> Int {
    switch value.tag {
    case .emptyTuple: return 0
    case .plainTuple: return Int(truncatingIfNeeded: value.payload & 0x3fff)
    case .tuple, .frozenSet:
      let index = Int(truncatingIfNeeded: value.payload & 0xffff_ffff)
      return arena.indices.contains(index) ? arena[index].intValue ?? 0 : 0
    default: return 0
    }
  }

  mutating func newObject(
    _ kind: Kind, callee: PickleValue = .none, arguments: PickleValue = .none, path: String? = nil
  ) -> PickleValue {
    var pathIndex: Int32 = -1
    if let path, let next = Int32(exactly: paths.count) {
      paths.append(path)
      pathIndex = next
    }
    objects.append(Object(callee: callee, arguments: arguments, path: pathIndex, kind: kind))
    return PickleValue(.object, UInt64(truncatingIfNeeded: objects.count &- 1))
  }

  func object(_ value: PickleValue) -> Object? {
    value.tag == .object && objects.indices.contains(value.index) ? objects[value.index] : nil
  }
}

/// An array in chunks that never move: growing it copies nothing, so its peak is its size.
struct SegmentedArray<Element> {
  private var segments: [[Element]] = []
  private(set) var count = 0
  private let empty: Element
  private static var shift: Int { 14 }
  private static var mask: Int { (1 << 14) - 1 }

  init(empty: Element) { self.empty = empty }

  @inline(__always) mutating func append(_ element: Element) {
    if count & Self.mask == 0 {
      segments.append([])
      segments[segments.count - 1].reserveCapacity(Self.mask + 1)
    }
    segments[segments.count - 1].append(element)
    count &+= 1
  }

  /// Out of bounds reads give the empty element; writes there are dropped.
  @inline(__always) subscript(index: Int) -> Element {
    get {
      guard index >= 0, index < count else { return empty }
      return segments[index &>> Self.shift][index & Self.mask]
    }
    set {
      guard index >= 0, index < count else { return }
      segments[index &>> Self.shift][index & Self.mask] = newValue
    }
  }
}
