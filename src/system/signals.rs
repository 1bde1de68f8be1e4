//! The signals that stop a run: SIGINT, SIGTERM and SIGHUP (CONN-46).

use super::platform;
pub(crate) use super::platform::signals::{Signals, is_interrupt_ignored};

/// A signal that asks the program to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, or Ctrl-C in a console.
    Interrupt,
    /// SIGTERM, as sent by a service manager. On Windows Ctrl-Break, a closed console, the end of the session.
    Terminate,
    /// SIGHUP, as sent when the terminal closes. Not on Windows.
    Hangup,
}

impl Signal {
    /// Ends the process by the default action of this signal, so that its parent sees the cause. Returns if the process
    /// cannot be ended this way, and on Windows.
    pub fn terminate_process(self) {
        platform::signals::terminate_process(self);
    }

    /// Returns the exit code that a shell reports for a process ended by this signal.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::Hangup => 129,
        }
    }
}
