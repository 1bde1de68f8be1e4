use hyper::StatusCode;
use serde_json::json;

use super::*;
use crate::simulator::faults::RetryAfter;

fn fault(action: FaultAction) -> Fault {
    Fault { action, after: 0, skip: 0, times: Some(1), conversation: None, path: None }
}

fn token(fault: RequestFault) -> FaultAction {
    FaultAction::Request(Endpoint::Token, fault)
}

#[test]
fn a_specification_becomes_its_fault() {
    let expires_in = token(RequestFault::ExpiresIn(json!("300")));
    let close = SocketFault::Close { code: 1011, reason: "going away, bye".to_owned() };
    let status =
        |retry_after, body| RequestFault::Status { status: StatusCode::SERVICE_UNAVAILABLE, retry_after, body };
    let dated = status(Some(RetryAfter::Date(Duration::from_secs(30))), None);
    let plain = status(Some(RetryAfter::Text("Wed, 21 Oct 2026 07:28:00 GMT".to_owned())), Some("busy".to_owned()));
    for (spec, wanted) in [
        ("token:expires-in=\"300\"", fault(expires_in)),
        ("token:status=503,retry-after=date+30,times=2", Fault { times: Some(2), ..fault(token(dated)) }),
        ("token:status=503,retry-after=Wed, 21 Oct 2026 07:28:00 GMT,body=busy", fault(token(plain))),
        ("token:redirect", fault(token(RequestFault::Redirect(StatusCode::TEMPORARY_REDIRECT)))),
        (
            "socket:close=1011,reason=going away, bye,after=5",
            Fault { after: 5, ..fault(FaultAction::TranscriptSocket(close)) },
        ),
        (
            "socket:burst=10,times=always",
            Fault { times: None, ..fault(FaultAction::TranscriptSocket(SocketFault::Burst(10))) },
        ),
        ("socket:replay", Fault { times: None, ..fault(FaultAction::TranscriptSocket(SocketFault::Replay)) }),
        (
            "rest:omit=2",
            Fault {
                path: Some("/messages/bulk".to_owned()),
                ..fault(FaultAction::Request(Endpoint::Rest, RequestFault::Omit(2)))
            },
        ),
        (
            "notify:lose=2,after=1",
            Fault { after: 1, ..fault(FaultAction::NotificationSocket(NotificationFault::Lose(2))) },
        ),
        ("notify:reset", fault(FaultAction::NotificationSocket(NotificationFault::Common(SocketFault::Reset)))),
        ("rest:deny=a:b:view", Fault { times: None, ..fault(FaultAction::DenyPermission("a:b:view".to_owned())) }),
        ("socket:half-open,skip=1", Fault { skip: 1, ..fault(FaultAction::TranscriptSocket(SocketFault::Silence)) }),
    ] {
        assert_eq!(spec.parse(), Ok(wanted), "{spec}");
    }
}

#[test]
fn an_invalid_specification_is_rejected_with_a_reason() {
    for (spec, reason) in [
        ("reset", "unknown place 'reset' [possible values: token, "),
        ("moon:reset", "unknown place 'moon'"),
        ("token:bad-accept", "unknown fault 'bad-accept' of 'token'"),
        ("rest:bad-accept", "unknown fault 'bad-accept' of 'rest'"),
        ("notify:burst=3", "unknown fault 'burst' of 'notify'"),
        ("transcript:present", "unknown fault 'present' of 'transcript'"),
        ("rest:late-body", "'late-body' requires a value: a duration, such as 500ms"),
        ("handshake:expires-in=3", "unknown fault 'expires-in' of 'handshake'"),
        ("socket:reset=3", "'reset' takes no value"),
        ("socket:close", "'close' requires a value: a close code"),
        ("socket:close=99999", "the value of 'close' must be a close code"),
        ("socket:ping=often", "the value of 'ping' must be a duration"),
        ("socket:reset,afer=3", "unknown option 'afer' of 'socket:reset'"),
        ("socket:reset,after=x", "the value of 'after' must be a whole number"),
        ("token:status=9999", "the value of 'status' must be an HTTP status"),
        ("token:expires-in={", "the value of 'expires-in' must be a JSON value"),
    ] {
        let error = spec.parse::<Fault>().expect_err(spec).to_string();
        assert!(error.contains(reason), "{error}");
    }
}
