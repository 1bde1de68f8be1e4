//! What was said before the start and during a loss, on either wire.

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Simulator, Sources};
use serde_json::Value;

use crate::support::program::{Finished, Running, program, run, simulator_with, within_timeout};

const SOURCES: [&str; 2] = ["transcript", "notifications"];

/// A conversation in which this was said already.
async fn after(said: &[&str], faults: &[&str]) -> Simulator {
    let simulator = simulator_with("", faults, Options::default()).await;
    for text in said {
        simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
    }
    simulator
}

fn start(simulator: &Simulator, source: &str, args: &[&str]) -> Running {
    Running::start(&mut program(simulator, &[&["--source", source, "--timestamps", "none"], args].concat()))
}

/// Waits for the socket with this number, from 1.
async fn socket(simulator: &Simulator, source: &str, number: usize) {
    let stands = simulator.wait_for(|log| match source {
        "transcript" => log.transcript_sockets.len() == number && log.open_transcript_sockets() == 1,
        _ => log.notification_sockets.len() == number && log.open_notification_sockets() == 1,
    });
    within_timeout(stands).await;
}

async fn cut(simulator: &Simulator, source: &str, how: &str) {
    match source {
        "transcript" => simulator.first_conversation().apply_fault(how).await.unwrap(),
        _ => simulator.apply_fault(&format!("notify:{how}")).await.unwrap(),
    }
}

async fn say(simulator: &Simulator, text: &str) {
    simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
}

