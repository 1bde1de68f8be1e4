//! Errors of opening and writing a cursor.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::FormatError;
use crate::system::io_error;
use crate::system::private_file::PrivateFileError;

/// The reason why a cursor cannot be used (HIST-8).
#[derive(Debug, thiserror::Error)]
pub(crate) enum CursorError {
    #[error("{} is there and is no cursor; it is left as it is", .0.display())]
    NotACursor(PathBuf),
    /// Another version of this program wrote the file.
    #[error("the cursor {} is of version {version}, and this program reads version {}", path.display(), super::format::VERSION)]
    UnsupportedVersion { path: PathBuf, version: u64 },
    /// The file was a cursor before it was modified.
    #[error("the cursor {} is damaged in line {line}: {reason}; it is left as it is", path.display())]
    Damaged {
        path: PathBuf,
        /// The number of the line, from 1.
        line: u64,
        reason: &'static str,
    },
    /// The cursor shares no target with this run.
    #[error("the cursor {} is of other conversations; it is left as it is", .0.display())]
    OtherTargets(PathBuf),
    /// Another process uses the cursor.
    #[error("another process uses the cursor {}", .0.display())]
    Locked(PathBuf),
    /// The path leads to a folder, a pipe, a device or nowhere.
    #[error("there can be no cursor in {}: it is {file_type}", path.display())]
    NotAFile { path: PathBuf, file_type: &'static str },
    /// The file cannot be read or written.
    #[error("cannot write the cursor {}: {}", path.display(), io_error::describe(source))]
    Io { path: PathBuf, source: Arc<io::Error> },
}

impl CursorError {
    pub(super) fn from_file(path: &Path, error: PrivateFileError) -> Self {
        let path = path.to_owned();
        match error {
            PrivateFileError::Locked => Self::Locked(path),
            PrivateFileError::NotAFile(file_type) => Self::NotAFile { path, file_type },
            PrivateFileError::Io(source) => Self::Io { path, source: Arc::new(source) },
        }
    }

    pub(super) fn from_format(path: &Path, error: FormatError) -> Self {
        let path = path.to_owned();
        match error {
            FormatError::NotACursor => Self::NotACursor(path),
            FormatError::UnsupportedVersion(version) => Self::UnsupportedVersion { path, version },
            FormatError::Damaged { line, reason } => Self::Damaged { path, line, reason },
            FormatError::Io(source) => Self::Io { path, source: Arc::new(source) },
        }
    }

    /// Returns whether `--cursor-file` has to be changed, rather than the state of the system.
    pub(crate) fn is_configuration_error(&self) -> bool {
        !matches!(self, Self::Io { .. })
    }

    /// Returns the next step for the user, if there is one.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotACursor(_) | Self::OtherTargets(_) | Self::NotAFile { .. } => {
                Some("name another file for --cursor-file")
            }
            Self::UnsupportedVersion { .. } => {
                Some("use the version that wrote it, or name another file for --cursor-file")
            }
            Self::Damaged { .. } => Some("to begin anew, remove it; what was printed is printed again then"),
            Self::Locked(_) => {
                Some("give every process a file of its own; several conversations can share one process")
            }
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("make room on the disk, and start again: it goes on where it stopped")
                }
                _ => io_error::write_hint(source),
            },
        }
    }
}
