//! The status line at the foot of a terminal (ERR-12 to ERR-14).

use std::fs;

use crate::support::program::{Running, bare_program, program, simulator, simulator_with, within_timeout};
use crate::support::pty::{StdoutTarget, Terminal};
use crate::support::shell::with_shell_setup;
use genesys_tail::simulator::{Options, Simulator};
use regex::Regex;
use tokio::process::Command;
use vt100::Screen;

const STATUS_LINE_START: &str = "genesys-tail: connected, no message for ";

fn program_without_timestamps(simulator: &Simulator, args: &[&str]) -> Command {
    program(simulator, &[&["--timestamps", "none"], args].concat())
}

fn has_status_line(screen: &Screen) -> bool {
    screen.contents().contains(STATUS_LINE_START)
}

/// Returns the lines on the screen, with `HOST` in place of the address of the simulator.
fn lines_without_port(terminal: &Terminal) -> Vec<String> {
    let port = Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    terminal.lines().iter().map(|line| port.replace_all(line, "HOST").into_owned()).collect()
}

#[tokio::test]
async fn the_status_line_appears_after_10_s_and_is_cleared_before_output() {
    let simulator = simulator("", &[]).await;
    let mut terminal = Terminal::open(80);
    let running =
        Running::start(&mut terminal.command(&program_without_timestamps(&simulator, &[]), StdoutTarget::Screen));
    terminal.wait_for_screen(has_status_line).await;
    let (lines, cursor) = (terminal.lines(), terminal.cursor());
    let status_line = Regex::new(r"^genesys-tail: connected, no message for 1\d s; last activity 1?\d s ago$").unwrap();
    assert!(status_line.is_match(&lines[1]), "{lines:?}");
    assert_eq!((lines.len(), cursor), (2, (1, 0)));
    simulator.first_conversation().play("customer Ada: Hello").await.unwrap();
    terminal.wait_for_screen(|screen| screen.contents().contains("Hello")).await;
    let expected = ["genesys-tail: connected to HOST (transcript)", "[Customer] Ada: Hello"];
    assert_eq!((lines_without_port(&terminal), terminal.cursor()), (expected.map(str::to_owned).to_vec(), (2, 0)));
    drop(running);
}

#[tokio::test]
async fn a_line_on_stderr_replaces_the_status_line() {
    let simulator = simulator("", &[]).await;
    let mut terminal = Terminal::open(80);
    let running =
        Running::start(&mut terminal.command(&program_without_timestamps(&simulator, &[]), StdoutTarget::Screen));
    terminal.wait_for_screen(has_status_line).await;
    simulator.first_conversation().apply_fault("malformed").await.unwrap();
    terminal.wait_for_screen(|screen| screen.contents().contains("skipped") && !has_status_line(screen)).await;
    assert!(
        lines_without_port(&terminal)[1].starts_with("genesys-tail: warning: skipped 1 malformed frame"),
        "{:?}",
        lines_without_port(&terminal)
    );
    drop(running);
}

#[tokio::test]
async fn ctrl_c_clears_the_status_line() {
    let simulator = simulator("", &[]).await;
    let mut terminal = Terminal::open(80);
    let running =
        Running::start(&mut terminal.command(&program_without_timestamps(&simulator, &[]), StdoutTarget::Screen));
    terminal.wait_for_screen(has_status_line).await;
    terminal.press_keys("\x03");
    let signal = running.finish().await.signal;
    terminal.wait_for_screen(|screen| screen.contents().contains("stopped")).await;
    let (lines, cursor) = (terminal.lines(), terminal.cursor());
    assert_eq!((signal, lines.last().unwrap().as_str()), (Some(2), "genesys-tail: stopped: 0 lines"));
    assert_eq!(usize::from(cursor.0), lines.len(), "the cursor is on a new line: {lines:?}");
    assert_eq!(cursor.1, 0);
}

#[tokio::test]
async fn with_stdout_in_a_file_the_status_line_is_cut_to_the_width_and_cleared_by_output() {
    let simulator = simulator("", &[]).await;
    let (folder, mut terminal) = (tempfile::tempdir().unwrap(), Terminal::open(30));
    let file = folder.path().join("conversation.log");
    let running =
        Running::start(&mut terminal.command(&program_without_timestamps(&simulator, &[]), StdoutTarget::File(&file)));
    terminal.wait_for_screen(|screen| screen.contents().ends_with("\ngenesys-tail: connected, no m")).await;
    simulator.first_conversation().play("customer Ada: Hello").await.unwrap();
    terminal.wait_for_screen(|screen| !screen.contents().contains("no m")).await;
    assert_eq!(fs::read_to_string(&file).unwrap(), "[Customer] Ada: Hello\n");
    drop(running);
}

