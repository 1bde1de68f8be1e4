//! Delivery status, edits and quotes of a message, and the brackets behind its text.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Message;

/// The text of a message that was taken back.
const REMOVED: &str = "[message removed]";

/// Everything that a plain message lacks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageDetails {
    /// The parts other than text, and a failure, as they follow the text of a line: `[attachment: a.png] [not delivered]`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub brackets: String,
    /// A status that this program does not know, in lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_status: Option<String>,
    /// The reason why the message was not delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The message was edited after it had been sent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
    /// The message that this one quotes or answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<QuotedMessage>,
    /// The confidence of the speech recognition, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The language tag of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// A message that another one quotes or answers. It has an id, a text or both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedMessage {
    /// The id of the message.
    pub id: Option<String>,
    /// Its text, with its parts as a line shows them.
    pub text: Option<String>,
}

/// The delivery status of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeliveryStatus {
    Known(KnownStatus),
    /// A status that this program does not know, in lower case.
    Other(String),
}

/// A delivery status of the published API. It takes one byte, since almost every message has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KnownStatus {
    /// Not tried yet.
    Queued,
    /// Left the platform.
    Sent,
    /// Given to the provider.
    Published,
    /// Got from the customer.
    Received,
    /// On the device of the recipient.
    Delivered,
    /// Seen by the recipient.
    Read,
    /// Not delivered.
    Failed,
    /// Taken back.
    Removed,
}

impl KnownStatus {
    /// Returns the value of `status` in JSON output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Published => "published",
            Self::Received => "received",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Removed => "removed",
        }
    }
}

impl DeliveryStatus {
    /// The status of a message that was not delivered.
    pub(crate) const FAILED: Self = Self::Known(KnownStatus::Failed);

    /// The status of a message that was taken back.
    pub(crate) const REMOVED: Self = Self::Known(KnownStatus::Removed);

    /// Returns the status of that name.
    pub(crate) fn new(name: &str) -> Self {
        const KNOWN: [(&str, KnownStatus); 10] = [
            ("queued", KnownStatus::Queued),
            ("sent", KnownStatus::Sent),
            ("failed", KnownStatus::Failed),
            ("received", KnownStatus::Received),
            ("delivery-success", KnownStatus::Delivered),
            ("delivered", KnownStatus::Delivered),
            ("delivery-failed", KnownStatus::Failed),
            ("read", KnownStatus::Read),
            ("removed", KnownStatus::Removed),
            ("published", KnownStatus::Published),
        ];
        let known = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map_or_else(|| Self::Other(name.to_lowercase()), |(_, status)| Self::Known(*status))
    }

    /// Returns whether the message was not delivered.
    pub(crate) fn is_failed(&self) -> bool {
        *self == Self::FAILED
    }

    /// Returns whether the recipient got the message, even if it was taken back later.
    pub(crate) fn has_arrived(&self) -> bool {
        use KnownStatus::{Delivered, Read, Removed};
        matches!(self, Self::Known(Delivered | Read | Removed))
    }

    /// Returns whether the message was taken back.
    pub(crate) fn is_removed(&self) -> bool {
        *self == Self::REMOVED
    }
}

