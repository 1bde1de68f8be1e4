//! Exit codes and final errors (EXIT-0 to EXIT-78, ERR-9, CONN-10 to CONN-17, CLI-65).

use std::path::Path;
use std::process::Command;

use genesys_tail::Invocation;
use genesys_tail::cli::Cli;
use genesys_tail::simulator::Options;

use crate::support::process::missing_folder_text;
use crate::support::program::{
    Finished, Running, bare_program, refusing_socket, run, simulator, simulator_with, without_times,
};

// A Unix shell sets limits and closes streams, and Windows has no device that is always full.
#[cfg(unix)]
mod unix;

const TRANSCRIPT: [&str; 2] = ["--source", "transcript"];
const NOTIFICATIONS: [&str; 2] = ["--source", "notifications"];

/// Asserts that the error contains `words`, has at most one indented line with the next step, and no debug text.
fn assert_plain(finished: &Finished, words: &str) {
    let stderr = &finished.stderr;
    let error: Vec<&str> = stderr.lines().skip_while(|line| !line.starts_with("genesys-tail: error: ")).collect();
    assert!(!error.is_empty() && error[0].contains(words), "{words:?} is not in: {stderr}");
    assert!(error.len() == 1 || error.len() == 2 && error[1].starts_with("  tip: "), "{stderr}");
    for debug in ["os error", "Err(", "Some(", "Error {", "panicked", "RUST_BACKTRACE", "::", "unwrap"] {
        assert!(!stderr.contains(debug), "{debug:?} is in: {stderr}");
    }
}

/// Follows a conversation with these faults, without retries, and asserts the exit code and the error.
async fn assert_ends(faults: &[&str], args: &[&str], code: i32, words: &str) -> Finished {
    let simulator = simulator("+0 customer Ada: Hello\n+0 close", faults).await;
    let finished = run(&simulator, &[&["--max-retries", "0"], args].concat()).await;
    assert_eq!(finished.code, Some(code), "{faults:?} {args:?}: {}", finished.stderr);
    assert_plain(&finished, words);
    finished
}

#[tokio::test]
async fn a_normal_end_is_0() {
    for faults in [&[][..], &["socket:close=1000"], &["socket:close=1001"]] {
        let simulator = simulator("+0 customer Ada: Hello\n+0 close", faults).await;
        let finished = run(&simulator, &["--max-retries", "0"]).await;
        assert_eq!(finished.code, Some(0), "{faults:?}: {}", finished.stderr);
    }
}

