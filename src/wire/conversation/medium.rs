//! The media of a conversation.

/// A medium: one list of communications for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Medium {
    Message,
    Call,
    Callback,
    Chat,
    CoBrowsing,
    Email,
    InternalMessage,
    ScreenMonitoring,
    ScreenShare,
    SocialPost,
    Video,
}

impl Medium {
    /// Returns whether what people say or write in it is printed.
    pub(crate) fn is_printed(self) -> bool {
        matches!(self, Self::Message | Self::Call)
    }

    /// Returns the value of `media` in JSON output. A message has that of its platform.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Call => "call",
            Self::Callback => "callback",
            Self::Chat => "chat",
            Self::CoBrowsing => "cobrowse",
            Self::Email => "email",
            Self::InternalMessage => "internalmessage",
            Self::ScreenMonitoring => "screenmonitoring",
            Self::ScreenShare => "screenshare",
            Self::SocialPost => "social",
            Self::Video => "video",
        }
    }

    /// Returns the name with its article.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Message => "a message",
            Self::Call => "a call",
            Self::Callback => "a callback",
            Self::Chat => "a chat",
            Self::CoBrowsing => "co-browsing",
            Self::Email => "an e-mail",
            Self::InternalMessage => "an internal message",
            Self::ScreenMonitoring => "screen monitoring",
            Self::ScreenShare => "a screen share",
            Self::SocialPost => "a social post",
            Self::Video => "a video call",
        }
    }
}

/// Returns media as in a sentence: `an e-mail, co-browsing and a callback`.
pub(crate) fn join(media: &[Medium]) -> String {
    match media {
        [] => String::new(),
        [one] => one.description().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(|medium| medium.description()).collect();
            format!("{} and {}", first.join(", "), last.description())
        }
    }
}
