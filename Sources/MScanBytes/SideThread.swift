import Glibc

/// One thread beside the caller's, which does one job at a time: what a reader hands over while it reads on. Jobs go over
/// and come back in the caller's order, so that what comes of them does not depend on how fast either thread is.
///
/// Used from one thread.
public final class SideThread<Job: Sendable> {
  private let desk: Desk
  private var thread: pthread_t
  private var isBusy = false

  /// What both threads see. Each touches it only between the other's signals, and the pointers live as long as it.
  @safe private final class Desk: @unchecked Sendable {
    let work: @Sendable (inout Job?) -> Void
    var job: Job?
    let wanted = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    let done = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init(_ work: @escaping @Sendable (inout Job?) -> Void) {
      self.work = work
      unsafe sem_init(wanted, 0, 0)
      unsafe sem_init(done, 0, 0)
    }

    deinit {
      unsafe sem_destroy(wanted)
      unsafe sem_destroy(done)
      unsafe wanted.deallocate()
      unsafe done.deallocate()
    }

    /// Works until a signal comes without a job.
    func serve() {
      while true {
        unsafe Self.wait(wanted)
        guard job != nil else { return }
        // In place: of what the job holds, there is never a second owner that would have it copied.
        work(&job)
        unsafe sem_post(done)
      }
    }

    static func wait(_ semaphore: UnsafeMutablePointer<sem_t>) {
      while unsafe sem_wait(semaphore) != 0, errno == EINTR {}
    }
  }

  /// Starts the thread.
  ///
  /// - Parameter work: what is done with each job; never called without one.
  /// - Returns: nil where the system gives no thread; then the caller does the work itself.
  public init?(_ work: @escaping @Sendable (inout Job?) -> Void) {
    desk = Desk(work)
    thread = pthread_t()
    let context = unsafe Unmanaged.passRetained(DeskHolder { [desk] in desk.serve() })
    let code = unsafe pthread_create(
      &thread, nil,
      { raw in
        if let raw = unsafe raw { unsafe Unmanaged<DeskHolder>.fromOpaque(raw).takeRetainedValue().serve() }
        return nil
      }, context.toOpaque())
    guard code == 0 else {
      unsafe context.release()
      return nil
    }
  }

  deinit {
    _ = finish()
    unsafe sem_post(desk.wanted)
    pthread_join(thread, nil)
  }

  /// Hands a job over, and leaves none with the caller. One that is still at work is waited for, and lost.
  public func start(_ job: inout Job?) {
    _ = finish()
    guard job != nil else { return }
    swap(&desk.job, &job)
    isBusy = true
    unsafe sem_post(desk.wanted)
  }

  /// Waits for the job that was handed over; nil when there is none.
  public func finish() -> Job? {
    guard isBusy else { return nil }
    unsafe Desk.wait(desk.done)
    isBusy = false
    return desk.job.take()
  }
}

/// What the new thread is started with, whatever its jobs are.
private final class DeskHolder: Sendable {
  let serve: @Sendable () -> Void

  init(_ serve: @escaping @Sendable () -> Void) { self.serve = serve }
}
