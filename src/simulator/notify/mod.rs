//! Notifications: channels, what they subscribed, and the socket that may hang on each.
//!
//! Events go to a channel only while it has a socket; what happens meanwhile is lost, as in reality.

mod channel;
mod handshake;
mod mischief;
mod socket;
mod topics;

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::cloud::lock;
use super::faults::NotifyTrick;
use super::world::uuid;
use channel::Channel;
pub(super) use handshake::handshake;
pub(super) use topics::{TOPICS, Topic, Verdict, judge};

/// A client has this many channels; one more takes the place of another.
const CHANNELS: usize = 20;

/// A channel has at most this many topics.
pub(super) const TOPICS_MOST: usize = 1_000;

/// A socket that falls behind by this many events slows the conversation down, so that memory stays bounded.
const AHEAD: usize = 64;

/// Every channel of the one client.
#[derive(Debug)]
pub(super) struct Switchboard {
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
pub(super) enum Order {
    Event(Utf8Bytes),
    Trick(NotifyTrick),
}

/// A channel, as its owner sees it.
#[derive(Debug, Clone)]
pub(super) struct Card {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) expires: DateTime<Utc>,
}

/// How topics are to be added to those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Add,
    Replace,
    Remove,
}

impl Switchboard {
    pub(super) fn new(lifetime: Duration, seed: u64) -> Self {
        let book = Book { random: fastrand::Rng::with_seed(seed), channels: Vec::new(), sockets: 0 };
        Self { lifetime, book: Mutex::new(book) }
    }

    /// Makes a channel; also names the one that had to go for it.
    pub(super) fn create(&self, token: &str, token_expiry: Instant) -> (Card, Option<String>) {
        let mut book = self.book();
        let number = book.random.u128(..);
        let id = format!("streaming-{}-{}", number % 8, &uuid(&format!("channel {number}")).replace('-', "")[..26]);
        let evicted = (book.channels.len() >= CHANNELS).then(|| book.evict_oldest()).flatten();
        book.channels.push(Channel::new(id, token, token_expiry, self.lifetime));
        let card = book.channels.last().map(Channel::card).expect("it was just added");
        (card, evicted)
    }

    /// Every channel that is there.
    pub(super) fn cards(&self) -> Vec<Card> {
        self.book().channels.iter().map(Channel::card).collect()
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.book().find(id).is_some()
    }

    /// Whether a channel has a socket.
    pub(super) fn is_connected(&self, id: &str) -> bool {
        self.book().find(id).is_some_and(|channel| channel.socket.is_some())
    }

    /// The topics of a channel in the order of subscription; `None` where there is no such channel.
    pub(super) fn topics(&self, id: &str) -> Option<Vec<String>> {
        self.book().find(id).map(|channel| channel.topics.clone())
    }

    /// Changes the topics of a channel and lets it live on; the number of its topics where they would be too many.
    /// `None` where there is no such channel.
    pub(super) fn subscribe(
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
    pub(super) fn clear(&self, id: &str) -> bool {
        self.book().find(id).map(|channel| channel.topics.clear()).is_some()
    }

    /// Puts a socket in the place of the one the channel had. `None` where there is no such channel.
    fn attach(&self, id: &str) -> Option<Line> {
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
    fn detach(&self, id: &str, socket: u64) {
        let mut book = self.book();
        if let Some(channel) = book.find(id).filter(|channel| channel.has_socket(socket)) {
            channel.socket = None;
            channel.used = Instant::now();
        }
    }

    /// Until when a channel lives unless it is subscribed again.
    fn deadline(&self, id: &str) -> Option<Instant> {
        self.book().find(id).map(|channel| channel.deadline())
    }

    /// Ends a channel. Its socket notices by itself.
    pub(super) fn forget(&self, id: &str) {
        self.book().channels.retain(|channel| channel.id != id);
    }

    /// Whether anybody would hear of a topic now.
    pub(super) fn wants(&self, topic: &str) -> bool {
        self.book().channels.iter().any(|channel| channel.hears(topic))
    }

    /// Gives an order to every socket, or to those that hear a topic.
    pub(super) async fn order(&self, topic: Option<&str>, order: &Order) {
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
struct Line {
    socket: u64,
    orders: mpsc::Receiver<Order>,
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
