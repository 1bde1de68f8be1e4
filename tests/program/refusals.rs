//! What every answer of the token endpoint and of the handshake leads to: the exit code, and how often it is asked.

use std::time::Duration;

use futures_util::future::join_all;
use genesys_tail::simulator::{Ledger, Options, Simulator, Wires};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::support::program::{Finished, Running, bare, program, run, simulator, simulator_with};

const TALK: &str = "+0 customer Ada: one\n+0 close";

/// What a client should do about a refusal.
#[derive(Debug, Clone, Copy)]
enum Lesson {
    /// Take it as final, with this exit code.
    Final(i32),
    /// Try again later.
    Later,
}

use Lesson::{Final, Later};

/// Runs against a simulator with this fault, without retries unless `args` ask for some.
async fn meet(fault: &str, args: &[&str]) -> (Finished, Ledger) {
    let simulator = simulator(TALK, &[fault]).await;
    let mut command = program(&simulator, &["--connect-timeout", "2s"]);
    let retries = if args.contains(&"--max-retries") { &[][..] } else { &["--max-retries", "0"] };
    let finished = Running::start(command.args(retries).args(args)).finish().await;
    (finished, simulator.ledger())
}

/// Holds one fault to its lesson where there is no other wire, and returns what was said about it.
async fn learn(fault: String, lesson: Lesson, tokens: usize, handshakes: usize) -> String {
    let (finished, ledger) = meet(&format!("{fault},always"), &["--source", "transcript"]).await;
    let Finished { code, stderr, stdout, .. } = finished;
    let (expected, words) = match lesson {
        Final(code) => (code, "error"),
        Later => (69, "gave up after 1 attempt in a row"),
    };
    assert_eq!(code, Some(expected), "{fault}: {stderr}");
    assert!(stderr.contains(words), "{fault}: {stderr}");
    assert_eq!(stdout, "", "{fault}");
    assert_eq!((ledger.tokens.len(), ledger.handshakes.len()), (tokens, handshakes), "{fault}: {stderr}");
    assert_eq!(ledger.requests.len(), 0, "{fault}: {:?}", ledger.requests);
    assert!(ledger.strays.is_empty(), "{fault}: {:?}", ledger.strays);
    stderr
}

/// Holds a place to what every status means there.
async fn learn_statuses(place: &str, lessons: &[(&[u16], Lesson)], tokens: usize, handshakes: usize) {
    for (statuses, lesson) in lessons {
        join_all(statuses.iter().map(async |status| {
            let fault = format!("{place}:status={status},body=the words of the server");
            let said = learn(fault, *lesson, tokens, handshakes).await;
            assert!(
                said.contains(&format!("{status} (the words of the server)")) || [204, 304].contains(status),
                "{said}"
            );
        }))
        .await;
    }
}

#[tokio::test]
async fn every_status_of_the_token_endpoint_has_its_lesson() {
    let lessons: &[(&[u16], Lesson)] = &[
        (&[400, 401, 403], Final(77)),
        (&[408, 429, 500, 502, 503, 504, 599], Later),
        (&[501, 404, 402, 405, 410, 418, 201, 204, 300, 304], Final(76)),
    ];
    learn_statuses("token", lessons, 1, 0).await;
}

#[tokio::test]
async fn every_status_of_the_handshake_has_its_lesson() {
    let lessons: &[(&[u16], Lesson)] = &[
        (&[403], Final(77)),
        (&[404, 410], Final(66)),
        (&[408, 429, 500, 502, 503, 504, 599], Later),
        (&[501, 400, 402, 405, 407, 418, 426, 200, 204, 300, 304], Final(76)),
    ];
    learn_statuses("handshake", lessons, 1, 1).await;
}

/// Where a handshake is answered as where there is no transcript socket, there may be the other wire.
#[tokio::test]
async fn a_handshake_that_finds_no_transcript_socket_leads_to_the_notifications() {
    let moving = [400, 404, 405, 410, 426, 501, 200, 201, 204, 300, 304].map(|status| format!("status={status}"));
    let redirects = [301, 302, 303, 307, 308].map(|status| format!("redirect={status}"));
    let pages = ["ok", "not-json", "huge=8000000"].map(str::to_owned);
    join_all(moving.iter().chain(&redirects).chain(&pages).map(async |answer| {
        let (finished, ledger) = meet(&format!("handshake:{answer},always"), &[]).await;
        assert_eq!(finished.code, Some(0), "{answer}: {}", finished.stderr);
        assert!(finished.stdout.contains("[Customer] Ada: one\n"), "{answer}: {}", finished.stdout);
        assert_eq!(finished.stderr.matches("using notifications").count(), 1, "{answer}: {}", finished.stderr);
        assert_eq!((ledger.handshakes.len(), ledger.channels.len()), (1, 1), "{answer}");
        assert!(ledger.strays.is_empty(), "{answer}: {:?}", ledger.strays);
    }))
    .await;
}

