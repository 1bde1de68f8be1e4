//! Standard error, contract section 4.

use crate::support::program::{
    Finished, Running, bare_program, program, run, simulator, simulator_with, simulator_without_history, within_timeout,
};
use genesys_tail::simulator::{Options, Simulator, Sources};
use regex::Regex;
use serde_json::Value;

const SHORT: &str = "+0 customer Ada: Hello\n+0 close";

/// The lines without the port that was free.
fn said(stderr: &str) -> Vec<String> {
    let port = Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    stderr.lines().map(|line| port.replace_all(line, "HOST").into_owned()).collect()
}

async fn open_sockets(simulator: &Simulator, count: usize) {
    within_timeout(
        simulator.wait_for(|log| log.transcript_sockets.len() == count && log.open_transcript_sockets() > 0),
    )
    .await;
}

#[tokio::test]
async fn a_run_tells_its_story_and_that_something_may_be_missing() {
    let simulator = simulator_without_history("", &[]).await;
    let conversation = simulator.first_conversation();
    let mut running = Running::start(&mut program(&simulator, &["-v", "--json"]));
    open_sockets(&simulator, 1).await;
    conversation.play("customer Ada: Hello").await.unwrap();
    running.next_line().await;
    simulator.revoke_tokens();
    conversation.apply_fault("forbid").await.unwrap();
    running.wait_for_stderr("retry 1").await;
    open_sockets(&simulator, 2).await;
    conversation.play("close").await.unwrap();
    let Finished { code, stdout, stderr, .. } = running.finish().await;
    assert_eq!(code, Some(0));
    assert_story(
        &stderr,
        &[
            r"genesys-tail: connected to HOST \(transcript\)",
            r"genesys-tail: what was said before cannot be read: HOST does not have it: 404 \(There is .*\)",
            r"genesys-tail: warning: closed by the server with 1008: token expired; retry 1 of 5 in [12]\.\d s",
            r"genesys-tail: debug: token renewed",
            r"genesys-tail: reconnected to HOST \(transcript\) after [12] s",
            r"genesys-tail: conversation ended: 3 lines, 1 reconnect, 1 gap",
        ],
    );
    let gap: Value = serde_json::from_str(stdout.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&gap["type"], &gap["reason"]),
        (&"gap".into(), &"closed by the server with 1008: token expired".into())
    );
    assert!(gap["from"].as_str() < gap["to"].as_str() && gap["ts"] == gap["to"], "{gap}");
    assert!(matches!(gap["seconds"].as_u64(), Some(1 | 2)), "{gap}");
}

#[tokio::test]
async fn a_run_tells_its_story_and_what_was_missed() {
    for (sources, loss, extra) in [
        (Sources::Both, "socket:close=1011", &[][..]),
        (Sources::NotificationsOnly, "notify:close=1001", &["genesys-tail: there is no transcript socket here .*"]),
    ] {
        let simulator = simulator_with("", &[], Options { sources, ..Options::default() }).await;
        let conversation = simulator.first_conversation();
        conversation.play("customer Ada: Hello").await.unwrap();
        let mut running = Running::start(&mut program(&simulator, &["--json"]));
        running.next_line().await;
        if let Some(loss) = loss.strip_prefix("socket:") {
            conversation.apply_fault(loss).await.unwrap();
        }
        simulator.apply_fault(loss).await.unwrap();
        running.wait_for_stderr("retry 1").await;
        conversation.play("customer Ada: Are you there?").await.unwrap();
        running.next_line().await;
        conversation.play("close").await.unwrap();
        let Finished { code, stderr, .. } = running.finish().await;
        assert_eq!(code, Some(0));
        let story = [
            r"genesys-tail: connected to HOST \([a-z]+\)",
            r"genesys-tail: warning: closed by the server with 10[01]1; retry 1 of 5 in [12]\.\d s",
            r"genesys-tail: reconnected to HOST \([a-z]+\) after [12] s",
            r"genesys-tail: 1 missed message fetched",
            r"genesys-tail: conversation ended: \d lines, 1 missed message fetched, 1 reconnect",
        ];
        assert_story(&stderr, &[extra, &story].concat());
    }
}

