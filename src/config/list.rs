//! The settings of `list`.

use chrono::{DateTime, Utc};

use super::{Credentials, Endpoints, Network, TargetQuery};

/// The settings of `list`.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) filter: ListFilter,
    pub(crate) format: ListFormat,
    pub(crate) endpoints: Endpoints,
    pub(crate) credentials: Credentials,
    pub(crate) network: Network,
}

/// The conversations to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListFilter {
    /// The queues, then the users, each once. A conversation has one of the queues and one of the users.
    pub(crate) targets: Vec<TargetQuery>,
    /// Empty for all media.
    pub(crate) media: Vec<Medium>,
    /// A part of the name or the address of the customer.
    pub(crate) customer: Option<String>,
    /// The earliest start, at most 31 days ago. Without it, the last 7 days, and open conversations of queues of any age.
    pub(crate) since: Option<DateTime<Utc>>,
    /// Ended conversations too.
    pub(crate) all: bool,
}

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListFormat {
    /// Aligned columns with a header.
    Table,
    /// Columns separated by tabs.
    Tabs,
    /// A JSON object per line.
    Json,
}

/// The medium of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Medium {
    Message,
    Call,
    Email,
    Callback,
    Chat,
    Cobrowse,
    InternalMessage,
    ScreenShare,
    Video,
}

impl Medium {
    /// Returns the media type of analytics.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Call => "voice",
            Self::Email => "email",
            Self::Callback => "callback",
            Self::Chat => "chat",
            Self::Cobrowse => "cobrowse",
            Self::InternalMessage => "internalmessage",
            Self::ScreenShare => "screenshare",
            Self::Video => "video",
        }
    }
}
