//! One channel.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Card, Order};

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) id: String,
    pub(super) topics: Vec<String>,
    /// When it was made, subscribed, connected or disconnected last.
    pub(super) used: Instant,
    /// The socket that hangs on it, by its number.
    pub(super) socket: Option<(u64, mpsc::Sender<Order>)>,
    /// The token it was made with.
    token: String,
    /// A channel does not outlive the token that subscribed last.
    token_expiry: Instant,
    expiry: Instant,
    expires: DateTime<Utc>,
}

impl Channel {
    pub(super) fn new(id: String, token: &str, token_expiry: Instant, lifetime: Duration) -> Self {
        let now = Instant::now();
        let (token, topics) = (token.to_owned(), Vec::new());
        let mut channel =
            Self { id, topics, used: now, socket: None, token, token_expiry, expiry: now, expires: Utc::now() };
        channel.live_on(None, lifetime);
        channel
    }

    pub(super) fn card(&self) -> Card {
        Card { id: self.id.clone(), token: self.token.clone(), expires: self.expires }
    }

    /// Starts its life again, with the expiry of the token that asked for it.
    pub(super) fn live_on(&mut self, token_expiry: Option<Instant>, lifetime: Duration) {
        self.used = Instant::now();
        self.expiry = self.used + lifetime;
        self.expires = Utc::now() + TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::days(1));
        if let Some(expiry) = token_expiry {
            self.token_expiry = expiry;
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.expiry.min(self.token_expiry)
    }

    pub(super) fn has_socket(&self, number: u64) -> bool {
        self.socket.as_ref().is_some_and(|(socket, _)| *socket == number)
    }

    /// Whether an event of this topic is delivered to it now.
    pub(super) fn hears(&self, topic: &str) -> bool {
        self.socket.is_some() && self.topics.iter().any(|known| known.eq_ignore_ascii_case(topic))
    }
}
