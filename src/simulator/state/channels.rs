//! Notification channels, their topics, and the socket that may be attached to each.
//!
//! A channel receives events only while it has a socket. Other events are lost, as in the service.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::ids::uuid;
use super::tokens::AccessToken;
use crate::simulator::faults::NotificationFault;
use crate::simulator::lock::lock;

/// The maximum number of channels of a client. The next one evicts another.
const MAX_CHANNELS: usize = 20;

/// The maximum number of topics of a channel.
pub(crate) const MAX_TOPICS: usize = 1_000;

/// The number of events that a socket may lag behind. A slower socket slows the conversation down, so that memory stays
/// bounded.
const SOCKET_QUEUE: usize = 64;

/// Every channel of the only client.
#[derive(Debug)]
pub(crate) struct ChannelRegistry {
    lifetime: Duration,
    channels: Mutex<Channels>,
}

#[derive(Debug)]
struct Channels {
    random: fastrand::Rng,
    list: Vec<Channel>,
    sockets_attached: u64,
}

#[derive(Debug)]
struct Channel {
    id: String,
    topics: Vec<String>,
    /// The time of the last creation, subscription, attachment or detachment.
    used_at: Instant,
    socket: Option<Socket>,
    /// The token that created it.
    token: String,
    /// The expiry of the last token that subscribed. A channel does not outlive it.
    token_expires_at: Instant,
    expires_at: Instant,
    /// The same as `expires_at`, for display.
    expiry_time: DateTime<Utc>,
}

#[derive(Debug)]
struct Socket {
    number: u64,
    commands: mpsc::Sender<NotificationCommand>,
}

/// A command to a notification socket.
#[derive(Debug, Clone)]
pub(crate) enum NotificationCommand {
    Event(Utf8Bytes),
    Fault(NotificationFault),
}

/// A channel as the REST API shows it.
#[derive(Debug, Clone)]
pub(crate) struct ChannelInfo {
    pub(crate) id: String,
    /// The token that created it.
    pub(crate) token: String,
    pub(crate) expires_at: DateTime<Utc>,
}

