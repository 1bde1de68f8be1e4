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
    #[error("{} is not a cursor file; it was not changed", .0.display())]
    NotACursor(PathBuf),
    /// Another version of this program wrote the file.
    #[error("cursor file {} has version {version}; this program reads version {}", path.display(), super::format::VERSION)]
    UnsupportedVersion { path: PathBuf, version: u64 },
    /// The file was a cursor before it was modified.
    #[error("cursor file {} is damaged in line {line}: {reason}; it was not changed", path.display())]
    Damaged {
        path: PathBuf,
        /// The number of the line, from 1.
        line: u64,
        reason: &'static str,
    },
    /// The cursor shares no target with this run.
    #[error("cursor file {} belongs to other conversations; it was not changed", .0.display())]
    OtherTargets(PathBuf),
    /// Another process uses the cursor.
    #[error("another process uses cursor file {}", .0.display())]
    Locked(PathBuf),
    /// The path leads to a folder, a pipe, a device or nowhere.
    #[error("cannot use {} as cursor file: it is {file_type}", path.display())]
    NotAFile { path: PathBuf, file_type: &'static str },
    /// The file cannot be read or written.
    #[error("cannot write cursor file {}: {}", path.display(), io_error::describe(source))]
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

    /// Returns the next step for the user.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NotACursor(_) | Self::OtherTargets(_) | Self::NotAFile { .. } => "use another file for --cursor-file",
            Self::UnsupportedVersion { .. } => {
                "use the version of genesys-tail that wrote it, or another file for --cursor-file"
            }
            Self::Damaged { .. } => "remove it to start over; lines that were printed before are printed again",
            Self::Locked(_) => "use one file per process; one process can follow several conversations",
            Self::Io { path, source } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free disk space, then start again: it resumes after the last line"
                }
                _ => io_error::write_hint_to(path, source),
            },
        }
    }
}
