//! Checks of the sign-in (CHK-1, CHK-2, CONN-15 to CONN-17).

use genesys_tail::simulator::Simulator;
use tokio::process::Command;

use super::{SCRIPT, assert_well_formed, finding};
use crate::support::program::{Running, program, simulator};

#[tokio::test]
async fn wrong_secret_wrong_client_and_swapped_credentials_have_different_remedies() {
    let simulator = simulator(SCRIPT, &[]).await;
    let uuid = "0f6d2a51-7f0e-4a44-8f1a-6d1f0b9f1c02";
    for (id, secret, status, remedy) in [
        (simulator.client_id(), "invented", "401 (authentication failed)", "check the client secret; "),
        (uuid, "invented", "400 (client not found)", "a client exists only in its own region"),
        ("swapped-secret", uuid, "400 (client not found)", "swap client id and client secret"),
    ] {
        let finished = Running::start(&mut with_credentials(&simulator, &["check"], id, secret)).finish().await;
        assert_well_formed(&simulator, &finished);
        assert_eq!(finished.code, Some(77), "{}", finished.stdout);
        let line = finished.stdout.lines().last().unwrap();
        assert!(line.starts_with("fail  sign-in at 127.0.0.1:") && line.contains(" failed: "), "{line}");
        assert!(line.contains(status) && line.contains(remedy), "{line}");
        assert!(line.contains("dependent checks skipped"), "{line}");
        let tail = Running::start(&mut with_credentials(&simulator, &[], id, secret)).finish().await;
        let (_, tip) = tail.stderr.rsplit_once("  tip: ").unwrap();
        assert_eq!(tail.code, Some(77), "{}", tail.stderr);
        assert!(line.ends_with(tip.trim_end()), "check and a tail have the same next step: {line} {tip}");
        assert!(!finished.stdout.contains(secret), "{}", finished.stdout);
        assert!(!finished.stdout.contains("swapped-secret"), "{}", finished.stdout);
    }
    assert_eq!(simulator.request_log().requests.len(), 3, "one reachability request per check");
}

fn with_credentials(simulator: &Simulator, args: &[&str], id: &str, secret: &str) -> Command {
    let mut command = program(simulator, args);
    command.env("GENESYS_CLIENT_ID", id).env("GENESYS_CLIENT_SECRET", secret);
    command
}

#[tokio::test]
async fn a_client_of_another_grant_type_gets_the_right_grant_type_as_remedy() {
    for body in ["unauthorized_client", "grant type not allowed"] {
        let line = finding(&[&format!("token:status=400,body={body}")], &[], 77, "fail").await;
        assert!(line.contains("set the grant type of the OAuth client to \"Client Credentials\""), "{line}");
    }
}

#[tokio::test]
async fn an_outage_of_the_token_endpoint_is_69_and_an_unexpected_response_is_76() {
    for (fault, code) in
        [("token:status=503", 69), ("token:status=404", 76), ("token:not-json", 76), ("token:reset,times=2", 69)]
    {
        let line = finding(&[fault], &[], code, "fail").await;
        assert!(line.contains("dependent checks skipped"), "{line}");
    }
}

#[tokio::test]
async fn a_secret_repeated_by_the_server_is_redacted() {
    let line = finding(&["token:echo=401"], &[], 77, "fail").await;
    assert!(line.contains("[redacted]"), "{line}");
    finding(&["handshake:echo=403"], &[], 77, "fail").await;
    finding(&["rest:echo=403,path=availabletopics,after=1"], &[], 0, "warn").await;
    let swapped = simulator(SCRIPT, &["token:echo=400"]).await;
    let mut command = program(&swapped, &["check"]);
    command.env("GENESYS_CLIENT_ID", "swapped-secret").env("GENESYS_CLIENT_SECRET", swapped.client_id());
    let finished = Running::start(&mut command).finish().await;
    assert!(!finished.stdout.contains("swapped-secret"), "{}", finished.stdout);
}
