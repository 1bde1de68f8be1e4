//! The lines of a cursor: JSON, each on its own. The first is the [`Header`]; then a conversation stands before the first
//! event of it, which calls it by its number: `{"conversation":"…","before":…}`, `[0,1767323045678,"85c01f5585c01f55"]`.

use std::collections::HashSet;
use std::io::{self, BufRead, Read as _, Write as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::retention::Kept;
use crate::dedup::FingerprintKey;

/// The version of the format that this program writes and reads.
pub(super) const VERSION: u64 = 1;

/// A longer line is none of ours.
const LONGEST: u64 = 1024 * 1024;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    #[serde(rename = "genesys-tail-cursor")]
    version: u64,
    keys: (u64, u64),
    /// Whose conversations are followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) queues: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) users: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Conversation<'a> {
    #[serde(borrow)]
    conversation: std::borrow::Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
}

/// Why something is no cursor.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is something else.
    Foreign,
    /// Another version of this program has written it.
    Version(u64),
    /// This line is not as this program has written it.
    Damaged(u64, &'static str),
    /// It cannot be read.
    Io(io::Error),
}

impl Header {
    /// The header of a file that nothing is noted in yet.
    pub(super) fn new(keys: FingerprintKey) -> Self {
        Self { version: VERSION, keys: keys.parts(), queues: Vec::new(), users: Vec::new() }
    }

    pub(super) fn keys(&self) -> FingerprintKey {
        FingerprintKey::from_parts(self.keys.0, self.keys.1)
    }
}

/// Reads a file, of which a last line that is not whole is left out. `None` when it is empty.
///
/// # Errors
///
/// When it is no cursor, or damaged.
pub(super) fn read(mut file: impl BufRead) -> Result<Option<(Header, Vec<Kept>)>, Fault> {
    let mut line = Vec::new();
    if !next(&mut file, &mut line).map_err(Fault::Io)? {
        return if line.is_empty() { Ok(None) } else { Err(Fault::Foreign) };
    }
    let header = header(&line)?;
    let (mut kept, mut names, mut number) = (Vec::new(), HashSet::new(), 1);
    while next(&mut file, &mut line).map_err(Fault::Io)? {
        number += 1;
        take(&line, &mut kept, &mut names).map_err(|reason| Fault::Damaged(number, reason))?;
    }
    if line.len() as u64 >= LONGEST {
        return Err(Fault::Damaged(number + 1, "it is too long"));
    }
    Ok(Some((header, kept)))
}

/// Writes the whole of a file, and says how many lines it has.
pub(super) fn write(out: &mut impl io::Write, header: &Header, kept: &[Kept]) -> io::Result<usize> {
    let mut lines = serde_json::to_vec(header)?;
    lines.push(b'\n');
    let mut count = 1;
    for (number, kept) in kept.iter().enumerate() {
        push_conversation(&mut lines, &kept.conversation, kept.before);
        for &(at, key) in &kept.events {
            push_event(&mut lines, number, at, key);
        }
        count += 1 + kept.events.len();
        out.write_all(&lines)?;
        lines.clear();
    }
    out.write_all(&lines)?;
    Ok(count)
}

/// Appends the line that gives a conversation the next number.
pub(super) fn push_conversation(out: &mut Vec<u8>, name: &str, before: Option<i64>) {
    let line = Conversation { conversation: name.into(), before };
    serde_json::to_writer(&mut *out, &line).expect("a text and a number are JSON");
    out.push(b'\n');
}

/// Appends the line of an event of the conversation with this number.
pub(super) fn push_event(out: &mut Vec<u8>, number: usize, at: Option<i64>, key: u64) {
    let written = match at {
        Some(at) => writeln!(out, "[{number},{at},\"{key:016x}\"]"),
        None => writeln!(out, "[{number},null,\"{key:016x}\"]"),
    };
    written.expect("writing to memory does not fail");
}

/// Reads the next line without its line break; false where there is no whole one.
fn next(file: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    file.take(LONGEST).read_until(b'\n', line)?;
    Ok(line.pop_if(|last| *last == b'\n').is_some())
}

fn header(line: &[u8]) -> Result<Header, Fault> {
    #[derive(Deserialize)]
    struct Version {
        #[serde(rename = "genesys-tail-cursor")]
        version: u64,
    }
    let Version { version } = serde_json::from_slice(line).map_err(|_| Fault::Foreign)?;
    if version != VERSION {
        return Err(Fault::Version(version));
    }
    serde_json::from_slice(line).map_err(|_| Fault::Damaged(1, "it is not as it was written"))
}

fn take(line: &[u8], kept: &mut Vec<Kept>, names: &mut HashSet<Arc<str>>) -> Result<(), &'static str> {
    if line.first() == Some(&b'[') {
        let (number, at, key) = event(line).ok_or("it is no event")?;
        kept.get_mut(number).ok_or("its conversation is missing")?.events.push((at, key));
        return Ok(());
    }
    let Conversation { conversation, before } =
        serde_json::from_slice(line).map_err(|_| "it is neither an event nor a conversation")?;
    let name: Arc<str> = conversation.into();
    if !names.insert(Arc::clone(&name)) {
        return Err("its conversation is there twice");
    }
    kept.push(Kept::new(name, before));
    Ok(())
}

