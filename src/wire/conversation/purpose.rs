//! The part that a participant plays in a conversation.

/// The part that a participant plays in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    Customer,
    /// A party outside of the organisation: a customer, or one whom an agent consults.
    External,
    Agent,
    Queue,
    /// A flow: a bot, or the menu of a call.
    Bot,
    /// Another participant without a person: the API, a campaign, a voicemail.
    Automatic,
    /// A purpose that this program does not know; empty if missing.
    Other(String),
}

impl Purpose {
    pub(in crate::wire) fn parse(purpose: &str) -> Self {
        match purpose.to_ascii_lowercase().as_str() {
            "customer" => Self::Customer,
            "external" => Self::External,
            "agent" | "user" => Self::Agent,
            "acd" => Self::Queue,
            "botflow" | "workflow" | "ivr" | "voicesurveyflow" => Self::Bot,
            "api" | "campaign" | "dialer" | "voicemail" => Self::Automatic,
            _ => Self::Other(purpose.to_owned()),
        }
    }

    /// Returns whether this may be the customer.
    pub(crate) fn is_customer(&self) -> bool {
        matches!(self, Self::Customer | Self::External)
    }
}
