//! The transcript socket: one authenticated WebSocket a conversation.

use std::sync::Arc;

use reqwest::Upgraded;
use url::Url;

use super::{Session, SourceError};
use crate::config::SocketLimits;
use crate::genesys::auth::{Auth, Token};
use crate::genesys::http::{self, Http};
use crate::genesys::socket::{self, OpenError};

/// The transcript endpoint of one conversation.
#[derive(Debug)]
pub(crate) struct Transcript {
    http: Http,
    auth: Arc<Auth>,
    url: Url,
    conversation: String,
    limits: SocketLimits,
}

impl Transcript {
    /// Connects to nothing yet. `api` is the address of the API, with or without a path and a slash at its end; the id
    /// of the conversation holds nothing that a URL would have to escape.
    pub(crate) fn new(http: Http, auth: Arc<Auth>, api: &Url, conversation: String, limits: SocketLimits) -> Self {
        let mut url = api.clone();
        let prefix = api.path().trim_end_matches('/');
        url.set_path(&format!("{prefix}/api/v2/messaging/conversations/{conversation}/transcript"));
        Self { http, auth, url, conversation, limits }
    }

    /// Opens a session with the current token, and with a new one when the server refuses that.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way. Cancel safe.
    pub(crate) async fn connect(&self) -> Result<Session<Upgraded>, SourceError> {
        let token = self.auth.token().await?;
        match self.open(token.clone()).await {
            Err(SourceError::Unauthorized { .. }) => {
                token.refuse();
                self.open(self.auth.token().await?).await
            }
            result => result,
        }
    }

    async fn open(&self, token: Token) -> Result<Session<Upgraded>, SourceError> {
        let opened = socket::open(&self.http, &self.url, Some(&token), self.limits, socket::Knock::Ping).await;
        let socket = opened.map_err(|error| self.classify(error))?;
        let peer = format!("{} (transcript)", http::host(&self.url));
        Ok(Session::new(socket, self.conversation.clone(), token, peer, self.http.secrets().clone()))
    }

    fn classify(&self, error: OpenError) -> SourceError {
        let (host, answer) = match error {
            OpenError::Http(error) => return error.into(),
            OpenError::Broken { host, reason } => return SourceError::NotSpoken { host, reason },
            OpenError::Refused { host, answer } => (host, answer),
        };
        match answer.status.as_u16() {
            401 => SourceError::Unauthorized { host, answer },
            403 => SourceError::Forbidden { host, answer },
            404 | 410 => SourceError::NoConversation { host, conversation: self.conversation.clone(), answer },
            501 => SourceError::NotSpoken { host, reason: format!("it says {answer}") },
            408 | 429 | 500..=599 => SourceError::Busy { host, answer },
            _ => SourceError::NotSpoken { host, reason: format!("it says {answer}") },
        }
    }
}
