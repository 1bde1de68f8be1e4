//! Permissions, locks and identities of files.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{Access, FlockOperation, OFlags, access, flock};

use crate::system::private_file::{PrivateFileError, WriteMode, require_file};

/// The number of times that another process may replace the file between opening and locking it.
const MAX_RACES: usize = 8;

/// The permissions of a new file (HIST-7, HIST-15).
const FILE_OF_OWNER: u32 = 0o600;

/// The permissions of a new folder. Transcripts are personal data.
const FOLDER_OF_OWNER: u32 = 0o700;

/// The identity of a file on this machine, whatever its name is: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId(u64, u64);

impl FileId {
    /// Returns the identity of an open file.
    pub(crate) fn of_file(file: &File) -> io::Result<Self> {
        file.metadata().map(|metadata| Self::of(&metadata))
    }

    /// Returns the identity of the file at a path, behind any symbolic link.
    pub(crate) fn of_path(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|metadata| Self::of(&metadata))
    }

    fn of(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// Opens or creates the file at a [resolved](crate::system::private_file::resolve) path and locks it against other
/// processes.
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

/// Opens or creates a file that only its owner can read.
pub(crate) fn open(path: &Path, mode: WriteMode) -> Result<File, PrivateFileError> {
    // Opening a pipe or a device may already block or have an effect.
    if let Ok(metadata) = fs::metadata(path) {
        require_file(metadata.file_type())?;
    }
    let mut options = OpenOptions::new();
    options.read(true).create(true).mode(FILE_OF_OWNER);
    match mode {
        WriteMode::AtPosition => options.write(true),
        WriteMode::Append => options.append(true),
    };
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    require_file(file.metadata()?.file_type())?;
    Ok(file)
}

/// Creates a file that does not exist yet, and locks it.
pub(crate) fn create_locked(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(FILE_OF_OWNER).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// Atomically replaces a file by another one. Both may be open.
pub(crate) fn rename_over(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Creates a folder that only its owner can read.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(FOLDER_OF_OWNER).create(path)
}

/// Checks that files can be created in a folder.
pub(crate) fn require_writable(folder: &Path) -> io::Result<()> {
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Returns the permissions of the file at a path if its group or all users can read it.
pub(crate) fn exposed_mode(path: &Path) -> Option<u32> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o044 != 0).then_some(mode)
}

/// Returns the permissions of an open file if its group or all users have any.
pub(crate) fn exposed_mode_of(file: &File) -> Option<u32> {
    let mode = file.metadata().ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Returns whether an open file belongs to another user, who can always read it.
pub(crate) fn is_of_other_user(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.uid() != rustix::process::geteuid().as_raw())
}

/// Returns whether `path` still leads to the open file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = FileId::of_file(file)?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(FileId::of(&found) == open),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::system::private_file::replace;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_file_and_its_replacement_are_readable_by_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        open_locked(&path, WriteMode::Append).unwrap();
        assert_eq!(mode(&path), FILE_OF_OWNER);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "old").unwrap();
        replace(&path, |out| out.write(b"new")).unwrap();
        assert_eq!(mode(&path), FILE_OF_OWNER);
    }
}
