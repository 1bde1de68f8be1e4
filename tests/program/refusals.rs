//! Responses of the token endpoint, the handshake and the REST API: exit codes and numbers of attempts (SRC-5 to SRC-7,
//! CONN-2, CONN-4, CONN-5, CONN-10 to CONN-21, SEC-1, SEC-3).

use std::time::Duration;

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, RequestLog, Simulator, Sources};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::support::program::{
    Finished, Running, bare_program, program, refusing_socket, run, simulator, simulator_with,
};

const SCRIPT: &str = "+0 customer Ada: one\n+0 close";

/// The message of an error object.
const TEXT: &str = "the text of the server";

/// The expected reaction to a response.
#[derive(Debug, Clone, Copy)]
enum Reaction {
    /// The program ends with this exit code.
    Refusal(i32),
    /// The request is retried.
    Outage,
}

use Reaction::{Outage, Refusal};

/// Runs against a simulator with this fault, without retries unless `args` contain `--max-retries`.
async fn run_with_fault(fault: &str, args: &[&str]) -> (Finished, RequestLog) {
    let simulator = simulator(SCRIPT, &[fault]).await;
    let mut command = program(&simulator, &["--connect-timeout", "2s"]);
    let retries = if args.contains(&"--max-retries") { &[][..] } else { &["--max-retries", "0"] };
    let finished = Running::start(command.args(retries).args(args)).finish().await;
    (finished, simulator.request_log())
}

/// Asserts the reaction to a fault and the numbers of requests, with `--source transcript`. Returns stderr.
async fn assert_reaction(fault: String, reaction: Reaction, tokens: usize, handshakes: usize) -> String {
    let (finished, log) = run_with_fault(&format!("{fault},always"), &["--source", "transcript"]).await;
    let Finished { code, stderr, stdout, .. } = finished;
    let (expected, message) = match reaction {
        Refusal(code) => (code, "error"),
        Outage => (69, "gave up after 1 attempt"),
    };
    assert_eq!(code, Some(expected), "{fault}: {stderr}");
    assert!(stderr.contains(message), "{fault}: {stderr}");
    assert_eq!(stdout, "", "{fault}");
    assert_eq!((log.token_requests.len(), log.transcript_handshakes.len()), (tokens, handshakes), "{fault}: {stderr}");
    assert_eq!(log.requests.len(), 0, "{fault}: {:?}", log.requests);
    assert!(log.unrouted_requests.is_empty(), "{fault}: {:?}", log.unrouted_requests);
    stderr
}

/// Asserts the reaction to every status of this endpoint.
async fn assert_reactions(endpoint: &str, reactions: &[(&[u16], Reaction)], tokens: usize, handshakes: usize) {
    for (statuses, reaction) in reactions {
        join_all(statuses.iter().map(async |status| {
            let fault = format!("{endpoint}:status={status},body={TEXT}");
            let stderr = assert_reaction(fault, *reaction, tokens, handshakes).await;
            let message = format!("{status} ({TEXT})");
            assert!(stderr.contains(&message) || [204, 304].contains(status), "{stderr}");
        }))
        .await;
    }
}

#[tokio::test]
async fn every_status_of_the_token_endpoint_is_a_refusal_or_an_outage() {
    let reactions: &[(&[u16], Reaction)] = &[
        (&[400, 401, 403], Refusal(77)),
        (&[408, 429, 500, 502, 503, 504, 599], Outage),
        (&[501, 404, 402, 405, 410, 418, 201, 204, 300, 304], Refusal(76)),
    ];
    assert_reactions("token", reactions, 1, 0).await;
}

#[tokio::test]
async fn every_status_of_the_handshake_is_a_refusal_or_an_outage() {
    let reactions: &[(&[u16], Reaction)] = &[
        (&[403], Refusal(77)),
        (&[404, 410], Refusal(66)),
        (&[408, 429, 500, 502, 503, 504, 599], Outage),
        (&[501, 400, 402, 405, 407, 418, 426, 200, 204, 300, 304], Refusal(76)),
    ];
    assert_reactions("handshake", reactions, 1, 1).await;
}

