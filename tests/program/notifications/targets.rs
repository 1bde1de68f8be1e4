//! The look-up of queues and users before they are followed (R16; TGT-8, TGT-9).

use futures_util::future::join_all;

use super::*;

const UNKNOWN: &str = "0bad0bad-0000-4000-8000-000000000003";

/// Returns a command that follows these queues and users only.
fn command(simulator: &Simulator, args: &[&str]) -> tokio::process::Command {
    let mut command = program(simulator, &["--timestamps", "none"]);
    command.args(args).env_remove("GENESYS_CONVERSATION_ID");
    command
}

fn lookup_of(id: &str) -> String {
    format!("GET /api/v2/routing/queues/{id}")
}

#[tokio::test]
async fn an_unknown_queue_or_user_ends_the_run_at_once() {
    let queue = Simulator::queue_id("Support");
    let cases: [(&[&str], &str); 5] = [
        (&["--queue", UNKNOWN], "queue"),
        (&["--user", UNKNOWN], "user"),
        (&["--no-follow", "--queue", UNKNOWN], "queue"),
        (&["-F", "--queue", &queue, "--user", UNKNOWN], "user"),
        (&["--queue", UNKNOWN, "--user", UNKNOWN], "queue"),
    ];
    join_all(cases.map(async |(args, kind)| {
        let simulator = api_simulator("", &[]).await;
        let finished = Running::start(&mut command(&simulator, args)).finish().await;
        let host = simulator.base_url().trim_start_matches("http://").trim_end_matches('/').to_owned();
        let error = format!(
            "genesys-tail: error: {kind} {UNKNOWN} not found at {host}: 404 (The requested resource was not found.)\n  \
             tip: check the {kind} id and the region; a {kind} exists only in its own region\n"
        );
        assert_eq!((finished.code, finished.stdout.as_str(), finished.stderr), (Some(66), "", error), "{args:?}");
        assert!(simulator.request_log().channels.is_empty(), "{args:?}");
    }))
    .await;
}

#[tokio::test]
async fn a_forbidden_look_up_is_one_warning_and_the_queue_is_followed() {
    let mut options = notifications_only();
    options.permissions.retain(|permission| permission != "routing:queue:view");
    let simulator = simulator_with("", &[], options).await;
    let (queue, other) = (Simulator::queue_id("Support"), Simulator::queue_id("Billing"));
    let conversation = simulator.first_conversation();
    conversation.play("agent Sam: hello").await.unwrap();
    let mut running = Running::start(&mut command(&simulator, &["--queue", &queue, "--queue", &other]));
    assert_eq!(running.next_line().await, "85c0155f [Agent] Sam: hello");
    let stderr = running.stderr();
    let warning = format!("warning: the name of queue {queue} is not available (403 (Unable to perform ");
    assert!(stderr.contains(&warning) && stderr.matches("using its id").count() == 1, "{stderr}");
    assert_eq!(simulator.request_log().count_requests(&lookup_of(&other)), 1);
}

#[tokio::test]
async fn a_look_up_is_retried_like_any_other_request_of_the_start_and_not_repeated_after_an_outage() {
    let faults = [
        "rest:status=503,times=1,path=GET /api/v2/routing/queues",
        "rest:status=404,times=always,after=2,path=GET /api/v2/routing/queues",
    ];
    let simulator = api_simulator("", &faults).await;
    let queue = Simulator::queue_id("Support");
    let conversation = simulator.first_conversation();
    conversation.play("agent Sam: one").await.unwrap();
    let mut running = Running::start(&mut command(&simulator, &["--queue", &queue]));
    running.wait_for_stderr("retry 1 of 5 in ").await;
    running.wait_for_stderr("connected to ").await;
    assert!(running.next_line().await.ends_with("Sam: one"));
    simulator.apply_fault("notify:reset").await.unwrap();
    running.wait_for_stderr("reconnected to ").await;
    conversation.play("agent Sam: two").await.unwrap();
    assert!(running.next_line().await.ends_with("Sam: two"), "{}", running.stderr());
    assert_eq!(simulator.request_log().count_requests(&lookup_of(&queue)), 2);
}
