//! Faults of sockets, handshakes and the token endpoint.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::client::{
    SHORT, access_token, connect_transcript, json_body, open_transcript, read_to_end, request_token, send, start,
    status_of, within_timeout,
};

const END: [&str; 2] = ["closed", "close 1000 conversation ended"];

// Fails in Wine 8, which shuts a connection down before it resets it.
#[tokio::test]
async fn a_socket_fault_happens_once_at_its_place() {
    let cases: &[(&str, &[&str])] = &[
        ("close=1011,reason=sorry, bye,after=1", &["one", "close 1011 sorry, bye"]),
        ("close=1005", &["close"]),
        ("close=1006,after=1", &["one", "end"]),
        ("forbid,after=2", &["one", "twö", "close 1008 token expired"]),
        ("reset,after=1", &["one", "ConnectionReset"]),
        ("eof,after=3", &["one", "twö", "three", "end"]),
        ("malformed,after=1", &["one", "no JSON", "twö", "three", END[0], END[1]]),
        ("binary,after=1", &["one", "binary twö", "three", END[0], END[1]]),
        ("binary-junk,after=2", &["one", "twö", "binary junk", "three", END[0], END[1]]),
        ("fragmented,after=1", &["one", "ping", "twö", "three", END[0], END[1]]),
        ("duplicate,after=2", &["one", "twö", "three", "three", "closed", END[0], END[1]]),
        ("no-id,after=2", &["one", "twö", "\"three\" without id", END[0], END[1]]),
        ("unknown-event", &["participantMuted", "one", "twö", "three", END[0], END[1]]),
        ("burst=3,after=3", &["one", "twö", "three", "burst 1", "burst 2", "burst 3", END[0], END[1]]),
        ("bad-utf8,after=1", &["one", "invalid UTF-8"]),
        ("reserved-bits,after=1", &["one", "NonZeroReservedBits"]),
        ("masked,after=1", &["one", "MaskedFrameFromServer"]),
        ("oversize=70000000,after=1", &["one", "too large"]),
        ("oversize=70000,fragments=3", &["messageAdded", "one", "twö", "three", END[0], END[1]]),
    ];
    for (fault, expected) in cases {
        let simulator = start(SHORT, &[&format!("socket:{fault}")]).await;
        assert_eq!(read_to_end(&mut open_transcript(&simulator).await).await, *expected, "{fault}");
        let again = read_to_end(&mut open_transcript(&simulator).await).await;
        assert_eq!(again.last().map(String::as_str), Some(END[1]), "{fault}");
    }
}

#[tokio::test]
async fn odd_types_are_valid_json() {
    let simulator = start(SHORT, &["socket:odd-types"]).await;
    let received = read_to_end(&mut open_transcript(&simulator).await).await;
    assert_eq!(received.len(), 9 + 5);
    assert!(!received.contains(&"no JSON".to_owned()));
}

// Fails in Wine 8, which shuts a connection down before it resets it.
#[tokio::test]
async fn faults_combine_and_count_connections() {
    let simulator = start(SHORT, &["socket:close=1012,skip=1", "socket:malformed,times=always", "socket:reset"]).await;
    assert_eq!(read_to_end(&mut open_transcript(&simulator).await).await, ["no JSON", "ConnectionReset"]);
    assert_eq!(read_to_end(&mut open_transcript(&simulator).await).await, ["close 1012 "]);
    assert_eq!(read_to_end(&mut open_transcript(&simulator).await).await, ["no JSON", END[0], END[1]]);
}

#[tokio::test]
async fn a_silent_server_reads_but_sends_nothing() {
    let simulator = start(SHORT, &["socket:silence,after=1"]).await;
    let mut socket = open_transcript(&simulator).await;
    assert!(within_timeout(socket.next()).await.unwrap().unwrap().is_text());
    send(&mut socket, Message::Ping("hello".into())).await;
    send(&mut socket, Message::Close(None)).await;
    let log = within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].close_code.is_some())).await;
    assert_eq!((log.transcript_sockets[0].pings, log.transcript_sockets[0].frames), (1, 1));
    assert!(timeout(Duration::from_millis(50), socket.next()).await.is_err());
    drop(socket);
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 0)).await;
}