#[tokio::test]
async fn the_status_line_shows_a_connection_attempt() {
    let simulator = simulator("", &["handshake:hang"]).await;
    let mut terminal = Terminal::open(80);
    let command = program_without_timestamps(&simulator, &["--connect-timeout", "60s"]);
    let running = Running::start(&mut terminal.command(&command, StdoutTarget::Screen));
    terminal.wait_for_screen(|screen| screen.contents() == "genesys-tail: connecting").await;
    drop(running);
}

#[tokio::test]
async fn one_status_line_covers_all_connections_and_counts_outages() {
    let options = Options { conversations: vec!["alpha".into(), "beta".into()], ..Options::default() };
    let simulator = simulator_with("", &["handshake:hang,conversation=beta,after=1"], options).await;
    let mut terminal = Terminal::open(100);
    let command = program_without_timestamps(&simulator, &["alpha", "beta", "--connect-timeout", "60s"]);
    let running = Running::start(&mut terminal.command(&command, StdoutTarget::Screen));
    terminal.wait_for_screen(|screen| screen.contents().matches("connected to").count() == 2).await;
    simulator.conversation("beta").unwrap().close(1011, "").await;
    terminal.wait_for_screen(|screen| screen.contents().contains("1 of 2 connected, no message for ")).await;
    assert!(terminal.lines().last().unwrap().ends_with(" s; 1 reconnecting"), "{:?}", terminal.lines());
    drop(running);
}

#[tokio::test]
async fn the_status_line_is_absent_when_quiet_as_json_on_dumb_terminals_in_pipes_and_in_the_background() {
    let simulator = simulator("", &[]).await;
    let start = |args: &[&str], variable: (&str, &str), stdout: StdoutTarget<'_>| {
        let terminal = Terminal::open(80);
        let mut command = program_without_timestamps(&simulator, args);
        command.env(variable.0, variable.1);
        (Running::start(&mut terminal.command(&command, stdout)), terminal)
    };
    let no_variable = ("X", "");
    let without_status_line = [
        start(&["-q"], no_variable, StdoutTarget::Screen),
        start(&["--log-format", "json"], no_variable, StdoutTarget::Screen),
        start(&[], ("GENESYS_TAIL_LOG", "error"), StdoutTarget::Screen),
        start(&[], ("TERM", "dumb"), StdoutTarget::Screen),
        start(&[], ("TERM", ""), StdoutTarget::Screen),
        start(&[], no_variable, StdoutTarget::Pipe),
    ];
    // A script starts background processes with SIGINT ignored.
    let in_background = with_shell_setup("trap '' INT", &program_without_timestamps(&simulator, &[]));
    let shared_terminal = Terminal::open(80);
    let _in_background = Running::start(&mut shared_terminal.command(&in_background, StdoutTarget::Screen));
    let mut without_terminal = Running::start(&mut program_without_timestamps(&simulator, &[]));
    without_terminal.wait_for_stderr("connected").await;
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == without_status_line.len() + 2)).await;
    // Its status line shows that enough time has passed for the others.
    let mut terminal = Terminal::open(80);
    let running =
        Running::start(&mut terminal.command(&program_without_timestamps(&simulator, &[]), StdoutTarget::Screen));
    terminal.wait_for_screen(has_status_line).await;
    let first = terminal.lines().join("\n");
    terminal.wait_for_screen(|screen| screen.contents() != first).await;
    for (number, terminal) in
        without_status_line.iter().map(|(_, terminal)| terminal).chain([&shared_terminal]).enumerate()
    {
        assert!(!terminal.lines().concat().contains("no message"), "{number}: {:?}", terminal.lines());
    }
    assert_eq!(without_terminal.stderr().lines().count(), 1);
    drop(running);
}

