//! The JSON of an object of an event stream, whichever it is.

use serde::Deserialize;

use crate::wire::event_body::EventBody;
use crate::wire::lenient::{LenientList, LenientObject, LenientString};

/// The members of all envelopes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ObjectJson<'a> {
    #[serde(borrow)]
    pub(super) id: LenientString<'a>,
    /// The template of the topic.
    #[serde(borrow, rename = "detail-type")]
    pub(super) detail_type: LenientString<'a>,
    #[serde(borrow)]
    pub(super) detail: LenientObject<DetailJson<'a>>,
    #[serde(borrow)]
    pub(super) topic_name: LenientString<'a>,
    #[serde(borrow)]
    pub(super) event_body: LenientObject<EventBody<'a>>,
    /// The text of a message of SQS.
    #[serde(borrow, rename = "Body")]
    pub(super) message: LenientString<'a>,
    /// The messages that `aws sqs receive-message` prints.
    #[serde(borrow, rename = "Messages")]
    pub(super) messages: LenientList<MessageJson<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct DetailJson<'a> {
    #[serde(borrow)]
    pub(super) topic_name: LenientString<'a>,
    #[serde(borrow)]
    pub(super) event_body: LenientObject<EventBody<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MessageJson<'a> {
    #[serde(borrow, rename = "Body")]
    pub(super) body: LenientString<'a>,
}
