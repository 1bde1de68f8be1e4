//! The lines of a cursor file: one JSON value each.
//!
//! The first line is the [`Header`]. A conversation, `{"conversation":"…","before":…}`, precedes its first event. An event,
//! `[0,1767323045678,"85c01f5585c01f55"]`, refers to its conversation by position.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, BufRead, Read as _, Write as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::retention::{RetainedConversation, RetainedEvent};
use crate::dedup::FingerprintKey;

/// The version of the format that this program writes and reads.
pub(super) const VERSION: u64 = 1;

/// The maximum length of a line. This program writes no longer ones.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// The content of a cursor file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) header: Header,
    pub(super) conversations: Vec<RetainedConversation>,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    #[serde(rename = "genesys-tail-cursor")]
    version: u64,
    /// The parts of the [`FingerprintKey`].
    keys: (u64, u64),
    /// The followed queues.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) queues: Vec<String>,
    /// The followed users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) users: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ConversationLine<'a> {
    #[serde(borrow)]
    conversation: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
}

/// The reason why a file cannot be read as a cursor.
#[derive(Debug)]
pub(super) enum FormatError {
    NotACursor,
    UnsupportedVersion(u64),
    Damaged {
        /// The number of the line, from 1.
        line: u64,
        reason: &'static str,
    },
    Io(io::Error),
}

impl Content {
    /// Returns the content of a new cursor.
    pub(super) fn new(key: FingerprintKey) -> Self {
        let header = Header { version: VERSION, keys: key.parts(), queues: Vec::new(), users: Vec::new() };
        Self { header, conversations: Vec::new() }
    }
}

impl Header {
    pub(super) fn fingerprint_key(&self) -> FingerprintKey {
        FingerprintKey::from_parts(self.keys.0, self.keys.1)
    }
}

/// Reads a cursor file up to its last complete line. Returns `None` for an empty file.
///
/// # Errors
///
/// If the file is not a cursor, is damaged, or cannot be read.
pub(super) fn read(mut file: impl BufRead) -> Result<Option<Content>, FormatError> {
    let mut line = Vec::new();
    if !read_line(&mut file, &mut line).map_err(FormatError::Io)? {
        return if line.is_empty() { Ok(None) } else { Err(FormatError::NotACursor) };
    }
    let header = parse_header(&line)?;
    let (mut conversations, mut ids, mut number) = (Vec::new(), HashSet::new(), 1);
    while read_line(&mut file, &mut line).map_err(FormatError::Io)? {
        number += 1;
        parse_line(&line, &mut conversations, &mut ids)
            .map_err(|reason| FormatError::Damaged { line: number, reason })?;
    }
    if line.len() as u64 >= MAX_LINE_BYTES {
        return Err(FormatError::Damaged { line: number + 1, reason: "line too long" });
    }
    Ok(Some(Content { header, conversations }))
}

/// Writes a cursor file, and returns the number of its lines.
pub(super) fn write(out: &mut impl io::Write, content: &Content) -> io::Result<usize> {
    let mut lines = serde_json::to_vec(&content.header)?;
    lines.push(b'\n');
    let mut line_count = 1;
    for (position, conversation) in content.conversations.iter().enumerate() {
        push_conversation(&mut lines, &conversation.id, conversation.before);
        for &event in &conversation.events {
            push_event(&mut lines, position, event);
        }
        line_count += 1 + conversation.events.len();
        out.write_all(&lines)?;
        lines.clear();
    }
    out.write_all(&lines)?;
    Ok(line_count)
}

/// Appends the line of the conversation at the next position.
pub(super) fn push_conversation(out: &mut Vec<u8>, id: &str, before: Option<i64>) {
    let line = ConversationLine { conversation: id.into(), before };
    serde_json::to_writer(&mut *out, &line).expect("a text and a number are JSON");
    out.push(b'\n');
}

