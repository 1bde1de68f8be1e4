//! The transcript socket: one authenticated WebSocket a conversation.

mod session;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use reqwest::Upgraded;
use url::Url;

pub(crate) use self::session::TranscriptSession;
pub(crate) use self::session::arrival;
use super::SourceError;
use crate::api::http::Http;
use crate::api::http_error::host;
use crate::api::oauth::{Auth, Token};
use crate::api::rest::Rest;
use crate::api::websocket;
use crate::config::{History, SocketLimits, Targets};
use crate::dedup::Dedup;
use crate::output::Prefixes;
use crate::tracker::Mode;
use crate::tracker::Tracker;
use crate::wire::transcript::fast_path::TemplateCache;

/// Where the transcript socket of a conversation is. The id holds nothing that a URL would have to escape.
pub(crate) fn endpoint(api: &Url, conversation: &str) -> Url {
    let mut url = api.clone();
    let prefix = api.path().trim_end_matches('/');
    url.set_path(&format!("{prefix}/api/v2/messaging/conversations/{conversation}/transcript"));
    url
}

/// The transcript endpoint of one conversation.
#[derive(Debug)]
pub(crate) struct Transcript {
    http: Http,
    auth: Arc<Auth>,
    url: Url,
    conversation: String,
    limits: SocketLimits,
    desk: Rc<RefCell<Tracker>>,
    shapes: TemplateCache,
}

impl Transcript {
    /// Connects to nothing yet. `api` is the address of the API, with or without a path and a slash at its end; the id
    /// of the conversation holds nothing that a URL would have to escape. `ledger` tells what the reader has already; the
    /// `shapes` of frames are those of all conversations.
    pub(crate) fn new(
        (http, auth, rest): (Http, Arc<Auth>, Rest),
        api: &Url,
        conversation: String,
        (limits, past, prefixes): (SocketLimits, History, Prefixes),
        (ledger, shapes): (Rc<RefCell<Dedup>>, TemplateCache),
    ) -> Self {
        let url = endpoint(api, &conversation);
        let mut desk = Tracker::new(rest, Mode::HistoryOnly, Targets::default(), past, prefixes, ledger);
        desk.adopt(&conversation, None);
        Self { http, auth, url, conversation, limits, desk: Rc::new(RefCell::new(desk)), shapes }
    }

    /// Opens a session with the current token, and with a new one when the server refuses that.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way. Cancel safe.
    pub(crate) async fn connect(&self) -> Result<TranscriptSession<Upgraded>, SourceError> {
        let token = self.auth.token().await?;
        match self.open(token.clone()).await {
            Err(SourceError::Unauthorized { .. }) => {
                token.invalidate();
                self.open(self.auth.token().await?).await
            }
            result => result,
        }
    }

    async fn open(&self, token: Token) -> Result<TranscriptSession<Upgraded>, SourceError> {
        let opened =
            websocket::open(&self.http, &self.url, Some(&token), self.limits, websocket::KeepAlive::PingFrame).await;
        let socket = opened.map_err(|error| SourceError::from_handshake(error, &self.conversation))?;
        let peer = format!("{} (transcript)", host(&self.url));
        let (id, secrets, desk) = (self.conversation.clone(), self.http.secrets().clone(), Rc::clone(&self.desk));
        Ok(TranscriptSession::new(socket, id, (token, peer), secrets, (desk, self.shapes.clone())))
    }
}
