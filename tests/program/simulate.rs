//! `genesys-tail simulate` (SIM-1 to SIM-4, SIM-6).

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use crate::support::program::{Finished, Running, bare_program, within_timeout};
#[cfg(unix)]
use crate::support::pty::{StdoutTarget, Terminal};
use tempfile::{TempDir, tempdir};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

const VARIABLES: [&str; 5] =
    ["GENESYS_API_URL", "GENESYS_LOGIN_URL", "GENESYS_CLIENT_ID", "GENESYS_CLIENT_SECRET", "GENESYS_CONVERSATION_ID"];

/// The command that the simulator names on standard error.
const NEXT_STEP: [&str; 2] = ["--env-file", "simulate.env"];

/// Runs `genesys-tail simulate ARGS > simulate.env &` in a new folder.
async fn simulate(args: &[&str]) -> (TempDir, Running) {
    let folder = tempdir().unwrap();
    let settings = File::create(folder.path().join("simulate.env")).unwrap();
    let mut command = bare_program(&[&["simulate"], args].concat());
    let mut running = Running::start(command.current_dir(folder.path()).stdout(settings));
    running.wait_for_stderr("\n").await;
    (folder, running)
}

/// Runs `genesys-tail --env-file simulate.env ARGS` in that folder.
async fn run_in(folder: &TempDir, args: &[&str]) -> Finished {
    Running::start(bare_program(&[&NEXT_STEP, args].concat()).current_dir(folder.path())).finish().await
}

fn read_settings(folder: &Path) -> HashMap<String, String> {
    let text = fs::read_to_string(folder.join("simulate.env")).unwrap();
    let pairs = text.lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

#[tokio::test]
async fn the_named_command_follows_the_simulated_conversation() {
    let (folder, mut simulator) = simulate(&["--rate", "200"]).await;
    // Windows does not tell the path of an open file.
    let file = if cfg!(windows) { "FILE, where FILE holds this output" } else { NEXT_STEP[1] };
    simulator.wait_for_stderr(&format!(": genesys-tail {} {file}\n", NEXT_STEP[0])).await;
    let settings = read_settings(folder.path());
    assert_eq!(settings.len(), VARIABLES.len());
    assert!(VARIABLES.iter().all(|name| !settings[*name].is_empty()), "{settings:?}");
    assert!(settings["GENESYS_API_URL"].starts_with("http://127.0.0.1:"));
    assert_eq!(settings["GENESYS_LOGIN_URL"], format!("{}/oauth/token", settings["GENESYS_API_URL"]));
    let start = Instant::now();
    let finished = run_in(&folder, &["--timestamps", "none"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.starts_with("[Customer] Ada Marlow: Hello, I was charged twice in June"));
    assert!(finished.stdout.ends_with("[CLOSED] Conversation terminated\n"));
    assert!(start.elapsed() < Duration::from_secs(3), "the script has pauses of 7 s, --rate removes them");
    let url = &settings["GENESYS_API_URL"];
    assert!(simulator.stderr().contains(&format!("listening on {url}; stop with Ctrl-C or kill ")));
    // The simulator runs until it is stopped.
    simulator.stop().await;
}

#[tokio::test]
async fn a_script_file_is_played_and_the_same_seed_gives_the_same_ids() {
    let scripts = tempdir().unwrap();
    let script = scripts.path().join("mine.txt");
    fs::write(&script, "+0 customer Joan: from a file\n+0 close\n").unwrap();
    let mut ids = Vec::new();
    for seed in ["7", "7", "8"] {
        let (folder, _simulator) = simulate(&["--script", script.to_str().unwrap(), "--seed", seed]).await;
        let finished = run_in(&folder, &["--json"]).await;
        let line: serde_json::Value = serde_json::from_str(finished.stdout.lines().next().unwrap()).unwrap();
        assert_eq!((line["from"]["name"].as_str(), line["text"].as_str()), (Some("Joan"), Some("from a file")));
        ids.push(line["id"].as_str().unwrap().to_owned());
    }
    assert!(ids[0] == ids[1] && ids[0] != ids[2], "{ids:?}");
    let (folder, _simulator) = simulate(&["--script", "flood:40"]).await;
    assert_eq!(run_in(&folder, &["--only", "bot"]).await.stdout.lines().count(), 11, "built-in scripts have names");
}

#[tokio::test]
async fn faults_happen_as_given_and_their_help_lists_them() {
    let faults = ["--fault", "token:status=503", "--fault", "handshake:status=403"];
    let (folder, _simulator) = simulate(&faults).await;
    let finished = run_in(&folder, &[]).await;
    assert_eq!(finished.code, Some(77), "{}", finished.stderr);
    assert!(finished.stderr.contains("503 (") && finished.stderr.contains("403 ("), "{}", finished.stderr);
    let help = Running::start(&mut bare_program(&["simulate", "--fault", "help"])).finish().await;
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.stdout.contains("token:status=503") && help.stdout.contains("socket:close=1011"));
}

#[tokio::test]
async fn an_unusable_fault_or_script_is_78_with_the_next_step() {
    for (args, error, tip) in [
        (
            ["--fault", "moon:reset"],
            "--fault 'moon:reset': unknown place 'moon' ",
            "run genesys-tail simulate --fault help",
        ),
        (["--script", "nonesuch"], "--script 'nonesuch': no such file\n", "name a file or a built-in script: demo, "),
    ] {
        let finished = Running::start(&mut bare_program(&[&["simulate"], &args[..]].concat())).finish().await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(78), ""));
        assert!(finished.stderr.contains(error) && finished.stderr.contains(tip), "{}", finished.stderr);
    }
}

