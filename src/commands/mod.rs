//! The commands: each runs from the resolved settings to the end.

mod check;
pub(crate) mod error;
pub(crate) mod replay;
mod tail;

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::commands::check::check;
use crate::commands::error::Error;
use crate::commands::replay::replay;
use crate::commands::tail::tail;
use crate::config::{Config, Credentials, Demo, Endpoints, Replay, Simulate, Targets, Task};
use crate::delivery::{Delivery, DeliveryOptions};
use crate::output::{Prefixes, SCHEMA};
use crate::simulator::{self, Script, Simulator};
use crate::status::logging::Log;
use crate::status::stderr::Stderr;

/// Runs a task until it is done or `stop` is cancelled.
///
/// # Errors
///
/// The failure of the task, which was not reported.
pub(crate) async fn run(task: Task, mut stdout: File, log: &Log, stop: &CancellationToken) -> Result<(), Error> {
    match task {
        Task::Tail(config) => tail(*config, stdout, log, stop).await,
        Task::Demo(demo) => self::demo(*demo, stdout, log, stop).await,
        Task::Check(settings) => check(*settings, stdout, &log.secrets, stop).await,
        Task::Replay(settings) => replay_recording(settings, stdout, &log.stderr, stop).await,
        Task::Simulate(settings) => simulate(settings, stdout, stop).await,
        Task::Print(text) => print(&mut stdout, &text),
        Task::PrintSchema => print(&mut stdout, SCHEMA.as_bytes()),
    }
}

async fn demo(demo: Demo, stdout: File, log: &Log, stop: &CancellationToken) -> Result<(), Error> {
    let options = simulator::Options {
        script: Script::built_in("demo").expect("a built-in script"),
        faults: vec![
            "socket:replay,times=always".parse()?,
            "socket:close=1011,after=9".parse()?,
            "notify:close=1001,after=9".parse()?,
        ],
        ..simulator::Options::default()
    };
    let simulator = Simulator::start(options).await.map_err(Error::Simulator)?;
    let base: url::Url = simulator.base_url().parse().expect("a URL");
    let token = base.join("/oauth/token").expect("a URL");
    let config = Config {
        conversations: vec![simulator.first_conversation().id().to_owned()],
        endpoints: Endpoints { api: base, token },
        credentials: Credentials {
            client_id: simulator.client_id().to_owned(),
            client_secret: simulator.client_secret().into(),
        },
        targets: Targets::default(),
        source: demo.source,
        history: demo.history,
        connection: demo.connection,
        output: demo.output,
        record: demo.record,
        cursor: None,
    };
    tail(config, stdout, log, stop).await
}

async fn replay_recording(
    settings: Replay,
    stdout: File,
    stderr: &Stderr,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let options = DeliveryOptions {
        output: settings.output,
        history_lines: None,
        prefixes: Prefixes::default(),
        recorder: None,
        cursor: None,
    };
    let delivery = Delivery::start(options, stdout, stderr)?;
    let replayed = stop.run_until_cancelled(replay(&settings.from, &delivery.sink));
    let Some(replayed) = delivery.run_until_failed(replayed).await? else { return Ok(()) };
    delivery.finish(stop).await?;
    replayed.unwrap_or(Ok(())).map_err(Error::Replay)
}

async fn simulate(settings: Simulate, mut stdout: File, stop: &CancellationToken) -> Result<(), Error> {
    if settings.faults.iter().any(|fault| fault == "help") {
        return print(&mut stdout, simulator::fault_help().as_bytes());
    }
    let defaults = simulator::Options::default();
    let Some(script) = stop.run_until_cancelled(script(settings.script)).await else { return Ok(()) };
    let options = simulator::Options {
        listen: settings.listen,
        script: script?.unwrap_or(defaults.script),
        rate: settings.rate,
        faults: settings.faults.iter().map(|fault| fault.parse()).collect::<Result<_, _>>()?,
        seed: settings.seed.unwrap_or(defaults.seed),
        token_lifetime: settings.token_lifetime.unwrap_or(defaults.token_lifetime),
        ..simulator::Options::default()
    };
    let simulator = Simulator::start(options).await.map_err(Error::Simulator)?;
    print(&mut stdout, simulator.dotenv().as_bytes())?;
    tracing::info!("simulating on {}; stop with Ctrl-C", simulator.base_url());
    stop.cancelled().await;
    simulator.shutdown().await;
    Ok(())
}

/// Loads a built-in script or a file. Reading a named pipe may wait for its writer, so a thread does it.
async fn script(name: Option<String>) -> Result<Option<Script>, Error> {
    let Some(name) = name else { return Ok(None) };
    let loaded = tokio::task::spawn_blocking(move || Script::load(&name)).await;
    Ok(Some(loaded.map_err(|error| Error::Start(io::Error::other(error)))??))
}

/// Prints a text. A reader that closes stdout early has what it wants.
fn print(stdout: &mut File, text: &[u8]) -> Result<(), Error> {
    match stdout.write_all(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Error::Output(Arc::new(error))),
    }
}
