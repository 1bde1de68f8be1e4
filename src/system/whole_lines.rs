//! Whole lines in a regular file that is an output of this process (OUT-45, OUT-46).
//!
//! Other processes may write to the same file, through a descriptor of their own or through a copy of ours. A check and the
//! change after it are therefore close together, and bytes that are not known to be ours are never removed.
//!
//! On Windows an output that was opened for writing only, as by `>`, cannot be read: a partly written line remains, and the next
//! run ends it.

use super::platform::open_file::{self, Reader};
use super::stream::{AsStream, BorrowedStream};

/// The number of bytes that are read at once.
const STEP: usize = 4096;

/// Returns whether the next write to `out` would continue an incomplete line. Only a regular file is checked.
///
/// An unreadable file counts as one with an incomplete line: an empty line does less harm than two lines in one.
pub(crate) fn is_within_line(out: &impl AsStream) -> bool {
    match open_file::write_position(out.as_stream()) {
        None | Some(0) => false,
        Some(position) => !is_line_start(Reader::open(out.as_stream()).as_ref(), position),
    }
}

/// Removes `fragment`, the bytes written last, from a regular file that still ends with them.
///
/// Leaves any other file unchanged: the bytes of another process may follow, or the end of the file may be unreadable.
pub(crate) fn remove_fragment(out: &impl AsStream, fragment: &[u8]) {
    if let Some(start) = start_of_last_write(out.as_stream(), fragment) {
        open_file::truncate(out.as_stream(), start);
    }
}

fn is_line_start(file: Option<&Reader>, position: u64) -> bool {
    let mut last = [0];
    file.is_some_and(|file| file.read_exact_at(&mut last, position - 1).is_ok()) && last == *b"\n"
}

/// Returns the position of `fragment` if a regular file ends with it and the last write was ours.
fn start_of_last_write(out: BorrowedStream<'_>, fragment: &[u8]) -> Option<u64> {
    let size = open_file::size(out)?;
    let start = size.checked_sub(fragment.len() as u64)?;
    let is_last = start < size && open_file::position(out) == Some(size);
    (is_last && holds(&Reader::open(out)?, start, fragment)).then_some(start)
}

/// Returns whether these bytes are at this position of the file.
fn holds(file: &Reader, position: u64, bytes: &[u8]) -> bool {
    let mut buffer = [0; STEP];
    bytes.chunks(STEP).zip((position..).step_by(STEP)).all(|(chunk, position)| {
        let read = &mut buffer[..chunk.len()];
        file.read_exact_at(read, position).is_ok() && read == chunk
    })
}

#[cfg(test)]
// A handle on Windows does not tell whether it appends, and can be read only if it was opened for that.
#[cfg(unix)]
mod tests {
    use std::fs::{self, File, OpenOptions};
    use std::io::{self, Seek as _, Write as _};
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    /// A file in its own temporary folder.
    struct Log {
        _folder: TempDir,
        path: PathBuf,
    }

    impl Log {
        fn new(content: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            fs::write(&path, content).unwrap();
            Self { _folder: folder, path }
        }

        /// Opens the file like `>>` of a shell.
        fn append(&self) -> File {
            OpenOptions::new().append(true).open(&self.path).unwrap()
        }

        /// Opens the file for writing only, at this position, like `>` after other output.
        fn write_at(&self, position: u64) -> File {
            let mut file = OpenOptions::new().write(true).open(&self.path).unwrap();
            file.seek(io::SeekFrom::Start(position)).unwrap();
            file
        }

        fn content(&self) -> String {
            fs::read_to_string(&self.path).unwrap()
        }
    }

    /// Appends `written` through `out`, and removes its fragment.
    fn write_and_remove(mut out: &File, written: &str, fragment: &str) {
        out.write_all(written.as_bytes()).unwrap();
        remove_fragment(&out, fragment.as_bytes());
    }

    #[test]
    fn appending_continues_a_line_if_the_file_does_not_end_with_a_line_break() {
        for (content, expected) in [("", false), ("one\n", false), ("\n", false), ("one\ntw", true), ("x", true)] {
            assert_eq!(is_within_line(&Log::new(content).append()), expected, "{content:?}");
        }
    }

