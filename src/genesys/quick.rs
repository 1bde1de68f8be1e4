//! The quick way through a plain frame. What it reads it reads as serde would; whatever is unusual it leaves to serde.
//!
//! Usual are the members of the wire with a string without escapes or null for a value, `payload`, `from` and `to`
//! with an object or null, and other members with a string, an integer, a boolean or null.

use std::borrow::Cow;

use super::wire::{Frame, Loose, Payload, WireParty};

/// Reads a frame; `None` where serde has to do it.
pub(super) fn frame_of(json: &str) -> Option<Frame<'_>> {
    let mut reader = Reader { json, at: 0 };
    let (mut frame, mut event, mut has_payload) = (Frame::default(), Loose::default(), false);
    reader.object(|reader, member| match member {
        "event" => reader.text(&mut event),
        "timestamp" => reader.text(&mut frame.timestamp),
        "payload" => reader.nested(&mut has_payload, |reader| reader.payload(&mut frame.payload.0)),
        _ => reader.skip(),
    })?;
    reader.skip_space();
    frame.event = event.into();
    (reader.at == json.len()).then_some(frame)
}

struct Reader<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn payload(&mut self, payload: &mut Payload<'a>) -> Option<()> {
        let (mut has_from, mut has_to) = (false, false);
        self.object(|reader, member| match member {
            "id" => reader.text(&mut payload.id),
            "type" => reader.text(&mut payload.kind),
            "from" => reader.nested(&mut has_from, |reader| reader.party(&mut payload.from.0)),
            "to" => reader.nested(&mut has_to, |reader| reader.party(&mut payload.to.0)),
            "timestamp" => reader.text(&mut payload.timestamp),
            "text" => reader.text(&mut payload.text),
            "title" => reader.text(&mut payload.title),
            "originatingEntity" => reader.text(&mut payload.originating_entity),
            "attachment" | "attachments" | "content" => reader.word("null"),
            _ => reader.skip(),
        })
    }

    fn party(&mut self, party: &mut WireParty<'a>) -> Option<()> {
        self.object(|reader, member| match member {
            "id" => reader.text(&mut party.id),
            "name" => reader.text(&mut party.name),
            _ => reader.skip(),
        })
    }

    /// Reads an object, letting `value` read that of each member.
    fn object(&mut self, mut value: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.mark(b'{')?;
        if self.mark(b'}').is_some() {
            return Some(());
        }
        loop {
            self.skip_space();
            let member = self.string()?;
            self.mark(b':')?;
            self.skip_space();
            value(self, member)?;
            if self.mark(b',').is_none() {
                return self.mark(b'}');
            }
        }
    }

    /// Reads a string or null. A member given twice is left to serde.
    fn text(&mut self, into: &mut Loose<'a>) -> Option<()> {
        if into.0.is_some() {
            return None;
        }
        if self.next() == Some(b'n') {
            return self.word("null");
        }
        let text = self.string()?;
        into.0 = (!text.is_empty()).then_some(Cow::Borrowed(text));
        Some(())
    }

    /// Reads an object or null, in the same way.
    fn nested(&mut self, is_given: &mut bool, read: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        if *is_given {
            return None;
        }
        if self.next() == Some(b'n') {
            return self.word("null");
        }
        *is_given = true;
        read(self)
    }

    /// Passes by the value of a member that does not matter.
    fn skip(&mut self) -> Option<()> {
        match self.next()? {
            b'"' => self.string().map(drop),
            b'n' => self.word("null"),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'1'..=b'9' => {
                self.at += self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
                // A fraction or an exponent is no mark that may follow.
                Some(())
            }
            _ => None,
        }
    }

    /// Reads a string without escapes.
    fn string(&mut self) -> Option<&'a str> {
        if self.next() != Some(b'"') {
            return None;
        }
        let from = self.at + 1;
        let end = from + special(&self.json.as_bytes()[from..])?;
        self.at = end + 1;
        (self.json.as_bytes()[end] == b'"').then(|| &self.json[from..end])
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let is_there = self.rest().starts_with(word.as_bytes());
        self.at += word.len();
        is_there.then_some(())
    }

    fn mark(&mut self, mark: u8) -> Option<()> {
        self.skip_space();
        if self.next() != Some(mark) {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.next() {
            self.at += 1;
        }
    }

    fn next(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.json.as_bytes().get(self.at..).unwrap_or_default()
    }
}

