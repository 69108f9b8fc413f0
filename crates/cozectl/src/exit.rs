//! The exit codes, as a type.

use std::process::ExitCode;

/// How the program ends. Scripts rely on these numbers: they do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// 0: done.
    Done,
    /// 1: the server said no, or waits for something that only the caller can give.
    Refused,
    /// 2: bad usage: an option, a file, a configuration.
    Usage,
    /// 3: the server could not be reached, or not be understood.
    Unreachable,
    /// 130: interrupted by Ctrl-C or a termination signal.
    Interrupted,
}

impl ExitStatus {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Interrupted => 130,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
