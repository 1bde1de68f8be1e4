//! Checks of conversations, queues, users and sources (CHK-1, CHK-3).

use genesys_tail::simulator::{Options, Script, Simulator, Sources};

use super::{SCRIPT, assert_no_line, assert_well_formed, check, finding, only_line, simulator_with_agent};
use crate::support::program::{Running, program, simulator, simulator_with};

/// The line of an organization without the transcript endpoint.
const NOT_OFFERED: &str = "ok    transcript endpoint: not offered here (404); notifications are used";

#[tokio::test]
async fn without_a_conversation_check_requests_a_placeholder_id() {
    let simulator = simulator_with_agent(&[]).await;
    let mut command = program(&simulator, &["check", "--source", "notifications"]);
    let finished = Running::start(command.env_remove("GENESYS_CONVERSATION_ID")).finish().await;
    assert_well_formed(&simulator, &finished);
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_no_line(&finished, "warn");
    assert!(
        finished.stdout.contains("ok    permission conversation:communication:view: granted\n"),
        "{}",
        finished.stdout
    );
    assert!(!finished.stdout.contains("transcript endpoint"), "it was not tested: {}", finished.stdout);
    assert_eq!(simulator.request_log().transcript_handshakes.len(), 0);

    // A 404 for the placeholder does not tell a missing endpoint from a missing conversation.
    // It is no failure, unless the transcript source is required.
    let mut command = program(&simulator, &["check"]);
    let finished = Running::start(command.env_remove("GENESYS_CONVERSATION_ID")).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_no_line(&finished, "warn");
    let untested = format!("{NOT_OFFERED}; to be certain, name a conversation with -c\n");
    assert!(finished.stdout.contains(&untested), "{}", finished.stdout);
    let mut command = program(&simulator, &["check", "--source", "transcript"]);
    let finished = Running::start(command.env_remove("GENESYS_CONVERSATION_ID")).finish().await;
    assert_eq!(finished.code, Some(66), "{}", finished.stdout);
    assert!(only_line(&finished, "fail").contains("; name a conversation with -c: "), "{}", finished.stdout);
}

#[tokio::test]
async fn a_conversation_that_does_not_exist_is_66() {
    let simulator = simulator(SCRIPT, &[]).await;
    for source in ["auto", "notifications"] {
        let finished = check(&simulator, &["--source", source, "-c", "nonesuch"]).await;
        assert_eq!(finished.code, Some(66), "{}", finished.stdout);
        let line = only_line(&finished, "fail");
        assert!(
            line.starts_with("fail  target conversation nonesuch: not found at 127.0.0.1:") && line.contains("404 ("),
            "{line}"
        );
    }
    // The other conversations are still checked.
    let existing = simulator.first_conversation();
    let finished = check(&simulator, &["-c", "nonesuch", "-c", existing.id()]).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stdout);
    assert!(
        finished.stdout.contains(&format!("ok    target conversation {}: open, ", existing.id())),
        "{}",
        finished.stdout
    );
}

#[tokio::test]
async fn a_missing_transcript_endpoint_is_no_failure_unless_the_transcript_source_is_required() {
    let simulator = simulator_with_agent(&["transcript:absent"]).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(finished.stdout.contains(&format!("{NOT_OFFERED}\n")), "{}", finished.stdout);
    assert!(
        finished.stdout.lines().all(|line| line.starts_with("ok    ")),
        "an ordinary organization: {}",
        finished.stdout
    );
    let line = finding(&["transcript:absent"], &["--source", "transcript"], 66, "fail").await;
    assert!(line.contains("transcript endpoint") && line.contains("404 ("), "{line}");
    let line = finding(&["handshake:ok"], &[], 0, "warn").await;
    assert!(line.contains("200") && line.contains("; notifications are used; check --api-url"), "{line}");
    finding(&["handshake:ok"], &["--source", "transcript"], 76, "fail").await;
    finding(&["handshake:status=403"], &[], 77, "fail").await;
    finding(&["handshake:bad-accept"], &[], 76, "fail").await;
    finding(&["handshake:status=503"], &[], 69, "fail").await;
}

#[tokio::test]
async fn the_published_api_is_optional_if_the_transcript_socket_opens() {
    let options = Options { sources: Sources::TranscriptOnly, ..Options::default() };
    let simulator = simulator_with(SCRIPT, &[], options).await;
    for (source, code) in [("auto", 0), ("transcript", 0), ("notifications", 76)] {
        let finished = check(&simulator, &["--source", source]).await;
        assert_eq!(finished.code, Some(code), "{source}: {}", finished.stdout);
    }
}

