//! History at the start and after an outage, with both sources (HIST-1, CONN-40, CONN-41, CONN-43, CONN-27, OUT-25).

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Simulator, Sources};
use serde_json::Value;

use crate::support::program::{Finished, Running, program, run, simulator_with, within_timeout};

const SOURCES: [&str; 2] = ["transcript", "notifications"];

/// Starts a simulator whose conversation already has these messages.
async fn simulator_after(messages: &[&str], faults: &[&str]) -> Simulator {
    let simulator = simulator_with("", faults, Options::default()).await;
    for text in messages {
        simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
    }
    simulator
}

fn start(simulator: &Simulator, source: &str, args: &[&str]) -> Running {
    Running::start(&mut program(simulator, &[&["--source", source, "--timestamps", "none"], args].concat()))
}

/// Waits until this socket, counted from 1, is open.
async fn wait_for_socket(simulator: &Simulator, source: &str, number: usize) {
    let open = simulator.wait_for(|log| match source {
        "transcript" => log.transcript_sockets.len() == number && log.open_transcript_sockets() == 1,
        _ => log.notification_sockets.len() == number && log.open_notification_sockets() == 1,
    });
    within_timeout(open).await;
}

async fn break_socket(simulator: &Simulator, source: &str, fault: &str) {
    match source {
        "transcript" => simulator.first_conversation().apply_fault(fault).await.unwrap(),
        _ => simulator.apply_fault(&format!("notify:{fault}")).await.unwrap(),
    }
}

/// Sends a message of the customer.
async fn send(simulator: &Simulator, text: &str) {
    simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
}

