//! Exit codes with limits, closed streams and a full device.

use std::fs::File;
use std::time::Duration;

use genesys_tail::simulator::Options;
use tempfile::tempdir;
use tokio::time::timeout;

use super::assert_plain;
use crate::support::program::{Running, bare_program, program, simulator, simulator_with, within_timeout};
use crate::support::shell::with_shell_setup;

/// The async runtime panics without file descriptors, which is not a bug of this program. The shell can close only
/// descriptors 3 to 9, so the smallest sufficient limit depends on the others that this process has inherited.
#[tokio::test]
async fn too_few_file_descriptors_are_70() {
    for limit in 5..=16 {
        let setup = format!("exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ulimit -n {limit}");
        let finished = Running::start(&mut with_shell_setup(&setup, &bare_program(&["--replay", "-"]))).finish().await;
        if limit > 10 && finished.code == Some(0) {
            continue;
        }
        assert_eq!(finished.code, Some(70), "limit {limit}: {}", finished.stderr);
        assert_plain(&finished, "cannot start: Too many open files");
        assert!(finished.stderr.ends_with("  tip: raise the limit of open files (ulimit -n)\n"), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn a_conversation_without_a_file_descriptor_is_69_and_the_others_are_followed() {
    let conversations: Vec<String> = (10..50).map(|number| format!("conversation-{number}")).collect();
    let options = Options { conversations: conversations.clone(), ..Options::default() };
    let simulator = simulator_with("+0 customer Ada: Hello\n+0 close", &[], options).await;
    let mut command = program(&simulator, &["--source", "transcript", "--max-retries", "0"]);
    command.args(conversations.iter().flat_map(|id| ["-c", id]));
    let finished = Running::start(&mut with_shell_setup("ulimit -n 24", &command)).finish().await;
    assert_eq!(finished.code, Some(69), "{}", finished.stderr);
    let failure = ": too many open files; raise the limit of open files (ulimit -n), or use --source notifications";
    let failures = finished.stderr.matches(failure).count();
    assert_eq!(failures + finished.stdout.matches("[CLOSED]").count(), 40, "{}", finished.stderr);
    assert!((1..40).contains(&failures), "{}", finished.stderr);
}

#[tokio::test]
async fn an_unwritable_output_is_74() {
    let simulator = simulator("+0 customer Ada: Hello", &[]).await;
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let finished = Running::start(program(&simulator, &[]).stdout(full())).finish().await;
    assert_eq!(finished.code, Some(74), "{}", finished.stderr);
    assert_plain(&finished, "cannot write standard output: No space left on device");
    assert!(!finished.stderr.contains(" line"), "unwritten lines are not counted: {}", finished.stderr);
    for args in [
        &["simulate"][..],
        &["simulate", "--fault", "help"],
        &["completions", "zsh"],
        &["man"],
        &["help", "json"],
        &["-h"],
        &["-V"],
    ] {
        let finished = Running::start(bare_program(args).stdout(full())).finish().await;
        assert_eq!(finished.code, Some(74), "{args:?}");
        assert_plain(&finished, "cannot write standard output: ");
    }
}

/// SIGXFSZ would end the process. `ulimit -f 0` allows no byte in a file.
#[tokio::test]
async fn output_beyond_the_size_limit_of_files_is_74() {
    let folder = tempdir().unwrap();
    let setup = format!("ulimit -f 0; exec > '{}'", folder.path().join("out").display());
    for args in [&["schema"][..], &["man"], &["--help"]] {
        let finished = Running::start(&mut with_shell_setup(&setup, &bare_program(args))).finish().await;
        assert_eq!((finished.code, finished.signal), (Some(74), None), "{args:?}");
        assert_plain(&finished, "cannot write standard output: ");
    }
}

#[tokio::test]
async fn a_full_recording_is_74_and_a_slow_reader_still_gets_the_recorded_lines() {
    let simulator = simulator("", &["socket:burst=20000"]).await;
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.rec");
    let (format, path) = (["--timestamps", "none"], path.to_str().unwrap());
    let record = program(&simulator, &[&format[..], &["--record", path]].concat());
    // Files are limited to 1 MiB (dash: blocks of 512 bytes).
    let mut running = Running::start(&mut with_shell_setup("ulimit -f 2048", &record));
    within_timeout(simulator.wait_for(|log| log.transcript_sockets.len() == 1 && log.open_transcript_sockets() == 0))
        .await;
    let exited = timeout(Duration::from_millis(200), running.child.wait()).await;
    assert!(exited.is_err(), "the program waits for its reader");
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(74), "{}", finished.stderr);
    assert_plain(&finished, &format!("cannot record to {path}: "));
    let replayed = Running::start(&mut bare_program(&[&format[..], &["--replay", path]].concat())).finish().await;
    assert!(replayed.stdout.len() > 64 << 10, "more than a pipe holds");
    assert!(finished.stdout.starts_with(&replayed.stdout), "every recorded line was printed");
}

#[tokio::test]
async fn closed_streams_and_a_removed_folder_do_not_change_the_exit_code() {
    for (setup, is_printed) in [
        ("exec <&-", true),
        ("exec 2>&-", true),
        ("exec 2>/dev/full", true),
        ("exec >&-", false),
        ("folder=$(mktemp -d); cd \"$folder\"; rmdir \"$folder\"", true),
    ] {
        let simulator = simulator("+0 customer Ada: Hello\n+0 close", &[]).await;
        let command = program(&simulator, &["--timestamps", "none"]);
        let finished = Running::start(&mut with_shell_setup(setup, &command)).finish().await;
        assert_eq!(finished.code, Some(0), "{setup}: {}", finished.stderr);
        assert_eq!(finished.stdout.contains("[Customer] Ada: Hello\n"), is_printed, "{setup}");
    }
}
