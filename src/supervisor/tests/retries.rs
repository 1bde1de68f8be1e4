//! Retries: which errors, how many, and the delays (CONN-1 to CONN-6).

use std::time::Duration;

use futures_util::SinkExt;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use tokio::time::sleep;

use super::harness::{
    Attempt, close, conversation_closed, is_between, retry_at_most, retry_forever, run, send, serve, unreachable_host,
};
use crate::api::certificate::CertificateError;
use crate::api::error_body::ErrorBody;
use crate::api::http_error::HttpError;
use crate::api::oauth::AuthError;
use crate::api::websocket::CloseReason;
use crate::exit_code::ErrorClass;
use crate::source::SourceError;
use crate::status::redact::Secrets;
use crate::supervisor::{Failure, Outcome};

#[test]
fn failures_of_the_first_connection_are_retried_without_a_gap() {
    let finished = run(
        vec![
            Attempt::Refuse(unreachable_host()),
            Attempt::Refuse(unreachable_host()),
            serve(|mut server| async move { close(&mut server, 1000).await }),
        ],
        retry_at_most(5),
    );
    assert_eq!((finished.result.clone(), finished.lines.len()), (Ok(Outcome::ClosedByServer), 0));
    let delays = finished.delays();
    assert!(is_between(delays[0], 1_000, 2_000) && is_between(delays[1], 2_000, 3_000), "{delays:?}");
}

#[test]
fn every_kind_of_outage_is_retried_and_counted() {
    let host = || String::from("h");
    let status = reqwest::StatusCode::TOO_MANY_REQUESTS;
    let body = || ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default());
    let outages: [SourceError; 5] = [
        HttpError::Dns { host: host() }.into(),
        HttpError::Timeout { host: host(), after: Duration::from_secs(10) }.into(),
        unreachable_host(),
        AuthError::Unavailable { host: host(), body: body() }.into(),
        SourceError::Unavailable { host: host(), body: body() },
    ];
    let mut attempts: Vec<Attempt> = outages.into_iter().map(Attempt::Refuse).collect();
    attempts.push(serve(|mut server| async move { close(&mut server, 1000).await }));
    let finished = run(attempts, retry_at_most(5));
    let delays = finished.delays();
    assert_eq!((finished.result, delays.len()), (Ok(Outcome::ClosedByServer), 5));
    for (delay, base) in delays.iter().zip([1_000, 2_000, 4_000, 8_000, 16_000]) {
        assert!(is_between(*delay, base, base + 1_000), "{delays:?}");
    }
}

#[test]
fn retries_are_counted_in_a_row_and_end_with_the_last_cause() {
    for (retries, attempts) in [(0, 1), (1, 2), (5, 6)] {
        let finished = run(vec![], retry_at_most(retries));
        assert_eq!(finished.result, Err(Failure::GaveUp { attempts, last: Box::new(unreachable_host()) }));
        assert_eq!(finished.attempts.len(), attempts as usize);
    }
}

#[test]
fn a_final_refusal_is_not_retried() {
    let rejection = CertificateError::from_rustls(&rustls::Error::NoCertificatesPresented).expect("a certificate");
    let certificate = || SourceError::from(HttpError::Certificate { host: "h".into(), error: rejection.clone() });
    let refusal = || crate::api::http_error::ProxyRefusal::WrongLogin;
    let proxy = || SourceError::from(HttpError::ProxyCredentials { host: "h".into(), refusal: refusal() });
    for error in [certificate(), proxy()] {
        let finished = run(vec![Attempt::Refuse(error.clone())], retry_forever());
        assert_eq!((finished.result, finished.attempts.len()), (Err(Failure::refused(error)), 1));
    }
    let later = vec![
        serve(|mut server| async move { send(&mut server, &["m1"]).await }),
        Attempt::Refuse(certificate()),
        serve(|mut server| async move { close(&mut server, 1000).await }),
    ];
    assert_eq!(
        run(later, retry_at_most(5)).result,
        Ok(Outcome::ClosedByServer),
        "a certificate that was valid before is retried"
    );
}

