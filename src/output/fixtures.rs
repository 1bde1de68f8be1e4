//! Events and hostile strings for the tests of this module.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use crate::event::{EventBody, Gap, Message, Origin, Party, Role, TranscriptEvent};

pub(super) const ID: &str = "97b9dcb3-0000-4000-8000-000000000001";

/// Returns 2026-01-02T03:04:05.612Z plus `seconds`.
pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_767_323_045_612).unwrap() + TimeDelta::seconds(seconds)
}

pub(super) fn event(body: EventBody<'_>) -> TranscriptEvent<'_> {
    TranscriptEvent { conversation: ID, at: Some(at(0)), received: at(1), body, context: None }
}

pub(super) fn message<'a>(role: Role, name: &'a str, text: &'a str) -> Message<'a> {
    Message {
        id: Some("85c01f55".into()),
        role,
        from: Party { id: Some("external".into()), name: Some(name.into()) },
        to: Party::default(),
        text: Some(text.into()),
        attachments: Vec::new(),
        origin: Origin::Live,
        status: None,
        details: None,
    }
}

pub(super) fn message_event<'a>(role: Role, name: &'a str, text: &'a str) -> TranscriptEvent<'a> {
    event(EventBody::Message(message(role, name, text)))
}

pub(super) fn gap() -> TranscriptEvent<'static> {
    let reason = "connection reset".to_owned();
    event(EventBody::Gap(Gap { from: at(-42), to: at(0), reason }))
}

/// Returns whether OUT-30 lists the character. Independent of the product code, so that the tests can disagree with it.
pub(super) fn is_dangerous(character: char) -> bool {
    const BIDI: [u32; 12] =
        [0x061c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069];
    let code = u32::from(character);
    (character.is_control() && character != '\t')
        || matches!(code, 0x2028 | 0x2029 | 0xe0000..=0xe007f)
        || BIDI.contains(&code)
}

/// Returns a strategy for texts in which about every third character is dangerous.
pub(super) fn hostile_text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        proptest::char::range('\0', '\u{9f}'),
        proptest::char::range('\u{2000}', '\u{206f}'),
        proptest::char::range('\u{dffff}', '\u{e0080}'),
        proptest::sample::select(vec!['\r', '\n', '\t', '"', '\\', '\u{61c}']),
    ];
    proptest::collection::vec(character, 0..30).prop_map(String::from_iter)
}