#[tokio::test]
async fn a_close_frame_can_stay_without_an_answer() {
    let simulator = start("", &["socket:no-close-answer"]).await;
    let mut socket = open_transcript(&simulator).await;
    send(&mut socket, Message::Close(None)).await;
    within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].close_code == Some(1005))).await;
    assert!(timeout(Duration::from_millis(50), socket.next()).await.is_err());
}

#[tokio::test]
async fn a_deaf_server_sends_but_reads_nothing() {
    let simulator = start("", &["socket:deaf"]).await;
    let mut socket = open_transcript(&simulator).await;
    send(&mut socket, Message::Ping("hello".into())).await;
    simulator.first_conversation().play("agent Sam: still here").await.unwrap();
    assert!(within_timeout(socket.next()).await.unwrap().unwrap().is_text());
    assert!(timeout(Duration::from_millis(50), socket.next()).await.is_err());
    assert_eq!(simulator.request_log().transcript_sockets[0].pings, 0);
}

#[tokio::test]
async fn a_server_can_ping() {
    let simulator = start("", &["socket:ping=20ms"]).await;
    let mut socket = open_transcript(&simulator).await;
    for _ in 0..3 {
        assert!(within_timeout(socket.next()).await.unwrap().unwrap().is_ping());
    }
    within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].pongs >= 2)).await;
}

#[tokio::test]
async fn every_request_fault_changes_a_handshake() {
    let faults = [
        "handshake:status=429,retry-after=7,body=slow down",
        "handshake:status=503,retry-after=date+30",
        "handshake:redirect",
        "handshake:ok",
        "handshake:echo=500",
        "handshake:not-json",
        "handshake:bad-accept",
        "handshake:reset",
        "handshake:hang",
        "handshake:slow=30ms",
    ];
    let simulator = start(SHORT, &faults).await;
    let token = access_token(&simulator).await;
    let mut responses = Vec::new();
    for _ in 0..6 {
        let Err(Error::Http(response)) = connect_transcript(&simulator, &token).await else {
            panic!("the handshake is refused")
        };
        let body = String::from_utf8(response.body().clone().unwrap_or_default()).unwrap();
        responses.push((response.status().as_u16(), response.headers().clone(), body));
    }
    let statuses: Vec<_> = responses.iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, [429, 503, 302, 200, 500, 200]);
    assert_eq!(responses[0].1["retry-after"], "7");
    assert!(responses[0].2.contains("slow down"));
    assert!(responses[1].1["retry-after"].to_str().unwrap().ends_with(" GMT"));
    assert_eq!(responses[2].1["location"], format!("{}/elsewhere", simulator.base_url()));
    assert!(responses[4].2.contains(&token));

    let wrong = connect_transcript(&simulator, &token).await;
    assert!(matches!(wrong, Err(Error::Protocol(ProtocolError::SecWebSocketAcceptKeyMismatch))));
    assert!(connect_transcript(&simulator, &token).await.is_err());
    assert!(timeout(Duration::from_millis(50), connect_transcript(&simulator, &token)).await.is_err());
    assert!(connect_transcript(&simulator, &token).await.is_ok());
    let statuses: Vec<_> =
        simulator.request_log().transcript_handshakes[6..].iter().map(|handshake| handshake.status).collect();
    assert_eq!(statuses, [Some(101), None, None, Some(101)]);
}

#[tokio::test]
async fn every_request_fault_changes_a_token_response() {
    let faults = [
        "token:status=503,retry-after=1",
        "token:garbage",
        "token:not-json",
        "token:expires-in=-1",
        "token:huge=100000",
        "token:redirect",
        "token:echo",
        "token:reset",
    ];
    let simulator = start(SHORT, &faults).await;
    let secret = simulator.client_secret();
    let mut responses = Vec::new();
    for _ in 0..9 {
        responses.push(request_token(&simulator, simulator.client_id(), secret).await);
    }
    let statuses: Vec<_> = responses.iter().map(|response| status_of(response)).collect();
    assert_eq!(statuses, [503, 200, 200, 200, 200, 307, 401, 0, 200]);
    assert_eq!(json_body(&responses[1]).get("access_token"), None);
    assert_eq!(json_body(&responses[3])["expires_in"], -1);
    assert!(responses[4].len() > 100_000);
    assert!(responses[6].contains(secret));
    assert_eq!(simulator.request_log().token_requests[7].status, None);
}
