//! The program as a whole on both sources, against the simulator: `cargo bench --bench end_to_end`. Linux only.
//!
//! CPU time and memory are those of the program alone. The simulator and the reader of the lines share the cores with it, so
//! that the lines per second are a lower bound. The delay begins when the service sends a message and ends when its line is read.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use genesys_tail::simulator::{Options, Simulator};
use tokio::time::Instant;

/// A REST request takes 50 ms. An event holds the latest 20 messages, so that its cost does not grow.
const FAULTS: [&str; 2] = ["rest:slow=50ms,times=always", "notify:truncate=20"];

const LOADS: [Load; 5] = [
    Load { source: "transcript", messages: 1_000_000, pause: None },
    Load { source: "transcript", messages: 500, pause: Some(Duration::from_millis(10)) },
    Load { source: "notifications", messages: 20, pause: Some(Duration::from_millis(500)) },
    Load { source: "notifications", messages: 200, pause: Some(Duration::from_millis(50)) },
    Load { source: "notifications", messages: 1000, pause: Some(Duration::from_millis(10)) },
];

/// A load on one source.
struct Load {
    source: &'static str,
    messages: u32,
    /// The pause between two messages; `None` for all at once.
    pause: Option<Duration>,
}

type OutputLines = BufReader<ChildStdout>;

/// A line that was read: the number of its message, and the time.
type Printed = (usize, Instant);

/// The resources that a run has used.
struct Usage {
    cpu: Duration,
    peak_memory_kib: f64,
    requests: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    print_row(["source", "sent/s", "printed/s", "CPU µs/line", "median delay", "peak memory", "requests/1,000"]);
    for load in LOADS {
        print_row(load.measure().await.each_ref().map(String::as_str));
    }
}

impl Load {
    /// Applies the load to a new process, and returns its row.
    async fn measure(&self) -> [String; 7] {
        // Without a script, the benchmark plays the conversation.
        let (script, faults) =
            ("".parse().expect("a script"), FAULTS.map(|fault| fault.parse().expect("a fault")).into());
        let options = Options { script, faults, ..Options::default() };
        let simulator = Simulator::start(options).await.expect("the simulator starts");
        let (mut program, lines) = start_program(&simulator, self.source).await;
        let (before, start) = (Usage::read(&program, &simulator), Instant::now());
        let reading = tokio::spawn(read_lines(lines, self.messages as usize));
        let sent = self.send(&simulator).await;
        let (_pipe, printed) = reading.await.expect("the lines are read");
        let after = Usage::read(&program, &simulator);
        let _ = program.kill().and_then(|()| program.wait());
        simulator.shutdown().await;
        self.row(&before, &after, median_delay(&sent, &printed), printed.last().map(|(_, at)| *at - start))
    }

    /// Sends the messages 1, 2, … and returns the time of each; none if all are sent at once.
    async fn send(&self, simulator: &Simulator) -> Vec<Instant> {
        let (conversation, mut sent) = (simulator.first_conversation(), Vec::new());
        let Some(pause) = self.pause else {
            conversation.apply_fault(&format!("burst={}", self.messages)).await.expect("a fault");
            return sent;
        };
        let mut ticks = tokio::time::interval(pause);
        for number in 1..=self.messages {
            ticks.tick().await;
            sent.push(Instant::now());
            conversation.play(&format!("customer: {number}")).await.expect("a line of a script");
        }
        sent
    }

    fn row(&self, before: &Usage, after: &Usage, delay: Option<Duration>, took: Option<Duration>) -> [String; 7] {
        let (count, cpu) = (f64::from(self.messages), after.cpu.saturating_sub(before.cpu));
        let requests = u32::try_from(after.requests - before.requests).expect("a small number");
        [
            self.source.to_owned(),
            self.pause.map_or("at once".to_owned(), |pause| format!("{:.0}", 1.0 / pause.as_secs_f64())),
            took.map_or_else(String::new, |took| format!("{:.0}", count / took.as_secs_f64())),
            format!("{:.2}", cpu.as_secs_f64() * 1e6 / count),
            delay.map_or("-".to_owned(), |delay| format!("{:.1} ms", delay.as_secs_f64() * 1e3)),
            format!("{:.1} MiB", after.peak_memory_kib / 1024.0),
            format!("{:.0}", f64::from(requests) * 1000.0 / count),
        ]
    }
}

impl Usage {
    fn read(program: &Child, simulator: &Simulator) -> Self {
        let read = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", program.id())).unwrap_or_default();
        let peak = read("status")
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        let threads = fs::read_dir(format!("/proc/{}/task", program.id())).expect("Linux").flatten();
        let cpu_time = |thread: fs::DirEntry| {
            let times = read(&format!("task/{}/schedstat", thread.file_name().display()));
            times.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0)
        };
        let requests = simulator.request_log().requests.len();
        Self { cpu: Duration::from_nanos(threads.map(cpu_time).sum()), peak_memory_kib: peak.unwrap_or(0.0), requests }
    }
}

/// Starts the program, and returns it after its first line.
async fn start_program(simulator: &Simulator, source: &str) -> (Child, OutputLines) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_genesys-tail"));
    command.args(["--source", source]).env_clear().current_dir("/");
    for line in simulator.dotenv().lines() {
        let (name, value) = line.split_once('=').expect("a variable");
        command.env(name, value.trim_matches('\''));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut program = command.spawn().expect("the program starts");
    let lines = BufReader::with_capacity(64 * 1024, program.stdout.take().expect("a pipe"));
    simulator.wait_for(|log| log.open_transcript_sockets() + log.open_notification_sockets() > 0).await;
    simulator.first_conversation().play("customer Ada: 0").await.expect("a line of a script");
    (program, read_lines(lines, 1).await.0)
}

/// Reads the lines of this many messages, which end with their numbers.
async fn read_lines(mut lines: OutputLines, count: usize) -> (OutputLines, Vec<Printed>) {
    let read = move || {
        let (mut printed, mut line) = (Vec::new(), String::new());
        while printed.len() < count && lines.read_line(&mut line).expect("a line") > 0 {
            let number = line.trim_end().rsplit(' ').next().and_then(|word| word.parse().ok());
            printed.extend(number.map(|number| (number, Instant::now())));
            line.clear();
        }
        (lines, printed)
    };
    tokio::task::spawn_blocking(read).await.expect("the lines are read")
}

fn median_delay(sent: &[Instant], printed: &[Printed]) -> Option<Duration> {
    let delay = |&(number, at): &Printed| Some(at - *sent.get(number.checked_sub(1)?)?);
    let mut delays: Vec<Duration> = printed.iter().filter_map(delay).collect();
    delays.sort_unstable();
    delays.get(delays.len() / 2).copied()
}

fn print_row([source, values @ ..]: [&str; 7]) {
    let _ = writeln!(std::io::stdout(), "{source:<14}{}", values.map(|value| format!("{value:>15}")).concat());
}
