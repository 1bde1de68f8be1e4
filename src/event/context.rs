//! The surroundings of an event: medium, queue and agent.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Party;

/// The surroundings of an event, as far as the service tells (OUT-14, OUT-15, OUT-26).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventContext {
    /// The platform of a message, such as `webmessaging`, or the medium, such as `call`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<Cow<'static, str>>,
    /// The queue that the sender waits in or works for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Party<'static>>,
    /// The agent whom an update concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Party<'static>>,
}
