//! Files that hold settings: small, and the affair of one user.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::system::io_error;

/// More than anybody writes by hand.
const LARGEST: u64 = 1 << 20;

/// The text of a file of at most 1 MiB. An error is in plain words and holds nothing of the file.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    match read {
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".into(),
            io::ErrorKind::PermissionDenied => "this user is not permitted to read it".into(),
            _ => io_error::describe(&error),
        }),
        Ok(_) if text.len() as u64 > LARGEST => Err("it is larger than 1 MiB, which settings are not".into()),
        Ok(_) => Ok(text),
    }
}

/// The permissions, where the group or everybody may read the file.
#[cfg(unix)]
pub(super) fn exposed(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o044 != 0).then_some(mode)
}

/// The permissions, where the group or everybody may read the file; unknown here.
#[cfg(not(unix))]
pub(super) fn exposed(_: &Path) -> Option<u32> {
    None
}

/// The warning of a secret in a file with these permissions.
pub(super) fn exposure(path: &Path, mode: u32) -> String {
    let path = path.display();
    format!("{path} holds a client secret and others can read it (mode {mode:03o}); chmod 600 {path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_a_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings");
        assert_eq!(read(&path).unwrap_err(), "there is no such file");
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
