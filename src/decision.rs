//! The decision about what follows a response, or a request without one (SRC-5, CONN-6, CONN-10 to CONN-21, CONN-28, CONN-43).
//!
//! [`decide`] is a table: what was requested, what was answered, and what happened before in the run.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Retries;
use crate::exit_code::ErrorClass;

/// The delays before a request is repeated with a token that was obtained a moment ago, which a server may not know yet.
const NEW_TOKEN_DELAYS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// The age up to which a refused token may be unknown to the server.
pub(crate) const NEW_TOKEN_AGE: Duration = Duration::from_secs(10);

/// The time after which an outage that is a refusal ends the run if retries are unlimited (CONN-20).
const MAX_REFUSAL: Duration = Duration::from_secs(15 * 60);

/// The maximum delay before a refused read is repeated.
const MAX_READ_DELAY: Duration = Duration::from_secs(30);

/// The kind of a request. The success of one says nothing about the other kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// A token, if there is none that can be used.
    SignIn,
    /// A token, while another one can be used.
    Renewal,
    /// The notification channel and its subscriptions.
    Channel,
    /// The socket of the notification channel.
    ChannelSocket,
    /// The transcript socket of a conversation.
    Handshake,
    /// A REST read of a conversation.
    Read,
}

/// The response to a request, or the reason why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseKind {
    /// 400.
    BadRequest,
    /// 401.
    Unauthorized,
    /// 403 with a Genesys error object.
    Forbidden,
    /// 403 without one: a firewall or proxy has answered.
    ForbiddenPage,
    /// 404, 410.
    Missing,
    /// 405, 426, 501, 2xx and 3xx, where a token or a socket is expected.
    NoEndpoint,
    /// 408, 429, 5xx except 501.
    Unavailable,
    /// Another status, or a body of another service.
    Unexpected,
    /// No response: DNS, connection, time limit, or the proxy cannot connect.
    NoResponse,
    /// The certificate of the server is not trusted.
    Certificate,
    /// 407: the proxy refuses the credentials.
    ProxyCredentials,
}

impl ResponseKind {
    /// Classifies a status that is not a success. `has_error_object` tells whether Genesys Cloud has sent the body.
    pub(crate) fn of_status(status: u16, has_error_object: bool) -> Self {
        match status {
            400 => Self::BadRequest,
            401 => Self::Unauthorized,
            403 if has_error_object => Self::Forbidden,
            403 => Self::ForbiddenPage,
            404 | 410 => Self::Missing,
            200..=399 | 405 | 426 | 501 => Self::NoEndpoint,
            408 | 429 | 500..=599 => Self::Unavailable,
            _ => Self::Unexpected,
        }
    }
}

/// The token of a request that was answered with 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenState {
    /// It was obtained within 10 s before the first 401, and the request was repeated with it this often.
    New { repeats: usize },
    /// It worked for longer than that.
    Old,
    /// It has replaced another one that was answered with 401.
    Replacement,
}

impl TokenState {
    /// Returns the state after another repetition.
    pub(crate) fn repeated(self) -> Self {
        match self {
            Self::New { repeats } => Self::New { repeats: repeats + 1 },
            state => state,
        }
    }
}

/// The facts about the run so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Before {
    /// A request of this kind has succeeded.
    pub(crate) has_worked: bool,
    /// The conversation is known to have ended.
    pub(crate) has_ended: bool,
    /// The token of the request.
    pub(crate) token: TokenState,
}

impl Before {
    /// Returns the facts about a request whose repetitions after a 401 are over.
    pub(crate) fn new(has_worked: bool) -> Self {
        Self { has_worked, has_ended: false, token: TokenState::Replacement }
    }
}

/// The consequence of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Repeats the request with the same token after this delay.
    RepeatWithSameToken(Duration),
    /// Repeats the request with a new token.
    RepeatWithNewToken,
    /// Uses the token in hand until it expires, and renews it later.
    KeepToken,
    /// Repeats the request after a backoff: an outage.
    Retry,
    /// Repeats the request after a backoff. After the last retry this class decides the exit code.
    RetryRefusal(ErrorClass),
    /// Ends with the exit code of this class.
    Refuse(ErrorClass),
    /// Follows the conversation by notifications with `--source auto`, else ends with the exit code of this class.
    FallBack(ErrorClass),
    /// Creates another channel.
    NewChannel,
    /// Regards the conversation as closed.
    EndConversation,
}

