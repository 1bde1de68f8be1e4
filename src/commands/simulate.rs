//! `simulate`: runs a local Genesys Cloud.

mod events;

use std::io::{self, IsTerminal as _};
use std::process;

use tokio_util::sync::CancellationToken;

use self::events::EventTarget;
use super::error::Error;
use super::print;
use crate::config::Simulate;
use crate::simulator::{self, Script, Simulator, UnwrittenStream};
use crate::status::logging::Log;
use crate::system::open_file::relative_path;
use crate::system::process::end_command;
use crate::system::stdout::Stdout;
use crate::system::stream::AsStream as _;

/// Prints the settings of a simulator and runs it until `stop` is cancelled.
///
/// # Errors
///
/// A fault, script or address that cannot be used. It was not reported.
pub(super) async fn simulate(
    settings: Simulate,
    mut stdout: Stdout,
    log: &Log,
    stop: &CancellationToken,
) -> Result<(), Error> {
    if settings.faults.iter().any(|fault| fault == "help") {
        return print(&mut stdout, simulator::fault_help().as_bytes());
    }
    let Some(scripts) = stop.run_until_cancelled(scripts(settings.scripts.clone())).await else { return Ok(()) };
    let scripts = scripts?;
    let followed = Followed {
        conversations: settings.conversations.unwrap_or(scripts.len().max(1)),
        queue: scripts.iter().filter(|script| script.begins_later()).find_map(|script| script.queues().pop()),
    };
    let options = options(&settings, scripts, followed.conversations)?;
    let target = settings.events.map(EventTarget::new).transpose()?;
    let events_on_stdout = target.as_ref().is_some_and(EventTarget::is_stdout);
    let (simulator, events) = start(options, target).await.map_err(Error::Simulator)?;
    if events_on_stdout {
        log.stderr.write_line(&simulator.dotenv());
    } else {
        print(&mut stdout, simulator.dotenv().as_bytes())?;
    }
    log.service.report_ready();
    tracing::info!("listening on {}; stop with Ctrl-C or {}", simulator.base_url(), end_command(process::id()));
    if !events_on_stdout {
        tracing::info!("{}", followed.next_step(&stdout));
    }
    if let Some((target, stream)) = events {
        return target.write(simulator, stream, stdout, stop).await;
    }
    stop.cancelled().await;
    simulator.shutdown().await;
    Ok(())
}

/// Returns the options of the simulator. Without scripts, it plays its default one.
fn options(settings: &Simulate, mut scripts: Vec<Script>, conversations: usize) -> Result<simulator::Options, Error> {
    let defaults = simulator::Options::default();
    let first = if scripts.is_empty() { defaults.script.clone() } else { scripts.remove(0) };
    Ok(simulator::Options {
        listen: settings.listen,
        script: first,
        more_scripts: scripts,
        conversations: simulator::Options::conversation_ids(conversations),
        rate: settings.rate,
        faults: settings.faults.iter().map(|fault| fault.parse()).collect::<Result<_, _>>()?,
        seed: settings.seed.unwrap_or(defaults.seed),
        token_lifetime: settings.token_lifetime.unwrap_or(defaults.token_lifetime),
        ..defaults
    })
}

/// Starts a simulator, with an event stream if there is a place for it.
async fn start(
    options: simulator::Options,
    target: Option<EventTarget>,
) -> io::Result<(Simulator, Option<(EventTarget, UnwrittenStream)>)> {
    let Some(target) = target else { return Ok((Simulator::start(options).await?, None)) };
    let (simulator, stream) = Simulator::start_with_events(options).await?;
    Ok((simulator, Some((target, stream))))
}

/// The conversations, or the queue, that the next step is about.
struct Followed {
    conversations: usize,
    /// The queue that the conversations enter, if some of them begin later.
    queue: Option<String>,
}

impl Followed {
    /// Returns the command that follows the simulated conversations.
    fn next_step(&self, stdout: &Stdout) -> String {
        let queue = self.queue.as_ref().map_or_else(String::new, |queue| format!(" --queue {queue}"));
        if stdout.as_stream().is_terminal() {
            let save = "save the lines above as simulate.env, then run";
            return format!("{save} genesys-tail --env-file simulate.env{queue}");
        }
        let noun = match (&self.queue, self.conversations) {
            (Some(queue), _) => format!("queue {queue}"),
            (None, 1) => "the conversation".to_owned(),
            (None, number) => format!("the {number} conversations"),
        };
        match file_name(stdout) {
            Some(file) => format!("to follow {noun}: genesys-tail --env-file {file}{queue}"),
            None => format!("to follow {noun}: genesys-tail --env-file FILE{queue}, where FILE holds this output"),
        }
    }
}

/// Returns the path of a regular file, relative to the current folder if it is below that.
///
/// `None` if the operating system does not tell it, or if a shell would require quotes.
fn file_name(file: &Stdout) -> Option<String> {
    let path = relative_path(file)?;
    let name = path.to_str()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    name.chars().all(is_plain).then(|| name.to_owned())
}

/// Loads built-in scripts and files. Reading a named pipe may wait for its writer, so a thread does it.
async fn scripts(names: Vec<String>) -> Result<Vec<Script>, Error> {
    let load = move || names.iter().map(|name| Script::load(name)).collect::<Result<Vec<_>, _>>();
    let loaded = tokio::task::spawn_blocking(load).await;
    Ok(loaded.map_err(|error| Error::Start(io::Error::other(error)))??.into_iter().flatten().collect())
}

#[cfg(test)]
// Only Linux tells the path of an open file.
#[cfg(target_os = "linux")]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn the_next_step_names_the_file_that_holds_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(folder.path()).unwrap().join("deny.env");
        let followed = |conversations, queue: Option<&str>| Followed { conversations, queue: queue.map(str::to_owned) };
        let step = followed(1, None).next_step(&File::create(&path).unwrap());
        assert_eq!(step, format!("to follow the conversation: genesys-tail --env-file {}", path.display()));
        for path in [folder.path().join("a b.env"), "/dev/null".into()] {
            let file = File::options().create(true).append(true).open(path).unwrap();
            let step = followed(3, None).next_step(&file);
            assert_eq!(
                step,
                "to follow the 3 conversations: genesys-tail --env-file FILE, where FILE holds this output"
            );
            let step = followed(1, Some("Billing")).next_step(&file);
            assert_eq!(
                step,
                "to follow queue Billing: genesys-tail --env-file FILE --queue Billing, where FILE holds this output"
            );
        }
    }
}
