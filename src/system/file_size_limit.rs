//! The limit of file sizes (`ulimit -f`).

use std::sync::Arc;

use signal_hook::consts::SIGXFSZ;

/// Lets a write beyond the limit fail like one on a full disk. By default the signal SIGXFSZ ends the process, possibly
/// within a line (OUT-46).
pub fn ignore_file_size_signal() {
    // A handler replaces the default action. Its flag is not read: the write returns an error.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}
