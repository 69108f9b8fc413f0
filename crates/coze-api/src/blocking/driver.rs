//! The thread of a client that has no runtime around it.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread, ThreadId};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::unconstrained;

use crate::error::{Error, Result};

/// A runtime on a thread of its own, which reads the sockets and rings the alarms. The futures
/// themselves are polled on the threads of the callers, so they may borrow, and what a stream has
/// read is not passed from thread to thread.
pub(crate) struct Driver {
    handle: Handle,
    thread: ThreadId,
    /// Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

impl Driver {
    pub(crate) fn start() -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::Invalid(format!("the client's thread cannot be started: {error}"))
        };
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("coze".into());
        let spawned = thread.spawn(move || {
            // It ends with an error: the sender is gone.
            let _ = runtime.block_on(stopped);
            // A reader that still waits for a file or a terminal must not be waited for.
            runtime.shutdown_background();
        });
        Ok(Self {
            handle,
            thread: spawned.map_err(failed)?.thread().id(),
            _stop: stop,
        })
    }

    /// Waits for a future on this thread.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        if self.is_here() {
            return Err(Error::Invalid(
                "the client was called by what runs on its own thread, such as the progress of \
                 an upload: call it from another thread"
                    .into(),
            ));
        }
        self.run(work)
    }

    /// Sees to it that a future ends, on this thread if that can be.
    pub(crate) fn finish(&self, work: impl Future<Output = ()> + Send + 'static) {
        if self.is_here() {
            drop(self.handle.spawn(work));
        } else {
            self.run(work);
        }
    }

    /// On the driver's own thread waiting would be for ever.
    fn is_here(&self) -> bool {
        thread::current().id() == self.thread
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let _entered = self.handle.enter();
        // Within a task of another runtime its budget would be used up some time, and never be
        // renewed while this goes on.
        let mut work = pin!(unconstrained(work));
        let alarm = Arc::new(Alarm {
            rung: AtomicBool::new(false),
            sleeper: thread::current(),
        });
        let waker = Waker::from(Arc::clone(&alarm));
        let mut cx = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(value) = work.as_mut().poll(&mut cx) {
                return value;
            }
            // Parking may end too early, and what is polled may park, too: only the alarm counts.
            while !alarm.rung.swap(false, Ordering::Acquire) {
                thread::park();
            }
        }
    }
}

/// Wakes a thread that waits.
struct Alarm {
    rung: AtomicBool,
    sleeper: Thread,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::Release) {
            self.sleeper.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_thread_ends_with_its_driver() {
        let driver = Driver::start().unwrap();
        let (held, end) = mpsc::channel::<()>();
        driver.handle.spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        assert_eq!(driver.wait(async { Ok(7) }).unwrap(), 7);
        drop(driver);
        let limit = Duration::from_secs(20);
        assert_eq!(
            end.recv_timeout(limit),
            Err(mpsc::RecvTimeoutError::Disconnected)
        );
    }
}
