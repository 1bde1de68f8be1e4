//! Reads settings from small files and from stdin, and detects files that other users can read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::system::io_error;

/// The maximum size of a settings file, far more than is written by hand.
const MAX_SIZE: u64 = 1 << 20;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a file of at most 1 MiB as text without a byte order mark.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let text = read_bytes(path).and_then(decode)?;
    Ok(without_mark(&text).to_owned())
}

/// Reads a file of at most 1 MiB. An error holds nothing of the content, which may be a secret.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_SIZE + 1).read_to_end(&mut text));
    match read {
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound => "file not found".into(),
            io::ErrorKind::PermissionDenied => "permission denied".into(),
            _ => io_error::describe(&error),
        }),
        Ok(_) if text.len() as u64 > MAX_SIZE => Err("larger than 1 MiB".into()),
        Ok(_) => Ok(text),
    }
}

/// Decodes UTF-8, or UTF-16 with a byte order mark, which some editors and shells write. The mark stays.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let text = match bytes.as_slice() {
        [0xFF, 0xFE, ..] => decode_utf16(&bytes, u16::from_le_bytes),
        [0xFE, 0xFF, ..] => decode_utf16(&bytes, u16::from_be_bytes),
        _ => String::from_utf8(bytes).ok(),
    };
    text.ok_or_else(|| "not UTF-8 text".to_owned())
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return None };
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16(&units).ok()
}

/// Removes the byte order mark at the start of a text (CLI-70).
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Removes byte order marks, line breaks and blanks around a value, and a pair of quotes, which some tools keep (CLI-70).
pub(super) fn trimmed(value: &str) -> &str {
    unquoted(value.trim_matches(|character: char| character.is_whitespace() || character == BYTE_ORDER_MARK))
}

/// Returns the text between a pair of quotes, or else the text itself, without blanks around it.
pub(super) fn unquoted(text: &str) -> &str {
    let between = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\'')).unwrap_or(text).trim()
}

/// Returns the warning about a secret in a file with these permissions.
pub(super) fn exposure_warning(path: &Path, mode: u32) -> String {
    let path = path.display();
    format!("other users can read the client secret in {path} (mode {mode:03o}); run chmod 600 {path}")
}

/// Standard input. Only one setting can be read from it.
pub(super) struct Stdin<'a> {
    reader: &'a mut dyn Read,
    read_for: Option<&'static str>,
}

impl<'a> Stdin<'a> {
    pub(super) fn new(reader: &'a mut dyn Read) -> Self {
        Self { reader, read_for: None }
    }

    /// Keeps all of it for `setting`, which reads it later.
    pub(super) fn keep_for(&mut self, setting: &'static str) {
        self.read_for = Some(setting);
    }

    /// Reads all of it for `setting`. The error is the reason in words.
    pub(super) fn read_for(&mut self, setting: &'static str) -> Result<String, String> {
        if let Some(other) = self.read_for.replace(setting) {
            return Err(format!("standard input is already used by {other}"));
        }
        let mut text = Vec::new();
        self.reader.read_to_end(&mut text).map_err(|error| io_error::describe(&error))?;
        decode(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settings_file_of_at_most_1_mib_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings");
        assert_eq!(read(&path).unwrap_err(), "file not found");
        std::fs::write(&path, "a=1").unwrap();
        assert_eq!(read(&path).unwrap(), "a=1");
        std::fs::write(&path, vec![b' '; 1 << 20]).unwrap();
        assert!(read(&path).is_ok());
        std::fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
        assert!(read(&path).unwrap_err().contains("larger"));
        std::fs::write(&path, b"hunter2\xff").unwrap();
        assert_eq!(read(&path).unwrap_err(), "not UTF-8 text");
    }

    /// (R6, R7) CLI-70.
    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        let utf16 = |mark: [u8; 2], unit: fn(u16) -> [u8; 2]| {
            mark.into_iter().chain("a\u{1f600}\n".encode_utf16().flat_map(unit)).collect::<Vec<u8>>()
        };
        for bytes in [
            "a\u{1f600}\n".into(),
            "\u{feff}a\u{1f600}\n".into(),
            utf16([0xFF, 0xFE], u16::to_le_bytes),
            utf16([0xFE, 0xFF], u16::to_be_bytes),
        ] {
            assert_eq!(decode(bytes).as_deref().map(without_mark), Ok("a\u{1f600}\n"));
        }
        for bytes in [&b"\xe9"[..], b"\xef\xbb\xbf\xe9", b"\xff\xfea", b"\xff\xfe\x00\xd8"] {
            assert_eq!(decode(bytes.to_vec()).unwrap_err(), "not UTF-8 text");
        }
        assert_eq!(decode(b"\xff\xfe".to_vec()).as_deref().map(without_mark), Ok(""));
    }
}