fn event(line: &[u8]) -> Option<(usize, Option<i64>, u64)> {
    let (number, at, key): (usize, Option<i64>, &str) = serde_json::from_slice(line).ok()?;
    let is_key = key.len() == 16 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    let key = u64::from_str_radix(key, 16).ok().filter(|_| is_key)?;
    Some((number, at, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn breaks(file: &[u8]) -> usize {
        memchr::memchr_iter(b'\n', file).count()
    }

    fn kept() -> impl Strategy<Value = Vec<Kept>> {
        let events = || prop::collection::vec(any::<(Option<i64>, u64)>(), 0..5);
        let one = (any::<Option<i64>>(), events());
        prop::collection::hash_map(".{0,8}", one, 0..4).prop_map(|all| {
            let kept = |(name, (before, events)): (String, _)| Kept { conversation: name.into(), before, events };
            all.into_iter().map(kept).collect()
        })
    }

    fn written(kept: &[Kept]) -> Vec<u8> {
        let mut header = Header::new(FingerprintKey::from_parts(u64::MAX, 2));
        header.queues = vec!["q".to_owned()];
        let mut file = Vec::new();
        let count = write(&mut file, &header, kept).unwrap();
        assert_eq!(count, breaks(&file));
        file
    }

    fn events(kept: &[Kept]) -> usize {
        kept.iter().map(|kept| kept.events.len()).sum()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(kept in kept()) {
            let (header, read) = read(written(&kept).as_slice()).unwrap().unwrap();
            prop_assert_eq!((header.keys(), header.queues.len(), header.users.len()), (FingerprintKey::from_parts(u64::MAX, 2), 1, 0));
            prop_assert_eq!(read, kept);
        }

        #[test]
        fn garbage_is_refused_and_harms_nobody(garbage in prop::collection::vec(any::<u8>(), 1..200)) {
            prop_assert!(read(garbage.as_slice()).is_err());
        }

        #[test]
        fn garbage_among_lines_is_refused_with_its_line(kept in kept(), garbage in "[^\n]{0,40}") {
            let mut file = written(&kept);
            let lines = breaks(&file) as u64;
            file.extend_from_slice(garbage.as_bytes());
            file.push(b'\n');
            let fault = read(file.as_slice());
            prop_assert!(matches!(fault, Err(Fault::Damaged(line, _)) if line == lines + 1), "{:?}", fault);
        }
    }

    #[test]
    fn a_torn_end_costs_the_line_it_is_in_and_no_other() {
        let events_of = |number: u64| vec![(Some(1), number), (None, number + 1)];
        let all: Vec<Kept> =
            ["a", "b"].map(|name| Kept { conversation: name.into(), before: Some(7), events: events_of(3) }).into();
        let file = written(&all);
        let head = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for length in head..=file.len() {
            let whole = breaks(&file[..length]);
            let (_, read) = read(&file[..length]).unwrap().unwrap();
            assert_eq!(1 + read.len() + events(&read), whole, "{length}");
        }
        for length in 1..head {
            assert!(matches!(read(&file[..length]), Err(Fault::Foreign)), "{length}");
        }
        assert!(matches!(read(&b""[..]), Ok(None)));
        let zeros = [file.as_slice(), &[0; 4096]].concat();
        assert_eq!(events(&read(zeros.as_slice()).unwrap().unwrap().1), 4, "as a power cut leaves them");
    }

    #[test]
    fn other_versions_and_damage_are_told_apart() {
        let fault = |text: &str| read(text.as_bytes()).unwrap_err();
        let version = |text: &str| match fault(text) {
            Fault::Version(version) => version,
            fault => panic!("{fault:?}"),
        };
        assert_eq!(version("{\"genesys-tail-cursor\":2,\"of\":[\"another\",\"shape\"]}\n"), 2);
        assert_eq!(version("{\"genesys-tail-cursor\":0}\n"), 0);
        for foreign in ["dear diary\n", "{}\n", "[]\n", "\n", "{\"genesys-tail-recording\":1}\n", "no line"] {
            assert!(matches!(fault(foreign), Fault::Foreign), "{foreign:?}");
        }
        let head = "{\"genesys-tail-cursor\":1,\"keys\":[1,2]}\n{\"conversation\":\"a\"}\n";
        assert!(read(head.as_bytes()).is_ok());
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
            assert!(matches!(fault(&format!("{head}{line}\n")), Fault::Damaged(3, _)), "{line:?}");
        }
        assert!(matches!(fault("{\"genesys-tail-cursor\":1}\n"), Fault::Damaged(1, _)));
        let endless = format!("{head}{}", "x".repeat(2 * 1024 * 1024));
        assert!(matches!(fault(&endless), Fault::Damaged(3, _)));
    }
}
