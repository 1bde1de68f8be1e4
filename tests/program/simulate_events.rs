//! `genesys-tail simulate --events` (SIM-2, SIM-3).

use std::fs::{self, File};
#[cfg(target_os = "linux")]
use std::path::Path;

#[cfg(unix)]
use nix::sys::stat::Mode;
#[cfg(unix)]
use nix::unistd::mkfifo;
#[cfg(unix)]
use rustix::process::Signal;
#[cfg(unix)]
use serde_json::Value;
use tempfile::{TempDir, tempdir};
#[cfg(unix)]
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::support::program::{Finished, Running, bare_program};
#[cfg(unix)]
use crate::support::program::{wait_until, within_timeout};

const COMPLETE: &str = "; the simulator continues to serve\n";

/// Returns `genesys-tail simulate ARGS > simulate.env` in this folder.
fn simulate(folder: &TempDir, args: &[&str]) -> Command {
    let settings = File::create(folder.path().join("simulate.env")).unwrap();
    let mut command = bare_program(&[&["simulate", "--script", "call", "--rate", "500"], args].concat());
    command.current_dir(folder.path()).stdout(settings);
    command
}

fn read(folder: &TempDir, file: &str) -> String {
    fs::read_to_string(folder.path().join(file)).unwrap()
}

/// Returns the number of the events of the script.
#[cfg(unix)]
fn count_events(text: &str) -> usize {
    let is_of_call = |line: &&str| line.contains("\"conversationId\"");
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{text}");
    text.lines().filter(is_of_call).count()
}

#[tokio::test]
async fn the_events_of_all_conversations_are_appended_to_a_file() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("feed.jsonl"), "{\"earlier\":true}\n").unwrap();
    let args = ["--events", "feed.jsonl", "--conversations", "3", "--script", "billing"];
    let mut simulator = Running::start(&mut simulate(&folder, &args));
    simulator.wait_for_stderr(COMPLETE).await;
    let feed = read(&folder, "feed.jsonl");
    assert!(feed.starts_with("{\"earlier\":true}\n{\"version\":\"0\","));
    let written = feed.lines().count() - 1;
    assert!(simulator.stderr().contains(&format!("event stream complete: {written} events in feed.jsonl;")));
    assert!(written > 50 && feed.contains("\"mediaType\":\"MESSAGE\"") && feed.contains(".transcription\""));
    assert!(read(&folder, "simulate.env").starts_with("GENESYS_API_URL="));
    #[cfg(target_os = "linux")]
    assert!(!is_open(&simulator, &folder.path().join("feed.jsonl")), "the file is closed");
    let finished = follow(&folder).await;
    assert_eq!(finished.code, Some(0), "the simulator still serves: {}", finished.stderr);
    simulator.stop().await;
}

async fn follow(folder: &TempDir) -> Finished {
    let list = &mut bare_program(&["list", "--all", "--env-file", "simulate.env"]);
    Running::start(list.current_dir(folder.path())).finish().await
}

/// Returns whether a process has a file open.
#[cfg(target_os = "linux")]
fn is_open(running: &Running, path: &Path) -> bool {
    let path = fs::canonicalize(path).unwrap();
    let mut descriptors = fs::read_dir(format!("/proc/{}/fd", running.child.id().unwrap())).unwrap();
    descriptors.any(|entry| fs::read_link(entry.unwrap().path()).is_ok_and(|target| target == path))
}

// Windows closes standard output with the end of the process.
#[cfg(unix)]
#[tokio::test]
async fn events_on_stdout_end_there_and_the_settings_are_on_stderr() {
    let mut simulator =
        Running::start(&mut bare_program(&["simulate", "--script", "call", "--rate", "500", "--events", "-", "-q"]));
    let mut events = String::new();
    within_timeout(simulator.stdout.as_mut().unwrap().read_to_string(&mut events)).await.unwrap();
    assert_eq!(count_events(&events), 22, "the reader sees the end while the simulator still runs");
    simulator.signal(Signal::TERM);
    let finished = simulator.finish().await;
    assert_eq!(finished.signal, Some(Signal::TERM.as_raw()));
    let names = ["API_URL", "LOGIN_URL", "CLIENT_ID", "CLIENT_SECRET", "CONVERSATION_ID"];
    let settings: Vec<_> = finished.stderr.lines().map(|line| line.split('=').next().unwrap()).collect();
    assert_eq!(settings, names.map(|name| format!("GENESYS_{name}")), "{}", finished.stderr);
}

