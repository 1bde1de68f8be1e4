//! Notifications: channels, what they subscribed, and the socket that may hang on each.
//!
//! Events go to a channel only while it has a socket; what happens meanwhile is lost, as in reality.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::simulator::faults::NotificationFault;
use crate::simulator::state::lock;
use crate::simulator::state::model::uuid;

/// A client has this many channels; one more takes the place of another.
const CHANNELS: usize = 20;

/// A channel has at most this many topics.
pub(crate) const TOPICS_MOST: usize = 1_000;

/// A socket that falls behind by this many events slows the conversation down, so that memory stays bounded.
const AHEAD: usize = 64;

/// Every channel of the one client.
#[derive(Debug)]
pub(crate) struct ChannelRegistry {
    lifetime: Duration,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    random: fastrand::Rng,
    channels: Vec<Channel>,
    sockets: u64,
}

/// What a socket is told to do.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    Event(Utf8Bytes),
    Fault(NotificationFault),
}

/// A channel, as its owner sees it.
#[derive(Debug, Clone)]
pub(crate) struct ChannelInfo {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) expires: DateTime<Utc>,
}

/// How topics are to be added to those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Replace,
    Remove,
}

impl ChannelRegistry {
    pub(crate) fn new(lifetime: Duration, seed: u64) -> Self {
        let book = Book { random: fastrand::Rng::with_seed(seed), channels: Vec::new(), sockets: 0 };
        Self { lifetime, book: Mutex::new(book) }
    }

    /// Makes a channel; also names the one that had to go for it.
    pub(crate) fn create(&self, token: &str, token_expiry: Instant) -> (ChannelInfo, Option<String>) {
        let mut book = self.book();
        let number = book.random.u128(..);
        let id = format!("streaming-{}-{}", number % 8, &uuid(&format!("channel {number}")).replace('-', "")[..26]);
        let evicted = (book.channels.len() >= CHANNELS).then(|| book.evict_oldest()).flatten();
        book.channels.push(Channel::new(id, token, token_expiry, self.lifetime));
        let card = book.channels.last().map(Channel::card).expect("it was just added");
        (card, evicted)
    }

    /// Every channel that is there.
    pub(crate) fn cards(&self) -> Vec<ChannelInfo> {
        self.book().channels.iter().map(Channel::card).collect()
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.book().find(id).is_some()
    }

    /// Whether a channel has a socket.
    pub(crate) fn is_connected(&self, id: &str) -> bool {
        self.book().find(id).is_some_and(|channel| channel.socket.is_some())
    }

    /// The topics of a channel in the order of subscription; `None` where there is no such channel.
    pub(crate) fn topics(&self, id: &str) -> Option<Vec<String>> {
        self.book().find(id).map(|channel| channel.topics.clone())
    }

    /// Changes the topics of a channel and lets it live on; the number of its topics where they would be too many.
    /// `None` where there is no such channel.
    pub(crate) fn subscribe(
        &self,
        id: &str,
        change: Change,
        topics: &[String],
        token_expiry: Option<Instant>,
    ) -> Option<Result<(), usize>> {
        let mut book = self.book();
        let channel = book.find(id)?;
        let mut wanted = if change == Change::Replace { Vec::new() } else { channel.topics.clone() };
        for topic in topics {
            let place = wanted.iter().position(|known: &String| known.eq_ignore_ascii_case(topic));
            match (change, place) {
                (Change::Remove, Some(place)) => drop(wanted.remove(place)),
                (Change::Add | Change::Replace, None) => wanted.push(topic.clone()),
                _ => {}
            }
        }
        if wanted.len() > TOPICS_MOST {
            return Some(Err(wanted.len()));
        }
        channel.topics = wanted;
        channel.live_on(token_expiry, self.lifetime);
        Some(Ok(()))
    }

    /// Takes every topic from a channel; false where there is no such channel.
    pub(crate) fn clear(&self, id: &str) -> bool {
        self.book().find(id).map(|channel| channel.topics.clear()).is_some()
    }

    /// Puts a socket in the place of the one the channel had. `None` where there is no such channel.
    pub(crate) fn attach(&self, id: &str) -> Option<Line> {
        let (sender, orders) = mpsc::channel(AHEAD);
        let mut book = self.book();
        book.sockets += 1;
        let socket = book.sockets;
        let channel = book.find(id)?;
        channel.socket = Some((socket, sender));
        channel.used = Instant::now();
        Some(Line { socket, orders })
    }

