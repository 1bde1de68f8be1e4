//! `--cursor-file`: a run continues after the last line of the previous one (HIST-5 to HIST-8, HIST-1).

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use crate::support::process::{missing_folder_text, was_killed};
use crate::support::program::{Finished, Running, program, run, simulator, simulator_with, wait_until, within_timeout};
#[cfg(unix)]
use crate::support::shell::with_shell_setup;
use crate::support::stop_method::StopMethod;
use genesys_tail::simulator::{Options, Simulator, Sources};
use tempfile::{TempDir, tempdir};
use tokio::time::{Instant, sleep};

const SOURCES: [&str; 2] = ["transcript", "notifications"];

/// A cursor file in its own temporary folder.
struct CursorFile {
    folder: TempDir,
    path: String,
}

impl CursorFile {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let path = folder.path().join("cursor").to_str().unwrap().to_owned();
        Self { folder, path }
    }

    /// Returns the flags of a run with this cursor.
    fn args<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["--cursor-file", self.path.as_str(), "--timestamps", "none"], more].concat()
    }

    async fn run(&self, simulator: &Simulator, more: &[&str]) -> Finished {
        run(simulator, &self.args(more)).await
    }
}

/// Sends messages of the customer.
async fn send(simulator: &Simulator, texts: &[&str]) {
    for text in texts {
        simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
    }
}

async fn close_conversation(simulator: &Simulator) {
    simulator.first_conversation().play("close").await.unwrap();
}

/// Returns the lines that print these messages of the customer.
fn message_lines(texts: &[&str]) -> String {
    texts.iter().fold(String::new(), |lines, text| lines + "[Customer] Ada: " + text + "\n")
}

#[tokio::test]
async fn a_run_continues_after_the_last_line_of_the_previous_one() {
    for (source, &method) in
        SOURCES.iter().flat_map(|source| StopMethod::ALL.iter().map(move |method| (*source, method)))
    {
        let (simulator, cursor) = (simulator("", &[]).await, CursorFile::new());
        let args = cursor.args(&["--source", source]);
        send(&simulator, &["before"]).await;
        let mut first = Running::start(&mut program(&simulator, &args));
        assert_eq!(first.next_line().await, "[Customer] Ada: before");
        first.wait_for_stderr("connected to ").await;
        send(&simulator, &["one"]).await;
        assert_eq!(first.next_line().await, "[Customer] Ada: one");
        // The cursor is written after the line; a kill in between would repeat the line.
        wait_until(|| fs::read_to_string(&cursor.path).unwrap().lines().count() >= 4).await;
        first.stop_by(method);
        assert!(method.has_stopped(&first.finish().await), "{source} {method:?}");
        send(&simulator, &["two", "three"]).await;
        let mut second = Running::start(&mut program(&simulator, &args));
        assert_eq!(
            [second.next_line().await, second.next_line().await],
            ["two", "three"].map(|text| format!("[Customer] Ada: {text}"))
        );
        second.wait_for_stderr("connected to ").await;
        send(&simulator, &["four"]).await;
        assert_eq!(second.next_line().await, "[Customer] Ada: four");
        close_conversation(&simulator).await;
        let second = second.finish().await;
        assert!(second.stdout.ends_with("[CLOSED] Conversation terminated\n"), "{source}: {second:?}");
        assert!(second.code == Some(0) && !second.stdout.contains("Ada: "), "{source}: {second:?}");
        let third = cursor.run(&simulator, &["--source", "notifications"]).await;
        assert_eq!((third.stdout.as_str(), third.code), ("", Some(0)), "{source}: {}", third.stderr);
    }
}

#[tokio::test]
async fn lines_hidden_by_filters_or_limits_are_not_printed_by_the_next_run() {
    for source in SOURCES {
        let (simulator, cursor) = (simulator("", &[]).await, CursorFile::new());
        send(&simulator, &["one", "two"]).await;
        simulator.first_conversation().play("agent Sam: hello").await.unwrap();
        let history = ["--no-follow", "--source", source];
        let mut printed = Vec::new();
        for more in [["-n", "1", "--only", "customer"], ["-n", "all", "--only", "agent"], ["--since", "1h", "-n", "5"]]
        {
            printed.push(cursor.run(&simulator, &[&history[..], &more].concat()).await.stdout);
        }
        assert_eq!(printed, [message_lines(&["two"]), String::new(), String::new()]);
        let no_lines = CursorFile::new();
        assert_eq!(no_lines.run(&simulator, &[&history[..], &["-n", "0"]].concat()).await.stdout, "");
        let nothing_since = CursorFile::new();
        assert_eq!(nothing_since.run(&simulator, &[&history[..], &["--since", "0s"]].concat()).await.stdout, "");
        send(&simulator, &["three", "four"]).await;
        // An existing cursor takes precedence over `-n`: everything since the last run is printed.
        let one_line = [&history[..], &["-n", "1"]].concat();
        assert_eq!(cursor.run(&simulator, &one_line).await.stdout, message_lines(&["three", "four"]));
        assert_eq!(no_lines.run(&simulator, &one_line).await.stdout, message_lines(&["three", "four"]));
    }
}

