//! What is tried again, how often, and after how long.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use tokio::time::sleep;

use super::harness::{Act, at_most, close, on_and_on, play, say, serve, unreachable_host, within};
use crate::api::certificate::CertificateError;
use crate::api::error_body::ErrorBody;
use crate::api::http_error::HttpError;
use crate::api::oauth::AuthError;
use crate::api::websocket::CloseReason;
use crate::source::SourceError;
use crate::status::redact::Secrets;
use crate::supervisor::{Failure, Outcome};

#[test]
fn the_first_connection_is_tried_again_and_no_gap_is_said_before_it() {
    let played = play(
        vec![
            Act::Refuse(unreachable_host()),
            Act::Refuse(unreachable_host()),
            serve(|mut server| async move { close(&mut server, 1000).await }),
        ],
        at_most(5),
    );
    assert_eq!((played.result.clone(), played.lines.len()), (Ok(Outcome::Ended), 0));
    let waits = played.waits();
    assert!(within(waits[0], 1_000, 2_000) && within(waits[1], 2_000, 3_000), "{waits:?}");
}

#[test]
fn every_trouble_on_the_way_is_tried_again_and_counts_alike() {
    let host = || String::from("h");
    let status = reqwest::StatusCode::TOO_MANY_REQUESTS;
    let body = || ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default());
    let troubles: [SourceError; 5] = [
        HttpError::Dns { host: host() }.into(),
        HttpError::Timeout { host: host(), after: Duration::from_secs(10) }.into(),
        unreachable_host(),
        AuthError::Unavailable { host: host(), body: body() }.into(),
        SourceError::Unavailable { host: host(), body: body() },
    ];
    let mut acts: Vec<Act> = troubles.into_iter().map(Act::Refuse).collect();
    acts.push(serve(|mut server| async move { close(&mut server, 1000).await }));
    let played = play(acts, at_most(5));
    let waits = played.waits();
    assert_eq!((played.result, waits.len()), (Ok(Outcome::Ended), 5));
    for (wait, base) in waits.iter().zip([1_000, 2_000, 4_000, 8_000, 16_000]) {
        assert!(within(*wait, base, base + 1_000), "{waits:?}");
    }
}

#[test]
fn retries_are_counted_in_a_row_and_end_with_the_last_cause() {
    for (retries, attempts) in [(0, 1), (1, 2), (5, 6)] {
        let played = play(vec![], at_most(retries));
        assert_eq!(played.result, Err(Failure::GaveUp { attempts, last: unreachable_host() }));
        assert_eq!(played.attempts.len(), attempts as usize);
    }
}

#[test]
fn a_refusal_that_is_final_is_not_tried_again() {
    let distrust = CertificateError::from_rustls(&rustls::Error::NoCertificatesPresented).expect("a certificate");
    let certificate = || SourceError::from(HttpError::Certificate { host: "h".into(), error: distrust.clone() });
    let proxy = || SourceError::from(HttpError::ProxyCredentials { host: "h".into() });
    for error in [certificate(), proxy()] {
        let played = play(vec![Act::Refuse(error.clone())], on_and_on());
        assert_eq!((played.result, played.attempts.len()), (Err(Failure::Refused(error)), 1));
    }
    let later = vec![
        serve(|mut server| async move { say(&mut server, &["m1"]).await }),
        Act::Refuse(certificate()),
        serve(|mut server| async move { close(&mut server, 1000).await }),
    ];
    assert_eq!(play(later, at_most(5)).result, Ok(Outcome::Ended), "a certificate that was good once is waited for");
}

#[test]
fn news_and_ten_calm_seconds_start_the_count_over_and_nothing_else_does() {
    let brief = || serve(|server| async move { drop(server) });
    let repeating = || serve(|mut server| async move { say(&mut server, &["m1"]).await });
    let calm = serve(|server| async move {
        sleep(Duration::from_secs(10)).await;
        drop(server);
    });
    let news = serve(|mut server| async move { say(&mut server, &["m2"]).await });
    let waits = play(vec![repeating(), brief(), repeating(), calm, brief(), news], at_most(3)).waits();
    assert_eq!(waits.len(), 8);
    // m1 is news at first; then a connection without any, one that repeats it, and ten calm seconds.
    for (wait, (from, to)) in waits.iter().zip([(1, 2), (2, 3), (4, 5), (11, 12), (2, 3), (1, 2), (2, 3), (4, 5)]) {
        assert!(within(*wait, from * 1000, to * 1000), "{waits:?}");
    }
}

#[test]
fn the_servers_wish_is_a_floor_under_the_delay() {
    let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("60"))]);
    let body = ErrorBody::new(reqwest::StatusCode::SERVICE_UNAVAILABLE, &headers, b"", &Secrets::default());
    let busy = SourceError::Unavailable { host: "h".into(), body };
    let played = play(vec![Act::Refuse(busy)], at_most(1));
    assert_eq!(played.waits(), [Duration::from_secs(60)]);
}

#[test]
fn the_last_cause_of_giving_up_is_kept() {
    let policy = || serve(|mut server| async move { close(&mut server, 1008).await });
    let Err(Failure::GaveUp { last, .. }) = play(vec![policy()], at_most(0)).result else { panic!("it must give up") };
    assert!(last.is_policy_close());
    assert_eq!(last, SourceError::ClosedByServer(CloseReason::Closed { code: 1008, reason: String::new() }));
}
