//! The driver of the tracker: sends its REST requests, a few at a time and as often as the service allows.

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;

use super::rest_backoff::{FailedRequest, Pause, RestBackoff};
use crate::api::calls;
use crate::api::rest::{Rest, RestError};
use crate::api::token::Token;
use crate::config::{Retries, Targets};
use crate::tracker::{DiscoveryQuery, Lane, Mode, Now, Request, Response, Subscribed, Tracker};
use crate::wire::channel::SubscribeMode;

/// The maximum number of requests in flight.
const MAX_IN_FLIGHT: usize = 4;

/// The number of requests in flight above which only urgent ones start.
const MAX_IN_FLIGHT_NOT_URGENT: usize = 3;

/// The REST requests of one source.
pub(super) struct Requests {
    rest: Rest,
    mode: Mode,
    targets: Targets,
    in_flight: FuturesUnordered<LocalBoxFuture<'static, Completed>>,
    backoff: RestBackoff,
    /// The token of the latest subscription, which has to be renewed with it.
    subscription_token: Option<Token>,
}

/// A request that has ended.
pub(super) struct Completed {
    pub(super) response: Response,
    has_succeeded: bool,
    subscription_token: Option<Token>,
}

impl Requests {
    /// Creates a driver without requests.
    pub(super) fn new(rest: Rest, mode: Mode, targets: Targets) -> Self {
        let in_flight = FuturesUnordered::new();
        Self { rest, mode, targets, in_flight, backoff: RestBackoff::new(), subscription_token: None }
    }

    /// Returns the client.
    pub(super) fn rest(&self) -> &Rest {
        &self.rest
    }

    /// Starts the requests that are due, as far as parallelism, rate limit and backoff allow.
    pub(super) fn start_due(&mut self, tracker: &mut Tracker) {
        let now = Now::read();
        while let Some(lane) = self.open_lane(now.mono) {
            let Some(request) = tracker.poll_request(now, lane) else { return };
            self.in_flight.push(self.send(request));
        }
    }

    /// Returns when [`Requests::start_due`] may start something; `None` if only a response or another input changes that.
    pub(super) fn next_start_at(&self, tracker: &Tracker) -> Option<Instant> {
        if self.in_flight.len() >= MAX_IN_FLIGHT {
            return None;
        }
        let now = Instant::now();
        let (urgent, all) = (self.earliest_start(now, Lane::Urgent), self.earliest_start(now, Lane::All));
        if urgent > now {
            // A request that waits for the backoff may have no time of its own.
            return Some(urgent);
        }
        match self.open_lane(now) {
            Some(Lane::All) => tracker.poll_timeout(now, Lane::All),
            _ => tracker.poll_timeout(now, Lane::Urgent).into_iter().chain((all > now).then_some(all)).min(),
        }
    }

    /// Waits for the next response; forever if none is in flight. Cancel safe.
    pub(super) async fn next(&mut self) -> Response {
        let Some(completed) = self.in_flight.next().await else { return std::future::pending().await };
        if completed.has_succeeded {
            self.backoff.on_success();
        }
        if let Some(token) = completed.subscription_token {
            self.subscription_token = Some(token);
        }
        completed.response
    }

    /// Stores the token of a subscription that was made elsewhere.
    pub(super) fn set_subscription_token(&mut self, token: Token) {
        self.subscription_token = Some(token);
    }

    /// Returns `true` once after the token of the latest subscription was refused.
    pub(super) fn take_token_invalidation(&mut self) -> bool {
        self.subscription_token.take_if(|token| token.is_invalid()).is_some()
    }

    /// Pauses all requests after an error.
    pub(super) fn pause(&mut self, failed: FailedRequest) -> Pause {
        self.backoff.on_error(failed)
    }

    /// Pauses all requests after a refusal; `None` if it is one too many in a row.
    pub(super) fn pause_after_refusal(&mut self, limit: Retries) -> Option<Pause> {
        self.backoff.on_refusal(limit)
    }

    /// Ends a pause, because the caller has waited itself.
    pub(super) fn end_pause(&mut self) {
        self.backoff.reset();
    }

