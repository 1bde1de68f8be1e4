//! Cursors on a real file system.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::dedup::IdKind;
use crate::dedup::checkpoint::{CLOSED_KEY, EarlierDeliveries};
use crate::dedup::{Dedup, OccurrenceCounter};
use crate::event::{Checkpoint, EventBody, Message, Origin, Party, Role, TranscriptEvent};

const HEADER: &str = "{\"genesys-tail-cursor\":1,\"keys\":[1,2]}\n";

fn folder_with_path() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cursor");
    (folder, path)
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

fn open_for(path: &Path, conversations: &[&str], queues: &[&str]) -> Result<CursorFile, CursorError> {
    let (conversations, queues) = (owned(conversations), owned(queues));
    super::open(
        path,
        FollowedTargets { conversations: &conversations, queues: &queues, users: &[], since: None, has_stream: false },
    )
}

fn open(path: &Path, conversations: &[&str]) -> Result<CursorFile, CursorError> {
    open_for(path, conversations, &[])
}

fn checkpoint(conversation: &str, key: u64) -> Checkpoint {
    Checkpoint { conversation: conversation.into(), key, at: Some(Utc::now().timestamp_millis()) }
}

/// Records one event of a conversation.
fn record_one(path: &Path, conversation: &str) {
    open(path, &[conversation]).unwrap().record([&checkpoint(conversation, 1)]).unwrap();
}

/// Returns the conversations with the number of their events.
fn recorded(file: &CursorFile) -> Vec<(String, usize)> {
    file.earlier_deliveries().map(|earlier| (earlier.conversation, earlier.keys.len())).collect()
}

/// Opens a file that has to be changed by the user, and returns the error.
fn refusal(path: &Path) -> String {
    let error = open(path, &["a"]).expect_err("refused");
    assert!(error.is_configuration_error(), "{error}");
    error.to_string()
}