fn assert_story(stderr: &str, expected: &[&str]) {
    let lines = said(stderr);
    assert_eq!(lines.len(), expected.len(), "{stderr}");
    for (line, pattern) in lines.iter().zip(expected) {
        assert!(Regex::new(&format!("^{pattern}$")).unwrap().is_match(line), "{line}");
    }
}

#[tokio::test]
async fn how_much_is_said_is_a_matter_of_flags_and_a_variable() {
    for (args, filter, expected) in [
        (&[][..], "", &["connected", "conversation"][..]),
        (&["-q"], "", &[]),
        (&["-q"], "debug", &[]),
        (&[], "error", &[]),
        (&["-v"], "", &["connected", "debug:", "conversation"]),
        (&[], "debug", &["connected", "debug:", "conversation"]),
        (&["-vv"], "", &["connected", "trace:", "trace:", "debug:", "conversation"]),
    ] {
        let simulator = simulator(SHORT, &["socket:unknown-event,after=1"]).await;
        let mut command = program(&simulator, args);
        let finished = Running::start(command.env("GENESYS_TAIL_LOG", filter)).finish().await;
        assert_eq!((finished.code, finished.stdout.lines().count()), (Some(0), 2));
        let words: Vec<&str> = finished.stderr.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
        assert_eq!(words, expected, "{args:?} {filter}");
    }
}

