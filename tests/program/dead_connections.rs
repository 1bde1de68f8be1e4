//! Kept-alive connections that have died with the socket delay no reconnect (CONN-32, R3).

use genesys_tail::simulator::Options;

use crate::support::mute_proxy::MuteProxy;
use crate::support::program::{Running, program, simulator_with, within_timeout};

#[tokio::test]
async fn a_reconnect_after_silence_uses_no_connection_from_before() {
    for (source, sockets, reconnect_request) in
        [("notifications", 1, "HEAD /api/v2/notifications/channels/"), ("transcript", 9, "/transcript HTTP/1.1")]
    {
        let ids: Vec<String> = (1..=9).map(|number| format!("85c0155f-3d3a-4c1b-9f0e-5a1d7e2b4c6{number}")).collect();
        let simulator = simulator_with("", &[], Options { conversations: ids.clone(), ..Options::default() }).await;
        let proxy = MuteProxy::start(simulator.base_url()).await;
        let mut command =
            program(&simulator, &["--ping-interval", "200ms", "--idle-timeout", "1s", "--source", source]);
        command.args(ids.iter().flat_map(|id| ["-c", id]));
        command.env("GENESYS_API_URL", format!("http://{}", proxy.address)).env_remove("GENESYS_LOGIN_URL");
        let mut running = Running::start(&mut command);
        running.wait_for_stderr("connected to").await;
        within_timeout(simulator.wait_for(|log| {
            log.transcript_sockets.len() + 1 >= sockets && log.count_requests("GET /api/v2/conversations/") >= 9
        }))
        .await;
        // The notification socket does not lead through the proxy.
        simulator.apply_fault("notify:silence").await.unwrap();
        proxy.mute();
        running.wait_for_stderr("reconnected to").await;
        assert!(!proxy.swallowed().contains(reconnect_request), "{source}: {}", proxy.swallowed());
        assert!(!running.stderr().contains("retry 2"), "{source}: {}", running.stderr());
    }
}
