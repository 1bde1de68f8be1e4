//! Stored transcripts of the simulator: gaps of a followed call are filled after its end, and every fault of the transcript
//! has its answer (CALL-8 to CALL-13, SIM-6).

use std::time::Duration;

use genesys_tail::simulator::{Simulator, fault_help};
use tokio::time::Instant;

use super::{notifications_only, start};
use crate::support::program::{Running, path_str, program, run, simulator_with, within_timeout};

const WAIT: [&str; 2] = ["--call-transcript-wait", "1m"];

/// Plays these utterances, alternating between customer and agent, and adds their lines.
async fn talk(simulator: &Simulator, numbers: std::ops::Range<usize>, agent: &str, published: &mut Vec<String>) {
    for number in numbers {
        let (role, label, name) =
            if number % 2 == 0 { ("customer", "Customer", "Ada") } else { ("agent", "Agent", agent) };
        simulator.first_conversation().play(&format!("{role} {name}: Phrase {number}.")).await.unwrap();
        published.push(format!("[{label}] {name}: Phrase {number}."));
    }
}

/// Reads lines until that of this utterance. At the pace of this test, a snapshot may not have told the speaker.
async fn read_until(running: &mut Running, line: &str, printed: &mut Vec<String>) {
    loop {
        printed.push(running.next_line().await);
        if printed.last().is_some_and(|last| text(last) == text(line)) {
            return;
        }
    }
}

/// Loses the connection, and plays these utterances before it is replaced.
async fn disconnect(simulator: &Simulator, running: &mut Running, sockets: usize, published: &mut Vec<String>) {
    simulator.apply_fault("notify:reset").await.unwrap();
    running.wait_for_stderr("retry 1").await;
    let first = published.len();
    talk(simulator, first..first + 20, "Sam", published).await;
    within_timeout(simulator.wait_for(move |log| log.notification_sockets.len() == sockets)).await;
}

fn text(line: &str) -> &str {
    line.rsplit(": ").next().unwrap_or_default()
}

fn utterances(lines: &[String]) -> Vec<String> {
    lines.iter().filter(|line| line.contains("Phrase")).cloned().collect()
}

#[tokio::test]
async fn a_call_of_400_utterances_with_two_losses_and_a_transfer_is_complete_after_its_end() {
    let simulator = simulator_with("call", &[], notifications_only()).await;
    let mut running = start(&simulator, &WAIT).await;
    let (mut published, mut printed) = (Vec::new(), Vec::new());
    let conversation = simulator.first_conversation();
    talk(&simulator, 0..100, "Sam", &mut published).await;
    read_until(&mut running, published.last().unwrap(), &mut printed).await;
    disconnect(&simulator, &mut running, 2, &mut published).await;
    talk(&simulator, 120..250, "Sam", &mut published).await;
    read_until(&mut running, published.last().unwrap(), &mut printed).await;
    disconnect(&simulator, &mut running, 3, &mut published).await;
    conversation.play("transfer agent Eve").await.unwrap();
    talk(&simulator, 270..400, "Eve", &mut published).await;
    read_until(&mut running, published.last().unwrap(), &mut printed).await;
    conversation.play("close").await.unwrap();
    let run = running.finish().await;
    printed.extend(run.stdout.lines().map(str::to_owned));
    assert_eq!((run.code, printed.last().map(String::as_str)), (Some(0), Some("[CLOSED] Conversation terminated")));
    let mut numbers: Vec<usize> = utterances(&printed).iter().map(|line| number(line)).collect();
    assert_eq!((numbers.len(), numbers[360..].is_sorted()), (400, true), "{}", run.stderr);
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..400), "each once");
    assert!(run.stderr.contains("40 missed messages fetched"), "{}", run.stderr);
    assert_eq!(printed.iter().filter(|line| line.starts_with("[GAP]")).count(), 2);

    let history = self::run(&simulator, &["--no-follow", "--timestamps", "none"]).await;
    let history: Vec<String> = history.stdout.lines().map(str::to_owned).collect();
    let numbers: Vec<usize> = utterances(&history).iter().map(|line| number(line)).collect();
    assert!(numbers.into_iter().eq(0..400), "in order");
}

fn number(line: &str) -> usize {
    line.rsplit(' ').next().and_then(|word| word.trim_end_matches('.').parse().ok()).expect("a number")
}

#[tokio::test]
async fn a_gap_between_two_runs_is_filled_by_the_one_after_the_call() {
    let simulator = simulator_with("call", &[], notifications_only()).await;
    let folder = tempfile::tempdir().unwrap();
    let cursor = folder.path().join("cursor");
    let args = ["--cursor-file", path_str(&cursor)];
    let (mut published, mut printed) = (Vec::new(), Vec::new());
    let mut running = start(&simulator, &args).await;
    talk(&simulator, 0..6, "Sam", &mut published).await;
    read_until(&mut running, published.last().unwrap(), &mut printed).await;
    running.stop().await;
    // Phrases of one side are told apart by their time alone, from half a second on: people take longer for a sentence.
    tokio::time::sleep(Duration::from_millis(600)).await;
    talk(&simulator, 6..10, "Sam", &mut published).await;
    simulator.first_conversation().play("close").await.unwrap();
    let second = run(&simulator, &[&args[..], &["--timestamps", "none", "--no-follow"]].concat()).await;
    printed.extend(second.stdout.lines().map(str::to_owned));
    let texts = |lines: &[String]| lines.iter().map(|line| text(line).to_owned()).collect::<Vec<_>>();
    assert_eq!(texts(&utterances(&printed)), texts(&published), "{}", second.stderr);
    let third = run(&simulator, &[&args[..], &["--timestamps", "none", "--no-follow"]].concat()).await;
    assert_eq!((third.code, third.stdout.as_str()), (Some(0), ""), "{}", third.stderr);
}

/// Runs against an ended call of which the transcript has this fault.
async fn run_after_call(fault: &str, args: &[&str]) -> crate::support::program::Finished {
    let simulator = simulator_with("call", &[fault], notifications_only()).await;
    let conversation = simulator.first_conversation();
    conversation.play("customer Ada: Hello?").await.unwrap();
    conversation.play("close").await.unwrap();
    Running::start(&mut program(&simulator, &[&["--no-follow", "--timestamps", "none"], args].concat())).finish().await
}

#[tokio::test]
async fn every_fault_of_a_transcript_has_its_answer() {
    for (fault, code) in [
        ("call:no-transcript", 75),
        ("call:transcript-after=1h", 75),
        ("rest:deny=recording:recording:view", 77),
        ("rest:deny=speechAndTextAnalytics:data:view", 77),
        ("call:expired-link", 0),
        ("call:expired-link,times=2", 76),
        ("call:broken-transcript", 76),
        ("call:redirected-transcript", 76),
        ("call:huge-transcript=1000000", 0),
    ] {
        let run = run_after_call(fault, &[]).await;
        assert_eq!(run.code, Some(code), "{fault}: {}", run.stderr);
        assert_eq!(run.stdout.contains("[Customer] Ada: Hello?"), code == 0, "{fault}: {}", run.stdout);
    }
    let help = fault_help();
    assert!(help.contains("Faults of call:"), "{help}");
}

#[tokio::test]
async fn a_transcript_that_comes_later_is_awaited() {
    let started = Instant::now();
    let run = run_after_call("call:transcript-after=1s", &["--call-transcript-wait", "2s"]).await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("[Customer] Ada: Hello?"), "{}", run.stdout);
    assert!(started.elapsed() < Duration::from_secs(30));
}
