//! Several conversations, queues and users, and the choice of the source (OUT-4, SRC-3 to SRC-7, TGT-10, CONN-45).

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Simulator, Sources};

use super::{SCRIPT, notifications_only, run_to_end};
use crate::support::program::{Running, program, run, simulator_with, within_timeout};

const FIRST: &str = "85c0155f-0000-4000-8000-000000000001";
const SECOND: &str = "97b9dcb3-0000-4000-8000-000000000002";
const UNKNOWN: &str = "0bad0bad-0000-4000-8000-000000000003";

fn two_conversations() -> Options {
    Options { conversations: vec![FIRST.into(), SECOND.into()], ..notifications_only() }
}

#[tokio::test]
async fn several_conversations_share_one_channel_and_have_prefixes() {
    let simulator = simulator_with(SCRIPT, &[], two_conversations()).await;
    let (finished, log) = run_to_end(&simulator, &[FIRST, SECOND, FIRST]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    for prefix in ["85c0155f", "97b9dcb3"] {
        let lines: Vec<_> = finished.stdout.lines().filter_map(|line| line.strip_prefix(prefix)).collect();
        let messages: Vec<_> = lines.iter().filter(|line| !line.contains("[UPDATE]")).copied().collect();
        let wanted = [
            " [Customer] Ada: one",
            " [Agent] Sam: two",
            " [Customer] Ada: three",
            " [CLOSED] Conversation terminated",
        ];
        assert_eq!(messages, wanted, "{prefix}");
    }
    assert_eq!((log.channels.len(), log.notification_sockets.len(), log.token_requests.len()), (1, 1, 1));
}

#[tokio::test]
async fn a_refused_conversation_is_reported_and_the_others_continue() {
    join_all([[UNKNOWN, FIRST], [FIRST, UNKNOWN]].map(async |order| {
        let simulator = simulator_with(SCRIPT, &[], two_conversations()).await;
        let (finished, _) = run_to_end(&simulator, &order).await;
        assert_eq!(finished.code, Some(66), "{}", finished.stderr);
        assert_eq!(finished.stdout.matches("85c0155f [CLOSED]").count(), 1, "{}", finished.stdout);
        let reports = finished.stderr.matches("error: 0bad0bad: ").count();
        assert_eq!(reports, 1, "{}", finished.stderr);
        assert!(finished.stderr.contains("1 of 2 conversations failed"), "{}", finished.stderr);
    }))
    .await;
    let simulator = simulator_with(SCRIPT, &[], two_conversations()).await;
    let (finished, _) = run_to_end(&simulator, &[UNKNOWN, "0bad0bad-0000-4000-8000-000000000004"]).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stderr);
    assert!(finished.stderr.contains("2 of 2 conversations failed"), "{}", finished.stderr);
}

/// Follows the conversations of the queue Support or the user Sam.
async fn start_target(simulator: &Simulator, flag: &str) -> Running {
    let id = if flag == "--queue" { Simulator::queue_id("Support") } else { Simulator::user_id("Sam") };
    let mut command = program(simulator, &[flag, &id, "--timestamps", "none"]);
    command.env_remove("GENESYS_CONVERSATION_ID");
    let running = Running::start(&mut command);
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    running
}

