//! The line at the foot of a terminal that shows in a quiet time that the tail is alive.

use std::fs;

use crate::support::program::{Running, program, simulator, simulator_with, within_timeout};
use crate::support::pty::{StdoutTarget, Terminal};
use crate::support::shell::with_shell_setup;
use genesys_tail::simulator::{Options, Simulator};
use regex::Regex;
use tokio::process::Command;
use vt100::Screen;

const FOOT: &str = "genesys-tail: alive, quiet for ";

fn plain(simulator: &Simulator, args: &[&str]) -> Command {
    program(simulator, &[&["--timestamps", "none"], args].concat())
}

fn has_foot(screen: &Screen) -> bool {
    screen.contents().contains(FOOT)
}

/// What is on the screen, without the port that was free.
fn lines(terminal: &Terminal) -> Vec<String> {
    let port = Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    terminal.lines().iter().map(|line| port.replace_all(line, "HOST").into_owned()).collect()
}

#[tokio::test]
async fn in_a_quiet_time_it_is_there_and_makes_way_for_a_line() {
    let simulator = simulator("", &[]).await;
    let mut terminal = Terminal::open(80);
    let running = Running::start(&mut terminal.command(&plain(&simulator, &[]), StdoutTarget::Screen));
    terminal.wait_for_screen(has_foot).await;
    let (shown, cursor) = (terminal.lines(), terminal.cursor());
    let foot = Regex::new(r"^genesys-tail: alive, quiet for 1\d s; last sign of life 1?\d s ago$").unwrap();
    assert!(foot.is_match(&shown[1]), "{shown:?}");
    assert_eq!((shown.len(), cursor), (2, (1, 0)));
    simulator.first_conversation().play("customer Ada: Hello").await.unwrap();
    terminal.wait_for_screen(|screen| screen.contents().contains("Hello")).await;
    let expected = ["genesys-tail: connected to HOST (transcript)", "[Customer] Ada: Hello"];
    assert_eq!((lines(&terminal), terminal.cursor()), (expected.map(str::to_owned).to_vec(), (2, 0)));
    drop(running);
}

#[tokio::test]
async fn a_line_on_standard_error_takes_its_place() {
    let simulator = simulator("", &[]).await;
    let mut terminal = Terminal::open(80);
    let running = Running::start(&mut terminal.command(&plain(&simulator, &[]), StdoutTarget::Screen));
    terminal.wait_for_screen(has_foot).await;
    simulator.first_conversation().apply_fault("malformed").await.unwrap();
    terminal.wait_for_screen(|screen| screen.contents().contains("skipped") && !has_foot(screen)).await;
    assert!(lines(&terminal)[1].starts_with("genesys-tail: warning: skipped 1 frame"), "{:?}", lines(&terminal));
    drop(running);
}

#[tokio::test]
async fn after_ctrl_c_the_shell_finds_no_trace_of_it() {
    let simulator = simulator("", &[]).await;
    let mut terminal = Terminal::open(80);
    let running = Running::start(&mut terminal.command(&plain(&simulator, &[]), StdoutTarget::Screen));
    terminal.wait_for_screen(has_foot).await;
    terminal.press_keys("\x03");
    let signal = running.finish().await.signal;
    terminal.wait_for_screen(|screen| screen.contents().contains("stopped")).await;
    let (shown, cursor) = (terminal.lines(), terminal.cursor());
    assert_eq!((signal, shown.last().unwrap().as_str()), (Some(2), "genesys-tail: stopped: 0 lines"));
    assert_eq!(usize::from(cursor.0), shown.len(), "the cursor is on a line of its own: {shown:?}");
    assert_eq!(cursor.1, 0);
}

