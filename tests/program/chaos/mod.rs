//! Random trouble on both sources, seeded and reproducible: what was printed is compared with what was said.
//!
//! `CHAOS_RUNS=1000 cargo test --test program chaos` is the soak, and `CHAOS_SEED=N` repeats one run.

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
use plan::{Plan, Wire};
use verdict::judge;

/// As many as take less than half a minute together on two cores.
const USUAL_RUNS: u64 = 18;

/// Runs at the same time: they mostly wait.
const AT_ONCE: usize = 24;

/// What was said in a run, each message with the time it was said at.
type Said = Vec<(String, DateTime<Utc>)>;

#[tokio::test]
async fn nothing_is_lost_and_nothing_is_printed_twice() {
    let number = |name| std::env::vars().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<u64>().ok());
    let seeds: Vec<u64> = match number("CHAOS_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("CHAOS_RUNS").unwrap_or(USUAL_RUNS)).collect(),
    };
    let runs = stream::iter(seeds).map(|seed| async move { (seed, run(seed).await) });
    let ended: Vec<(u64, Result<(), String>)> = runs.buffer_unordered(AT_ONCE).collect().await;
    let why = |(seed, result): (u64, Result<(), String>)| Some(format!("CHAOS_SEED={seed}: {}", result.err()?));
    let failed: Vec<String> = ended.into_iter().filter_map(why).collect();
    assert!(failed.is_empty(), "{} failed\n{}", failed.len(), failed.join("\n"));
}

/// Runs one plan to its end.
async fn run(seed: u64) -> Result<(), String> {
    let plan = Plan::new(seed);
    let options = Options {
        script: "".parse::<Script>().unwrap(),
        faults: plan.faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        sources: plan.sources,
        token_lifetime: plan.token_lifetime,
        heartbeat_interval: Duration::from_millis(700),
        seed,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let mut command = program(&simulator, &plan.args);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (said, ended) = tokio::join!(talk(&simulator, &plan), listen(child, stdout, plan.stalls, seed));
    let (code, lines, stderr) = ended.map_err(|why| format!("{why} ({plan:?})"))?;
    let verdict = if code == Some(0) { judge(&plan, &said, &lines) } else { Err(format!("ended with {code:?}")) };
    verdict.map_err(|why| format!("{why}\n  {plan:?}\n  {}", stderr.replace('\n', "\n  ")))
}

/// Lets people talk while things break, and closes.
async fn talk(simulator: &Simulator, plan: &Plan) -> Said {
    let mut random = Rng::with_seed(plan.seed ^ 0x5eed);
    let conversation = simulator.first_conversation();
    if !plan.history {
        // What was said before nobody can know of.
        simulator.wait_for(|log| !log.transcript_sockets.is_empty()).await;
    }
    let mut said = Vec::new();
    let mut troubles = plan.troubles.iter();
    for number in 0..plan.messages {
        let (who, text) = (["customer Ada", "agent Sam", "bot Quill"][random.usize(0..3)], format!("m{number}"));
        let now = Utc::now();
        conversation.play(&format!("{who}: {text}")).await.unwrap();
        said.push((text, now));
        if number % plan.trouble_every == plan.trouble_every - 1
            && let Some(trouble) = troubles.next()
        {
            match plan.wire {
                Wire::Transcript => conversation.apply_fault(trouble).await.unwrap(),
                Wire::Notifications if trouble.contains(':') => simulator.apply_fault(trouble).await.unwrap(),
                Wire::Notifications => simulator.apply_fault(&format!("notify:{trouble}")).await.unwrap(),
            }
        }
        sleep(Duration::from_millis(random.u64(0..60))).await;
    }
    conversation.play("close").await.unwrap();
    said
}

/// Reads to the end, with pauses where the reader is one that stalls.
async fn listen(
    mut child: Child,
    mut stdout: BufReader<ChildStdout>,
    stalls: bool,
    seed: u64,
) -> Result<(Option<i32>, Vec<String>, String), String> {
    let mut pipe = child.stderr.take().unwrap();
    let heard = tokio::spawn(async move {
        let mut stderr = String::new();
        let _ = pipe.read_to_string(&mut stderr).await;
        stderr
    });
    let mut random = Rng::with_seed(seed ^ 0x11);
    let mut lines = Vec::new();
    let reading = async {
        let mut line = String::new();
        while stdout.read_line(&mut line).await.unwrap() > 0 {
            lines.push(std::mem::take(&mut line));
            if stalls && random.u8(..) < 12 {
                sleep(Duration::from_millis(random.u64(100..900))).await;
            }
        }
        child.wait().await.unwrap().code()
    };
    if let Ok(code) = timeout(Duration::from_secs(150), reading).await {
        return Ok((code, lines, heard.await.unwrap()));
    }
    child.kill().await.unwrap();
    Err(format!("no end after {} lines\n{}", lines.len(), heard.await.unwrap()))
}