#[tokio::test]
async fn open_conversations_of_a_queue_or_user_are_found_and_new_ones_joined_until_stopped() {
    let cases = [("--queue", true), ("--queue", false), ("--user", true)];
    join_all(cases.map(async |(flag, analytics)| {
        let mut options = two_conversations();
        options.permissions.retain(|permission| analytics || !permission.starts_with("analytics:"));
        let simulator = simulator_with("", &[], options).await;
        let (open, new) = (simulator.conversation(FIRST).unwrap(), simulator.conversation(SECOND).unwrap());
        open.play("agent Sam: before").await.unwrap();
        let mut running = start_target(&simulator, flag).await;
        if analytics {
            assert_eq!(running.next_line().await, "85c0155f [Agent] Sam: before", "{flag}");
        } else {
            running.wait_for_stderr("cannot search for open conversations").await;
            open.play("agent Sam: again").await.unwrap();
            assert_eq!(running.next_line().await, "85c0155f [Agent] Sam: before");
            assert_eq!(running.next_line().await, "85c0155f [Agent] Sam: again");
        }
        new.play("agent Sam: first").await.unwrap();
        // With the analytics permission, the search has found it with the customer alone: the agent's join is printed.
        let mut line = running.next_line().await;
        if line.contains("[UPDATE]") {
            line = running.next_line().await;
        }
        assert_eq!(line, "97b9dcb3 [Agent] Sam: first", "{flag}");
        new.play("close").await.unwrap();
        while !line.contains("97b9dcb3 [CLOSED]") {
            line = running.next_line().await;
            assert!(line.starts_with("97b9dcb3 ["), "{line}");
        }
        new.play("update status=wrapped-up").await.unwrap();
        open.play("agent Sam: still here").await.unwrap();
        assert_eq!(running.next_line().await, "85c0155f [Agent] Sam: still here", "{flag}");
        let finished = running.stop().await;
        assert_eq!(finished.stdout, "", "{}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn a_forbidden_conversation_of_a_queue_is_reported_once() {
    let simulator =
        simulator_with("", &["rest:status=403,times=always,path=GET /api/v2/conversations/97b9"], two_conversations())
            .await;
    let (open, refused) = (simulator.conversation(FIRST).unwrap(), simulator.conversation(SECOND).unwrap());
    let mut running = start_target(&simulator, "--queue").await;
    for text in ["one", "two", "three"] {
        refused.play(&format!("customer Ada: {text}")).await.unwrap();
        open.play(&format!("customer Ada: {text}")).await.unwrap();
        assert_eq!(running.next_line().await, format!("85c0155f [Customer] Ada: {text}"));
    }
    assert_eq!(running.stderr().matches("error: 97b9dcb3: ").count(), 1, "{}", running.stderr());
    assert_eq!(simulator.request_log().count_requests("GET /api/v2/conversations/97b9"), 1);
}

#[tokio::test]
async fn a_missing_transcript_endpoint_falls_back_to_notifications_silently() {
    for (flag, messages) in [("--timestamps=none", 0), ("-v", 1)] {
        let simulator = simulator_with(SCRIPT, &["transcript:absent"], two_conversations()).await;
        let finished = run(&simulator, &[flag, FIRST, SECOND]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(finished.stdout.matches("[CLOSED]").count(), 2);
        let fallback = "debug: there is no transcript socket here (404); using notifications";
        assert_eq!(finished.stderr.matches(fallback).count(), messages, "{}", finished.stderr);
        assert!(flag == "-v" || !finished.stderr.contains("404"), "{}", finished.stderr);
        assert_eq!(simulator.request_log().channels.len(), 1, "{}", finished.stderr);
    }

    let both = Options { sources: Sources::Both, ..notifications_only() };
    let simulator = simulator_with(SCRIPT, &["transcript:absent", "notify:reset,after=2"], both).await;
    let finished = run(&simulator, &["--timestamps", "none"]).await;
    assert_eq!(
        (finished.code, simulator.request_log().transcript_handshakes.len()),
        (Some(0), 1),
        "remembered: {}",
        finished.stderr
    );
}

#[tokio::test]
async fn a_conversation_that_falls_back_while_another_is_looked_up_is_followed() {
    // The snapshot of the unknown conversation is slow, so that the other one falls back meanwhile.
    let slow = &format!("rest:slow=500ms,path=conversations/{UNKNOWN}");
    let simulator = simulator_with(SCRIPT, &["transcript:absent", slow], two_conversations()).await;
    let finished = run(&simulator, &["--timestamps", "none", UNKNOWN, FIRST]).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stderr);
    assert!(finished.stderr.contains("1 of 2 conversations failed"), "{}", finished.stderr);
    assert_eq!(finished.stdout.matches("85c0155f [CLOSED]").count(), 1, "{}", finished.stdout);
}

#[tokio::test]
async fn a_refusal_is_reported_although_no_channel_can_be_created() {
    let forbidden = "channel:status=403,times=always";
    let simulator = simulator_with(SCRIPT, &[forbidden], two_conversations()).await;
    let (finished, _) = run_to_end(&simulator, &[UNKNOWN, FIRST]).await;
    assert_eq!(finished.stderr.matches("error: 0bad0bad: ").count(), 1, "{}", finished.stderr);
    assert!(finished.stderr.contains("2 of 2 conversations failed"), "{}", finished.stderr);
}

#[tokio::test]
async fn history_of_an_open_conversation_has_a_summary_although_another_one_is_refused() {
    let simulator = simulator_with("", &[], two_conversations()).await;
    let (finished, _) = run_to_end(&simulator, &["--no-follow", FIRST, UNKNOWN]).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stderr);
    assert!(finished.stderr.contains("genesys-tail: 0 lines\n"), "{}", finished.stderr);
}

#[tokio::test]
async fn every_fallback_response_selects_notifications() {
    let responses =
        ["status=400", "status=405", "status=410", "status=426", "status=501", "ok", "redirect", "status=302"];
    join_all(responses.map(async |response| {
        let both = Options { sources: Sources::Both, ..notifications_only() };
        let simulator = simulator_with(SCRIPT, &[&format!("handshake:{response},times=always")], both).await;
        let finished = run(&simulator, &["--timestamps", "none"]).await;
        assert_eq!(finished.code, Some(0), "{response}: {}", finished.stderr);
        assert_eq!(simulator.request_log().channels.len(), 1, "{response}");
    }))
    .await;
    join_all([("403", 77), ("401", 77)].map(async |(status, code)| {
        let both = Options { sources: Sources::Both, ..notifications_only() };
        let simulator = simulator_with(SCRIPT, &[&format!("handshake:status={status},times=always")], both).await;
        let finished = run(&simulator, &[]).await;
        assert_eq!((finished.code, simulator.request_log().channels.len()), (Some(code), 0), "{}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn if_both_sources_refuse_both_are_named_unless_there_is_no_transcript_socket() {
    let cases = [
        ("handshake:status=404", "rest:status=404,path=/conversations/", 66),
        ("handshake:status=404", "rest:deny=conversation:communication:view", 77),
        ("handshake:status=405", "rest:status=404,path=/conversations/", 66),
        ("handshake:status=404", "channel:status=404", 76),
        ("handshake:status=410", "channel:status=404", 66),
        ("handshake:status=410", "rest:deny=conversation:communication:view", 77),
        ("handshake:status=405", "channel:status=404", 76),
    ];
    join_all(cases.map(async |(transcript, notifications, code)| {
        let faults = [transcript, notifications].map(|fault| format!("{fault},times=always"));
        let both = Options { sources: Sources::Both, ..notifications_only() };
        let simulator = simulator_with(SCRIPT, &[&faults[0], &faults[1]], both).await;
        let finished = run(&simulator, &[]).await;
        assert_eq!(finished.code, Some(code), "{transcript} {notifications}: {}", finished.stderr);
        let status = &transcript[transcript.len() - 3..];
        let names_both = finished.stderr.contains(&format!("; transcript socket: {status}"));
        assert_eq!(names_both, status != "404", "{}", finished.stderr);
        assert_eq!(finished.stderr.contains("transcript socket"), status != "404", "{}", finished.stderr);
    }))
    .await;
}
