//! Ctrl-C, termination, and the wish that the configuration be read again.

/// Hears every signal from the moment it is made: one that comes while nobody waits is not lost.
pub(crate) struct Signals {
    #[cfg(unix)]
    heard: Option<(tokio::signal::unix::Signal, tokio::signal::unix::Signal)>,
    #[cfg(windows)]
    heard: Option<tokio::signal::windows::CtrlC>,
}

impl Signals {
    /// Begins to listen; needs a runtime. Where that is not possible, signals just end the program.
    pub(crate) fn listen() -> Self {
        #[cfg(unix)]
        let heard = {
            use tokio::signal::unix::{SignalKind, signal};
            signal(SignalKind::interrupt())
                .and_then(|int| Ok((int, signal(SignalKind::terminate())?)))
                .ok()
        };
        #[cfg(windows)]
        let heard = tokio::signal::windows::ctrl_c().ok();
        Self { heard }
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        match &mut self.heard {
            #[cfg(unix)]
            Some((interrupt, terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            #[cfg(windows)]
            Some(ctrl_c) => {
                ctrl_c.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}

/// Lets a write beyond the limit of file sizes (`ulimit -f`) fail like one to a full disk: otherwise
/// the system ends the program.
pub(crate) fn survive_file_limits() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let kind = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
        // The handler stays for good. Where there can be none, everything is as before.
        let _ = signal(kind);
    }
}

/// Hears SIGHUP, where there is such a signal.
pub(crate) struct Hangups {
    #[cfg(unix)]
    heard: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    /// Begins to listen; needs a runtime.
    pub(crate) fn listen() -> Self {
        Self {
            #[cfg(unix)]
            heard: {
                use tokio::signal::unix::{SignalKind, signal};
                signal(SignalKind::hangup()).ok()
            },
        }
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(heard) = &mut self.heard {
            heard.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}
