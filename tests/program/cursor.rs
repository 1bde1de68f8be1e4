//! What `--cursor-file` promises: a run goes on where the last one stopped, however that ended. Contract sections 6 to 8.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use crate::support::program::{Finished, Running, program, run, simulator, simulator_with, within_timeout};
use crate::support::shell::with_shell_setup;
use genesys_tail::simulator::{Options, Simulator, Sources};
use rustix::process::Signal;
use tempfile::{TempDir, tempdir};
use tokio::time::{Instant, sleep};

const SOURCES: [&str; 2] = ["transcript", "notifications"];

/// A folder with room for a cursor, and the flags that name it.
struct Place {
    folder: TempDir,
    path: String,
}

impl Place {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let path = folder.path().join("cursor").to_str().unwrap().to_owned();
        Self { folder, path }
    }

    fn args<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["--cursor-file", self.path.as_str(), "--timestamps", "none"], more].concat()
    }

    async fn run(&self, simulator: &Simulator, more: &[&str]) -> Finished {
        run(simulator, &self.args(more)).await
    }
}

async fn say(simulator: &Simulator, texts: &[&str]) {
    for text in texts {
        simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
    }
}

async fn close(simulator: &Simulator) {
    simulator.first_conversation().play("close").await.unwrap();
}

fn said(texts: &[&str]) -> String {
    texts.iter().fold(String::new(), |lines, text| lines + "[Customer] Ada: " + text + "\n")
}