#[tokio::test]
async fn an_error_is_said_even_when_nothing_else_is() {
    let simulator = simulator(SHORT, &["handshake:status=403,body=[missing conversation:view]"]).await;
    let finished = run(&simulator, &["-q"]).await;
    let expected = [
        "genesys-tail: error: HOST does not permit reading this conversation: 403 ([missing conversation:view])",
        "  give the OAuth client a role with that permission, in the conversation's division",
    ];
    assert_eq!((finished.code, said(&finished.stderr)), (Some(77), expected.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn as_json_every_line_is_an_object_the_final_error_too() {
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
    // What was said before takes two requests.
    assert_eq!(levels, ["info", "trace", "trace", "debug", "warning", "error"]);
    assert!(failed[5]["message"].as_str().unwrap().contains("closed by the server with 1011: bye"));
    assert_eq!((unset.len(), &unset[0]["level"]), (1, &"error".into()));
    assert!(unset[0]["message"].as_str().unwrap().contains("GENESYS_CLIENT_ID"), "{}", unset[0]);
}

#[tokio::test]
async fn no_credentials_are_said_even_when_a_server_repeats_them() {
    for fault in ["token:echo=401", "token:echo=503", "handshake:echo=403", "handshake:echo=503", "handshake:echo=418"]
    {
        let simulator = simulator("", &[&format!("{fault},times=always")]).await;
        for format in ["text", "json"] {
            let finished = run(&simulator, &["-vv", "--max-retries", "0", "--log-format", format]).await;
            assert_ne!(finished.code, Some(0));
            assert_keeps_secrets(&simulator, &finished.stderr);
        }
    }
    let simulator = simulator("", &[]).await;
    let running = Running::start(&mut program(&simulator, &["-vv", "--max-retries", "0"]));
    open_sockets(&simulator, 1).await;
    let token = simulator.request_log().transcript_sockets[0].token.clone();
    simulator.first_conversation().close(1011, &format!("bad {token}")).await;
    assert_keeps_secrets(&simulator, &running.finish().await.stderr);
}

fn assert_keeps_secrets(simulator: &Simulator, stderr: &str) {
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
async fn the_password_of_a_proxy_is_never_said() {
    let mut command =
        bare_program(&["-vv", "--max-retries", "0", "--proxy", "http://ada:hunter-22@127.0.0.1:1", "-c", "c1"]);
    command.envs([("GENESYS_CLIENT_ID", "id"), ("GENESYS_CLIENT_SECRET", "secret")]);
    let Finished { code, stderr, .. } = Running::start(&mut command).finish().await;
    assert_eq!(code, Some(69), "{stderr}");
    assert!(stderr.contains("cannot reach"), "{stderr}");
    assert!(!stderr.contains("hunter-22") && !stderr.contains("YWRhOmh1bnRlci0yMg"), "{stderr}");
}

#[tokio::test]
async fn what_a_server_says_can_neither_forge_a_line_nor_drive_the_terminal() {
    // Connected, and the error; as text, the next step has a line of its own.
    let cases = [("text", 3, r"1011: x\nforged\x1b[2J\u{202e}"), ("json", 2, r"1011: x\nforged\u001b[2J\u202e")];
    for (format, lines, spelled) in cases {
        let simulator = simulator("", &[]).await;
        let running = Running::start(&mut program(&simulator, &["--max-retries", "0", "--log-format", format]));
        open_sockets(&simulator, 1).await;
        simulator.first_conversation().close(1011, "x\nforged\u{1b}[2J\u{202e}").await;
        let Finished { stderr, .. } = running.finish().await;
        assert_eq!(stderr.lines().count(), lines, "{stderr}");
        assert!(stderr.contains(spelled), "{stderr}");
        assert!(!stderr.contains(['\u{1b}', '\u{202e}']), "{stderr}");
    }
}

#[tokio::test]
async fn with_several_conversations_a_line_says_which() {
    let ids = ["97b9dcb3-1", "a1b2c3d4-2"];
    let conversations = ids.map(str::to_owned).to_vec();
    let simulator = simulator_with(SHORT, &[], Options { conversations, ..Options::default() }).await;
    let finished = run(&simulator, &["-c", ids[0], "-c", ids[1], "-c", "nonesuch", "--timestamps", "none"]).await;
    assert_eq!(finished.code, Some(66));
    let mut status = said(&finished.stderr);
    status.sort_unstable();
    let expected = [
        "genesys-tail: 97b9dcb3: connected to HOST (transcript)",
        "genesys-tail: a1b2c3d4: connected to HOST (transcript)",
        "genesys-tail: conversation ended: 4 lines, 2 repeats hidden",
        "genesys-tail: error: 1 of 3 conversations could not be followed to their end",
        "genesys-tail: error: nonesuch: HOST has no conversation nonesuch: 404 (The conversation does not exist.); \
         before that, the transcript socket was refused: 404 (The requested resource was not found.); \
         check the id and the region: a conversation exists only in its own",
        "genesys-tail: there is no transcript socket here (404); using notifications",
    ];
    assert_eq!(status, expected);
    for prefix in ["97b9dcb3", "a1b2c3d4"] {
        let lines: Vec<&str> = finished.stdout.lines().filter_map(|line| line.strip_prefix(prefix)).collect();
        assert_eq!(lines, [" [Customer] Ada: Hello", " [CLOSED] Conversation terminated"]);
    }
}

#[tokio::test]
async fn what_becomes_of_the_past_of_one_of_several_says_whose_it_is() {
    for (sources, fault, words) in [
        (Sources::TranscriptOnly, "token:slow=1ms", "what was said before cannot be read: HOST does not have it: 404"),
        (Sources::Both, "rest:status=503,times=2", "HOST cannot serve the transcript now: 503"),
    ] {
        let conversations = vec!["alpha".to_owned(), "beta".to_owned()];
        let options = Options { conversations, sources, ..Options::default() };
        let simulator = simulator_with(SHORT, &[fault], options).await;
        let finished = run(&simulator, &["alpha", "beta"]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        let lines = said(&finished.stderr);
        for id in ["alpha", "beta"] {
            let told = lines.iter().filter(|line| line.contains(&format!(" {id}: {words}"))).count();
            assert_eq!(told, 1, "{}", finished.stderr);
        }
    }
}

#[tokio::test]
async fn a_token_in_the_reason_of_a_close_is_on_neither_stream() {
    let simulator = simulator_without_history("", &["socket:replay"]).await;
    let mut running = Running::start(&mut program(&simulator, &["--json"]));
    open_sockets(&simulator, 1).await;
    let conversation = simulator.first_conversation();
    conversation.play("customer Ada: Hello").await.unwrap();
    running.next_line().await;
    let token = simulator.request_log().token_requests[0].token.clone().unwrap();
    conversation.close(1011, &format!("bad {token}")).await;
    let gap = running.next_line().await;
    assert!(gap.contains("closed by the server with 1011: bad [redacted]"), "{gap}");
    conversation.play("close").await.unwrap();
    let Finished { stdout, stderr, .. } = running.finish().await;
    assert!(![gap, stdout, stderr].concat().contains(&token));
}
