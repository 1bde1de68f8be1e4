//! Agreement of `check` with a tail about a service that is overloaded or limits requests.

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
