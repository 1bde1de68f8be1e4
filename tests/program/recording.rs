//! `--record` and `--replay` (HIST-15 to HIST-17, CLI-47).

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::program::{
    Finished, Running, bare_program, program, run, simulator, simulator_with, simulator_without_history,
};
use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Simulator, Sources};
use tempfile::{TempDir, tempdir};

/// Output flags under which a replay has to print the same bytes as the run.
const OUTPUT_FLAGS: [&[&str]; 5] = [
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

fn recording_in(folder: &TempDir) -> PathBuf {
    folder.path().join("a.rec")
}

/// Records a run and returns its stdout.
async fn record(simulator: &Simulator, path: &Path, args: &[&str]) -> String {
    let finished = run(simulator, &[&["--record", path.to_str().unwrap()], args].concat()).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout
}

async fn replay(path: &Path, args: &[&str]) -> Finished {
    Running::start(&mut bare_program(&[&["--replay", path.to_str().unwrap()], args].concat())).finish().await
}

/// Records a run with these output flags and asserts that its replay prints the same. Returns what was printed.
async fn assert_replay_matches(sources: Sources, flags: &[&str], faults: &[&str], conversations: &[&str]) -> String {
    let folder = tempdir().unwrap();
    let ids = conversations.iter().map(|&id| id.to_owned()).collect();
    let options = Options { conversations: ids, sources, ..Options::default() };
    let simulator = simulator_with(SCRIPT, faults, options).await;
    let printed = record(&simulator, &recording_in(&folder), &[flags, conversations].concat()).await;
    let replayed = replay(&recording_in(&folder), flags).await;
    assert_eq!((replayed.stdout.as_str(), replayed.code), (printed.as_str(), Some(0)), "{}", replayed.stderr);
    printed
}

/// Calls [`assert_replay_matches`] with each of [`OUTPUT_FLAGS`].
async fn assert_every_replay_matches(sources: Sources, faults: &[&str]) -> [String; 5] {
    let assert = |flags| assert_replay_matches(sources, flags, faults, &["one", "two", "one-and-a-half"]);
    join_all(OUTPUT_FLAGS.map(assert)).await.try_into().unwrap()
}

#[tokio::test]
async fn a_recording_replays_to_the_same_bytes_with_every_output_flag() {
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
    let [system, json, raw, relative, only] = assert_every_replay_matches(Sources::TranscriptOnly, &faults).await;
    assert!(system.contains(" [GAP] ") && system.contains(" [SYSTEM] Sam: joined\n"), "{system}");
    assert!(json.contains(r#""type":"gap""#) && !json.contains(" [GAP] "), "{json}");
    assert!(raw.lines().count() > system.lines().count(), "raw output has repeated frames too: {raw}");
    assert!(relative.starts_with("\u{1b}[") && relative.contains("+0:00:0"), "{relative}");
    assert!(only.contains("\n    | there ") && !only.contains("[Bot]"), "{only}");
}

#[tokio::test]
async fn messages_fetched_after_an_outage_replay_as_printed() {
    for (sources, fault) in
        [(Sources::Both, "socket:close=1011,after=5"), (Sources::NotificationsOnly, "notify:close=1001")]
    {
        let [system, json, _, relative, only] = assert_every_replay_matches(sources, &[fault]).await;
        assert_eq!(system.matches(" [Customer] Ada: still here\n").count(), 3, "{system}");
        assert!(!system.contains("[GAP]"), "{system}");
        assert!(json.contains(r#""source":"history""#), "{json}");
        assert!(relative.contains("+0:00:0") && only.contains("\n    | there "), "{relative}{only}");
    }
}

#[tokio::test]
async fn a_second_run_is_appended_and_replays_as_printed() {
    let folder = tempdir().unwrap();
    let flags = ["--timestamps", "relative"];
    let mut printed = String::new();
    for conversations in [&["one"][..], &["one", "two"]] {
        let ids = conversations.iter().map(|&id| id.to_owned()).collect();
        let simulator = simulator_with(SCRIPT, &[], Options { conversations: ids, ..Options::default() }).await;
        printed += &record(&simulator, &recording_in(&folder), &[&flags, conversations].concat()).await;
    }
    assert_eq!(
        printed.matches("+0:00:00 [Customer] Ada: Hello").count(),
        1,
        "one conversation has no prefix: {printed}"
    );
    assert_eq!(printed.matches("+0:00:00 two [Customer] Ada: Hello").count(), 1, "several have a prefix: {printed}");
    assert_eq!(replay(&recording_in(&folder), &flags).await.stdout, printed);
    let mut from_pipe = bare_program(&["--replay", "-", "--timestamps", "relative"]);
    from_pipe.stdin(fs::File::open(recording_in(&folder)).unwrap());
    assert_eq!(Running::start(&mut from_pipe).finish().await.stdout, printed);
}

#[tokio::test]
async fn any_other_file_than_a_recording_is_left_unchanged() {
    let folder = tempdir().unwrap();
    let simulator = simulator(SCRIPT, &[]).await;
    let notes = folder.path().join("notes");
    fs::write(&notes, "dear diary\n").unwrap();
    let refused = run(&simulator, &["--record", notes.to_str().unwrap()]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(78), ""), "{}", refused.stderr);
    assert!(refused.stderr.contains("notes is not a recording"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&notes).unwrap(), "dear diary\n");
    assert!(simulator.request_log().token_requests.is_empty(), "the file is checked before the first request");
}

// Windows has no file modes.
#[cfg(unix)]
#[tokio::test]
async fn a_recording_has_mode_0600() {
    let folder = tempdir().unwrap();
    record(&simulator(SCRIPT, &[]).await, &recording_in(&folder), &[]).await;
    let metadata = fs::metadata(recording_in(&folder)).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&metadata) & 0o777, 0o600);
}

#[tokio::test]
async fn every_line_printed_before_a_kill_is_in_the_recording() {
    let folder = tempdir().unwrap();
    let simulator = simulator("", &[]).await;
    let path = recording_in(&folder);
    let mut running = Running::start(&mut program(&simulator, &["--record", path.to_str().unwrap()]));
    running.wait_for_stderr("connected to ").await;
    let mut printed = String::new();
    for text in ["one", "two"] {
        simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
        printed.push_str(&running.next_line().await);
        printed.push('\n');
    }
    running.child.kill().await.unwrap();
    assert_eq!(replay(&path, &[]).await.stdout, printed);
}

/// Records a run of four printed lines and returns the five lines of the recording.
async fn recorded_lines(folder: &TempDir) -> Vec<String> {
    let script = "+0 customer Ada: one\n+0 customer Ada: two\n+0 customer Ada: three\n+0 close";
    let simulator = simulator_without_history(script, &[]).await;
    record(&simulator, &recording_in(folder), &[]).await;
    let text = fs::read_to_string(recording_in(folder)).unwrap();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 5, "{text}");
    lines
}

#[tokio::test]
async fn a_truncated_recording_is_replayed_up_to_its_last_whole_line() {
    let folder = tempdir().unwrap();
    let lines = recorded_lines(&folder).await;
    let whole_lines = format!("{}\n{}\n", lines[0], lines[1]);
    for length in [1, lines[2].len() / 2, lines[2].len() - 1] {
        fs::write(recording_in(&folder), format!("{whole_lines}{}", &lines[2][..length])).unwrap();
        let finished = replay(&recording_in(&folder), &["--timestamps", "none"]).await;
        assert_eq!((finished.stdout.as_str(), finished.code), ("[Customer] Ada: one\n", Some(0)), "{length}");
        assert!(finished.stderr.contains("warning: the recording is truncated: line 3 "), "{}", finished.stderr);
    }
    for complete in [format!("{whole_lines}{}", lines[2]), format!("{whole_lines}{}\n", lines[2])] {
        fs::write(recording_in(&folder), complete).unwrap();
        let finished = replay(&recording_in(&folder), &["--timestamps", "none"]).await;
        assert_eq!(finished.stdout, "[Customer] Ada: one\n[Customer] Ada: two\n");
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    }
    fs::write(recording_in(&folder), "").unwrap();
    let finished = replay(&recording_in(&folder), &[]).await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), "genesys-tail: warning: the recording is empty\n"));
}

