//! Classes of I/O errors and file types.

use std::fs::FileType;
use std::io;
use std::os::unix::fs::FileTypeExt as _;

use rustix::io::Errno;

/// Returns whether the process, or the system, has no file descriptor left.
pub(crate) fn is_short_of_files(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// Returns the name of a file type other than a regular file.
pub(crate) fn describe_file_type(file_type: FileType) -> &'static str {
    match file_type {
        file_type if file_type.is_dir() => "a folder",
        file_type if file_type.is_fifo() => "a named pipe",
        file_type if file_type.is_socket() => "a socket",
        file_type if file_type.is_char_device() || file_type.is_block_device() => "a device",
        _ => "not a regular file",
    }
}
