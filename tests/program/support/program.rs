//! The built binary, run against a simulator in this process and with nothing of the developer's environment.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use genesys_tail::simulator::{Options, Script, Simulator, Wires};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Nothing here takes longer than this unless it is broken, not even on a machine that has much else to do.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it happens in time")
}

/// A simulator with this script and these faults. With an empty script the conversation waits to be played by hand.
pub(crate) async fn simulator(script: &str, faults: &[&str]) -> Simulator {
    simulator_with(script, faults, Options::default()).await
}

/// The same without the published API: what was missed cannot be read afterwards, and everything comes over the socket.
pub(crate) async fn without_history(script: &str, faults: &[&str]) -> Simulator {
    simulator_with(script, faults, transcript_only()).await
}

/// What [`without_history`] has for options.
pub(crate) fn transcript_only() -> Options {
    Options { wires: Wires::TranscriptOnly, ..Options::default() }
}

/// The same as [`simulator`], with everything else as in `options`.
pub(crate) async fn simulator_with(script: &str, faults: &[&str], options: Options) -> Simulator {
    let script: Script = script.parse().unwrap();
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    Simulator::start(Options { script, faults, ..options }).await.unwrap()
}

/// The binary with an empty environment, in a folder without a `.env`, with nothing on its standard input.
pub(crate) fn bare(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_genesys-tail"));
    command.args(args).env_clear().current_dir("/").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The binary with the settings it needs to tail the first conversation of this simulator.
pub(crate) fn program(simulator: &Simulator, args: &[&str]) -> Command {
    let mut command = bare(args);
    for line in simulator.dotenv().lines() {
        let (name, value) = line.split_once('=').unwrap();
        command.env(name, value.trim_matches('\''));
    }
    command
}

/// Runs the binary against this simulator to its end.
pub(crate) async fn run(simulator: &Simulator, args: &[&str]) -> Finished {
    Running::start(&mut program(simulator, args)).finish().await
}

/// The most memory in MiB that a process has used so far.
pub(crate) fn peak(process: Option<u32>) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process?)).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kib| kib / 1024)
}

/// A run that is over.
#[derive(Debug, PartialEq)]
pub(crate) struct Finished {
    /// The exit code; `None` after death by a signal.
    pub(crate) code: Option<i32>,
    /// The signal it died of.
    pub(crate) signal: Option<i32>,
    /// What was on standard output and not yet read from it.
    pub(crate) stdout: String,
    /// Everything that was on standard error.
    pub(crate) stderr: String,
}

/// A run that goes on. Standard error is always read, standard output only when asked for.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdout: Option<BufReader<ChildStdout>>,
    stderr: watch::Receiver<String>,
    listening: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts a command of [`program`] or [`bare`], whatever was changed about it since.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().map(BufReader::new);
        let (heard, stderr) = watch::channel(String::new());
        let listening = child.stderr.take().map(|mut pipe| {
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 << 10];
                while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
                    heard.send_modify(|text| text.push_str(&String::from_utf8_lossy(&buffer[..count])));
                }
            })
        });
        Self { child, stdout, stderr, listening }
    }

    /// The next line on standard output, without its line break; empty at the end.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        soon(self.stdout.as_mut().unwrap().read_line(&mut line)).await.unwrap();
        line.truncate(line.trim_end_matches('\n').len());
        line
    }

    /// Waits until `words` were said on standard error.
    pub(crate) async fn hears(&mut self, words: &str) {
        let heard = soon(self.stderr.wait_for(|text| text.contains(words))).await.map(|_| ());
        heard.unwrap_or_else(|_| panic!("the end came before {words:?}: {}", *self.stderr.borrow()));
    }

    /// What was said on standard error until now.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.borrow().clone()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Reads standard output to its end, if it is still open, and waits for the program to end.
    pub(crate) async fn finish(mut self) -> Finished {
        let mut stdout = Vec::new();
        if let Some(pipe) = &mut self.stdout {
            soon(pipe.read_to_end(&mut stdout)).await.unwrap();
        }
        let status = soon(self.child.wait()).await.unwrap();
        if let Some(listening) = self.listening {
            soon(listening).await.unwrap();
        }
        let stdout = String::from_utf8(stdout).unwrap();
        let stderr = self.stderr.borrow().clone();
        Finished { code: status.code(), signal: status.signal(), stdout, stderr }
    }
}
