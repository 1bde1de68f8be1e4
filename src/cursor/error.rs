//! Why a cursor cannot be used.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::system::io_error;
use crate::system::private_file::PrivateFileError;

/// Why a cursor cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CursorError {
    /// There is something else in the file.
    #[error("{} is there and is no cursor; it is left as it is", .0.display())]
    Foreign(PathBuf),
    /// Another version of this program has written it.
    #[error("the cursor {} is of version {version}, and this program reads version {}", path.display(), super::format::VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// It was written by this program, and something else has happened to it.
    #[error("the cursor {} is damaged in line {line}: {reason}; it is left as it is", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nothing that is followed now was followed with it.
    #[error("the cursor {} is of other conversations; it is left as it is", .0.display())]
    Others(PathBuf),
    /// Another process uses it.
    #[error("another process uses the cursor {}", .0.display())]
    Busy(PathBuf),
    /// It is a folder, a pipe, a device or a link that leads nowhere.
    #[error("there can be no cursor in {}: it is {what}", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// It cannot be read or written.
    #[error("cannot write the cursor {}: {}", path.display(), io_error::describe(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Arc<io::Error>,
    },
}

impl CursorError {
    pub(crate) fn from_file(path: &Path, error: PrivateFileError) -> Self {
        match error {
            PrivateFileError::NotAFile(what) => Self::NotAFile { path: path.to_owned(), what },
            PrivateFileError::Locked => Self::Busy(path.to_owned()),
            PrivateFileError::Io(source) => Self::io(path, source),
        }
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source: Arc::new(source) }
    }

    /// Whether it is the setting that is of no use, rather than the machine.
    pub(crate) fn is_of_setting(&self) -> bool {
        !matches!(self, Self::Io { .. })
    }

    /// The next step, where there is something to say.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Foreign(_) | Self::Others(_) | Self::NotAFile { .. } => Some("name another file for --cursor-file"),
            Self::Version { .. } => Some("use the version that wrote it, or name another file for --cursor-file"),
            Self::Damaged { .. } => Some("to begin anew, remove it; what was printed is printed again then"),
            Self::Busy(_) => Some("give every process a file of its own; several conversations can share one process"),
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("make room on the disk, and start again: it goes on where it stopped")
                }
                _ => io_error::write_hint(source),
            },
        }
    }
}