#[tokio::test]
async fn a_corrupt_recording_is_replayed_up_to_the_fault_whose_line_is_named() {
    let folder = tempdir().unwrap();
    let lines = recorded_lines(&folder).await;
    let wrong_kind = lines[2].replace("\"text\"", "\"binary\"");
    for damage in ["", "garbage", "{\"at\":\"2026", "{}", "[]", "\0\0", &wrong_kind] {
        let text = format!("{}\n{}\n{damage}\n{}\n", lines[0], lines[1], lines[3]);
        fs::write(recording_in(&folder), text).unwrap();
        let finished = replay(&recording_in(&folder), &["--timestamps", "none"]).await;
        assert_eq!((finished.stdout.as_str(), finished.code), ("[Customer] Ada: one\n", Some(76)), "{damage:?}");
        assert!(finished.stderr.contains("error: line 3 of the recording is invalid: "), "{}", finished.stderr);
    }
    for (content, reason) in [
        ("dear diary".to_owned(), "damaged, or not a recording"),
        (format!("{}\n", lines[1]), "no header before it"),
        (lines[0].replace(":1,", ":2,"), "version 2; "),
    ] {
        fs::write(recording_in(&folder), content).unwrap();
        let finished = replay(&recording_in(&folder), &[]).await;
        assert_eq!((finished.stdout.as_str(), finished.code), ("", Some(76)));
        assert!(
            finished.stderr.contains("error: line 1 of the recording is invalid: ") && finished.stderr.contains(reason),
            "{}",
            finished.stderr
        );
    }
}

