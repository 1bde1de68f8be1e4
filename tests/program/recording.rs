//! What `--record` writes, and what `--replay` prints of it: contract sections 6 and 7.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::support::program::{Finished, Running, bare, program, run, simulator, simulator_with, without_history};
use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Simulator, Wires};
use tempfile::{TempDir, tempdir};

/// Every style in which what is replayed has to be what was printed.
const STYLES: [&[&str]; 5] = [
    &["--system"],
    &["--json", "--system"],
    &["-o", "raw"],
    &["--timestamps", "relative", "--color", "always"],
    &["--only", "customer", "--timestamps", "iso", "--multiline", "indent"],
];

const SCRIPT: &str = "\
    +0 customer Ada: Hello\\nthere \\u{202e}\\e[2J\n\
    +0 bot Quill: Hi\n    ? Yes | No\n\
    +0 system Sam: joined\n\
    +0 agent Sam: 👩‍👩‍👧\n    @ invoice.pdf application/pdf 48213\n\
    +0 update status=connected\n\
    +0.1 customer Ada: still here\n\
    +0 close\n";

fn path_in(folder: &TempDir) -> PathBuf {
    folder.path().join("a.rec")
}

async fn record(simulator: &Simulator, path: &Path, args: &[&str]) -> String {
    let finished = run(simulator, &[&["--record", path.to_str().unwrap()], args].concat()).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout
}

async fn replay(path: &Path, args: &[&str]) -> Finished {
    Running::start(&mut bare(&[&["--replay", path.to_str().unwrap()], args].concat())).finish().await
}

/// Tails these conversations in this style, and says what was printed; the recording has to say the same.
async fn compare(wires: Wires, style: &[&str], faults: &[&str], conversations: &[&str]) -> String {
    let folder = tempdir().unwrap();
    let ids = conversations.iter().map(|&id| id.to_owned()).collect();
    let options = Options { conversations: ids, wires, ..Options::default() };
    let simulator = simulator_with(SCRIPT, faults, options).await;
    let printed = record(&simulator, &path_in(&folder), &[style, conversations].concat()).await;
    let replayed = replay(&path_in(&folder), style).await;
    assert_eq!((replayed.stdout.as_str(), replayed.code), (printed.as_str(), Some(0)), "{}", replayed.stderr);
    printed
}

async fn in_every_style(wires: Wires, faults: &[&str]) -> [String; 5] {
    let compare = |style| compare(wires, style, faults, &["one", "two", "one-and-a-half"]);
    join_all(STYLES.map(compare)).await.try_into().unwrap()
}

