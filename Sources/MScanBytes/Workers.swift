import Glibc
import Synchronization

/// A fixed number of threads that pull the numbers `0..<count` from one counter.
///
/// Plain threads: a task per file costs 1.7 µs and an allocation, and starting the concurrency runtime costs start-up
/// time that a scan of one small file never earns back.
public enum Workers {
  private static let stackBytes = 8 << 20

  private final class Job: Sendable {
    let count: Int
    let next = Atomic<Int>(0)
    let body: @Sendable (Int) -> Bool

    init(count: Int, body: @escaping @Sendable (Int) -> Bool) {
      self.count = count
      self.body = body
    }

    func work() {
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < count, body(index) else { return }
      }
    }
  }

  /// Calls `body` once for each number, in rising order of start, on up to `threads` threads; returns when all are done.
  /// A `body` that returns false ends its own thread's work.
  public static func run(_ count: Int, threads: Int, body: @escaping @Sendable (Int) -> Bool) {
    let job = Job(count: count, body: body)
    var started: [pthread_t] = []
    for _ in 1..<max(1, min(threads, count)) {
      var attributes = pthread_attr_t()
      unsafe pthread_attr_init(&attributes)
      unsafe pthread_attr_setstacksize(&attributes, stackBytes)
      var thread = pthread_t()
      let context = unsafe Unmanaged.passRetained(job)
      let code = unsafe pthread_create(
        &thread, &attributes,
        { raw in
          if let raw = unsafe raw { unsafe Unmanaged<Job>.fromOpaque(raw).takeRetainedValue().work() }
          return nil
        }, context.toOpaque())
      unsafe pthread_attr_destroy(&attributes)
      guard code == 0 else {
        unsafe context.release()
        break
      }
      started.append(thread)
    }
    job.work()
    for thread in started { pthread_join(thread, nil) }
  }
}
