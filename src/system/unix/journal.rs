//! The systemd journal, which stores the time of each line itself.

use std::os::fd::AsFd;

use rustix::fs::fstat;

/// Returns whether `stream` is the journal that a service manager named in `JOURNAL_STREAM`, as `DEVICE:INODE` in decimal.
pub(crate) fn is_journal(stream: impl AsFd, journal_stream: &str) -> bool {
    let (Some((device, inode)), Ok(stat)) = (journal_stream.split_once(':'), fstat(stream)) else { return false };
    device.parse() == Ok(stat.st_dev) && inode.parse() == Ok(stat.st_ino)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn the_journal_is_the_named_device_and_inode() {
        let stream = tempfile::tempfile().unwrap();
        let metadata = stream.metadata().unwrap();
        let (device, inode) = (metadata.dev(), metadata.ino());
        assert!(is_journal(&stream, &format!("{device}:{inode}")));
        for other in [format!("{device}:{}", inode + 1), format!("{}:{inode}", device + 1), String::new(), ":".into()] {
            assert!(!is_journal(&stream, &other), "{other}");
        }
    }
}