async fn close(simulator: &Simulator, tail: Running) -> Finished {
    simulator.first_conversation().play("close").await.unwrap();
    let finished = tail.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

/// The texts of the message lines.
fn texts(stdout: &str) -> Vec<&str> {
    stdout.lines().filter_map(|line| line.strip_prefix("[Customer] Ada: ")).collect()
}

#[tokio::test]
async fn as_much_of_the_past_is_told_as_is_wanted() {
    let wishes: &[(&[&str], &[&str])] = &[
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
    let cases = SOURCES.into_iter().flat_map(|source| wishes.iter().map(move |wish| (source, wish)));
    join_all(cases.map(async |(source, (args, wanted))| {
        let simulator = after(&["one", "two", "three"], &[]).await;
        let once = [&["--source", source, "--timestamps", "none", "--no-follow"], *args].concat();
        let finished = run(&simulator, &once).await;
        assert_eq!((finished.code, texts(&finished.stdout)), (Some(0), wanted.to_vec()), "{source} {args:?}");
        let tail = start(&simulator, source, args);
        socket(&simulator, source, 1).await;
        let finished = close(&simulator, tail).await;
        assert_eq!(texts(&finished.stdout), *wanted, "{source} {args:?}");
        assert!(!finished.stdout.contains("[GAP]"), "{source} {args:?}");
    }))
    .await;
}

#[tokio::test]
async fn json_says_what_is_history_and_what_is_live() {
    join_all(SOURCES.map(async |source| {
        let simulator = after(&["before"], &[]).await;
        let mut tail = start(&simulator, source, &["--json"]);
        let mut lines = vec![tail.next_line().await];
        socket(&simulator, source, 1).await;
        say(&simulator, "live").await;
        lines.push(tail.next_line().await);
        cut(&simulator, source, "reset").await;
        tail.wait_for_stderr("retry 1").await;
        say(&simulator, "missed").await;
        lines.push(tail.next_line().await);
        say(&simulator, "live again").await;
        lines.push(tail.next_line().await);
        let finished = close(&simulator, tail).await;
        assert!(!finished.stdout.contains("\"message\""), "{source}: {}", finished.stdout);
        let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told: Vec<_> =
            lines.iter().map(|line| (line["text"].as_str().unwrap(), line["source"].as_str().unwrap())).collect();
        let wanted = [("before", "history"), ("live", "live"), ("missed", "history"), ("live again", "live")];
        assert_eq!(told, wanted, "{source}");
    }))
    .await;
}

#[tokio::test]
async fn what_was_missed_is_told_in_order_once_and_before_what_is_newer() {
    join_all(SOURCES.map(async |source| {
        // The answer that tells what was missed comes after news has come over the new socket.
        let simulator = after(&[], &["rest:slow=400ms,times=always,path=/conversations/"]).await;
        let mut tail = start(&simulator, source, &[]);
        socket(&simulator, source, 1).await;
        say(&simulator, "one").await;
        assert_eq!(tail.next_line().await, "[Customer] Ada: one");
        cut(&simulator, source, "close=1011").await;
        tail.wait_for_stderr("retry 1").await;
        say(&simulator, "two").await;
        say(&simulator, "three").await;
        socket(&simulator, source, 2).await;
        say(&simulator, "four").await;
        for text in ["two", "three", "four"] {
            assert_eq!(tail.next_line().await, format!("[Customer] Ada: {text}"), "{source}");
        }
        tail.wait_for_stderr("missed messages fetched").await;
        let finished = close(&simulator, tail).await;
        assert!(texts(&finished.stdout).is_empty() && !finished.stdout.contains("[GAP]"), "{}", finished.stdout);
    }))
    .await;
}

#[tokio::test]
async fn where_the_past_may_not_be_read_that_is_said_once_and_each_loss_is_one_gap() {
    let refusals = [
        "rest:deny=conversation:message:view",
        "rest:status=403,times=always,path=/conversations/",
        "rest:status=404,times=always,path=/conversations/",
        "rest:status=401,times=always,path=/conversations/",
    ];
    join_all(refusals.map(async |refusal| {
        let simulator = after(&["before"], &[refusal]).await;
        let mut tail = start(&simulator, "transcript", &[]);
        socket(&simulator, "transcript", 1).await;
        say(&simulator, "one").await;
        assert_eq!(tail.next_line().await, "[Customer] Ada: one", "no gap at the start");
        for number in 2..=3 {
            cut(&simulator, "transcript", "reset").await;
            socket(&simulator, "transcript", number).await;
            say(&simulator, &number.to_string()).await;
            assert!(tail.next_line().await.starts_with("[GAP] "), "{refusal}");
            assert_eq!(tail.next_line().await, format!("[Customer] Ada: {number}"));
        }
        let finished = close(&simulator, tail).await;
        assert_eq!(finished.stdout, "[CLOSED] Conversation terminated\n");
        let said = finished.stderr.matches("what was said before cannot be read").count();
        assert_eq!(said, 1, "{refusal}: {}", finished.stderr);
        let asked = simulator.request_log().requests.len();
        assert!(asked <= 2, "{refusal}: it is not asked for again: {asked}");
    }))
    .await;
}

#[tokio::test]
async fn a_wire_without_any_history_is_a_gap_a_loss_as_well() {
    let options = Options { sources: Sources::TranscriptOnly, ..Options::default() };
    let simulator = simulator_with("", &[], options).await;
    let mut tail = start(&simulator, "transcript", &[]);
    socket(&simulator, "transcript", 1).await;
    cut(&simulator, "transcript", "eof").await;
    assert!(tail.next_line().await.starts_with("[GAP] "));
    let finished = close(&simulator, tail).await;
    assert_eq!(finished.stdout, "[CLOSED] Conversation terminated\n");
}

#[tokio::test]
async fn moving_to_a_new_socket_is_no_loss() {
    let options = Options { token_lifetime: std::time::Duration::from_secs(21), ..Options::default() };
    let simulator = simulator_with("", &["rest:status=403,times=always,path=/conversations/"], options).await;
    let mut tail = start(&simulator, "transcript", &[]);
    socket(&simulator, "transcript", 1).await;
    say(&simulator, "one").await;
    socket(&simulator, "transcript", 2).await;
    say(&simulator, "two").await;
    assert_eq!([tail.next_line().await, tail.next_line().await], ["[Customer] Ada: one", "[Customer] Ada: two"]);
    let finished = close(&simulator, tail).await;
    assert_eq!(finished.stdout, "[CLOSED] Conversation terminated\n", "{}", finished.stderr);
}

#[tokio::test]
async fn a_service_in_trouble_is_asked_again_and_then_it_is_a_gap() {
    let cases = SOURCES.into_iter().flat_map(|source| [(source, 2), (source, 99)]);
    join_all(cases.map(async |(source, times)| {
        let after_first = if source == "transcript" { 1 } else { 2 };
        let path = if source == "transcript" { "/conversations/messages/" } else { "GET /api/v2/conversations/" };
        let fault = format!("rest:status=503,retry-after=0,times={times},after={after_first},path={path}");
        let simulator = after(&[], &[&fault]).await;
        let mut tail = start(&simulator, source, &["-v"]);
        socket(&simulator, source, 1).await;
        within_timeout(simulator.wait_for(|log| log.count_requests("GET /api/v2/conversations/") == after_first)).await;
        cut(&simulator, source, "reset").await;
        tail.wait_for_stderr("retry 1").await;
        say(&simulator, "missed").await;
        socket(&simulator, source, 2).await;
        say(&simulator, "newer").await;
        if times == 2 {
            assert_eq!(
                [tail.next_line().await, tail.next_line().await],
                ["[Customer] Ada: missed", "[Customer] Ada: newer"],
                "{source}"
            );
            close(&simulator, tail).await;
            return;
        }
        let mut lines = vec![patient_line(&mut tail).await, tail.next_line().await];
        if source == "notifications" {
            // What comes late is better than what does not come.
            lines.push(tail.next_line().await);
            lines.retain(|line| !line.contains("missed"));
        }
        assert!(lines[0].starts_with("[GAP] "), "{source}: {lines:?}");
        assert_eq!(lines[1], "[Customer] Ada: newer", "{source}");
        assert!(!tail.stderr().contains("retry 2"), "the socket was kept: {}", tail.stderr());
    }))
    .await;
}

/// The next line, which comes when all attempts were made.
async fn patient_line(tail: &mut Running) -> String {
    use tokio::io::AsyncBufReadExt;
    let mut line = String::new();
    let read = tail.stdout.as_mut().unwrap().read_line(&mut line);
    tokio::time::timeout(std::time::Duration::from_secs(60), read)
        .await
        .unwrap_or_else(|_| panic!("a line: {}", tail.stderr()))
        .unwrap();
    line.trim_end().to_owned()
}