fn error_body(status: u16) -> ErrorBody {
    let status = reqwest::StatusCode::from_u16(status).expect("a status");
    ErrorBody::new(status, &HeaderMap::new(), br#"{"message":"No."}"#, &Secrets::default())
}

/// Each kind of refusal of a handshake, and the exit code after retries.
fn refusals() -> [(SourceError, ErrorClass); 6] {
    let (host, conversation) = (|| String::from("h"), String::from("c1"));
    let unexpected = |status| SourceError::UnexpectedResponse { host: host(), reason: "a web page".into(), status };
    [
        (SourceError::Unauthorized { host: host(), body: error_body(401) }, ErrorClass::NoPermission),
        (SourceError::Forbidden { host: host(), body: error_body(403) }, ErrorClass::NoPermission),
        (SourceError::NoTranscript { host: host(), conversation, body: error_body(404) }, ErrorClass::NoInput),
        (unexpected(Some(403)), ErrorClass::Protocol),
        (unexpected(Some(400)), ErrorClass::Protocol),
        (unexpected(None), ErrorClass::Protocol),
    ]
}

/// (R2, CONN-19, CONN-20)
#[test]
fn a_refusal_is_final_at_first_and_after_a_success_an_outage_with_its_own_exit_code() {
    for (refusal, class) in refusals() {
        let refuse = || Attempt::Refuse(refusal.clone());
        let first = run(vec![refuse()], retry_forever());
        assert_eq!((first.result, first.attempts.len()), (Err(Failure::refused(refusal.clone())), 1));

        let open = || serve(|mut server| async move { send(&mut server, &["m1"]).await });
        let closed = || serve(|mut server| async move { close(&mut server, 1000).await });
        let survived = run(vec![open(), refuse(), refuse(), closed()], retry_at_most(3));
        assert_eq!(survived.result, Ok(Outcome::ClosedByServer), "{refusal}");

        let attempts = std::iter::once(open()).chain((0..4).map(|_| refuse())).collect();
        let Err(failure) = run(attempts, retry_at_most(3)).result else { panic!("{refusal}: it must give up") };
        assert_eq!(failure, Failure::GaveUp { attempts: 4, last: Box::new(refusal.clone()) });
        assert_eq!(failure.cause().class(), class, "{refusal}");
    }
}

/// (CONN-20)
#[test]
fn refusals_in_a_row_end_a_run_with_unlimited_retries_after_fifteen_minutes_and_other_outages_do_not() {
    let (refusal, _) = refusals().into_iter().next().expect("one");
    let open = || serve(|mut server| async move { send(&mut server, &["m1"]).await });
    let refuse = |count| (0..count).map(|_| Attempt::Refuse(refusal.clone()));
    let outage = |count| (0..count).map(|_| Attempt::Refuse(unreachable_host()));
    let refused = run(std::iter::once(open()).chain(refuse(100)).collect(), retry_forever());
    let ended_at = refused.attempts.last().copied().unwrap_or_default().as_secs();
    assert!((900..940).contains(&ended_at), "{ended_at} s");
    assert!(matches!(refused.result, Err(Failure::GaveUp { last, .. }) if *last == refusal));

    let closed = serve(|mut server| async move {
        send(&mut server, &["m2"]).await;
        server.send(conversation_closed()).await.expect("a client that reads");
        close(&mut server, 1000).await;
    });
    // Twenty minutes of refusals, with an outage in their middle.
    let attempts = std::iter::once(open()).chain(refuse(20)).chain(outage(100)).chain(refuse(20)).chain([closed]);
    assert_eq!(run(attempts.collect(), retry_forever()).result, Ok(Outcome::Closed));
}

/// (R1, CONN-19)
#[test]
fn a_sign_in_that_is_refused_after_another_was_not_is_an_outage() {
    let refused = |has_signed_in| {
        SourceError::Auth(AuthError::Refused { host: "h".into(), body: error_body(401), has_signed_in })
    };
    let closed = || serve(|mut server| async move { close(&mut server, 1000).await });
    let first = run(vec![Attempt::Refuse(refused(false)), closed()], retry_at_most(1));
    assert_eq!(first.result, Err(Failure::refused(refused(false))));
    let later = run(vec![Attempt::Refuse(refused(true)), closed()], retry_at_most(1));
    assert_eq!(later.result, Ok(Outcome::ClosedByServer));
}

#[test]
fn only_new_events_and_ten_stable_seconds_reset_the_retries() {
    let empty = || serve(|server| async move { drop(server) });
    let repeating = || serve(|mut server| async move { send(&mut server, &["m1"]).await });
    let stable = serve(|server| async move {
        sleep(Duration::from_secs(10)).await;
        drop(server);
    });
    let new_event = serve(|mut server| async move { send(&mut server, &["m2"]).await });
    let delays = run(vec![repeating(), empty(), repeating(), stable, empty(), new_event], retry_at_most(3)).delays();
    assert_eq!(delays.len(), 8);
    // m1 is new at first. Then come a connection without an event, one that repeats m1, and ten stable seconds.
    for (delay, (from, to)) in delays.iter().zip([(1, 2), (2, 3), (4, 5), (11, 12), (2, 3), (1, 2), (2, 3), (4, 5)]) {
        assert!(is_between(*delay, from * 1000, to * 1000), "{delays:?}");
    }
}

#[test]
fn the_delay_is_at_least_the_retry_after_of_the_server() {
    let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("60"))]);
    let body = ErrorBody::new(reqwest::StatusCode::SERVICE_UNAVAILABLE, &headers, b"", &Secrets::default());
    let unavailable = SourceError::Unavailable { host: "h".into(), body };
    let finished = run(vec![Attempt::Refuse(unavailable)], retry_at_most(1));
    assert_eq!(finished.delays(), [Duration::from_secs(60)]);
}

#[test]
fn giving_up_names_the_last_cause() {
    let policy_close = || serve(|mut server| async move { close(&mut server, 1008).await });
    let Err(Failure::GaveUp { last, .. }) = run(vec![policy_close()], retry_at_most(0)).result else {
        panic!("it must give up")
    };
    assert!(last.is_policy_close());
    assert_eq!(*last, SourceError::ClosedByServer(CloseReason::Closed { code: 1008, reason: String::new() }));
}
