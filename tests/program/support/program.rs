//! The built binary, run against an in-process simulator, without the developer's environment.

use std::path::Path;
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use genesys_tail::simulator::{Options, Script, Simulator, Sources};
use regex::Regex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpSocket;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::process::{essential_variables, signal_of};

/// Awaits `future` for at most a minute, which no step of these tests needs, even on a busy machine.
pub(crate) async fn within_timeout<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("the step completes within a minute")
}

/// Starts a simulator with this script and these faults. With an empty script, the test plays the conversation itself.
pub(crate) async fn simulator(script: &str, faults: &[&str]) -> Simulator {
    simulator_with(script, faults, Options::default()).await
}

/// Starts a simulator without the published API: no history can be read, all events come over the transcript socket.
pub(crate) async fn simulator_without_history(script: &str, faults: &[&str]) -> Simulator {
    simulator_with(script, faults, transcript_only_options()).await
}

/// Returns the options of [`simulator_without_history`].
pub(crate) fn transcript_only_options() -> Options {
    Options { sources: Sources::TranscriptOnly, ..Options::default() }
}

/// Starts a simulator with this script, these faults and further options.
pub(crate) async fn simulator_with(script: &str, faults: &[&str], options: Options) -> Simulator {
    let script: Script = script.parse().unwrap();
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    Simulator::start(Options { script, faults, ..options }).await.unwrap()
}

/// Returns the binary with an empty environment and standard input, in a folder without a `.env`.
pub(crate) fn bare_program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_genesys-tail"));
    command.args(args).env_clear().envs(essential_variables()).current_dir("/").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Returns the binary with the settings to tail the first conversation of this simulator.
pub(crate) fn program(simulator: &Simulator, args: &[&str]) -> Command {
    let mut command = bare_program(args);
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

/// Returns a socket whose address refuses connections. No other test gets the address before the socket is dropped.
pub(crate) fn refusing_socket() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

/// Waits until a condition outside of the test holds, such as the content of a file.
pub(crate) async fn wait_until(is_met: impl Fn() -> bool) {
    within_timeout(async {
        while !is_met() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Removes the local time that starts each text line on a standard error that is no terminal (ERR-7).
pub(crate) fn without_times(stderr: &str) -> String {
    static TIME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d (genesys-tail: )").unwrap());
    TIME.replace_all(stderr, "$1").into_owned()
}

/// Returns a path as a command line argument.
pub(crate) fn path_str(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The result of a finished run.
#[derive(Debug, PartialEq)]
pub(crate) struct Finished {
    /// The exit code; `None` after death by a signal, which Windows does not have.
    pub(crate) code: Option<i32>,
    /// The signal that ended the process.
    pub(crate) signal: Option<i32>,
    /// The part of standard output that the test had not read before.
    pub(crate) stdout: String,
    /// All of standard error, without the times at the start of lines.
    pub(crate) stderr: String,
}

/// A running program. Standard error is read in the background, standard output only on request.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdout: Option<BufReader<ChildStdout>>,
    stderr: watch::Receiver<String>,
    stderr_task: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts a command made by [`program`] or [`bare_program`].
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().map(BufReader::new);
        let (sender, stderr) = watch::channel(String::new());
        let stderr_task = child.stderr.take().map(|mut pipe| {
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 << 10];
                while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
                    sender.send_modify(|text| text.push_str(&String::from_utf8_lossy(&buffer[..count])));
                }
            })
        });
        Self { child, stdout, stderr, stderr_task }
    }

    /// Reads the next line of standard output, without its line break. Returns an empty string at the end.
    pub(crate) async fn next_line(&mut self) -> String {
        let mut line = String::new();
        within_timeout(self.stdout.as_mut().unwrap().read_line(&mut line)).await.unwrap();
        line.truncate(line.trim_end_matches('\n').len());
        line
    }

    /// Waits until standard error without its times contains `text`.
    pub(crate) async fn wait_for_stderr(&mut self, text: &str) {
        let contains = |stderr: &String| without_times(stderr).contains(text);
        let result = within_timeout(self.stderr.wait_for(contains)).await.map(|_| ());
        result.unwrap_or_else(|_| panic!("the program ended before {text:?}: {}", *self.stderr.borrow()));
    }

    /// Returns everything written to standard error so far, without the times at the start of lines.
    pub(crate) fn stderr(&self) -> String {
        without_times(&self.timed_stderr())
    }

    /// Returns everything written to standard error so far.
    pub(crate) fn timed_stderr(&self) -> String {
        self.stderr.borrow().clone()
    }

    /// Reads standard output to its end, unless the test took it, and waits for the program to end.
    pub(crate) async fn finish(mut self) -> Finished {
        let mut stdout = Vec::new();
        if let Some(pipe) = &mut self.stdout {
            within_timeout(pipe.read_to_end(&mut stdout)).await.unwrap();
        }
        let status = within_timeout(self.child.wait()).await.unwrap();
        if let Some(task) = self.stderr_task {
            within_timeout(task).await.unwrap();
        }
        let stdout = String::from_utf8(stdout).unwrap();
        let stderr = without_times(&self.stderr.borrow());
        Finished { code: status.code(), signal: signal_of(status), stdout, stderr }
    }
}
