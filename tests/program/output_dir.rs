//! `--output-dir`: one file per conversation (SVC-5 to SVC-8, HIST-5, OUT-44 to OUT-46).

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use genesys_tail::simulator::{Options, Simulator};
use tempfile::{TempDir, tempdir};
use tokio::time::sleep;

use crate::support::process::{missing_folder_text, was_killed};
use crate::support::program::{
    Finished, Running, bare_program, path_str, program, run, simulator, simulator_with, wait_until, within_timeout,
};
#[cfg(unix)]
use crate::support::shell::with_shell_setup;

const SCRIPT: &str = "+0 customer Ada: Hello\n+0 agent Sam: Hi\n+0 close";

const SOURCES: [&str; 2] = ["transcript", "notifications"];

/// An output folder that does not exist yet, in a temporary folder.
struct Output {
    parent: TempDir,
    path: PathBuf,
}

impl Output {
    fn new() -> Self {
        let parent = tempdir().unwrap();
        let path = parent.path().join("transcripts");
        Self { parent, path }
    }

    /// Returns the flags of a run with this folder.
    fn args<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["--output-dir", path_str(&self.path), "--timestamps", "none"], more].concat()
    }

    fn file(&self, simulator: &Simulator) -> PathBuf {
        self.path.join(format!("{}.log", simulator.first_conversation().id()))
    }

    /// Returns the content of each file.
    fn contents(&self) -> BTreeMap<String, String> {
        let files = fs::read_dir(&self.path).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path_str(path.strip_prefix(&self.path).unwrap()).to_owned(), read(&path))).collect()
    }

    fn cursor(&self) -> PathBuf {
        self.parent.path().join("cursor")
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Asserts that only the owner can use a file or folder. Windows has no file modes.
fn assert_private(path: &Path, mode: u32) {
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(path).unwrap()) & 0o777, mode);
    #[cfg(windows)]
    let _ = (path, mode);
}

/// Returns a simulator of this number of conversations and their ids.
async fn conversations(script: &str, count: usize) -> (Simulator, Vec<String>) {
    let ids = Options::conversation_ids(count);
    let options = Options { conversations: ids.clone(), ..Options::default() };
    (simulator_with(script, &[], options).await, ids)
}

async fn send(simulator: &Simulator, text: &str) {
    simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
}

/// Waits until a file holds this text.
async fn wait_for(path: &Path, text: &str) {
    wait_until(|| read(path).contains(text)).await;
}

