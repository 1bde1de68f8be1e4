//! Texts and hints for I/O errors.

use std::io;
use std::path::Path;

pub(crate) use super::platform::io_error::{describe_file_type, is_short_of_files};
use super::platform::limits::FILE_SIZE_HINT;

/// Returns the text of an I/O error without the number that the standard library appends, as in `(os error 2)`.
pub(crate) fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    if text == "stream did not contain valid UTF-8" {
        return "not UTF-8 text".to_owned();
    }
    match error.raw_os_error().and_then(|number| text.strip_suffix(&format!(" (os error {number})"))) {
        // Windows ends its texts with a full stop.
        Some(without_number) => without_number.trim_end_matches('.').to_owned(),
        None => text,
    }
}

/// Returns the next step for a file that cannot be written.
pub(crate) fn write_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free disk space, then start again",
        io::ErrorKind::FileTooLarge => FILE_SIZE_HINT,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "make the file and its folder writable",
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "create the folder of the file",
        _ => "check the file or device, then start again",
    }
}

/// Returns the next step for a file at `path` that cannot be written.
pub(crate) fn write_hint_to(path: &Path, error: &io::Error) -> &'static str {
    let is_missing = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    if is_missing && path.parent().is_some_and(Path::is_dir) {
        return "the folder must exist and be writable";
    }
    write_hint(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_error_has_no_number_and_no_full_stop() {
        let text = describe(&io::Error::from_raw_os_error(2));
        assert!(!text.is_empty() && !text.contains("os error") && !text.ends_with('.'), "{text}");
        assert_eq!(describe(&io::Error::other("it is full (os error 2)")), "it is full (os error 2)");
    }

    #[test]
    fn only_a_missing_folder_has_to_be_created() {
        let error = io::Error::from_raw_os_error(2);
        let hint = |path: &Path| write_hint_to(path, &error);
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(hint(&folder.path().join("nowhere/x")), "create the folder of the file");
        assert_eq!(hint(&folder.path().join("x")), "the folder must exist and be writable");
    }

    #[test]
    fn binary_content_is_named_as_such() {
        let error = io::read_to_string(&b"\xff"[..]).expect_err("no UTF-8");
        assert_eq!(describe(&error), "not UTF-8 text");
    }
}
