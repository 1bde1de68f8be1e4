//! Checks of permissions, the notification channel and its topics (CHK-3, NTF-2).

use genesys_tail::simulator::Options;

use super::{SCRIPT, assert_no_line, check, finding, only_line, simulator_with_agent};
use crate::support::program::{simulator, simulator_with};

#[tokio::test]
async fn a_missing_required_permission_is_77_and_named() {
    for permission in ["conversation:communication:view", "conversation:message:view"] {
        for source in ["auto", "notifications"] {
            let simulator = simulator_with_agent(&[&format!("rest:deny={permission}")]).await;
            let finished = check(&simulator, &["--source", source]).await;
            assert_eq!(finished.code, Some(77), "{}", finished.stdout);
            let line = only_line(&finished, "fail");
            assert!(line.contains(&format!("permission {permission}")), "{line}");
            assert!(line.contains("403 (") && line.contains("give the OAuth client a role"), "{line}");
            let target = format!(" target conversation {}: ", simulator.first_conversation().id());
            assert_eq!(finished.stdout.matches(&target).count(), 1, "{}", finished.stdout);
        }
    }
}

#[tokio::test]
async fn a_missing_optional_permission_is_a_warning() {
    for (permission, warnings) in [
        (
            "analytics:conversationDetail:view",
            &["permission analytics", "topics for joins and leaves: 4 of 4 rejected"][..],
        ),
        ("recording:recording:view", &["nothing is then printed of a call that has ended"]),
        ("speechAndTextAnalytics:data:view", &["nothing is then printed of a call that has ended"]),
        ("routing:queue:view", &["topics for queue messages: 1 of 1 rejected"]),
    ] {
        let simulator = simulator_with_agent(&[&format!("rest:deny={permission}")]).await;
        let finished = check(&simulator, &[]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        assert_no_line(&finished, "fail");
        let warned: Vec<&str> = finished.stdout.lines().filter(|line| line.starts_with("warn")).collect();
        assert_eq!(warned.len(), warnings.len(), "{}", finished.stdout);
        for (line, expected) in warned.iter().zip(warnings) {
            assert!(line.contains(expected) && line.contains(permission), "{line}");
        }
    }
    // The transcript source needs these permissions for history only.
    for permission in ["conversation:communication:view", "conversation:message:view"] {
        let simulator = simulator_with_agent(&[&format!("rest:deny={permission}")]).await;
        let finished = check(&simulator, &["--source", "transcript"]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        assert!(finished.stdout.contains(&format!("warn  permission {permission}")), "{}", finished.stdout);
    }
}

#[tokio::test]
async fn either_permission_for_message_text_suffices() {
    let permissions = Options::default().permissions;
    let permissions = permissions.iter().map(|name| name.replace(":message:", ":webmessaging:")).collect();
    let simulator = simulator_with(SCRIPT, &[], Options { permissions, ..Options::default() }).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_no_line(&finished, "warn");
}

#[tokio::test]
async fn an_unavailable_channel_is_a_failure_and_its_socket_is_not_tried() {
    let line =
        finding(&["channel:status=503,path=POST /api/v2/notifications"], &["--source", "notifications"], 69, "fail")
            .await;
    assert!(line.starts_with("fail  channel: ") && line.contains("; dependent checks skipped; "), "{line}");
    let simulator = simulator(SCRIPT, &["channel:status=404,path=HEAD"]).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(only_line(&finished, "warn").contains("channel: gone right after its creation; "), "{}", finished.stdout);
}

#[tokio::test]
async fn a_rejected_topic_is_a_warning() {
    let simulator = simulator_with_agent(&["channel:reject=v2.users."]).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let line = only_line(&finished, "warn");
    assert!(line.contains("topics for agent messages: 1 of 1 rejected: Not authorized for this topic."), "{line}");
    assert!(line.contains("Needs conversation:communication:view"), "{line}");
    finding(&["channel:status=503,path=subscriptions"], &[], 0, "warn").await;
    finding(&["rest:not-json,path=availabletopics,after=1"], &[], 0, "warn").await;
}

#[tokio::test]
async fn a_forbidden_handshake_names_the_permission_or_points_to_the_permission_checks() {
    for (fault, words) in [
        ("handshake:status=403,body=No.", "403 (No.); see the permission lines below"),
        ("handshake:status=403", "conversation:message:view); give the OAuth client a role with this permission"),
    ] {
        let line = finding(&[fault], &[], 77, "fail").await;
        assert!(line.contains(words), "{line}");
    }
}
