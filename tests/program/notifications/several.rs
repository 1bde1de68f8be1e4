//! Several conversations in one process, the conversations of queues and users, and the choice of the wire.

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Simulator, Sources};

use crate::notifications::{TALK, published, tail};
use crate::support::program::{Running, program, run, simulator_with, within_timeout};

const FIRST: &str = "85c0155f-0000-4000-8000-000000000001";
const SECOND: &str = "97b9dcb3-0000-4000-8000-000000000002";
const NOBODY: &str = "0bad0bad-0000-4000-8000-000000000003";

fn two() -> Options {
    Options { conversations: vec![FIRST.into(), SECOND.into()], ..published() }
}

#[tokio::test]
async fn several_conversations_share_one_channel_and_have_prefixes() {
    let simulator = simulator_with(TALK, &[], two()).await;
    let (finished, log) = tail(&simulator, &[FIRST, SECOND, FIRST]).await;
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
async fn one_that_is_refused_is_reported_and_the_others_go_on() {
    join_all([[NOBODY, FIRST], [FIRST, NOBODY]].map(async |order| {
        let simulator = simulator_with(TALK, &[], two()).await;
        let (finished, _) = tail(&simulator, &order).await;
        assert_eq!(finished.code, Some(66), "{}", finished.stderr);
        assert_eq!(finished.stdout.matches("85c0155f [CLOSED]").count(), 1, "{}", finished.stdout);
        let reports = finished.stderr.matches("error: 0bad0bad: ").count();
        assert_eq!(reports, 1, "{}", finished.stderr);
        assert!(finished.stderr.contains("1 of 2 conversations could not be followed"), "{}", finished.stderr);
    }))
    .await;
    let simulator = simulator_with(TALK, &[], two()).await;
    let (finished, _) = tail(&simulator, &[NOBODY, "0bad0bad-0000-4000-8000-000000000004"]).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stderr);
    assert!(finished.stderr.contains("2 of 2 conversations could not be followed"), "{}", finished.stderr);
}

/// Tails the usual queue, or Sam, of these conversations.
async fn group(simulator: &Simulator, flag: &str, sockets: usize) -> Running {
    let id = if flag == "--queue" { Simulator::queue_id("Support") } else { Simulator::user_id("Sam") };
    let mut command = program(simulator, &[flag, &id, "--timestamps", "none"]);
    command.env_remove("GENESYS_CONVERSATION_ID");
    let tail = Running::start(&mut command);
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == sockets)).await;
    tail
}

