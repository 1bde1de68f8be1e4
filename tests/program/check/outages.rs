//! Agreement of `check` with a tail about a service that is overloaded, limits requests or refuses the notification socket.

use super::{SCRIPT, check};
use crate::support::program::{run, simulator};

#[tokio::test]
async fn check_and_a_tail_have_the_same_diagnosis_next_step_and_exit_code() {
    for (place, source) in [
        ("token", "auto"),
        ("handshake", "auto"),
        ("handshake", "transcript"),
        ("rest", "notifications"),
        ("channel", "notifications"),
        ("notify-handshake", "notifications"),
    ] {
        for status in ["503", "429"] {
            assert_agreement(&format!("{place}:status={status},times=always"), source).await;
        }
    }
}

async fn assert_agreement(fault: &str, source: &str) {
    let simulator = simulator(SCRIPT, &[fault]).await;
    let tail = run(&simulator, &["--max-retries", "0", "--source", source]).await;
    let checked = check(&simulator, &["--source", source]).await;
    assert_eq!((tail.code, checked.code), (Some(69), Some(69)), "{fault} {source}: {}{}", tail.stderr, checked.stdout);
    let diagnosis = tail.stderr.lines().find_map(|line| line.split_once("gave up after 1 attempt: ")).unwrap().1;
    assert!(diagnosis.contains(" is temporarily unavailable: "), "{fault}: {diagnosis}");
    let failure = checked.stdout.lines().find(|line| line.starts_with("fail  ")).unwrap();
    assert!(failure.contains(diagnosis), "{fault} {source}: {diagnosis:?} is not in {failure:?}");
    assert!(
        tail.stderr.contains("tip: try again later") && failure.contains("; try again later"),
        "{fault}: {failure}"
    );
}

#[tokio::test]
async fn a_rate_limit_is_told_as_shared_and_check_states_the_wait() {
    let fault = "rest:status=429,retry-after=45,times=always,after=1";
    let checked = check(&simulator(SCRIPT, &[fault]).await, &["--source", "notifications"]).await;
    let remedy = "; try again in 45 s: all programs with this OAuth client share one rate limit";
    assert!(checked.stdout.contains(remedy), "{}", checked.stdout);
    let tail = run(&simulator(SCRIPT, &[fault]).await, &["--source", "notifications", "--max-retries", "0"]).await;
    let tip = "  tip: try again later: all programs with this OAuth client share one rate limit";
    assert!(tail.stderr.contains(tip) && !tail.stderr.contains("retry without limit"), "{}", tail.stderr);
}

#[tokio::test]
async fn an_outage_is_told_with_one_remedy_and_nothing_untested_is_ok() {
    let simulator = simulator(SCRIPT, &["rest:status=503,times=always,after=1"]).await;
    let finished = check(&simulator, &["--source", "notifications"]).await;
    assert_eq!(finished.code, Some(69), "{}", finished.stdout);
    assert_eq!(finished.stdout.matches("; try again later").count(), 1, "{}", finished.stdout);
    assert!(finished.stdout.matches("; remedy as above\n").count() > 2, "{}", finished.stdout);
    assert!(!finished.stdout.contains("ok    topics"), "{}", finished.stdout);
}

/// A conversation that does not end, so that a tail of it needs a socket.
const OPEN_SCRIPT: &str = "+0 customer Ada: one";

#[tokio::test]
async fn a_refused_notification_socket_is_told_with_its_status_by_check_and_a_tail() {
    for (answer, code, status, next_step) in [
        ("status=403", 77, "403 (Unable to perform", "give the OAuth client a role with this permission"),
        ("status=403,body=No.", 77, "403 (No.)", "ask the Genesys Cloud administrator which permission"),
        ("forbidden-page", 76, "403 Forbidden", "let proxies and firewalls pass WebSockets to this host"),
        ("status=400", 76, "400 (", "let proxies and firewalls pass WebSockets to this host"),
    ] {
        let fault = format!("notify-handshake:{answer},times=always");
        let tail = run(&simulator(OPEN_SCRIPT, &[&fault]).await, &["--source", "notifications"]).await;
        let checked = check(&simulator(OPEN_SCRIPT, &[&fault]).await, &["--source", "notifications"]).await;
        assert_eq!((tail.code, checked.code), (Some(code), Some(code)), "{answer}: {}{}", tail.stderr, checked.stdout);
        let failure = checked.stdout.lines().find(|line| line.starts_with("fail  ")).unwrap();
        let cause = format!(" rejected the WebSocket handshake: {status}");
        for text in [&cause, next_step] {
            assert!(tail.stderr.contains(text) && failure.contains(text), "{answer}: {}{failure}", tail.stderr);
        }
    }
}
