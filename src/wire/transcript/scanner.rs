//! Finds the strings of a plain frame and the field that each of them fills.

use std::ops::Range;

use crate::byte_scan::find_json_special;

/// The maximum number of strings of a plain frame.
const MAX_STRINGS: usize = 64;

/// The place of a string in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// `event`
    Event,
    /// `timestamp`
    FrameTimestamp,
    /// `payload.id`
    Id,
    /// `payload.type`
    Type,
    /// `payload.from.id`
    FromId,
    /// `payload.from.name`
    FromName,
    /// `payload.to.id`
    ToId,
    /// `payload.to.name`
    ToName,
    /// `payload.timestamp`
    PayloadTimestamp,
    /// `payload.text`
    Text,
    /// `payload.title`
    Title,
    /// `payload.originatingEntity`
    OriginatingEntity,
    /// `payload.status`
    Status,
    /// Any other member.
    Ignored,
}

/// Returns the strings of a plain frame in order, without their quotes; `None` if the frame is not plain. Escapes in
/// the strings are not validated.
pub(super) fn scan_strings(json: &str) -> Option<Vec<(Field, Range<usize>)>> {
    let mut scanner = Scanner { json, at: 0, found: Vec::new(), seen_objects: 0 };
    scanner.object(|scanner, member| match member {
        "event" => scanner.text(Field::Event),
        "timestamp" => scanner.text(Field::FrameTimestamp),
        "payload" => scanner.nested(PAYLOAD, Scanner::payload),
        _ => scanner.skip(),
    })?;
    scanner.skip_space();
    (scanner.at == json.len()).then_some(scanner.found)
}

const PAYLOAD: u8 = 1;
const FROM: u8 = 2;
const TO: u8 = 4;

struct Scanner<'a> {
    json: &'a str,
    at: usize,
    found: Vec<(Field, Range<usize>)>,
    /// A bit for each of [`PAYLOAD`], [`FROM`] and [`TO`].
    seen_objects: u8,
}

impl<'a> Scanner<'a> {
    fn payload(&mut self) -> Option<()> {
        self.object(|scanner, member| match member {
            "id" => scanner.text(Field::Id),
            "type" => scanner.text(Field::Type),
            "from" => scanner.nested(FROM, |scanner| scanner.party(Field::FromId, Field::FromName)),
            "to" => scanner.nested(TO, |scanner| scanner.party(Field::ToId, Field::ToName)),
            "timestamp" => scanner.text(Field::PayloadTimestamp),
            "text" => scanner.text(Field::Text),
            "title" => scanner.text(Field::Title),
            "originatingEntity" => scanner.text(Field::OriginatingEntity),
            "status" => scanner.text(Field::Status),
            "attachment" | "attachments" | "content" => scanner.literal("null"),
            _ => scanner.skip(),
        })
    }

    fn party(&mut self, id: Field, name: Field) -> Option<()> {
        self.object(|scanner, member| match member {
            "id" => scanner.text(id),
            "name" => scanner.text(name),
            _ => scanner.skip(),
        })
    }

    /// Scans an object, with `value` scanning the value of each member.
    fn object(&mut self, mut value: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.punctuation(b'{')?;
        if self.punctuation(b'}').is_some() {
            return Some(());
        }
        loop {
            self.skip_space();
            let member = self.member_name()?;
            self.punctuation(b':')?;
            self.skip_space();
            value(self, member)?;
            if self.punctuation(b',').is_none() {
                return self.punctuation(b'}');
            }
        }
    }

    /// Scans a string or null. A member given twice is left to serde.
    fn text(&mut self, field: Field) -> Option<()> {
        if self.found.iter().any(|(found, _)| *found == field) {
            return None;
        }
        if self.peek() == Some(b'n') {
            return self.literal("null");
        }
        self.string(field)
    }

    /// Scans an object or null. A member given twice is left to serde.
    fn nested(&mut self, object: u8, scan: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        if self.seen_objects & object != 0 {
            return None;
        }
        if self.peek() == Some(b'n') {
            return self.literal("null");
        }
        self.seen_objects |= object;
        scan(self)
    }

    /// Skips the value of an ignored member.
    fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(Field::Ignored),
            b'n' => self.literal("null"),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'1'..=b'9' => {
                self.at += self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
                // A fraction or an exponent fails at the next punctuation.
                Some(())
            }
            _ => None,
        }
    }

    fn string(&mut self, field: Field) -> Option<()> {
        let string = self.quoted()?;
        self.found.push((field, string));
        (self.found.len() <= MAX_STRINGS).then_some(())
    }

    /// Scans the name of a member. A name with escapes is left to serde.
    fn member_name(&mut self) -> Option<&'a str> {
        let name = self.json.get(self.quoted()?)?;
        (!name.contains('\\')).then_some(name)
    }

    /// Scans a string and returns its range, without quotes.
    fn quoted(&mut self) -> Option<Range<usize>> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let from = self.at + 1;
        self.at = from;
        loop {
            self.at += find_json_special(self.rest())? + 1;
            match self.json.as_bytes()[self.at - 1] {
                b'"' => return Some(from..self.at - 1),
                b'\\' => self.at += 1,
                _ => return None,
            }
        }
    }

    fn literal(&mut self, literal: &str) -> Option<()> {
        let is_next = self.rest().starts_with(literal.as_bytes());
        self.at += literal.len();
        is_next.then_some(())
    }

    fn punctuation(&mut self, mark: u8) -> Option<()> {
        self.skip_space();
        if self.peek() != Some(mark) {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.json.as_bytes().get(self.at..).unwrap_or_default()
    }
}
