//! Locks and identities of files. A new file gets the permissions of its folder, which in a profile are those of its user.
//!
//! A file that is open for writing denies other processes to write: the sharing mode is the lock. They can read, rename and
//! remove the file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek as _, SeekFrom};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use winapi_util::file;

use crate::system::device_name::is_device_name;
use crate::system::private_file::{PrivateFileError, WriteMode, require_file};

const FILE_SHARE_READ: u32 = 1;
const FILE_SHARE_DELETE: u32 = 4;

/// Another process has the file open for writing, or does not let others write.
const ERROR_SHARING_VIOLATION: i32 = 32;

/// The identity of a file on this machine, whatever its name is: volume and file index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId(u64, u64);

impl FileId {
    /// Returns the identity of an open file.
    pub(crate) fn of_file(file: &File) -> io::Result<Self> {
        let information = file::information(file)?;
        Ok(Self(information.volume_serial_number(), information.file_index()))
    }

    /// Returns the identity of the file at a path, behind any symbolic link.
    pub(crate) fn of_path(path: &Path) -> io::Result<Self> {
        Self::of_file(&OpenOptions::new().access_mode(0).open(path)?)
    }
}

/// Opens or creates the file at a [resolved](crate::system::private_file::resolve) path and locks it against other
/// processes.
pub(crate) fn open_locked(path: &Path, mode: WriteMode) -> Result<File, PrivateFileError> {
    open(path, mode).map_err(|error| match error {
        PrivateFileError::Io(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => {
            PrivateFileError::Locked
        }
        error => error,
    })
}

/// Opens or creates a file. In append mode, the position is the end of the file; no other process can write behind it.
pub(crate) fn open(path: &Path, mode: WriteMode) -> Result<File, PrivateFileError> {
    if is_device_name(&path.to_string_lossy()) {
        return Err(PrivateFileError::NotAFile("a device"));
    }
    restore_original(path);
    if let Ok(metadata) = fs::metadata(path) {
        require_file(metadata.file_type())?;
    }
    let mut file = exclusive().read(true).write(true).create(true).open(path)?;
    if !file::typ(&file)?.is_disk() {
        return Err(PrivateFileError::NotAFile("a device"));
    }
    if mode == WriteMode::Append {
        file.seek(SeekFrom::End(0))?;
    }
    Ok(file)
}

/// Creates a file that does not exist yet, and locks it.
pub(crate) fn create_locked(path: &Path) -> io::Result<File> {
    exclusive().write(true).create_new(true).open(path)
}

/// Replaces a file by another one. Both may be open. If the file system does not replace an open file, its name is free for
/// a moment; [`open`] restores it after a crash.
pub(crate) fn rename_over(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => rename_aside(from, to),
        result => result,
    }
}

/// Creates a folder.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Accepts any folder: only an attempt to create a file tells whether that is permitted.
#[expect(clippy::unnecessary_wraps, reason = "other systems tell it beforehand")]
pub(crate) fn require_writable(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns `None`: Windows has no file modes.
pub(crate) fn exposed_mode(_: &Path) -> Option<u32> {
    None
}

/// Returns `None`: Windows has no file modes.
pub(crate) fn exposed_mode_of(_: &File) -> Option<u32> {
    None
}

/// Returns `false`: the permissions of the folder decide.
pub(crate) fn is_of_other_user(_: &File) -> bool {
    false
}

/// Returns options to open a file that no other process can write.
fn exclusive() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.share_mode(FILE_SHARE_READ | FILE_SHARE_DELETE);
    options
}

/// Replaces a file by another one in two steps.
fn rename_aside(from: &Path, to: &Path) -> io::Result<()> {
    let aside = path_aside(to);
    let _ = fs::remove_file(&aside);
    fs::rename(to, &aside)?;
    let result = fs::rename(from, to);
    let _ = if result.is_ok() { fs::remove_file(&aside) } else { fs::rename(&aside, to) };
    result
}

/// Gives the file its name back, if a crash left it without one.
fn restore_original(path: &Path) {
    if !path.exists() {
        let _ = fs::rename(path_aside(path), path);
    }
}

/// Returns the name of the original while it is replaced, in the same folder.
fn path_aside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".genesys-tail-old");
    path.with_file_name(name)
}