#[tokio::test]
async fn a_fallback_response_to_the_handshake_selects_notifications() {
    let statuses = [400, 404, 405, 410, 426, 501, 200, 201, 204, 300, 304].map(|status| format!("status={status}"));
    let redirects = [301, 302, 303, 307, 308].map(|status| format!("redirect={status}"));
    let pages = ["ok", "not-json", "huge=8000000", "forbidden-page"].map(str::to_owned);
    join_all(statuses.iter().chain(&redirects).chain(&pages).map(async |response| {
        let (finished, log) = run_with_fault(&format!("handshake:{response},always"), &[]).await;
        assert_eq!(finished.code, Some(0), "{response}: {}", finished.stderr);
        assert!(finished.stdout.contains("[Customer] Ada: one\n"), "{response}: {}", finished.stdout);
        let messages = usize::from(response != "status=404");
        assert_eq!(finished.stderr.matches("using notifications").count(), messages, "{response}: {}", finished.stderr);
        assert_eq!((log.transcript_handshakes.len(), log.channels.len()), (1, 1), "{response}");
        assert!(log.unrouted_requests.is_empty(), "{response}: {:?}", log.unrouted_requests);
    }))
    .await;
}

#[tokio::test]
async fn other_responses_to_the_handshake_do_not_select_notifications() {
    for (response, code) in [
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
        let (finished, log) = run_with_fault(&format!("handshake:{response},always"), &[]).await;
        assert_eq!(finished.code, Some(code), "{response}: {}", finished.stderr);
        assert_eq!((log.requests.len(), log.channels.len()), (0, 0), "{response}: {}", finished.stderr);
    }
}

#[tokio::test]
async fn every_status_of_the_rest_api_is_a_refusal_or_an_outage() {
    let reactions: &[(&[u16], Reaction)] = &[
        (&[401, 403], Refusal(77)),
        (&[404, 410], Refusal(66)),
        (&[408, 429, 500, 502, 503, 504, 599], Outage),
        (&[501, 400, 402, 405, 407, 418, 426, 202, 300, 304], Refusal(76)),
    ];
    for (statuses, reaction) in reactions {
        join_all(statuses.iter().map(async |status| {
            let fault = format!("rest:status={status},body={TEXT},always");
            let (Finished { code, stdout, stderr, .. }, log) =
                run_with_fault(&fault, &["--source", "notifications"]).await;
            let expected = if let Refusal(code) = reaction { *code } else { 69 };
            assert_eq!((code, stdout.as_str()), (Some(expected), ""), "{status}: {stderr}");
            let message = format!("{status} ({TEXT})");
            assert!(stderr.contains(&message) || *status == 304, "{status}: {stderr}");
            let (tokens, requests) = if *status == 401 { (2, 5) } else { (1, 1) };
            assert_eq!((log.token_requests.len(), log.requests.len()), (tokens, requests), "{status}: {stderr}");
            assert!(log.transcript_handshakes.is_empty() && log.unrouted_requests.is_empty(), "{status}");
        }))
        .await;
    }
}

#[tokio::test]
async fn a_token_response_without_a_token_is_an_unexpected_response() {
    for response in ["garbage", "not-json", "huge=8000000"] {
        let stderr = assert_reaction(format!("token:{response}"), Refusal(76), 1, 0).await;
        assert!(stderr.contains("to the sign-in: "), "{stderr}");
    }
}

