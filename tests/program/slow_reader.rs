//! A connection lost while the reader stalls: the missed messages come from the history (CONN-40, OUT-41).

use std::collections::HashMap;
use std::net::SocketAddr;

use genesys_tail::simulator::Simulator;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::support::program::{Running, program, simulator, within_timeout};

const MESSAGES: usize = 1200;

/// Starts a relay to the simulator. `cut` closes its connections and discards the bytes in transit.
async fn relay(simulator: &Simulator, cut: CancellationToken) -> SocketAddr {
    let upstream: SocketAddr = simulator.base_url().strip_prefix("http://").unwrap().parse().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let cut = if cut.is_cancelled() { CancellationToken::new() } else { cut.clone() };
            tokio::spawn(async move {
                let mut server = TcpStream::connect(upstream).await.unwrap();
                cut.run_until_cancelled(copy_bidirectional(&mut client, &mut server)).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn messages_lost_in_transit_while_the_reader_stalls_are_fetched() {
    let simulator = simulator("", &[]).await;
    let cut = CancellationToken::new();
    let address = relay(&simulator, cut.clone()).await;
    let mut command = program(&simulator, &["--json", "--source", "transcript", "--stall-buffer", "128KiB"]);
    command.env("GENESYS_API_URL", format!("http://{address}"));
    let mut running = Running::start(&mut command);
    running.wait_for_stderr("connected to").await;
    let (conversation, filler) = (simulator.first_conversation(), "x".repeat(8 << 10));
    let sending = tokio::spawn(async move {
        for number in 0..MESSAGES {
            conversation.play(&format!("customer Ada: {number} {filler}")).await.unwrap();
        }
        conversation.play("close").await.unwrap();
    });
    // 400 frames are more than the pipe, the program and the network buffers hold, so some are in transit.
    within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].frames >= 400)).await;
    cut.cancel();
    within_timeout(sending).await.unwrap();

    let mut counts: HashMap<String, u32> = HashMap::new();
    let mut pipe = running.stdout.take().unwrap();
    let mut line = String::new();
    while within_timeout(pipe.read_line(&mut line)).await.unwrap() > 0 {
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_ne!(event["type"], "gap", "{line}");
        if let Some(text) = event["text"].as_str() {
            *counts.entry(text.split(' ').next().unwrap().to_owned()).or_default() += 1;
        }
        line.clear();
    }
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stderr.contains("missed messages fetched"), "{}", finished.stderr);
    assert_eq!(counts.len(), MESSAGES, "{}", finished.stderr);
    assert!(counts.values().all(|count| *count == 1), "no message is printed twice");
}