// Windows has no pseudo-terminals without unsafe code.
#[cfg(unix)]
#[tokio::test]
async fn on_a_terminal_the_simulator_says_to_save_the_lines() {
    let mut terminal = Terminal::open(200);
    let running = Running::start(&mut terminal.command(&bare_program(&["simulate"]), StdoutTarget::Screen));
    terminal.wait_for_screen(|screen| screen.contents().contains("save the lines above as simulate.env")).await;
    assert!(terminal.lines()[0].starts_with("GENESYS_API_URL=http://127.0.0.1:"), "{:?}", terminal.lines());
    drop(running);
}

#[tokio::test]
async fn the_token_lifetime_flag_sets_expires_in() {
    let (folder, _simulator) = simulate(&["--token-lifetime", "90s"]).await;
    let settings = read_settings(folder.path());
    let host = settings["GENESYS_API_URL"].strip_prefix("http://").unwrap();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        settings["GENESYS_CLIENT_ID"], settings["GENESYS_CLIENT_SECRET"]
    );
    let request = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    within_timeout(stream.read_to_string(&mut response)).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200 ") && response.contains("\"expires_in\":90"), "{response}");
}

#[tokio::test]
async fn the_listen_flag_sets_the_address() {
    let (folder, first) = simulate(&[]).await;
    let url = read_settings(folder.path())["GENESYS_API_URL"].clone();
    first.stop().await;
    let (folder, _second) = simulate(&["--listen", url.strip_prefix("http://").unwrap()]).await;
    assert_eq!(read_settings(folder.path())["GENESYS_API_URL"], url);
}

#[tokio::test]
async fn the_simulator_survives_a_closed_stdout() {
    let mut running = Running::start(&mut bare_program(&["simulate", "--rate", "200"]));
    let folder = tempdir().unwrap();
    let mut settings = String::new();
    for _ in VARIABLES {
        settings.extend([running.next_line().await.as_str(), "\n"]);
    }
    running.stdout.take();
    fs::write(folder.path().join("simulate.env"), settings).unwrap();
    assert_eq!(run_in(&folder, &["-q"]).await.code, Some(0));
}
