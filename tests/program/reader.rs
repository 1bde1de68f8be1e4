//! Who reads standard output, contract section 3: at once, in bursts, slowly, not at all, no more.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::support::program::{Finished, Running, program, run, simulator, within_timeout};
use genesys_tail::simulator::{ConversationHandle, Simulator};
use regex::Regex;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::io::AsyncReadExt;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

/// Bytes in a line of a flood.
const LONG: usize = 32 << 10;

/// Plain lines, so that the text is all that is in them.
const PLAIN: [&str; 2] = ["--timestamps", "none"];

/// A tail of a conversation that waits to be played by hand.
async fn tail(args: &[&str]) -> (Simulator, Running) {
    let simulator = simulator("", &[]).await;
    let mut command = program(&simulator, &[&PLAIN, args].concat());
    let running = start(&simulator, &mut command).await;
    (simulator, running)
}

/// Starts it and waits until it listens to the conversation.
async fn start(simulator: &Simulator, command: &mut tokio::process::Command) -> Running {
    let running = Running::start(command);
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 1)).await;
    running
}

/// Says this many long lines, numbered from 0.
async fn flood(conversation: &ConversationHandle, count: usize) {
    for number in 0..count {
        let text = format!("{number:05}{:.>width$}", "", width = LONG - 5);
        conversation.send_text(format!(r#"{{"event":"messageAdded","payload":{{"text":"{text}"}}}}"#)).await;
    }
}

/// The numbers of the long lines among these.
fn numbers(lines: &str) -> Vec<usize> {
    lines.lines().filter_map(|line| line.strip_prefix("[Unknown] Unknown: ")?.get(..5)?.parse().ok()).collect()
}

/// Waits until the client has pinged this many more times.
async fn pings(simulator: &Simulator, more: u64) {
    let before = simulator.request_log().transcript_sockets[0].pings;
    within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].pings >= before + more)).await;
}

#[tokio::test]
async fn a_line_is_out_as_soon_as_it_is_known() {
    let (simulator, mut running) = tail(&[]).await;
    for number in 1..=3 {
        let said = Instant::now();
        simulator.first_conversation().play(&format!("customer Ada: {number}")).await.unwrap();
        assert_eq!(running.next_line().await, format!("[Customer] Ada: {number}"));
        assert!(said.elapsed() < Duration::from_secs(1), "{:?}", said.elapsed());
    }
}

