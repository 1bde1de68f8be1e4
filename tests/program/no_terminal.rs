//! What happens to a tail that nobody watches: its file is rotated, and its streams are not there.

use std::fs::{self, File};
use std::process::Stdio;

use crate::support::program::{Running, program, run, simulator, within_timeout};
use crate::support::shell::with_shell_setup;

#[tokio::test]
async fn a_file_that_is_cut_in_place_has_no_hole_and_goes_on_with_the_next_line() {
    let simulator = simulator("", &[]).await;
    let conversation = simulator.first_conversation();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("talk.log");
    let file = File::options().append(true).create(true).open(&path).unwrap();
    let mut tail = program(&simulator, &["--timestamps", "none"]);
    let running = Running::start(tail.stdout(file.try_clone().unwrap()));
    let written = async |text: &str| {
        while fs::read_to_string(&path).unwrap() != text {
            tokio::task::yield_now().await;
        }
    };
    for said in ["one", "two"] {
        conversation.play(&format!("customer Ada: {said}")).await.unwrap();
        within_timeout(written(&format!("[Customer] Ada: {said}\n"))).await;
        file.set_len(0).unwrap();
    }
    conversation.play("close").await.unwrap();
    assert_eq!(running.finish().await.code, Some(0));
    assert_eq!(fs::read_to_string(&path).unwrap(), "[CLOSED] Conversation terminated\n");
}

#[tokio::test]
async fn streams_that_are_closed_are_taken_for_nothing_and_no_file_takes_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (closed, number) in [("<&-", "1"), (">&-", "2"), ("2>&-", "3"), ("<&- >&- 2>&-", "4")] {
        let simulator = simulator("+0 customer Ada: Hello\n+0 close", &[]).await;
        let (cursor, recording) = (file(&format!("{number}.cursor")), file(&format!("{number}.rec")));
        let tail = program(&simulator, &["--cursor-file", &cursor, "--record", &recording]);
        let mut closing = with_shell_setup(&format!("exec {closed}"), &tail);
        let finished = Running::start(closing.stdin(Stdio::null())).finish().await;
        assert_eq!(finished.code, Some(0), "{closed}: {}", finished.stderr);
        let lines = if closed.contains(" >") || closed.starts_with('>') { 0 } else { 2 };
        assert_eq!(finished.stdout.lines().count(), lines, "{closed}");
        let replayed = run(&simulator, &["--replay", &recording, "--timestamps", "none"]).await.stdout;
        assert_eq!(replayed, "[Customer] Ada: Hello\n[CLOSED] Conversation terminated\n", "{closed}");
        let kept = fs::read_to_string(&cursor).unwrap();
        assert!(kept.starts_with("{\"genesys-tail-cursor\":") && !kept.contains("connected"), "{closed}: {kept}");
    }
}