#[tokio::test]
async fn what_goes_into_a_file_is_watched_too_and_a_narrow_terminal_is_not_overrun() {
    let simulator = simulator("", &[]).await;
    let (folder, mut terminal) = (tempfile::tempdir().unwrap(), Terminal::open(30));
    let file = folder.path().join("talk.log");
    let running = Running::start(&mut terminal.command(&plain(&simulator, &[]), StdoutTarget::File(&file)));
    terminal.wait_for_screen(|screen| screen.contents().ends_with("\ngenesys-tail: alive, quiet fo")).await;
    simulator.first_conversation().play("customer Ada: Hello").await.unwrap();
    terminal.wait_for_screen(|screen| !screen.contents().contains("alive")).await;
    assert_eq!(fs::read_to_string(&file).unwrap(), "[Customer] Ada: Hello\n");
    drop(running);
}

#[tokio::test]
async fn it_says_that_there_is_no_connection() {
    let simulator = simulator("", &["handshake:hang"]).await;
    let mut terminal = Terminal::open(80);
    let running = plain(&simulator, &["--connect-timeout", "60s"]);
    let running = Running::start(&mut terminal.command(&running, StdoutTarget::Screen));
    terminal.wait_for_screen(|screen| screen.contents() == "genesys-tail: connecting").await;
    drop(running);
}

#[tokio::test]
async fn one_line_tells_of_all_connections_and_hides_no_outage() {
    let options = Options { conversations: vec!["alpha".into(), "beta".into()], ..Options::default() };
    let simulator = simulator_with("", &["handshake:hang,conversation=beta,after=1"], options).await;
    let mut terminal = Terminal::open(100);
    let tail = plain(&simulator, &["alpha", "beta", "--connect-timeout", "60s"]);
    let running = Running::start(&mut terminal.command(&tail, StdoutTarget::Screen));
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 2)).await;
    simulator.conversation("beta").unwrap().close(1011, "").await;
    terminal.wait_for_screen(|screen| screen.contents().contains("1 of 2 connections alive, quiet for ")).await;
    assert!(terminal.lines().last().unwrap().ends_with(" s; 1 reconnecting"), "{:?}", terminal.lines());
    drop(running);
}

/// The time in which there is nothing to be seen is that in which there is something on a terminal where there has to be.
#[tokio::test]
async fn it_is_nowhere_where_nobody_wants_it_or_somebody_else_has_the_terminal() {
    let simulator = simulator("", &[]).await;
    let quiet = |args: &[&str], variable: (&str, &str), to: StdoutTarget<'_>| {
        let terminal = Terminal::open(80);
        let mut command = plain(&simulator, args);
        command.env(variable.0, variable.1);
        (Running::start(&mut terminal.command(&command, to)), terminal)
    };
    let unset = ("X", "");
    let without = [
        quiet(&["-q"], unset, StdoutTarget::Screen),
        quiet(&["--log-format", "json"], unset, StdoutTarget::Screen),
        quiet(&[], ("GENESYS_TAIL_LOG", "error"), StdoutTarget::Screen),
        quiet(&[], ("TERM", "dumb"), StdoutTarget::Screen),
        quiet(&[], ("TERM", ""), StdoutTarget::Screen),
        quiet(&[], unset, StdoutTarget::Pipe),
    ];
    let aside = with_shell_setup("trap '' INT", &plain(&simulator, &[]));
    let beside = Terminal::open(80);
    let _aside = Running::start(&mut beside.command(&aside, StdoutTarget::Screen));
    let mut piped = Running::start(&mut plain(&simulator, &[]));
    piped.wait_for_stderr("connected").await;
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == without.len() + 2)).await;
    let mut terminal = Terminal::open(80);
    let running = Running::start(&mut terminal.command(&plain(&simulator, &[]), StdoutTarget::Screen));
    terminal.wait_for_screen(has_foot).await;
    let first = terminal.lines().join("\n");
    terminal.wait_for_screen(|screen| screen.contents() != first).await;
    for (number, terminal) in without.iter().map(|(_, terminal)| terminal).chain([&beside]).enumerate() {
        assert!(!terminal.lines().concat().contains("quiet"), "{number}: {:?}", terminal.lines());
    }
    assert_eq!(piped.stderr().lines().count(), 1);
    drop(running);
}