#[test]
fn the_next_run_knows_the_recorded_events() {
    let (folder, path) = folder_with_path();
    let mut file = open(&path, &["a", "b"]).unwrap();
    file.record(&[checkpoint("b", 1), checkpoint("b", 2)]).unwrap();
    file.record([]).unwrap();
    file.record([&checkpoint("a", CLOSED_KEY)]).unwrap();
    drop(file);
    for _ in 0..2 {
        let file = open(&path, &["b"]).unwrap();
        assert_eq!(recorded(&file), [("b".to_owned(), 2), ("a".to_owned(), 1)]);
        let closed: Vec<bool> = file.earlier_deliveries().map(|earlier| earlier.resume_point.closed).collect();
        assert_eq!(closed, [false, true]);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

fn message(id: Option<&'static str>, at: Option<DateTime<Utc>>) -> TranscriptEvent<'static> {
    let body = EventBody::Message(Message {
        id: id.map(Into::into),
        role: Role::Customer,
        from: Party::default(),
        to: Party::default(),
        text: Some("hello".into()),
        attachments: Vec::new(),
        origin: Origin::Live,
        status: None,
        details: None,
    });
    TranscriptEvent { conversation: "a", at, received: Utc::now(), body, context: None }
}

fn closed(at: Option<DateTime<Utc>>) -> TranscriptEvent<'static> {
    TranscriptEvent { body: EventBody::Closed, ..message(None, at) }
}

#[test]
fn the_next_run_recognises_the_events_of_this_one() {
    let (_folder, path) = folder_with_path();
    let at = DateTime::from_timestamp(1_767_323_045, 5);
    let events =
        [message(Some("m1"), at), message(None, at), message(None, at), message(Some("m2"), None), closed(None)];
    for run in 0..2 {
        let mut file = open(&path, &["a"]).unwrap();
        let mut dedup = Dedup::resumed(file.fingerprint_key(), file.earlier_deliveries());
        let mut occurrences = OccurrenceCounter::default();
        assert_eq!(
            (dedup.is_delivered("a", IdKind::Text, "m1", None), dedup.resume_point("a").is_some()),
            (run == 1, run == 1)
        );
        for event in &events {
            assert_eq!(dedup.admit(event, &mut occurrences), run == 0, "{event:?}");
            file.record(&dedup.take_checkpoint()).unwrap();
        }
        for event in [message(None, at), message(None, None), message(Some("m3"), at)] {
            assert!(dedup.admit(&event, &mut occurrences), "not recorded: {event:?}");
        }
        if run == 1 {
            assert!(!dedup.admit(&closed(at), &mut occurrences), "a conversation closes once");
        }
    }
}

#[test]
fn a_second_process_is_refused_until_the_first_one_ends() {
    let (_folder, path) = folder_with_path();
    let mut first = open(&path, &["a"]).unwrap();
    assert!(refusal(&path).starts_with("another process uses cursor file "));
    first.record([&checkpoint("a", 1)]).unwrap();
    assert!(matches!(open(&path, &["a"]), Err(CursorError::Locked(_))));
    drop(first);
    assert_eq!(recorded(&open(&path, &["a"]).unwrap()), [("a".to_owned(), 1)]);
}

#[test]
fn a_long_file_is_compacted_and_stays_locked() {
    let (folder, path) = folder_with_path();
    let mut file = open(&path, &["a"]).unwrap();
    let now = Utc::now().timestamp_millis();
    // One event a minute, the last one a minute ago.
    let checkpoints = |keys: Range<u64>| -> Vec<Checkpoint> {
        let at = |key: u64| Some(now - 60_000 * (40_000 - key.cast_signed()));
        keys.map(|key| Checkpoint { conversation: "a".into(), key, at: at(key) }).collect()
    };
    let mut longest = 0;
    for from in (1..40_000).step_by(100) {
        file.record(&checkpoints(from..from + 100)).unwrap();
        longest = longest.max(fs::metadata(&path).unwrap().len());
        assert!(matches!(open(&path, &["a"]), Err(CursorError::Locked(_))));
    }
    assert!(longest < 1024 * 1024, "{longest}");
    drop(file);

    let file = open(&path, &["a"]).unwrap();
    let EarlierDeliveries { resume_point, keys, .. } = file.earlier_deliveries().next().unwrap();
    assert_eq!((keys.len(), keys.iter().min()), (1_000, Some(&39_001)));
    assert!(resume_point.covers(DateTime::from_timestamp_millis(now - 60_000 * 1_000)));
    assert!(fs::metadata(&path).unwrap().len() < 64 * 1024);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_longest_silent_of_too_many_conversations_are_forgotten() {
    let (_folder, path) = folder_with_path();
    let mut file = open(&path, &["c0"]).unwrap();
    let now = Utc::now().timestamp_millis();
    let checkpoints: Vec<Checkpoint> =
        (0..10_005).map(|n| Checkpoint { conversation: format!("c{n}").into(), key: 1, at: Some(now - n) }).collect();
    file.record(&checkpoints).unwrap();
    drop(file);
    let file = open(&path, &["c0"]).unwrap();
    assert_eq!(file.earlier_deliveries().count(), MAX_CONVERSATIONS);
    assert_eq!(file.earlier_deliveries().last().unwrap().conversation, "c0");
}

#[test]
fn age_identifies_the_events_of_the_longest_silent_conversations_beyond_the_limit() {
    let (_folder, path) = folder_with_path();
    let mut file = open(&path, &["c0"]).unwrap();
    let now = Utc::now().timestamp_millis();
    let checkpoints = (0..200_i64).flat_map(|n| {
        let conversation: Arc<str> = format!("c{n}").into();
        (0..800).map(move |key| Checkpoint { conversation: Arc::clone(&conversation), key, at: Some(now - n) })
    });
    file.record(&checkpoints.collect::<Vec<_>>()).unwrap();
    drop(file);
    let file = open(&path, &["c0"]).unwrap();
    let counts: Vec<usize> = recorded(&file).into_iter().map(|(_, count)| count).collect();
    assert_eq!((counts.len(), counts.iter().filter(|count| **count == 800).count()), (200, 163));
    assert!(fs::metadata(&path).unwrap().len() < 8 * 1024 * 1024);
}

#[test]
fn an_incomplete_last_line_is_ignored_and_overwritten() {
    let (_folder, path) = folder_with_path();
    record_one(&path, "a");
    let complete = fs::read(&path).unwrap();
    fs::write(&path, [complete.as_slice(), b"[0,17673"].concat()).unwrap();
    let mut file = open(&path, &["a"]).unwrap();
    file.record([&checkpoint("a", 2)]).unwrap();
    drop(file);
    assert_eq!(recorded(&open(&path, &["a"]).unwrap()), [("a".to_owned(), 2)]);
}

#[test]
fn the_temporary_file_of_a_killed_run_is_replaced() {
    let (folder, path) = folder_with_path();
    fs::write(&path, "").unwrap();
    fs::write(folder.path().join(".cursor.genesys-tail"), "{\"genesys").unwrap();
    record_one(&path, "a");
    assert_eq!(recorded(&open(&path, &["a"]).unwrap()), [("a".to_owned(), 1)]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_is_no_readable_cursor_is_refused_and_unchanged() {
    let (_folder, path) = folder_with_path();
    for (content, message) in [
        ("dear diary\n", " is not a cursor file; it was not changed"),
        ("\0\0\0\0", " is not a cursor file; it was not changed"),
        (HEADER.trim_end(), " is not a cursor file; it was not changed"),
        ("{\"genesys-tail-cursor\":2}\n", " has version 2; this program reads version 1"),
        ("{\"genesys-tail-cursor\":0}\n", " has version 0; this program reads version 1"),
        (&format!("{HEADER}{{\"conversation\":\"a\"}}\ngarbage\n"), " is damaged in line 3: neither "),
        (&format!("{HEADER}[0,1,\"0000000000000001\"]\n"), " is damaged in line 2: unknown conversation"),
    ] {
        fs::write(&path, content).unwrap();
        let refusal = refusal(&path);
        assert!(refusal.contains(message), "{content:?}: {refusal}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_cursor_of_other_conversations_is_refused() {
    let (_folder, path) = folder_with_path();
    drop(open(&path, &["typo"]).unwrap());
    record_one(&path, "b");
    assert!(refusal(&path).ends_with(" belongs to other conversations; it was not changed"));
    assert!(matches!(open_for(&path, &[], &["q"]), Err(CursorError::OtherTargets(_))));
}

#[test]
fn targets_that_overlap_with_the_known_ones_are_added() {
    let (_folder, path) = folder_with_path();
    record_one(&path, "b");
    let mut both = open(&path, &["a", "b"]).unwrap();
    both.record([&checkpoint("a", 1)]).unwrap();
    drop(both);
    assert_eq!(open(&path, &["a"]).unwrap().earlier_deliveries().count(), 2);
    drop(open_for(&path, &["a"], &["q"]).unwrap());
    drop(open_for(&path, &[], &["p", "q"]).unwrap());
    drop(open_for(&path, &["new"], &["p"]).unwrap());
    assert!(matches!(open_for(&path, &["new"], &["other"]), Err(CursorError::OtherTargets(_))));
}

#[test]
fn an_unwritable_path_is_a_system_error() {
    let (folder, _) = folder_with_path();
    for path in [folder.path().join("nowhere/cursor"), PathBuf::new(), folder.path().join("x".repeat(300))] {
        let error = open(&path, &["a"]).unwrap_err();
        assert!(!error.is_configuration_error(), "{error}");
        assert!(error.to_string().starts_with("cannot write cursor file "), "{error}");
    }
}

#[test]
fn a_cursor_that_cannot_be_replaced_is_refused_on_opening_and_unchanged() {
    let (folder, path) = folder_with_path();
    record_one(&path, "a");
    fs::create_dir(folder.path().join(".cursor.genesys-tail")).unwrap();
    assert!(!open(&path, &["a"]).unwrap_err().is_configuration_error());
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
}

// Windows has no file modes, named pipes in folders or socket files, and lets only administrators create links.
#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn a_cursor_is_readable_by_its_owner_only() {
        let (_folder, path) = folder_with_path();
        record_one(&path, "a");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_link_to_a_cursor_is_followed() {
        let (folder, path) = folder_with_path();
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        record_one(&path, "a");
        record_one(&link, "a");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(recorded(&open(&path, &["a"]).unwrap()), [("a".to_owned(), 2)]);
    }

    #[test]
    fn a_link_to_a_missing_or_foreign_file_is_refused() {
        let (folder, path) = folder_with_path();
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(refusal(&link).ends_with("it is a dangling symbolic link"));
        assert!(!path.exists());
        fs::write(&path, "dear diary\n").unwrap();
        assert!(refusal(&link).contains("is not a cursor file"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary\n");
    }

    #[test]
    fn folders_pipes_sockets_and_devices_are_refused_without_blocking() {
        let (folder, path) = folder_with_path();
        assert!(refusal(folder.path()).ends_with(": it is a folder"));
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        assert!(refusal(&path).ends_with(": it is a named pipe"));
        let socket = folder.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert!(refusal(&socket).ends_with(": it is a socket"));
        for device in ["/dev/full", "/dev/null"] {
            assert_eq!(refusal(Path::new(device)), format!("cannot use {device} as cursor file: it is a device"));
        }
    }
}
