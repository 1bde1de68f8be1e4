//! Participants of a conversation.

use chrono::{DateTime, Utc};

use crate::simulator::state::ids::NamedEntity;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Customer,
    Agent,
    Bot,
    Acd,
    /// Another participant without a person, and the API's name of its purpose.
    Automatic(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParticipantState {
    Alerting,
    Connected,
    Parked,
    Disconnected,
}

#[derive(Debug)]
pub(super) struct Participant {
    pub(super) id: String,
    pub(super) communication_id: String,
    pub(super) purpose: Purpose,
    pub(super) name: String,
    pub(super) user: Option<NamedEntity>,
    pub(super) queue: Option<NamedEntity>,
    pub(super) state: ParticipantState,
    pub(super) initial_state: ParticipantState,
    pub(super) started_at: DateTime<Utc>,
    pub(super) connected_at: Option<DateTime<Utc>>,
    pub(super) disconnection: Option<Disconnection>,
    pub(super) parked_at: Option<DateTime<Utc>>,
    /// True after an event with the disconnection. Subscribers of the user and queue receive no later events.
    pub(super) is_end_published: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Disconnection {
    pub(super) at: DateTime<Utc>,
    /// The `disconnectType` of the API, such as `client` or `transfer`.
    pub(super) kind: &'static str,
}

impl Participant {
    pub(super) fn is_present(&self) -> bool {
        self.state != ParticipantState::Disconnected
    }

    /// Compares purpose and name. An empty name matches every participant.
    pub(super) fn is(&self, purpose: Purpose, name: &str) -> bool {
        self.purpose == purpose && (name.is_empty() || self.name == name)
    }

    pub(super) fn disconnect(&mut self, kind: &'static str, now: DateTime<Utc>) {
        self.state = ParticipantState::Disconnected;
        self.disconnection = Some(Disconnection { at: now, kind });
    }

    /// Returns the API's name of the purpose.
    pub(super) fn purpose_name(&self, is_call: bool) -> &'static str {
        match self.purpose {
            Purpose::Customer => "customer",
            Purpose::Agent => "agent",
            Purpose::Bot if is_call => "ivr",
            Purpose::Bot => "workflow",
            Purpose::Acd => "acd",
            Purpose::Automatic(purpose) => purpose,
        }
    }

    /// Returns the state in flat shapes, in which a queue ends as terminated.
    pub(super) fn flat_state(&self) -> &'static str {
        match (self.state, self.purpose) {
            (ParticipantState::Disconnected, Purpose::Acd) => "terminated",
            (state, _) => state.name(),
        }
    }
}

impl ParticipantState {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Alerting => "alerting",
            Self::Connected => "connected",
            Self::Parked => "parked",
            Self::Disconnected => "disconnected",
        }
    }
}
