//! Lines on stderr (ERR-1 to ERR-11, CLI-49, CLI-50, OUT-30, SEC-1).

use crate::support::program::{
    Finished, Running, bare_program, program, run, simulator, simulator_with, simulator_without_history, within_timeout,
};
#[cfg(unix)]
use crate::support::pty::{StdoutTarget, Terminal};
use genesys_tail::simulator::{Options, Request, RequestLog, Simulator, Sources};
use regex::Regex;
use serde_json::Value;
#[cfg(unix)]
use vt100::Color;

const SCRIPT: &str = "+0 customer Ada: Hello\n+0 close";

/// Returns the lines with `HOST` in place of the address of the simulator.
fn lines_without_port(stderr: &str) -> Vec<String> {
    let port = Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    stderr.lines().map(|line| port.replace_all(line, "HOST").into_owned()).collect()
}

/// Waits for this number of connections so far, one of them open.
async fn wait_for_connections(simulator: &Simulator, count: usize) {
    within_timeout(
        simulator.wait_for(|log| log.transcript_sockets.len() == count && log.open_transcript_sockets() > 0),
    )
    .await;
}

#[tokio::test]
async fn a_run_without_history_logs_its_reconnect_and_its_gap() {
    let simulator = simulator_without_history("", &[]).await;
    let conversation = simulator.first_conversation();
    let mut running = Running::start(&mut program(&simulator, &["-v", "--json"]));
    wait_for_connections(&simulator, 1).await;
    conversation.play("customer Ada: Hello").await.unwrap();
    running.next_line().await;
    simulator.revoke_tokens();
    conversation.apply_fault("forbid").await.unwrap();
    running.wait_for_stderr("retry 1").await;
    wait_for_connections(&simulator, 2).await;
    conversation.play("close").await.unwrap();
    let Finished { code, stdout, stderr, .. } = running.finish().await;
    assert_eq!(code, Some(0));
    assert_lines(
        &with_connected_before_history(&stderr),
        &[
            r"genesys-tail: debug: API at HOST, sign-in at HOST, source auto",
            r"genesys-tail: connected to HOST \(transcript\)",
            r"genesys-tail: conversation history is not available: not found at HOST: 404 \(.*\)",
            r"genesys-tail: warning: connection lost: closed by the server with 1008 \(token expired\); retry 1 of 5 in [12]\.\d s",
            r"genesys-tail: debug: token renewed",
            r"genesys-tail: reconnected to HOST \(transcript\) after [12] s",
            r"genesys-tail: conversation ended: 3 lines, 1 reconnect, 1 gap",
        ],
    );
    let gap: Value = serde_json::from_str(stdout.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&gap["type"], &gap["reason"]),
        (&"gap".into(), &"connection lost: closed by the server with 1008 (token expired)".into())
    );
    assert!(gap["from"].as_str() < gap["to"].as_str() && gap["ts"] == gap["to"], "{gap}");
    assert!(matches!(gap["seconds"].as_u64(), Some(1 | 2)), "{gap}");
}

/// OUT-5.
#[tokio::test]
async fn the_summary_counts_hidden_gaps() {
    let simulator = simulator_without_history("+0 customer Ada: Hello", &["socket:close=1011,after=1"]).await;
    let mut running = Running::start(&mut program(&simulator, &["--hide", "gap,closed"]));
    running.wait_for_stderr("reconnected").await;
    simulator.first_conversation().play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.stdout.lines().count(), 1, "{}", finished.stdout);
    assert!(finished.stderr.contains("conversation ended: 1 line, 1 reconnect, 1 gap"), "{}", finished.stderr);
}

/// Returns the lines with `connected` before the refusal of the history, which may arrive in either order.
fn with_connected_before_history(stderr: &str) -> String {
    let mut lines: Vec<&str> = stderr.lines().collect();
    let find = |words: &str| lines.iter().position(|line| line.contains(words));
    if let (Some(connected), Some(history)) = (find("connected to"), find("history is not available"))
        && history < connected
    {
        lines.swap(history, connected);
    }
    lines.join("\n") + "\n"
}

