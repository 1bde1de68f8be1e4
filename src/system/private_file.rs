//! Files that only their owner can read. Cursors and recordings are used by one process at a time.

use std::ffi::OsString;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

use crate::system::io_error;

/// The number of times that another process may replace the file between opening and locking it.
const MAX_RACES: usize = 8;

/// The permissions of a new file (HIST-7, HIST-15).
const OWNER_ONLY: u32 = 0o600;

/// The reason why a file cannot be used. The caller adds the path.
#[derive(Debug)]
pub(crate) enum PrivateFileError {
    /// Another process holds the lock.
    Locked,
    /// The path leads to a folder, a pipe, a device or nowhere.
    NotAFile(&'static str),
    Io(io::Error),
}

/// The position of writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteMode {
    AtPosition,
    Append,
}

impl From<io::Error> for PrivateFileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Returns the path behind a symbolic link. A link to a missing file is an error: another user may have placed it to have
/// a file created where they cannot create one themselves.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, PrivateFileError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => fs::canonicalize(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => PrivateFileError::NotAFile("a dangling symbolic link"),
            _ => PrivateFileError::Io(error),
        }),
        _ => Ok(path.to_owned()),
    }
}

/// Opens or creates the file at a [resolved](resolve) path and locks it against other processes.
pub(crate) fn open_locked(path: &Path, mode: WriteMode) -> Result<File, PrivateFileError> {
    for _ in 0..MAX_RACES {
        let file = open(path, mode)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            break;
        }
        if is_at(&file, path)? {
            return Ok(file);
        }
    }
    Err(PrivateFileError::Locked)
}

/// Opens or creates the file at a path, behind any symbolic link, to append to it, without a lock. Also returns the device
/// and the inode of the file.
pub(crate) fn open_to_append(path: &Path) -> Result<(File, (u64, u64)), PrivateFileError> {
    let file = open(&resolve(path)?, WriteMode::Append)?;
    let metadata = file.metadata()?;
    Ok((file, (metadata.dev(), metadata.ino())))
}

/// Atomically replaces the file at `path` by a new one with the content that `write` produces. Returns the new file, locked
/// and positioned at its end, and the result of `write`.
pub(crate) fn replace<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
) -> io::Result<(File, T)> {
    let temporary = temporary_path(path);
    let result = create(&temporary, write).and_then(|created| fs::rename(&temporary, path).map(|()| created));
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn open(path: &Path, mode: WriteMode) -> Result<File, PrivateFileError> {
    // Opening a pipe or a device may already block or have an effect.
    if let Ok(metadata) = fs::metadata(path) {
        require_file(metadata.file_type())?;
    }
    let mut options = OpenOptions::new();
    options.read(true).create(true).mode(OWNER_ONLY);
    match mode {
        WriteMode::AtPosition => options.write(true),
        WriteMode::Append => options.append(true),
    };
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    require_file(file.metadata()?.file_type())?;
    Ok(file)
}

fn require_file(file_type: FileType) -> Result<(), PrivateFileError> {
    if file_type.is_file() { Ok(()) } else { Err(PrivateFileError::NotAFile(io_error::describe_file_type(file_type))) }
}

/// Returns whether `path` still leads to the open file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn create<T>(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>) -> io::Result<(File, T)> {
    // The process that holds the lock of the original is the only one to write here. An existing file was left by a run
    // that was killed.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    let mut out = BufWriter::new(file);
    let result = write(&mut out)?;
    out.flush()?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok((file, result))
}

/// Returns the path of the replacement, in the same folder.
fn temporary_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".genesys-tail");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_file_is_readable_by_its_owner_only_and_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let first = open_locked(&path, WriteMode::Append).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, OWNER_ONLY);
        assert!(matches!(open_locked(&path, WriteMode::AtPosition), Err(PrivateFileError::Locked)));
        drop(first);
        assert!(open_locked(&path, WriteMode::AtPosition).is_ok());
    }

    #[test]
    fn a_replacement_is_private_and_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        let (_file, length) = replace(&path, |out| out.write(b"new")).unwrap();
        assert_eq!((length, fs::read_to_string(&path).unwrap().as_str()), (3, "new"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, OWNER_ONLY);
        assert!(matches!(open_locked(&path, WriteMode::Append), Err(PrivateFileError::Locked)));
    }

    #[test]
    fn a_failed_replacement_leaves_the_file_unchanged_and_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        assert!(replace(&path, |_| Err::<(), _>(ErrorKind::StorageFull.into())).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
