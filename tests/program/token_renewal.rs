//! Failed renewals of the token, which never disturb an open connection on either source (R1, CONN-25 to CONN-28, NTF-3).

use std::time::Duration;

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, RequestLog, Simulator};

use crate::support::program::{Finished, Running, program, simulator_with, within_timeout};

const SOURCES: [&str; 2] = ["transcript", "notifications"];

/// Each kind of response that is no token, and no response. A reset is missing: its request is repeated at once (CONN-7).
const REFUSALS: [&str; 8] =
    ["status=400", "status=401", "status=403", "status=404", "status=503", "not-json", "garbage", "hang"];

/// Starts a run whose first renewal, after 10 of the 20 s of its token, fails like this.
async fn start(source: &str, fault: &str) -> (Simulator, Running) {
    let options = Options { token_lifetime: Duration::from_secs(20), ..Options::default() };
    let simulator = simulator_with("", &[&format!("token:{fault},after=1")], options).await;
    let args = ["--source", source, "--timestamps", "none", "--max-retries", "0", "--connect-timeout", "2s"];
    let running = Running::start(&mut program(&simulator, &args));
    within_timeout(simulator.wait_for(|log| sockets(log, source) == 1)).await;
    (simulator, running)
}

fn sockets(log: &RequestLog, source: &str) -> usize {
    if source == "transcript" { log.transcript_sockets.len() } else { log.notification_sockets.len() }
}

async fn assert_next_message(simulator: &Simulator, running: &mut Running, text: &str, case: &str) {
    simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
    assert_eq!(running.next_line().await, format!("[Customer] Ada: {text}"), "{case}: {}", running.stderr());
}

async fn close(simulator: &Simulator, running: Running, case: &str) -> Finished {
    simulator.first_conversation().play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{case}: {}", finished.stderr);
    assert!(finished.stdout.ends_with("[CLOSED] Conversation terminated\n"), "{case}: {}", finished.stdout);
    assert!(!finished.stdout.contains("[GAP]"), "{case}: {}", finished.stdout);
    finished
}

/// Waits for this number of token requests that were answered or cut off.
async fn token_requests(simulator: &Simulator, number: usize) -> RequestLog {
    within_timeout(simulator.wait_for(|log| log.token_requests.len() >= number)).await
}

#[tokio::test]
async fn no_kind_of_failed_renewal_disturbs_an_open_connection_and_it_is_repeated_within_30_seconds() {
    let cases = SOURCES.into_iter().flat_map(|source| REFUSALS.map(|fault| (source, fault)));
    join_all(cases.map(async |(source, fault)| {
        let case = format!("{source} {fault}");
        let (simulator, mut running) = start(source, fault).await;
        assert_next_message(&simulator, &mut running, "one", &case).await;
        token_requests(&simulator, 2).await;
        assert_next_message(&simulator, &mut running, "during the renewal", &case).await;
        let log = token_requests(&simulator, 3).await;
        let wait = log.token_requests[2].at - log.token_requests[1].at;
        assert!((Duration::from_secs(1)..Duration::from_secs(33)).contains(&wait), "{case}: {wait:?}");
        let expected_sockets = if source == "transcript" { 2 } else { 1 };
        within_timeout(simulator.wait_for(|log| sockets(log, source) == expected_sockets)).await;
        assert_next_message(&simulator, &mut running, "with a new token", &case).await;
        let finished = close(&simulator, running, &case).await;
        let counts =
            ["cannot renew the ", "cannot renew the token: "].map(|text| finished.stderr.matches(text).count());
        assert_eq!(counts, [1, 1], "{case}: {}", finished.stderr);
        assert!(simulator.request_log().channels.len() <= 1, "{case}");
    }))
    .await;
}