#[tokio::test]
async fn a_run_goes_on_where_the_last_one_stopped() {
    for (source, signal) in
        SOURCES.into_iter().flat_map(|source| [Signal::INT, Signal::TERM, Signal::KILL].map(|signal| (source, signal)))
    {
        let (simulator, place) = (simulator("", &[]).await, Place::new());
        let args = place.args(&["--source", source]);
        say(&simulator, &["before"]).await;
        let mut first = Running::start(&mut program(&simulator, &args));
        assert_eq!(first.next_line().await, "[Customer] Ada: before");
        first.wait_for_stderr("connected to ").await;
        say(&simulator, &["one"]).await;
        assert_eq!(first.next_line().await, "[Customer] Ada: one");
        // A line is noted after it is written; in between, this one would be repeated.
        within_timeout(async {
            while fs::read_to_string(&place.path).unwrap().lines().count() < 4 {
                sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        first.signal(signal);
        assert_eq!(first.finish().await.signal, Some(signal.as_raw()), "{source}");
        say(&simulator, &["two", "three"]).await;
        let mut second = Running::start(&mut program(&simulator, &args));
        assert_eq!(
            [second.next_line().await, second.next_line().await],
            ["two", "three"].map(|text| format!("[Customer] Ada: {text}"))
        );
        second.wait_for_stderr("connected to ").await;
        say(&simulator, &["four"]).await;
        assert_eq!(second.next_line().await, "[Customer] Ada: four");
        close(&simulator).await;
        let second = second.finish().await;
        assert!(second.stdout.ends_with("[CLOSED] Conversation terminated\n"), "{source}: {second:?}");
        assert!(second.code == Some(0) && !second.stdout.contains("Ada: "), "{source}: {second:?}");
        let third = place.run(&simulator, &["--source", "notifications"]).await;
        assert_eq!((third.stdout.as_str(), third.code), ("", Some(0)), "{source}: {}", third.stderr);
    }
}

#[tokio::test]
async fn what_is_passed_over_is_not_wanted_of_the_next_run_either() {
    for source in SOURCES {
        let (simulator, place) = (simulator("", &[]).await, Place::new());
        say(&simulator, &["one", "two"]).await;
        simulator.first_conversation().play("agent Sam: hello").await.unwrap();
        let read = ["--no-follow", "--source", source];
        let mut printed = Vec::new();
        for more in [["-n", "1", "--only", "customer"], ["-n", "all", "--only", "agent"], ["--since", "1h", "-n", "5"]]
        {
            printed.push(place.run(&simulator, &[&read[..], &more].concat()).await.stdout);
        }
        assert_eq!(printed, [said(&["two"]), String::new(), String::new()]);
        let nothing = Place::new();
        assert_eq!(nothing.run(&simulator, &[&read[..], &["-n", "0"]].concat()).await.stdout, "");
        let old = Place::new();
        assert_eq!(old.run(&simulator, &[&read[..], &["--since", "0s"]].concat()).await.stdout, "");
        say(&simulator, &["three", "four"]).await;
        // Of what was said meanwhile all is printed, however little is asked for.
        let few = [&read[..], &["-n", "1"]].concat();
        assert_eq!(place.run(&simulator, &few).await.stdout, said(&["three", "four"]));
        assert_eq!(nothing.run(&simulator, &few).await.stdout, said(&["three", "four"]));
    }
}

#[tokio::test]
async fn without_a_history_the_time_between_two_runs_is_a_gap() {
    let options = Options { sources: Sources::TranscriptOnly, ..Options::default() };
    let (simulator, place) = (simulator_with("", &["socket:replay,times=always"], options).await, Place::new());
    let mut first = Running::start(&mut program(&simulator, &place.args(&[])));
    first.wait_for_stderr("connected to ").await;
    say(&simulator, &["one", "two"]).await;
    assert_eq!([first.next_line().await, first.next_line().await].join("\n") + "\n", said(&["one", "two"]));
    first.signal(Signal::TERM);
    assert_eq!(first.finish().await.stdout, "");
    say(&simulator, &["three"]).await;
    close(&simulator).await;
    let second = place.run(&simulator, &[]).await;
    let (gap, rest) = second.stdout.split_once('\n').unwrap();
    assert!(gap.starts_with("[GAP] ") && gap.ends_with("messages in it may be missing"), "{gap}");
    assert_eq!(rest, said(&["three"]) + "[CLOSED] Conversation terminated\n");
}

#[tokio::test]
async fn a_queue_and_several_conversations_share_a_file() {
    let conversations = ["one", "two"].map(str::to_owned).into();
    let options = Options { conversations, ..Options::default() };
    let script = "+0 update queue=Billing\n+0 customer Ada: hello\n";
    let (simulator, place) = (simulator_with(script, &[], options).await, Place::new());
    for id in ["one", "two"] {
        let conversation = simulator.conversation(id).unwrap();
        conversation.start();
        conversation.play("customer Ada: and again").await.unwrap();
    }
    let queue = Simulator::queue_id("Billing");
    let args = ["--no-follow", "--queue", queue.as_str()];
    let first = place.run(&simulator, &args).await;
    assert_eq!(first.stdout.matches(" Ada: and again").count(), 2, "{first:?}");
    assert_eq!(place.run(&simulator, &args).await.stdout, "");
    assert_eq!(place.run(&simulator, &["--no-follow", "one", "two"]).await.stdout, "");
    let other = place.run(&simulator, &["--no-follow", "--queue", "another"]).await;
    assert!(other.code == Some(78) && other.stderr.contains(" is of other conversations; "), "{}", other.stderr);
}

#[tokio::test]
async fn what_cannot_be_a_cursor_is_said_before_anything_is_asked() {
    let (simulator, place) = (simulator("+0 close", &[]).await, Place::new());
    let folder = place.folder.path().to_str().unwrap();
    let notes = place.folder.path().join("notes");
    fs::write(&notes, "dear diary\n").unwrap();
    let nowhere = place.folder.path().join("nowhere/cursor");
    for (path, code, words) in [
        (folder, 78, "it is a folder"),
        ("/dev/full", 78, "it is a device"),
        (notes.to_str().unwrap(), 78, "notes is there and is no cursor; it is left as it is"),
        (nowhere.to_str().unwrap(), 74, "nowhere/cursor: No such file or directory"),
    ] {
        let refused = run(&simulator, &["--cursor-file", path]).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(code), ""), "{}", refused.stderr);
        assert!(refused.stderr.lines().next().unwrap().ends_with(words), "{}", refused.stderr);
    }
    let raw = place.run(&simulator, &["-o", "raw"]).await;
    assert!(
        raw.code == Some(78) && raw.stderr.contains("--cursor-file needs to understand messages"),
        "{}",
        raw.stderr
    );
    for flag in ["--demo", "--replay=x"] {
        assert_eq!(place.run(&simulator, &[flag]).await.code, Some(2), "{flag}");
    }
    assert!(simulator.request_log().token_requests.is_empty());
    assert_eq!(fs::read_to_string(&notes).unwrap(), "dear diary\n");
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let (simulator, place) = (simulator("", &[]).await, Place::new());
    let mut first = Running::start(&mut program(&simulator, &place.args(&[])));
    first.wait_for_stderr("connected to ").await;
    let second = place.run(&simulator, &[]).await;
    assert_eq!(second.code, Some(78), "{}", second.stderr);
    assert!(second.stderr.contains("error: another process uses the cursor "), "{}", second.stderr);
    close(&simulator).await;
    assert_eq!(first.finish().await.code, Some(0));
}

/// The shell limits every file to 512 bytes, or 1024, which a pipe is not.
#[tokio::test]
async fn a_full_disk_ends_the_run_with_one_line_and_the_next_one_goes_on() {
    let (simulator, place) = (simulator("", &[]).await, Place::new());
    let texts: Vec<String> = (0..60).map(|n| format!("message {n}")).collect();
    say(&simulator, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let limited =
        with_shell_setup("trap '' XFSZ; ulimit -f 1", &program(&simulator, &place.args(&["-q"]))).spawn().unwrap();
    let full = within_timeout(limited.wait_with_output()).await.unwrap();
    let (stdout, stderr) = (String::from_utf8(full.stdout).unwrap(), String::from_utf8(full.stderr).unwrap());
    assert_eq!(full.status.code(), Some(74), "{stderr}");
    assert!(stderr.starts_with(&format!("genesys-tail: error: cannot write the cursor {}: ", place.path)), "{stderr}");
    close(&simulator).await;
    let rest = place.run(&simulator, &[]).await;
    assert_eq!(rest.code, Some(0), "{}", rest.stderr);
    let all: Vec<&str> = stdout.lines().chain(rest.stdout.lines()).collect();
    let repeats = all.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(repeats <= 1 && all.len() - repeats == 61, "{all:?}");
}

/// Twelve kills on each wire; the variable `KILLS` asks for another number.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "whoever asks for a number of kills wants the figures")]
async fn a_kill_at_any_instant_loses_nothing_and_repeats_one_line_at_most() {
    let asked = std::env::vars().find(|(name, _)| name == "KILLS");
    let kills = asked.map_or(12, |(_, kills)| kills.parse().unwrap());
    for source in SOURCES {
        let (simulator, place) = (simulator("", &[]).await, Place::new());
        let killed = killed(&simulator, &place, source, kills).await;
        let count = killed.said;
        let (mut seen, mut repeats) = (HashMap::new(), 0);
        for (run, printed) in killed.runs.iter().enumerate() {
            let again = numbers(printed).into_iter().filter(|number| seen.insert(*number, run).is_some()).count();
            assert!(again <= 1, "{source}: run {run} repeats {again} lines");
            repeats += again;
        }
        let lost: Vec<usize> = (0..count).filter(|number| !seen.contains_key(number)).collect();
        assert!(lost.is_empty(), "{source}: {lost:?} of {count} are lost");
        let silent = killed.runs.iter().filter(|printed| printed.is_empty()).count();
        println!("{source}: {kills} kills, {count} messages, {repeats} repeats, {silent} runs without a line");
        assert!(silent <= kills / 2, "most kills are to hit a run that prints");
    }
}

/// What was said, and what each run has printed of it.
struct Killed {
    said: usize,
    runs: Vec<String>,
}

/// Lets messages flow, kills so many runs at instants that chance decides, and lets the last one go on to the end.
async fn killed(simulator: &Simulator, place: &Place, source: &str, kills: usize) -> Killed {
    let mut chance = fastrand::Rng::with_seed(kills as u64);
    let output = place.folder.path().join("output");
    let (mut said, mut ends) = (0, vec![0]);
    for _ in 0..kills {
        // What was said meanwhile is printed in one go, into which some of the kills fall.
        for _ in 0..chance.usize(0..400) {
            said = say_next(simulator, said).await;
        }
        let mut run = append(simulator, place, source, &output);
        let printed = size(&output);
        // Some are killed before they print anything.
        let (early, start) = (chance.u8(..) < 32, Instant::now());
        let mut left = Duration::from_micros(chance.u64(0..60_000));
        while !left.is_zero() {
            let prints = early || size(&output) > printed || start.elapsed() > Duration::from_secs(2);
            if prints {
                said = say_next(simulator, said).await;
            }
            let pause = Duration::from_micros(if prints { chance.u64(0..4_000) } else { 100 });
            sleep(pause.min(left)).await;
            left = if prints { left.saturating_sub(pause) } else { left };
        }
        run.child.start_kill().unwrap();
        assert_eq!(within_timeout(run.child.wait()).await.unwrap().code(), None, "{}", run.stderr());
        ends.push(size(&output));
    }
    close(simulator).await;
    let last = append(simulator, place, source, &output).finish().await;
    assert_eq!(last.code, Some(0), "{}", last.stderr);
    ends.push(size(&output));
    let all = fs::read_to_string(&output).unwrap();
    Killed { said, runs: ends.windows(2).map(|ends| all[ends[0]..ends[1]].to_owned()).collect() }
}

async fn say_next(simulator: &Simulator, said: usize) -> usize {
    say(simulator, &[&format!("message {said}")]).await;
    said + 1
}

fn append(simulator: &Simulator, place: &Place, source: &str, output: &PathBuf) -> Running {
    let file = File::options().append(true).create(true).open(output).unwrap();
    Running::start(program(simulator, &place.args(&["--source", source])).stdout(Stdio::from(file)))
}

fn size(file: &PathBuf) -> usize {
    fs::metadata(file).map_or(0, |metadata| usize::try_from(metadata.len()).unwrap())
}

/// The numbers of the messages in these lines.
fn numbers(lines: &str) -> Vec<usize> {
    lines.lines().filter_map(|line| line.rsplit_once(": message ")?.1.parse().ok()).collect()
}
