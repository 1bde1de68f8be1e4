//! Servers that send too much, too slowly or nonsense cost bounded time and memory and give a clear error (SEC-3,
//! SEC-4, CONN-1, CONN-2, CONN-17, CONN-18, CONN-25, CONN-30, NTF-4, SRC-16).

use std::time::Duration;

use crate::support::memory::peak_memory_mib;
use crate::support::program::{Finished, Running};
use crate::support::raw_server::{
    CLOSED_EVENT, CONTINUATION, FIN, RawServer, Response, TEXT, json_response, message_added, server_frame,
    token_response,
};
use futures_util::future::join_all;
use tokio::process::Command;

// Windows has no signals.
#[cfg(unix)]
mod signals;

/// The memory limit of most cases, in MiB. An idle debug build uses some 15 MiB.
const MEMORY_LIMIT: usize = 48;

/// Runs a command to its end. Returns the result and the peak memory in MiB.
async fn run(command: &mut Command) -> (Finished, usize) {
    Running::start(command).finish_measured().await
}

const NO_RETRY: [&str; 6] = ["--max-retries", "0", "--connect-timeout", "3s", "--timestamps", "none"];

/// Runs against a server that sends this response to every request.
async fn run_with_token_response(response: Response) -> (Finished, usize) {
    let server = RawServer::start_without_tokens(move |_| response.clone()).await;
    run(&mut server.program(&NO_RETRY)).await
}

#[tokio::test]
async fn every_response_of_a_token_endpoint_is_limited_in_time_and_memory() {
    let head = |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}").into_bytes();
    let pause = Duration::from_millis(20);
    let compressed = [&head("Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n")[..], b"\x1f\x8b\x08\x00"].concat();
    let chunked = head("Transfer-Encoding: chunked\r\n\r\n");
    let cut_off = [&chunked[..], b"40\r\n{"].concat();
    let chunk = [b"10000\r\n", vec![b' '; 0x10000].as_slice(), b"\r\n"].concat();
    let cases = [
        ("headers byte by byte", Response::Endless(head(""), b"a".to_vec(), pause), 69, "no response from"),
        ("endless headers", Response::Endless(head(""), b"a: b\r\n".repeat(1000), Duration::ZERO), 69, "cannot reach"),
        ("one endless header", Response::Endless(head("a: "), vec![b'b'; 65536], Duration::ZERO), 69, "cannot reach"),
        (
            "endless 100 Continue",
            Response::Endless(Vec::new(), b"HTTP/1.1 100 So\r\n\r\n".repeat(100), Duration::ZERO),
            69,
            "",
        ),
        ("an endless body", Response::Endless(chunked.clone(), chunk, Duration::ZERO), 76, "not the JSON of a token"),
        ("a body that is cut off", Response::Bytes(cut_off), 69, "incomplete response from"),
        ("a body byte by byte", Response::Endless(chunked, b"1\r\n \r\n".to_vec(), pause), 69, "no response from"),
        ("a compressed body", Response::Bytes(compressed), 76, "not the JSON of a token"),
        ("not HTTP", Response::Bytes(b"SSH-2.0-OpenSSH_9.7\r\n".to_vec()), 69, "cannot reach"),
        (
            "deep nesting",
            json_response(200, &format!("{{\"expires_in\":{}", "[".repeat(500_000))),
            76,
            "not the JSON of a token",
        ),
        (
            "a token with a line break",
            json_response(200, r#"{"access_token":"a\r\nHost: b"}"#),
            76,
            "invalid in a header",
        ),
    ];
    join_all(cases.map(async |(name, response, code, message)| {
        // The wait for the program is limited, which limits the time.
        let (finished, memory) = run_with_token_response(response).await;
        assert_eq!(finished.code, Some(code), "{name}: {}", finished.stderr);
        assert!(
            finished.stderr.contains(message) && finished.stderr.lines().count() <= 3,
            "{name}: {}",
            finished.stderr
        );
        assert!(memory <= MEMORY_LIMIT, "{name}: {memory} MiB");
    }))
    .await;
}