#[tokio::test]
async fn without_history_the_time_between_two_runs_is_a_gap() {
    let options = Options { sources: Sources::TranscriptOnly, ..Options::default() };
    let (simulator, cursor) = (simulator_with("", &["socket:replay,times=always"], options).await, CursorFile::new());
    let mut first = Running::start(&mut program(&simulator, &cursor.args(&[])));
    first.wait_for_stderr("connected to ").await;
    send(&simulator, &["one", "two"]).await;
    assert_eq!([first.next_line().await, first.next_line().await].join("\n") + "\n", message_lines(&["one", "two"]));
    assert_eq!(first.stop().await.stdout, "");
    send(&simulator, &["three"]).await;
    close_conversation(&simulator).await;
    let second = cursor.run(&simulator, &[]).await;
    let (gap, rest) = second.stdout.split_once('\n').unwrap();
    assert!(gap.starts_with("[GAP] ") && gap.ends_with("messages in it may be missing"), "{gap}");
    assert_eq!(rest, message_lines(&["three"]) + "[CLOSED] Conversation terminated\n");
}

#[tokio::test]
async fn a_queue_and_its_conversations_share_a_cursor() {
    let conversations = ["one", "two"].map(str::to_owned).into();
    let options = Options { conversations, ..Options::default() };
    let script = "+0 update queue=Billing\n+0 customer Ada: hello\n";
    let (simulator, cursor) = (simulator_with(script, &[], options).await, CursorFile::new());
    for id in ["one", "two"] {
        let conversation = simulator.conversation(id).unwrap();
        conversation.start();
        conversation.play("customer Ada: and again").await.unwrap();
    }
    let queue = Simulator::queue_id("Billing");
    let args = ["--no-follow", "--queue", queue.as_str()];
    let first = cursor.run(&simulator, &args).await;
    assert_eq!(first.stdout.matches(" Ada: and again").count(), 2, "{first:?}");
    assert_eq!(cursor.run(&simulator, &args).await.stdout, "");
    assert_eq!(cursor.run(&simulator, &["--no-follow", "one", "two"]).await.stdout, "");
    let other = cursor.run(&simulator, &["--no-follow", "--queue", &Simulator::queue_id("Delivery")]).await;
    assert!(other.code == Some(78) && other.stderr.contains(" belongs to other conversations; "), "{}", other.stderr);
}

#[tokio::test]
async fn an_unusable_cursor_file_is_refused_before_any_request() {
    let (simulator, cursor) = (simulator("+0 close", &[]).await, CursorFile::new());
    let folder = cursor.folder.path().to_str().unwrap();
    let notes = cursor.folder.path().join("notes");
    fs::write(&notes, "dear diary\n").unwrap();
    let missing_folder = cursor.folder.path().join("nowhere/cursor");
    let no_folder = format!("cursor: {}", missing_folder_text());
    for (path, code, words) in [
        (folder, 78, "it is a folder"),
        (if cfg!(windows) { "NUL" } else { "/dev/full" }, 78, "it is a device"),
        (notes.to_str().unwrap(), 78, "notes is not a cursor file; it was not changed"),
        (missing_folder.to_str().unwrap(), 74, &no_folder),
    ] {
        let refused = run(&simulator, &["--cursor-file", path]).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(code), ""), "{}", refused.stderr);
        assert!(refused.stderr.lines().next().unwrap().ends_with(words), "{}", refused.stderr);
    }
    let raw = cursor.run(&simulator, &["-o", "raw"]).await;
    assert!(raw.code == Some(78) && raw.stderr.contains("--cursor-file cannot be used with -o raw"), "{}", raw.stderr);
    for flag in ["--demo", "--replay=x"] {
        assert_eq!(cursor.run(&simulator, &[flag]).await.code, Some(2), "{flag}");
    }
    assert!(simulator.request_log().token_requests.is_empty());
    assert_eq!(fs::read_to_string(&notes).unwrap(), "dear diary\n");
}

#[tokio::test]
async fn a_cursor_in_use_by_another_process_is_refused() {
    let (simulator, cursor) = (simulator("", &[]).await, CursorFile::new());
    let mut first = Running::start(&mut program(&simulator, &cursor.args(&[])));
    first.wait_for_stderr("connected to ").await;
    let second = cursor.run(&simulator, &[]).await;
    assert_eq!(second.code, Some(78), "{}", second.stderr);
    assert!(second.stderr.contains("error: another process uses cursor file "), "{}", second.stderr);
    close_conversation(&simulator).await;
    assert_eq!(first.finish().await.code, Some(0));
}

