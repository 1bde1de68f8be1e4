//! Reads settings from small files and from stdin, and detects files that other users can read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::system::io_error;

/// The maximum size of a settings file, far more than is written by hand.
const MAX_SIZE: u64 = 1 << 20;

/// Reads a file of at most 1 MiB. An error holds nothing of the content, which may be a secret.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_SIZE + 1).read_to_string(&mut text));
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

/// Returns the permissions of the file if its group or all users can read it.
#[cfg(unix)]
pub(super) fn exposed_mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o044 != 0).then_some(mode)
}

/// Returns `None`: this operating system has no file modes.
#[cfg(not(unix))]
pub(super) fn exposed_mode(_: &Path) -> Option<u32> {
    None
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

    /// Reads all of it for `setting`. The error is the reason in words.
    pub(super) fn read_for(&mut self, setting: &'static str) -> Result<String, String> {
        if let Some(other) = self.read_for.replace(setting) {
            return Err(format!("standard input is already used by {other}"));
        }
        let mut text = String::new();
        self.reader.read_to_string(&mut text).map_err(|error| io_error::describe(&error))?;
        Ok(text)
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
        assert!(!read(&path).unwrap_err().contains("hunter2"));
    }
}
