//! Peers that mean harm: whatever they send costs bounded time and memory, and ends in a clear word.

use std::time::Duration;

use crate::support::program::{Finished, Running, peak_memory_mib};
use crate::support::raw_server::{
    CLOSED_EVENT, CONTINUATION, FIN, PING, RawServer, Response, TEXT, json_response, message_added, server_frame,
    token_response,
};
use futures_util::future::join_all;
use rustix::process::Signal;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// What the program takes at rest is some 15 MiB in a debug build.
const MODEST: usize = 48;

/// Runs a command to its end, and says how much memory in MiB it used.
async fn run(command: &mut Command) -> (Finished, usize) {
    let running = Running::start(command);
    let (process, mut most) = (running.child.id(), 0);
    let watching = async {
        loop {
            most = most.max(peak_memory_mib(process).unwrap_or(0));
            sleep(Duration::from_millis(2)).await;
        }
    };
    let finished = tokio::select! {
        finished = running.finish() => finished,
        () = watching => unreachable!("it goes on for ever"),
    };
    (finished, most)
}

const ONCE: [&str; 6] = ["--max-retries", "0", "--connect-timeout", "3s", "--timestamps", "none"];

/// Whatever answers the request for a token.
async fn sign_in(answer: Response) -> (Finished, usize) {
    let server = RawServer::start_without_tokens(move |_| answer.clone()).await;
    run(&mut server.program(&ONCE)).await
}