#[tokio::test]
async fn a_handshake_response_without_a_websocket_is_an_unexpected_response() {
    for (response, message) in
        [("bad-accept", "Sec-WebSocket-Accept is wrong"), ("ok", "200"), ("not-json", "200"), ("huge=8000000", "200")]
    {
        let stderr = assert_reaction(format!("handshake:{response}"), Refusal(76), 1, 1).await;
        assert!(stderr.contains("to the WebSocket handshake: "), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        assert_reaction(format!("token:redirect={status}"), Refusal(76), 1, 0).await;
        assert_reaction(format!("handshake:redirect={status}"), Refusal(76), 1, 1).await;
    }
}

#[tokio::test]
async fn a_request_without_a_response_is_retried() {
    // A handshake on the connection of the token request is repeated once on a new one (CONN-7).
    for (fault, handshakes) in [("reset", 2), ("hang", 1)] {
        assert_reaction(format!("token:{fault}"), Outage, 1, 0).await;
        assert_reaction(format!("handshake:{fault}"), Outage, 1, handshakes).await;
    }
    let refusing = refusing_socket();
    let url = format!("http://{}", refusing.local_addr().unwrap());
    let finished = run_against(&url, &["--max-retries", "0"]).await;
    assert_eq!(finished.code, Some(69), "{}", finished.stderr);
    let tip = ": connection refused\n  tip: start the simulator (genesys-tail simulate), or correct the port";
    assert!(finished.stderr.contains(tip), "{}", finished.stderr);
}

#[tokio::test]
async fn refused_credentials_are_explained_with_the_region() {
    let stderr = assert_reaction("token:status=400".to_owned(), Refusal(77), 1, 0).await;
    assert!(
        stderr.contains("tip: check client id, secret and region; the OAuth client needs the grant type"),
        "{stderr}"
    );
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let stderr = assert_reaction("handshake:status=403".to_owned(), Refusal(77), 1, 1).await;
    assert!(stderr.contains("conversation:message:view"), "{stderr}");
}

/// (CONN-11, CONN-17)
#[tokio::test]
async fn a_403_is_a_missing_permission_only_with_an_error_object() {
    for (response, code) in [("status=403", 77), ("forbidden-page", 76)] {
        assert_reaction(format!("token:{response}"), Refusal(code), 1, 0).await;
        assert_reaction(format!("handshake:{response}"), Refusal(code), 1, 1).await;
        let (finished, _) = run_with_fault(&format!("rest:{response},always"), &["--source", "notifications"]).await;
        assert_eq!(finished.code, Some(code), "{response}: {}", finished.stderr);
    }
}

/// (CONN-21)
#[tokio::test]
async fn a_token_that_is_refused_at_once_is_tried_again_and_then_replaced_once() {
    for (times, tokens) in [(1, 1), (3, 1), (4, 2)] {
        let (finished, log) = run_with_fault(&format!("handshake:status=401,times={times}"), &[]).await;
        assert_eq!((finished.code, finished.stdout.lines().count()), (Some(0), 2), "{}", finished.stderr);
        assert_eq!((log.token_requests.len(), log.transcript_handshakes.len()), (tokens, times + 1));
        let authorizations: std::collections::BTreeSet<_> =
            log.transcript_handshakes.iter().map(|handshake| handshake.authorization.clone()).collect();
        assert_eq!(authorizations.len(), tokens, "{times}");
        let waits = log.transcript_handshakes.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs());
        assert!(waits.zip([1, 2, 4]).all(|(wait, expected)| wait >= expected), "{times}");
    }
    let stderr = assert_reaction("handshake:status=401".to_owned(), Refusal(77), 2, 5).await;
    assert!(stderr.contains("rejected a new token"), "{stderr}");
}

#[tokio::test]
async fn a_temporary_outage_is_retried_without_a_gap() {
    let faults = ["token:status=503", "token:reset", "handshake:status=429", "handshake:hang"];
    join_all(faults.map(async |fault| {
        let (finished, log) = run_with_fault(fault, &["--max-retries", "1"]).await;
        assert_eq!(finished.code, Some(0), "{fault}: {}", finished.stderr);
        assert!(finished.stdout.ends_with("[CLOSED] Conversation terminated\n"), "{fault}: {}", finished.stdout);
        assert!(!finished.stdout.contains("[GAP]"), "nothing was missed before the first connection");
        assert_eq!(log.transcript_sockets.len(), 1, "{fault}");
    }))
    .await;
    let faults = ["token:reset", "rest:status=429", "rest:hang", "channel:status=503", "channel:reset"];
    join_all(faults.map(async |fault| {
        let options = Options { sources: Sources::NotificationsOnly, ..Options::default() };
        let simulator = simulator_with(SCRIPT, &[fault], options).await;
        let finished = run(&simulator, &["--max-retries", "1", "--connect-timeout", "2s"]).await;
        assert_eq!(finished.code, Some(0), "{fault}: {}", finished.stderr);
        assert!(finished.stdout.ends_with("[CLOSED] Conversation terminated\n"), "{fault}: {}", finished.stdout);
        assert!(!finished.stdout.contains("[GAP]"), "nothing was missed before the first connection");
        assert_eq!(simulator.request_log().notification_sockets.len(), 1, "{fault}");
    }))
    .await;
}

