//! The fast path for plain frames. It reads them exactly as serde does and leaves every other frame to serde.
//!
//! A plain frame has the known members with a string or null as their value, `payload`, `from` and `to` with an object
//! or null, and other members with a string, an integer, a boolean or null. The first such frame becomes a template.
//! Frames that differ from it only in their strings are then read by going from one string to the next, which takes a
//! third of the time.

use std::borrow::Cow;
use std::cell::RefCell;

use super::frame::Frame;
use super::scanner::{Field, scan_strings};
use crate::byte_scan::find_json_special;
use crate::wire::lenient::LenientString;

/// The maximum number of templates: a source sends one or two for each kind of event.
const MAX_TEMPLATES: usize = 8;

/// The maximum number of bytes of a template, which excludes the strings of the frame.
const MAX_TEMPLATE_BYTES: usize = 2048;

/// The templates of recent frames, shared by all conversations of a run.
#[derive(Debug, Default)]
pub struct TemplateCache(RefCell<Vec<FrameTemplate>>);

/// A frame without its strings.
#[derive(Debug)]
struct FrameTemplate {
    /// The bytes before, between and after the strings, quotes included.
    separators: Box<[u8]>,
    /// The end in `separators` of the bytes before each string, and the field that the string fills.
    strings: Box<[(usize, Field)]>,
}

impl TemplateCache {
    /// Reads `json` into an empty frame. On `None`, serde has to read it, and the content of the frame is meaningless.
    ///
    /// Returns nothing by value, since moving a frame takes as long as reading half of it.
    pub(super) fn read_into<'a>(&self, frame: &mut Frame<'a>, json: &'a str) -> Option<()> {
        let mut templates = self.0.borrow_mut();
        for template in &*templates {
            if template.read_into(frame, json).is_some() {
                return Some(());
            }
            *frame = Frame::default();
        }
        let template = FrameTemplate::new(json)?;
        template.read_into(frame, json)?;
        if template.separators.len() <= MAX_TEMPLATE_BYTES {
            if templates.len() == MAX_TEMPLATES {
                templates.remove(0);
            }
            templates.push(template);
        }
        Some(())
    }
}

impl FrameTemplate {
    fn new(json: &str) -> Option<Self> {
        let (mut separators, mut strings, mut copied) = (Vec::new(), Vec::new(), 0);
        for (field, string) in scan_strings(json)? {
            separators.extend_from_slice(&json.as_bytes()[copied..string.start]);
            strings.push((separators.len(), field));
            copied = string.end;
        }
        separators.extend_from_slice(&json.as_bytes()[copied..]);
        Some(Self { separators: separators.into(), strings: strings.into() })
    }

    fn read_into<'a>(&self, frame: &mut Frame<'a>, json: &'a str) -> Option<()> {
        let (mut at, mut passed) = (0, 0);
        for &(before, field) in &self.strings {
            at = skip(json, at, &self.separators[passed..before])?;
            passed = before;
            let (text, end) = string(json, at)?;
            set(frame, field, text);
            at = end;
        }
        (json.as_bytes().get(at..)? == &self.separators[passed..]).then_some(())
    }
}

/// Returns the position after `separator`, if that is what follows `at`.
fn skip(json: &str, at: usize, separator: &[u8]) -> Option<usize> {
    let end = at + separator.len();
    (json.as_bytes().get(at..end)? == separator).then_some(end)
}

/// Returns the string whose text starts at `at`, and the position of its closing quote.
fn string(json: &str, at: usize) -> Option<(Cow<'_, str>, usize)> {
    let bytes = json.as_bytes();
    let mut end = at + find_json_special(bytes.get(at..)?)?;
    if bytes[end] == b'"' {
        return Some((Cow::Borrowed(json.get(at..end)?), end));
    }
    while bytes.get(end)? == &b'\\' {
        end += 2;
        end += find_json_special(bytes.get(end..)?)?;
    }
    let quoted = format!("\"{}\"", (bytes[end] == b'"').then(|| json.get(at..end))??);
    Some((Cow::Owned(serde_json::from_str(&quoted).ok()?), end))
}

fn set<'a>(frame: &mut Frame<'a>, field: Field, text: Cow<'a, str>) {
    let payload = &mut frame.payload.0;
    let member = match field {
        Field::Event => return frame.event = lenient(text).into(),
        Field::FrameTimestamp => &mut frame.timestamp,
        Field::Id => &mut payload.id,
        Field::Type => &mut payload.kind,
        Field::FromId => &mut payload.from.0.id,
        Field::FromName => &mut payload.from.0.name,
        Field::ToId => &mut payload.to.0.id,
        Field::ToName => &mut payload.to.0.name,
        Field::PayloadTimestamp => &mut payload.timestamp,
        Field::Text => &mut payload.text,
        Field::Title => &mut payload.title,
        Field::OriginatingEntity => &mut payload.originating_entity,
        Field::Status => &mut payload.status,
        Field::Ignored => return,
    };
    *member = lenient(text);
}

