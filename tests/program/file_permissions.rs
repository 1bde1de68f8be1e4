//! Places where `--record` and `--cursor-file` may not write, or where somebody waits for them to: a clear word, and what
//! is there stays as it is. Contract sections 6 and 7.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, mkfifoat};
use tempfile::{TempDir, tempdir};

use crate::support::program::{Finished, Running, path_str, program, run, simulator};
use crate::support::shell::with_shell_setup;

const TALK: &str = "+0 customer Ada: Hello\n+0 close";

const FLAGS: [(&str, &str); 2] = [("--record", "recording"), ("--cursor-file", "cursor")];

/// Somebody else on this machine.
const NOBODY: u32 = 65_534;

fn place(name: &str) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

/// Holds a place to being refused in two lines, before anything is asked of anybody.
async fn is_refused(flag: &str, path: &Path, code: i32, error: &str, hint: &str) {
    let simulator = simulator(TALK, &[]).await;
    let finished = run(&simulator, &[flag, path_str(path)]).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(code), ""), "{}: {}", path.display(), finished.stderr);
    assert_eq!(finished.stderr, format!("genesys-tail: error: {error}\n  {hint}\n"), "{}", path.display());
    assert!(simulator.request_log().token_requests.is_empty(), "{}", path.display());
}

fn assert_tailed(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains("[Customer] Ada: Hello\n"), "{}", finished.stdout);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_is_no_file_is_refused_and_stays() {
    for (flag, kind) in FLAGS {
        let (folder, path) = place("pipe");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        for (path, what) in
            [(path.as_path(), "a named pipe"), (folder.path(), "a folder"), (Path::new("/dev/null"), "a device")]
        {
            let error = format!("there can be no {kind} in {}: it is {what}", path.display());
            is_refused(flag, path, 78, &error, &format!("name another file for {flag}")).await;
        }
    }
}

#[tokio::test]
async fn a_link_leads_to_nothing_that_is_not_ours() {
    for (flag, kind) in FLAGS {
        let (folder, link) = place("link");
        let target = folder.path().join("diary");
        symlink(&target, &link).unwrap();
        let hint = format!("name another file for {flag}");
        let error = format!("there can be no {kind} in {}: it is a symbolic link that leads nowhere", link.display());
        is_refused(flag, &link, 78, &error, &hint).await;
        assert!(!target.exists(), "nothing is made at the other end");

        fs::write(&target, "dear diary\n").unwrap();
        let error = format!("{} is there and is no {kind}; it is left as it is", link.display());
        is_refused(flag, &link, 78, &error, &hint).await;
        assert_eq!(fs::read_to_string(&target).unwrap(), "dear diary\n");
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_74() {
    for (flag, doing) in [("--record", "record to"), ("--cursor-file", "write the cursor")] {
        let error = format!("cannot {doing} /nowhere/x: No such file or directory");
        is_refused(flag, Path::new("/nowhere/x"), 74, &error, "its folder has to be there").await;
    }
}

#[tokio::test]
async fn what_is_created_is_private_whatever_the_umask_permits() {
    for (flag, _) in FLAGS {
        let (_folder, path) = place("new");
        let simulator = simulator(TALK, &[]).await;
        let tail = program(&simulator, &[flag, path_str(&path), "--timestamps", "none"]);
        assert_tailed(&Running::start(&mut with_shell_setup("umask 0", &tail)).finish().await);
        assert_eq!(mode(&path), 0o600, "{flag}");
    }
}

#[tokio::test]
async fn a_file_that_others_can_read_is_warned_of_or_made_private() {
    let (folder, recording) = place("recording");
    let cursor = folder.path().join("cursor");
    let simulator = simulator(TALK, &[]).await;
    let args = ["--record", path_str(&recording), "--cursor-file", path_str(&cursor), "--timestamps", "none"];
    assert_tailed(&run(&simulator, &args).await);
    for path in [&recording, &cursor] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let again = run(&simulator, &args).await;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let warning = format!("others can read the recording {} (mode 644); chmod 600 ", recording.display());
    assert!(again.stderr.contains(&warning), "{}", again.stderr);
    assert_eq!((mode(&recording), mode(&cursor)), (0o644, 0o600), "a cursor is written anew each time");
}

/// Who may give a file away is told of one that was; all others may not even write to it.
#[tokio::test]
async fn a_file_of_somebody_else_is_not_written_to_in_silence() {
    let (_folder, path) = place("planted");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    if chown(&path, Some(NOBODY), None).is_err() {
        for (flag, doing) in [("--record", "record to"), ("--cursor-file", "write the cursor")] {
            let error = format!("cannot {doing} /etc/passwd: Permission denied");
            is_refused(flag, Path::new("/etc/passwd"), 74, &error, "the file and its folder have to be writable").await;
        }
        return;
    }
    let simulator = simulator(TALK, &[]).await;
    let recorded = run(&simulator, &["--record", path_str(&path), "--timestamps", "none"]).await;
    assert_tailed(&recorded);
    let warning = format!("warning: the recording {} belongs to another user, who can read it; name", path.display());
    assert_eq!(recorded.stderr.matches(&warning).count(), 1, "{}", recorded.stderr);
}
