//! Cursors on a real disk.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{CWD, Mode, mkfifoat};
use tempfile::TempDir;

use super::*;
use crate::dedup::checkpoint::{CLOSED_KEY, EarlierDeliveries};
use crate::event::Checkpoint;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cursor");
    (folder, path)
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

fn open_with(path: &Path, conversations: &[&str], queues: &[&str]) -> Result<CursorFile, CursorError> {
    let followed =
        FollowedTargets { conversations: &ids(conversations), queues: &ids(queues), users: &[], since: None };
    super::open(path, followed)
}

fn open(path: &Path, conversations: &[&str]) -> Result<CursorFile, CursorError> {
    open_with(path, conversations, &[])
}

fn mark(conversation: &str, key: u64) -> Checkpoint {
    Checkpoint { conversation: conversation.into(), key, at: Some(Utc::now().timestamp_millis()) }
}

/// A cursor in which one event of this conversation is noted.
fn resume_point(path: &Path, conversation: &str) {
    open(path, &[conversation]).unwrap().record([&mark(conversation, 1)]).unwrap();
}

fn noted(file: &CursorFile) -> Vec<(String, usize)> {
    file.earlier_deliveries().map(|earlier| (earlier.conversation, earlier.keys.len())).collect()
}

fn refusal(path: &Path) -> String {
    let error = open(path, &["a"]).expect_err("refused");
    assert!(error.is_of_setting() && error.hint().is_some(), "{error}");
    error.to_string()
}

#[test]
fn what_is_noted_is_known_to_the_next_run_and_the_file_is_private() {
    let (folder, path) = place();
    let mut file = open(&path, &["a", "b"]).unwrap();
    file.record(&[mark("b", 1), mark("b", 2)]).unwrap();
    file.record([]).unwrap();
    file.record([&mark("a", CLOSED_KEY)]).unwrap();
    drop(file);
    for _ in 0..2 {
        let file = open(&path, &["b"]).unwrap();
        assert_eq!(noted(&file), [("b".to_owned(), 2), ("a".to_owned(), 1)]);
        let closed: Vec<bool> = file.earlier_deliveries().map(|earlier| earlier.resume_point.closed).collect();
        assert_eq!(closed, [false, true]);
    }
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_ledger_goes_on_with_the_same_keys() {
    use crate::dedup::{Dedup, OccurrenceCounter};
    use crate::event::{EventBody, Message, Origin, Party, Role, TranscriptEvent};
    let (_folder, path) = place();
    let at = DateTime::from_timestamp(1_767_323_045, 5);
    let said = |id: Option<&'static str>, at| {
        let (text, party) = (Some("hello".into()), Party::default);
        let (role, origin, attachments) = (Role::Customer, Origin::Live, Vec::new());
        let message = Message { id: id.map(Into::into), role, from: party(), to: party(), text, attachments, origin };
        TranscriptEvent { conversation: "a", at, received: Utc::now(), body: EventBody::Message(message) }
    };
    let closed = |at| TranscriptEvent { body: EventBody::Closed, ..said(None, at) };
    let all = [said(Some("m1"), at), said(None, at), said(None, at), said(Some("m2"), None), closed(None)];
    for run in 0..2 {
        let mut file = open(&path, &["a"]).unwrap();
        let mut ledger = Dedup::resumed(file.fingerprint_key(), file.earlier_deliveries());
        let mut tally = OccurrenceCounter::default();
        assert_eq!((ledger.is_delivered("a", "m1", None), ledger.resume_point("a").is_some()), (run == 1, run == 1));
        for event in &all {
            assert_eq!(ledger.admit(event, &mut tally), run == 0, "{event:?}");
            file.record(&ledger.take_checkpoint()).unwrap();
        }
        let news = [said(None, at), said(None, None), said(Some("m3"), at)];
        assert_eq!(news.map(|event| ledger.admit(&event, &mut tally)), [true; 3]);
        if run == 1 {
            assert!(!ledger.admit(&closed(at), &mut tally), "it is over but once");
        }
    }
}

