//! Whole lines in a file as stdout: incomplete last lines, size limits, killed runs (OUT-6, OUT-44 to OUT-46, HIST-5).

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::support::program::{Finished, Running, bare_program, path_str, program, run, simulator};
use crate::support::shell::with_shell_setup;
use genesys_tail::simulator::Simulator;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

const FORMATS: [&[&str]; 4] =
    [&["--timestamps", "none"], &["--timestamps", "none", "--multiline", "indent"], &["--json"], &["-o", "raw"]];

/// The size limit of files, in shell code: 1024 or 2048 bytes, depending on the shell.
const SIZE_LIMIT: &str = "ulimit -f 2";

/// A temporary folder with a recording and the file for stdout.
struct Folder {
    folder: TempDir,
    log: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let log = folder.path().join("x.log");
        Self { folder, log }
    }

    /// Records a conversation that does not fit into a file of limited size.
    async fn with_recording() -> Self {
        let folder = Self::new();
        let messages: Vec<String> = (0..40).map(|n| format!("+0 customer Ada: {}\n", text(n))).collect();
        let simulator = simulator(&(messages.concat() + "+0 close\n"), &[]).await;
        let recorded = run(&simulator, &["--record", path_str(&folder.recording())]).await;
        assert_eq!(recorded.code, Some(0), "{}", recorded.stderr);
        folder
    }

    fn recording(&self) -> PathBuf {
        self.folder.path().join("a.rec")
    }

    /// Replays the recording after this shell code.
    async fn replay(&self, setup: &str, flags: &[&str]) -> Finished {
        let command = bare_program(&[&["--replay", path_str(&self.recording())], flags].concat());
        Running::start(&mut with_shell_setup(setup, &command)).finish().await
    }

    /// Follows the conversation with a cursor, and appends the lines to the log after this shell code.
    async fn append(&self, simulator: &Simulator, setup: &str, flags: &[&str]) -> Finished {
        let cursor = self.folder.path().join("cursor");
        let command = program(simulator, &[&["--cursor-file", path_str(&cursor)], flags].concat());
        let setup = format!("{setup}; {}", redirection(">>", &self.log));
        Running::start(&mut with_shell_setup(&setup, &command)).finish().await
    }

    fn content(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

/// Returns a text with its number at the end, so that no two lines start alike after a cut.
fn text(number: usize) -> String {
    format!("a message that is\\nlong enough to meet the limit {number:02}")
}

/// Returns the shell code that redirects stdout.
fn redirection(operator: &str, path: &Path) -> String {
    format!("exec {operator} '{}'", path_str(path))
}

async fn send(simulator: &Simulator, texts: &[String]) {
    for text in texts {
        simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
    }
}

#[tokio::test]
async fn a_file_at_its_size_limit_ends_with_a_whole_line() {
    let folder = Folder::with_recording().await;
    for flags in FORMATS {
        let all = folder.replay(":", flags).await.stdout;
        assert!([1024, 2048].iter().all(|&limit| !all[..limit].ends_with('\n')), "the limit is within a line");
        for operator in [">>", ">", "1<>"] {
            let _ = fs::remove_file(&folder.log);
            let setup = format!("{SIZE_LIMIT}; {}", redirection(operator, &folder.log));
            let Finished { code, stderr, .. } = folder.replay(&setup, flags).await;
            assert_eq!(code, Some(74), "{operator} {flags:?}: {stderr}");
            assert!(
                stderr.starts_with("genesys-tail: error: cannot write standard output: File too large\n"),
                "{stderr}"
            );
            assert!(
                stderr.ends_with("\n  tip: raise the limit of file sizes (ulimit -f), then start again\n"),
                "{stderr}"
            );
            let content = folder.content();
            assert!(content.ends_with('\n') && all.starts_with(&content), "{operator} {flags:?}: {content}");
        }
    }
}

#[tokio::test]
async fn a_file_gets_the_bytes_of_a_pipe_after_a_line_break_if_its_last_line_is_incomplete() {
    let folder = Folder::with_recording().await;
    for flags in FORMATS {
        let piped = folder.replay(":", flags).await.stdout;
        for (before, line_break) in [("", ""), ("before\n", ""), ("befo", "\n")] {
            let print = format!("printf '%s' '{before}'");
            let append = redirection(">>", &folder.log);
            fs::write(&folder.log, before).unwrap();
            for setup in [append, format!("{}; {print}", redirection(">", &folder.log))] {
                let finished = folder.replay(&setup, flags).await;
                assert_eq!(finished.code, Some(0), "{setup}: {}", finished.stderr);
                assert_eq!(folder.content(), format!("{before}{line_break}{piped}"), "{setup}");
            }
        }
    }
}

#[tokio::test]
async fn the_next_run_prints_the_line_that_did_not_fit() {
    let (folder, simulator) = (Folder::new(), simulator("", &[]).await);
    let texts: Vec<String> = (0..8).map(text).collect();
    send(&simulator, &texts).await;
    let full = folder.append(&simulator, SIZE_LIMIT, &["--json"]).await;
    assert_eq!(full.code, Some(74), "{}", full.stderr);
    assert!(full.stderr.contains("error: cannot write standard output: "), "{}", full.stderr);
    assert!(folder.content().ends_with("}\n"), "{}", folder.content());
    simulator.first_conversation().play("close").await.unwrap();
    let rest = folder.append(&simulator, ":", &["--json"]).await;
    assert_eq!(rest.code, Some(0), "{}", rest.stderr);
    let lines: Vec<Value> = folder.content().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let printed: Vec<String> = lines.iter().filter_map(|line| Some(line["text"].as_str()?.to_owned())).collect();
    assert_eq!(printed, texts.iter().map(|text| text.replace("\\n", "\n")).collect::<Vec<_>>());
}

/// A kill ends a run between two system calls. The file and the cursor are then as this test leaves them.
#[tokio::test]
async fn the_next_run_prints_the_line_within_which_a_run_was_killed() {
    let (folder, simulator) = (Folder::new(), simulator("", &[]).await);
    let flags = ["--timestamps", "none"];
    send(&simulator, &["one".into()]).await;
    let first = folder.append(&simulator, ":", &[&flags[..], &["--no-follow"]].concat()).await;
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let mut log = OpenOptions::new().append(true).open(&folder.log).unwrap();
    log.write_all(b"[Customer] Ada: tw").unwrap();
    send(&simulator, &["two".into()]).await;
    simulator.first_conversation().play("close").await.unwrap();
    let second = folder.append(&simulator, ":", &flags).await;
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    let expected = "[Customer] Ada: one\n[Customer] Ada: tw\n[Customer] Ada: two\n[CLOSED] Conversation terminated\n";
    assert_eq!(folder.content(), expected);
}
