//! The error of an event stream.

use std::io;
use std::path::PathBuf;

use crate::config::EventInput;
use crate::system::io_error;

/// An error that ends an event stream.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventStreamError {
    /// The file does not exist.
    #[error("event stream {} not found", .0.display())]
    Missing(PathBuf),
    /// The stream cannot be read.
    #[error("cannot read the event stream{name}: {}", io_error::describe(source))]
    Io {
        /// Its name after a blank; empty for standard input.
        name: String,
        /// The cause.
        source: io::Error,
    },
}

impl EventStreamError {
    /// Returns the next step for the user.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Missing(_) => "check the path of --events; --events - reads standard input",
            Self::Io { .. } => "use a readable file or pipe with one event per line",
        }
    }

    pub(super) fn new(input: &EventInput, source: io::Error) -> Self {
        let name = match input {
            EventInput::Stdin => String::new(),
            EventInput::File(path) => format!(" {}", path.display()),
        };
        Self::Io { name, source }
    }
}