/// The socket's end of an attachment to a channel.
pub(crate) struct AttachedSocket {
    pub(crate) number: u64,
    pub(crate) commands: mpsc::Receiver<NotificationCommand>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TopicChange {
    Add,
    Replace,
    Remove,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubscribeError {
    NoChannel,
    /// The number of topics that the channel would have.
    TooManyTopics(usize),
}

impl ChannelRegistry {
    pub(crate) fn new(lifetime: Duration, seed: u64) -> Self {
        let channels = Channels { random: fastrand::Rng::with_seed(seed), list: Vec::new(), sockets_attached: 0 };
        Self { lifetime, channels: Mutex::new(channels) }
    }

    /// Creates a channel. Also returns the id of the channel that was evicted for it.
    pub(crate) fn create(&self, token: &AccessToken) -> (ChannelInfo, Option<String>) {
        let mut channels = self.lock();
        let number = channels.random.u128(..);
        let id = format!("streaming-{}-{}", number % 8, &uuid(&format!("channel {number}")).replace('-', "")[..26]);
        let evicted = if channels.list.len() >= MAX_CHANNELS { channels.evict_oldest() } else { None };
        let channel = Channel::new(id, token, self.lifetime);
        let info = channel.info();
        channels.list.push(channel);
        (info, evicted)
    }

    pub(crate) fn list(&self) -> Vec<ChannelInfo> {
        self.lock().list.iter().map(Channel::info).collect()
    }

    pub(crate) fn exists(&self, id: &str) -> bool {
        self.lock().find(id).is_some()
    }

    /// Returns whether a channel has a socket.
    pub(crate) fn is_connected(&self, id: &str) -> bool {
        self.lock().find(id).is_some_and(|channel| channel.socket.is_some())
    }

    /// Returns the topics of a channel in order of subscription.
    pub(crate) fn topics(&self, id: &str) -> Option<Vec<String>> {
        self.lock().find(id).map(|channel| channel.topics.clone())
    }

    /// Changes the topics of a channel and renews it.
    pub(crate) fn change_topics(
        &self,
        id: &str,
        change: TopicChange,
        topics: &[String],
        token_expires_at: Option<Instant>,
    ) -> Result<(), SubscribeError> {
        let mut channels = self.lock();
        let channel = channels.find(id).ok_or(SubscribeError::NoChannel)?;
        let mut changed = if change == TopicChange::Replace { Vec::new() } else { channel.topics.clone() };
        for topic in topics {
            let index = changed.iter().position(|known: &String| known.eq_ignore_ascii_case(topic));
            match (change, index) {
                (TopicChange::Remove, Some(index)) => drop(changed.remove(index)),
                (TopicChange::Add | TopicChange::Replace, None) => changed.push(topic.clone()),
                _ => {}
            }
        }
        if changed.len() > MAX_TOPICS {
            return Err(SubscribeError::TooManyTopics(changed.len()));
        }
        channel.topics = changed;
        channel.renew(token_expires_at, self.lifetime);
        Ok(())
    }

    /// Removes every topic of a channel. Returns false if there is no such channel.
    pub(crate) fn clear_topics(&self, id: &str) -> bool {
        self.lock().find(id).map(|channel| channel.topics.clear()).is_some()
    }

    /// Attaches a new socket to a channel in place of its current one.
    pub(crate) fn attach(&self, id: &str) -> Option<AttachedSocket> {
        let (sender, commands) = mpsc::channel(SOCKET_QUEUE);
        let mut channels = self.lock();
        channels.sockets_attached += 1;
        let number = channels.sockets_attached;
        let channel = channels.find(id)?;
        channel.socket = Some(Socket { number, commands: sender });
        channel.used_at = Instant::now();
        Some(AttachedSocket { number, commands })
    }

    /// Detaches a socket, unless another one has replaced it. The channel remains.
    pub(crate) fn detach(&self, id: &str, number: u64) {
        let mut channels = self.lock();
        if let Some(channel) = channels.find(id).filter(|channel| channel.has_socket(number)) {
            channel.socket = None;
            channel.used_at = Instant::now();
        }
    }

    /// Returns the time at which a channel ends unless it is renewed.
    pub(crate) fn deadline(&self, id: &str) -> Option<Instant> {
        self.lock().find(id).map(|channel| channel.deadline())
    }

    /// Removes a channel. This also closes the command queue of its socket.
    pub(crate) fn remove(&self, id: &str) {
        self.lock().list.retain(|channel| channel.id != id);
    }

    /// Returns whether a socket receives events of this topic.
    pub(crate) fn has_subscriber(&self, topic: &str) -> bool {
        self.lock().list.iter().any(|channel| channel.receives(topic))
    }

    /// Sends an event to the sockets that receive its topic.
    pub(crate) async fn publish(&self, topic: &str, event: Utf8Bytes) {
        self.send(NotificationCommand::Event(event), |channel| channel.receives(topic)).await;
    }

    /// Sends a command to every socket.
    pub(crate) async fn broadcast(&self, command: NotificationCommand) {
        self.send(command, |_| true).await;
    }

    async fn send(&self, command: NotificationCommand, is_receiver: impl Fn(&Channel) -> bool) {
        let sockets: Vec<_> = {
            let channels = self.lock();
            let receivers = channels.list.iter().filter(|channel| is_receiver(channel));
            receivers.filter_map(|channel| channel.socket.as_ref()).map(|socket| socket.commands.clone()).collect()
        };
        for socket in sockets {
            // A closed socket loses the command, as in the service.
            let _ = socket.send(command.clone()).await;
        }
    }

    /// Locks the channels, without those that have expired.
    fn lock(&self) -> MutexGuard<'_, Channels> {
        let mut channels = lock(&self.channels);
        let now = Instant::now();
        channels.list.retain(|channel| channel.deadline() > now);
        channels
    }
}

impl Channels {
    fn find(&mut self, id: &str) -> Option<&mut Channel> {
        self.list.iter_mut().find(|channel| channel.id == id)
    }

    /// Removes the least recently used channel, preferably one without a socket.
    fn evict_oldest(&mut self) -> Option<String> {
        let oldest = self.list.iter().min_by_key(|channel| (channel.socket.is_some(), channel.used_at))?;
        let id = oldest.id.clone();
        self.list.retain(|channel| channel.id != id);
        Some(id)
    }
}

impl Channel {
    fn new(id: String, token: &AccessToken, lifetime: Duration) -> Self {
        let now = Instant::now();
        let mut channel = Self {
            id,
            topics: Vec::new(),
            used_at: now,
            socket: None,
            token: token.value.clone(),
            token_expires_at: token.expires_at,
            expires_at: now,
            expiry_time: Utc::now(),
        };
        channel.renew(None, lifetime);
        channel
    }

    fn info(&self) -> ChannelInfo {
        ChannelInfo { id: self.id.clone(), token: self.token.clone(), expires_at: self.expiry_time }
    }

    fn renew(&mut self, token_expires_at: Option<Instant>, lifetime: Duration) {
        self.used_at = Instant::now();
        self.expires_at = self.used_at + lifetime;
        self.expiry_time = Utc::now() + TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::days(1));
        if let Some(expires_at) = token_expires_at {
            self.token_expires_at = expires_at;
        }
    }

    fn deadline(&self) -> Instant {
        self.expires_at.min(self.token_expires_at)
    }

    fn has_socket(&self, number: u64) -> bool {
        self.socket.as_ref().is_some_and(|socket| socket.number == number)
    }

    fn receives(&self, topic: &str) -> bool {
        self.socket.is_some() && self.topics.iter().any(|known| known.eq_ignore_ascii_case(topic))
    }
}
