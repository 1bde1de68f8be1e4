//! How the built binary fails, and what it says then: contract section 7.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use genesys_tail::Invocation;
use genesys_tail::cli::Cli;

use crate::support::program::{Finished, Running, bare_program, program, run, simulator, within_timeout};
use crate::support::shell::with_shell_setup;
use tempfile::tempdir;
use tokio::time::timeout;

const TRANSCRIPT: [&str; 2] = ["--source", "transcript"];
const NOTIFICATIONS: [&str; 2] = ["--source", "notifications"];

/// Everything is one or two lines in plain words: what failed and, set in, what to do.
fn assert_plain(finished: &Finished, words: &str) {
    let said = &finished.stderr;
    let error: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("genesys-tail: error: ")).collect();
    assert!(!error.is_empty() && error[0].contains(words), "{words:?} is not in: {said}");
    assert!(error.len() == 1 || error.len() == 2 && error[1].starts_with("  "), "{said}");
    for debug in ["os error", "Err(", "Some(", "Error {", "panicked", "RUST_BACKTRACE", "::", "unwrap"] {
        assert!(!said.contains(debug), "{debug:?} is in: {said}");
    }
}

/// Tails a conversation that has these faults, with one attempt, and expects this end.
async fn expect(faults: &[&str], args: &[&str], code: i32, words: &str) -> Finished {
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
async fn what_only_a_flag_can_say_is_2() {
    let usages: [&[&str]; 6] = [
        &["--bogus"],
        &["--color", "maybe"],
        &["--max-retries", "many"],
        &["simulate", "--listen", "0.0.0.0:0"],
        &["completions", "nosh"],
        &["--demo", "-c", "x"],
    ];
    for args in usages {
        let finished = Running::start(&mut bare_program(args)).finish().await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("--help"), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn no_such_conversation_is_66() {
    for source in ["transcript", "notifications", "auto"] {
        expect(&[], &["-c", "nonesuch", "--source", source], 66, "has no conversation nonesuch: 404 (").await;
    }
    expect(&["handshake:status=410"], &TRANSCRIPT, 66, "410 (").await;
    expect(&["rest:status=410"], &NOTIFICATIONS, 66, "410 (").await;
}

#[tokio::test]
async fn giving_up_is_69() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let (nobody, silent) = (format!("http://{}", free.local_addr().unwrap()), &["--connect-timeout", "100ms"][..]);
    drop(free);
    expect(
        &[],
        &["--api-url", &nobody, "--login-url", &nobody],
        69,
        "gave up after 1 attempt in a row: cannot reach 127.0.0.1:",
    )
    .await;
    for (fault, source, words) in [
        ("token:status=503", TRANSCRIPT, "503 ("),
        ("token:status=429", TRANSCRIPT, "429 ("),
        ("token:reset", TRANSCRIPT, "connection reset"),
        ("handshake:status=503", TRANSCRIPT, "503 ("),
        ("handshake:hang", TRANSCRIPT, "no answer from 127.0.0.1:"),
        ("socket:close=1011", TRANSCRIPT, "closed by the server with 1011"),
        ("socket:reset", TRANSCRIPT, "connection lost: "),
        ("token:status=503", NOTIFICATIONS, "503 ("),
        ("rest:status=503", NOTIFICATIONS, "503 ("),
        ("rest:hang", NOTIFICATIONS, "no answer from 127.0.0.1:"),
        ("channel:status=429", NOTIFICATIONS, "429 ("),
        ("channel:reset", NOTIFICATIONS, "connection reset"),
        ("notify:close=1000", NOTIFICATIONS, "closed by the server with 1000"),
        ("notify:reset", NOTIFICATIONS, "connection lost: "),
    ] {
        // A busy machine takes longer than that to refuse something.
        let patience = if fault.ends_with("hang") { silent } else { &[] };
        let finished = expect(&[&format!("{fault},times=always")], &[patience, &source].concat(), 69, words).await;
        assert!(finished.stderr.contains("error: gave up after 1 attempt in a row: "), "{}", finished.stderr);
        assert_eq!(finished.stderr.lines().last().map(|hint| hint.starts_with("  ")), Some(true), "{fault}");
    }
    let simulator = simulator("", &[]).await;
    let taken = simulator.base_url().strip_prefix("http://").unwrap();
    let finished = Running::start(&mut bare_program(&["simulate", "--listen", taken])).finish().await;
    assert_eq!(finished.code, Some(69));
    assert_plain(&finished, "cannot start the simulator: Address already in use");
}

#[tokio::test]
async fn the_last_cause_of_several_attempts_is_told() {
    let simulator = simulator("", &["token:status=502", "token:status=503,after=1"]).await;
    let finished = run(&simulator, &["--max-retries", "1"]).await;
    assert_eq!(finished.code, Some(69));
    assert!(finished.stderr.contains("502 (") && finished.stderr.contains("; retry 1 of 1 in "), "{}", finished.stderr);
    assert_plain(&finished, "gave up after 2 attempts in a row: sign-in at 127.0.0.1:");
}

/// Set where this test runs itself, since a bug ends the process.
const VICTIM: &str = "GENESYS_TAIL_TEST_VICTIM";

/// No bug can be had on request: this one stands in a process that has begun like the binary.
#[test]
fn a_bug_is_told_by_its_place_alone_and_is_70() {
    if std::env::var_os(VICTIM).is_some() {
        let ended = genesys_tail::run(Invocation {
            cli: Cli::parse_from_args(["genesys-tail", "man"].map(Into::into)).unwrap(),
            variables: Vec::new(),
            folder: Path::new("/"),
            stdin: &mut std::io::empty(),
            stdout: File::options().write(true).open("/dev/null").unwrap(),
            terminal: false,
            watched: false,
        });
        panic!("{ended:?}, and what the customer said");
    }
    let name = "exit_codes::a_bug_is_told_by_its_place_alone_and_is_70";
    let mut itself = Command::new(std::env::current_exe().unwrap());
    let output = itself.args(["--exact", name, "--nocapture"]).env(VICTIM, "1").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let words = format!("genesys-tail: error: a bug in this program, found at {}:", file!());
    assert_eq!(output.status.code(), Some(70), "{said}");
    assert!(said.starts_with(&words) && said.ends_with("\n  please report it with this message\n"), "{said}");
    assert!(said.lines().count() == 2 && !said.contains("customer"), "{said}");
}

/// The runtime panics then, which is no bug of ours. Only 3 to 9 can be closed here: of what else this process has
/// inherited depends how many files are enough.
#[tokio::test]
async fn a_system_without_means_is_70() {
    for files in 5..=16 {
        let setup = format!("exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ulimit -n {files}");
        let finished = Running::start(&mut with_shell_setup(&setup, &bare_program(&["--replay", "-"]))).finish().await;
        if files > 10 && finished.code == Some(0) {
            continue;
        }
        assert_eq!(finished.code, Some(70), "{files} files: {}", finished.stderr);
        assert_plain(&finished, "cannot start: Too many open files");
        assert!(finished.stderr.ends_with("  raise the limit of open files (ulimit -n)\n"), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn an_output_or_a_recording_that_cannot_be_written_is_74() {
    let simulator = simulator("+0 customer Ada: Hello", &[]).await;
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let finished = Running::start(program(&simulator, &[]).stdout(full())).finish().await;
    assert_eq!(finished.code, Some(74), "{}", finished.stderr);
    assert_plain(&finished, "cannot write the output: No space left on device");
    assert!(!finished.stderr.contains(" line"), "nothing is claimed: {}", finished.stderr);
    for args in
        [&["simulate"][..], &["simulate", "--fault", "help"], &["completions", "zsh"], &["man"], &["-h"], &["-V"]]
    {
        let finished = Running::start(bare_program(args).stdout(full())).finish().await;
        assert_eq!(finished.code, Some(74), "{args:?}");
        assert_plain(&finished, "cannot write the output: ");
    }
    let finished = run(&simulator, &["--record", "/nowhere/a.rec"]).await;
    assert_eq!(finished.code, Some(74));
    assert_plain(&finished, "cannot record to /nowhere/a.rec: No such file or directory");
    assert!(finished.stderr.ends_with("\n  its folder has to be there\n"), "{}", finished.stderr);
}

#[tokio::test]
async fn a_recording_that_runs_full_is_74_and_a_slow_reader_still_gets_what_was_read() {
    let simulator = simulator("", &["socket:burst=20000"]).await;
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.rec");
    let (style, path) = (["--timestamps", "none"], path.to_str().unwrap());
    let record = program(&simulator, &[&style[..], &["--record", path]].concat());
    // A file may hold a mebibyte, and who writes more is told so instead of being killed.
    let mut running = Running::start(&mut with_shell_setup("trap '' XFSZ; ulimit -f 2048", &record));
    within_timeout(simulator.wait_for(|log| log.transcript_sockets.len() == 1 && log.open_transcript_sockets() == 0))
        .await;
    let left = timeout(Duration::from_millis(200), running.child.wait()).await;
    assert!(left.is_err(), "it left before its reader had read");
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(74), "{}", finished.stderr);
    assert_plain(&finished, &format!("cannot record to {path}: "));
    let replayed = Running::start(&mut bare_program(&[&style[..], &["--replay", path]].concat())).finish().await;
    assert!(replayed.stdout.len() > 64 << 10, "more than a pipe holds");
    assert!(finished.stdout.starts_with(&replayed.stdout), "what was recorded was printed");
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_76() {
    for (faults, words) in [
        ("token:garbage", "its answer holds no access_token"),
        ("token:not-json", "its answer is a web page"),
        ("token:status=404", "it says 404 ("),
        ("token:redirect=307", "it says 307 "),
        ("handshake:ok", "it says 200 "),
        ("handshake:redirect=302", "it says 302 "),
        ("handshake:status=418,body=a teapot", "it says 418 (a teapot)"),
        ("handshake:status=501", "it says 501 ("),
        ("handshake:bad-accept", "Sec-WebSocket-Accept is wrong"),
    ] {
        expect(&[faults], &TRANSCRIPT, 76, words).await;
    }
    for (faults, words) in [
        ("rest:not-json", "its answer is a web page"),
        ("rest:empty", "its answer is no conversation"),
        ("rest:redirect=302", "it says 302 "),
        ("rest:status=418,body=a teapot", "it says 418 (a teapot)"),
        ("rest:status=501", "it says 501 ("),
        ("channel:not-json", "its answer is a web page"),
    ] {
        expect(&[faults], &NOTIFICATIONS, 76, words).await;
    }
}

#[tokio::test]
async fn where_both_wires_are_refused_the_more_specific_code_wins_and_both_are_told() {
    for (transcript, published, code) in [
        ("status=404", "status=403", 77),
        ("status=404", "status=401,times=always", 77),
        ("status=404", "not-json", 66),
        ("status=501", "status=404", 66),
        ("ok", "status=418", 76),
    ] {
        let (transcript, published) = (format!("handshake:{transcript}"), format!("rest:{published}"));
        let finished =
            expect(&[&transcript, &published], &[], code, "; before that, the transcript socket was refused: ").await;
        assert!(finished.stderr.contains("there is no transcript socket here"), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn refused_credentials_and_missing_permission_are_77() {
    let client = "a client exists only in its own";
    let refused = expect(&[], &["--client-id", "wrong"], 77, "is refused: 400 (client not found)").await;
    assert!(refused.stderr.contains(client));
    expect(&["token:status=401"], &[], 77, "401 (").await;
    expect(&["token:status=403"], &[], 77, "403 (").await;
    expect(&["handshake:status=401,times=always"], &[], 77, "refuses a token it has just granted: 401 (").await;
    expect(&["handshake:status=403"], &[], 77, "missing the following permission(s): conversation:message:view").await;
    expect(&["rest:status=401,times=always"], &NOTIFICATIONS, 77, "refuses a token it has just granted: 401 (").await;
    for permission in ["conversation:communication:view", "conversation:message:view"] {
        expect(&[&format!("rest:deny={permission}")], &NOTIFICATIONS, 77, permission).await;
    }
    expect(&["socket:forbid,times=always"], &[], 77, "closed by the server with 1008").await;
}

#[tokio::test]
async fn settings_are_78_all_of_them_in_one_message() {
    let finished = Running::start(&mut bare_program(&[])).finish().await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(78), ""));
    assert_plain(&finished, "settings missing: conversation (--conversation, GENESYS_CONVERSATION_ID), client id (");
    let several = ["-c", "a b", "--region", "europe", "--idle-timeout", "5s", "--cacert", "/nowhere/ca.pem"];
    let finished = Running::start(&mut bare_program(&several)).finish().await;
    assert_eq!(finished.code, Some(78));
    for part in ["--client-id, GENESYS_CLIENT_ID, GENESYSCLOUD_OAUTHCLIENT_ID", "GENESYS_CLIENT_SECRET", "\"a b\""] {
        assert_plain(&finished, part);
    }
    for part in ["--region: ", "--idle-timeout 5s", "--cacert /nowhere/ca.pem: No such file or directory"] {
        assert_plain(&finished, part);
    }
    for (args, words) in [
        (["--fault", "bogus"], "--fault: fault 'bogus': "),
        (["--script", "/nowhere/x"], "--script: '/nowhere/x' is none of the built-in scripts (demo, "),
    ] {
        let finished = Running::start(&mut bare_program(&[&["simulate"][..], &args].concat())).finish().await;
        assert_eq!(finished.code, Some(78));
        assert_plain(&finished, words);
    }
}

#[tokio::test]
async fn of_several_conversations_the_first_failure_decides_when_the_others_are_over() {
    let simulator = simulator("+0.2 customer Ada: Hello\n+0 close", &[]).await;
    let good = simulator.first_conversation().id().to_owned();
    let finished = run(&simulator, &["-c", "nonesuch", "-c", &good, "--timestamps", "none"]).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stderr);
    assert!(finished.stdout.contains("[Customer] Ada: Hello\n"), "{}", finished.stdout);
    assert!(finished.stderr.contains("nonesuch: ") && finished.stderr.contains("has no conversation nonesuch: 404"));
    assert!(finished.stderr.ends_with("error: 1 of 2 conversations could not be followed to their end\n"));
}

#[tokio::test]
async fn what_is_closed_or_gone_from_the_start_changes_no_code() {
    for (setup, reaches_us) in [
        ("exec <&-", true),
        ("exec 2>&-", true),
        ("exec 2>/dev/full", true),
        ("exec >&-", false),
        ("folder=$(mktemp -d); cd \"$folder\"; rmdir \"$folder\"", true),
    ] {
        let simulator = simulator("+0 customer Ada: Hello\n+0 close", &[]).await;
        let tail = program(&simulator, &["--timestamps", "none"]);
        let finished = Running::start(&mut with_shell_setup(setup, &tail)).finish().await;
        assert_eq!(finished.code, Some(0), "{setup}: {}", finished.stderr);
        assert_eq!(finished.stdout.contains("[Customer] Ada: Hello\n"), reaches_us, "{setup}");
    }
}

#[tokio::test]
async fn the_final_error_is_json_where_that_is_asked_for() {
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