#[tokio::test]
async fn any_other_refusal_of_the_handshake_is_no_reason_to_try_the_other_wire() {
    for (answer, code) in [
        ("status=401", 77),
        ("status=403", 77),
        ("status=402", 76),
        ("status=407", 76),
        ("status=418", 76),
        ("bad-accept", 76),
        ("status=408", 69),
        ("status=429", 69),
        ("status=500", 69),
        ("status=503", 69),
        ("reset", 69),
    ] {
        let (finished, ledger) = meet(&format!("handshake:{answer},always"), &[]).await;
        assert_eq!(finished.code, Some(code), "{answer}: {}", finished.stderr);
        assert_eq!((ledger.requests.len(), ledger.channels.len()), (0, 0), "{answer}: {}", finished.stderr);
    }
}

#[tokio::test]
async fn every_status_of_the_published_api_has_its_lesson() {
    let lessons: &[(&[u16], Lesson)] = &[
        (&[401, 403], Final(77)),
        (&[404, 410], Final(66)),
        (&[408, 429, 500, 502, 503, 504, 599], Later),
        (&[501, 400, 402, 405, 407, 418, 426, 202, 300, 304], Final(76)),
    ];
    for (statuses, lesson) in lessons {
        join_all(statuses.iter().map(async |status| {
            let fault = format!("rest:status={status},body=the words of the server,always");
            let (Finished { code, stdout, stderr, .. }, ledger) = meet(&fault, &["--source", "notifications"]).await;
            let expected = if let Final(code) = lesson { *code } else { 69 };
            assert_eq!((code, stdout.as_str()), (Some(expected), ""), "{status}: {stderr}");
            let words = format!("{status} (the words of the server)");
            assert!(stderr.contains(&words) || *status == 304, "{status}: {stderr}");
            let attempts = if *status == 401 { 2 } else { 1 };
            assert_eq!((ledger.tokens.len(), ledger.requests.len()), (attempts, attempts), "{status}: {stderr}");
            assert!(ledger.handshakes.is_empty() && ledger.strays.is_empty(), "{status}");
        }))
        .await;
    }
}

#[tokio::test]
async fn what_is_no_token_is_not_taken_for_one() {
    for garbage in ["garbage", "not-json", "huge=8000000"] {
        let said = learn(format!("token:{garbage}"), Final(76), 1, 0).await;
        assert!(said.contains("does not answer like a token endpoint"), "{said}");
    }
}

