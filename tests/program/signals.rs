//! Termination by SIGINT, SIGTERM and SIGHUP (CONN-46, EXIT-SIG).

use std::fs;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::Duration;

use crate::support::program::{Running, bare_program, program, refusing_socket, simulator, within_timeout};
use crate::support::shell::with_shell_setup;
use genesys_tail::simulator::Simulator;
use rustix::fs::OFlags;
use rustix::process::Signal;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::Instant;

/// Returns the terminating signals that the test process does not ignore. `nohup` and `&` in a script ignore some.
fn terminating_signals() -> Vec<Signal> {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let ignored = u64::from_str_radix(mask.trim(), 16).unwrap();
    [Signal::TERM, Signal::INT, Signal::HUP]
        .into_iter()
        .filter(|signal| ignored >> (signal.as_raw() - 1) & 1 == 0)
        .collect()
}

/// Starts the program and returns after it has handled every frame of this fault. Its output is unread.
async fn start_and_receive(simulator: &Simulator, command: &mut Command, fault: &str) -> Running {
    let running = Running::start(command);
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 1)).await;
    simulator.first_conversation().apply_fault(fault).await.unwrap();
    simulator.first_conversation().send_bytes(&b"\x89\x00"[..]).await;
    // The ping follows the frames of the fault, so its pong says that they are handled.
    within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].pongs == 1)).await;
    running
}

#[tokio::test]
async fn a_signal_closes_the_socket_with_1000_and_flushes_every_line_before_the_process_dies_of_it() {
    for signal in terminating_signals() {
        let simulator = simulator("", &[]).await;
        let running = start_and_receive(&simulator, &mut program(&simulator, &[]), "burst=300").await;
        running.signal(signal);
        let finished = running.finish().await;
        assert_eq!((finished.code, finished.signal), (None, Some(signal.as_raw())));
        assert_eq!(finished.stdout.lines().count(), 300);
        assert!(finished.stderr.ends_with("genesys-tail: stopped: 300 lines\n"), "{}", finished.stderr);
        let log = within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 0)).await;
        assert_eq!(log.transcript_sockets[0].close_code, Some(1000));
    }
}

#[tokio::test]
async fn a_stalled_reader_delays_the_termination_by_half_a_second() {
    let simulator = simulator("", &[]).await;
    let mut running = start_and_receive(&simulator, &mut program(&simulator, &[]), "burst=20000").await;
    let start = Instant::now();
    running.signal(Signal::TERM);
    let status = within_timeout(running.child.wait()).await.unwrap();
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
    assert!((450..3000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    let log = within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 0)).await;
    assert_eq!(log.transcript_sockets[0].close_code, Some(1000));
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once_by_the_first_signal() {
    let simulator = simulator("", &["socket:no-close-answer"]).await;
    let running = start_and_receive(&simulator, &mut program(&simulator, &[]), "burst=20000").await;
    running.signal(Signal::TERM);
    within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].close_code.is_some())).await;
    running.signal(*terminating_signals().last().unwrap());
    let finished = running.finish().await;
    assert_eq!(finished.signal, Some(Signal::TERM.as_raw()));
    assert!(!finished.stderr.contains("stopped"), "the shutdown was completed: {}", finished.stderr);
}

#[tokio::test]
async fn a_signal_ends_the_wait_for_a_retry() {
    let refusing = refusing_socket();
    let url = format!("http://{}", refusing.local_addr().unwrap());
    for signal in terminating_signals() {
        let mut command = bare_program(&["-c", "x", "--client-id", "c", "--api-url", &url]);
        let mut running = Running::start(command.env("GENESYS_CLIENT_SECRET", "s"));
        running.wait_for_stderr("; retry 1 of 5 in ").await;
        let start = Instant::now();
        running.signal(signal);
        let finished = running.finish().await;
        assert_eq!(finished.signal, Some(signal.as_raw()), "{}", finished.stderr);
        assert!(start.elapsed() < Duration::from_millis(900), "the delay before a retry is at least 1 s");
    }
}

#[tokio::test]
async fn a_signal_ends_a_connection_attempt() {
    let simulator = simulator("", &["handshake:hang"]).await;
    let running = Running::start(&mut program(&simulator, &["--connect-timeout", "60s"]));
    within_timeout(simulator.wait_for(|log| log.transcript_handshakes.len() == 1)).await;
    running.signal(Signal::TERM);
    let finished = running.finish().await;
    assert_eq!((finished.signal, finished.stdout.as_str()), (Some(Signal::TERM.as_raw()), ""));
}

