use hyper::StatusCode;
use serde_json::json;

use super::*;
use crate::simulator::faults::RetryAfter;
use crate::simulator::faults::fault::Share;

fn fault(action: FaultAction) -> Fault {
    Fault { action, after: 0, skip: 0, times: Some(1), conversation: None, path: None }
}

fn token(fault: RequestFault) -> FaultAction {
    FaultAction::Request(Endpoint::Token, fault)
}

fn stream(fault: StreamFault, share: Option<f64>) -> FaultAction {
    FaultAction::EventStream(fault, share.map(Share))
}

#[test]
fn a_specification_becomes_its_fault() {
    let expires_in = token(RequestFault::ExpiresIn(json!("300")));
    let close = SocketFault::Close { code: 1011, reason: "going away, bye".to_owned() };
    let status = |wait, body| RequestFault::Status { status: StatusCode::SERVICE_UNAVAILABLE, wait, body };
    let retry_after = |wait| StatedWait { retry_after: Some(wait), ..StatedWait::default() };
    let dated = status(retry_after(RetryAfter::Date(Duration::from_secs(30))), None);
    let text = RetryAfter::Text("Wed, 21 Oct 2026 07:28:00 GMT".to_owned());
    let plain = status(retry_after(text), Some("busy".to_owned()));
    let limited = status(StatedWait { retry_after: None, ratelimit_reset: Some(45), in_body: Some(44) }, None);
    for (spec, wanted) in [
        ("token:expires-in=\"300\"", fault(expires_in)),
        ("token:status=503,retry-after=date+30,times=2", Fault { times: Some(2), ..fault(token(dated)) }),
        ("token:status=503,retry-after=Wed, 21 Oct 2026 07:28:00 GMT,body=busy", fault(token(plain))),
        ("token:status=503,ratelimit-reset=45,in-body=44", fault(token(limited))),
        ("token:unknown-for=5s", fault(token(RequestFault::UnknownFor(Duration::from_secs(5))))),
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
        ("events:duplicates=2.5%", Fault { times: None, ..fault(stream(StreamFault::Duplicate, Some(0.025))) }),
        ("events:disorder,after=3", Fault { after: 3, ..fault(stream(StreamFault::Disorder, None)) }),
        ("events:malformed=1%,times=2", Fault { times: Some(2), ..fault(stream(StreamFault::Malformed, Some(0.01))) }),
        ("events:oversize=10", fault(stream(StreamFault::Oversize(10), None))),
        ("events:stall=5s", fault(stream(StreamFault::Stall(Duration::from_secs(5)), None))),
        ("events:shape=sqs", Fault { times: None, ..fault(stream(StreamFault::Shape(StreamShape::Sqs), None)) }),
        ("events:concatenated", Fault { times: None, ..fault(stream(StreamFault::Concatenated, None)) }),
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
        ("notify-handshake:garbage", "unknown fault 'garbage' of 'notify-handshake'"),
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
        ("rest:unknown-for=5s", "unknown fault 'unknown-for' of 'rest'"),
        ("rest:status=429,in-body=soon", "the value of 'in-body' must be a whole number"),
        ("rest:status=429,ratelimit-reset=", "the value of 'ratelimit-reset' must be a whole number"),
        ("rest:status=429,in-body=3,body=No.", "use either 'body' or 'in-body'"),
        ("rest:forbidden-page=404", "'forbidden-page' takes no value"),
        ("events:duplicates=10", "the value of 'duplicates' must be a percentage above 0, such as 10%"),
        ("events:disorder=0%", "the value of 'disorder' must be a percentage"),
        ("events:malformed=101%", "the value of 'malformed' must be a percentage"),
        ("events:shape=xml", "the value of 'shape' must be detail, notification or sqs"),
        ("events:oversize", "'oversize' requires a value: a number of bytes"),
        ("events:lose", "unknown fault 'lose' of 'events'"),
        ("token:expires-in={", "the value of 'expires-in' must be a JSON value"),
    ] {
        let error = spec.parse::<Fault>().expect_err(spec).to_string();
        assert!(error.contains(reason), "{error}");
    }
}