#[tokio::test]
async fn an_unexpected_response_is_76() {
    for path in ["GET /api/v2/conversations/", "/messages/bulk", "POST /api/v2/notifications/channels"] {
        let fault = format!("rest:not-json,path={path}");
        finding(&[&fault], &["--source", "notifications"], 76, "fail").await;
    }
}

#[tokio::test]
async fn a_call_is_reported_and_its_transcription_topic_is_tried() {
    let script = Script::built_in("call").unwrap();
    for (faults, warnings) in [(&[][..], 0), (&["rest:deny=conversation:transcription:view"], 1)] {
        let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let simulator =
            Simulator::start(Options { script: script.clone(), faults, ..Options::default() }).await.unwrap();
        let finished = check(&simulator, &[]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        let call = finished.stdout.lines().find(|line| line.contains("participant, a call")).unwrap_or_default();
        assert!(call.ends_with("; text is available if transcription is enabled"), "{}", finished.stdout);
        let warned: Vec<&str> = finished.stdout.lines().filter(|line| line.starts_with("warn")).collect();
        assert_eq!(warned.len(), warnings, "{}", finished.stdout);
        let rejected = warned.first().is_none_or(|line| {
            line.contains("topics for calls: 1 of 1 rejected: missing permission conversation:transcription:view")
        });
        assert!(rejected, "{warned:?}");
    }
}

#[tokio::test]
async fn a_call_needs_no_permission_for_messages() {
    let faults = vec!["rest:deny=conversation:message:view".parse().unwrap()];
    let script = Script::built_in("call").unwrap();
    let simulator = Simulator::start(Options { script, faults, ..Options::default() }).await.unwrap();
    let finished = check(&simulator, &["--source", "notifications"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(only_line(&finished, "warn").contains("permission conversation:message:view"), "{}", finished.stdout);
}

#[tokio::test]
async fn queues_and_users_are_looked_up_and_their_topics_are_tried() {
    let simulator = simulator_with_agent(&[]).await;
    let (queue, user) = (Simulator::queue_id("Support"), Simulator::user_id("Sam Okafor"));
    let args = ["--queue", &queue, "--user", &user];
    let mut command = program(&simulator, &[&["check"], &args[..]].concat());
    let finished = Running::start(command.env_remove("GENESYS_CONVERSATION_ID")).finish().await;
    assert_well_formed(&simulator, &finished);
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_no_line(&finished, "warn");
    for line in [
        format!("ok    target queue {queue}: Support"),
        format!("ok    target user {user}: Sam Okafor"),
        "topics for queue messages: 1 subscribed".to_owned(),
        "topics for agent messages: 1 subscribed".to_owned(),
        "1 open conversation in these queues and users".to_owned(),
    ] {
        assert!(finished.stdout.contains(&line), "{line:?} is not in {}", finished.stdout);
    }
    let by_name = check(&simulator, &["--queue", "support", "--user", "sam.okafor@northwind.example"]).await;
    assert_eq!(by_name.code, Some(0), "{}", by_name.stdout);
    for line in [
        format!("ok    target queue {queue}: Support"),
        format!("ok    target user {user}: Sam Okafor"),
        "ok    permission analytics:queueObservation:view: granted; 1 open conversation of any age".to_owned(),
        "topics for queue messages: 1 subscribed".to_owned(),
    ] {
        assert!(by_name.stdout.contains(&line), "{line:?} is not in {}", by_name.stdout);
    }
    let finished = check(&simulator, &["--queue", "nonesuch"]).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stdout);
    assert!(
        only_line(&finished, "fail").starts_with("fail  target queue 'nonesuch' not found at "),
        "{}",
        finished.stdout
    );
}

/// Point by point, what following a queue by name needs (CHK-3).
#[tokio::test]
async fn a_name_that_may_not_be_looked_up_fails_and_missing_observations_are_a_warning() {
    let faults = ["rest:deny=routing:queue:view", "rest:deny=analytics:queueObservation:view"];
    let simulator = simulator_with_agent(&faults).await;
    let denied = check(&simulator, &["--queue", "Support"]).await;
    assert_eq!(denied.code, Some(77), "{}", denied.stdout);
    let line = only_line(&denied, "fail");
    assert!(
        line.starts_with("fail  target queue 'Support': permission to look up queue 'Support' denied by "),
        "{line}"
    );
    assert!(
        line.contains("; grant routing:queue:view to a role of the OAuth client, or use the id: --queue ID"),
        "{line}"
    );
    let queue = Simulator::queue_id("Support");
    let by_id = check(&simulator, &["--queue", &queue]).await;
    assert_eq!(by_id.code, Some(0), "{}", by_id.stdout);
    let warning = "warn  permission analytics:queueObservation:view: permission denied by ";
    assert!(by_id.stdout.contains(warning), "{}", by_id.stdout);
}