#[tokio::test]
async fn a_signal_ends_a_replay_that_waits_for_input() {
    const RECORDING: &[u8] = br#"{"genesys-tail-recording":1,"started":"2026-01-02T03:04:05Z","conversations":["a"]}
{"at":"2026-01-02T03:04:05Z","conversation":"a","text":[1,"{\"event\":\"conversationUpdated\"}"]}
"#;
    for signal in terminating_signals() {
        let mut running =
            Running::start(bare_program(&["--replay", "-", "--timestamps", "none"]).stdin(Stdio::piped()));
        let mut stdin = running.child.stdin.take().unwrap();
        stdin.write_all(RECORDING).await.unwrap();
        assert_eq!(running.next_line().await, "[UPDATE] Conversation status changed");
        running.signal(signal);
        assert_eq!(running.finish().await.signal, Some(signal.as_raw()));
    }
}

#[tokio::test]
async fn a_signal_ends_the_simulator_and_the_demo() {
    for (args, first_line_start) in [(["simulate"], "GENESYS_API_URL=http://127.0.0.1:"), (["--demo"], "")] {
        let mut running = Running::start(&mut bare_program(&args));
        assert!(running.next_line().await.starts_with(first_line_start));
        running.signal(Signal::TERM);
        let finished = running.finish().await;
        assert_eq!(finished.signal, Some(Signal::TERM.as_raw()), "{args:?}: {}", finished.stderr);
    }
}

#[tokio::test]
async fn a_signal_ignored_at_the_start_stays_ignored() {
    let simulator = simulator("", &[]).await;
    let command = program(&simulator, &["--timestamps", "none"]);
    let mut running = Running::start(&mut with_shell_setup("trap '' HUP", &command));
    running.wait_for_stderr("connected to ").await;
    running.signal(Signal::HUP);
    simulator.first_conversation().play("customer Ada: still here?").await.unwrap();
    assert_eq!(running.next_line().await, "[Customer] Ada: still here?");
    running.signal(Signal::TERM);
    assert_eq!(running.finish().await.signal, Some(Signal::TERM.as_raw()));
}

#[tokio::test]
async fn a_signal_ends_the_wait_for_a_named_pipe_without_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let pipe = pipe.to_str().unwrap();
    for args in [&["--replay", pipe][..], &["simulate", "--script", pipe]] {
        let mut command = bare_program(args);
        let mut running = Running::start(&mut command);
        let signal_handler_installed = async {
            // Without a handler the signal would kill the process before it waits for the pipe.
            let path = format!("/proc/{}/status", running.child.id().unwrap());
            loop {
                let status = fs::read_to_string(&path).unwrap_or_default();
                let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
                if u64::from_str_radix(mask.trim(), 16).unwrap() >> (Signal::TERM.as_raw() - 1) & 1 == 1 {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        within_timeout(signal_handler_installed).await;
        running.signal(Signal::TERM);
        let status = within_timeout(running.child.wait()).await.unwrap();
        assert_eq!(status.signal(), Some(Signal::TERM.as_raw()), "{args:?}");
    }
}

#[tokio::test]
async fn a_signal_ends_the_program_while_both_streams_stall_in_one_pipe() {
    let simulator = simulator("", &[]).await;
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = program(&simulator, &["--stall-buffer", "64KiB"]);
    command.stdout(writer.try_clone().unwrap()).stderr(writer.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    drop(command);
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 1)).await;
    simulator.first_conversation().apply_fault("burst=20000").await.unwrap();
    let pipe_half_full = async {
        while rustix::io::ioctl_fionread(&reader).unwrap() < 32 * 1024 {
            tokio::task::yield_now().await;
        }
    };
    within_timeout(pipe_half_full).await;
    // Fills the rest of the pipe through a non-blocking descriptor of the test.
    let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
    let mut top_up = fs::File::options().write(true).custom_flags(nonblocking).open(path).unwrap();
    while top_up.write(b".").is_ok() {}
    drop((top_up, writer));
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    let status = within_timeout(child.wait()).await.unwrap();
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
    drop(reader);
}