#[tokio::test]
async fn wrong_usage_is_2() {
    let command_lines: [&[&str]; 6] = [
        &["--bogus"],
        &["--color", "maybe"],
        &["--max-retries", "many"],
        &["simulate", "--listen", "0.0.0.0:0"],
        &["completions", "nosh"],
        &["--demo", "-c", "x"],
    ];
    for args in command_lines {
        let finished = Running::start(&mut bare_program(args)).finish().await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("--help"), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn no_such_conversation_is_66() {
    for source in ["transcript", "notifications", "auto"] {
        assert_ends(&[], &["-c", "nonesuch", "--source", source], 66, "conversation nonesuch not found at 127.0.0.1:")
            .await;
    }
    assert_ends(&["handshake:status=410"], &TRANSCRIPT, 66, "410 (").await;
    assert_ends(&["rest:status=410"], &NOTIFICATIONS, 66, "410 (").await;
}

// Fails in Wine 8, which shuts a connection down before it resets it.
#[tokio::test]
async fn giving_up_is_69() {
    let refusing = refusing_socket();
    let refusing_url = format!("http://{}", refusing.local_addr().unwrap());
    assert_ends(
        &[],
        &["--api-url", &refusing_url, "--login-url", &refusing_url],
        69,
        "gave up after 1 attempt: cannot reach 127.0.0.1:",
    )
    .await;
    for (fault, source, words) in [
        ("token:status=503", TRANSCRIPT, "503 ("),
        ("token:status=429", TRANSCRIPT, "429 ("),
        ("token:reset", TRANSCRIPT, "connection reset"),
        ("handshake:status=503", TRANSCRIPT, "503 ("),
        ("handshake:hang", TRANSCRIPT, "no response from 127.0.0.1:"),
        ("socket:close=1011", TRANSCRIPT, "connection lost: closed by the server with 1011"),
        ("socket:reset", TRANSCRIPT, "connection lost: "),
        ("token:status=503", NOTIFICATIONS, "503 ("),
        ("rest:status=503", NOTIFICATIONS, "503 ("),
        ("rest:hang", NOTIFICATIONS, "no response from 127.0.0.1:"),
        ("channel:status=429", NOTIFICATIONS, "429 ("),
        ("channel:reset", NOTIFICATIONS, "connection reset"),
        ("notify:close=1000", NOTIFICATIONS, "connection lost: closed by the server with 1000"),
        ("notify:reset", NOTIFICATIONS, "connection lost: "),
    ] {
        // A short timeout only where the fault needs one: a busy machine takes longer for the other responses.
        let timeout: &[&str] = if fault.ends_with("hang") { &["--connect-timeout", "100ms"] } else { &[] };
        let finished = assert_ends(&[&format!("{fault},times=always")], &[timeout, &source].concat(), 69, words).await;
        assert!(finished.stderr.contains("error: gave up after 1 attempt: "), "{}", finished.stderr);
        assert_eq!(finished.stderr.lines().last().map(|hint| hint.starts_with("  tip: ")), Some(true), "{fault}");
    }
    let simulator = simulator("", &[]).await;
    let used_address = simulator.base_url().strip_prefix("http://").unwrap();
    let finished = Running::start(&mut bare_program(&["simulate", "--listen", used_address])).finish().await;
    assert_eq!(finished.code, Some(69));
    assert_plain(&finished, "cannot start the simulator: Address already in use");
}

#[tokio::test]
async fn giving_up_reports_the_last_of_several_causes() {
    let simulator = simulator("", &["token:status=502", "token:status=503,after=1"]).await;
    let finished = run(&simulator, &["--max-retries", "1"]).await;
    assert_eq!(finished.code, Some(69));
    assert!(finished.stderr.contains("502 (") && finished.stderr.contains("; retry 1 of 1 in "), "{}", finished.stderr);
    assert_plain(&finished, "gave up after 2 attempts in a row: sign-in at 127.0.0.1:");
}

/// Set in the process that the test of bugs starts: its own executable, because a bug ends the process.
const PANICKING_PROCESS: &str = "GENESYS_TAIL_TEST_PANIC";

/// The binary has no known bug to provoke, so the test panics after `run`, which has installed the panic hook.
#[test]
fn a_bug_is_70_and_reports_only_its_location() {
    if std::env::var_os(PANICKING_PROCESS).is_some() {
        let ended = genesys_tail::run(Invocation {
            cli: Cli::parse_from_args(["genesys-tail", "man"].map(Into::into)).unwrap(),
            variables: Vec::new(),
            folder: Path::new("/"),
            stdin: &mut std::io::empty(),
            stdout: genesys_tail::open_stdout().unwrap(),
            stdout_is_terminal: false,
            stderr_is_terminal: false,
        });
        panic!("{ended:?}, and what the customer said");
    }
    let name = "exit_codes::a_bug_is_70_and_reports_only_its_location";
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", name, "--nocapture"]).env(PANICKING_PROCESS, "1").output().unwrap();
    let stderr = without_times(&String::from_utf8(output.stderr).unwrap());
    let words = format!("genesys-tail: error: internal error at {}:", file!());
    assert_eq!(output.status.code(), Some(70), "{stderr}");
    assert!(stderr.starts_with(&words) && stderr.ends_with("\n  tip: report it with this message\n"), "{stderr}");
    assert!(stderr.lines().count() == 2 && !stderr.contains("customer"), "{stderr}");
}

#[tokio::test]
async fn an_unwritable_recording_is_74() {
    let simulator = simulator("+0 customer Ada: Hello", &[]).await;
    let finished = run(&simulator, &["--record", "/nowhere/a.rec"]).await;
    assert_eq!(finished.code, Some(74));
    assert_plain(&finished, &format!("cannot record to /nowhere/a.rec: {}", missing_folder_text()));
    assert!(finished.stderr.ends_with("\n  tip: create the folder of the file\n"), "{}", finished.stderr);
}

#[tokio::test]
async fn an_unexpected_response_is_76() {
    for (faults, words) in [
        ("token:garbage", "no access_token"),
        ("token:not-json", "a web page"),
        ("token:status=404", "sign-in: 404 ("),
        ("token:redirect=307", "sign-in: 307 "),
        ("handshake:ok", "handshake: 200 "),
        ("handshake:redirect=302", "handshake: 302 "),
        ("handshake:status=418,body=a teapot", "handshake: 418 (a teapot)"),
        ("handshake:status=501", "handshake: 501 ("),
        ("handshake:bad-accept", "Sec-WebSocket-Accept is wrong"),
    ] {
        assert_ends(&[faults], &TRANSCRIPT, 76, words).await;
    }
    for (faults, words) in [
        ("rest:not-json", "a web page"),
        ("rest:empty", "not a conversation"),
        ("rest:redirect=302", ": 302 "),
        ("rest:status=418,body=a teapot", ": 418 (a teapot)"),
        ("rest:status=501", ": 501 ("),
        ("channel:not-json", "a web page"),
    ] {
        assert_ends(&[faults], &NOTIFICATIONS, 76, words).await;
    }
}

#[tokio::test]
async fn if_both_sources_are_refused_the_more_specific_code_wins_and_both_are_named() {
    for (transcript, rest, code) in [
        ("status=410", "status=403", 77),
        ("status=410", "status=401,times=always", 77),
        ("status=410", "not-json", 66),
        ("status=501", "status=404", 66),
        ("ok", "status=418", 76),
    ] {
        let (transcript, rest) = (format!("handshake:{transcript}"), format!("rest:{rest}"));
        let finished = assert_ends(&[&transcript, &rest], &[], code, "; transcript socket: ").await;
        assert!(finished.stderr.contains("there is no transcript socket here"), "{}", finished.stderr);
    }
    for (rest, code) in [("status=403", 77), ("status=401,times=always", 77), ("not-json", 76), ("status=404", 66)] {
        let finished = assert_ends(&["handshake:status=404", &format!("rest:{rest}")], &[], code, "error: ").await;
        assert!(!finished.stderr.contains("transcript socket"), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn refused_credentials_and_missing_permissions_are_77() {
    let hint = "a client exists only in its own region";
    let refused = assert_ends(&[], &["--client-id", "wrong"], 77, "failed: 400 (client not found)").await;
    assert!(refused.stderr.contains(hint));
    assert_ends(&["token:status=401"], &[], 77, "401 (").await;
    assert_ends(&["token:status=403"], &[], 77, "403 (").await;
    assert_ends(&["handshake:status=401,times=always"], &[], 77, "rejected a new token: 401 (").await;
    assert_ends(&["handshake:status=403"], &[], 77, "missing the following permission(s): conversation:message:view")
        .await;
    assert_ends(&["rest:status=401,times=always"], &NOTIFICATIONS, 77, "rejected a new token: 401 (").await;
    for permission in ["conversation:communication:view", "conversation:message:view"] {
        assert_ends(&[&format!("rest:deny={permission}")], &NOTIFICATIONS, 77, permission).await;
    }
    assert_ends(&["socket:forbid,times=always"], &[], 77, "connection lost: closed by the server with 1008").await;
}

#[tokio::test]
async fn all_problems_of_the_settings_are_one_message_and_78() {
    let finished = Running::start(&mut bare_program(&[])).finish().await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(78), ""));
    assert_plain(&finished, "settings missing: conversation (--conversation, GENESYS_CONVERSATION_ID), client id (");
    let problems = ["-c", "a b", "--region", "europe", "--idle-timeout", "5s", "--cacert", "/nowhere/ca.pem"];
    let finished = Running::start(&mut bare_program(&problems)).finish().await;
    assert_eq!(finished.code, Some(78));
    for part in ["--client-id, GENESYS_CLIENT_ID", "--client-secret-file, GENESYS_CLIENT_SECRET", "'a b'"] {
        assert_plain(&finished, part);
    }
    let no_certificate = format!("--cacert /nowhere/ca.pem: {}", missing_folder_text());
    for part in ["--region: ", "--idle-timeout 5s", &no_certificate] {
        assert_plain(&finished, part);
    }
    for (args, words) in [
        (["--fault", "bogus"], "--fault 'bogus': "),
        (["--script", "/nowhere/x"], "--script '/nowhere/x': no such file"),
    ] {
        let finished = Running::start(&mut bare_program(&[&["simulate"][..], &args].concat())).finish().await;
        assert_eq!(finished.code, Some(78));
        assert_plain(&finished, words);
    }
}

#[tokio::test]
async fn the_first_failure_of_several_conversations_decides_after_the_others_have_ended() {
    let simulator = simulator("+0.2 customer Ada: Hello\n+0 close", &[]).await;
    let existing = simulator.first_conversation().id().to_owned();
    let finished = run(&simulator, &["-c", "nonesuch", "-c", &existing, "--timestamps", "none"]).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stderr);
    assert!(finished.stdout.contains("[Customer] Ada: Hello\n"), "{}", finished.stdout);
    assert!(
        finished.stderr.contains("nonesuch: ") && finished.stderr.contains("conversation nonesuch not found at 127")
    );
    assert!(finished.stderr.contains("error: 1 of 2 conversations failed\n"));
}

#[tokio::test]
async fn a_refused_conversation_decides_before_a_later_failure_of_the_source() {
    let options = Options { conversations: vec!["alpha".into(), "beta".into()], ..Options::default() };
    let faults = ["rest:status=404,path=/conversations/alpha", "channel:status=503"];
    let simulator = simulator_with("", &faults, options).await;
    let arguments = ["-c", "alpha", "-c", "beta", "--source", "notifications", "--max-retries", "0"];
    let finished = run(&simulator, &arguments).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stderr);
    let errors: Vec<&str> = finished.stderr.lines().filter(|line| line.contains("error: ")).collect();
    let expected = ["conversation alpha not found", "gave up after 1 attempt", "2 of 2 conversations failed"];
    assert_eq!(errors.len(), expected.len(), "{errors:?}");
    assert!(errors.iter().zip(expected).all(|(error, expected)| error.contains(expected)), "{errors:?}");
}

#[tokio::test]
async fn the_final_error_is_json_with_log_format_json() {
    let simulator = simulator("", &[]).await;
    for args in [&["-c", "nonesuch"][..], &["-c", "a b"]] {
        let finished = run(&simulator, &[&["--log-format", "json"], args].concat()).await;
        let lines: Vec<serde_json::Value> =
            finished.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let errors = lines.iter().filter(|line| line["level"] == "error").count();
        assert_eq!((errors, &lines.last().unwrap()["level"]), (1, &"error".into()), "{lines:?}");
        assert!(lines.iter().all(|line| line["message"].is_string()), "{lines:?}");
    }
}
