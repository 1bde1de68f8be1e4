//! Opening the connection of a source.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::dial::ChannelChange;
use super::{DialRequest, DialResult, Follow, Opened, Phase, Protocol, Source, SourceError};
use crate::api::calls;
use crate::api::rest::RestError;
use crate::tracker::{Input, Outage, Response, Status};

impl<T: AsyncRead + AsyncWrite + Unpin> Source<'_, T> {
    /// Opens the first connection, or the next one after an outage. If nothing needs a socket, none is opened. Cancel safe.
    ///
    /// # Errors
    ///
    /// The refusal, or the failure of the connection.
    pub(crate) async fn connect(&mut self, outage: Option<&Outage>) -> Result<(), SourceError> {
        self.disconnect();
        let opened = match self.protocol {
            Protocol::Transcript => Some(self.open_connection().await?),
            Protocol::Notifications { is_live } => {
                self.receive_follows();
                self.find_first_known().await?;
                let needs_socket = is_live && !matches!(self.tracker.status(), Status::Ending | Status::Done);
                if needs_socket { Some(self.open_connection().await?) } else { None }
            }
        };
        let has_socket = opened.is_some();
        self.on_connected(opened);
        if let Some(outage) = outage.filter(|_| has_socket) {
            self.on_reconnected(outage.clone());
        }
        self.report_progress();
        Ok(())
    }

    async fn open_connection(&mut self) -> DialResult<T> {
        let result = (self.dial)(self.dial_request(false)).await;
        self.apply_channel_changes();
        result
    }

    pub(super) fn dial_request(&self, is_renewal: bool) -> DialRequest<'_> {
        DialRequest { tracker: &self.tracker, has_connected: self.phase != Phase::NeverConnected, is_renewal }
    }

    fn on_connected(&mut self, opened: Option<Box<Opened<T>>>) {
        self.phase = Phase::Connected;
        match opened {
            Some(opened) => {
                if self.protocol != Protocol::Transcript {
                    self.handle(Input::PollAll);
                }
                let Opened { socket, peer, token } = *opened;
                self.peer = Some(peer);
                self.connection.open(socket, token);
            }
            // The caller has waited after the failure of an earlier connection.
            None => self.requests.end_pause(),
        }
    }

    /// Takes snapshots until one conversation is known: it decides whether a channel is needed.
    async fn find_first_known(&mut self) -> Result<(), SourceError> {
        while let Some(id) = self.tracker.first_unknown().map(str::to_owned) {
            match calls::snapshot(self.requests.rest(), &id).await {
                Err(
                    error @ (RestError::Http(_)
                    | RestError::Auth(_)
                    | RestError::Unavailable { .. }
                    | RestError::Unauthorized { .. }),
                ) => return Err(SourceError::from_rest(error, &id)),
                result => self.handle(Input::Response(Response::Snapshot { conversation: id, result })),
            }
            self.receive_follows();
        }
        Ok(())
    }

    /// Applies the changes of the channel that dials have reported.
    pub(super) fn apply_channel_changes(&mut self) {
        while let Some(Ok(change)) = self.channel_changes.as_mut().map(mpsc::UnboundedReceiver::try_recv) {
            match change {
                ChannelChange::Forgotten => self.handle(Input::ChannelForgotten),
                ChannelChange::Created(created) => self.handle(Input::ChannelCreated(created)),
                ChannelChange::Subscribed(created, token) => {
                    self.handle(Input::ChannelCreated(created));
                    if let Some(token) = token {
                        self.requests.set_subscription_token(token);
                    }
                }
            }
        }
    }

    fn receive_follows(&mut self) {
        while let Some(Ok(follow)) = self.follows.as_mut().map(mpsc::UnboundedReceiver::try_recv) {
            self.follow(follow);
        }
    }

    pub(super) fn follow(&mut self, follow: Follow) {
        let Follow { conversation, transcript_refusal } = follow;
        if let Some(refusal) = transcript_refusal {
            self.transcript_refusals.insert(conversation.clone(), refusal);
        }
        self.handle(Input::Follow(conversation));
        self.report_progress();
    }
}
