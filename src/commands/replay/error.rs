//! Errors of a replay.

use std::io;
use std::path::PathBuf;

use crate::config::ReplayFrom;
use crate::system::io_error;

/// An error that ends a replay.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// The recording does not exist.
    #[error("there is no recording {}", .0.display())]
    Missing(PathBuf),
    /// The recording cannot be read.
    #[error("cannot read the recording{name}: {}", io_error::describe(source))]
    Io {
        /// Its name after a blank; empty for standard input.
        name: String,
        /// The cause.
        source: io::Error,
    },
    /// The file is not a recording, or is damaged.
    #[error("line {line} is no line of a recording: {reason}")]
    Corrupt {
        /// The number of the line, from 1.
        line: u64,
        /// The fault.
        reason: String,
    },
}

impl ReplayError {
    pub(super) fn io(recording: &ReplayFrom, source: io::Error) -> Self {
        let name = match recording {
            ReplayFrom::Stdin => String::new(),
            ReplayFrom::File(path) => format!(" {}", path.display()),
        };
        Self::Io { name, source }
    }
}
