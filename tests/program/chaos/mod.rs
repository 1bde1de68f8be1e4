//! Random faults on both sources: the printed messages are compared with the sent ones (CONN-40, CONN-41).
//!
//! Each run is drawn from a seed. `CHAOS_RUNS=1000 cargo test --test program chaos` is the soak test;
//! `CHAOS_SEED=N` repeats one run.

mod plan;
mod verdict;

use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fastrand::Rng;
use futures_util::StreamExt;
use futures_util::stream;
use genesys_tail::simulator::{Options, Script, Simulator};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout};
use tokio::time::{sleep, timeout};

use crate::support::program::program;
use plan::{Plan, Source};
use verdict::verify;

/// Default number of runs: together less than half a minute on two cores.
const DEFAULT_RUNS: u64 = 18;

/// Concurrent runs, which mostly wait.
const MAX_CONCURRENT_RUNS: usize = 24;

/// A message that the simulated conversation contained.
#[derive(Debug)]
struct SentMessage {
    text: String,
    sent_at: DateTime<Utc>,
}

/// The output of a program that ended by itself.
struct Output {
    code: Option<i32>,
    lines: Vec<String>,
    stderr: String,
}

#[tokio::test]
async fn random_faults_lose_no_message_and_repeat_none() {
    let number = |name| std::env::vars().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<u64>().ok());
    let seeds: Vec<u64> = match number("CHAOS_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("CHAOS_RUNS").unwrap_or(DEFAULT_RUNS)).collect(),
    };
    let runs = stream::iter(seeds)
        .map(|seed| async move { run(seed).await.err().map(|failure| format!("CHAOS_SEED={seed}: {failure}")) });
    let failures: Vec<String> =
        runs.buffer_unordered(MAX_CONCURRENT_RUNS).filter_map(std::future::ready).collect().await;
    assert!(failures.is_empty(), "{} failed\n{}", failures.len(), failures.join("\n"));
}

/// Runs the plan of this seed to its end. Returns a description of the failure, if it fails.
async fn run(seed: u64) -> Result<(), String> {
    let plan = Plan::new(seed);
    let options = Options {
        script: "".parse::<Script>().unwrap(),
        faults: plan.request_faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        sources: plan.sources,
        token_lifetime: plan.token_lifetime,
        heartbeat_interval: Duration::from_millis(700),
        seed,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let child = program(&simulator, &plan.args).stderr(Stdio::piped()).spawn().unwrap();
    let (sent, output) = tokio::join!(play_conversation(&simulator, &plan), read_output(child, &plan));
    let output = output.map_err(|failure| format!("{failure} ({plan:?})"))?;
    let verdict = match output.code {
        Some(0) => verify(&plan, &sent, &output.lines),
        code => Err(format!("ended with {code:?}")),
    };
    verdict.map_err(|failure| format!("{failure}\n  {plan:?}\n  {}", output.stderr.replace('\n', "\n  ")))
}

/// Sends the plan's messages, inflicts its socket faults in between, and closes the conversation.
async fn play_conversation(simulator: &Simulator, plan: &Plan) -> Vec<SentMessage> {
    let mut random = Rng::with_seed(plan.seed ^ 0x5eed);
    let conversation = simulator.first_conversation();
    if !plan.history_available {
        // Without history, messages from before the first connection are out of reach.
        simulator.wait_for(|log| !log.transcript_sockets.is_empty()).await;
    }
    let mut sent = Vec::new();
    let mut socket_faults = plan.socket_faults.iter();
    for number in 0..plan.messages {
        let sender = ["customer Ada", "agent Sam", "bot Quill"][random.usize(0..3)];
        let (text, sent_at) = (format!("m{number}"), Utc::now());
        conversation.play(&format!("{sender}: {text}")).await.unwrap();
        sent.push(SentMessage { text, sent_at });
        if number % plan.messages_per_fault == plan.messages_per_fault - 1
            && let Some(fault) = socket_faults.next()
        {
            apply_fault(simulator, plan.source, fault).await;
        }
        sleep(plan.max_pause.mul_f64(random.f64())).await;
    }
    conversation.play("close").await.unwrap();
    sent
}

async fn apply_fault(simulator: &Simulator, source: Source, fault: &str) {
    match source {
        Source::Transcript => simulator.first_conversation().apply_fault(fault).await.unwrap(),
        Source::Notifications if fault.contains(':') => simulator.apply_fault(fault).await.unwrap(),
        Source::Notifications => simulator.apply_fault(&format!("notify:{fault}")).await.unwrap(),
    }
}

/// Reads both streams to their end. A stalling reader pauses between lines.
async fn read_output(mut child: Child, plan: &Plan) -> Result<Output, String> {
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut pipe = child.stderr.take().unwrap();
    let stderr = tokio::spawn(async move {
        let mut stderr = String::new();
        let _ = pipe.read_to_string(&mut stderr).await;
        stderr
    });
    let mut lines = Vec::new();
    let reading = async {
        read_lines(stdout, plan, &mut lines).await;
        child.wait().await.unwrap().code()
    };
    if let Ok(code) = timeout(Duration::from_secs(150), reading).await {
        return Ok(Output { code, lines, stderr: stderr.await.unwrap() });
    }
    child.kill().await.unwrap();
    Err(format!("no end after {} lines\n{}", lines.len(), stderr.await.unwrap()))
}

async fn read_lines(mut stdout: BufReader<ChildStdout>, plan: &Plan, lines: &mut Vec<String>) {
    let mut random = Rng::with_seed(plan.seed ^ 0x11);
    let mut line = String::new();
    while stdout.read_line(&mut line).await.unwrap() > 0 {
        lines.push(std::mem::take(&mut line));
        if plan.reader_stalls && random.u8(..) < 12 {
            sleep(Duration::from_millis(random.u64(100..900))).await;
        }
    }
}