/// Appends the line of an event of the conversation at `position`.
pub(super) fn push_event(out: &mut Vec<u8>, position: usize, event: RetainedEvent) {
    let key = event.key;
    let written = match event.at {
        Some(at) => writeln!(out, "[{position},{at},\"{key:016x}\"]"),
        None => writeln!(out, "[{position},null,\"{key:016x}\"]"),
    };
    written.expect("writing to memory does not fail");
}

/// Reads a line without its line break. Returns whether the line is complete.
fn read_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    file.take(MAX_LINE_BYTES).read_until(b'\n', line)?;
    Ok(line.pop_if(|last| *last == b'\n').is_some())
}

fn parse_header(line: &[u8]) -> Result<Header, FormatError> {
    #[derive(Deserialize)]
    struct Version {
        #[serde(rename = "genesys-tail-cursor")]
        version: u64,
    }
    let Version { version } = serde_json::from_slice(line).map_err(|_| FormatError::NotACursor)?;
    if version != VERSION {
        return Err(FormatError::UnsupportedVersion(version));
    }
    serde_json::from_slice(line).map_err(|_| FormatError::Damaged { line: 1, reason: "invalid header" })
}

fn parse_line(
    line: &[u8],
    conversations: &mut Vec<RetainedConversation>,
    ids: &mut HashSet<Arc<str>>,
) -> Result<(), &'static str> {
    if line.first() == Some(&b'[') {
        let (position, event) = parse_event(line).ok_or("invalid event")?;
        conversations.get_mut(position).ok_or("unknown conversation")?.events.push(event);
        return Ok(());
    }
    let ConversationLine { conversation, before } =
        serde_json::from_slice(line).map_err(|_| "neither an event nor a conversation")?;
    let id: Arc<str> = conversation.into();
    if !ids.insert(Arc::clone(&id)) {
        return Err("duplicate conversation");
    }
    conversations.push(RetainedConversation::new(id, before));
    Ok(())
}

