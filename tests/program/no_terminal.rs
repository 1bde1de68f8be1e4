//! Runs without a terminal: a rotated output file and closed standard streams (SVC-4).

use std::fs::{self, File};

use crate::support::program::{Running, program, simulator, within_timeout};

#[tokio::test]
async fn an_output_file_truncated_in_place_continues_with_the_next_line_and_has_no_hole() {
    let simulator = simulator("", &[]).await;
    let conversation = simulator.first_conversation();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conversation.log");
    let file = File::options().append(true).create(true).open(&path).unwrap();
    let mut command = program(&simulator, &["--timestamps", "none"]);
    let running = Running::start(command.stdout(file.try_clone().unwrap()));
    let wait_for_content = async |text: &str| {
        while fs::read_to_string(&path).unwrap() != text {
            tokio::task::yield_now().await;
        }
    };
    for text in ["one", "two"] {
        conversation.play(&format!("customer Ada: {text}")).await.unwrap();
        within_timeout(wait_for_content(&format!("[Customer] Ada: {text}\n"))).await;
        file.set_len(0).unwrap();
    }
    conversation.play("close").await.unwrap();
    assert_eq!(running.finish().await.code, Some(0));
    assert_eq!(fs::read_to_string(&path).unwrap(), "[CLOSED] Conversation terminated\n");
}

// A Unix shell closes the streams.
#[cfg(unix)]
#[tokio::test]
async fn closed_standard_streams_count_as_dev_null_and_no_file_takes_their_descriptor() {
    use crate::support::program::run;
    use crate::support::shell::with_shell_setup;

    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (closed, number) in [("<&-", "1"), (">&-", "2"), ("2>&-", "3"), ("<&- >&- 2>&-", "4")] {
        let simulator = simulator("+0 customer Ada: Hello\n+0 close", &[]).await;
        let (cursor, recording) = (file(&format!("{number}.cursor")), file(&format!("{number}.rec")));
        let command = program(&simulator, &["--cursor-file", &cursor, "--record", &recording]);
        let mut command = with_shell_setup(&format!("exec {closed}"), &command);
        let finished = Running::start(command.stdin(std::process::Stdio::null())).finish().await;
        assert_eq!(finished.code, Some(0), "{closed}: {}", finished.stderr);
        let lines = if closed.contains(" >") || closed.starts_with('>') { 0 } else { 2 };
        assert_eq!(finished.stdout.lines().count(), lines, "{closed}");
        let replayed = run(&simulator, &["--replay", &recording, "--timestamps", "none"]).await.stdout;
        assert_eq!(replayed, "[Customer] Ada: Hello\n[CLOSED] Conversation terminated\n", "{closed}");
        let content = fs::read_to_string(&cursor).unwrap();
        assert!(
            content.starts_with("{\"genesys-tail-cursor\":") && !content.contains("connected"),
            "{closed}: {content}"
        );
    }
}