    /// A socket is gone; its channel stays.
    pub(crate) fn detach(&self, id: &str, socket: u64) {
        let mut book = self.book();
        if let Some(channel) = book.find(id).filter(|channel| channel.has_socket(socket)) {
            channel.socket = None;
            channel.used = Instant::now();
        }
    }

    /// Until when a channel lives unless it is subscribed again.
    pub(crate) fn deadline(&self, id: &str) -> Option<Instant> {
        self.book().find(id).map(|channel| channel.deadline())
    }

    /// Ends a channel. Its socket notices by itself.
    pub(crate) fn forget(&self, id: &str) {
        self.book().channels.retain(|channel| channel.id != id);
    }

    /// Whether anybody would hear of a topic now.
    pub(crate) fn wants(&self, topic: &str) -> bool {
        self.book().channels.iter().any(|channel| channel.hears(topic))
    }

    /// Gives an order to every socket, or to those that hear a topic.
    pub(crate) async fn order(&self, topic: Option<&str>, order: &Order) {
        let hears = |channel: &&Channel| topic.is_none_or(|topic| channel.hears(topic));
        let sockets: Vec<_> = {
            let book = self.book();
            let channels = book.channels.iter().filter(hears);
            channels.filter_map(|channel| channel.socket.as_ref().map(|(_, sender)| sender.clone())).collect()
        };
        for socket in sockets {
            // One that is gone hears nothing, as in reality.
            let _ = socket.send(order.clone()).await;
        }
    }

    /// The book, without the channels whose time is up.
    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        let mut book = lock(&self.book);
        let now = Instant::now();
        book.channels.retain(|channel| channel.deadline() > now);
        book
    }
}

/// A socket's end of the connection to its channel.
pub(crate) struct Line {
    pub(crate) socket: u64,
    pub(crate) orders: mpsc::Receiver<Order>,
}

impl Book {
    fn find(&mut self, id: &str) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    /// Ends the channel that was used longest ago, one without a socket first.
    fn evict_oldest(&mut self) -> Option<String> {
        let oldest = self.channels.iter().min_by_key(|channel| (channel.socket.is_some(), channel.used))?;
        let id = oldest.id.clone();
        self.channels.retain(|channel| channel.id != id);
        Some(id)
    }
}

#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(crate) topics: Vec<String>,
    /// When it was made, subscribed, connected or disconnected last.
    pub(crate) used: Instant,
    /// The socket that hangs on it, by its number.
    pub(crate) socket: Option<(u64, mpsc::Sender<Order>)>,
    /// The token it was made with.
    token: String,
    /// A channel does not outlive the token that subscribed last.
    token_expiry: Instant,
    expiry: Instant,
    expires: DateTime<Utc>,
}

impl Channel {
    pub(crate) fn new(id: String, token: &str, token_expiry: Instant, lifetime: Duration) -> Self {
        let now = Instant::now();
        let (token, topics) = (token.to_owned(), Vec::new());
        let mut channel =
            Self { id, topics, used: now, socket: None, token, token_expiry, expiry: now, expires: Utc::now() };
        channel.live_on(None, lifetime);
        channel
    }

    pub(crate) fn card(&self) -> ChannelInfo {
        ChannelInfo { id: self.id.clone(), token: self.token.clone(), expires: self.expires }
    }

    /// Starts its life again, with the expiry of the token that asked for it.
    pub(crate) fn live_on(&mut self, token_expiry: Option<Instant>, lifetime: Duration) {
        self.used = Instant::now();
        self.expiry = self.used + lifetime;
        self.expires = Utc::now() + TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::days(1));
        if let Some(expiry) = token_expiry {
            self.token_expiry = expiry;
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.expiry.min(self.token_expiry)
    }

    pub(crate) fn has_socket(&self, number: u64) -> bool {
        self.socket.as_ref().is_some_and(|(socket, _)| *socket == number)
    }

    /// Whether an event of this topic is delivered to it now.
    pub(crate) fn hears(&self, topic: &str) -> bool {
        self.socket.is_some() && self.topics.iter().any(|known| known.eq_ignore_ascii_case(topic))
    }
}