/// Where the first byte is that ends a string or has no place in a plain one: a quote, a backslash, a control.
fn special(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let found = specials(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += word.len();
    }
    rest.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\').map(|found| at + found)
}

/// The highest bit of each special byte among eight; above the first of them it may be wrong.
fn specials(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    let below = |bytes: u64, limit: u64| bytes.wrapping_sub(EACH * limit);
    let is = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    (is(b'"') | is(b'\\') | below(word, 0x20)) & !word & (EACH * 0x80)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::super::decode::{decode_by_serde, read};
    use super::*;

    const USUAL: [&str; 7] = [
        "null",
        r#""""#,
        r#""external""#,
        r#""bot""#,
        r#""system""#,
        r#""2026-01-02T03:04:05.678Z""#,
        "\"Grüße an \u{202e}alle, auch an \u{1f680}\"",
    ];

    const UNUSUAL: [&str; 16] = [
        "",
        "nul",
        "true",
        "7",
        "-7",
        "0.5",
        "1e3",
        "01",
        "12345678901234567890",
        "[]",
        "{}",
        r#"[{"name":"a"}]"#,
        r#""a\n\"b""#,
        r#""\ud83d""#,
        "\"a\tb\"",
        "\"half",
    ];

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![9 => select(&USUAL), 1 => select(&UNUSUAL)].prop_map(str::to_owned)
    }

    /// An object of some of these members, also more than once, with space between the tokens.
    fn object(
        names: &'static [&'static str],
        value: impl Strategy<Value = String> + 'static,
    ) -> impl Strategy<Value = String> {
        let member = (select(names), select(&["", "", " ", "\r\n\t"]), value);
        let member = member.prop_map(|(name, space, value)| format!("{space}\"{name}\"{space}:{space}{value}{space}"));
        vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(",")))
    }

    fn frame() -> impl Strategy<Value = String> {
        const MEMBERS: [&str; 9] =
            ["id", "type", "from", "to", "timestamp", "text", "title", "originatingEntity", "attachment"];
        let party = object(&["id", "name", "nickname"], value());
        let payload = object(&MEMBERS, prop_oneof![5 => value(), 1 => party]);
        let payload = prop_oneof![9 => payload, 1 => value()];
        let rest = object(&["timestamp", "version", "payload"], value());
        let event = select(&["messageAdded", "conversationUpdated", "conversationClosed", "other"]);
        (event, payload, rest).prop_map(|(event, payload, rest)| {
            format!(r#"{{"event":"{event}","payload":{payload},{}"#, &rest[1..]).replace(",}", "}")
        })
    }

    proptest! {
        #[test]
        fn it_reads_what_serde_reads(mut json in frame(), cut in any::<Index>(), whole in 0..4) {
            if whole == 0 {
                let places: Vec<_> = json.char_indices().map(|(at, _)| at).collect();
                json.remove(places[cut.index(places.len())]);
            }
            if let Some(frame) = frame_of(&json) {
                let received = DateTime::UNIX_EPOCH;
                prop_assert_eq!(read(frame, "c1", received), decode_by_serde(&json, "c1", received), "{}", json);
            }
        }
    }

    #[test]
    fn it_takes_what_is_plain_and_leaves_the_rest() {
        let plain = r#"{"event":"messageAdded","timestamp":"2026-01-02T03:04:05.678Z","version":3,"payload":{"id":"m1",
            "type":"text","from":{"id":"external","name":"Ada"},"to":null,"text":"Grüße","new":true}} "#;
        assert!(frame_of(plain).is_some());
        for (usual, other) in
            [("Ada", r"A\u0064a"), ("null", "7"), ("true", "[]"), ("3", "0.5"), ("}} ", "}}x"), ("}} ", "}")]
        {
            let json = plain.replace(usual, other);
            assert!(frame_of(&json).is_none(), "{json}");
        }
    }
}