/// Decides what follows an answer.
pub(crate) fn decide(request: Request, answer: ResponseKind, before: Before) -> Action {
    use Request as R;
    use ResponseKind as A;
    let Before { has_worked, has_ended, token } = before;
    let refusal = |class| if has_worked { Action::RetryRefusal(class) } else { Action::Refuse(class) };
    match (request, answer) {
        (R::Renewal, _) => Action::KeepToken,
        (_, A::Unavailable | A::NoResponse) => Action::Retry,
        (_, A::Certificate) => refusal(ErrorClass::Unavailable),
        (_, A::ProxyCredentials) => refusal(ErrorClass::NoPermission),
        (R::SignIn, A::BadRequest | A::Unauthorized | A::Forbidden) => refusal(ErrorClass::NoPermission),
        (R::SignIn, _) => refusal(ErrorClass::Protocol),
        (R::ChannelSocket, A::BadRequest | A::Unauthorized | A::Forbidden | A::Missing) => Action::NewChannel,
        (R::ChannelSocket, _) => refusal(ErrorClass::Protocol),
        (_, A::Unauthorized) => match token {
            TokenState::New { repeats } if repeats < NEW_TOKEN_DELAYS.len() => {
                Action::RepeatWithSameToken(NEW_TOKEN_DELAYS[repeats])
            }
            TokenState::New { .. } | TokenState::Old => Action::RepeatWithNewToken,
            TokenState::Replacement => refusal(ErrorClass::NoPermission),
        },
        (_, A::Forbidden) => refusal(ErrorClass::NoPermission),
        (R::Channel, A::Missing) => Action::NewChannel,
        (R::Handshake | R::Read, A::Missing) if has_ended => Action::EndConversation,
        (R::Handshake, A::Missing) if !has_worked => Action::FallBack(ErrorClass::NoInput),
        (_, A::Missing) => refusal(ErrorClass::NoInput),
        (R::Handshake, A::BadRequest | A::ForbiddenPage | A::NoEndpoint) if !has_worked => {
            Action::FallBack(ErrorClass::Protocol)
        }
        (_, A::BadRequest | A::ForbiddenPage | A::NoEndpoint | A::Unexpected) => refusal(ErrorClass::Protocol),
    }
}

/// The refusals in a row after a success (CONN-20).
#[derive(Debug, Default)]
pub(crate) struct RefusalRow {
    count: u32,
    since: Option<Instant>,
}

impl RefusalRow {
    /// Counts a refusal. Returns whether it is one too many.
    pub(crate) fn is_exhausted_by_another(&mut self, limit: Retries, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        self.count = self.count.saturating_add(1);
        match limit {
            Retries::Limited(maximum) => self.count > maximum,
            Retries::Unlimited => now - since >= MAX_REFUSAL,
        }
    }

    /// Returns the delay after which a refused read is repeated.
    pub(crate) fn read_delay(&self) -> Duration {
        let doubled = 1_u32.checked_shl(self.count.saturating_sub(1)).unwrap_or(u32::MAX);
        Duration::from_secs(1).saturating_mul(doubled).min(MAX_READ_DELAY)
    }

    /// Returns whether the row has one refusal.
    pub(crate) fn is_first(&self) -> bool {
        self.count == 1
    }

