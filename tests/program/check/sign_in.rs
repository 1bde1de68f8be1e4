//! Signing in: what is wrong with the credentials is told apart.

use super::{TALK, assert_proper, finds};
use crate::support::program::{Running, program, simulator};

#[tokio::test]
async fn what_is_wrong_with_the_credentials_is_told_apart() {
    let simulator = simulator(TALK, &[]).await;
    let uuid = "0f6d2a51-7f0e-4a44-8f1a-6d1f0b9f1c02";
    for (id, secret, status, mend) in [
        (simulator.client_id(), "invented", "401 (authentication failed)", "check the client secret"),
        (uuid, "invented", "400 (client not found)", "a client exists only in its own"),
        ("swapped-secret", uuid, "400 (client not found)", "look as if they had changed places"),
    ] {
        let mut command = program(&simulator, &["check"]);
        command.env("GENESYS_CLIENT_ID", id).env("GENESYS_CLIENT_SECRET", secret);
        let finished = Running::start(&mut command).finish().await;
        assert_proper(&simulator, &finished);
        assert_eq!(finished.code, Some(77), "{}", finished.stdout);
        let line = finished.stdout.lines().last().unwrap();
        assert!(line.starts_with("fail  sign-in at 127.0.0.1:"), "{line}");
        assert!(line.contains(status) && line.contains(mend), "{line}");
        assert!(line.contains("what needs it was not tried"), "{line}");
        assert!(!finished.stdout.contains(secret), "{}", finished.stdout);
        assert!(!finished.stdout.contains("swapped-secret"), "{}", finished.stdout);
    }
    assert_eq!(simulator.request_log().requests.len(), 3, "only to see that the host is there");
}

#[tokio::test]
async fn a_client_of_another_grant_is_told_which() {
    for body in ["unauthorized_client", "grant type not allowed"] {
        let line = finds(&[&format!("token:status=400,body={body}")], &[], 77, "fail").await;
        assert!(line.contains("give the client the grant \"Client Credentials\""), "{line}");
    }
}

#[tokio::test]
async fn a_token_endpoint_that_cannot_or_is_none_has_its_own_code() {
    for (fault, code) in
        [("token:status=503", 69), ("token:status=404", 76), ("token:not-json", 76), ("token:reset", 69)]
    {
        let line = finds(&[fault], &[], code, "fail").await;
        assert!(line.contains("what needs it was not tried"), "{line}");
    }
}

#[tokio::test]
async fn a_secret_that_the_server_repeats_is_struck_out() {
    let line = finds(&["token:echo=401"], &[], 77, "fail").await;
    assert!(line.contains("[redacted]"), "{line}");
    finds(&["handshake:echo=403"], &[], 77, "fail").await;
    finds(&["rest:echo=403,path=availabletopics,after=1"], &[], 0, "warn").await;
    let swapped = simulator(TALK, &["token:echo=400"]).await;
    let mut command = program(&swapped, &["check"]);
    command.env("GENESYS_CLIENT_ID", "swapped-secret").env("GENESYS_CLIENT_SECRET", swapped.client_id());
    let finished = Running::start(&mut command).finish().await;
    assert!(!finished.stdout.contains("swapped-secret"), "{}", finished.stdout);
}
