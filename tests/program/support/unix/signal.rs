//! Signals to the running program.

use rustix::process::{Pid, Signal, kill_process};

use crate::support::program::Running;

impl Running {
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }
}
