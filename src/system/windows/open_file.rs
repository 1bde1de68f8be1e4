//! Size, position and content of an open file.

use std::fs::File;
use std::io::{self, ErrorKind, Seek as _, SeekFrom};
use std::os::windows::fs::FileExt as _;
use std::path::PathBuf;

use winapi_util::file;

use super::stdout::Stdout;
use super::stream::BorrowedStream;

/// A file that is read through its handle, which it shares with the output.
pub(crate) struct Reader {
    file: File,
    position: u64,
}

impl Reader {
    /// Prepares the file for reading. Only the first read tells whether this is permitted: a handle that is open for
    /// writing only cannot be opened again.
    pub(crate) fn open(out: BorrowedStream<'_>) -> Option<Self> {
        let (file, position) = (disk_file(out)?, position(out)?);
        Some(Self { file, position })
    }

    /// Reads bytes at a position.
    pub(crate) fn read_exact_at(&self, mut buffer: &mut [u8], mut position: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            let length = self.file.seek_read(buffer, position)?;
            if length == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            (buffer, position) = (&mut buffer[length..], position + length as u64);
        }
        Ok(())
    }
}

impl Drop for Reader {
    /// Restores the position, which a read changes.
    fn drop(&mut self) {
        let _ = self.file.seek(SeekFrom::Start(self.position));
    }
}

/// Returns the size of a regular file.
pub(crate) fn size(out: BorrowedStream<'_>) -> Option<u64> {
    Some(disk_file(out)?.metadata().ok()?.len())
}

/// Returns the current position in a file.
pub(crate) fn position(out: BorrowedStream<'_>) -> Option<u64> {
    disk_file(out)?.stream_position().ok()
}

/// Returns the position of the next write to a regular file. `>>` of a shell sets it to the end.
pub(crate) fn write_position(out: BorrowedStream<'_>) -> Option<u64> {
    position(out)
}

/// Truncates a file, and sets its position to the new end.
pub(crate) fn truncate(out: BorrowedStream<'_>, size: u64) {
    let Some(mut file) = disk_file(out) else { return };
    if file.set_len(size).is_ok() {
        // The next write of a process that shares the position must not leave a hole.
        let _ = file.seek(SeekFrom::Start(size));
    }
}

/// Returns `None`: there is no safe way to ask for the path of an open file.
pub(crate) fn relative_path(_: &Stdout) -> Option<PathBuf> {
    None
}

/// Returns a copy of the handle of a regular file. It shares the position.
fn disk_file(out: BorrowedStream<'_>) -> Option<File> {
    let file = File::from(out.try_clone_to_owned().ok()?);
    file::typ(&file).is_ok_and(|kind| kind.is_disk()).then_some(file)
}
