//! A reader that stops for long, and a connection that does not survive it: the history fills the gap.

use std::collections::HashMap;
use std::net::SocketAddr;

use genesys_tail::simulator::Simulator;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::support::program::{Running, program, simulator, within_timeout};

const MESSAGES: usize = 1200;

/// A way to the simulator that can be cut, whatever is under way on it.
async fn relay(simulator: &Simulator, cut: CancellationToken) -> SocketAddr {
    let behind: SocketAddr = simulator.base_url().strip_prefix("http://").unwrap().parse().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let cut = if cut.is_cancelled() { CancellationToken::new() } else { cut.clone() };
            tokio::spawn(async move {
                let mut far = TcpStream::connect(behind).await.unwrap();
                cut.run_until_cancelled(copy_bidirectional(&mut near, &mut far)).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn what_a_cut_takes_from_a_reader_that_stalls_is_fetched() {
    let simulator = simulator("", &[]).await;
    let cut = CancellationToken::new();
    let address = relay(&simulator, cut.clone()).await;
    let mut command = program(&simulator, &["--json", "--source", "transcript", "--stall-buffer", "128KiB"]);
    command.env("GENESYS_API_URL", format!("http://{address}"));
    let mut running = Running::start(&mut command);
    running.wait_for_stderr("connected to").await;
    let (conversation, filler) = (simulator.first_conversation(), "x".repeat(8 << 10));
    let talk = tokio::spawn(async move {
        for number in 0..MESSAGES {
            conversation.play(&format!("customer Ada: {number} {filler}")).await.unwrap();
        }
        conversation.play("close").await.unwrap();
    });
    // By then there is more under way than the pipe, the program and the network between them hold.
    within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].frames >= 400)).await;
    cut.cancel();
    within_timeout(talk).await.unwrap();

    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut pipe = running.stdout.take().unwrap();
    let mut line = String::new();
    while within_timeout(pipe.read_line(&mut line)).await.unwrap() > 0 {
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_ne!(event["type"], "gap", "{line}");
        if let Some(text) = event["text"].as_str() {
            *seen.entry(text.split(' ').next().unwrap().to_owned()).or_default() += 1;
        }
        line.clear();
    }
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stderr.contains("missed messages fetched"), "{}", finished.stderr);
    assert_eq!(seen.len(), MESSAGES, "{}", finished.stderr);
    assert!(seen.values().all(|count| *count == 1), "nothing twice");
}