    /// Ends the row, after a success or a failure of another kind.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::Action::{
        EndConversation, FallBack, KeepToken, NewChannel, Refuse, RepeatWithNewToken, Retry, RetryRefusal,
    };
    use super::Request::{Channel, ChannelSocket, Handshake, Read, Renewal, SignIn};
    use super::ResponseKind::{
        BadRequest, Certificate, Forbidden, ForbiddenPage, Missing, NoEndpoint, NoResponse, ProxyCredentials,
        Unauthorized, Unavailable, Unexpected,
    };
    use super::TokenState::{New, Old, Replacement};
    use super::*;
    use crate::exit_code::ErrorClass::{NoInput, NoPermission, Protocol, Unavailable as Outage};

    const ANSWERS: [ResponseKind; 11] = [
        BadRequest,
        Unauthorized,
        Forbidden,
        ForbiddenPage,
        Missing,
        NoEndpoint,
        Unavailable,
        Unexpected,
        NoResponse,
        Certificate,
        ProxyCredentials,
    ];

    /// One row for each request and answer: what follows the first time, and after such a request has succeeded.
    #[rustfmt::skip]
    const TABLE: [(Request, ResponseKind, Action, Action); 66] = [
        (SignIn,        BadRequest,       Refuse(NoPermission),   RetryRefusal(NoPermission)),
        (SignIn,        Unauthorized,     Refuse(NoPermission),   RetryRefusal(NoPermission)),
        (SignIn,        Forbidden,        Refuse(NoPermission),   RetryRefusal(NoPermission)),
        (SignIn,        ForbiddenPage,    Refuse(Protocol),       RetryRefusal(Protocol)),
        (SignIn,        Missing,          Refuse(Protocol),       RetryRefusal(Protocol)),
        (SignIn,        NoEndpoint,       Refuse(Protocol),       RetryRefusal(Protocol)),
        (SignIn,        Unavailable,      Retry,                  Retry),
        (SignIn,        Unexpected,       Refuse(Protocol),       RetryRefusal(Protocol)),
        (SignIn,        NoResponse,       Retry,                  Retry),
        (SignIn,        Certificate,      Refuse(Outage),         RetryRefusal(Outage)),
        (SignIn,        ProxyCredentials, Refuse(NoPermission),   RetryRefusal(NoPermission)),

        (Renewal,       BadRequest,       KeepToken,              KeepToken),
        (Renewal,       Unauthorized,     KeepToken,              KeepToken),
        (Renewal,       Forbidden,        KeepToken,              KeepToken),
        (Renewal,       ForbiddenPage,    KeepToken,              KeepToken),
        (Renewal,       Missing,          KeepToken,              KeepToken),
        (Renewal,       NoEndpoint,       KeepToken,              KeepToken),
        (Renewal,       Unavailable,      KeepToken,              KeepToken),
        (Renewal,       Unexpected,       KeepToken,              KeepToken),
        (Renewal,       NoResponse,       KeepToken,              KeepToken),
        (Renewal,       Certificate,      KeepToken,              KeepToken),
        (Renewal,       ProxyCredentials, KeepToken,              KeepToken),

        (Channel,       BadRequest,       Refuse(Protocol),       RetryRefusal(Protocol)),
        (Channel,       Unauthorized,     Refuse(NoPermission),   RetryRefusal(NoPermission)),
        (Channel,       Forbidden,        Refuse(NoPermission),   RetryRefusal(NoPermission)),
        (Channel,       ForbiddenPage,    Refuse(Protocol),       RetryRefusal(Protocol)),
        (Channel,       Missing,          NewChannel,             NewChannel),
        (Channel,       NoEndpoint,       Refuse(Protocol),       RetryRefusal(Protocol)),
        (Channel,       Unavailable,      Retry,                  Retry),
        (Channel,       Unexpected,       Refuse(Protocol),       RetryRefusal(Protocol)),
        (Channel,       NoResponse,       Retry,                  Retry),
        (Channel,       Certificate,      Refuse(Outage),         RetryRefusal(Outage)),
        (Channel,       ProxyCredentials, Refuse(NoPermission),   RetryRefusal(NoPermission)),

        (ChannelSocket, BadRequest,       NewChannel,             NewChannel),
        (ChannelSocket, Unauthorized,     NewChannel,             NewChannel),
        (ChannelSocket, Forbidden,        NewChannel,             NewChannel),
        (ChannelSocket, ForbiddenPage,    Refuse(Protocol),       RetryRefusal(Protocol)),
        (ChannelSocket, Missing,          NewChannel,             NewChannel),
        (ChannelSocket, NoEndpoint,       Refuse(Protocol),       RetryRefusal(Protocol)),
        (ChannelSocket, Unavailable,      Retry,                  Retry),
        (ChannelSocket, Unexpected,       Refuse(Protocol),       RetryRefusal(Protocol)),
        (ChannelSocket, NoResponse,       Retry,                  Retry),
        (ChannelSocket, Certificate,      Refuse(Outage),         RetryRefusal(Outage)),
        (ChannelSocket, ProxyCredentials, Refuse(NoPermission),   RetryRefusal(NoPermission)),

        (Handshake,     BadRequest,       FallBack(Protocol),     RetryRefusal(Protocol)),
        (Handshake,     Unauthorized,     Refuse(NoPermission),   RetryRefusal(NoPermission)),
        (Handshake,     Forbidden,        Refuse(NoPermission),   RetryRefusal(NoPermission)),
        (Handshake,     ForbiddenPage,    FallBack(Protocol),     RetryRefusal(Protocol)),
        (Handshake,     Missing,          FallBack(NoInput),      RetryRefusal(NoInput)),
        (Handshake,     NoEndpoint,       FallBack(Protocol),     RetryRefusal(Protocol)),
        (Handshake,     Unavailable,      Retry,                  Retry),
        (Handshake,     Unexpected,       Refuse(Protocol),       RetryRefusal(Protocol)),
        (Handshake,     NoResponse,       Retry,                  Retry),
        (Handshake,     Certificate,      Refuse(Outage),         RetryRefusal(Outage)),
        (Handshake,     ProxyCredentials, Refuse(NoPermission),   RetryRefusal(NoPermission)),

        (Read,          BadRequest,       Refuse(Protocol),       RetryRefusal(Protocol)),
        (Read,          Unauthorized,     Refuse(NoPermission),   RetryRefusal(NoPermission)),
        (Read,          Forbidden,        Refuse(NoPermission),   RetryRefusal(NoPermission)),
        (Read,          ForbiddenPage,    Refuse(Protocol),       RetryRefusal(Protocol)),
        (Read,          Missing,          Refuse(NoInput),        RetryRefusal(NoInput)),
        (Read,          NoEndpoint,       Refuse(Protocol),       RetryRefusal(Protocol)),
        (Read,          Unavailable,      Retry,                  Retry),
        (Read,          Unexpected,       Refuse(Protocol),       RetryRefusal(Protocol)),
        (Read,          NoResponse,       Retry,                  Retry),
        (Read,          Certificate,      Refuse(Outage),         RetryRefusal(Outage)),
        (Read,          ProxyCredentials, Refuse(NoPermission),   RetryRefusal(NoPermission)),
    ];

    #[test]
    fn a_refusal_is_final_the_first_time_and_an_outage_after_a_success() {
        for (request, answer, first, later) in TABLE {
            assert_eq!(decide(request, answer, Before::new(false)), first, "{request:?} {answer:?}");
            assert_eq!(decide(request, answer, Before::new(true)), later, "{request:?} {answer:?} after a success");
        }
        for request in [SignIn, Renewal, Channel, ChannelSocket, Handshake, Read] {
            let answers: Vec<ResponseKind> = TABLE.iter().filter(|row| row.0 == request).map(|row| row.1).collect();
            assert_eq!(answers, ANSWERS, "{request:?}");
        }
    }

    #[test]
    fn a_new_token_is_tried_four_times_and_then_one_other() {
        let seconds = |seconds| Action::RepeatWithSameToken(Duration::from_secs(seconds));
        for (token, action) in [
            (New { repeats: 0 }, seconds(1)),
            (New { repeats: 1 }, seconds(2)),
            (New { repeats: 2 }, seconds(4)),
            (New { repeats: 3 }, RepeatWithNewToken),
            (Old, RepeatWithNewToken),
            (Replacement, Refuse(NoPermission)),
        ] {
            for request in [Channel, Handshake, Read] {
                let before = Before { token, ..Before::new(false) };
                assert_eq!(decide(request, Unauthorized, before), action, "{request:?} {token:?}");
            }
        }
    }

    #[test]
    fn a_missing_conversation_that_has_ended_is_closed() {
        for has_worked in [false, true] {
            let before = Before { has_ended: true, ..Before::new(has_worked) };
            for request in [Handshake, Read] {
                assert_eq!(decide(request, Missing, before), EndConversation);
                assert_eq!(decide(request, Unavailable, before), Retry);
            }
            assert_eq!(decide(Channel, Missing, before), NewChannel);
        }
    }

    #[test]
    fn every_status_has_one_meaning() {
        for (statuses, answer) in [
            (&[400][..], BadRequest),
            (&[401], Unauthorized),
            (&[403], ForbiddenPage),
            (&[404, 410], Missing),
            (&[200, 204, 301, 304, 405, 426, 501], NoEndpoint),
            (&[408, 429, 500, 502, 503, 504, 599], Unavailable),
            (&[402, 407, 418, 451, 600], Unexpected),
        ] {
            for status in statuses {
                assert_eq!(ResponseKind::of_status(*status, false), answer, "{status}");
                let with_object = if *status == 403 { Forbidden } else { answer };
                assert_eq!(ResponseKind::of_status(*status, true), with_object, "{status}");
            }
        }
    }

    #[test]
    fn refusals_in_a_row_end_after_the_last_retry_or_fifteen_minutes() {
        let start = Instant::now();
        let mut row = RefusalRow::default();
        for (limit, exhausted_by) in [(0, 1), (1, 2), (5, 6)] {
            row.reset();
            let count = (1..100).find(|_| row.is_exhausted_by_another(Retries::Limited(limit), start));
            assert_eq!(count, Some(exhausted_by));
        }
        row.reset();
        for (minutes, is_exhausted) in [(0, false), (14, false), (15, true)] {
            let now = start + Duration::from_secs(minutes * 60);
            assert_eq!(row.is_exhausted_by_another(Retries::Unlimited, now), is_exhausted, "{minutes}");
        }
        row.reset();
        let now = start + Duration::from_secs(3600);
        assert!(!row.is_exhausted_by_another(Retries::Unlimited, now), "a new row");
        let delays: Vec<u64> = (0..7)
            .map(|_| {
                let delay = row.read_delay().as_secs();
                row.is_exhausted_by_another(Retries::Unlimited, now);
                delay
            })
            .collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30]);
    }
}
