//! Ctrl-C, Ctrl-Break, and the end of the console or the session.

use std::io;

use tokio::signal::windows;

use crate::system::signals::Signal;

/// A stream of the events that the console sends to this process. A process that was started without Ctrl-C, as in a group
/// of its own, receives none.
///
/// After the window of the console is closed, Windows ends the process within five seconds.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: windows::CtrlC,
    r#break: windows::CtrlBreak,
    close: windows::CtrlClose,
    logoff: windows::CtrlLogoff,
    shutdown: windows::CtrlShutdown,
}

impl Signals {
    /// Replaces the default action of the events by this stream.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system does not allow it.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: windows::ctrl_c()?,
            r#break: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            logoff: windows::ctrl_logoff()?,
            shutdown: windows::ctrl_shutdown()?,
        })
    }

    /// Waits for the next event. Cancel safe.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Signal::Interrupt,
            Some(()) = self.r#break.recv() => Signal::Terminate,
            Some(()) = self.close.recv() => Signal::Terminate,
            Some(()) = self.logoff.recv() => Signal::Terminate,
            Some(()) = self.shutdown.recv() => Signal::Terminate,
            else => std::future::pending().await,
        }
    }
}

/// Returns `false`: an ignored Ctrl-C does not mean that the process runs in the background.
pub(crate) fn is_interrupt_ignored() -> bool {
    false
}

/// Does nothing: the exit code tells the cause.
pub(crate) fn terminate_process(_: Signal) {}
