//! Private files: readable by their owner alone, locked by one process at a time, and replaced atomically.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

use super::io_error;

/// The number of attempts to lock a file that another process keeps replacing.
const MAX_ATTEMPTS: usize = 8;

/// An error of opening a private file.
#[derive(Debug)]
pub(crate) enum PrivateFileError {
    /// The path names this instead of a regular file.
    NotAFile(&'static str),
    /// Another process holds the lock.
    Locked,
    Io(io::Error),
}

impl From<io::Error> for PrivateFileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Returns the path behind a symbolic link. A dangling link is an error, so that no file is created at its target.
pub(crate) fn resolve_link(path: &Path) -> Result<PathBuf, PrivateFileError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => fs::canonicalize(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => PrivateFileError::NotAFile("a symbolic link that leads nowhere"),
            _ => error.into(),
        }),
        _ => Ok(path.to_owned()),
    }
}

/// Opens the file, or creates it with mode 0600, and locks it against other processes.
pub(crate) fn open_locked(path: &Path) -> Result<File, PrivateFileError> {
    for _ in 0..MAX_ATTEMPTS {
        let file = open_or_create(path)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            break;
        }
        // The holder of the lock may have replaced the file between our `open` and our `flock`.
        if is_at(&file, path)? {
            return Ok(file);
        }
    }
    Err(PrivateFileError::Locked)
}

/// Replaces the file with the content that `write` produces, atomically, and locks the new file. Returns it, positioned
/// at its end, with the result of `write`.
pub(crate) fn replace<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
) -> io::Result<(File, T)> {
    let temporary = temporary_path(path);
    let result = write_locked(&temporary, write).and_then(|written| fs::rename(&temporary, path).map(|()| written));
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn open_or_create(path: &Path) -> Result<File, PrivateFileError> {
    // Opening a named pipe would wait for its other end.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600).custom_flags(flags.bits().cast_signed());
    let opened = options.open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
    let not_a_file =
        |metadata: &fs::Metadata| PrivateFileError::NotAFile(io_error::describe_file_type(metadata.file_type()));
    match opened {
        Ok((file, metadata)) if metadata.is_file() => Ok(file),
        Ok((_, metadata)) => Err(not_a_file(&metadata)),
        // Opening a folder or a socket fails.
        Err(error) => match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => Err(not_a_file(&metadata)),
            _ => Err(error.into()),
        },
    }
}

/// Returns whether `path` still names this file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let opened = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(current) => Ok((current.dev(), current.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn write_locked<T>(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>) -> io::Result<(File, T)> {
    // Only the holder of the lock writes here, so an existing file is the remainder of a killed run.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    let mut out = BufWriter::new(file);
    let result = write(&mut out)?;
    out.flush()?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok((file, result))
}

/// Returns the path of the new content. A rename is atomic only within one file system, so it is in the same folder.
fn temporary_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".genesys-tail");
    path.with_file_name(name)
}
