//! SIGINT, SIGTERM and SIGHUP.

use std::io;

use tokio::signal::unix::{self, SignalKind};

use crate::system::signals::Signal;

/// A stream of the signals that this process receives. A signal that the parent process set to be ignored, as `nohup`
/// does, stays ignored.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Option<unix::Signal>,
    terminate: Option<unix::Signal>,
    hangup: Option<unix::Signal>,
}

impl Signals {
    /// Replaces the default action of the signals by this stream.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system does not allow it.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub(crate) fn listen() -> io::Result<Self> {
        let listen = |kind| if is_ignored(kind) { Ok(None) } else { unix::signal(kind).map(Some) };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal. Cancel safe.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            () = recv(&mut self.interrupt) => Signal::Interrupt,
            () = recv(&mut self.terminate) => Signal::Terminate,
            () = recv(&mut self.hangup) => Signal::Hangup,
        }
    }
}

/// Ends the process by the default action of a signal. Returns only if it cannot be ended this way.
pub(crate) fn terminate_process(signal: Signal) {
    // The kernel ignores default actions in the first process of a container, and the call would end in an abort.
    if std::process::id() == 1 {
        return;
    }
    let _ = signal_hook::low_level::emulate_default_handler(number(signal));
}

/// Returns whether SIGINT is ignored, as in a process that a shell script starts with `&`.
pub(crate) fn is_interrupt_ignored() -> bool {
    is_ignored(SignalKind::interrupt())
}

/// Returns whether this process ignores a signal.
pub(super) fn is_ignored(kind: SignalKind) -> bool {
    ignored_signals() >> (kind.as_raw_value() - 1) & 1 == 1
}

/// Waits for the signal, forever if it is not listened to. Cancel safe.
pub(super) async fn recv(signal: &mut Option<unix::Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending::<()>().await;
}

fn number(signal: Signal) -> i32 {
    match signal {
        Signal::Interrupt => signal_hook::consts::SIGINT,
        Signal::Terminate => signal_hook::consts::SIGTERM,
        Signal::Hangup => signal_hook::consts::SIGHUP,
    }
}

/// Returns the mask of ignored signals; bit 0 is signal 1. Without `/proc` the mask is empty.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