/// Parses an event and the position of its conversation.
fn parse_event(line: &[u8]) -> Option<(usize, RetainedEvent)> {
    let (position, at, key): (usize, Option<i64>, &str) = serde_json::from_slice(line).ok()?;
    let is_key = key.len() == 16 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    let key = u64::from_str_radix(key, 16).ok().filter(|_| is_key)?;
    Some((position, RetainedEvent { at, key }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER_AND_CONVERSATION: &str = "{\"genesys-tail-cursor\":1,\"keys\":[1,2]}\n{\"conversation\":\"a\"}\n";

    fn conversations() -> impl Strategy<Value = Vec<RetainedConversation>> {
        let event = any::<(Option<i64>, u64)>().prop_map(|(at, key)| RetainedEvent { at, key });
        let events = prop::collection::vec(event, 0..5);
        prop::collection::hash_map(".{0,8}", (any::<Option<i64>>(), events), 0..4).prop_map(|by_id| {
            by_id
                .into_iter()
                .map(|(id, (before, events))| RetainedConversation { id: id.into(), before, events })
                .collect()
        })
    }

    /// Returns a file with a queue and these conversations.
    fn written(conversations: &[RetainedConversation]) -> Vec<u8> {
        let mut content = Content::new(FingerprintKey::from_parts(u64::MAX, 2));
        content.header.queues = vec!["q".to_owned()];
        content.conversations = conversations.to_vec();
        let mut file = Vec::new();
        let line_count = write(&mut file, &content).unwrap();
        assert_eq!(line_count, count_lines(&file));
        file
    }

    fn count_lines(file: &[u8]) -> usize {
        memchr::memchr_iter(b'\n', file).count()
    }

    fn count_events(conversations: &[RetainedConversation]) -> usize {
        conversations.iter().map(|conversation| conversation.events.len()).sum()
    }

    fn error_of(text: &str) -> FormatError {
        read(text.as_bytes()).unwrap_err()
    }

    proptest! {
        #[test]
        fn a_written_file_is_read_back(conversations in conversations()) {
            let content = read(written(&conversations).as_slice()).unwrap().unwrap();
            prop_assert_eq!(content.header.fingerprint_key(), FingerprintKey::from_parts(u64::MAX, 2));
            prop_assert_eq!((content.header.queues.len(), content.header.users.len()), (1, 0));
            prop_assert_eq!(content.conversations, conversations);
        }

        #[test]
        fn garbage_is_refused(garbage in prop::collection::vec(any::<u8>(), 1..200)) {
            prop_assert!(read(garbage.as_slice()).is_err());
        }

        #[test]
        fn garbage_after_lines_is_refused_with_its_line_number(
            conversations in conversations(),
            garbage in "[^\n]{0,40}",
        ) {
            let mut file = written(&conversations);
            let lines = count_lines(&file) as u64;
            file.extend_from_slice(garbage.as_bytes());
            file.push(b'\n');
            let error = read(file.as_slice());
            prop_assert!(matches!(error, Err(FormatError::Damaged { line, .. }) if line == lines + 1), "{:?}", error);
        }
    }

    fn two_conversations() -> Vec<u8> {
        let events = vec![RetainedEvent { at: Some(1), key: 3 }, RetainedEvent { at: None, key: 4 }];
        let conversations =
            ["a", "b"].map(|id| RetainedConversation { id: id.into(), before: Some(7), events: events.clone() });
        written(&conversations)
    }

    #[test]
    fn a_truncated_file_is_read_up_to_its_last_complete_line() {
        let file = two_conversations();
        let header = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for length in header..=file.len() {
            let Content { conversations, .. } = read(&file[..length]).unwrap().unwrap();
            assert_eq!(
                1 + conversations.len() + count_events(&conversations),
                count_lines(&file[..length]),
                "{length}"
            );
        }
        for length in 1..header {
            assert!(matches!(read(&file[..length]), Err(FormatError::NotACursor)), "{length}");
        }
        assert!(matches!(read(&b""[..]), Ok(None)));
    }

    #[test]
    fn zeros_at_the_end_after_a_power_failure_are_ignored() {
        let file = [two_conversations().as_slice(), &[0; 4096]].concat();
        assert_eq!(count_events(&read(file.as_slice()).unwrap().unwrap().conversations), 4);
    }

    #[test]
    fn another_version_is_reported_with_its_number() {
        for (text, version) in
            [("{\"genesys-tail-cursor\":2,\"of\":[\"another\",\"shape\"]}\n", 2), ("{\"genesys-tail-cursor\":0}\n", 0)]
        {
            assert!(matches!(error_of(text), FormatError::UnsupportedVersion(found) if found == version), "{text:?}");
        }
    }

    #[test]
    fn a_file_of_another_kind_is_not_a_cursor() {
        for text in ["dear diary\n", "{}\n", "[]\n", "\n", "{\"genesys-tail-recording\":1}\n", "no line"] {
            assert!(matches!(error_of(text), FormatError::NotACursor), "{text:?}");
        }
    }

    #[test]
    fn a_malformed_line_is_damage() {
        assert!(read(HEADER_AND_CONVERSATION.as_bytes()).is_ok());
        for line in [
            "",
            " ",
            "[]",
            "{}",
            "[1,2,\"0000000000000000\"]",
            "[0,2,\"000000000000000\"]",
            "[0,2,\"+000000000000000\"]",
            "[0,1.5,\"0000000000000000\"]",
            "[-1,2,\"0000000000000000\"]",
            "{\"conversation\":\"a\"}",
            "\0\0\0",
        ] {
            let error = error_of(&format!("{HEADER_AND_CONVERSATION}{line}\n"));
            assert!(matches!(error, FormatError::Damaged { line: 3, .. }), "{line:?}");
        }
        assert!(matches!(error_of("{\"genesys-tail-cursor\":1}\n"), FormatError::Damaged { line: 1, .. }));
    }

    #[test]
    fn an_overlong_last_line_is_damage() {
        let endless = format!("{HEADER_AND_CONVERSATION}{}", "x".repeat(2 * 1024 * 1024));
        assert!(matches!(error_of(&endless), FormatError::Damaged { line: 3, .. }));
    }
}