#[tokio::test]
async fn each_conversation_has_its_own_file_and_stdout_gets_nothing() {
    for (source, format, extension) in
        [("transcript", "text", "log"), ("notifications", "text", "log"), ("notifications", "json", "jsonl")]
    {
        let (simulator, ids) = conversations(SCRIPT, 3).await;
        let output = Output::new();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let finished = run(&simulator, &output.args(&[&["--source", source, "-o", format], &ids[..]].concat())).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
        let contents = output.contents();
        assert_eq!(contents.len(), 3, "{contents:?}");
        for id in ids {
            let content = &contents[&format!("{id}.{extension}")];
            if format == "json" {
                let other = content.lines().find(|line| !line.contains(&format!(r#""conversation":"{id}""#)));
                assert_eq!(other, None, "{content}");
            } else {
                assert!(content.starts_with("[Customer] Ada: Hello\n"), "no prefix by default: {content}");
            }
            assert!(content.ends_with('\n') && content.contains("Hi"), "{content}");
            assert_private(&output.path.join(format!("{id}.{extension}")), 0o600);
        }
        assert_private(&output.path, 0o700);
    }
}

#[tokio::test]
async fn raw_frames_have_the_file_of_their_conversation() {
    let (simulator, output) = (simulator(SCRIPT, &[]).await, Output::new());
    let finished = run(&simulator, &output.args(&["-o", "raw", "--system", "--source", "notifications"])).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
    let contents = output.contents();
    let id = simulator.first_conversation().id().to_owned();
    let own = contents.get(&format!("{id}.raw")).map_or("", String::as_str);
    assert!(!own.is_empty() && own.lines().all(|frame| frame.contains(&id)), "{contents:?}");
    let others = contents.get("channel.raw").map_or("", String::as_str);
    assert!(!others.contains(&id), "{contents:?}");
}

// Windows has no limits of resources that a shell sets.
#[cfg(unix)]
#[tokio::test]
async fn a_process_with_few_descriptors_keeps_fewer_files_open() {
    let ((simulator, ids), output) = (conversations(SCRIPT, 60).await, Output::new());
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let command = program(&simulator, &output.args(&[&["-q", "--source", "notifications"], &ids[..]].concat()));
    let finished = Running::start(&mut with_shell_setup("ulimit -n 40", &command)).finish().await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    let contents = output.contents();
    assert_eq!(contents.len(), 60);
    assert!(contents.values().all(|content| content.contains("Ada: Hello\n")), "{contents:?}");
}

#[tokio::test]
async fn a_closed_stdout_does_not_end_the_run() {
    let (simulator, output) = (simulator("", &[]).await, Output::new());
    let mut running = Running::start(&mut program(&simulator, &output.args(&[])));
    drop(running.stdout.take());
    running.wait_for_stderr("connected to").await;
    send(&simulator, "still here").await;
    wait_for(&output.file(&simulator), "still here").await;
    simulator.first_conversation().play("close").await.unwrap();
    assert_eq!(running.finish().await.code, Some(0));
    // The names of targets are looked up before anything is written.
    let mut of_queue = program(&simulator, &output.args(&["--queue", "Support"]));
    of_queue.env_remove("GENESYS_CONVERSATION_ID");
    let mut running = Running::start(&mut of_queue);
    drop(running.stdout.take());
    running.wait_for_stderr("connected to").await;
}

#[tokio::test]
async fn a_replay_writes_the_files_of_the_run() {
    let ((simulator, ids), output, replayed) = (conversations(SCRIPT, 2).await, Output::new(), Output::new());
    let recording = output.parent.path().join("recording");
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let finished = run(&simulator, &output.args(&[&["--record", path_str(&recording)], &ids[..]].concat())).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let replay = ["--replay", path_str(&recording)];
    let finished = Running::start(&mut bare_program(&replayed.args(&replay))).finish().await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
    assert_eq!(replayed.contents(), output.contents());
    assert_eq!(replayed.contents().len(), 2);

    let invalid = read(&recording).replace(ids[0], "../../etc/passwd");
    fs::write(&recording, invalid).unwrap();
    let finished = Running::start(&mut bare_program(&replayed.args(&replay))).finish().await;
    let error = "genesys-tail: error: conversation id '../../etc/passwd' cannot be a file name\n  \
                 tip: run it without --output-dir\n";
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(76), error));
}

// Fails in Wine 8, where a removed file keeps its name until it is closed.
#[tokio::test]
async fn a_renamed_or_removed_file_is_created_again() {
    for (source, is_removed) in [("transcript", false), ("notifications", true)] {
        let (simulator, output) = (simulator("", &[]).await, Output::new());
        let (file, rotated) = (output.file(&simulator), output.path.join("old.1"));
        let mut running =
            Running::start(&mut program(&simulator, &output.args(&["--source", source, "--hide", "update,closed"])));
        running.wait_for_stderr("connected to").await;
        send(&simulator, "message 0").await;
        wait_for(&file, "message 0\n").await;
        if is_removed {
            fs::remove_file(&file).unwrap();
        } else {
            fs::rename(&file, &rotated).unwrap();
        }
        let mut sent = 1;
        within_timeout(async {
            while !file.exists() {
                send(&simulator, &format!("message {sent}")).await;
                sent += 1;
                sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        simulator.first_conversation().play("close").await.unwrap();
        assert_eq!(running.finish().await.code, Some(0));
        assert_private(&file, 0o600);
        let lines = read(&rotated) + &read(&file);
        let expected =
            (0..sent).fold(String::new(), |all, number| all + &format!("[Customer] Ada: message {number}\n"));
        if is_removed {
            assert!(expected.ends_with(&lines) && !lines.is_empty(), "{lines}");
        } else {
            assert_eq!(lines, expected, "no line is lost");
        }
    }
}

#[tokio::test]
async fn an_existing_file_is_continued_on_a_new_line() {
    let (simulator, output) = (simulator(SCRIPT, &[]).await, Output::new());
    fs::create_dir(&output.path).unwrap();
    fs::write(output.file(&simulator), "befo").unwrap();
    let finished = run(&simulator, &output.args(&[])).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let content = read(&output.file(&simulator));
    assert!(content.starts_with("befo\n[Customer] Ada: Hello\n"), "{content}");
}

// Windows has no limits of resources that a shell sets.
#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_ends_the_run_with_74_and_a_whole_line() {
    for cursor in [false, true] {
        let (simulator, output) = (simulator("", &[]).await, Output::new());
        for number in 0..60 {
            send(&simulator, &format!("message {number}")).await;
        }
        let path = output.cursor();
        let flags: &[&str] = if cursor { &["-q", "--cursor-file", path_str(&path)] } else { &["-q"] };
        // Two blocks: the cursor has fewer bytes per line, and does not fail first.
        let limited = with_shell_setup("ulimit -f 2", &program(&simulator, &output.args(flags))).spawn().unwrap();
        let full = within_timeout(limited.wait_with_output()).await.unwrap();
        let (file, stderr) = (output.file(&simulator), String::from_utf8(full.stderr).unwrap());
        assert_eq!(full.status.code(), Some(74), "{stderr}");
        let failed =
            format!("cannot write to {}: File too large\n  tip: raise the limit of file sizes", file.display());
        assert!(cursor || stderr.contains(&failed), "{stderr}");
        let first = read(&file);
        assert!(first.ends_with('\n') && !first.contains("message 59"), "{first}");
        if cursor {
            simulator.first_conversation().play("close").await.unwrap();
            let rest = run(&simulator, &output.args(flags)).await;
            assert_eq!(rest.code, Some(0), "{}", rest.stderr);
            let numbers = numbers(&read(&file));
            let repeats = numbers.windows(2).filter(|pair| pair[0] == pair[1]).count();
            assert!(repeats <= 1 && numbers.len() - repeats == 60, "{numbers:?}");
        }
    }
}

/// Returns the message numbers in these lines.
fn numbers(lines: &str) -> Vec<usize> {
    lines.lines().filter_map(|line| line.rsplit_once(": message ")?.1.parse().ok()).collect()
}

/// Twenty kills per source; the variable `KILLS` sets another number.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "figures for runs with KILLS")]
async fn a_kill_at_any_instant_loses_no_line_and_repeats_at_most_one_per_file() {
    let variable = std::env::vars().find(|(name, _)| name == "KILLS");
    let kills = variable.map_or(20_u32, |(_, kills)| kills.parse().unwrap());
    for source in SOURCES {
        let ((simulator, ids), output) = (conversations("", 3).await, Output::new());
        let mut random = fastrand::Rng::with_seed(u64::from(kills));
        let cursor = output.cursor();
        let arguments: Vec<&str> = ids.iter().map(String::as_str).collect();
        let flags = [&["--source", source, "--cursor-file", path_str(&cursor)], &arguments[..]].concat();
        let mut files: Vec<SeenFile> = ids.iter().map(|id| SeenFile::new(&output, id)).collect();
        let mut sent = 0;
        for _ in 0..kills {
            for _ in 0..random.usize(1..60) {
                sent = send_to_all(&simulator, &ids, sent).await;
            }
            let mut command = program(&simulator, &output.args(&flags));
            let mut running = Running::start(command.stdout(Stdio::null()));
            let before = total_size(&output);
            wait_until(|| total_size(&output) != before).await;
            sleep(Duration::from_micros(random.u64(0..10_000))).await;
            running.child.start_kill().unwrap();
            assert!(was_killed(within_timeout(running.child.wait()).await.unwrap()), "{}", running.stderr());
            files.iter_mut().for_each(SeenFile::check_run);
        }
        for id in &ids {
            simulator.conversation(id).unwrap().play("close").await.unwrap();
        }
        let final_run = run(&simulator, &output.args(&flags)).await;
        assert_eq!((final_run.code, final_run.stdout.as_str()), (Some(0), ""), "{}", final_run.stderr);
        for file in &mut files {
            file.check_run();
            let lost: Vec<usize> = (0..sent).filter(|number| !file.seen.contains(number)).collect();
            assert!(lost.is_empty(), "{source}: {lost:?} of {sent} are lost in {}", file.path.display());
        }
        let repeats: usize = files.iter().map(|file| file.repeats).sum();
        println!("{source}: {kills} kills, 3 files of {sent} lines, {repeats} repeats");
    }
}

/// The lines of a file that earlier runs have written.
struct SeenFile {
    path: PathBuf,
    length: usize,
    seen: HashSet<usize>,
    repeats: usize,
}

impl SeenFile {
    fn new(output: &Output, id: &str) -> Self {
        Self { path: output.path.join(format!("{id}.log")), length: 0, seen: HashSet::new(), repeats: 0 }
    }

    /// Asserts that the lines of the latest run are whole and repeat at most one of the earlier ones.
    fn check_run(&mut self) {
        let content = read(&self.path);
        assert!(content.is_empty() || content.ends_with('\n'), "{}", self.path.display());
        let repeated = numbers(&content[self.length..]).into_iter().filter(|number| !self.seen.insert(*number)).count();
        assert!(repeated <= 1, "a run repeats {repeated} lines of {}", self.path.display());
        self.repeats += repeated;
        self.length = content.len();
    }
}

async fn send_to_all(simulator: &Simulator, ids: &[String], sent: usize) -> usize {
    for id in ids {
        simulator.conversation(id).unwrap().play(&format!("customer Ada: message {sent}")).await.unwrap();
    }
    sent + 1
}

fn total_size(output: &Output) -> u64 {
    let files = fs::read_dir(&output.path).into_iter().flatten();
    files.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

/// Asserts that the folder is refused with this error and hint, before any request.
async fn assert_refused(path: &Path, code: i32, error: &str, hint: &str) {
    let simulator = simulator(SCRIPT, &[]).await;
    let Finished { code: found, stdout, stderr, .. } = run(&simulator, &["--output-dir", path_str(path)]).await;
    assert_eq!((found, stdout.as_str()), (Some(code), ""), "{stderr}");
    assert_eq!(stderr, format!("genesys-tail: error: {error}\n  tip: {hint}\n"));
    assert!(simulator.request_log().token_requests.is_empty());
}

async fn assert_unusable(path: &Path, found: &str) {
    let error = format!("cannot use {} as output folder: it is {found}", path.display());
    assert_refused(path, 78, &error, "use another folder for --output-dir").await;
}

#[tokio::test]
async fn a_path_that_is_no_folder_is_refused_and_unchanged() {
    let parent = tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "text").unwrap();
    assert_unusable(&file, "not a folder").await;
    assert_eq!(read(&file), "text");
    let deep = parent.path().join("a/b");
    let error = format!("cannot create output folder {}: {}", deep.display(), missing_folder_text());
    assert_refused(&deep, 74, &error, "create the folder above it").await;
}

// Windows lets only administrators create links.
#[cfg(unix)]
#[tokio::test]
async fn a_dangling_link_is_refused() {
    let parent = tempdir().unwrap();
    let link = parent.path().join("link");
    std::os::unix::fs::symlink(parent.path().join("nowhere"), &link).unwrap();
    assert_unusable(&link, "a dangling symbolic link").await;
}

#[tokio::test]
async fn a_folder_in_the_place_of_a_file_is_refused() {
    let (simulator, output) = (simulator(SCRIPT, &[]).await, Output::new());
    let file = output.file(&simulator);
    fs::create_dir_all(&file).unwrap();
    let finished = run(&simulator, &output.args(&["-q"])).await;
    let error = format!(
        "genesys-tail: error: cannot write to {}: it is a folder\n  tip: remove it, or use another folder for \
         --output-dir\n",
        file.display()
    );
    assert_eq!((finished.code, finished.stderr), (Some(78), error));
}

// Windows has no file modes.
#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_is_not_writable_ends_the_run_with_74() {
    use std::os::unix::fs::{PermissionsExt as _, chown};

    const OTHER_USER: u32 = 65_534;
    let (simulator, output) = (simulator(SCRIPT, &[]).await, Output::new());
    fs::create_dir(&output.path).unwrap();
    fs::set_permissions(&output.path, fs::Permissions::from_mode(0o500)).unwrap();
    fs::set_permissions(output.parent.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = program(&simulator, &output.args(&["-q"]));
    if rustix::process::geteuid().is_root() {
        // Root may write to any folder.
        chown(&output.path, Some(OTHER_USER), None).unwrap();
        command.uid(OTHER_USER);
    }
    let finished = Running::start(&mut command).finish().await;
    let error = format!(
        "genesys-tail: error: cannot write to {}: Permission denied\n  tip: make the file and its folder writable\n",
        output.path.display()
    );
    assert_eq!((finished.code, finished.stderr), (Some(74), error));
}
