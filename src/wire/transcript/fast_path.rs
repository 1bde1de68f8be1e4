//! The quick way through a plain frame: what it reads it reads as serde would, and whatever is unusual it leaves to serde.
//!
//! Usual are the members of the wire with a string or null for a value, `payload`, `from` and `to` with an object or
//! null, and other members with a string, an integer, a boolean or null. A frame is taken apart once; those that differ
//! from it in their strings alone are then read by going from one to the next, which takes a third of the time.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use super::template::{Place, special, strings};
use crate::wire::lenient::{Frame, Loose};

/// How many are remembered: a wire has one or two for each kind of event.
const SHAPES: usize = 8;

/// What is longer than this between the strings of a frame is not remembered.
const LONGEST: usize = 2048;

/// The shapes that frames had lately. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct TemplateCache(Rc<RefCell<Vec<Shape>>>);

/// A frame without its strings.
#[derive(Debug)]
struct Shape {
    /// What stands before, between and after them, the quotes included.
    between: Box<[u8]>,
    /// Where in that each string belongs, and in the frame.
    strings: Box<[(usize, Place)]>,
}

impl TemplateCache {
    /// Reads a frame into an empty one, since moving one takes as long as reading half of it. `None` where serde has to
    /// do it; what is read by then is worth nothing.
    pub(super) fn read_into<'a>(&self, frame: &mut Frame<'a>, json: &'a str) -> Option<()> {
        let mut known = self.0.borrow_mut();
        for shape in &*known {
            if shape.read_into(frame, json).is_some() {
                return Some(());
            }
            *frame = Frame::default();
        }
        let shape = Shape::of(json)?;
        shape.read_into(frame, json)?;
        if shape.between.len() <= LONGEST {
            if known.len() == SHAPES {
                known.remove(0);
            }
            known.push(shape);
        }
        Some(())
    }
}

impl Shape {
    fn of(json: &str) -> Option<Self> {
        let (mut between, mut places, mut copied) = (Vec::new(), Vec::new(), 0);
        for (place, string) in strings(json)? {
            between.extend_from_slice(&json.as_bytes()[copied..string.start]);
            places.push((between.len(), place));
            copied = string.end;
        }
        between.extend_from_slice(&json.as_bytes()[copied..]);
        Some(Self { between: between.into(), strings: places.into() })
    }

    fn read_into<'a>(&self, frame: &mut Frame<'a>, json: &'a str) -> Option<()> {
        let (mut at, mut passed) = (0, 0);
        for &(before, place) in &self.strings {
            at = after(json, at, &self.between[passed..before])?;
            passed = before;
            let (text, end) = string(json, at)?;
            put(frame, place, text);
            at = end;
        }
        (json.as_bytes().get(at..)? == &self.between[passed..]).then_some(())
    }
}

/// Where it goes on if `part` stands here.
fn after(json: &str, at: usize, part: &[u8]) -> Option<usize> {
    let end = at + part.len();
    (json.as_bytes().get(at..end)? == part).then_some(end)
}

/// What the string says that begins here, behind its quote, and where it ends.
fn string(json: &str, at: usize) -> Option<(Cow<'_, str>, usize)> {
    let bytes = json.as_bytes();
    let mut end = at + special(bytes.get(at..)?)?;
    if bytes[end] == b'"' {
        return Some((Cow::Borrowed(json.get(at..end)?), end));
    }
    while bytes.get(end)? == &b'\\' {
        end += 2;
        end += special(bytes.get(end..)?)?;
    }
    let spelled = format!("\"{}\"", (bytes[end] == b'"').then(|| json.get(at..end))??);
    Some((Cow::Owned(serde_json::from_str(&spelled).ok()?), end))
}

fn put<'a>(frame: &mut Frame<'a>, place: Place, text: Cow<'a, str>) {
    let payload = &mut frame.payload.0;
    let member = match place {
        Place::Event => return frame.event = says(text).into(),
        Place::Timestamp => &mut frame.timestamp,
        Place::Id => &mut payload.id,
        Place::Kind => &mut payload.kind,
        Place::FromId => &mut payload.from.0.id,
        Place::FromName => &mut payload.from.0.name,
        Place::ToId => &mut payload.to.0.id,
        Place::ToName => &mut payload.to.0.name,
        Place::MessageBody => &mut payload.timestamp,
        Place::Text => &mut payload.text,
        Place::Title => &mut payload.title,
        Place::OriginatingEntity => &mut payload.originating_entity,
        Place::Nowhere => return,
    };
    *member = says(text);
}

fn says(text: Cow<'_, str>) -> Loose<'_> {
    Loose((!text.is_empty()).then_some(text))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::super::{decode_by_serde, read};
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

    const UNUSUAL: [&str; 17] = [
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
        r#""\q""#,
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
        fn it_reads_what_serde_reads(mut json in frame(), other in frame(), cut in any::<Index>(), whole in 0..4) {
            if whole == 0 {
                let places: Vec<_> = json.char_indices().map(|(at, _)| at).collect();
                json.remove(places[cut.index(places.len())]);
            }
            let (shapes, received) = (TemplateCache::default(), DateTime::UNIX_EPOCH);
            for json in [&json, &other, &json] {
                let mut frame = Frame::default();
                if shapes.read_into(&mut frame, json).is_some() {
                    prop_assert_eq!(read(&mut frame, "c1", received), decode_by_serde(json, "c1", received), "{}", json);
                }
            }
        }
    }

    fn is_quick(json: &str) -> bool {
        TemplateCache::default().read_into(&mut Frame::default(), json).is_some()
    }

    #[test]
    fn it_takes_what_is_plain_and_leaves_the_rest() {
        let plain = r#"{"event":"messageAdded","timestamp":"2026-01-02T03:04:05.678Z","version":3,"payload":{"id":"m1",
            "type":"text","from":{"id":"external","name":"Ada"},"to":null,"text":"Gr\u00fc\u00dfe","new":true}} "#;
        assert!(is_quick(plain));
        for (usual, other) in [
            ("Ada", r"A\ud83d"),
            ("null", "7"),
            ("true", "[]"),
            ("3", "0.5"),
            ("}} ", "}}x"),
            ("}} ", "}"),
            ("Ada", "A\nda"),
        ] {
            let json = plain.replace(usual, other);
            assert!(!is_quick(&json), "{json}");
        }
    }

    #[test]
    fn what_differs_in_strings_alone_has_a_shape_and_no_more_are_kept_than_a_wire_has() {
        let shapes = TemplateCache::default();
        let read = |json: &str| shapes.read_into(&mut Frame::default(), json).map(|()| shapes.0.borrow().len());
        for words in ["", "one", r#"a \"quoted\" word"#] {
            assert_eq!(read(&format!(r#"{{"event":"messageAdded","payload":{{"text":"{words}"}}}}"#)), Some(1));
        }
        for version in 0..20 {
            read(&format!(r#"{{"event":"messageAdded","version":1{version}}}"#)).unwrap();
        }
        assert_eq!(shapes.0.borrow().len(), SHAPES);
        assert_eq!(read(&format!(r#"{{"event":"messageAdded",{}"version":2}}"#, " ".repeat(LONGEST))), Some(SHAPES));
        assert!(!is_quick(&format!("{{{}\"event\":\"messageAdded\"}}", r#""a":"","#.repeat(1000))));
    }
}