#[tokio::test]
async fn a_recording_replays_to_the_same_bytes_in_every_style() {
    let faults = [
        "socket:replay,times=always",
        "socket:close=1011,after=5,times=2",
        "socket:duplicate,skip=2",
        "socket:binary",
        "socket:malformed,after=2",
        "socket:binary-junk,after=1",
        "socket:unknown-event,after=3",
        "socket:odd-types,after=4",
    ];
    let [system, json, raw, relative, only] = in_every_style(Wires::TranscriptOnly, &faults).await;
    assert!(system.contains(" [GAP] ") && system.contains(" [SYSTEM] Sam: joined\n"), "{system}");
    assert!(json.contains(r#""type":"gap""#) && !json.contains(" [GAP] "), "{json}");
    assert!(raw.lines().count() > system.lines().count(), "repeats are frames too: {raw}");
    assert!(relative.starts_with("\u{1b}[") && relative.contains("+0:00:0"), "{relative}");
    assert!(only.contains("\n    | there ") && !only.contains("[Bot]"), "{only}");
}

#[tokio::test]
async fn what_was_read_afterwards_replays_as_it_was_printed() {
    for (wires, fault) in [(Wires::Both, "socket:close=1011,after=5"), (Wires::PublishedOnly, "notify:close=1001")] {
        let [system, json, _, relative, only] = in_every_style(wires, &[fault]).await;
        assert_eq!(system.matches(" [Customer] Ada: still here\n").count(), 3, "{system}");
        assert!(!system.contains("[GAP]"), "{system}");
        assert!(json.contains(r#""source":"history""#), "{json}");
        assert!(relative.contains("+0:00:0") && only.contains("\n    | there "), "{relative}{only}");
    }
}

#[tokio::test]
async fn a_second_run_is_appended_and_replays_as_it_was_printed() {
    let folder = tempdir().unwrap();
    let style = ["--timestamps", "relative"];
    let mut printed = String::new();
    for conversations in [&["one"][..], &["one", "two"]] {
        let ids = conversations.iter().map(|&id| id.to_owned()).collect();
        let simulator = simulator_with(SCRIPT, &[], Options { conversations: ids, ..Options::default() }).await;
        printed += &record(&simulator, &path_in(&folder), &[&style, conversations].concat()).await;
    }
    assert_eq!(
        printed.matches("+0:00:00 [Customer] Ada: Hello").count(),
        1,
        "one conversation has no prefix: {printed}"
    );
    assert_eq!(printed.matches("+0:00:00 two [Customer] Ada: Hello").count(), 1, "several have: {printed}");
    assert_eq!(replay(&path_in(&folder), &style).await.stdout, printed);
    let mut from_pipe = bare(&["--replay", "-", "--timestamps", "relative"]);
    from_pipe.stdin(fs::File::open(path_in(&folder)).unwrap());
    assert_eq!(Running::start(&mut from_pipe).finish().await.stdout, printed);
}

#[tokio::test]
async fn a_recording_is_private_and_what_is_none_is_not_touched() {
    let folder = tempdir().unwrap();
    let simulator = simulator(SCRIPT, &[]).await;
    let notes = folder.path().join("notes");
    fs::write(&notes, "dear diary\n").unwrap();
    let refused = run(&simulator, &["--record", notes.to_str().unwrap()]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(78), ""), "{}", refused.stderr);
    assert!(refused.stderr.contains("notes is there and is no recording"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&notes).unwrap(), "dear diary\n");
    assert!(simulator.ledger().tokens.is_empty(), "nothing is asked of anybody before that is known");
    record(&simulator, &path_in(&folder), &[]).await;
    assert_eq!(fs::metadata(path_in(&folder)).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn what_was_printed_before_a_kill_is_in_the_recording() {
    let folder = tempdir().unwrap();
    let simulator = simulator("", &[]).await;
    let path = path_in(&folder);
    let mut running = Running::start(&mut program(&simulator, &["--record", path.to_str().unwrap()]));
    running.hears("connected to ").await;
    let mut printed = String::new();
    for text in ["one", "two"] {
        simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
        printed.push_str(&running.line().await);
        printed.push('\n');
    }
    running.child.kill().await.unwrap();
    assert_eq!(replay(&path, &[]).await.stdout, printed);
}

/// A recording of four lines on standard output, in five lines.
async fn recorded(folder: &TempDir) -> Vec<String> {
    let script = "+0 customer Ada: one\n+0 customer Ada: two\n+0 customer Ada: three\n+0 close";
    let simulator = without_history(script, &[]).await;
    record(&simulator, &path_in(folder), &[]).await;
    let text = fs::read_to_string(path_in(folder)).unwrap();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 5, "{text}");
    lines
}

#[tokio::test]
async fn what_is_whole_is_replayed_when_the_recording_is_cut_short() {
    let folder = tempdir().unwrap();
    let lines = recorded(&folder).await;
    let whole = format!("{}\n{}\n", lines[0], lines[1]);
    for torn in [1, lines[2].len() / 2, lines[2].len() - 1] {
        fs::write(path_in(&folder), format!("{whole}{}", &lines[2][..torn])).unwrap();
        let finished = replay(&path_in(&folder), &["--timestamps", "none"]).await;
        assert_eq!((finished.stdout.as_str(), finished.code), ("[Customer] Ada: one\n", Some(0)), "{torn}");
        assert!(finished.stderr.contains("warning: the recording is cut short: line 3 "), "{}", finished.stderr);
    }
    for complete in [format!("{whole}{}", lines[2]), format!("{whole}{}\n", lines[2])] {
        fs::write(path_in(&folder), complete).unwrap();
        let finished = replay(&path_in(&folder), &["--timestamps", "none"]).await;
        assert_eq!(finished.stdout, "[Customer] Ada: one\n[Customer] Ada: two\n");
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    }
    fs::write(path_in(&folder), "").unwrap();
    let finished = replay(&path_in(&folder), &[]).await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), "genesys-tail: warning: the recording is empty\n"));
}

#[tokio::test]
async fn a_damaged_recording_is_replayed_up_to_the_fault_and_its_line_named() {
    let folder = tempdir().unwrap();
    let lines = recorded(&folder).await;
    let other = lines[2].replace("\"text\"", "\"binary\"");
    for damage in ["", "garbage", "{\"at\":\"2026", "{}", "[]", "\0\0", &other] {
        let text = format!("{}\n{}\n{damage}\n{}\n", lines[0], lines[1], lines[3]);
        fs::write(path_in(&folder), text).unwrap();
        let finished = replay(&path_in(&folder), &["--timestamps", "none"]).await;
        assert_eq!((finished.stdout.as_str(), finished.code), ("[Customer] Ada: one\n", Some(76)), "{damage:?}");
        assert!(finished.stderr.contains("error: line 3 is no line of a recording: "), "{}", finished.stderr);
    }
    for (foreign, why) in [
        ("dear diary".to_owned(), "damaged or of something else"),
        (format!("{}\n", lines[1]), "its head is missing"),
        (lines[0].replace(":1,", ":2,"), "it is of version 2"),
    ] {
        fs::write(path_in(&folder), foreign).unwrap();
        let finished = replay(&path_in(&folder), &[]).await;
        assert_eq!((finished.stdout.as_str(), finished.code), ("", Some(76)));
        assert!(finished.stderr.contains("error: line 1 is ") && finished.stderr.contains(why), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn a_recording_that_is_not_there_is_66() {
    let folder = tempdir().unwrap();
    let missing = replay(&path_in(&folder), &[]).await;
    assert_eq!(missing.code, Some(66));
    let expected = format!("genesys-tail: error: there is no recording {}\n", path_in(&folder).display());
    assert_eq!(missing.stderr, expected);
    let no_file = replay(folder.path(), &[]).await;
    assert_eq!((no_file.code, no_file.stderr.lines().count()), (Some(66), 1), "{}", no_file.stderr);
}

#[tokio::test]
async fn a_replay_needs_neither_settings_nor_a_network() {
    let folder = tempdir().unwrap();
    recorded(&folder).await;
    let path = path_in(&folder);
    fs::write(folder.path().join(".env"), "this is no settings file\n").unwrap();
    let mut command = bare(&["--replay", path.to_str().unwrap(), "--timestamps", "none"]);
    command.current_dir(folder.path()).env("GENESYS_REGION", "europe").env("HTTPS_PROXY", "bogus://");
    let finished = Running::start(&mut command).finish().await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    assert!(finished.stdout.ends_with("[Customer] Ada: three\n[CLOSED] Conversation terminated\n"));
}
