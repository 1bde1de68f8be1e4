//! Tests of the notifications source, against a simulator without transcript sockets (SRC-2, NTF-1 to NTF-14).

mod bodies;
mod call_gaps;
mod calls;
mod channels;
mod endings;
mod errors;
mod outages;
mod queue_calls;
mod raw;
mod several;
mod sizes;
mod targets;

use std::time::Duration;

use genesys_tail::simulator::{Options, RequestLog, Script, Simulator, Sources};

use crate::support::program::{Finished, Running, program, run, simulator_with, within_timeout, without_times};

/// A conversation with three messages, at a pace that leaves time for requests between them.
const SCRIPT: &str = "+0.2 customer Ada: one\n+0.4 agent Sam: two\n+0.4 customer Ada: three\n+0.4 close";

/// The flags of every run: the notifications source and lines without a time.
const ARGS: [&str; 4] = ["--source", "notifications", "--timestamps", "none"];

/// Returns the options of a simulator that offers notifications only.
fn notifications_only() -> Options {
    Options { sources: Sources::NotificationsOnly, ..Options::default() }
}

/// Starts a simulator of the notifications source with this script and these faults.
async fn api_simulator(script: &str, faults: &[&str]) -> Simulator {
    simulator_with(script, faults, notifications_only()).await
}

/// Starts a simulator of the notifications source that plays a built-in script at `rate` lines per second.
async fn scripted_simulator(script: &str, rate: f64, faults: &[&str]) -> Simulator {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let script = Script::built_in(script).unwrap();
    Simulator::start(Options { script, rate: Some(rate), faults, ..notifications_only() }).await.unwrap()
}

/// Starts a simulator of the notifications source whose conversation has this number of messages.
async fn flood_simulator(messages: u32, rate: f64, faults: &[&str]) -> Simulator {
    scripted_simulator(&format!("flood:{messages}"), rate, faults).await
}

/// Runs the program to its end. Returns the simulator's log, too.
async fn run_to_end(simulator: &Simulator, args: &[&str]) -> (Finished, RequestLog) {
    let finished = run(simulator, &[&ARGS, args].concat()).await;
    (finished, simulator.request_log())
}

/// Runs the program to its end, for at most 90 seconds. Returns the simulator's log, too.
async fn run_long_to_end(simulator: &Simulator, args: &[&str]) -> (Finished, RequestLog) {
    let output = program(simulator, &[&ARGS, args].concat()).output();
    let output = tokio::time::timeout(Duration::from_secs(90), output).await.expect("the run ends in time").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    let stderr = without_times(&stderr);
    (Finished { code: output.status.code(), signal: None, stdout, stderr }, simulator.request_log())
}

/// Starts the program and waits until its notification socket is open.
async fn start(simulator: &Simulator, args: &[&str]) -> Running {
    let running = Running::start(&mut program(simulator, &[&ARGS, args].concat()));
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    running
}

/// Returns the message texts, without label and sender.
fn texts(finished: &Finished) -> Vec<&str> {
    finished.stdout.lines().filter_map(|line| line.split_once(": ")).map(|(_, text)| text).collect()
}

/// Returns the numbers of the printed messages of a [`flood_simulator`].
fn numbers(finished: &Finished) -> Vec<u32> {
    let number = |line: &str| line.split_once(": message ")?.1.split_once(':')?.0.parse().ok();
    finished.stdout.lines().filter_map(number).collect()
}