impl Message<'_> {
    /// Returns what follows the text of a line. A recording of an earlier version has it in the attachments alone, without
    /// their content. A part with content may have no bracket: the text repeats it.
    pub(super) fn brackets(&self) -> Cow<'_, str> {
        let brackets = self.details.as_ref().map_or("", |details| &details.brackets);
        let is_earlier_version = self.attachments.iter().all(|attachment| attachment.content.is_none());
        if !brackets.is_empty() || self.attachments.is_empty() || !is_earlier_version {
            return Cow::Borrowed(brackets);
        }
        let described = self.attachments.iter().map(super::Attachment::description);
        Cow::Owned(described.collect::<Vec<_>>().join(" "))
    }

    /// Sets the status (EVT-9). A message that was taken back loses its content, and a failure is shown with its reason.
    pub(crate) fn set_status(&mut self, status: Option<DeliveryStatus>, failure: Option<String>) {
        match &status {
            Some(status) if status.is_removed() => self.remove_content(),
            Some(status) if status.is_failed() => self.add_failure(failure),
            _ => {}
        }
        match status {
            Some(DeliveryStatus::Known(status)) => self.status = Some(status),
            Some(DeliveryStatus::Other(name)) => self.details.get_or_insert_default().other_status = Some(name),
            None => {}
        }
    }

    /// Returns the name of the status, in lower case.
    #[must_use]
    pub fn status_name(&self) -> Option<&str> {
        let other = || self.details.as_ref()?.other_status.as_deref();
        self.status.map(KnownStatus::as_str).or_else(other)
    }

    fn remove_content(&mut self) {
        self.text = Some(Cow::Borrowed(REMOVED));
        self.attachments.clear();
        if let Some(details) = &mut self.details {
            details.brackets.clear();
        }
    }

    fn add_failure(&mut self, failure: Option<String>) {
        let mut brackets = self.brackets().into_owned();
        if !brackets.is_empty() {
            brackets.push(' ');
        }
        match &failure {
            Some(reason) => brackets.extend(["[not delivered: ", reason, "]"]),
            None => brackets.push_str("[not delivered]"),
        }
        let details = self.details.get_or_insert_default();
        (details.brackets, details.failure) = (brackets, failure);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Attachment, Origin, Party, Role};
    use super::*;

    fn message(text: Option<&'static str>, kinds: &[&'static str]) -> Message<'static> {
        let attachment = |kind: &&'static str| Attachment { kind: (*kind).into(), ..Attachment::default() };
        Message {
            id: None,
            role: Role::Agent,
            from: Party::default(),
            to: Party::default(),
            text: text.map(Into::into),
            attachments: kinds.iter().map(attachment).collect(),
            origin: Origin::Live,
            status: None,
            details: None,
        }
    }

    #[test]
    fn every_status_has_its_name_in_lower_case() {
        for (name, expected) in [
            ("queued", "queued"),
            ("Sent", "sent"),
            ("received", "received"),
            ("delivery-success", "delivered"),
            ("Delivered", "delivered"),
            ("delivery-failed", "failed"),
            ("FAILED", "failed"),
            ("read", "read"),
            ("removed", "removed"),
            ("Published", "published"),
            ("LostAtSea", "lostatsea"),
        ] {
            let status = DeliveryStatus::new(name);
            assert_eq!((status.is_failed(), status.is_removed()), (expected == "failed", expected == "removed"));
            let mut sent = message(Some("hi"), &[]);
            sent.set_status(Some(status), None);
            assert_eq!(sent.status_name(), Some(expected));
        }
    }

    #[test]
    fn a_part_that_the_text_repeats_has_no_bracket() {
        let mut answer = message(Some("Billing"), &["answer"]);
        assert_eq!(answer.display_text(), "Billing [answer]", "a recording of an earlier version");
        answer.attachments[0].content = Some(serde_json::json!({"contentType": "ButtonResponse"}));
        assert_eq!(answer.display_text(), "Billing");
        answer.set_status(Some(DeliveryStatus::FAILED), None);
        assert_eq!(answer.display_text(), "Billing [not delivered]");
    }

    #[test]
    fn a_failure_follows_the_text_and_the_parts() {
        for (text, kinds, reason, expected) in [
            (Some("hi"), &[][..], Some("Unknown subscriber"), "hi [not delivered: Unknown subscriber]"),
            (Some("hi"), &[], None, "hi [not delivered]"),
            (Some("hi"), &["card"], None, "hi [card] [not delivered]"),
            (None, &["card"], None, "[card] [not delivered]"),
            (None, &[], None, "[message text not available] [not delivered]"),
        ] {
            let mut message = message(text, kinds);
            message.set_status(Some(DeliveryStatus::FAILED), reason.map(str::to_owned));
            assert_eq!(message.display_text(), expected);
        }
    }

    #[test]
    fn a_message_that_was_taken_back_shows_nothing_of_its_content() {
        for mut message in [message(Some("secret"), &["card"]), message(None, &[])] {
            message.set_status(Some(DeliveryStatus::REMOVED), None);
            assert_eq!((message.display_text().as_ref(), message.attachments.len()), ("[message removed]", 0));
            assert_eq!(message.status, Some(KnownStatus::Removed));
        }
        let mut read = message(Some("hi"), &[]);
        read.set_status(Some(DeliveryStatus::new("read")), Some("unused".into()));
        assert_eq!((read.display_text().as_ref(), &read.details), ("hi", &None));
    }
}