#[test]
fn a_second_process_is_refused_until_the_first_has_gone() {
    let (_folder, path) = place();
    let mut first = open(&path, &["a"]).unwrap();
    assert!(refusal(&path).starts_with("another process uses the cursor "));
    first.record([&mark("a", 1)]).unwrap();
    assert!(matches!(open(&path, &["a"]), Err(CursorError::Busy(_))));
    drop(first);
    assert_eq!(noted(&open(&path, &["a"]).unwrap()), [("a".to_owned(), 1)]);
}

#[test]
fn a_long_file_is_put_in_its_shortest_form_and_stays_ours() {
    let (folder, path) = place();
    let mut file = open(&path, &["a"]).unwrap();
    let now = Utc::now().timestamp_millis();
    let marks = |range: std::ops::Range<u64>| {
        let mark = |key: u64| Checkpoint {
            conversation: "a".into(),
            key,
            at: Some(now - 60_000 * (40_000 - key.cast_signed())),
        };
        range.map(mark).collect::<Vec<_>>()
    };
    let mut longest = 0;
    for from in (1..40_000).step_by(100) {
        file.record(&marks(from..from + 100)).unwrap();
        longest = longest.max(fs::metadata(&path).unwrap().len());
        assert!(matches!(open(&path, &["a"]), Err(CursorError::Busy(_))));
    }
    assert!(longest < 1024 * 1024, "{longest}");
    drop(file);
    let file = open(&path, &["a"]).unwrap();
    let EarlierDeliveries { resume_point: begun, keys, .. } = file.earlier_deliveries().next().unwrap();
    assert_eq!((keys.len(), keys.iter().min()), (1_000, Some(&39_001)));
    assert!(begun.covers(DateTime::from_timestamp_millis(now - 60_000 * 1_000)));
    assert!(fs::metadata(&path).unwrap().len() < 64 * 1024);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_longest_silent_of_too_many_conversations_are_forgotten() {
    let (_folder, path) = place();
    let mut file = open(&path, &["c0"]).unwrap();
    let marks = (0..10_005).map(|n| Checkpoint {
        conversation: format!("c{n}").into(),
        key: 1,
        at: Some(Utc::now().timestamp_millis() - n),
    });
    file.record(&marks.collect::<Vec<_>>()).unwrap();
    drop(file);
    let file = open(&path, &["c0"]).unwrap();
    assert_eq!(file.earlier_deliveries().count(), CONVERSATIONS);
    assert_eq!(file.earlier_deliveries().last().unwrap().conversation, "c0");
}

#[test]
fn the_longest_silent_are_known_by_their_age_where_there_is_too_much() {
    let (_folder, path) = place();
    let mut file = open(&path, &["c0"]).unwrap();
    let now = Utc::now().timestamp_millis();
    let marks = (0..200_i64).flat_map(|n| {
        let conversation: Arc<str> = format!("c{n}").into();
        (0..800).map(move |key| Checkpoint { conversation: Arc::clone(&conversation), key, at: Some(now - n) })
    });
    file.record(&marks.collect::<Vec<_>>()).unwrap();
    drop(file);
    let file = open(&path, &["c0"]).unwrap();
    let sizes: Vec<usize> = noted(&file).into_iter().map(|(_, size)| size).collect();
    assert_eq!((sizes.len(), sizes.iter().filter(|size| **size == 800).count()), (200, 163));
    assert!(fs::metadata(&path).unwrap().len() < 8 * 1024 * 1024);
}

#[test]
fn what_is_torn_is_left_out_and_written_over() {
    let (_folder, path) = place();
    resume_point(&path, "a");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [whole.as_slice(), b"[0,17673"].concat()).unwrap();
    let mut file = open(&path, &["a"]).unwrap();
    file.record([&mark("a", 2)]).unwrap();
    drop(file);
    assert_eq!(noted(&open(&path, &["a"]).unwrap()), [("a".to_owned(), 2)]);
}

