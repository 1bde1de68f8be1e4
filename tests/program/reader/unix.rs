//! Readers with the means of Unix.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use regex::Regex;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::io::AsyncReadExt;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::{NO_TIMESTAMPS, message_numbers, send_long_messages, start, start_program, wait_for_pings};
use crate::support::memory::peak_memory_mib;
use crate::support::program::{Finished, Running, program, run, simulator, within_timeout};

#[tokio::test]
async fn a_burst_is_written_in_large_blocks_of_whole_lines() {
    // Every write to a datagram socket is one message, so the writes can be counted.
    let (receiver, stdout) = UnixDatagram::pair().unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let simulator = simulator("", &[]).await;
    let running = start(&simulator, program(&simulator, &NO_TIMESTAMPS).stdout(OwnedFd::from(stdout))).await;
    let reading = spawn_blocking(move || {
        let (mut lines, mut writes, mut buffer) = (0, 0, vec![0; 1 << 20]);
        while lines < 20_000 {
            let count = receiver.recv(&mut buffer).unwrap();
            assert_eq!(buffer[count - 1], b'\n', "a write ends with a whole line");
            lines += memchr::memchr_iter(b'\n', &buffer[..count]).count();
            writes += 1;
        }
        (lines, writes)
    });
    simulator.first_conversation().apply_fault("burst=20000").await.unwrap();
    let (lines, writes) = within_timeout(reading).await.unwrap();
    assert_eq!(lines, 20_000);
    assert!(writes < 200, "{writes} writes for {lines} lines");
    drop(running);
}

#[tokio::test]
async fn a_full_disk_exits_74_with_one_error_and_no_summary() {
    let simulator = simulator("+0 customer Ada: Hello\n+0 close", &[]).await;
    let full = File::options().write(true).open("/dev/full").unwrap();
    let Finished { code, stderr, .. } = Running::start(program(&simulator, &[]).stdout(full)).finish().await;
    assert_eq!(code, Some(74));
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.contains(": connected to ")).collect();
    let cause = "genesys-tail: error: cannot write standard output: No space left on device";
    assert_eq!(lines, [cause, "  tip: free disk space, then start again"]);
}

#[tokio::test]
async fn a_stalled_reader_costs_bounded_memory_and_loses_no_line() {
    let (simulator, running) = start_program(&["--stall-buffer", "1MiB"]).await;
    let conversation = simulator.first_conversation();
    let sending = tokio::spawn(async move {
        send_long_messages(&conversation, 2_000).await;
        conversation.play("close").await.unwrap();
    });
    wait_until_idle(running.child.id().unwrap()).await;
    assert!(!sending.is_finished(), "the server is held back");
    let peak = peak_memory_mib(running.child.id()).unwrap();
    assert!(peak < 40, "{peak} MiB");
    let finished = running.finish().await;
    assert_eq!((finished.code, message_numbers(&finished.stdout)), (Some(0), (0..2_000).collect()));
    assert_eq!(finished.stdout.lines().last(), Some("[CLOSED] Conversation terminated"));
    assert_eq!(simulator.request_log().transcript_sockets.len(), 1);
}

/// Waits until the process uses no more processor time, so that all it can receive is received.
async fn wait_until_idle(process: u32) {
    let cpu_time = || {
        let stat = fs::read_to_string(format!("/proc/{process}/schedstat")).unwrap();
        stat.split(' ').next().unwrap().to_owned()
    };
    let mut before = cpu_time();
    loop {
        sleep(Duration::from_millis(300)).await;
        let now = cpu_time();
        if now == before {
            return;
        }
        before = now;
    }
}

