//! Stops of the running program that a test causes.

use super::program::{Finished, Running};

/// A way to end the program from outside.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StopMethod {
    #[cfg(unix)]
    Interrupt,
    #[cfg(unix)]
    Terminate,
    Kill,
}

impl StopMethod {
    /// The ways of this operating system, the gentlest first.
    #[cfg(unix)]
    pub(crate) const ALL: &[Self] = &[Self::Interrupt, Self::Terminate, Self::Kill];
    /// Windows sends Ctrl-C to all processes of a console.
    #[cfg(windows)]
    pub(crate) const ALL: &[Self] = &[Self::Kill];

    /// Returns whether a run ended this way.
    pub(crate) fn has_stopped(self, finished: &Finished) -> bool {
        match self {
            #[cfg(unix)]
            Self::Interrupt => finished.signal == Some(2),
            #[cfg(unix)]
            Self::Terminate => finished.signal == Some(15),
            Self::Kill if cfg!(windows) => finished.code == Some(1),
            Self::Kill => finished.signal == Some(9),
        }
    }
}

impl Running {
    pub(crate) fn stop_by(&mut self, method: StopMethod) {
        match method {
            #[cfg(unix)]
            StopMethod::Interrupt => self.signal(rustix::process::Signal::INT),
            #[cfg(unix)]
            StopMethod::Terminate => self.signal(rustix::process::Signal::TERM),
            StopMethod::Kill => self.child.start_kill().unwrap(),
        }
    }

    /// Ends the program in the gentlest way, and asserts that it ended this way.
    pub(crate) async fn stop(mut self) -> Finished {
        let method = StopMethod::ALL[0];
        self.stop_by(method);
        let finished = self.finish().await;
        assert!(method.has_stopped(&finished), "{finished:?}");
        finished
    }
}
