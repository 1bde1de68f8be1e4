//! Processes, as far as operating systems differ.

use std::env;
use std::process::ExitStatus;

/// Returns the variables without which no program runs: on Windows the folder with the libraries of the system.
pub(crate) fn essential_variables() -> impl Iterator<Item = (&'static str, String)> {
    let names: &[&str] = if cfg!(windows) { &["SystemRoot"] } else { &[] };
    names.iter().filter_map(|name| Some((*name, env::var(name).ok()?)))
}

/// Returns the signal that ended a process.
#[cfg(unix)]
pub(crate) fn signal_of(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// Returns `None`: Windows has no signals.
#[cfg(windows)]
pub(crate) fn signal_of(_: ExitStatus) -> Option<i32> {
    None
}

/// Returns whether a process was killed.
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    if cfg!(windows) { status.code() == Some(1) } else { signal_of(status) == Some(9) }
}
