import MScanBytes
import MScanFacts

/// The parts of a tokenizer that make up most of its file.
extension JSONWalk {
  /// Entries that are read before any is looked up: few at first, and more once a second thread takes them.
  private static let atOnce = 32
  private static let manyAtOnce = 4096
  /// Entries of a vocabulary for which a second thread is started. Count; 32,768: about two milliseconds' work.
  private static let worthThread = 1 << 15

  /// What goes over to the second thread: the table, and what is to be put into it.
  private struct Delivery {
    var keys: JSONKeys
    var batch: [JSONKeys.Upcoming]
    /// How many of them were put in.
    var added = 0

    mutating func swap(_ keys: inout JSONKeys, _ batch: inout [JSONKeys.Upcoming]) {
      Swift.swap(&self.keys, &keys)
      Swift.swap(&self.batch, &batch)
    }

    mutating func deliver() { added = keys.insertNew(batch, from: 0) }
  }

  /// Steps over the entries of a vocabulary, or of its merges, as long as they are of the plain form; any other is read
  /// like the rest of the document, and the plain ones behind it as well.
  mutating func plainEntries(
    _ reader: inout JSONReader, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    guard let top = frames.indices.last else { return }
    guard frames[top].isVocabulary else {
      frames[top].count &+= outline.merges.takePlain(&reader, bytes)
      return
    }
    var text = JSONPlainText()
    var batch: [JSONKeys.Upcoming] = []
    var beside: SideThread<Delivery>?
    var count = 0
    var isOver = false
    defer { frames[top].count &+= count }
    while !isOver {
      let most = beside == nil ? Self.atOnce : Self.manyAtOnce
      batch.reserveCapacity(most)
      while batch.count < most, let entry = reader.nextPlainEntry(bytes, &text) {
        batch.append(JSONKeys.upcoming(entry.key, bytes, text))
        ids.take(entry.number, below: input.limits.tokenIds)
      }
      isOver = batch.count < most
      count &+= batch.count
      guard let second = beside else {
        try add(batch, from: 0, top, bytes, into: &sink)
        batch.removeAll(keepingCapacity: true)
        if count >= Self.worthThread { beside = SideThread { $0?.deliver() } }
        continue
      }
      var spare = try takeBack(second, top, bytes, into: &sink)
      // The table is the other thread's alone until it is taken back.
      var delivery: Delivery? = Delivery(keys: JSONKeys(limit: 0), batch: [])
      delivery?.swap(&keys, &batch)
      second.start(&delivery)
      swap(&batch, &spare)
    }
    if let beside { _ = try takeBack(beside, top, bytes, into: &sink) }
  }

  /// Waits for the second thread, and adds what it did not.
  ///
  /// - Returns: an empty array with room for a batch.
  private mutating func takeBack(
    _ second: SideThread<Delivery>, _ top: Int, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) throws(ParseFailure) -> [JSONKeys.Upcoming] {
    guard var delivery = second.finish() else { return [] }
    swap(&keys, &delivery.keys)
    try add(delivery.batch, from: delivery.added, top, bytes, into: &sink)
    delivery.batch.removeAll(keepingCapacity: true)
    return delivery.batch
  }

  private mutating func add(
    _ batch: [JSONKeys.Upcoming], from first: Int, _ top: Int, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    for key in try keys.insert(batch, from: first, bytes) {
      frames[top].key = key
      let path = childPath(bytes)
      note(
        "json.duplicate-key", at: key.start, end: key.end, field: "key", detail: path.dotted, pointer: path.pointer,
        bytes, into: &sink)
    }
  }
}