#[tokio::test]
async fn the_simulator_ends_when_the_reader_of_the_events_has_gone() {
    let mut simulator = bare_program(&["simulate", "--script", "flood", "--script", "call", "--events", "-"]);
    let mut simulator = Running::start(&mut simulator);
    simulator.wait_for_stderr("listening").await;
    drop(simulator.stdout.take());
    let finished = simulator.finish().await;
    assert_eq!((finished.code, finished.signal), (Some(0), None), "{}", finished.stderr);
}

// A named pipe of Windows is no file.
#[cfg(unix)]
#[tokio::test]
async fn a_named_pipe_waits_for_its_reader_and_its_end_stops_nothing() {
    let folder = tempdir().unwrap();
    let pipe = folder.path().join("feed");
    mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let mut simulator = Running::start(&mut simulate(&folder, &["--script", "flood", "--events", "feed"]));
    simulator.wait_for_stderr("listening").await;
    assert!(read(&folder, "simulate.env").starts_with("GENESYS_API_URL="), "the reader may need the settings");
    let mut head = Command::new("head");
    head.args(["-n", "5"]).arg(&pipe).stdout(std::process::Stdio::piped());
    let output = within_timeout(head.output()).await.unwrap();
    assert_eq!(count_events(&String::from_utf8(output.stdout).unwrap()), 5);
    simulator.wait_for_stderr("the reader of feed closed it; the simulator continues to serve without events\n").await;
    assert_eq!(follow(&folder).await.code, Some(0));
}

// Windows has no signals.
#[cfg(unix)]
#[tokio::test]
async fn a_stop_ends_the_file_with_a_whole_line() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("open.txt"), "+0 customer Ada: one\n+60 customer Ada: never said\n").unwrap();
    let args = ["simulate", "--script", "call", "--script", "open.txt", "--events", "feed.jsonl"];
    let settings = File::create(folder.path().join("simulate.env")).unwrap();
    let mut simulator = Running::start(bare_program(&args).current_dir(folder.path()).stdout(settings));
    simulator.wait_for_stderr("listening").await;
    wait_until(|| read(&folder, "feed.jsonl").contains("transcripts")).await;
    simulator.signal(Signal::INT);
    let finished = simulator.finish().await;
    assert_eq!(finished.signal, Some(Signal::INT.as_raw()));
    let feed = read(&folder, "feed.jsonl");
    assert!(count_events(&feed) > 6 && feed.ends_with("}\n") && !finished.stderr.contains("complete"), "{feed}");
}

// Windows has no device that is always full.
#[cfg(unix)]
#[tokio::test]
async fn events_that_cannot_be_written_are_74() {
    let folder = tempdir().unwrap();
    for (place, error, tip) in [
        (
            "missing/feed",
            "cannot write events to missing/feed: No such file or directory\n",
            "create the folder of the file\n",
        ),
        (
            "/dev/full",
            "cannot write events to /dev/full: No space left on device\n",
            "free disk space, then start again\n",
        ),
    ] {
        let finished = Running::start(&mut simulate(&folder, &["--events", place])).finish().await;
        assert_eq!(finished.code, Some(74), "{}", finished.stderr);
        assert!(finished.stderr.ends_with(&format!("genesys-tail: error: {error}  tip: {tip}")), "{}", finished.stderr);
    }
    assert!(read(&folder, "simulate.env").starts_with("GENESYS_API_URL="), "/dev/full was opened after the settings");
    let stdout = File::options().write(true).open("/dev/full").unwrap();
    let command = &mut bare_program(&["simulate", "--script", "call", "--rate", "500", "--events", "-"]);
    let finished = Running::start(command.stdout(stdout)).finish().await;
    assert_eq!(finished.code, Some(74));
    assert!(finished.stderr.contains("cannot write events to standard output: No space left"), "{}", finished.stderr);
}