#[tokio::test]
async fn a_run_with_history_logs_its_reconnect_and_the_missed_messages() {
    for (sources, fault) in [(Sources::Both, "socket:close=1011"), (Sources::NotificationsOnly, "notify:close=1001")] {
        let simulator = simulator_with("", &[], Options { sources, ..Options::default() }).await;
        let conversation = simulator.first_conversation();
        conversation.play("customer Ada: Hello").await.unwrap();
        let mut running = Running::start(&mut program(&simulator, &["--json"]));
        running.next_line().await;
        if let Some(socket_fault) = fault.strip_prefix("socket:") {
            conversation.apply_fault(socket_fault).await.unwrap();
        }
        simulator.apply_fault(fault).await.unwrap();
        running.wait_for_stderr("retry 1").await;
        conversation.play("customer Ada: Are you there?").await.unwrap();
        running.next_line().await;
        conversation.play("close").await.unwrap();
        let Finished { code, stderr, .. } = running.finish().await;
        assert_eq!(code, Some(0));
        let expected = [
            r"genesys-tail: connected to HOST \([a-z]+\)",
            r"genesys-tail: warning: connection lost: closed by the server with 10[01]1; retry 1 of 5 in [12]\.\d s",
            r"genesys-tail: reconnected to HOST \([a-z]+\) after [12] s",
            r"genesys-tail: 1 missed message fetched",
            r"genesys-tail: conversation ended: \d lines, 1 missed message fetched, 1 reconnect",
        ];
        assert_lines(&stderr, &expected);
    }
}

fn assert_lines(stderr: &str, expected: &[&str]) {
    let lines = lines_without_port(stderr);
    assert_eq!(lines.len(), expected.len(), "{stderr}");
    for (line, pattern) in lines.iter().zip(expected) {
        assert!(Regex::new(&format!("^{pattern}$")).unwrap().is_match(line), "{line}");
    }
}

#[tokio::test]
async fn flags_and_the_log_variable_set_the_level_and_flags_win() {
    for (args, filter, expected) in [
        (&[][..], "", &["connected", "conversation"][..]),
        (&["-q"], "", &[]),
        (&["-q"], "debug", &[]),
        (&[], "error", &[]),
        (&["-v"], "", &["debug:", "connected", "debug:", "conversation"]),
        (&[], "debug", &["debug:", "connected", "debug:", "conversation"]),
        (&["-vv"], "", &["debug:", "connected", "trace:", "trace:", "debug:", "conversation"]),
    ] {
        let simulator = simulator(SCRIPT, &["socket:unknown-event,after=1"]).await;
        let mut command = program(&simulator, args);
        let finished = Running::start(command.env("GENESYS_TAIL_LOG", filter)).finish().await;
        assert_eq!((finished.code, finished.stdout.lines().count()), (Some(0), 2));
        let second_words: Vec<&str> = finished.stderr.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
        assert_eq!(second_words, expected, "{args:?} {filter}");
    }
}

