//! What the operating system says, in plain words.

use std::fs::FileType;
use std::io;
use std::os::unix::fs::FileTypeExt as _;

/// The words of an I/O error without the number that is put behind them, as in `(os error 2)`.
pub(crate) fn words(error: &io::Error) -> String {
    let words = error.to_string();
    if words == "stream did not contain valid UTF-8" {
        return "it is no text in UTF-8".to_owned();
    }
    match error.raw_os_error().and_then(|number| words.strip_suffix(&format!(" (os error {number})"))) {
        Some(plain) => plain.to_owned(),
        None => words,
    }
}

/// What something is that is no regular file.
pub(crate) fn kind(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a named pipe",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_char_device() || kind.is_block_device() => "a device",
        _ => "no regular file",
    }
}

/// What to do about a file that cannot be written, where there is something to say.
pub(crate) fn writing(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some("make room on the disk, and start again"),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("the file and its folder have to be writable")
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Some("its folder has to be there"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_left_out_and_nothing_else() {
        assert_eq!(words(&io::Error::from_raw_os_error(2)), "No such file or directory");
        assert_eq!(words(&io::Error::other("it is full (os error 2)")), "it is full (os error 2)");
        let binary = io::read_to_string(&b"\xff"[..]).expect_err("no text");
        assert_eq!(words(&binary), "it is no text in UTF-8");
    }
}
