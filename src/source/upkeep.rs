//! Requests and renewals of a source, and the refusals and warnings of its tracker (CONN-27).

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::connection::Takeover;
use super::rest_backoff::{FailedRequest, Pause};
use super::{DialResult, Opened, Outage, Peer, Phase, Protocol, Retry, Source, SourceError};
use crate::api::rest::RestError;
use crate::api::websocket::CloseReason;
use crate::backoff::milliseconds;
use crate::config::Target;
use crate::decision::ResponseKind;
use crate::plural;
use crate::tracker::{FollowEvent, Input, Now, Refusal, RefusedPart, Response, Status, Surroundings, Warning};

impl<T: AsyncRead + AsyncWrite + Unpin> Source<'_, T> {
    pub(super) fn start_requests(&mut self) {
        if self.requests.take_token_invalidation() {
            self.handle(Input::TokenInvalidated);
        }
        if let Some(per_minute) = self.requests.rest().per_minute() {
            self.handle(Input::RateLimit(per_minute));
        }
        self.requests.start_due(&mut self.tracker);
        self.publish_participants();
        self.log_warnings();
    }

    /// Returns when the live connection is to be renewed: with its token, before an announced close, or at once if there is
    /// something to follow and no socket.
    pub(super) fn renewal_due(&self) -> Option<Instant> {
        match self.protocol {
            _ if self.phase == Phase::Closing => None,
            Protocol::Transcript if !self.connection.may_be_renewed() => None,
            Protocol::Transcript => self.connection.live.as_ref()?.token.as_ref()?.renew_at,
            Protocol::Notifications { is_live: false } => None,
            Protocol::Notifications { is_live: true } => {
                let needs_socket = self.connection.live.is_none()
                    && self.tracker.first_unknown().is_none()
                    && !matches!(self.tracker.status(), Status::Ending | Status::Done);
                self.tracker.reconnect_at().or_else(|| needs_socket.then(Instant::now))
            }
        }
    }

    pub(super) fn start_renewal(&mut self) {
        let opening = (self.dial)(self.dial_request(true));
        self.renewal.start(opening);
    }

    pub(super) async fn on_renewal_dialed(&mut self, result: DialResult<T>) {
        self.apply_channel_changes();
        match result {
            // Messages are read by REST: nothing is lost with the previous socket.
            Ok(opened) if self.protocol != Protocol::Transcript => {
                let Opened { socket, peer, token } = *opened;
                self.handle(Input::PollAll);
                self.connection.replace(socket, token);
                self.on_renewed(peer).await;
            }
            Ok(opened) => self.connection.prepare(*opened),
            Err(error) => self.on_renewal_failed(&error),
        }
    }

    /// Makes the successor the live socket when it may take over.
    pub(super) async fn complete_takeover(&mut self) {
        let Some(Takeover { peer, unproven_since }) = self.connection.take_over() else { return };
        if let Some(last_activity) = unproven_since {
            let reason = "closed by the server".to_owned();
            self.on_reconnected(Outage { last_activity, reason });
        }
        self.on_renewed(peer).await;
    }

    /// Records that a connection replaces a lost one. What happened meanwhile is unknown until the next snapshot.
    pub(super) fn on_reconnected(&mut self, outage: Outage) {
        self.surroundings.as_mut().into_iter().for_each(Surroundings::forget_queues);
        self.handle(Input::Reconnected(outage));
    }

    pub(super) fn on_successor_ended(&mut self, reason: CloseReason) {
        let successor = self.connection.successor.take();
        let error = SourceError::from(self.redacted(reason));
        if error.is_policy_close()
            && let Some(token) = successor.and_then(|successor| successor.token)
        {
            token.invalidate();
        }
        self.on_renewal_failed(&error);
    }

    async fn on_renewed(&mut self, peer: Peer) {
        tracing::debug!(conversation = self.followed_conversation(), "connection renewed");
        self.renewal.reset();
        self.peer = Some(peer);
        self.pending.renewed = true;
        self.connection.close_retiring().await;
    }

    fn on_renewal_failed(&mut self, error: &SourceError) {
        let pause = self.renewal.failed(error);
        // All connections share the renewal of the token, which is logged once.
        let auth = self.requests.rest().auth();
        if !auth.log_failed_renewal(|cause| SourceError::from(cause.clone()) == *error) {
            self.log_pause(&format!("cannot renew the connection: {error}; retrying"), pause);
        }
    }

    pub(super) fn on_response(&mut self, response: Response) -> Result<(), SourceError> {
        let is_snapshot = matches!(&response, Response::Snapshot { result: Ok(_), .. });
        let failure = self.update_tracker(Input::Response(response));
        if let (true, Some(surroundings)) = (is_snapshot, &mut self.surroundings) {
            *surroundings = self.tracker.surroundings(&self.conversation);
        }
        self.report_progress();
        failure.map_or(Ok(()), |error| self.on_request_failed(error))
    }

    /// Pauses requests, or ends the connection if it is refused too often (CONN-20). Without a socket there is nothing to keep,
    /// and the caller counts the attempts. An open socket shows that sign-in and channel have worked.
    fn on_request_failed(&mut self, error: RestError) -> Result<(), SourceError> {
        let (failure, is_unanswered) = (self.describe(&error), error.response_kind() == ResponseKind::NoResponse);
        let error = SourceError::from_rest(error, self.followed_conversation().unwrap_or_default());
        let is_transcript = self.protocol == Protocol::Transcript;
        if !is_transcript && self.connection.live.is_none() {
            return Err(error);
        }
        let socket_activity = self.connection.last_activity_cell().filter(|_| is_unanswered).map(|cell| cell.get());
        let pause = match error.retry(true) {
            Retry::After(retry_after) => Some(self.requests.pause(FailedRequest { retry_after, socket_activity })),
            // A refused history read never ends an open socket (CONN-43).
            _ if is_transcript => Some(self.requests.pause(FailedRequest::default())),
            _ => self.requests.pause_after_refusal(self.retries),
        };
        let Some(pause) = pause else { return Err(error) };
        self.log_pause(&format!("{failure}; retrying"), pause);
        Ok(())
    }

    /// Returns the message about a failed request. A refusal names the conversation, on both sources alike.
    fn describe(&self, error: &RestError) -> String {
        match (error, self.followed_conversation()) {
            (RestError::NotFound { .. } | RestError::Forbidden { .. }, Some(conversation)) => {
                format!("cannot read conversation {conversation}: {error}")
            }
            _ => error.to_string(),
        }
    }

    /// Logs a failure and the pause after it. What is no news follows at debug level.
    fn log_pause(&self, failure: &str, pause: Pause) {
        let (conversation, delay_ms) = (self.followed_conversation(), milliseconds(pause.delay));
        let seconds = pause.delay.as_secs_f64();
        if pause.is_logged {
            tracing::warn!(conversation, delay_ms, "{failure} in {seconds:.1} s");
        } else {
            tracing::debug!(conversation, delay_ms, "{failure} in {seconds:.1} s");
        }
    }

    fn on_refused(&mut self, refusal: Refusal) {
        let Refusal { conversation, error, part } = refusal;
        let conversation = conversation.as_str();
        let socket_refusal = self.transcript_refusals.remove(conversation);
        let error = match (part, socket_refusal) {
            (RefusedPart::CallTranscript, _) => SourceError::from_call_transcript(error, conversation),
            (RefusedPart::Conversation, None) => SourceError::from_rest(error, conversation),
            (RefusedPart::Conversation, Some(refusal)) => {
                SourceError::from_rest(error, conversation).with_transcript_refusal(refusal)
            }
        };
        if self.context.reports_refusals {
            tracing::error!(conversation, "{error}; {}", error.hint());
        }
        if self.forgets_conversations() {
            self.context.dedup.borrow_mut().forget(conversation);
        }
        self.refused.push(error);
    }

    /// Forgets what was delivered of a conversation that has ended. Queues and users are followed for months, and an ended
    /// conversation does not return.
    pub(super) fn forget_closed_conversation(&mut self) {
        if let Some(conversation) = self.closed_conversation.take()
            && self.forgets_conversations()
        {
            self.context.dedup.borrow_mut().forget(&conversation);
        }
    }

    /// Returns whether what was delivered of a conversation is of no use after its end. Late events of a stream may repeat it.
    fn forgets_conversations(&self) -> bool {
        self.tracker.follows_targets() && self.context.stream.is_none()
    }

    /// Hands an input to the tracker, and logs its warnings. Returns the error of a response whose request will be repeated.
    pub(super) fn update_tracker(&mut self, input: Input) -> Option<RestError> {
        let failure = self.tracker.handle(input, Now::read(), &self.context.dedup.borrow());
        self.log_warnings();
        while let Some(refusal) = self.tracker.poll_refusal() {
            self.on_refused(refusal);
        }
        failure
    }

    /// Tells the event stream who takes part in its calls.
    fn publish_participants(&mut self) {
        if let Some(stream) = self.context.stream {
            while let Some((conversation, participants)) = self.tracker.poll_participants() {
                stream.publish(conversation, participants);
            }
        }
    }

    fn log_warnings(&mut self) {
        while let Some(fact) = self.tracker.poll_follow_event() {
            self.log_follow_event(fact);
        }
        while let Some(warning) = self.tracker.poll_warning() {
            self.log(&warning);
        }
    }

    /// Logs what is followed, with full ids (TGT-13).
    fn log_follow_event(&self, fact: FollowEvent) {
        let described = |id: &str, description: &str| match description {
            "" => id.to_owned(),
            description => format!("{id}: {description}"),
        };
        match fact {
            FollowEvent::Following { target, open } => {
                let target = self.named(&target);
                let open =
                    open.map_or_else(String::new, |open| format!(": {}", plural::count(open, "open conversation")));
                tracing::info!("following {target}{open}");
            }
            FollowEvent::Joined { conversation, description, is_new } => {
                let joined = described(&conversation, &description);
                if is_new {
                    tracing::info!(conversation, "joined {joined}");
                } else {
                    tracing::debug!(conversation, "joined {joined}");
                }
            }
            FollowEvent::Ended { conversation, description } => {
                tracing::info!(conversation, "ended {}", described(&conversation, &description));
            }
        }
    }

    /// Returns a queue or user with its name, if that is known.
    fn named(&self, target: &Target) -> String {
        let (kind, id) = match target {
            Target::Queue(id) => ("queue", id),
            Target::User(id) => ("user", id),
        };
        let known = self.target_names.iter().find(|named| named.target == *target);
        match known.and_then(|named| named.name.as_deref()) {
            Some(name) => format!("{kind} {name} ({id})"),
            None => format!("{kind} {id}"),
        }
    }

    fn log(&mut self, warning: &Warning) {
        match warning {
            Warning::HistoryUnavailable(_) => {
                tracing::info!(conversation = self.followed_conversation(), "{warning}");
            }
            Warning::ReadRefused { conversation, .. }
            | Warning::NothingPrinted { conversation, .. }
            | Warning::NoMessages { conversation }
            | Warning::CallInProgress { conversation }
            | Warning::CallTranscriptMissing { conversation, .. }
            | Warning::CallGapNotFilled { conversation, .. } => {
                tracing::warn!(conversation, "{warning}");
            }
            Warning::TopicRefused { topic, .. } => tracing::warn!(topic, "{warning}"),
            Warning::ServiceMessage(_) if self.service_messages.count().is_none() => {}
            _ => tracing::warn!("{warning}"),
        }
    }
}