/// `ulimit -f` limits files to 512 or 1024 bytes, depending on the shell. It does not apply to pipes.
// Windows has no limits of resources that a shell sets.
#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_ends_the_run_with_74_and_the_next_run_continues() {
    let (simulator, cursor) = (simulator("", &[]).await, CursorFile::new());
    let texts: Vec<String> = (0..60).map(|n| format!("message {n}")).collect();
    send(&simulator, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let limited = with_shell_setup("ulimit -f 1", &program(&simulator, &cursor.args(&["-q"]))).spawn().unwrap();
    let full = within_timeout(limited.wait_with_output()).await.unwrap();
    let (stdout, stderr) = (String::from_utf8(full.stdout).unwrap(), String::from_utf8(full.stderr).unwrap());
    assert_eq!(full.status.code(), Some(74), "{stderr}");
    assert!(stderr.contains(&format!(" error: cannot write cursor file {}: ", cursor.path)), "{stderr}");
    close_conversation(&simulator).await;
    let rest = cursor.run(&simulator, &[]).await;
    assert_eq!(rest.code, Some(0), "{}", rest.stderr);
    let all: Vec<&str> = stdout.lines().chain(rest.stdout.lines()).collect();
    let repeats = all.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(repeats <= 1 && all.len() - repeats == 61, "{all:?}");
}

/// Twelve kills per source; the variable `KILLS` sets another number.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "figures for runs with KILLS")]
async fn a_kill_at_any_instant_loses_no_line_and_repeats_at_most_one() {
    let variable = std::env::vars().find(|(name, _)| name == "KILLS");
    let kills = variable.map_or(12, |(_, kills)| kills.parse().unwrap());
    for source in SOURCES {
        let (simulator, cursor) = (simulator("", &[]).await, CursorFile::new());
        let KilledRuns { sent: count, outputs } = run_and_kill(&simulator, &cursor, source, kills).await;
        let (mut seen, mut repeats) = (HashMap::new(), 0);
        for (run, printed) in outputs.iter().enumerate() {
            let repeated = numbers(printed).into_iter().filter(|number| seen.insert(*number, run).is_some()).count();
            assert!(repeated <= 1, "{source}: run {run} repeats {repeated} lines");
            repeats += repeated;
        }
        let lost: Vec<usize> = (0..count).filter(|number| !seen.contains_key(number)).collect();
        assert!(lost.is_empty(), "{source}: {lost:?} of {count} are lost");
        let silent = outputs.iter().filter(|printed| printed.is_empty()).count();
        println!("{source}: {kills} kills, {count} messages, {repeats} repeats, {silent} runs without a line");
        assert!(silent <= kills / 2, "most kills hit a run that has printed");
    }
}

/// The result of [`run_and_kill`]: the number of sent messages and the output of each run.
struct KilledRuns {
    sent: usize,
    outputs: Vec<String>,
}

/// Sends messages, kills this number of runs at random instants, and lets a last run continue to the end.
async fn run_and_kill(simulator: &Simulator, cursor: &CursorFile, source: &str, kills: usize) -> KilledRuns {
    let mut random = fastrand::Rng::with_seed(kills as u64);
    let output = cursor.folder.path().join("output");
    let (mut sent, mut ends) = (0, vec![0]);
    for _ in 0..kills {
        // The next run prints this backlog in one burst, into which some of the kills fall.
        for _ in 0..random.usize(0..400) {
            sent = send_next(simulator, sent).await;
        }
        let mut run = start_appending(simulator, cursor, source, &output);
        let printed = size(&output);
        // An eighth of the runs is killed before the first line.
        let (kill_before_output, start) = (random.u8(..) < 32, Instant::now());
        let mut time_to_kill = Duration::from_micros(random.u64(0..60_000));
        while !time_to_kill.is_zero() {
            let has_printed = kill_before_output || size(&output) > printed || start.elapsed() > Duration::from_secs(2);
            if has_printed {
                sent = send_next(simulator, sent).await;
            }
            let pause = Duration::from_micros(if has_printed { random.u64(0..4_000) } else { 100 });
            sleep(pause.min(time_to_kill)).await;
            time_to_kill = if has_printed { time_to_kill.saturating_sub(pause) } else { time_to_kill };
        }
        run.child.start_kill().unwrap();
        assert!(was_killed(within_timeout(run.child.wait()).await.unwrap()), "{}", run.stderr());
        ends.push(size(&output));
    }
    close_conversation(simulator).await;
    let last = start_appending(simulator, cursor, source, &output).finish().await;
    assert_eq!(last.code, Some(0), "{}", last.stderr);
    ends.push(size(&output));
    let all = fs::read_to_string(&output).unwrap();
    KilledRuns { sent, outputs: ends.windows(2).map(|ends| all[ends[0]..ends[1]].to_owned()).collect() }
}

async fn send_next(simulator: &Simulator, sent: usize) -> usize {
    send(simulator, &[&format!("message {sent}")]).await;
    sent + 1
}

/// Starts a run that appends its lines to `output`.
fn start_appending(simulator: &Simulator, cursor: &CursorFile, source: &str, output: &PathBuf) -> Running {
    let file = File::options().append(true).create(true).open(output).unwrap();
    Running::start(program(simulator, &cursor.args(&["--source", source])).stdout(Stdio::from(file)))
}

fn size(file: &PathBuf) -> usize {
    fs::metadata(file).map_or(0, |metadata| usize::try_from(metadata.len()).unwrap())
}

/// Returns the message numbers in these lines.
fn numbers(lines: &str) -> Vec<usize> {
    lines.lines().filter_map(|line| line.rsplit_once(": message ")?.1.parse().ok()).collect()
}