#[tokio::test]
async fn a_burst_is_written_in_large_chunks_and_nothing_of_it_is_left() {
    // Every write to a datagram socket stays a message of its own.
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    ours.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let simulator = simulator("", &[]).await;
    let running = start(&simulator, program(&simulator, &PLAIN).stdout(OwnedFd::from(theirs))).await;
    let reading = spawn_blocking(move || {
        let (mut lines, mut writes, mut buffer) = (0, 0, vec![0; 1 << 20]);
        while lines < 20_000 {
            let count = ours.recv(&mut buffer).unwrap();
            assert_eq!(buffer[count - 1], b'\n', "whole lines");
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
async fn when_the_reader_goes_it_ends_at_once_and_in_silence() {
    for idle in [true, false] {
        let (simulator, mut running) = tail(&[]).await;
        let conversation = simulator.first_conversation();
        let lines = if idle { 3 } else { 100_000 };
        conversation.apply_fault(&format!("burst={lines}")).await.unwrap();
        for number in 1..=3 {
            assert_eq!(running.next_line().await, format!("[Customer] Ada: burst {number}"));
        }
        let gone = Instant::now();
        running.stdout = None;
        let Finished { code, stderr, .. } = running.finish().await;
        assert!(gone.elapsed() < Duration::from_secs(1), "{:?}", gone.elapsed());
        assert_eq!((code, stderr.lines().count()), (Some(0), 1), "no more than that it was connected: {stderr}");
    }
}

#[tokio::test]
async fn a_full_disk_is_one_clear_line_and_nothing_is_claimed() {
    let simulator = simulator("+0 customer Ada: Hello\n+0 close", &[]).await;
    let full = File::options().write(true).open("/dev/full").unwrap();
    let Finished { code, stderr, .. } = Running::start(program(&simulator, &[]).stdout(full)).finish().await;
    assert_eq!(code, Some(74));
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.contains(": connected to ")).collect();
    let cause = "genesys-tail: error: cannot write the output: No space left on device";
    assert_eq!(lines, [cause, "  make room on the disk, and start again"]);
}

#[tokio::test]
async fn a_stalled_reader_costs_bounded_memory_and_no_line() {
    let (simulator, running) = tail(&["--stall-buffer", "1MiB"]).await;
    let conversation = simulator.first_conversation();
    let flooding = tokio::spawn(async move {
        flood(&conversation, 2_000).await;
        conversation.play("close").await.unwrap();
    });
    let status = format!("/proc/{}", running.child.id().unwrap());
    at_rest(&status).await;
    assert!(!flooding.is_finished(), "the server is held back");
    let peak = memory(&status);
    assert!(peak < 40 << 10, "{peak} KiB");
    let finished = running.finish().await;
    assert_eq!((finished.code, numbers(&finished.stdout)), (Some(0), (0..2_000).collect()));
    assert_eq!(finished.stdout.lines().last(), Some("[CLOSED] Conversation terminated"));
    assert_eq!(simulator.request_log().transcript_sockets.len(), 1);
}

/// Waits until the process uses no more processor time: everything that can come has come.
async fn at_rest(process: &str) {
    let used = || {
        let stat = fs::read_to_string(format!("{process}/schedstat")).unwrap();
        stat.split(' ').next().unwrap().to_owned()
    };
    let mut before = used();
    loop {
        sleep(Duration::from_millis(300)).await;
        let now = used();
        if now == before {
            return;
        }
        before = now;
    }
}

/// The most memory the process ever had, in KiB.
fn memory(process: &str) -> u64 {
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn while_a_reader_stalls_within_the_buffer_the_server_is_answered() {
    let (simulator, running) = tail(&[]).await;
    let conversation = simulator.first_conversation();
    flood(&conversation, 100).await;
    // These pings stand behind the flood, so an answer means that all of it was read.
    conversation.apply_fault("ping=50ms").await.unwrap();
    within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].pongs >= 3)).await;
    conversation.play("close").await.unwrap();
    assert_eq!(numbers(&running.finish().await.stdout), (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn while_the_socket_is_held_back_pings_go_on_and_idle_detection_rests() {
    let keeping_alive = ["--ping-interval", "200ms", "--idle-timeout", "500ms", "--stall-buffer", "64KiB"];
    let (simulator, running) = tail(&keeping_alive).await;
    let conversation = simulator.first_conversation();
    flood(&conversation, 20).await;
    pings(&simulator, 6).await;
    conversation.play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!((finished.code, numbers(&finished.stdout)), (Some(0), (0..20).collect()), "{}", finished.stderr);
    assert_eq!(simulator.request_log().transcript_sockets.len(), 1, "{}", finished.stderr);
}

#[tokio::test]
async fn a_signal_ends_it_soon_although_the_reader_stalls() {
    for stall_buffer in ["64KiB", "64MiB"] {
        let (simulator, mut running) =
            tail(&["--ping-interval", "100ms", "--idle-timeout", "10s", "--stall-buffer", stall_buffer]).await;
        flood(&simulator.first_conversation(), 20).await;
        pings(&simulator, 3).await;
        let asked = Instant::now();
        running.signal(Signal::INT);
        let stdout = running.stdout.take();
        let finished = running.finish().await;
        assert!(asked.elapsed() < Duration::from_millis(1_600), "{stall_buffer}: {:?}", asked.elapsed());
        assert_eq!(finished.signal, Some(2), "{finished:?}");
        let log = within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 0)).await;
        assert_eq!(log.transcript_sockets[0].close_code, Some(1000));
        let mut taken = Vec::new();
        within_timeout(stdout.unwrap().read_to_end(&mut taken)).await.unwrap();
        let whole = memchr::memchr_iter(b'\n', &taken).count();
        let claimed = finished.stderr.rsplit("stopped: ").next().unwrap().split(' ').next().unwrap();
        assert!(claimed.parse::<usize>().unwrap() <= whole, "{whole}: {}", finished.stderr);
    }
}

#[tokio::test]
async fn a_pipe_that_does_not_block_loses_nothing() {
    let (reader, writer) = io::pipe().unwrap();
    fcntl_setfl(&writer, fcntl_getfl(&writer).unwrap() | OFlags::NONBLOCK).unwrap();
    let simulator = simulator("", &[]).await;
    let mut command = program(&simulator, &PLAIN);
    let running = start(&simulator, command.stdout(writer)).await;
    drop(command);
    let conversation = simulator.first_conversation();
    flood(&conversation, 64).await;
    conversation.apply_fault("ping=50ms").await.unwrap();
    within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].pongs >= 1)).await;
    conversation.play("close").await.unwrap();
    let reading = spawn_blocking(move || io::read_to_string(reader).unwrap());
    assert_eq!(numbers(&within_timeout(reading).await.unwrap()), (0..64).collect::<Vec<_>>());
    assert_eq!(running.finish().await.code, Some(0));
}

#[tokio::test]
async fn a_terminal_gets_the_bytes_of_a_pipe_and_colour() {
    const SCRIPT: &str = "+0 customer Ada: Hi\\e[2J\n+0 agent Sam: Hello\n+0 update\n+0 close";
    let simulator = simulator(SCRIPT, &[]).await;
    let piped = run(&simulator, &PLAIN).await.stdout;
    let colors = Regex::new("\u{1b}\\[[0-9]+m").unwrap();
    for (variables, colored) in [(&[][..], true), (&[("NO_COLOR", "1")], false), (&[("TERM", "dumb")], false)] {
        let simulator = crate::support::program::simulator(SCRIPT, &[]).await;
        let (terminal, ours) = terminal();
        let mut command = program(&simulator, &PLAIN);
        let running = Running::start(command.envs(variables.iter().copied()).stdout(terminal));
        drop(command);
        let shown = within_timeout(spawn_blocking(move || read_terminal(ours))).await.unwrap();
        assert_eq!(running.finish().await.code, Some(0));
        assert_eq!(shown.contains('\u{1b}'), colored, "{variables:?}");
        assert_eq!(colors.replace_all(&shown, ""), piped, "{variables:?}");
    }
}

/// A terminal for the program, and the other side of it for us.
fn terminal() -> (File, OwnedFd) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let options = File::options().read(true).write(true).to_owned();
    (options.open(name.to_str().unwrap()).unwrap(), ours)
}

/// Everything shown on a terminal until nobody has it open, with the line ends the program wrote.
fn read_terminal(ours: OwnedFd) -> String {
    let (mut ours, mut shown, mut buffer) = (File::from(ours), Vec::new(), [0; 4096]);
    // The end of a terminal is an error.
    while let Ok(count @ 1..) = ours.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(shown).unwrap().replace("\r\n", "\n")
}
