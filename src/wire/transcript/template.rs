//! Where the strings of a plain frame are, and what each of them is.

use std::ops::Range;

pub(super) use crate::byte_scan::find_json_special as special;

/// A frame with more of them is not plain.
const MOST: usize = 64;

/// What a string is in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The name of the event.
    Event,
    /// The time of the frame.
    Timestamp,
    /// `payload.id`
    Id,
    /// `payload.type`
    Kind,
    /// `payload.from.id`
    FromId,
    /// `payload.from.name`
    FromName,
    /// `payload.to.id`
    ToId,
    /// `payload.to.name`
    ToName,
    /// `payload.timestamp`
    MessageBody,
    /// `payload.text`
    Text,
    /// `payload.title`
    Title,
    /// `payload.originatingEntity`
    OriginatingEntity,
    /// A member that does not matter.
    Nowhere,
}

/// The strings of a frame without their quotes, in order; some may hold escapes that mean nothing. `None` where the frame
/// is not plain.
pub(super) fn strings(json: &str) -> Option<Vec<(Place, Range<usize>)>> {
    let mut reader = Reader { json, at: 0, found: Vec::new(), objects: 0 };
    reader.object(|reader, member| match member {
        "event" => reader.text(Place::Event),
        "timestamp" => reader.text(Place::Timestamp),
        "payload" => reader.nested(PAYLOAD, Reader::payload),
        _ => reader.skip(),
    })?;
    reader.skip_space();
    (reader.at == json.len()).then_some(reader.found)
}

const PAYLOAD: u8 = 1;
const FROM: u8 = 2;
const TO: u8 = 4;

struct Reader<'a> {
    json: &'a str,
    at: usize,
    found: Vec<(Place, Range<usize>)>,
    /// Which of the objects there were.
    objects: u8,
}

impl<'a> Reader<'a> {
    fn payload(&mut self) -> Option<()> {
        self.object(|reader, member| match member {
            "id" => reader.text(Place::Id),
            "type" => reader.text(Place::Kind),
            "from" => reader.nested(FROM, |reader| reader.party(Place::FromId, Place::FromName)),
            "to" => reader.nested(TO, |reader| reader.party(Place::ToId, Place::ToName)),
            "timestamp" => reader.text(Place::MessageBody),
            "text" => reader.text(Place::Text),
            "title" => reader.text(Place::Title),
            "originatingEntity" => reader.text(Place::OriginatingEntity),
            "attachment" | "attachments" | "content" => reader.word("null"),
            _ => reader.skip(),
        })
    }

    fn party(&mut self, id: Place, name: Place) -> Option<()> {
        self.object(|reader, member| match member {
            "id" => reader.text(id),
            "name" => reader.text(name),
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
            let member = self.name()?;
            self.mark(b':')?;
            self.skip_space();
            value(self, member)?;
            if self.mark(b',').is_none() {
                return self.mark(b'}');
            }
        }
    }

    /// Reads a string or null. A member given twice is left to serde.
    fn text(&mut self, place: Place) -> Option<()> {
        if self.found.iter().any(|(found, _)| *found == place) {
            return None;
        }
        if self.next() == Some(b'n') {
            return self.word("null");
        }
        self.string(place)
    }

    /// Reads an object or null, in the same way.
    fn nested(&mut self, which: u8, read: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        if self.objects & which != 0 {
            return None;
        }
        if self.next() == Some(b'n') {
            return self.word("null");
        }
        self.objects |= which;
        read(self)
    }

    /// Passes by the value of a member that does not matter.
    fn skip(&mut self) -> Option<()> {
        match self.next()? {
            b'"' => self.string(Place::Nowhere),
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

    fn string(&mut self, place: Place) -> Option<()> {
        let string = self.quoted()?;
        self.found.push((place, string));
        (self.found.len() <= MOST).then_some(())
    }

    /// Reads the name of a member, which has no escapes.
    fn name(&mut self) -> Option<&'a str> {
        let name = self.json.get(self.quoted()?)?;
        (!name.contains('\\')).then_some(name)
    }

    /// Passes a string and says where it is.
    fn quoted(&mut self) -> Option<Range<usize>> {
        if self.next() != Some(b'"') {
            return None;
        }
        let from = self.at + 1;
        self.at = from;
        loop {
            self.at += special(self.rest())? + 1;
            match self.json.as_bytes()[self.at - 1] {
                b'"' => return Some(from..self.at - 1),
                b'\\' => self.at += 1,
                _ => return None,
            }
        }
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