#[tokio::test]
async fn what_is_no_websocket_is_not_taken_for_one() {
    for (answer, words) in
        [("bad-accept", "Sec-WebSocket-Accept is wrong"), ("ok", "200"), ("not-json", "200"), ("huge=8000000", "200")]
    {
        let said = learn(format!("handshake:{answer}"), Final(76), 1, 1).await;
        assert!(said.contains("does not answer like a transcript endpoint"), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        learn(format!("token:redirect={status}"), Final(76), 1, 0).await;
        learn(format!("handshake:redirect={status}"), Final(76), 1, 1).await;
    }
}

#[tokio::test]
async fn no_answer_at_all_is_tried_again() {
    for trouble in ["reset", "hang"] {
        learn(format!("token:{trouble}"), Later, 1, 0).await;
        learn(format!("handshake:{trouble}"), Later, 1, 1).await;
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let finished = unsimulated(&format!("http://{nobody}"), &["--max-retries", "0"]).await;
    assert_eq!(finished.code, Some(69), "{}", finished.stderr);
    assert!(finished.stderr.contains("connection refused"), "{}", finished.stderr);
}

#[tokio::test]
async fn refused_credentials_are_explained() {
    let said = learn("token:status=400".to_owned(), Final(77), 1, 0).await;
    assert!(said.contains("region: a client exists only in its own"), "{said}");
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let said = learn("handshake:status=403".to_owned(), Final(77), 1, 1).await;
    assert!(said.contains("conversation:message:view"), "{said}");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let (finished, ledger) = meet("handshake:status=401", &[]).await;
    assert_eq!((finished.code, finished.stdout.lines().count()), (Some(0), 2), "{}", finished.stderr);
    assert_eq!((ledger.tokens.len(), ledger.handshakes.len()), (2, 2));
    assert_ne!(ledger.handshakes[0].authorization, ledger.handshakes[1].authorization);

    let said = learn("handshake:status=401".to_owned(), Final(77), 2, 2).await;
    assert!(said.contains("refuses a token it has just granted"), "{said}");
}

#[tokio::test]
async fn a_refusal_that_passes_is_lived_through() {
    let faults = ["token:status=503", "token:reset", "handshake:status=429", "handshake:hang"];
    join_all(faults.map(async |fault| {
        let (finished, ledger) = meet(fault, &["--max-retries", "1"]).await;
        assert_eq!(finished.code, Some(0), "{fault}: {}", finished.stderr);
        assert!(finished.stdout.ends_with("[CLOSED] Conversation terminated\n"), "{fault}: {}", finished.stdout);
        assert!(!finished.stdout.contains("[GAP]"), "nothing was missed before the first connection");
        assert_eq!(ledger.connections.len(), 1, "{fault}");
    }))
    .await;
    let faults = ["token:reset", "rest:status=429", "rest:hang", "channel:status=503", "channel:reset"];
    join_all(faults.map(async |fault| {
        let options = Options { wires: Wires::PublishedOnly, ..Options::default() };
        let simulator = simulator_with(TALK, &[fault], options).await;
        let finished = run(&simulator, &["--max-retries", "1", "--connect-timeout", "2s"]).await;
        assert_eq!(finished.code, Some(0), "{fault}: {}", finished.stderr);
        assert!(finished.stdout.ends_with("[CLOSED] Conversation terminated\n"), "{fault}: {}", finished.stdout);
        assert!(!finished.stdout.contains("[GAP]"), "nothing was missed before the first connection");
        assert_eq!(simulator.ledger().listeners.len(), 1, "{fault}");
    }))
    .await;
}

#[tokio::test]
async fn retry_after_is_waited_for_in_seconds_and_as_a_date() {
    let wishes = ["token:status=429,retry-after=2", "handshake:status=503,retry-after=date+3"];
    join_all(wishes.map(async |fault| {
        let (finished, ledger) = meet(fault, &["--max-retries", "1"]).await;
        assert_eq!(finished.code, Some(0), "{fault}: {}", finished.stderr);
        let requests = if fault.starts_with("token") {
            ledger.tokens.iter().map(|request| request.at).collect::<Vec<_>>()
        } else {
            ledger.handshakes.iter().map(|request| request.at).collect()
        };
        // A date has whole seconds, so this one is two to three away; our own delay would be less than two.
        let waited = requests[1] - requests[0];
        assert!((Duration::from_secs(2)..Duration::from_secs(6)).contains(&waited), "{fault}: {waited:?}");
    }))
    .await;
}

#[tokio::test]
async fn attempts_are_counted_in_a_row_and_said() {
    let (finished, ledger) = meet("handshake:status=503,always", &["--max-retries", "1"]).await;
    assert_eq!((finished.code, ledger.handshakes.len()), (Some(69), 2));
    assert!(finished.stderr.contains("retry 1 of 1 in "), "{}", finished.stderr);
    assert!(finished.stderr.contains("gave up after 2 attempts in a row"), "{}", finished.stderr);
}

#[tokio::test]
async fn an_answer_that_never_ends_is_not_waited_for() {
    for (chunk, pause, code, words) in [
        (1, Duration::from_millis(20), 69, "no answer from"),
        (64 << 10, Duration::ZERO, 76, "does not answer like a token endpoint"),
    ] {
        let base = endless(vec![b' '; chunk], pause).await;
        let start = Instant::now();
        let finished = unsimulated(&base, &["--max-retries", "0", "--connect-timeout", "500ms"]).await;
        assert_eq!(finished.code, Some(code), "{}", finished.stderr);
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
}

/// The address of a server whose answer comes in such chunks, with a pause after each, and has no end.
async fn endless(chunk: Vec<u8>, pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut asked = [0; 4096];
        assert!(tcp.read(&mut asked).await.unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000000000\r\n\r\n";
        tcp.write_all(head.as_bytes()).await.unwrap();
        while tcp.write_all(&chunk).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    });
    base
}

#[tokio::test]
async fn no_secret_is_shown_though_the_server_repeats_it() {
    for place in ["token", "handshake"] {
        let simulator: Simulator = simulator(TALK, &[&format!("{place}:echo=500")]).await;
        let finished = run(&simulator, &["-vv", "--max-retries", "0"]).await;
        assert_eq!(finished.code, Some(69), "{}", finished.stderr);
        assert!(finished.stderr.contains("cannot accept"), "{}", finished.stderr);
        let token = simulator.ledger().tokens[0].token.clone().unwrap_or_else(|| "Basic ".to_owned() + "NTFi");
        for secret in [simulator.client_secret(), &token] {
            assert!(!finished.stderr.contains(secret), "{}", finished.stderr);
        }
    }
}

/// Runs against another server than the simulator.
async fn unsimulated(base: &str, args: &[&str]) -> Finished {
    let mut command = bare(&["-c", "c1", "--api-url", base, "--client-id", "id"]);
    Running::start(command.args(args).env("GENESYS_CLIENT_SECRET", "invented")).finish().await
}