#[test]
fn what_a_kill_has_left_beside_it_does_not_matter() {
    let (folder, path) = place();
    fs::write(&path, "").unwrap();
    fs::write(folder.path().join(".cursor.genesys-tail"), "{\"genesys").unwrap();
    resume_point(&path, "a");
    assert_eq!(noted(&open(&path, &["a"]).unwrap()), [("a".to_owned(), 1)]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_is_no_cursor_is_refused_and_left_alone() {
    let (_folder, path) = place();
    let head = "{\"genesys-tail-cursor\":1,\"keys\":[1,2]}\n";
    for (content, words) in [
        ("dear diary\n", " is there and is no cursor; it is left as it is"),
        ("\0\0\0\0", " is there and is no cursor; it is left as it is"),
        (head.trim_end(), " is there and is no cursor; it is left as it is"),
        ("{\"genesys-tail-cursor\":2}\n", " is of version 2, and this program reads version 1"),
        ("{\"genesys-tail-cursor\":0}\n", " is of version 0, and this program reads version 1"),
        (&format!("{head}{{\"conversation\":\"a\"}}\ngarbage\n"), " is damaged in line 3: it is neither "),
        (&format!("{head}[0,1,\"0000000000000001\"]\n"), " is damaged in line 2: its conversation is missing"),
    ] {
        fs::write(&path, content).unwrap();
        let refusal = refusal(&path);
        assert!(refusal.contains(words), "{content:?}: {refusal}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_cursor_of_others_is_refused_and_one_that_is_shared_grows() {
    let (_folder, path) = place();
    drop(open(&path, &["typo"]).unwrap());
    resume_point(&path, "b");
    assert!(refusal(&path).ends_with(" is of other conversations; it is left as it is"));
    let mut both = open(&path, &["a", "b"]).unwrap();
    both.record([&mark("a", 1)]).unwrap();
    drop(both);
    assert_eq!(open(&path, &["a"]).unwrap().earlier_deliveries().count(), 2);
    assert!(matches!(open_with(&path, &[], &["q"]), Err(CursorError::Others(_))));
    drop(open_with(&path, &["a"], &["q"]).unwrap());
    drop(open_with(&path, &[], &["p", "q"]).unwrap());
    drop(open_with(&path, &["new"], &["p"]).unwrap());
    assert!(matches!(open_with(&path, &["new"], &["other"]), Err(CursorError::Others(_))));
}

#[test]
fn a_link_is_followed_to_a_cursor_and_to_nothing_else() {
    let (folder, path) = place();
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(refusal(&link).ends_with("link: it is a symbolic link that leads nowhere"));
    assert!(!path.exists());
    resume_point(&path, "a");
    resume_point(&link, "a");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(noted(&open(&path, &["a"]).unwrap()), [("a".to_owned(), 2)]);
    fs::write(&path, "dear diary\n").unwrap();
    assert!(refusal(&link).contains("is no cursor"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary\n");
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let (folder, path) = place();
    assert!(refusal(folder.path()).ends_with(": it is a folder"));
    mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
    assert!(refusal(&path).ends_with("cursor: it is a named pipe"));
    let socket = folder.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    assert!(refusal(&socket).ends_with("socket: it is a socket"));
    for device in ["/dev/full", "/dev/null"] {
        assert_eq!(refusal(Path::new(device)), format!("there can be no cursor in {device}: it is a device"));
    }
}

#[test]
fn where_nothing_can_be_written_is_an_error_of_the_machine() {
    let (folder, path) = place();
    for path in [folder.path().join("nowhere/cursor"), PathBuf::new(), folder.path().join("x".repeat(300))] {
        let error = open(&path, &["a"]).unwrap_err();
        assert!(!error.is_of_setting() && error.to_string().starts_with("cannot write the cursor "), "{error}");
    }
    resume_point(&path, "a");
    fs::create_dir(folder.path().join(".cursor.genesys-tail")).unwrap();
    assert!(!open(&path, &["a"]).unwrap_err().is_of_setting(), "it is found out before anything is printed");
    assert!(fs::read_to_string(&path).unwrap().lines().count() == 3);
}
