//! Agreement of the topic `errors` with the messages of the program (ERR-9, DOC-1).

use std::process::{Command, Stdio};

use genesys_tail::simulator::{Options, Simulator};

const TOPIC: &str = include_str!("../../src/help/errors.md");

#[tokio::test]
async fn the_topic_quotes_the_error_messages_of_common_failures() {
    let topic = TOPIC.split_whitespace().collect::<Vec<_>>().join(" ");
    let transcript_only = ["--source", "transcript"];
    for (faults, args) in [
        (&["token:status=401"][..], &[][..]),
        (&["token:not-json"], &[]),
        (&["handshake:status=401,times=always"], &[]),
        (&["handshake:status=403"], &[]),
        (&["handshake:status=404", "rest:status=404"], &[]),
        (&["handshake:status=404"], &transcript_only),
        (&["handshake:status=429"], &[]),
        (&["handshake:ok"], &transcript_only),
        (&["socket:forbid"], &[]),
        (&["socket:close=1011"], &[]),
        (&["socket:reset"], &[]),
        (&["socket:oversize=20000000"], &[]),
    ] {
        let message = error_message(faults, args).await;
        assert!(topic.contains(&message), "{faults:?} {args:?}: {message:?} is not in the topic");
    }
}

/// Returns the error message of a run without retries against these faults, with `HOST` and `ID` as placeholders.
async fn error_message(faults: &[&str], args: &[&str]) -> String {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let options = Options { faults, ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    let (url, id) = (simulator.base_url().to_owned(), simulator.first_conversation().id().to_owned());
    let mut command = Command::new(env!("CARGO_BIN_EXE_genesys-tail"));
    command
        .env_clear()
        .env("GENESYS_CLIENT_SECRET", simulator.client_secret())
        .args(["-q", "--max-retries", "0", "--env-file", "/dev/null", "--client-id", simulator.client_id()])
        .args(["--api-url", &url, "-c", &id])
        .args(args)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let (_, error) = stderr.lines().next().unwrap().split_once("error: ").unwrap();
    let error = error.strip_prefix("gave up").and_then(|rest| Some(rest.split_once(": ")?.1)).unwrap_or(error);
    error.replace(url.trim_start_matches("http://"), "HOST").replace(&id, "ID")
}
