//! Ctrl-Z: the signal SIGTSTP of a terminal, and the stop that it demands.

use std::io;
use std::os::fd::AsFd;

use nix::unistd::{Pid, getpgid, getpgrp, getppid, getsid, tcgetpgrp};
use signal_hook::consts::SIGTSTP;
use tokio::signal::unix::{self, SignalKind};

use super::signals::is_ignored;

/// A stream of the stop signals that this process receives. A signal that is ignored at the start stays ignored.
#[derive(Debug)]
pub(crate) struct StopSignals(Option<unix::Signal>);

impl StopSignals {
    /// Returns a stream without signals, which leaves them their default action.
    pub(crate) fn disabled() -> Self {
        Self(None)
    }

    /// Replaces the default action of the signal by this stream. The receiver calls [`stop_process`].
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system does not allow it.
    pub(crate) fn listen() -> io::Result<Self> {
        let kind = SignalKind::from_raw(SIGTSTP);
        if is_ignored(kind) { Ok(Self::disabled()) } else { unix::signal(kind).map(Some).map(Self) }
    }

    /// Waits for the next signal. Cancel safe.
    pub(crate) async fn next(&mut self) {
        super::signals::recv(&mut self.0).await;
    }
}

/// Stops this process until it is continued, as the default action of SIGTSTP does. The kernel takes that action only in a
/// session with a shell that can continue the process.
pub(crate) fn stop_process() {
    let Ok(own) = Membership::of(None) else { return };
    if has_job_control(own, Ancestors(Some(getppid()))) {
        let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
    }
}

/// Returns whether this process has the terminal. In the background the shell has its prompt there.
pub(crate) fn is_in_foreground(terminal: &impl AsFd) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group != OUTSIDE && group == getpgrp())
}

/// The id that the kernel reports for a process, group or session outside the PID namespace of this process, as in a container.
const OUTSIDE: Pid = Pid::from_raw(0);

/// The session and the process group of a process.
#[derive(Clone, Copy)]
struct Membership {
    session: Pid,
    group: Pid,
}

impl Membership {
    /// Returns those of the process with the id, of this process with `None`.
    fn of(process: Option<Pid>) -> nix::Result<Self> {
        Ok(Self { session: getsid(process)?, group: getpgid(process)? })
    }
}

/// Returns whether an ancestor in the session of this process belongs to another process group: such a shell can continue the
/// process. Without one, the group is orphaned (POSIX).
fn has_job_control(own: Membership, ancestors: impl Iterator<Item = Membership>) -> bool {
    ancestors.take_while(|ancestor| ancestor.session == own.session).any(|ancestor| ancestor.group != own.group)
}

/// The memberships of a process, its parent and so on, without those outside the PID namespace.
struct Ancestors(Option<Pid>);

impl Iterator for Ancestors {
    type Item = Membership;

    fn next(&mut self) -> Option<Membership> {
        let process = self.0.take().filter(|&process| process != OUTSIDE)?;
        self.0 = parent(process);
        Membership::of(Some(process)).ok()
    }
}

/// Returns the parent of a process; `None` without `/proc`.
fn parent(process: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program, in parentheses, may contain anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    Some(Pid::from_raw(after_name.split_whitespace().nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use nix::unistd::getpid;

    use super::*;

    fn member(session: i32, group: i32) -> Membership {
        Membership { session: Pid::from_raw(session), group: Pid::from_raw(group) }
    }

    #[test]
    fn a_shell_with_job_control_is_an_ancestor_in_the_same_session_and_another_group() {
        for (own, ancestors, expected) in [
            (member(1, 5), &[member(1, 1)][..], true),
            (member(1, 5), &[member(1, 5), member(1, 1)], true),
            (member(5, 5), &[member(1, 1)], false),
            (member(1, 5), &[member(1, 5), member(2, 2), member(1, 1)], false),
            (member(1, 5), &[], false),
            // Sessions and groups outside the PID namespace have the id 0.
            (member(5, 5), &[member(0, 0)], false),
            (member(0, 5), &[member(0, 0)], true),
            (member(0, 0), &[member(0, 0)], false),
        ] {
            let ids: Vec<_> = ancestors.iter().map(|a| (a.session.as_raw(), a.group.as_raw())).collect();
            assert_eq!(has_job_control(own, ancestors.iter().copied()), expected, "{ids:?}");
        }
    }

    #[test]
    fn the_parent_of_this_process_is_read_from_proc() {
        assert_eq!(parent(getpid()), Some(getppid()));
    }

    #[test]
    fn ancestors_end_with_the_first_process_of_the_namespace() {
        assert!(Ancestors(Some(getpid())).count() >= 1);
        assert_eq!(Ancestors(Some(OUTSIDE)).count(), 0);
    }
}
