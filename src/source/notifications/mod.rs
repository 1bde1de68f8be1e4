//! The published API: one notification channel for all conversations, whose events are hints, and REST for the rest.

mod session;

use std::cell::RefCell;
use std::rc::Rc;

use reqwest::Upgraded;

pub(crate) use self::session::NotificationSession;
use super::SourceError;
use crate::api::calls::{self, SubscribeMode};
use crate::api::http_error::host;
use crate::api::rest::{Rest, RestError};
use crate::api::websocket::{self, HandshakeError, KeepAlive, Socket};
use crate::config::{History, SocketLimits, Targets};
use crate::dedup::Dedup;
use crate::output::Prefixes;
use crate::tracker::{self, Mode, Tracker};

/// How the service is asked for a sign of life.
const KNOCK: KeepAlive = KeepAlive::TextMessage(r#"{"message":"ping"}"#);

/// The notifications of one process.
#[derive(Debug)]
pub(crate) struct Notifications {
    desk: Rc<RefCell<Tracker>>,
    rest: Rest,
    limits: SocketLimits,
    follow: bool,
}

impl Notifications {
    /// Connects to nothing yet. `ledger` tells what the reader has already; refusals of single conversations are
    /// reported with the prefixes.
    pub(crate) fn new(
        rest: Rest,
        groups: Targets,
        past: History,
        limits: SocketLimits,
        prefixes: Prefixes,
        ledger: Rc<RefCell<Dedup>>,
    ) -> Self {
        let desk = Tracker::new(rest.clone(), Mode::Full, groups, past, prefixes, ledger);
        Self { desk: Rc::new(RefCell::new(desk)), rest, limits, follow: past.follow }
    }

    /// Follows one more conversation from now on, which was refused on the transcript socket `before`, if it was.
    pub(crate) fn adopt(&self, conversation: &str, before: Option<SourceError>) {
        self.desk.borrow_mut().adopt(conversation, before);
    }

    /// How many conversations are followed.
    pub(crate) fn followed(&self) -> usize {
        self.desk.borrow().followed()
    }

    /// Why conversations could not be followed, one by one, since the last call.
    pub(crate) fn take_refused(&self) -> Vec<SourceError> {
        self.desk.borrow_mut().take_refused()
    }

    /// Opens a session: looks at the conversations, sees to the channel, subscribes, and dials. Where nothing is to be
    /// followed, because all is over or nobody wants to, the session has no socket.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way. Cancel safe.
    pub(crate) async fn connect(&self) -> Result<NotificationSession<Upgraded>, SourceError> {
        self.resolve().await?;
        if !self.follow || self.desk.borrow().is_ending() {
            return Ok(self.session(None, &self.rest.host()));
        }
        // A channel that the service has forgotten is replaced, once.
        match self.dial().await? {
            Some(session) => Ok(session),
            None => self.dial().await?.ok_or_else(|| {
                SourceError::ChannelLost(format!("{} does not know the channel it has just made", self.rest.host()))
            }),
        }
    }

    /// Looks at conversations until there is one to follow.
    async fn resolve(&self) -> Result<(), SourceError> {
        loop {
            let unseen = self.desk.borrow().unseen();
            let Some(id) = unseen else { return Ok(()) };
            match tracker::snapshot(&self.rest, Mode::Full, &id).await {
                Err(
                    error @ (RestError::Http(_)
                    | RestError::Auth(_)
                    | RestError::Unavailable { .. }
                    | RestError::Unauthorized { .. }),
                ) => return Err(SourceError::from_rest(error, &id)),
                result => self.desk.borrow_mut().looked(&id, result),
            }
            if let Some(fatal) = self.desk.borrow().fatal() {
                return Err(fatal);
            }
        }
    }

    /// Dials the channel; `None` when it turns out to be gone.
    async fn dial(&self) -> Result<Option<NotificationSession<Upgraded>>, SourceError> {
        let refused = |error| SourceError::from_rest(error, "");
        let known = self.desk.borrow().line.channel().map(str::to_owned);
        let kept = match known {
            Some(id) => match calls::channel_exists(&self.rest, &id).await {
                // It may belong to a token that is no more.
                Err(RestError::Forbidden { .. } | RestError::UnexpectedResponse { .. }) => false,
                result => result.map_err(refused)?,
            },
            None => false,
        };
        if !kept {
            let channel = calls::create_channel(&self.rest).await.map_err(refused)?;
            self.rest.http().secrets().add_channel(&channel.id, channel.connect_uri.as_str());
            self.desk.borrow_mut().line.take(channel);
            if !self.subscribe().await? {
                return Ok(None);
            }
        }
        self.open().await
    }

    /// Tells a new channel what to listen to; false when it is gone already.
    async fn subscribe(&self) -> Result<bool, SourceError> {
        let (channel, topics) = {
            let mut desk = self.desk.borrow_mut();
            let topics = desk.first_topics();
            (desk.line.channel().unwrap_or_default().to_owned(), topics)
        };
        if topics.is_empty() {
            return Ok(true);
        }
        match tracker::subscribe(&self.rest, &channel, SubscribeMode::Add, &topics).await {
            Ok((states, token)) => self.desk.borrow_mut().subscribed(&topics, SubscribeMode::Add, &states, token),
            Err(RestError::NotFound { .. }) => return Ok(self.forget()),
            // Topics that are refused altogether leave looking from time to time.
            Err(RestError::Forbidden { body, .. }) => {
                self.desk.borrow_mut().unsubscribed(&topics, &body.to_string());
            }
            Err(RestError::UnexpectedResponse { reason, .. }) => self.desk.borrow_mut().unsubscribed(&topics, &reason),
            Err(error) => return Err(SourceError::from_rest(error, "")),
        }
        Ok(true)
    }

    async fn open(&self) -> Result<Option<NotificationSession<Upgraded>>, SourceError> {
        let address = self.desk.borrow().line.address();
        let Some(url) = address.as_ref().map(websocket::to_http_scheme) else { return Ok(None) };
        let (host, body) = match websocket::open(self.rest.http(), &url, None, self.limits, KNOCK).await {
            Ok(socket) => return Ok(Some(self.session(Some(socket), &host(&url)))),
            Err(HandshakeError::Http(error)) => return Err(error.into()),
            Err(HandshakeError::Invalid { host, reason }) => return Err(SourceError::NotGenesysCloud { host, reason }),
            Err(HandshakeError::Rejected { host, body }) => (host, body),
        };
        match body.status.as_u16() {
            408 | 429 | 500 | 502..=599 => Err(SourceError::Unavailable { host, body }),
            400..=499 => {
                self.forget();
                Ok(None)
            }
            _ => Err(SourceError::NotGenesysCloud { host, reason: format!("it says {body}") }),
        }
    }

    fn forget(&self) -> bool {
        let mut desk = self.desk.borrow_mut();
        desk.line.lose("");
        desk.line.take_loss();
        false
    }

    fn session<T>(&self, socket: Option<Socket<T>>, host: &str) -> NotificationSession<T> {
        let mut desk = self.desk.borrow_mut();
        desk.look_at_all();
        if socket.is_none() {
            // What stood in the way of an earlier session has been waited for.
            desk.take_trouble();
        }
        drop(desk);
        let wire = if self.follow { "notifications" } else { "history" };
        let secrets = self.rest.http().secrets().clone();
        NotificationSession::new(socket, Rc::clone(&self.desk), format!("{host} ({wire})"), secrets, self.follow)
    }
}
