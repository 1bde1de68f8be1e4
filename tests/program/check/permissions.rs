//! What the OAuth client may not do, by name: with a failure or a warning, as a tail needs it.

use genesys_tail::simulator::Options;

use super::{TALK, check, finds, lacks, only, under_way};
use crate::support::program::{simulator, simulator_with};

#[tokio::test]
async fn a_missing_permission_is_named() {
    for permission in ["conversation:communication:view", "conversation:message:view"] {
        for source in ["auto", "notifications"] {
            let simulator = under_way(&[&format!("rest:deny={permission}")]).await;
            let finished = check(&simulator, &["--source", source]).await;
            assert_eq!(finished.code, Some(77), "{}", finished.stdout);
            let line = only(&finished, "fail");
            assert!(line.contains(&format!("permission {permission}")), "{line}");
            assert!(line.contains("403 (") && line.contains("give the OAuth client a role"), "{line}");
        }
    }
}

#[tokio::test]
async fn an_optional_permission_that_is_missing_is_a_warning() {
    for (permission, warnings) in [
        (
            "analytics:conversationDetail:view",
            &["permission analytics", "topics for joins and leaves: 4 of 4 rejected"][..],
        ),
        ("routing:queue:view", &["topics for queue messages: 1 of 1 rejected"]),
    ] {
        let simulator = under_way(&[&format!("rest:deny={permission}")]).await;
        let finished = check(&simulator, &[]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        lacks(&finished, "fail");
        let warned: Vec<&str> = finished.stdout.lines().filter(|line| line.starts_with("warn")).collect();
        assert_eq!(warned.len(), warnings.len(), "{}", finished.stdout);
        for (line, expected) in warned.iter().zip(warnings) {
            assert!(line.contains(expected) && line.contains(permission), "{line}");
        }
    }
    // The past is all that the transcript socket itself does without.
    for permission in ["conversation:communication:view", "conversation:message:view"] {
        let simulator = under_way(&[&format!("rest:deny={permission}")]).await;
        let finished = check(&simulator, &["--source", "transcript"]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        assert!(finished.stdout.contains(&format!("warn  permission {permission}")), "{}", finished.stdout);
    }
}

#[tokio::test]
async fn either_permission_for_the_text_will_do() {
    let permissions = Options::default().permissions;
    let permissions = permissions.iter().map(|name| name.replace(":message:", ":webmessaging:")).collect();
    let simulator = simulator_with(TALK, &[], Options { permissions, ..Options::default() }).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    lacks(&finished, "warn");
}

#[tokio::test]
async fn a_channel_that_cannot_be_had_is_a_failure_and_its_socket_not_tried() {
    let line =
        finds(&["channel:status=503,path=POST /api/v2/notifications"], &["--source", "notifications"], 69, "fail")
            .await;
    assert!(line.contains("notification channel (what needs it was not tried)"), "{line}");
    let simulator = simulator(TALK, &["channel:status=404,path=HEAD"]).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(only(&finished, "warn").contains("gone at once"), "{}", finished.stdout);
}

#[tokio::test]
async fn a_topic_that_is_rejected_is_a_warning() {
    let simulator = under_way(&["channel:reject=v2.users."]).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let line = only(&finished, "warn");
    assert!(line.contains("topics for agent messages: 1 of 1 rejected: Not authorized for this topic."), "{line}");
    assert!(line.contains("It takes conversation:communication:view"), "{line}");
    finds(&["channel:status=503,path=subscriptions"], &[], 0, "warn").await;
    finds(&["rest:not-json,path=availabletopics,after=1"], &[], 0, "warn").await;
}

#[tokio::test]
async fn a_refusal_of_the_transcript_socket_that_names_no_permission_leads_to_those_below() {
    for (fault, words) in [
        ("handshake:status=403,body=No.", "403 (No.); the lines about permissions below say"),
        ("handshake:status=403", "conversation:message:view); give the OAuth client a role with that permission"),
    ] {
        let line = finds(&[fault], &[], 77, "fail").await;
        assert!(line.contains(words), "{line}");
    }
}