#[tokio::test]
async fn conversations_of_a_group_are_found_at_the_start_or_joined_and_none_of_their_ends_is_the_end() {
    let cases = [("--queue", true), ("--queue", false), ("--user", true)];
    join_all(cases.map(async |(flag, analytics)| {
        let mut options = two();
        options.permissions.retain(|permission| analytics || !permission.starts_with("analytics:"));
        let simulator = simulator_with("", &[], options).await;
        let (open, new) = (simulator.conversation(FIRST).unwrap(), simulator.conversation(SECOND).unwrap());
        open.play("agent Sam: before").await.unwrap();
        let mut tail = group(&simulator, flag, 1).await;
        if analytics {
            assert_eq!(tail.next_line().await, "85c0155f [Agent] Sam: before", "{flag}");
        } else {
            tail.wait_for_stderr("open conversations cannot be searched for").await;
            open.play("agent Sam: again").await.unwrap();
            assert_eq!(tail.next_line().await, "85c0155f [Agent] Sam: before");
            assert_eq!(tail.next_line().await, "85c0155f [Agent] Sam: again");
        }
        new.play("agent Sam: first").await.unwrap();
        // It was found by the search already, with its customer alone, unless that is not permitted.
        let mut line = tail.next_line().await;
        if line.contains("[UPDATE]") {
            line = tail.next_line().await;
        }
        assert_eq!(line, "97b9dcb3 [Agent] Sam: first", "{flag}");
        new.play("close").await.unwrap();
        while !line.contains("97b9dcb3 [CLOSED]") {
            line = tail.next_line().await;
            assert!(line.starts_with("97b9dcb3 ["), "{line}");
        }
        new.play("update status=wrapped-up").await.unwrap();
        open.play("agent Sam: still here").await.unwrap();
        assert_eq!(tail.next_line().await, "85c0155f [Agent] Sam: still here", "{flag}");
        tail.signal(rustix::process::Signal::INT);
        let finished = tail.finish().await;
        assert_eq!((finished.signal, finished.stdout.as_str()), (Some(2), ""), "{}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn a_conversation_of_a_group_that_may_not_be_read_is_refused_once() {
    let simulator =
        simulator_with("", &["rest:status=403,times=always,path=GET /api/v2/conversations/97b9"], two()).await;
    let (open, refused) = (simulator.conversation(FIRST).unwrap(), simulator.conversation(SECOND).unwrap());
    let mut tail = group(&simulator, "--queue", 1).await;
    for text in ["one", "two", "three"] {
        refused.play(&format!("customer Ada: {text}")).await.unwrap();
        open.play(&format!("customer Ada: {text}")).await.unwrap();
        assert_eq!(tail.next_line().await, format!("85c0155f [Customer] Ada: {text}"));
    }
    assert_eq!(tail.stderr().matches("error: 97b9dcb3: ").count(), 1, "{}", tail.stderr());
    assert_eq!(simulator.request_log().count_requests("GET /api/v2/conversations/97b9"), 1);
}

#[tokio::test]
async fn the_transcript_socket_is_asked_first_and_its_absence_is_said_once() {
    let simulator = simulator_with(TALK, &["transcript:absent"], two()).await;
    let finished = run(&simulator, &["--timestamps", "none", FIRST, SECOND]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.stdout.matches("[CLOSED]").count(), 2);
    let said = finished.stderr.matches("there is no transcript socket here (404); using notifications").count();
    assert_eq!((said, simulator.request_log().channels.len()), (1, 1), "{}", finished.stderr);

    let both = Options { sources: Sources::Both, ..published() };
    let simulator = simulator_with(TALK, &["transcript:absent", "notify:reset,after=2"], both).await;
    let finished = run(&simulator, &["--timestamps", "none"]).await;
    assert_eq!(
        (finished.code, simulator.request_log().transcript_handshakes.len()),
        (Some(0), 1),
        "remembered: {}",
        finished.stderr
    );
}

#[tokio::test]
async fn every_answer_that_is_no_refusal_of_this_conversation_leads_to_the_other_wire() {
    let answers =
        ["status=400", "status=405", "status=410", "status=426", "status=501", "ok", "redirect", "status=302"];
    join_all(answers.map(async |answer| {
        let both = Options { sources: Sources::Both, ..published() };
        let simulator = simulator_with(TALK, &[&format!("handshake:{answer},times=always")], both).await;
        let finished = run(&simulator, &["--timestamps", "none"]).await;
        assert_eq!(finished.code, Some(0), "{answer}: {}", finished.stderr);
        assert_eq!(simulator.request_log().channels.len(), 1, "{answer}");
    }))
    .await;
    join_all([("403", 77), ("401", 77)].map(async |(status, code)| {
        let both = Options { sources: Sources::Both, ..published() };
        let simulator = simulator_with(TALK, &[&format!("handshake:status={status},times=always")], both).await;
        let finished = run(&simulator, &[]).await;
        assert_eq!((finished.code, simulator.request_log().channels.len()), (Some(code), 0), "{}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn where_both_wires_refuse_both_are_named_and_the_more_specific_one_decides() {
    let cases = [
        ("handshake:status=404", "rest:status=404,path=/conversations/", 66),
        ("handshake:status=404", "rest:deny=conversation:communication:view", 77),
        ("handshake:status=405", "rest:status=404,path=/conversations/", 66),
        ("handshake:status=404", "channel:status=404", 66),
        ("handshake:status=405", "channel:status=404", 76),
    ];
    join_all(cases.map(async |(transcript, other, code)| {
        let faults = [transcript, other].map(|fault| format!("{fault},times=always"));
        let both = Options { sources: Sources::Both, ..published() };
        let simulator = simulator_with(TALK, &[&faults[0], &faults[1]], both).await;
        let finished = run(&simulator, &[]).await;
        assert_eq!(finished.code, Some(code), "{transcript} {other}: {}", finished.stderr);
        let status = &transcript[transcript.len() - 3..];
        assert!(finished.stderr.contains("; before that, ") && finished.stderr.contains(status), "{}", finished.stderr);
    }))
    .await;
}
