//! Opening a cursor: whether there is one, and whether it is of what is followed.

use std::io::BufReader;
use std::path::Path;

use super::format::{self, Fault, Header};
use super::retention::Kept;
use super::{CursorError, CursorFile, FollowedTargets};
use crate::dedup::FingerprintKey;
use crate::system::private_file;

/// The file, and the keys of what is in it.
pub(super) fn open(path: &Path, followed: FollowedTargets<'_>) -> Result<CursorFile, CursorError> {
    let real = private_file::resolve_link(path).map_err(|error| CursorError::from_file(path, error))?;
    // It stays locked until the file that takes its place is locked as well.
    let locked = private_file::open_locked(&real).map_err(|error| CursorError::from_file(&real, error))?;
    let (mut header, kept) = match format::read(BufReader::new(&locked)) {
        Ok(Some((header, kept))) => (header, kept),
        Ok(None) => (Header::new(FingerprintKey::default()), Vec::new()),
        Err(fault) => return Err(of_fault(path, fault)),
    };
    if !belongs(&header, &kept, followed) {
        return Err(CursorError::Others(path.to_owned()));
    }
    join(&mut header, followed, kept.is_empty());
    let since = followed.since.map(|since| since.timestamp_millis());
    CursorFile::start(real, header, kept, since)
}

/// Whether something that is followed now was followed before, unless nothing was.
fn belongs(header: &Header, kept: &[Kept], followed: FollowedTargets<'_>) -> bool {
    let named = |kept: &Kept| followed.conversations.iter().any(|id| **id == *kept.conversation);
    let shared = |ours: &[String], theirs: &[String]| ours.iter().any(|id| theirs.contains(id));
    kept.is_empty()
        || kept.iter().any(named)
        || shared(&header.queues, followed.queues)
        || shared(&header.users, followed.users)
}

/// Adds what is followed now; where nothing has come of what was followed `before`, it takes its place.
fn join(header: &mut Header, followed: FollowedTargets<'_>, instead: bool) {
    for (theirs, ours) in [(&mut header.queues, followed.queues), (&mut header.users, followed.users)] {
        if instead {
            theirs.clear();
        }
        let more: Vec<String> = ours.iter().filter(|id| !theirs.contains(id)).cloned().collect();
        theirs.extend(more);
    }
}

fn of_fault(path: &Path, fault: Fault) -> CursorError {
    let path = path.to_owned();
    match fault {
        Fault::Foreign => CursorError::Foreign(path),
        Fault::Version(version) => CursorError::Version { path, version },
        Fault::Damaged(line, reason) => CursorError::Damaged { path, line, reason },
        Fault::Io(source) => CursorError::io(&path, source),
    }
}