#[tokio::test]
async fn no_answer_of_a_token_endpoint_takes_more_than_a_moment() {
    let head = |more: &str| format!("HTTP/1.1 200 OK\r\n{more}").into_bytes();
    let pause = Duration::from_millis(20);
    let bomb = [&head("Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n")[..], b"\x1f\x8b\x08\x00"].concat();
    let chunked = head("Transfer-Encoding: chunked\r\n\r\n");
    let chunk = [b"10000\r\n", vec![b' '; 0x10000].as_slice(), b"\r\n"].concat();
    let cases = [
        ("headers by the byte", Response::Endless(head(""), b"a".to_vec(), pause), 69, "no answer from"),
        (
            "headers without end",
            Response::Endless(head(""), b"a: b\r\n".repeat(1000), Duration::ZERO),
            69,
            "cannot reach",
        ),
        (
            "one header without end",
            Response::Endless(head("a: "), vec![b'b'; 65536], Duration::ZERO),
            69,
            "cannot reach",
        ),
        (
            "promises without end",
            Response::Endless(Vec::new(), b"HTTP/1.1 100 So\r\n\r\n".repeat(100), Duration::ZERO),
            69,
            "",
        ),
        (
            "a body without end",
            Response::Endless(chunked.clone(), chunk, Duration::ZERO),
            76,
            "not the JSON of a token",
        ),
        ("a body by the byte", Response::Endless(chunked, b"1\r\n \r\n".to_vec(), pause), 69, "no answer from"),
        ("what may be a bomb", Response::Bytes(bomb), 76, "not the JSON of a token"),
        ("no HTTP", Response::Bytes(b"SSH-2.0-OpenSSH_9.7\r\n".to_vec()), 69, "cannot reach"),
        (
            "nesting",
            json_response(200, &format!("{{\"expires_in\":{}", "[".repeat(500_000))),
            76,
            "not the JSON of a token",
        ),
        (
            "a token no header can carry",
            json_response(200, r#"{"access_token":"a\r\nHost: b"}"#),
            76,
            "no header can carry",
        ),
    ];
    join_all(cases.map(async |(name, answer, code, words)| {
        let start = Instant::now();
        let (finished, memory) = sign_in(answer).await;
        assert_eq!(finished.code, Some(code), "{name}: {}", finished.stderr);
        assert!(finished.stderr.contains(words) && finished.stderr.lines().count() <= 3, "{name}: {}", finished.stderr);
        assert!(memory <= MODEST && start.elapsed() < Duration::from_secs(9), "{name}: {memory} MiB");
    }))
    .await;
}

#[tokio::test]
async fn no_lifetime_of_a_token_is_renewed_in_a_loop() {
    join_all(["0", "-1", "1e30", "1e-30", "\"soon\"", "[]", "18446744073709551615"].map(async |life| {
        let grant = format!(r#"{{"access_token":"invented-token","expires_in":{life}}}"#);
        let frames = server_frame(FIN | TEXT, message_added("one").as_bytes());
        let server = RawServer::start_without_tokens(move |head| match head {
            head if head.starts_with("POST /oauth/token") => json_response(200, &grant),
            head if head.contains("/transcript ") => Response::WebSocket(frames.clone(), None),
            _ => json_response(404, "{}"),
        })
        .await;
        let mut running = Running::start(&mut server.program(&ONCE));
        assert_eq!(running.next_line().await, "[Customer] Ada: one", "{life}");
        sleep(Duration::from_millis(500)).await;
        let tokens = server.request_lines().iter().filter(|line| line.contains("/oauth/token")).count();
        assert_eq!(tokens, 1, "{life}");
    }))
    .await;
}

#[tokio::test]
async fn no_wish_to_wait_is_taken_for_a_tight_loop_or_for_ever() {
    let year = (chrono::Utc::now() + chrono::TimeDelta::days(365)).to_rfc2822().replace("+0000", "GMT");
    let wishes =
        [("0", 1..3), ("31536000", 300..302), ("99999999999999999999999", 300..302), (year.as_str(), 300..302)];
    join_all(wishes.map(async |(wish, expected)| {
        let answer =
            format!("HTTP/1.1 503 So\r\nConnection: close\r\nRetry-After: {wish}\r\nContent-Length: 0\r\n\r\n");
        let server = RawServer::start_without_tokens(move |_| Response::Bytes(answer.clone().into_bytes())).await;
        let mut running = Running::start(&mut server.program(&["--max-retries", "1"]));
        running.wait_for_stderr("retry 1 of 1 in ").await;
        let said = running.stderr();
        let seconds = said
            .split("retry 1 of 1 in ")
            .nth(1)
            .and_then(|rest| rest.split('.').next()?.trim_end_matches(" s\n").parse().ok());
        assert!(seconds.is_some_and(|seconds: u64| expected.contains(&seconds)), "{wish}: {said}");
    }))
    .await;
}

#[tokio::test]
async fn frames_without_end_stop_nothing_and_fill_nothing() {
    let piece = server_frame(CONTINUATION, b"");
    let unknown = server_frame(FIN | TEXT, br#"{"event":"somethingElse"}"#);
    let cases = [
        ("pings", Vec::new(), server_frame(FIN | PING, &[b'x'; 125])),
        ("events nobody knows", Vec::new(), unknown),
        ("frames that are no JSON", Vec::new(), server_frame(FIN | TEXT, b"")),
        ("binary frames", Vec::new(), server_frame(FIN | 2, &[0xff; 100])),
        ("messages that carry nothing", Vec::new(), server_frame(FIN | TEXT, br#"{"event":"messageAdded"}"#)),
        ("empty pieces", server_frame(TEXT, b""), piece),
    ];
    join_all(cases.map(async |(name, first, more)| {
        let server = RawServer::transcript(first, Some(more.repeat(4096 / more.len()))).await;
        let mut running = Running::start(&mut server.program(&[]));
        running.wait_for_stderr("connected to ").await;
        sleep(Duration::from_millis(700)).await;
        let memory = peak_memory_mib(running.child.id()).unwrap();
        running.signal(Signal::INT);
        let asked = Instant::now();
        let finished = running.finish().await;
        assert_eq!(finished.signal, Some(2), "{name}: {}", finished.stderr);
        assert!(asked.elapsed() < Duration::from_secs(4), "{name}: {:?}", asked.elapsed());
        assert!(memory <= MODEST && finished.stderr.lines().count() < 8, "{name}: {memory} MiB, {}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn a_message_that_never_ends_is_no_sign_of_life() {
    let server =
        RawServer::transcript(server_frame(TEXT, b""), Some(server_frame(CONTINUATION, b"").repeat(1000))).await;
    let limits = ["--ping-interval", "300ms", "--idle-timeout", "900ms"];
    let (finished, memory) = run(&mut server.program(&[&ONCE[..], &limits].concat())).await;
    assert_eq!(finished.code, Some(69), "{}", finished.stderr);
    assert!(finished.stderr.contains("nothing came for 900ms") && memory <= MODEST, "{memory}: {}", finished.stderr);
}

#[tokio::test]
async fn a_hundred_thousand_empty_pieces_are_one_message_and_fifteen_mebibytes_are_one_line() {
    let message = message_added("one");
    let pieces = server_frame(CONTINUATION, b"").repeat(100_000);
    let frames = [server_frame(TEXT, b""), pieces, server_frame(FIN | CONTINUATION, message.as_bytes())].concat();
    let end = server_frame(FIN | TEXT, CLOSED_EVENT.as_bytes());
    let server = RawServer::transcript([frames, end.clone()].concat(), None).await;
    let (finished, memory) = run(&mut server.program(&ONCE)).await;
    assert_eq!(finished.stdout, "[Customer] Ada: one\n[CLOSED] Conversation terminated\n", "{}", finished.stderr);
    assert!(memory <= MODEST, "{memory} MiB");

    let long = "\u{1b}[2J".repeat(2 << 20);
    let server =
        RawServer::transcript([server_frame(FIN | TEXT, message_added(&long).as_bytes()), end].concat(), None).await;
    let (finished, memory) = run(server.program(&ONCE).args(["--max-frame-size", "32MiB"])).await;
    let mut lines = finished.stdout.lines();
    let line = lines.next().and_then(|line| line.strip_prefix("[Customer] Ada: ")).unwrap();
    assert!(line.len() == 7 * (2 << 20) && line.starts_with(r"\x1b[2J\x1b") && lines.count() == 1);
    assert!(memory < 256, "{memory} MiB");
}

#[tokio::test]
async fn what_is_tiny_on_the_wire_is_not_made_huge_in_memory() {
    let content = "{},".repeat(1 << 20);
    let message = format!(r#"{{"event":"messageAdded","payload":{{"text":"one","content":[{content}{{}}]}}}}"#);
    let frames =
        [server_frame(FIN | TEXT, message.as_bytes()), server_frame(FIN | TEXT, CLOSED_EVENT.as_bytes())].concat();
    let server = RawServer::transcript(frames, None).await;
    let (finished, memory) = run(&mut server.program(&ONCE)).await;
    assert_eq!(finished.stdout, "[Unknown] Unknown: one\n[CLOSED] Conversation terminated\n", "{}", finished.stderr);
    assert!(memory < 96, "{memory} MiB");
}

/// A server of the published API in which this is the conversation, and this the bulk answer.
async fn published(conversation: String, bulk: String) -> RawServer {
    RawServer::start(move |head| match head {
        head if head.contains("/messages/bulk") => json_response(200, &bulk),
        head if head.starts_with("GET /api/v2/conversations/c1 ") => json_response(200, &conversation),
        _ => json_response(404, "{}"),
    })
    .await
}

const PAST: [&str; 3] = ["--source", "notifications", "--no-follow"];

#[tokio::test]
async fn no_answer_of_the_published_api_fills_the_memory() {
    let many = |item: &str, count: usize| vec![item; count].join(",");
    let cases = [
        ("nesting", format!("{{\"participants\":{}", "[".repeat(4 << 20)), 76, 64),
        ("participants", format!("{{\"id\":\"c1\",\"participants\":[{}]}}", many("{}", 2 << 20)), 76, 160),
        ("messages", format!("{{\"participants\":[{{\"messages\":[{}]}}]}}", many("{}", 2 << 20)), 76, 160),
        ("numbers", format!("{{\"participants\":[{}]}}", many("0", 4 << 20)), 76, 160),
        ("a hundred megabytes", format!("{{\"id\":\"{}\"}}", "x".repeat(100_000_000)), 76, 320),
    ];
    join_all(cases.map(async |(name, conversation, code, most)| {
        let server = published(conversation, String::new()).await;
        let mut command = server.program(&PAST);
        let (finished, memory) = run(command.args(["--max-retries", "0"])).await;
        assert_eq!(finished.code, Some(code), "{name}: {}", finished.stderr);
        assert!(finished.stderr.contains("its answer is no conversation"), "{name}: {}", finished.stderr);
        assert!(memory < most, "{name}: {memory} MiB");
    }))
    .await;
}

#[tokio::test]
async fn a_million_entities_are_too_many_and_a_crowd_is_lived_through() {
    let message = r#"{"messageId":"m1","messageTime":"2026-01-02T03:04:05Z"}"#;
    let conversation = format!(
        r#"{{"id":"c1","endTime":"2026-01-02T04:00:00Z","participants":[{{"purpose":"customer","name":"Ada","messages":[{message}]}}]}}"#
    );
    let entities = format!(r#"{{"entities":[{}]}}"#, vec![r#"{"id":"m1"}"#; 1_000_000].join(","));
    let server = published(conversation, entities).await;
    let mut running = Running::start(&mut server.program(&PAST));
    running.wait_for_stderr("its answer holds no messages").await;
    let memory = peak_memory_mib(running.child.id()).unwrap();
    assert!(memory < 96, "{memory} MiB");

    let crowd: Vec<String> = (0..60_000)
        .map(|number| {
            format!(r#"{{"id":"p{number}","state":"connected","userId":"u{number}","purpose":"agent","name":"x"}}"#)
        })
        .collect();
    let conversation =
        format!(r#"{{"id":"c1","endTime":"2026-01-02T04:00:00Z","participants":[{}]}}"#, crowd.join(","));
    let server = published(conversation, String::new()).await;
    let (finished, memory) = run(&mut server.program(&PAST)).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(memory < 128, "{memory} MiB");
}

/// A notification service with one open conversation, whose socket sends these frames first and then those.
async fn notifications(first: Vec<u8>, then: Option<Vec<u8>>) -> RawServer {
    let conversation = r#"{"id":"c1","participants":[{"id":"p1","purpose":"customer","state":"connected"}]}"#;
    RawServer::start(move |head| {
        let host = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("host: ").map(str::to_owned));
        match head {
            head if head.starts_with("GET /socket") => Response::WebSocket(first.clone(), then.clone()),
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
async fn a_service_that_announces_a_closing_with_every_socket_is_not_dialled_in_a_loop() {
    let closing = server_frame(
        FIN | TEXT,
        br#"{"topicName":"v2.system.socket_closing","eventBody":{"message":"Socket closing"}}"#,
    );
    let server = notifications(closing.repeat(3), None).await;
    let mut running = Running::start(&mut server.program(&["--source", "notifications", "-v"]));
    running.wait_for_stderr("moved to a new connection").await;
    sleep(Duration::from_secs(2)).await;
    // It moves at once, and from the next one not so soon.
    assert_eq!(
        server.request_lines().iter().filter(|line| line.contains("/socket")).count(),
        2,
        "{}",
        running.stderr()
    );
}

#[tokio::test]
async fn notifications_without_end_stop_nothing_and_fill_nothing() {
    let other = |topic: &str| {
        format!(r#"{{"topicName":"{topic}","eventBody":{{"id":"c2","participants":[{{"state":"connected"}}]}}}}"#)
    };
    let complaint = format!(r#"{{"result":400,"message":"{}"}}"#, "\\u001b[2J".repeat(100_000));
    let cases = [
        ("complaints", complaint),
        ("other conversations", other("v2.users.u1.conversations.messages")),
        ("topics nobody knows", other("v2.something.else")),
        ("a long topic", other(&"x".repeat(1 << 20))),
        ("nonsense", "[]".to_owned()),
        ("heartbeats", r#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#.to_owned()),
    ];
    join_all(cases.map(async |(name, json)| {
        let server = notifications(Vec::new(), Some(server_frame(FIN | TEXT, json.as_bytes()))).await;
        let mut running = Running::start(&mut server.program(&["--source", "notifications"]));
        running.wait_for_stderr("connected to ").await;
        sleep(Duration::from_millis(700)).await;
        let memory = peak_memory_mib(running.child.id()).unwrap();
        running.signal(Signal::TERM);
        let finished = running.finish().await;
        assert_eq!(finished.signal, Some(15), "{name}: {}", finished.stderr);
        assert!(memory <= MODEST && finished.stderr.len() < 20_000, "{name}: {memory} MiB, {}", finished.stderr.len());
        assert!(finished.stderr.lines().count() < 8 && !finished.stderr.contains('\u{1b}'), "{name}");
    }))
    .await;
}

#[tokio::test]
async fn no_token_goes_where_a_redirect_points() {
    let thief = RawServer::start_without_tokens(|_| token_response()).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://{}/api", thief.address);
        let redirect =
            format!("HTTP/1.1 {status} So\r\nConnection: close\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let server = RawServer::start(move |_| Response::Bytes(redirect.clone().into_bytes())).await;
        for wire in ["transcript", "notifications"] {
            let (finished, _) = run(server.program(&ONCE).args(["--source", wire])).await;
            assert_eq!(finished.code, Some(76), "{status} {wire}: {}", finished.stderr);
        }
    }
    assert_eq!(thief.request_lines(), Vec::<String>::new());
}
