//! Classes of I/O errors and file types.

use std::fs::FileType;
use std::io;

const ERROR_TOO_MANY_OPEN_FILES: i32 = 4;
const WSAEMFILE: i32 = 10_024;

/// Returns whether the process, or the system, has no handle left.
pub(crate) fn is_short_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(ERROR_TOO_MANY_OPEN_FILES | WSAEMFILE))
}

/// Returns the name of a file type other than a regular file.
pub(crate) fn describe_file_type(file_type: FileType) -> &'static str {
    if file_type.is_dir() { "a folder" } else { "not a regular file" }
}
