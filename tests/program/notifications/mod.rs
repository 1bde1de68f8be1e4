//! The published API as the only wire: the tail through channels that end, sockets that break, words that lag and
//! services that refuse.

mod bodies;
mod calls;
mod channels;
mod endings;
mod errors;
mod outages;
mod raw;
mod several;
mod sizes;

use std::time::Duration;

use genesys_tail::simulator::{Options, RequestLog, Script, Simulator, Sources};

use crate::support::program::{Finished, program, run, simulator_with};

/// Three messages, with the time that people take.
const TALK: &str = "+0.2 customer Ada: one\n+0.4 agent Sam: two\n+0.4 customer Ada: three\n+0.4 close";

/// The published API alone.
fn published() -> Options {
    Options { sources: Sources::NotificationsOnly, ..Options::default() }
}

/// A simulator of the published API alone with this script and these faults.
async fn api(script: &str, faults: &[&str]) -> Simulator {
    simulator_with(script, faults, published()).await
}

/// The same with a built-in script at this many lines a second.
async fn named(script: &str, rate: f64, faults: &[&str]) -> Simulator {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let script = Script::built_in(script).unwrap();
    Simulator::start(Options { script, rate: Some(rate), faults, ..published() }).await.unwrap()
}

/// The same with so many messages.
async fn flood(messages: u32, rate: f64, faults: &[&str]) -> Simulator {
    named(&format!("flood:{messages}"), rate, faults).await
}

/// A whole run on notifications, with plain lines, and what the service saw of it.
async fn tail(simulator: &Simulator, args: &[&str]) -> (Finished, RequestLog) {
    let usual = ["--source", "notifications", "--timestamps", "none"];
    let finished = run(simulator, &[&usual, args].concat()).await;
    (finished, simulator.request_log())
}

/// The same where it takes its time.
async fn long_tail(simulator: &Simulator, args: &[&str]) -> (Finished, RequestLog) {
    let usual = ["--source", "notifications", "--timestamps", "none"];
    let output = program(simulator, &[&usual, args].concat()).output();
    let output = tokio::time::timeout(Duration::from_secs(90), output).await.expect("it ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    (Finished { code: output.status.code(), signal: None, stdout, stderr }, simulator.request_log())
}

/// The message lines without label and sender.
fn texts(finished: &Finished) -> Vec<&str> {
    finished.stdout.lines().filter_map(|line| line.split_once(": ")).map(|(_, text)| text).collect()
}

/// The running numbers of the messages of a flood.
fn numbers(finished: &Finished) -> Vec<u32> {
    let number = |line: &str| line.split_once(": message ")?.1.split_once(':')?.0.parse().ok();
    finished.stdout.lines().filter_map(number).collect()
}