    #[test]
    fn without_append_mode_the_byte_before_the_position_decides() {
        for (content, position, expected) in [
            ("one", 0, false),
            ("one\n", 4, false),
            ("one", 3, true),
            ("one\ntwo", 4, false),
            ("one\ntwo\n", 6, true),
            // Another process has truncated the file. The line break ends the hole.
            ("", 5, true),
        ] {
            assert_eq!(is_within_line(&Log::new(content).write_at(position)), expected, "{content:?} at {position}");
        }
    }

    #[test]
    fn a_file_that_is_readable_too_or_has_no_name_is_checked() {
        let log = Log::new("one");
        let file = OpenOptions::new().read(true).append(true).open(&log.path).unwrap();
        assert!(is_within_line(&file));
        fs::remove_file(&log.path).unwrap();
        assert!(is_within_line(&file));
        write_and_remove(&file, "\ntw", "tw");
        assert!(!is_within_line(&file));
    }

    #[test]
    fn an_unreadable_end_counts_as_an_incomplete_line() {
        assert!(!is_line_start(None, 1));
    }

    #[test]
    fn pipes_and_devices_have_no_lines_to_continue_or_remove() {
        let (_reader, pipe) = io::pipe().unwrap();
        assert!(!is_within_line(&pipe));
        remove_fragment(&pipe, b"x");
        for device in ["/dev/null", "/dev/full"] {
            let device = OpenOptions::new().write(true).open(device).unwrap();
            assert!(!is_within_line(&device));
            remove_fragment(&device, b"x");
        }
    }

    #[test]
    fn a_fragment_is_removed_from_the_end() {
        let large = (0..STEP).map(|number| format!("{number:03}")).collect::<Vec<_>>().concat();
        for fragment in ["t", "tw", &large] {
            let log = Log::new("one\n");
            write_and_remove(&log.append(), fragment, fragment);
            assert_eq!(log.content(), "one\n");
            write_and_remove(&log.write_at(4), &format!("two\n{fragment}"), fragment);
            assert_eq!(log.content(), "one\ntwo\n");
        }
    }

    #[test]
    fn a_write_through_a_shared_position_follows_the_last_whole_line() {
        let log = Log::new("");
        let out = log.write_at(0);
        write_and_remove(&out, "one\ntw", "tw");
        out.try_clone().unwrap().write_all(b"error\n").unwrap();
        assert_eq!(log.content(), "one\nerror\n");
    }

    #[test]
    fn bytes_that_another_process_has_appended_are_kept() {
        let log = Log::new("");
        let mut out = log.append();
        out.write_all(b"one\ntw").unwrap();
        log.append().write_all(b"other\ntw").unwrap();
        remove_fragment(&out, b"tw");
        assert_eq!(log.content(), "one\ntwother\ntw");
    }

    #[test]
    fn bytes_that_were_written_through_a_copy_of_the_descriptor_are_kept() {
        let fragment = "tw".repeat(STEP);
        for mode in [Log::append, |log: &Log| log.write_at(0)] {
            let log = Log::new("");
            let mut out = mode(&log);
            out.write_all(fragment.as_bytes()).unwrap();
            out.try_clone().unwrap().write_all(b"error: two\n").unwrap();
            remove_fragment(&out, fragment.as_bytes());
            assert_eq!(log.content(), format!("{fragment}error: two\n"));
        }
    }

    #[test]
    fn bytes_of_another_process_within_a_fragment_are_kept() {
        let (first, rest) = ("t", "w".repeat(STEP));
        let log = Log::new("");
        let mut out = log.append();
        out.write_all(first.as_bytes()).unwrap();
        log.append().write_all(b"other\n").unwrap();
        write_and_remove(&out, &rest, &format!("{first}{rest}"));
        assert_eq!(log.content(), format!("{first}other\n{rest}"));
    }

    #[test]
    fn a_truncated_file_is_not_changed() {
        let log = Log::new("");
        let mut out = log.write_at(0);
        out.write_all(b"one\ntw").unwrap();
        log.write_at(0).set_len(0).unwrap();
        remove_fragment(&out, b"tw");
        assert_eq!(log.content(), "");
        log.append().write_all(b"a longer file").unwrap();
        remove_fragment(&out, b"tw");
        assert_eq!(log.content(), "a longer file");
    }

    #[test]
    fn a_fragment_in_the_middle_of_a_file_is_kept() {
        let log = Log::new("0123456789");
        write_and_remove(&log.write_at(0), "one", "one");
        assert_eq!(log.content(), "one3456789");
    }
}
