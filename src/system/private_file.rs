//! Files that only their owner can read. Cursors and recordings are used by one process at a time.

use std::ffi::OsString;
use std::fs::{self, File, FileType};
use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

pub(crate) use super::platform::private_file::{
    FileId, create_folder, exposed_mode, exposed_mode_of, is_of_other_user, open_locked, require_writable,
};
use super::platform::private_file::{create_locked, open, rename_over};
use crate::system::io_error;

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

/// Opens or creates the file at a path, behind any symbolic link, to append to it, without a lock. Also returns its
/// identity.
pub(crate) fn open_to_append(path: &Path) -> Result<(File, FileId), PrivateFileError> {
    let file = open(&resolve(path)?, WriteMode::Append)?;
    let id = FileId::of_file(&file)?;
    Ok((file, id))
}

/// Atomically replaces the file at `path` by a new one with the content that `write` produces. Returns the new file, locked
/// and positioned at its end, and the result of `write`.
pub(crate) fn replace<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
) -> io::Result<(File, T)> {
    let temporary = temporary_path(path);
    let result = create(&temporary, write).and_then(|created| rename_over(&temporary, path).map(|()| created));
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// Refuses folders, pipes, sockets and devices.
pub(super) fn require_file(file_type: FileType) -> Result<(), PrivateFileError> {
    if file_type.is_file() { Ok(()) } else { Err(PrivateFileError::NotAFile(io_error::describe_file_type(file_type))) }
}

fn create<T>(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>) -> io::Result<(File, T)> {
    // The process that holds the lock of the original is the only one to write here. An existing file was left by a run
    // that was killed.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = BufWriter::new(create_locked(path)?);
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
    use super::*;
    use crate::system::whole_lines;

    #[test]
    fn a_failed_replacement_leaves_the_file_unchanged_and_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        assert!(replace(&path, |_| Err::<(), _>(ErrorKind::StorageFull.into())).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_open_file_is_locked_and_its_replacement_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut first = open_locked(&path, WriteMode::Append).unwrap();
        first.write_all(b"old").unwrap();
        assert!(matches!(open_locked(&path, WriteMode::AtPosition), Err(PrivateFileError::Locked)));
        let (mut second, length) = replace(&path, |out| out.write(b"new")).unwrap();
        drop(first);
        assert!(matches!(open_locked(&path, WriteMode::Append), Err(PrivateFileError::Locked)));
        second.write_all(b"er").unwrap();
        assert_eq!((length, fs::read_to_string(&path).unwrap().as_str()), (3, "newer"));
        drop(second);
        assert!(open_locked(&path, WriteMode::AtPosition).is_ok());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_fragment_is_found_and_removed_in_a_file_that_was_opened_to_append() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "one\ntw").unwrap();
        let (mut file, _) = open_to_append(&path).unwrap();
        assert!(whole_lines::is_within_line(&file));
        file.write_all(b"\nthr").unwrap();
        whole_lines::remove_fragment(&file, b"thr");
        assert!(!whole_lines::is_within_line(&file));
        file.write_all(b"four\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntw\nfour\n");
    }

    #[test]
    fn appended_bytes_follow_the_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for text in ["one\n", "two\n"] {
            let (mut file, id) = open_to_append(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            assert_eq!(FileId::of_path(&path).ok(), Some(id));
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }
}