fn lenient(text: Cow<'_, str>) -> LenientString<'_> {
    LenientString((!text.is_empty()).then_some(text))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::super::{decode_by_serde, to_event};
    use super::*;

    const PLAIN_VALUES: [&str; 7] = [
        "null",
        r#""""#,
        r#""external""#,
        r#""bot""#,
        r#""system""#,
        r#""2026-01-02T03:04:05.678Z""#,
        "\"Grüße an \u{202e}alle, auch an \u{1f680}\"",
    ];

    const OTHER_VALUES: [&str; 17] = [
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
        prop_oneof![9 => select(&PLAIN_VALUES), 1 => select(&OTHER_VALUES)].prop_map(str::to_owned)
    }

    /// An object with some of the named members, repetitions included, and white space between the tokens.
    fn object(
        names: &'static [&'static str],
        value: impl Strategy<Value = String> + 'static,
    ) -> impl Strategy<Value = String> {
        let member = (select(names), select(&["", "", " ", "\r\n\t"]), value);
        let member = member.prop_map(|(name, space, value)| format!("{space}\"{name}\"{space}:{space}{value}{space}"));
        vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(",")))
    }

    fn frame() -> impl Strategy<Value = String> {
        const MEMBERS: [&str; 11] = [
            "id",
            "type",
            "from",
            "to",
            "timestamp",
            "text",
            "title",
            "originatingEntity",
            "attachment",
            "status",
            "channel",
        ];
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
        fn the_fast_path_reads_frames_as_serde_does(mut json in frame(), other in frame(), cut in any::<Index>(), whole in 0..4) {
            if whole == 0 {
                let positions: Vec<_> = json.char_indices().map(|(at, _)| at).collect();
                json.remove(positions[cut.index(positions.len())]);
            }
            let (templates, received) = (TemplateCache::default(), DateTime::UNIX_EPOCH);
            for json in [&json, &other, &json] {
                let mut frame = Frame::default();
                if templates.read_into(&mut frame, json).is_some() {
                    prop_assert_eq!(to_event(&mut frame, "c1", received), decode_by_serde(json, "c1", received), "{}", json);
                }
            }
        }
    }

    fn is_plain(json: &str) -> bool {
        TemplateCache::default().read_into(&mut Frame::default(), json).is_some()
    }

    #[test]
    fn only_plain_frames_are_read() {
        let plain = r#"{"event":"messageAdded","timestamp":"2026-01-02T03:04:05.678Z","version":3,"payload":{"id":"m1",
            "type":"text","from":{"id":"external","name":"Ada"},"to":null,"text":"Gr\u00fc\u00dfe","new":true}} "#;
        assert!(is_plain(plain));
        for (part, replacement) in [
            ("Ada", r"A\ud83d"),
            ("null", "7"),
            ("true", "[]"),
            ("3", "0.5"),
            ("}} ", "}}x"),
            ("}} ", "}"),
            ("Ada", "A\nda"),
        ] {
            let json = plain.replace(part, replacement);
            assert!(!is_plain(&json), "{json}");
        }
    }

    #[test]
    fn frames_that_differ_in_strings_share_a_template_and_the_number_of_templates_is_bounded() {
        let templates = TemplateCache::default();
        let read = |json: &str| templates.read_into(&mut Frame::default(), json).map(|()| templates.0.borrow().len());
        for text in ["", "one", r#"a \"quoted\" word"#] {
            assert_eq!(read(&format!(r#"{{"event":"messageAdded","payload":{{"text":"{text}"}}}}"#)), Some(1));
        }
        for version in 0..20 {
            read(&format!(r#"{{"event":"messageAdded","version":1{version}}}"#)).unwrap();
        }
        assert_eq!(templates.0.borrow().len(), MAX_TEMPLATES);
        let long = format!(r#"{{"event":"messageAdded",{}"version":2}}"#, " ".repeat(MAX_TEMPLATE_BYTES));
        assert_eq!(read(&long), Some(MAX_TEMPLATES));
        assert!(!is_plain(&format!("{{{}\"event\":\"messageAdded\"}}", r#""a":"","#.repeat(1000))));
    }
}
