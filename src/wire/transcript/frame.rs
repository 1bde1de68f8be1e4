//! The JSON of a transcript frame, every member optional and of any type.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::wire::lenient::{LenientObject, LenientString};

#[derive(Debug, Default, Deserialize)]
pub(super) struct Frame<'a> {
    #[serde(borrow, default)]
    pub(super) event: EventName<'a>,
    #[serde(borrow, default)]
    pub(super) timestamp: LenientString<'a>,
    #[serde(borrow, default)]
    pub(super) payload: LenientObject<Payload<'a>>,
}

/// The `event` of a frame.
#[derive(Debug, Default, PartialEq)]
pub(super) enum EventName<'a> {
    MessageAdded,
    ConversationUpdated,
    ConversationClosed,
    /// A name that this program does not know.
    Other(Cow<'a, str>),
    #[default]
    Missing,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Payload<'a> {
    #[serde(borrow, default)]
    pub(super) id: LenientString<'a>,
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: LenientString<'a>,
    #[serde(borrow, default)]
    pub(super) from: LenientObject<FrameParty<'a>>,
    #[serde(borrow, default)]
    pub(super) to: LenientObject<FrameParty<'a>>,
    #[serde(borrow, default)]
    pub(super) timestamp: LenientString<'a>,
    #[serde(borrow, default)]
    pub(super) text: LenientString<'a>,
    #[serde(borrow, default)]
    pub(super) title: LenientString<'a>,
    #[serde(borrow, default, rename = "originatingEntity")]
    pub(super) originating_entity: LenientString<'a>,
    #[serde(borrow, default)]
    pub(super) attachment: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) attachments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) status: LenientString<'a>,
    #[serde(borrow, default)]
    pub(super) channel: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) enrichment: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "errorInfo")]
    pub(super) error_info: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "normalizedReceipts")]
    pub(super) normalized_receipts: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "relatedMessages")]
    pub(super) related_messages: Option<&'a RawValue>,
}

impl Payload<'_> {
    /// Returns whether the message is its text and nothing else, as most messages are.
    pub(super) fn is_plain(&self) -> bool {
        self.has_text_only() && self.status.0.is_none() && !self.has_annotations()
    }

    /// Returns whether the content of the message is its text.
    pub(super) fn has_text_only(&self) -> bool {
        self.text.0.is_some() && [self.attachment, self.attachments, self.content].iter().all(Option::is_none)
    }

    /// Returns whether a member tells of the delivery, an edit or a quote.
    pub(super) fn has_annotations(&self) -> bool {
        let members = [self.channel, self.enrichment, self.error_info, self.normalized_receipts, self.related_messages];
        members.iter().any(Option::is_some)
    }
}

/// The `from` or `to` of a payload.
#[derive(Debug, Default, Deserialize)]
pub(super) struct FrameParty<'a> {
    #[serde(borrow, default)]
    pub(super) id: LenientString<'a>,
    #[serde(borrow, default)]
    pub(super) name: LenientString<'a>,
}

impl<'a> From<LenientString<'a>> for EventName<'a> {
    fn from(name: LenientString<'a>) -> Self {
        match name.0 {
            None => Self::Missing,
            Some(name) => match name.as_ref() {
                "messageAdded" => Self::MessageAdded,
                "conversationUpdated" => Self::ConversationUpdated,
                "conversationClosed" => Self::ConversationClosed,
                _ => Self::Other(name),
            },
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for EventName<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        LenientString::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_without_escapes_are_borrowed() {
        let json =
            r#"{"event":"messageAdded","timestamp":"t","payload":{"id":"m1","from":{"id":"external","name":"Ada"}}}"#;
        let frame: Frame<'_> = serde_json::from_str(json).expect("a frame");
        assert_eq!(frame.event, EventName::MessageAdded);
        assert!(matches!(frame.payload.0.id.0, Some(Cow::Borrowed("m1"))));
        assert!(matches!(frame.payload.0.from.0.name.0, Some(Cow::Borrowed("Ada"))));
    }

    #[test]
    fn every_member_may_be_of_another_type() {
        for odd in ["null", "true", "7", "-7", "0.5", "\"\"", "\"x\"", "[]", "[1,{}]", "{}", r#"{"deep":[{}]}"#] {
            let json = format!(
                r#"{{"event":{odd},"timestamp":{odd},"payload":{{"id":{odd},"type":{odd},"from":{odd},"to":{odd},
                "timestamp":{odd},"text":{odd},"title":{odd},"attachments":{odd},"content":{odd},"status":{odd},
                "channel":{odd},"enrichment":{odd},"errorInfo":{odd},"normalizedReceipts":{odd},"relatedMessages":{odd},
                "new":{odd}}}}}"#
            );
            serde_json::from_str::<Frame<'_>>(&json).unwrap_or_else(|error| panic!("{odd}: {error}"));
            let json = format!(r#"{{"event":"messageAdded","payload":{odd}}}"#);
            serde_json::from_str::<Frame<'_>>(&json).unwrap_or_else(|error| panic!("{odd}: {error}"));
        }
    }
}