/// (R7) CLI-70.
#[tokio::test]
async fn a_recording_with_a_byte_order_mark_is_replayed_and_extended() {
    let simulator = simulator(SCRIPT, &[]).await;
    let folder = tempdir().unwrap();
    let path = recording_in(&folder);
    let printed = record(&simulator, &path, &[]).await;
    let with_mark = [&b"\xef\xbb\xbf"[..], &fs::read(&path).unwrap()].concat();
    fs::write(&path, with_mark).unwrap();
    let replayed = replay(&path, &[]).await;
    assert_eq!((replayed.code, replayed.stdout.as_str()), (Some(0), printed.as_str()), "{}", replayed.stderr);
    let printed_again = record(&simulator, &path, &[]).await;
    assert_eq!(replay(&path, &[]).await.stdout, printed + &printed_again);
}

/// Two participants of one name may join at once: each event was recorded because it was new (HIST-16).
#[tokio::test]
async fn equal_events_at_one_time_are_all_replayed() {
    let simulator = simulator(SCRIPT, &[]).await;
    let folder = tempdir().unwrap();
    let path = recording_in(&folder);
    record(&simulator, &path, &[]).await;
    let recorded = fs::read_to_string(&path).unwrap();
    let header = recorded.lines().next().unwrap();
    let time = "2026-01-02T03:04:05.678Z";
    let update = format!(r#"{{"at":"{time}","conversation":"c1","update":["{time}","Guest joined"]}}"#);
    fs::write(&path, format!("{header}\n{update}\n{update}\n")).unwrap();
    let replayed = replay(&path, &["--timestamps", "none"]).await;
    assert_eq!(replayed.stdout, "[UPDATE] Guest joined\n[UPDATE] Guest joined\n", "{}", replayed.stderr);
}

#[tokio::test]
async fn a_missing_recording_exits_66() {
    let folder = tempdir().unwrap();
    let missing = replay(&recording_in(&folder), &[]).await;
    assert_eq!(missing.code, Some(66));
    let expected = format!("genesys-tail: error: recording {} not found\n", recording_in(&folder).display());
    assert!(missing.stderr.starts_with(&expected), "{}", missing.stderr);
    let directory = replay(folder.path(), &[]).await;
    assert_eq!((directory.code, directory.stderr.lines().count()), (Some(66), 2), "{}", directory.stderr);
}

#[tokio::test]
async fn a_replay_reads_no_settings_and_uses_no_network() {
    let folder = tempdir().unwrap();
    recorded_lines(&folder).await;
    let path = recording_in(&folder);
    fs::write(folder.path().join(".env"), "not a settings file\n").unwrap();
    let mut command = bare_program(&["--replay", path.to_str().unwrap(), "--timestamps", "none"]);
    command.current_dir(folder.path()).env("GENESYS_REGION", "europe").env("HTTPS_PROXY", "bogus://");
    let finished = Running::start(&mut command).finish().await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    assert!(finished.stdout.ends_with("[Customer] Ada: three\n[CLOSED] Conversation terminated\n"));
}
