//! The input of a stream: pipes that stall, long lines, slow readers and the end (STR-1, STR-4, STR-5).

use std::io::Write as _;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::feed::{NO_ACCOUNT, ONE, Piped, lines, spoken};
use crate::support::program::{Running, bare_program, path_str, within_timeout};

const NO_TIMES: [&str; 2] = ["--timestamps", "none"];

#[tokio::test]
async fn an_event_is_printed_at_once_while_the_producer_stalls() {
    let mut piped = Piped::start(&NO_TIMES);
    for (text, ending) in [("A", "\n"), ("B", ""), ("C", "\n"), ("D", "")] {
        piped.send(&format!("{}{ending}", spoken(ONE, "EXTERNAL", 0, text))).await;
        assert_eq!(piped.running.next_line().await, format!("6f1c2d3e [Customer] Customer: {text}"));
    }
    piped.end_input();
    let finished = piped.running.finish().await;
    assert_eq!(
        (finished.code, finished.stderr),
        (Some(0), format!("{NO_ACCOUNT}genesys-tail: end of input: 4 lines\n"))
    );
}

// Windows has no signals.
#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_a_run_whose_producer_stalls() {
    let mut piped = Piped::start(&NO_TIMES);
    piped.send(&lines(&[spoken(ONE, "EXTERNAL", 0, "A")])).await;
    piped.running.next_line().await;
    piped.running.signal(rustix::process::Signal::INT);
    let finished = piped.running.finish().await;
    assert_eq!(finished.signal, Some(rustix::process::Signal::INT.as_raw()));
    assert!(finished.stderr.ends_with("genesys-tail: stopped: 1 line\n"), "{}", finished.stderr);
}

// Windows shows that a reader has gone only when the next line is written.
#[cfg(unix)]
#[tokio::test]
async fn a_reader_that_closes_the_pipe_ends_the_run_silently() {
    let mut piped = Piped::start(&NO_TIMES);
    piped.send(&lines(&[spoken(ONE, "EXTERNAL", 0, "A")])).await;
    piped.running.next_line().await;
    piped.running.stdout = None;
    let finished = piped.running.finish().await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), NO_ACCOUNT));
}

/// A line of 10 MB is an event like others; one above 16 MiB is skipped. Neither keeps its memory.
#[tokio::test]
async fn long_lines_are_read_up_to_a_limit() {
    let mut piped = Piped::start(&NO_TIMES);
    let padded = |text: &str, length: usize| {
        let mut event = spoken(ONE, "EXTERNAL", 0, text);
        event["eventBody"]["organizationId"] = "x".repeat(length).into();
        lines(&[event])
    };
    let feed = [padded("A", 0), padded("B", 10_000_000), padded("C", 17 << 20), padded("D", 0)].concat();
    let mut input = piped.take_input();
    let write = async move { input.write_all(feed.as_bytes()).await.unwrap() };
    let (finished, peak) = tokio::join!(piped.running.finish_measured(), write).0;
    let texts: String = finished.stdout.lines().filter_map(|line| line.chars().last()).collect();
    assert_eq!((finished.code, texts.as_str()), (Some(0), "ABD"), "{}", finished.stderr);
    assert!(finished.stderr.contains("last reason: line longer than 16 MiB\n"), "{}", finished.stderr);
    assert!(peak < 150, "{peak} MiB");
}

#[tokio::test]
async fn a_slow_reader_blocks_the_producer_and_loses_no_line() {
    const LINES: usize = 100_000;
    let mut piped = Piped::start(&["--timestamps", "none", "--stall-buffer", "64KiB"]);
    let mut input = piped.take_input();
    let feed: String = (0..LINES).map(|number| lines(&[spoken(ONE, "EXTERNAL", 0, &number.to_string())])).collect();
    let length = feed.len();
    let (blocked, is_blocked) = tokio::sync::oneshot::channel();
    let writing = tokio::spawn(async move {
        let mut written = 0;
        while written < feed.len()
            && let Ok(count) = timeout(Duration::from_millis(300), input.write(&feed.as_bytes()[written..])).await
        {
            written += count.unwrap();
        }
        blocked.send(written).unwrap();
        input.write_all(&feed.as_bytes()[written..]).await.unwrap();
    });
    let written = is_blocked.await.unwrap();
    assert!(written < length / 2, "the program has taken {written} of {length} bytes");
    let (finished, peak) = piped.running.finish_measured().await;
    writing.await.unwrap();
    assert_eq!((finished.code, finished.stdout.lines().count()), (Some(0), LINES), "{}", finished.stderr);
    assert!(peak < 64, "{peak} MiB");
}

#[tokio::test]
async fn a_named_pipe_is_read_to_the_end_of_its_writer() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("events");
    let made = tokio::process::Command::new("mkfifo").arg(&pipe).status().await.unwrap();
    assert!(made.success());
    let args = ["--events", path_str(&pipe), "--timestamps", "none"];
    let mut running = Running::start(&mut bare_program(&args));
    running.wait_for_stderr("without client id and secret").await;
    // Opening waits for the program.
    let opened = tokio::task::spawn_blocking(move || std::fs::File::options().write(true).open(pipe));
    let mut writer = within_timeout(opened).await.unwrap().unwrap();
    writer.write_all(lines(&[spoken(ONE, "EXTERNAL", 0, "A")]).as_bytes()).unwrap();
    assert_eq!(running.next_line().await, "6f1c2d3e [Customer] Customer: A");
    drop(writer);
    assert_eq!(running.finish().await.code, Some(0));
}
