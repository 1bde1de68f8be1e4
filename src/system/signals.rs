//! The signals that end a run in an orderly way.

use std::io;

use tokio::signal::unix::{self, SignalKind};

/// A signal that asks the program to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What a service manager sends.
    Terminate,
    /// The terminal has gone.
    Hangup,
}

impl Signal {
    /// Dies of this signal, as the program would have without handling it. Returns only if that is impossible.
    pub fn die(self) {
        // The kernel spares the first process of a container, and the attempt would end in an abort.
        if std::process::id() == 1 {
            return;
        }
        let _ = signal_hook::low_level::emulate_default_handler(self.number());
    }

    /// What a shell reports for a process that died of it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::Hangup => 129,
        }
    }

    fn number(self) -> i32 {
        match self {
            Self::Interrupt => signal_hook::consts::SIGINT,
            Self::Terminate => signal_hook::consts::SIGTERM,
            Self::Hangup => signal_hook::consts::SIGHUP,
        }
    }
}

/// Waits for these signals, one after the other. One that whoever started the program wants ignored, as `nohup` does,
/// stays ignored.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Option<unix::Signal>,
    terminate: Option<unix::Signal>,
    hangup: Option<unix::Signal>,
}

impl Signals {
    /// From now on these signals no longer kill the process.
    ///
    /// # Errors
    ///
    /// When the system does not allow handling them.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub(crate) fn listen() -> io::Result<Self> {
        let ignored = ignored();
        let heed = |kind: SignalKind| if holds(ignored, kind) { Ok(None) } else { unix::signal(kind).map(Some) };
        Ok(Self {
            interrupt: heed(SignalKind::interrupt())?,
            terminate: heed(SignalKind::terminate())?,
            hangup: heed(SignalKind::hangup())?,
        })
    }

    /// The next signal. Cancel safe.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            () = next(&mut self.interrupt) => Signal::Interrupt,
            () = next(&mut self.terminate) => Signal::Terminate,
            () = next(&mut self.hangup) => Signal::Hangup,
        }
    }
}

/// Whether this process was started beside something else on its terminal, as a script does with `&`.
pub(crate) fn is_aside() -> bool {
    holds(ignored(), SignalKind::interrupt())
}

fn holds(mask: u64, kind: SignalKind) -> bool {
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}

async fn next(signal: &mut Option<unix::Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// The signals that are ignored, a bit each from the lowest for number 1. Without a `/proc` to ask there are none.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