#[tokio::test]
async fn a_signal_ends_the_program_soon_while_the_reader_stalls() {
    for stall_buffer in ["64KiB", "64MiB"] {
        let (simulator, mut running) =
            start_program(&["--ping-interval", "100ms", "--idle-timeout", "10s", "--stall-buffer", stall_buffer]).await;
        send_long_messages(&simulator.first_conversation(), 20).await;
        wait_for_pings(&simulator, 3).await;
        let signaled_at = Instant::now();
        running.signal(Signal::INT);
        let stdout = running.stdout.take();
        let finished = running.finish().await;
        let elapsed = signaled_at.elapsed();
        assert!(elapsed < Duration::from_millis(1_600), "{stall_buffer}: {elapsed:?}");
        assert_eq!(finished.signal, Some(2), "{finished:?}");
        let log = within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 0)).await;
        assert_eq!(log.transcript_sockets[0].close_code, Some(1000));
        let mut written = Vec::new();
        within_timeout(stdout.unwrap().read_to_end(&mut written)).await.unwrap();
        let whole_lines = memchr::memchr_iter(b'\n', &written).count();
        let reported = finished.stderr.rsplit("stopped: ").next().unwrap().split(' ').next().unwrap();
        assert!(reported.parse::<usize>().unwrap() <= whole_lines, "{whole_lines}: {}", finished.stderr);
    }
}

#[tokio::test]
async fn a_nonblocking_pipe_loses_no_line() {
    let (reader, writer) = io::pipe().unwrap();
    fcntl_setfl(&writer, fcntl_getfl(&writer).unwrap() | OFlags::NONBLOCK).unwrap();
    let simulator = simulator("", &[]).await;
    let mut command = program(&simulator, &NO_TIMESTAMPS);
    let running = start(&simulator, command.stdout(writer)).await;
    drop(command);
    let conversation = simulator.first_conversation();
    send_long_messages(&conversation, 64).await;
    conversation.apply_fault("ping=50ms").await.unwrap();
    within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].pongs >= 1)).await;
    conversation.play("close").await.unwrap();
    let reading = spawn_blocking(move || io::read_to_string(reader).unwrap());
    assert_eq!(message_numbers(&within_timeout(reading).await.unwrap()), (0..64).collect::<Vec<_>>());
    assert_eq!(running.finish().await.code, Some(0));
}

#[tokio::test]
async fn a_terminal_gets_the_bytes_of_a_pipe_plus_color() {
    const SCRIPT: &str = "+0 customer Ada: Hi\\e[2J\n+0 agent Sam: Hello\n+0 update\n+0 close";
    let simulator = simulator(SCRIPT, &[]).await;
    let piped = run(&simulator, &NO_TIMESTAMPS).await.stdout;
    let colors = Regex::new("\u{1b}\\[[0-9]+m").unwrap();
    for (variables, colored) in [(&[][..], true), (&[("NO_COLOR", "1")], false), (&[("TERM", "dumb")], false)] {
        let simulator = crate::support::program::simulator(SCRIPT, &[]).await;
        let (terminal, master) = open_terminal();
        let mut command = program(&simulator, &NO_TIMESTAMPS);
        let running = Running::start(command.envs(variables.iter().copied()).stdout(terminal));
        drop(command);
        let printed = within_timeout(spawn_blocking(move || read_terminal(master))).await.unwrap();
        assert_eq!(running.finish().await.code, Some(0));
        assert_eq!(printed.contains('\u{1b}'), colored, "{variables:?}");
        assert_eq!(colors.replace_all(&printed, ""), piped, "{variables:?}");
    }
}

/// Opens a pseudo-terminal and returns its terminal side and its master side.
fn open_terminal() -> (File, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let options = File::options().read(true).write(true).to_owned();
    (options.open(name.to_str().unwrap()).unwrap(), master)
}

/// Reads what is written to a terminal until all its descriptors are closed, with the line ends of the program.
fn read_terminal(master: OwnedFd) -> String {
    let (mut master, mut bytes, mut buffer) = (File::from(master), Vec::new(), [0; 4096]);
    // On Linux the end of a terminal is EIO, not 0 bytes.
    while let Ok(count @ 1..) = master.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}
