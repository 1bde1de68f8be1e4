//! `simulate`: runs a local Genesys Cloud.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::process;

use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::print;
use crate::config::Simulate;
use crate::simulator::{self, Script, Simulator};

/// Prints the settings of a simulator and runs it until `stop` is cancelled.
///
/// # Errors
///
/// A fault, script or address that cannot be used. It was not reported.
pub(super) async fn simulate(settings: Simulate, mut stdout: File, stop: &CancellationToken) -> Result<(), Error> {
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
    tracing::info!("listening on {}; stop with Ctrl-C or kill {}", simulator.base_url(), process::id());
    tracing::info!("{}", next_step(&stdout));
    stop.cancelled().await;
    simulator.shutdown().await;
    Ok(())
}

/// Returns the command that follows the simulated conversation.
fn next_step(stdout: &File) -> &'static str {
    if stdout.is_terminal() {
        "save the lines above as simulate.env, then run genesys-tail --env-file simulate.env"
    } else {
        "to follow the conversation: genesys-tail --env-file simulate.env"
    }
}

/// Loads a built-in script or a file. Reading a named pipe may wait for its writer, so a thread does it.
async fn script(name: Option<String>) -> Result<Option<Script>, Error> {
    let Some(name) = name else { return Ok(None) };
    let loaded = tokio::task::spawn_blocking(move || Script::load(&name)).await;
    Ok(Some(loaded.map_err(|error| Error::Start(io::Error::other(error)))??))
}
