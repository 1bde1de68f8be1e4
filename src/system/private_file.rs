//! The place of a cursor on disk: one process at a time has it, and a new content takes the place of the old as a whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

use crate::cursor::CursorError;
use crate::system::io_error;

/// How often another process may put a new file in the place of the one that was just opened.
const RACES: usize = 8;

/// Where the file really is. A link is followed to a file that is there, and nowhere else.
pub(crate) fn real(path: &Path) -> Result<PathBuf, CursorError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => fs::canonicalize(path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => not_a_file(path, "a symbolic link that leads nowhere"),
            _ => failed(path, source),
        }),
        _ => Ok(path.to_owned()),
    }
}

/// Opens the file, or creates it readable by its owner alone, and keeps every other process away from it.
pub(crate) fn lock(path: &Path) -> Result<File, CursorError> {
    for _ in 0..RACES {
        let file = open(path)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            break;
        }
        if is_at(&file, path).map_err(|source| failed(path, source))? {
            return Ok(file);
        }
    }
    Err(CursorError::Busy(path.to_owned()))
}

/// Puts what `write` writes in the place of the file, all of it or nothing, and keeps others away from that as well. It is
/// at its end.
pub(crate) fn replace<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
) -> io::Result<(File, T)> {
    let beside = beside(path);
    let result = fill(&beside, write).and_then(|done| fs::rename(&beside, path).map(|()| done));
    if result.is_err() {
        let _ = fs::remove_file(&beside);
    }
    result
}

fn open(path: &Path) -> Result<File, CursorError> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600).custom_flags(flags.bits().cast_signed());
    let opened = options.open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
    match opened {
        Ok((file, metadata)) if metadata.is_file() => Ok(file),
        Ok((_, metadata)) => Err(not_a_file(path, io_error::kind(metadata.file_type()))),
        // A folder cannot even be opened, nor a socket.
        Err(source) => match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => Err(not_a_file(path, io_error::kind(metadata.file_type()))),
            _ => Err(failed(path, source)),
        },
    }
}

/// Whether the file is still the one at this path.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn fill<T>(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>) -> io::Result<(File, T)> {
    // Whoever holds the cursor is the only one to write there; what is there was left by a run that was killed.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    let mut out = BufWriter::new(file);
    let done = write(&mut out)?;
    out.flush()?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok((file, done))
}

/// The file that will take the place of the one at `path`, in the same folder.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".genesys-tail");
    path.with_file_name(name)
}

fn not_a_file(path: &Path, what: &'static str) -> CursorError {
    CursorError::NotAFile { path: path.to_owned(), what }
}

fn failed(path: &Path, source: io::Error) -> CursorError {
    CursorError::io(path, source)
}