/// Closes the conversation and asserts that the program exits with 0.
async fn close(simulator: &Simulator, running: Running) -> Finished {
    simulator.first_conversation().play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

fn object(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

/// Returns the texts of the message lines.
fn texts(stdout: &str) -> Vec<&str> {
    stdout.lines().filter_map(|line| line.strip_prefix("[Customer] Ada: ")).collect()
}

#[tokio::test]
async fn lines_and_since_limit_the_printed_history() {
    let limits: &[(&[&str], &[&str])] = &[
        (&[], &["one", "two", "three"]),
        (&["-n", "all"], &["one", "two", "three"]),
        (&["-n", "2"], &["two", "three"]),
        (&["-n", "9"], &["one", "two", "three"]),
        (&["-n", "0"], &[]),
        (&["-n", "1", "--only", "agent"], &[]),
        (&["-n", "1", "-i", "o"], &["two"]),
        (&["--since", "1h"], &["one", "two", "three"]),
        (&["--since", "2100-01-01T00:00:00Z"], &[]),
    ];
    let cases = SOURCES.into_iter().flat_map(|source| limits.iter().map(move |limit| (source, limit)));
    join_all(cases.map(async |(source, (args, expected))| {
        let simulator = simulator_after(&["one", "two", "three"], &[]).await;
        let no_follow = [&["--source", source, "--timestamps", "none", "--no-follow"], *args].concat();
        let finished = run(&simulator, &no_follow).await;
        assert_eq!((finished.code, texts(&finished.stdout)), (Some(0), expected.to_vec()), "{source} {args:?}");
        let running = start(&simulator, source, args);
        wait_for_socket(&simulator, source, 1).await;
        let finished = close(&simulator, running).await;
        assert_eq!(texts(&finished.stdout), *expected, "{source} {args:?}");
        assert!(!finished.stdout.contains("[GAP]"), "{source} {args:?}");
    }))
    .await;
}

#[tokio::test]
async fn json_marks_messages_as_history_or_live() {
    join_all(SOURCES.map(async |source| {
        let simulator = simulator_after(&["before"], &[]).await;
        let mut running = start(&simulator, source, &["--json"]);
        let mut lines = vec![running.next_line().await];
        wait_for_socket(&simulator, source, 1).await;
        send(&simulator, "live").await;
        lines.push(running.next_line().await);
        break_socket(&simulator, source, "reset").await;
        running.wait_for_stderr("retry 1").await;
        send(&simulator, "missed").await;
        lines.push(running.next_line().await);
        send(&simulator, "live again").await;
        lines.push(running.next_line().await);
        let finished = close(&simulator, running).await;
        assert!(!finished.stdout.contains("\"message\""), "{source}: {}", finished.stdout);
        let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let printed: Vec<_> =
            lines.iter().map(|line| (line["text"].as_str().unwrap(), line["source"].as_str().unwrap())).collect();
        let expected = [("before", "history"), ("live", "live"), ("missed", "history"), ("live again", "live")];
        assert_eq!(printed, expected, "{source}");
    }))
    .await;
}

#[tokio::test]
async fn missed_messages_are_printed_once_in_order_and_before_newer_ones() {
    join_all(SOURCES.map(async |source| {
        // A new message arrives on the new socket before the slow response with the missed ones.
        let simulator = simulator_after(&[], &["rest:slow=400ms,times=always,path=/conversations/"]).await;
        let mut running = start(&simulator, source, &[]);
        wait_for_socket(&simulator, source, 1).await;
        send(&simulator, "one").await;
        assert_eq!(running.next_line().await, "[Customer] Ada: one");
        break_socket(&simulator, source, "close=1011").await;
        running.wait_for_stderr("retry 1").await;
        send(&simulator, "two").await;
        send(&simulator, "three").await;
        wait_for_socket(&simulator, source, 2).await;
        send(&simulator, "four").await;
        for text in ["two", "three", "four"] {
            assert_eq!(running.next_line().await, format!("[Customer] Ada: {text}"), "{source}");
        }
        running.wait_for_stderr("missed messages fetched").await;
        let finished = close(&simulator, running).await;
        assert!(texts(&finished.stdout).is_empty() && !finished.stdout.contains("[GAP]"), "{}", finished.stdout);
    }))
    .await;
}

#[tokio::test]
async fn a_refused_history_is_reported_once_and_each_outage_prints_one_gap() {
    let refusals = [
        "rest:deny=conversation:message:view",
        "rest:status=403,times=always,path=/conversations/",
        "rest:status=404,times=always,path=/conversations/",
        "rest:status=401,times=always,path=/conversations/",
    ];
    join_all(refusals.map(async |refusal| {
        let simulator = simulator_after(&["before"], &[refusal]).await;
        let mut running = start(&simulator, "transcript", &[]);
        wait_for_socket(&simulator, "transcript", 1).await;
        send(&simulator, "one").await;
        assert_eq!(running.next_line().await, "[Customer] Ada: one", "no gap at the start");
        for number in 2..=3 {
            break_socket(&simulator, "transcript", "reset").await;
            wait_for_socket(&simulator, "transcript", number).await;
            send(&simulator, &number.to_string()).await;
            assert!(running.next_line().await.starts_with("[GAP] "), "{refusal}");
            assert_eq!(running.next_line().await, format!("[Customer] Ada: {number}"));
        }
        let finished = close(&simulator, running).await;
        assert_eq!(finished.stdout, "[CLOSED] Conversation terminated\n");
        let reports = finished.stderr.matches("conversation history is not available").count();
        assert_eq!(reports, 1, "{refusal}: {}", finished.stderr);
        let requests = simulator.request_log().requests.len();
        let expected = if refusal.contains("401") { 5 } else { 2 };
        assert!(requests <= expected, "{refusal}: a refused read is not repeated: {requests}");
    }))
    .await;
}

/// OUT-15: the conversation may have changed its queue during an outage.
#[tokio::test]
async fn after_an_outage_whose_history_is_missing_the_queue_is_unknown() {
    let fault = "rest:status=503,retry-after=0,times=5,after=1,path=GET /api/v2/conversations/";
    let simulator = simulator_after(&["before"], &[fault]).await;
    let mut running = start(&simulator, "transcript", &["--json"]);
    wait_for_socket(&simulator, "transcript", 1).await;
    send(&simulator, "one").await;
    let lines = [running.next_line().await, running.next_line().await];
    break_socket(&simulator, "transcript", "reset").await;
    wait_for_socket(&simulator, "transcript", 2).await;
    send(&simulator, "two").await;
    let gap = running.next_line().await;
    assert!(gap.contains(r#""type":"gap""#) && !gap.contains("media"), "{gap}");
    let [before, one, two] = [&lines[0], &lines[1], &running.next_line().await].map(|line| object(line));
    for (message, text, queue) in [(before, "before", "Support"), (one, "one", "Support"), (two, "two", "")] {
        let of = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        assert_eq!((of("text"), of("media")), (text.to_owned(), "webmessaging".to_owned()));
        assert_eq!(message["queue"]["name"].as_str().unwrap_or_default(), queue, "{message}");
    }
    close(&simulator, running).await;
}

#[tokio::test]
async fn without_a_history_endpoint_each_outage_prints_one_gap() {
    let options = Options { sources: Sources::TranscriptOnly, ..Options::default() };
    let simulator = simulator_with("", &[], options).await;
    let mut running = start(&simulator, "transcript", &[]);
    wait_for_socket(&simulator, "transcript", 1).await;
    break_socket(&simulator, "transcript", "eof").await;
    assert!(running.next_line().await.starts_with("[GAP] "));
    let finished = close(&simulator, running).await;
    assert_eq!(finished.stdout, "[CLOSED] Conversation terminated\n");
}

#[tokio::test]
async fn a_renewed_socket_prints_no_gap() {
    let options = Options { token_lifetime: std::time::Duration::from_secs(21), ..Options::default() };
    let simulator = simulator_with("", &["rest:status=403,times=always,path=/conversations/"], options).await;
    let mut running = start(&simulator, "transcript", &[]);
    wait_for_socket(&simulator, "transcript", 1).await;
    send(&simulator, "one").await;
    wait_for_socket(&simulator, "transcript", 2).await;
    send(&simulator, "two").await;
    assert_eq!([running.next_line().await, running.next_line().await], ["[Customer] Ada: one", "[Customer] Ada: two"]);
    let finished = close(&simulator, running).await;
    assert_eq!(finished.stdout, "[CLOSED] Conversation terminated\n", "{}", finished.stderr);
}

#[tokio::test]
async fn a_failing_history_read_is_retried_and_then_prints_a_gap() {
    let cases = SOURCES.into_iter().flat_map(|source| [(source, 2), (source, 99)]);
    join_all(cases.map(async |(source, times)| {
        let after_first = if source == "transcript" { 1 } else { 2 };
        let path = if source == "transcript" { "/conversations/messages/" } else { "GET /api/v2/conversations/" };
        let fault = format!("rest:status=503,retry-after=0,times={times},after={after_first},path={path}");
        let simulator = simulator_after(&[], &[&fault]).await;
        let mut running = start(&simulator, source, &["-v"]);
        wait_for_socket(&simulator, source, 1).await;
        within_timeout(simulator.wait_for(|log| log.count_requests("GET /api/v2/conversations/") == after_first)).await;
        break_socket(&simulator, source, "reset").await;
        running.wait_for_stderr("retry 1").await;
        send(&simulator, "missed").await;
        wait_for_socket(&simulator, source, 2).await;
        send(&simulator, "newer").await;
        if times == 2 {
            assert_eq!(
                [running.next_line().await, running.next_line().await],
                ["[Customer] Ada: missed", "[Customer] Ada: newer"],
                "{source}"
            );
            close(&simulator, running).await;
            return;
        }
        let mut lines = vec![running.next_line().await, running.next_line().await];
        if source == "notifications" {
            // The notifications source still fetches the missed message later.
            lines.push(running.next_line().await);
            lines.retain(|line| !line.contains("missed"));
        }
        assert!(lines[0].starts_with("[GAP] "), "{source}: {lines:?}");
        assert_eq!(lines[1], "[Customer] Ada: newer", "{source}");
        assert!(!running.stderr().contains("retry 2"), "the socket was kept: {}", running.stderr());
    }))
    .await;
}
