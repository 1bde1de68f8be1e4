//! Processes, as far as operating systems differ.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitStatus;

/// Returns the variables without which no program runs: on Windows the folder with the libraries of the system.
pub(crate) fn essential_variables() -> impl Iterator<Item = (String, String)> {
    let names: &[&str] = if cfg!(windows) { &["SystemRoot"] } else { &[] };
    env::vars().filter(|(name, _)| names.iter().any(|essential| essential.eq_ignore_ascii_case(name)))
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

/// Returns the text of the operating system for a path below a folder that does not exist.
pub(crate) fn missing_folder_text() -> String {
    text_of(&fs::metadata("/nowhere/x").unwrap_err())
}

/// Returns the text of the operating system for a folder that is opened as a file.
pub(crate) fn opened_folder_text(folder: &Path) -> String {
    text_of(&fs::read(folder).unwrap_err())
}

fn text_of(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap().trim_end_matches('.').to_owned()
}