#[tokio::test]
async fn no_token_lifetime_causes_a_renewal_loop() {
    join_all(["0", "-1", "1e30", "1e-30", "\"soon\"", "[]", "18446744073709551615"].map(async |lifetime| {
        let body = format!(r#"{{"access_token":"invented-token","expires_in":{lifetime}}}"#);
        let frames = server_frame(FIN | TEXT, message_added("one").as_bytes());
        let server = RawServer::start_without_tokens(move |head| match head {
            head if head.starts_with("POST /oauth/token") => json_response(200, &body),
            head if head.contains("/transcript ") => Response::WebSocket(frames.clone(), None),
            _ => json_response(404, "{}"),
        })
        .await;
        let mut running = Running::start(server.program(&NO_RETRY).args(["--ping-interval", "50ms"]));
        assert_eq!(running.next_line().await, "[Customer] Ada: one", "{lifetime}");
        server.wait_for_pings(10).await;
        let tokens = server.request_lines().iter().filter(|line| line.contains("/oauth/token")).count();
        assert_eq!(tokens, 1, "{lifetime}");
    }))
    .await;
}

#[tokio::test]
async fn retry_after_is_limited_to_five_minutes_and_never_causes_a_tight_loop() {
    let next_year = (chrono::Utc::now() + chrono::TimeDelta::days(365)).to_rfc2822().replace("+0000", "GMT");
    let cases =
        [("0", 1..3), ("31536000", 300..302), ("99999999999999999999999", 300..302), (next_year.as_str(), 300..302)];
    join_all(cases.map(async |(retry_after, expected)| {
        let response =
            format!("HTTP/1.1 503 So\r\nConnection: close\r\nRetry-After: {retry_after}\r\nContent-Length: 0\r\n\r\n");
        let server = RawServer::start_without_tokens(move |_| Response::Bytes(response.clone().into_bytes())).await;
        let mut running = Running::start(&mut server.program(&["--max-retries", "1"]));
        running.wait_for_stderr("retry 1 of 1 in ").await;
        let stderr = running.stderr();
        let seconds = stderr
            .split("retry 1 of 1 in ")
            .nth(1)
            .and_then(|rest| rest.split('.').next()?.trim_end_matches(" s\n").parse().ok());
        assert!(seconds.is_some_and(|seconds: u64| expected.contains(&seconds)), "{retry_after}: {stderr}");
    }))
    .await;
}

#[tokio::test]
async fn the_bytes_of_an_endless_message_do_not_count_as_activity() {
    let server =
        RawServer::transcript(server_frame(TEXT, b""), Some(server_frame(CONTINUATION, b"").repeat(1000))).await;
    let limits = ["--ping-interval", "300ms", "--idle-timeout", "900ms", "--max-frame-size", "64KiB"];
    let (finished, memory) = run(&mut server.program(&[&NO_RETRY[..], &limits].concat())).await;
    assert_eq!(finished.code, Some(69), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("connection lost: no data for 900ms") && memory <= MEMORY_LIMIT,
        "{memory}: {}",
        finished.stderr
    );
}

#[tokio::test]
async fn a_hundred_thousand_fragments_are_one_message_and_a_long_message_is_one_line_of_14_mib() {
    let message = message_added("one");
    let fragments = server_frame(CONTINUATION, b"").repeat(100_000);
    let frames = [server_frame(TEXT, b""), fragments, server_frame(FIN | CONTINUATION, message.as_bytes())].concat();
    let end = server_frame(FIN | TEXT, CLOSED_EVENT.as_bytes());
    let server = RawServer::transcript([frames, end.clone()].concat(), None).await;
    let (finished, memory) = run(&mut server.program(&NO_RETRY)).await;
    assert_eq!(finished.stdout, "[Customer] Ada: one\n[CLOSED] Conversation terminated\n", "{}", finished.stderr);
    assert!(memory <= MEMORY_LIMIT, "{memory} MiB");

    let long = "\u{1b}[2J".repeat(2 << 20);
    let server =
        RawServer::transcript([server_frame(FIN | TEXT, message_added(&long).as_bytes()), end].concat(), None).await;
    let (finished, memory) = run(server.program(&NO_RETRY).args(["--max-frame-size", "32MiB"])).await;
    let mut lines = finished.stdout.lines();
    let line = lines.next().and_then(|line| line.strip_prefix("[Customer] Ada: ")).unwrap();
    assert!(line.len() == 7 * (2 << 20) && line.starts_with(r"\x1b[2J\x1b") && lines.count() == 1);
    assert!(memory < 256, "{memory} MiB");
}

#[tokio::test]
async fn a_million_empty_objects_in_a_frame_take_little_memory() {
    let content = "{},".repeat(1 << 20);
    let message = format!(r#"{{"event":"messageAdded","payload":{{"text":"one","content":[{content}{{}}]}}}}"#);
    let frames =
        [server_frame(FIN | TEXT, message.as_bytes()), server_frame(FIN | TEXT, CLOSED_EVENT.as_bytes())].concat();
    let server = RawServer::transcript(frames, None).await;
    let (finished, memory) = run(&mut server.program(&NO_RETRY)).await;
    assert_eq!(finished.stdout, "[Unknown] Unknown: one\n[CLOSED] Conversation terminated\n", "{}", finished.stderr);
    assert!(memory < 96, "{memory} MiB");
}

/// Starts a REST API with this conversation and this response to `messages/bulk`.
async fn rest_server(conversation: String, bulk: String) -> RawServer {
    RawServer::start(move |head| match head {
        head if head.contains("/messages/bulk") => json_response(200, &bulk),
        head if head.starts_with("GET /api/v2/conversations/c1 ") => json_response(200, &conversation),
        _ => json_response(404, "{}"),
    })
    .await
}

const HISTORY_ONLY: [&str; 3] = ["--source", "notifications", "--no-follow"];

#[tokio::test]
async fn every_response_of_the_rest_api_is_limited_in_memory() {
    let repeat = |item: &str, count: usize| vec![item; count].join(",");
    let cases = [
        ("nesting", format!("{{\"participants\":{}", "[".repeat(4 << 20)), 76, 64),
        ("participants", format!("{{\"id\":\"c1\",\"participants\":[{}]}}", repeat("{}", 2 << 20)), 76, 160),
        ("messages", format!("{{\"participants\":[{{\"messages\":[{}]}}]}}", repeat("{}", 2 << 20)), 76, 160),
        ("numbers", format!("{{\"participants\":[{}]}}", repeat("0", 4 << 20)), 76, 160),
        ("a hundred megabytes", format!("{{\"id\":\"{}\"}}", "x".repeat(100_000_000)), 76, 320),
    ];
    join_all(cases.map(async |(name, conversation, code, memory_limit)| {
        let server = rest_server(conversation, String::new()).await;
        let mut command = server.program(&HISTORY_ONLY);
        let (finished, memory) = run(command.args(["--max-retries", "0"])).await;
        assert_eq!(finished.code, Some(code), "{name}: {}", finished.stderr);
        assert!(finished.stderr.contains("not a conversation"), "{name}: {}", finished.stderr);
        assert!(memory < memory_limit, "{name}: {memory} MiB");
    }))
    .await;
}

#[tokio::test]
async fn a_million_messages_are_rejected_and_60_000_participants_are_accepted() {
    let message = r#"{"messageId":"m1","messageTime":"2026-01-02T03:04:05Z"}"#;
    let conversation = format!(
        r#"{{"id":"c1","endTime":"2026-01-02T04:00:00Z","participants":[{{"purpose":"customer","name":"Ada","messages":[{message}]}}]}}"#
    );
    let entities = format!(r#"{{"entities":[{}]}}"#, vec![r#"{"id":"m1"}"#; 1_000_000].join(","));
    let server = rest_server(conversation, entities).await;
    let mut running = Running::start(&mut server.program(&HISTORY_ONLY));
    running.wait_for_stderr("not a list of messages").await;
    let memory = peak_memory_mib(running.child.id()).unwrap();
    assert!(memory < 96, "{memory} MiB");

    let participants: Vec<String> = (0..60_000)
        .map(|number| {
            format!(r#"{{"id":"p{number}","state":"connected","userId":"u{number}","purpose":"agent","name":"x"}}"#)
        })
        .collect();
    let conversation =
        format!(r#"{{"id":"c1","endTime":"2026-01-02T04:00:00Z","participants":[{}]}}"#, participants.join(","));
    let server = rest_server(conversation, String::new()).await;
    let (finished, memory) = run(&mut server.program(&HISTORY_ONLY)).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(memory < 128, "{memory} MiB");
}

/// Starts a notification service with one open conversation. Its socket sends `first`, then `repeated` without end.
async fn notification_server(first: Vec<u8>, repeated: Option<Vec<u8>>) -> RawServer {
    let conversation = r#"{"id":"c1","participants":[{"id":"p1","purpose":"customer","state":"connected"}]}"#;
    RawServer::start(move |head| {
        let host = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("host: ").map(str::to_owned));
        match head {
            head if head.starts_with("GET /socket") => Response::WebSocket(first.clone(), repeated.clone()),
            head if head.starts_with("GET /api/v2/conversations/c1 ") => json_response(200, conversation),
            head if head.contains("/subscriptions") => json_response(200, r#"{"entities":[]}"#),
            head if head.starts_with("HEAD /api/v2/notifications/channels") => json_response(200, ""),
            head if head.contains("/notifications/channels") => {
                json_response(200, &format!(r#"{{"id":"ch-1","connectUri":"ws://{}/socket"}}"#, host.unwrap()))
            }
            _ => json_response(404, "{}"),
        }
    })
    .await
}

#[tokio::test]
async fn a_closing_announced_on_every_socket_does_not_cause_a_reconnect_loop() {
    let closing = server_frame(
        FIN | TEXT,
        br#"{"topicName":"v2.system.socket_closing","eventBody":{"message":"Socket closing"}}"#,
    );
    let server = notification_server(closing.repeat(3), None).await;
    let mut running =
        Running::start(&mut server.program(&["--source", "notifications", "-v", "--ping-interval", "50ms"]));
    running.wait_for_stderr("connection renewed").await;
    server.wait_for_pings(40).await;
    // The first move is immediate, later ones are delayed.
    assert_eq!(
        server.request_lines().iter().filter(|line| line.contains("/socket")).count(),
        2,
        "{}",
        running.stderr()
    );
}

#[tokio::test]
async fn no_token_is_sent_to_the_target_of_a_redirect() {
    let redirect_target = RawServer::start_without_tokens(|_| token_response()).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://{}/api", redirect_target.address);
        let redirect =
            format!("HTTP/1.1 {status} So\r\nConnection: close\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let server = RawServer::start(move |_| Response::Bytes(redirect.clone().into_bytes())).await;
        for source in ["transcript", "notifications"] {
            let (finished, _) = run(server.program(&NO_RETRY).args(["--source", source])).await;
            assert_eq!(finished.code, Some(76), "{status} {source}: {}", finished.stderr);
        }
    }
    assert_eq!(redirect_target.request_lines(), Vec::<String>::new());
}