/// Returns a command below a shell with job control, which prints `stopped` when the command was stopped, and continues it
/// after a line of input.
fn with_job_control(command: &Command) -> Command {
    const SCRIPT: &str = "set -m; \"$0\" \"$@\"; echo stopped; read -r line; fg";
    let inner = command.as_std();
    let mut shell = Command::new("bash");
    shell.args(["-c", SCRIPT]).arg(inner.get_program()).args(inner.get_args()).env_clear();
    shell.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[tokio::test]
async fn ctrl_z_clears_the_status_line_and_it_returns_when_the_program_continues() {
    let simulator = simulator("", &[]).await;
    let mut terminal = Terminal::open(80);
    let command = with_job_control(&program_without_timestamps(&simulator, &[]));
    let running = Running::start(&mut terminal.command(&command, StdoutTarget::Screen));
    terminal.wait_for_screen(has_status_line).await;
    terminal.press_keys("\x1a");
    terminal.wait_for_screen(|screen| screen.contents().contains("stopped")).await;
    let lines = lines_without_port(&terminal);
    assert_eq!(lines[0], "genesys-tail: connected to HOST (transcript)");
    assert!(!has_status_line(terminal.screen().screen()), "{lines:?}");
    assert!(lines[1].is_empty() || lines[1] == "stopped" || lines[1].starts_with('['), "nothing is left: {lines:?}");
    terminal.press_keys("\n");
    terminal.wait_for_screen(has_status_line).await;
    simulator.first_conversation().play("close").await.unwrap();
    terminal.wait_for_screen(|screen| screen.contents().contains("conversation ended: 1 line")).await;
    drop(running);
}

#[tokio::test]
async fn ctrl_z_has_no_effect_in_a_session_without_a_shell_and_when_it_is_ignored() {
    let simulator = simulator("", &[]).await;
    let ignoring = with_shell_setup("trap '' TSTP", &program_without_timestamps(&simulator, &[]));
    let ignoring = with_job_control(&ignoring);
    for (number, command) in [program_without_timestamps(&simulator, &[]), ignoring].iter().enumerate() {
        let mut terminal = Terminal::open(80);
        let running = Running::start(&mut terminal.command(command, StdoutTarget::Screen));
        terminal.wait_for_screen(|screen| screen.contents().contains("connected to")).await;
        terminal.press_keys("\x1a");
        // The terminal echoes the key when it sends the signal, which the program handles before the second message.
        terminal.wait_for_screen(|screen| screen.contents().contains("^Z")).await;
        for text in ["one", "two"] {
            let text = format!("{number} {text}");
            simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
            terminal.wait_for_screen(|screen| screen.contents().contains(&text)).await;
        }
        drop(running);
    }
}

#[tokio::test]
async fn reading_history_shows_its_progress() {
    let simulator = simulator("", &["rest:slow=700ms,path=/bulk,times=always"]).await;
    for number in 0..1200 {
        simulator.first_conversation().play(&format!("customer Ada: {number}")).await.unwrap();
    }
    let progress = Regex::new(r"\ngenesys-tail: reading history: [\d,]+ of 1,200 messages$").unwrap();
    for args in [&["--no-follow"][..], &["--source", "notifications"], &[]] {
        let mut terminal = Terminal::open(80);
        let command = program_without_timestamps(&simulator, args);
        let running = Running::start(&mut terminal.command(&command, StdoutTarget::Screen));
        terminal.wait_for_screen(|screen| progress.is_match(&format!("\n{}", screen.contents().trim_end()))).await;
        drop(running);
    }
}

#[tokio::test]
async fn a_replay_shows_its_progress_while_the_output_goes_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (recording, output) = (folder.path().join("a.rec"), folder.path().join("out"));
    let header = r#"{"genesys-tail-recording":1,"started":"2026-01-02T03:04:05Z","conversations":["a"]}"#;
    let line = r#"{"at":"2026-01-02T03:04:05Z","conversation":"a","text":[1,"{\"event\":\"conversationUpdated\"}"]}"#;
    fs::write(&recording, format!("{header}\n{}", format!("{line}\n").repeat(200_000))).unwrap();
    let mut terminal = Terminal::open(80);
    let command = bare_program(&["--replay", recording.to_str().unwrap()]);
    let running = Running::start(&mut terminal.command(&command, StdoutTarget::File(&output)));
    let progress = Regex::new(r"^genesys-tail: replay: \d+ %$").unwrap();
    terminal.wait_for_screen(|screen| progress.is_match(screen.contents().trim_end())).await;
    drop(running);
}
