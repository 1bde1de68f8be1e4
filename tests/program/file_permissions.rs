//! Files that `--record` and `--cursor-file` must not write or that other users could read (HIST-7, HIST-8, HIST-15).

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::{TempDir, tempdir};

use crate::support::program::{Finished, Running, path_str, program, run, simulator};
use crate::support::shell::with_shell_setup;

const SCRIPT: &str = "+0 customer Ada: Hello\n+0 close";

const FLAGS: [(&str, &str); 2] = [("--record", "recording"), ("--cursor-file", "cursor file")];

/// The user id of another user.
const OTHER_USER: u32 = 65_534;

/// Returns a new folder and the path of a file in it.
fn temporary_path(name: &str) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

/// Asserts that the file is refused with this error and hint, before any request.
async fn assert_refused(flag: &str, path: &Path, code: i32, error: &str, hint: &str) {
    let simulator = simulator(SCRIPT, &[]).await;
    let finished = run(&simulator, &[flag, path_str(path)]).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(code), ""), "{}: {}", path.display(), finished.stderr);
    assert_eq!(finished.stderr, format!("genesys-tail: error: {error}\n  tip: {hint}\n"), "{}", path.display());
    assert!(simulator.request_log().token_requests.is_empty(), "{}", path.display());
}

/// Returns the error of a path that leads to no regular file.
fn unusable(flag: &str, path: &Path, found: &str) -> String {
    match flag {
        "--record" => format!("cannot record to {}: it is {found}", path.display()),
        _ => format!("cannot use {} as cursor file: it is {found}", path.display()),
    }
}

fn assert_followed(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains("[Customer] Ada: Hello\n"), "{}", finished.stdout);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_pipe_folder_or_device_is_refused_and_unchanged() {
    for (flag, _) in FLAGS {
        let (folder, path) = temporary_path("pipe");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        for (path, found) in
            [(path.as_path(), "a named pipe"), (folder.path(), "a folder"), (Path::new("/dev/null"), "a device")]
        {
            let error = unusable(flag, path, found);
            assert_refused(flag, path, 78, &error, &format!("use another file for {flag}")).await;
        }
    }
}

#[tokio::test]
async fn a_symbolic_link_to_a_missing_or_foreign_file_is_refused() {
    for (flag, kind) in FLAGS {
        let (folder, link) = temporary_path("link");
        let target = folder.path().join("diary");
        symlink(&target, &link).unwrap();
        let hint = format!("use another file for {flag}");
        let error = unusable(flag, &link, "a dangling symbolic link");
        assert_refused(flag, &link, 78, &error, &hint).await;
        assert!(!target.exists(), "the target is not created");

        fs::write(&target, "dear diary\n").unwrap();
        let error = format!("{} is not a {kind}; it was not changed", link.display());
        assert_refused(flag, &link, 78, &error, &hint).await;
        assert_eq!(fs::read_to_string(&target).unwrap(), "dear diary\n");
    }
}

#[tokio::test]
async fn a_missing_folder_is_74() {
    for (flag, action) in [("--record", "record to"), ("--cursor-file", "write cursor file")] {
        let error = format!("cannot {action} /nowhere/x: No such file or directory");
        assert_refused(flag, Path::new("/nowhere/x"), 74, &error, "create the folder of the file").await;
    }
}

#[tokio::test]
async fn a_new_file_is_private_regardless_of_the_umask() {
    for (flag, _) in FLAGS {
        let (_folder, path) = temporary_path("new");
        let simulator = simulator(SCRIPT, &[]).await;
        let command = program(&simulator, &[flag, path_str(&path), "--timestamps", "none"]);
        assert_followed(&Running::start(&mut with_shell_setup("umask 0", &command)).finish().await);
        assert_eq!(mode(&path), 0o600, "{flag}");
    }
}

#[tokio::test]
async fn a_readable_recording_is_a_warning_and_a_readable_cursor_is_made_private() {
    let (folder, recording) = temporary_path("recording");
    let cursor = folder.path().join("cursor");
    let simulator = simulator(SCRIPT, &[]).await;
    let args = ["--record", path_str(&recording), "--cursor-file", path_str(&cursor), "--timestamps", "none"];
    assert_followed(&run(&simulator, &args).await);
    for path in [&recording, &cursor] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let again = run(&simulator, &args).await;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let warning = format!("other users can read recording {} (mode 644); run chmod 600 ", recording.display());
    assert!(again.stderr.contains(&warning), "{}", again.stderr);
    assert_eq!((mode(&recording), mode(&cursor)), (0o644, 0o600), "each run rewrites the cursor file");
}

/// Only root can give a file to another user. Without root, the test takes a file that the user cannot write.
#[tokio::test]
async fn a_recording_of_another_user_is_a_warning_or_74() {
    let (_folder, path) = temporary_path("planted");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    if chown(&path, Some(OTHER_USER), None).is_err() {
        for (flag, action) in [("--record", "record to"), ("--cursor-file", "write cursor file")] {
            let error = format!("cannot {action} /etc/passwd: Permission denied");
            assert_refused(flag, Path::new("/etc/passwd"), 74, &error, "make the file and its folder writable").await;
        }
        return;
    }
    let simulator = simulator(SCRIPT, &[]).await;
    let recorded = run(&simulator, &["--record", path_str(&path), "--timestamps", "none"]).await;
    assert_followed(&recorded);
    let warning = format!("warning: recording {} belongs to another user, who can read it; use", path.display());
    assert_eq!(recorded.stderr.matches(&warning).count(), 1, "{}", recorded.stderr);
}