#[tokio::test]
async fn the_final_error_is_printed_even_when_quiet() {
    let simulator = simulator(SCRIPT, &["handshake:status=403,body=[missing conversation:view]"]).await;
    let finished = run(&simulator, &["-q"]).await;
    let expected = [
        "genesys-tail: error: permission denied by HOST: 403 ([missing conversation:view])",
        "  tip: give the OAuth client a role with this permission, in the division of the conversation",
    ];
    assert_eq!((finished.code, lines_without_port(&finished.stderr)), (Some(77), expected.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn in_json_format_every_line_is_an_object_including_the_final_error() {
    let faults = ["socket:unknown-event", "socket:malformed,after=1", "socket:close=1011,reason=bye,after=1"];
    let simulator = simulator("+0 customer Ada: Hello", &faults).await;
    let failed = run(&simulator, &["-vv", "--log-format", "json", "--max-retries", "0"]).await;
    let unset = Running::start(&mut bare_program(&["--log-format", "json", "-q"])).finish().await;
    assert_eq!((failed.code, unset.code), (Some(69), Some(78)));
    let objects = |stderr: &str| -> Vec<Value> {
        stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    };
    let (failed, unset) = (objects(&failed.stderr), objects(&unset.stderr));
    let levels: Vec<_> = failed.iter().map(|line| line["level"].as_str().unwrap()).collect();
    // The two trace lines are the two requests that read the history.
    assert_eq!(levels, ["debug", "info", "trace", "trace", "debug", "warning", "error"]);
    assert!(failed[6]["message"].as_str().unwrap().contains("connection lost: closed by the server with 1011 (bye)"));
    assert_eq!((unset.len(), &unset[0]["level"]), (1, &"error".into()));
    assert!(unset[0]["message"].as_str().unwrap().contains("GENESYS_CLIENT_ID"), "{}", unset[0]);
}

#[tokio::test]
async fn credentials_that_a_server_repeats_are_redacted() {
    for fault in ["token:echo=401", "token:echo=503", "handshake:echo=403", "handshake:echo=503", "handshake:echo=418"]
    {
        let simulator = simulator("", &[&format!("{fault},times=always")]).await;
        for format in ["text", "json"] {
            let finished = run(&simulator, &["-vv", "--max-retries", "0", "--log-format", format]).await;
            assert_ne!(finished.code, Some(0));
            assert_secrets_redacted(&simulator, &finished.stderr);
        }
    }
    let simulator = simulator("", &[]).await;
    let running = Running::start(&mut program(&simulator, &["-vv", "--max-retries", "0"]));
    wait_for_connections(&simulator, 1).await;
    let token = simulator.request_log().transcript_sockets[0].token.clone();
    simulator.first_conversation().close(1011, &format!("bad {token}")).await;
    assert_secrets_redacted(&simulator, &running.finish().await.stderr);
}

fn assert_secrets_redacted(simulator: &Simulator, stderr: &str) {
    use base64::Engine;
    let (id, secret) = (simulator.client_id(), simulator.client_secret());
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    assert!(stderr.contains("[redacted]"), "{stderr}");
    let tokens = simulator.request_log().token_requests.into_iter().filter_map(|request| request.token);
    for secret in tokens.chain([secret.to_owned(), basic]) {
        assert!(!stderr.contains(&secret), "{secret} in {stderr}");
    }
}

#[tokio::test]
async fn the_password_of_a_proxy_is_never_printed() {
    const UUID: &str = "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";
    let mut command =
        bare_program(&["-vv", "--max-retries", "0", "--proxy", "http://ada:hunter-22@127.0.0.1:1", "-c", UUID]);
    command.envs([("GENESYS_CLIENT_ID", "id"), ("GENESYS_CLIENT_SECRET", "secret")]);
    let Finished { code, stderr, .. } = Running::start(&mut command).finish().await;
    assert_eq!(code, Some(69), "{stderr}");
    assert!(stderr.contains("cannot reach"), "{stderr}");
    assert!(!stderr.contains("hunter-22") && !stderr.contains("YWRhOmh1bnRlci0yMg"), "{stderr}");
}

#[tokio::test]
async fn text_of_a_server_cannot_forge_a_line_or_control_the_terminal() {
    // The lines are `connected`, the error and, as text, its hint.
    let cases = [("text", 3, r"1011 (x\nforged\x1b[2J\u{202e})"), ("json", 2, r"1011 (x\nforged\u001b[2J\u202e)")];
    for (format, lines, escaped) in cases {
        let simulator = simulator("", &[]).await;
        let mut running = Running::start(&mut program(&simulator, &["--max-retries", "0", "--log-format", format]));
        running.wait_for_stderr("connected to ").await;
        simulator.first_conversation().close(1011, "x\nforged\u{1b}[2J\u{202e}").await;
        let Finished { stderr, .. } = running.finish().await;
        assert_eq!(stderr.lines().count(), lines, "{stderr}");
        assert!(stderr.contains(escaped), "{stderr}");
        assert!(!stderr.contains(['\u{1b}', '\u{202e}']), "{stderr}");
    }
}

#[tokio::test]
async fn lines_about_one_of_several_conversations_carry_its_prefix() {
    let ids = ["97b9dcb3-1", "a1b2c3d4-2"];
    let conversations = ids.map(str::to_owned).to_vec();
    let simulator = simulator_with(SCRIPT, &[], Options { conversations, ..Options::default() }).await;
    let finished = run(&simulator, &["-c", ids[0], "-c", ids[1], "-c", "nonesuch", "--timestamps", "none"]).await;
    assert_eq!(finished.code, Some(66));
    let mut status = lines_without_port(&finished.stderr);
    status.sort_unstable();
    let expected = [
        "  tip: see the error of each conversation above",
        "genesys-tail: 97b9dcb3: connected to HOST (transcript)",
        "genesys-tail: a1b2c3d4: connected to HOST (transcript)",
        "genesys-tail: conversation ended: 4 lines",
        "genesys-tail: error: 1 of 3 conversations failed",
        "genesys-tail: error: nonesuch: conversation nonesuch not found at HOST: 404 (The conversation does not exist.); \
         check the conversation id and the region; a conversation exists only in its own region",
    ];
    assert_eq!(status, expected);
    for prefix in ["97b9dcb3", "a1b2c3d4"] {
        let lines: Vec<&str> = finished.stdout.lines().filter_map(|line| line.strip_prefix(prefix)).collect();
        assert_eq!(lines, [" [Customer] Ada: Hello", " [CLOSED] Conversation terminated"]);
    }
}

#[tokio::test]
async fn lines_about_the_history_of_one_of_several_conversations_carry_its_prefix() {
    for (sources, fault, message) in [
        (Sources::TranscriptOnly, "token:slow=1ms", "conversation history is not available: not found at HOST: 404"),
        (Sources::Both, "rest:status=503,times=2", "HOST is temporarily unavailable: 503"),
    ] {
        let conversations = vec!["alpha".to_owned(), "beta".to_owned()];
        let options = Options { conversations, sources, ..Options::default() };
        let simulator = simulator_with(SCRIPT, &[fault], options).await;
        let finished = run(&simulator, &["alpha", "beta"]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        let lines = lines_without_port(&finished.stderr);
        for id in ["alpha", "beta"] {
            let count = lines.iter().filter(|line| line.contains(&format!(" {id}: {message}"))).count();
            assert_eq!(count, 1, "{}", finished.stderr);
        }
    }
}

#[tokio::test]
async fn a_token_in_a_close_reason_is_on_neither_stream() {
    let simulator = simulator_without_history("", &["socket:replay"]).await;
    let mut running = Running::start(&mut program(&simulator, &["--json"]));
    wait_for_connections(&simulator, 1).await;
    let conversation = simulator.first_conversation();
    conversation.play("customer Ada: Hello").await.unwrap();
    running.next_line().await;
    let token = simulator.request_log().token_requests[0].token.clone().unwrap();
    conversation.close(1011, &format!("bad {token}")).await;
    let gap = running.next_line().await;
    assert!(gap.contains("connection lost: closed by the server with 1011 (bad [redacted])"), "{gap}");
    conversation.play("close").await.unwrap();
    let Finished { stdout, stderr, .. } = running.finish().await;
    assert!(![gap, stdout, stderr].concat().contains(&token));
}

// Windows takes the time zone from the system only.
#[cfg(unix)]
#[tokio::test]
async fn text_lines_start_with_the_local_time() {
    let simulator = simulator("", &["handshake:status=403,times=always"]).await;
    let timed = Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+01:00 genesys-tail: (debug|error): ").unwrap();
    let mut command = program(&simulator, &["-v", "--source", "transcript"]);
    let mut running = Running::start(command.env("TZ", "AAA-1"));
    running.wait_for_stderr("error: ").await;
    let stderr = running.timed_stderr();
    let lines = || stderr.lines().filter(|line| !line.starts_with("  tip: "));
    assert!(stderr.contains(" error: ") && lines().all(|line| timed.is_match(line)), "{stderr}");
}

// Windows has no journal.
#[cfg(unix)]
#[tokio::test]
async fn text_lines_have_no_time_if_stderr_is_the_journal() {
    use std::os::unix::fs::MetadataExt as _;

    let simulator = simulator("", &["handshake:status=403,times=always"]).await;
    let mut command = program(&simulator, &["-v", "--source", "transcript"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    let (device, inode) = (file.as_file().metadata().unwrap().dev(), file.as_file().metadata().unwrap().ino());
    for (stream, is_journal) in [(format!("{device}:{inode}"), true), (format!("{device}:1"), false)] {
        command.env("JOURNAL_STREAM", stream).stderr(file.reopen().unwrap());
        Running::start(&mut command).finish().await;
        let stderr = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(stderr.starts_with("genesys-tail: "), is_journal, "{stderr}");
    }
}

// Windows has no pseudo-terminals without unsafe code.
#[cfg(unix)]
#[tokio::test]
async fn on_a_terminal_lines_have_colors_and_no_times() {
    for (args, colors) in [
        (&[][..], [(Color::Idx(3), false), (Color::Default, true), (Color::Idx(1), false)]),
        (&["--color", "never"], [(Color::Default, false); 3]),
    ] {
        let simulator = simulator("", &["handshake:status=503"]).await;
        let mut terminal = Terminal::open(250);
        let command = program(&simulator, &[&["--source", "transcript", "--max-retries", "1"], args].concat());
        let running = Running::start(&mut terminal.command(&command, StdoutTarget::Pipe));
        for text in ["connected to ", "  tip: "] {
            terminal.wait_for_screen(|screen| screen.contents().contains(text)).await;
            simulator.first_conversation().close(1011, "").await;
        }
        let lines = terminal.lines();
        assert!(
            lines.iter().all(|line| line.starts_with("genesys-tail: ") || line.starts_with("  tip: ")),
            "{lines:?}"
        );
        for (start, color) in
            ["genesys-tail: warning: ", "genesys-tail: connected ", "genesys-tail: error: "].iter().zip(colors)
        {
            let row =
                lines.iter().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {lines:?}"));
            assert_eq!(terminal.color(row), color, "{start}: {lines:?}");
        }
        drop(running);
    }
}

#[tokio::test]
async fn json_lines_have_the_conversation_that_they_concern_and_durations_in_milliseconds() {
    let simulator = simulator("", &[]).await;
    let conversation = simulator.first_conversation();
    let mut running = Running::start(&mut program(&simulator, &["--log-format", "json", "--max-retries", "1"]));
    running.wait_for_stderr("connected to").await;
    conversation.close(1011, "").await;
    running.wait_for_stderr("reconnected to").await;
    conversation.close(1011, "").await;
    let Finished { code, stderr, .. } = running.finish().await;
    assert_eq!(code, Some(69), "{stderr}");
    let lines: Vec<Value> = stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        let numbers = line.as_object().unwrap().values().filter(|value| value.is_number());
        assert!(numbers.into_iter().all(Value::is_u64), "no fraction: {line}");
        assert_eq!(line["conversation"], conversation.id(), "{line}");
        assert!(line["ts"].is_string() && line["level"].is_string() && line["message"].is_string(), "{line}");
    }
    let [connected, lost, reconnected, .., error] = lines.as_slice() else { panic!("{stderr}") };
    assert_eq!((&connected["source"], &connected["level"]), (&"transcript".into(), &"info".into()));
    assert!(lost["retry"] == 1 && matches!(lost["delay_ms"].as_u64(), Some(1000..=2000)), "{lost}");
    assert!(matches!(reconnected["outage_ms"].as_u64(), Some(1000..)), "{reconnected}");
    assert!(error["level"] == "error" && error["hint"].is_string(), "{error}");
}

#[tokio::test]
async fn without_follow_no_connection_is_logged_and_the_summary_has_the_lines_only() {
    for sources in [Sources::Both, Sources::NotificationsOnly] {
        let simulator = simulator_with("", &[], Options { sources, ..Options::default() }).await;
        simulator.first_conversation().play("customer Ada: Hello").await.unwrap();
        let finished = run(&simulator, &["--no-follow"]).await;
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), "genesys-tail: 1 line\n"));
    }
}

/// After the end of the conversation only a last snapshot is missing, which needs no socket.
#[tokio::test]
async fn a_rest_response_is_no_reconnect() {
    let options = Options { sources: Sources::NotificationsOnly, ..Options::default() };
    let simulator = simulator_with("", &[], options).await;
    let mut running = Running::start(&mut program(&simulator, &["--source", "notifications"]));
    running.wait_for_stderr("connected to").await;
    simulator.first_conversation().play("customer Ada: Bye").await.unwrap();
    running.next_line().await;
    let snapshots = |log: &RequestLog| log.requests.iter().filter(|request| is_snapshot(request)).count();
    let before = snapshots(&simulator.request_log());
    simulator.first_conversation().play("close").await.unwrap();
    within_timeout(simulator.wait_for(|log| snapshots(log) > before)).await;
    simulator.apply_fault("notify:reset").await.unwrap();
    let Finished { code, stderr, .. } = running.finish().await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("; retry 1 of 5 in ") && !stderr.contains("reconnect"), "{stderr}");
}

fn is_snapshot(request: &Request) -> bool {
    request.method == "GET" && request.path.starts_with("/api/v2/conversations/") && request.status == Some(200)
}

#[tokio::test]
async fn verbose_lines_name_the_settings_files_the_region_the_hosts_and_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("account.env");
    std::fs::write(&file, "GENESYS_REGION=eu-west-1\nGENESYS_CLIENT_ID=a\n").unwrap();
    let mut command = bare_program(&["-v", "--max-retries", "0", "-c", "97b9dcb3-0000-4000-8000-000000000001"]);
    command.args(["--env-file", file.to_str().unwrap(), "--proxy", "http://127.0.0.1:1"]);
    let finished = Running::start(command.env("GENESYS_CLIENT_SECRET", "secret")).finish().await;
    let mut lines = finished.stderr.lines();
    assert_eq!(lines.next(), Some(format!("genesys-tail: debug: settings read from {}", file.display()).as_str()));
    let service = "genesys-tail: debug: region eu-west-1, API at api.mypurecloud.ie, sign-in at login.mypurecloud.ie, source auto";
    assert_eq!(lines.next(), Some(service));
}
