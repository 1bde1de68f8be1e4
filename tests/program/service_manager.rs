//! Notifications of systemd: the state of the service and its watchdog (SVC-1, SVC-2).

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram as StdDatagram};
use std::process;
use std::time::Duration;

use genesys_tail::simulator::Simulator;
use regex::Regex;
use rustix::process::Signal;
use tempfile::{TempDir, tempdir};
use tokio::net::UnixDatagram;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::program::{Running, bare_program, path_str, program, simulator, within_timeout};

/// A stand-in for the service manager.
struct ServiceManager {
    socket: UnixDatagram,
    address: String,
    _folder: TempDir,
}

impl ServiceManager {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self { socket, address: path_str(&path).to_owned(), _folder: folder }
    }

    /// Has an abstract address, which no other test uses.
    fn with_abstract_address() -> Self {
        let name = format!("genesys-tail-program-test-{}", process::id());
        let socket = StdDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let socket = UnixDatagram::from_std(socket).unwrap();
        Self { socket, address: format!("@{name}"), _folder: tempdir().unwrap() }
    }

    fn start(&self, command: &mut Command) -> Running {
        Running::start(command.env("NOTIFY_SOCKET", &self.address))
    }

    /// Returns the next message, with `HOST` in place of the address of the simulator.
    async fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let length = within_timeout(self.socket.recv(&mut buffer)).await.unwrap();
        let message = String::from_utf8_lossy(&buffer[..length]);
        Regex::new(r"127\.0\.0\.1:\d+").unwrap().replace_all(&message, "HOST").into_owned()
    }

    /// Returns the messages up to the one that the service stops.
    async fn messages_until_stopping(&self) -> Vec<String> {
        let mut messages = vec![self.next().await];
        while !messages.last().unwrap().starts_with("STOPPING=1") {
            messages.push(self.next().await);
        }
        messages
    }

    /// Forgets the messages that have arrived.
    fn drain(&self) {
        while self.socket.try_recv(&mut [0; 4096]).is_ok() {}
    }
}

const STOPPING: &str = "STOPPING=1\nSTATUS=stopping";

async fn play(simulator: &Simulator, line: &str) {
    simulator.first_conversation().play(line).await.unwrap();
}

#[tokio::test]
async fn ready_is_sent_once_and_the_state_at_every_change() {
    for (source, outage) in [("transcript", "socket:close=1011"), ("notifications", "notify:close=1001")] {
        let (manager, simulator) = (ServiceManager::new(), simulator("", &[]).await);
        let mut running = manager.start(&mut program(&simulator, &["--source", source]));
        running.wait_for_stderr("connected to").await;
        if let Some(fault) = outage.strip_prefix("socket:") {
            simulator.first_conversation().apply_fault(fault).await.unwrap();
        }
        simulator.apply_fault(outage).await.unwrap();
        running.wait_for_stderr("reconnected to").await;
        play(&simulator, "close").await;
        assert_eq!(running.finish().await.code, Some(0));
        let connected = format!("STATUS=connected to HOST ({source})");
        let lost = "STATUS=reconnecting, retry 1 of 5";
        let expected = ["STATUS=connecting", "READY=1", &connected, lost, &connected, STOPPING];
        assert_eq!(manager.messages_until_stopping().await, expected, "{source}");
    }
}

#[tokio::test]
async fn a_signal_is_reported_at_an_abstract_address() {
    let (manager, simulator) = (ServiceManager::with_abstract_address(), simulator("", &[]).await);
    let running = manager.start(&mut program(&simulator, &["-q"]));
    while manager.next().await != "READY=1" {}
    running.signal(Signal::TERM);
    assert_eq!(manager.messages_until_stopping().await.last().unwrap(), STOPPING);
    assert_eq!(running.finish().await.signal, Some(Signal::TERM.as_raw()));
}

#[tokio::test]
async fn a_run_without_a_socket_is_ready_before_it_ends() {
    let simulator = simulator("+0 customer Ada: Hello\n+0 close", &[]).await;
    let recording = tempdir().unwrap();
    let path = recording.path().join("recording");
    for args in [&["--no-follow", "--record", path_str(&path)][..], &["--replay", path_str(&path)], &["schema"]] {
        let manager = ServiceManager::new();
        let mut command = if args[0] == "--no-follow" { program(&simulator, args) } else { bare_program(args) };
        assert_eq!(manager.start(&mut command).finish().await.code, Some(0));
        let messages = manager.messages_until_stopping().await;
        assert_eq!(messages.iter().filter(|message| *message == "READY=1").count(), 1, "{args:?}: {messages:?}");
    }
}

#[tokio::test]
async fn a_run_that_fails_is_never_ready() {
    let (manager, simulator) = (ServiceManager::new(), simulator("", &["handshake:status=404"]).await);
    let finished = manager.start(&mut program(&simulator, &["--source", "transcript"])).finish().await;
    assert_ne!(finished.code, Some(0));
    assert_eq!(manager.messages_until_stopping().await, ["STATUS=connecting", STOPPING]);
}

#[tokio::test]
async fn the_watchdog_is_told_of_progress_until_the_process_stands_still() {
    let (manager, simulator) = (ServiceManager::new(), simulator("", &[]).await);
    let running = manager.start(program(&simulator, &["-q"]).env("WATCHDOG_USEC", "100000"));
    for _ in 0..5 {
        while manager.next().await != "WATCHDOG=1" {}
    }
    running.signal(Signal::STOP);
    // A message that was sent before the signal arrived may still come.
    let standstill = async {
        while timeout(Duration::from_secs(1), manager.socket.readable()).await.is_ok() {
            manager.drain();
        }
    };
    within_timeout(standstill).await;
    running.signal(Signal::CONT);
    assert_eq!(manager.next().await, "WATCHDOG=1");
    play(&simulator, "close").await;
    assert_eq!(running.finish().await.code, Some(0));
}

#[tokio::test]
async fn the_watchdog_of_another_process_is_left_alone() {
    let (manager, simulator) = (ServiceManager::new(), simulator("", &["socket:close=1011,after=1"]).await);
    let mut command = program(&simulator, &[]);
    let mut running = manager.start(command.env("WATCHDOG_USEC", "2000").env("WATCHDOG_PID", "1"));
    running.wait_for_stderr("connected to").await;
    play(&simulator, "customer Ada: Hello").await;
    play(&simulator, "close").await;
    assert_eq!(running.finish().await.code, Some(0));
    assert!(!manager.messages_until_stopping().await.contains(&"WATCHDOG=1".to_owned()));
}

#[tokio::test]
async fn a_service_manager_that_is_gone_is_a_debug_line() {
    for (args, lines) in [(&["-v"][..], 1), (&[], 0)] {
        let simulator = simulator("+0 close", &[]).await;
        let mut command = program(&simulator, args);
        let finished = Running::start(command.env("NOTIFY_SOCKET", "/nowhere/notify")).finish().await;
        let line = "debug: cannot notify the service manager at /nowhere/notify: No such file or directory";
        assert_eq!(finished.stderr.matches(line).count(), lines, "{}", finished.stderr);
        assert_eq!(finished.code, Some(0));
    }
}