    /// Returns the requests that may start now; `None` if none may.
    fn open_lane(&self, now: Instant) -> Option<Lane> {
        if self.in_flight.len() >= MAX_IN_FLIGHT || self.earliest_start(now, Lane::Urgent) > now {
            return None;
        }
        let is_open = self.in_flight.len() < MAX_IN_FLIGHT_NOT_URGENT && self.earliest_start(now, Lane::All) <= now;
        Some(if is_open { Lane::All } else { Lane::Urgent })
    }

    fn earliest_start(&self, now: Instant, lane: Lane) -> Instant {
        let by_rate_limit = match lane {
            Lane::All => self.rest.next_request_at(now),
            Lane::Urgent => self.rest.next_urgent_request_at(now),
        };
        self.backoff.paused_until().map_or(by_rate_limit, |until| until.max(by_rate_limit))
    }

    fn send(&self, request: Request) -> LocalBoxFuture<'static, Completed> {
        let (rest, mode, targets) = (self.rest.clone(), self.mode, self.targets.clone());
        match request {
            Request::Snapshot(conversation) => async move {
                let result = snapshot(&rest, mode, &conversation).await;
                Completed::new(result.is_ok(), Response::Snapshot { conversation, result })
            }
            .boxed_local(),
            Request::Messages { conversation, ids } => async move {
                let result = calls::message_bodies(&rest, &conversation, &ids).await;
                Completed::new(result.is_ok(), Response::Messages { conversation, result })
            }
            .boxed_local(),
            Request::CallTranscript { conversation, leg } => async move {
                let result = calls::call_transcript(&rest, &conversation, &leg).await;
                Completed::new(result.is_ok(), Response::CallTranscript { conversation, leg, result })
            }
            .boxed_local(),
            Request::UserNames(users) => async move {
                let result = calls::user_names(&rest, &users).await;
                // Names are optional, so their success says nothing about the other requests.
                Completed::new(false, Response::UserNames { users, result })
            }
            .boxed_local(),
            Request::OpenConversations(search) => async move {
                let result = match search {
                    DiscoveryQuery::Observations => calls::observed_open_conversations(&rest, &targets).await,
                    DiscoveryQuery::Rows { page } => calls::open_conversation_rows(&rest, &targets, page).await,
                };
                Completed::new(result.is_ok(), Response::OpenConversations { search, result })
            }
            .boxed_local(),
            Request::Subscribe { channel, topics, mode } => async move {
                // Subscriptions are renewed with the token (NTF-3), which is worth nothing without a new one.
                if mode == SubscribeMode::Replace && rest.auth().is_renewal_postponed().await {
                    return Completed::new(false, Response::SubscribePostponed);
                }
                let result = subscribe(&rest, &channel, mode, &topics).await;
                let token = result.as_ref().ok().map(|subscription| subscription.token.clone());
                let result = result.map(|subscription| subscription.answer);
                let completed = Completed::new(result.is_ok(), Response::Subscribe { channel, topics, mode, result });
                Completed { subscription_token: token, ..completed }
            }
            .boxed_local(),
        }
    }
}

impl Completed {
    fn new(has_succeeded: bool, response: Response) -> Self {
        Self { response, has_succeeded, subscription_token: None }
    }
}

impl std::fmt::Debug for Requests {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Requests").field("in_flight", &self.in_flight.len()).finish_non_exhaustive()
    }
}

/// Reads a conversation. Its messages are enough for history, and take fewer permissions.
async fn snapshot(
    rest: &Rest,
    mode: Mode,
    conversation: &str,
) -> Result<crate::wire::conversation::Snapshot, RestError> {
    match mode {
        Mode::HistoryOnly => calls::message_snapshot(rest, conversation).await,
        Mode::Full => calls::snapshot(rest, conversation).await,
    }
}

/// A subscription and the token that it was made with.
pub(super) struct Subscription {
    pub(super) answer: Subscribed,
    pub(super) token: Token,
}

/// Subscribes a channel to topics.
pub(super) async fn subscribe(
    rest: &Rest,
    channel: &str,
    mode: SubscribeMode,
    topics: &[String],
) -> Result<Subscription, RestError> {
    let states = calls::subscribe(rest, channel, mode, topics).await?;
    let token = rest.auth().token().await?;
    Ok(Subscription { answer: Subscribed { states, token_renew_at: token.renew_at }, token })
}