#[tokio::test]
async fn retry_after_is_obeyed_in_seconds_and_as_a_date() {
    let faults = ["token:status=429,retry-after=2", "handshake:status=503,retry-after=date+3"];
    join_all(faults.map(async |fault| {
        let (finished, log) = run_with_fault(fault, &["--max-retries", "1"]).await;
        assert_eq!(finished.code, Some(0), "{fault}: {}", finished.stderr);
        let times = if fault.starts_with("token") {
            log.token_requests.iter().map(|request| request.at).collect::<Vec<_>>()
        } else {
            log.transcript_handshakes.iter().map(|request| request.at).collect()
        };
        // A date has whole seconds, so this one is two to three seconds away. The default delay is less than two.
        let waited = times[1] - times[0];
        assert!((Duration::from_secs(2)..Duration::from_secs(6)).contains(&waited), "{fault}: {waited:?}");
    }))
    .await;
}

#[tokio::test]
async fn retries_in_a_row_are_counted_and_logged() {
    let (finished, log) = run_with_fault("handshake:status=503,always", &["--max-retries", "1"]).await;
    assert_eq!((finished.code, log.transcript_handshakes.len()), (Some(69), 2));
    assert!(finished.stderr.contains("retry 1 of 1 in "), "{}", finished.stderr);
    assert!(finished.stderr.contains("gave up after 2 attempts in a row"), "{}", finished.stderr);
}

#[tokio::test]
async fn an_endless_response_is_limited_in_time_and_size() {
    for (chunk, pause, code, message) in
        [(1, Duration::from_millis(20), 69, "no response from"), (64 << 10, Duration::ZERO, 76, "to the sign-in: ")]
    {
        let base_url = endless_response_server(vec![b' '; chunk], pause).await;
        let start = Instant::now();
        let finished = run_against(&base_url, &["--max-retries", "0", "--connect-timeout", "500ms"]).await;
        assert_eq!(finished.code, Some(code), "{}", finished.stderr);
        assert!(finished.stderr.contains(message), "{}", finished.stderr);
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
}

/// Starts a server whose response body repeats `chunk` without end, with a pause after each. Returns its URL.
async fn endless_response_server(chunk: Vec<u8>, pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(tcp.read(&mut request).await.unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000000000\r\n\r\n";
        tcp.write_all(head.as_bytes()).await.unwrap();
        while tcp.write_all(&chunk).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    });
    base_url
}

#[tokio::test]
async fn a_secret_that_the_server_repeats_is_not_printed() {
    for endpoint in ["token", "handshake"] {
        let simulator: Simulator = simulator(SCRIPT, &[&format!("{endpoint}:echo=500")]).await;
        let finished = run(&simulator, &["-vv", "--max-retries", "0"]).await;
        assert_eq!(finished.code, Some(69), "{}", finished.stderr);
        assert!(finished.stderr.contains("cannot accept"), "{}", finished.stderr);
        let token =
            simulator.request_log().token_requests[0].token.clone().unwrap_or_else(|| "Basic ".to_owned() + "NTFi");
        for secret in [simulator.client_secret(), &token] {
            assert!(!finished.stderr.contains(secret), "{}", finished.stderr);
        }
    }
}

/// Runs against the server at this URL.
async fn run_against(base_url: &str, args: &[&str]) -> Finished {
    let mut command = bare_program(&["-c", "c1", "--api-url", base_url, "--client-id", "id"]);
    Running::start(command.args(args).env("GENESYS_CLIENT_SECRET", "invented")).finish().await
}
