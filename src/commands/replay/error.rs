//! Errors of a replay.

use std::io;
use std::path::PathBuf;

use crate::config::ReplayFrom;
use crate::system::io_error;

/// An error that ends a replay.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// The recording does not exist.
    #[error("recording {} not found", .0.display())]
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
    #[error("line {line} of the recording is invalid: {reason}")]
    Corrupt {
        /// The number of the line, from 1.
        line: u64,
        /// The fault.
        reason: String,
    },
}

impl ReplayError {
    /// Returns the next step for the user.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Missing(_) => "check the path of --replay",
            Self::Io { .. } => "use a readable file that --record has written",
            Self::Corrupt { line: 1, .. } => "use a file that this version of genesys-tail has recorded with --record",
            Self::Corrupt { .. } => "use an undamaged copy; all lines before this one were printed",
        }
    }

    pub(super) fn io(recording: &ReplayFrom, source: io::Error) -> Self {
        let name = match recording {
            ReplayFrom::Stdin => String::new(),
            ReplayFrom::File(path) => format!(" {}", path.display()),
        };
        Self::Io { name, source }
    }
}
