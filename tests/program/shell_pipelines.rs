//! Interfaces to other tools: profiles of `gc`, the JSON Schema and shell completions (CLI-5, CLI-6, CLI-23, CLI-72).

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::support::program::{Running, bare_program, program, run, simulator, within_timeout};
use serde_json::Value;
use tempfile::tempdir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Creates a home folder with a `gc` profile `work` that has no region.
fn home_with_profile(id: &str, secret: &str) -> tempfile::TempDir {
    let home = tempdir().unwrap();
    fs::create_dir(home.path().join(".gc")).unwrap();
    let profile = format!("[work]\nclient_credentials = '{id}'\nclient_secret = '{secret}'\ngrant_type = '1'\n");
    fs::write(home.path().join(".gc/config.toml"), profile).unwrap();
    home
}

#[tokio::test]
async fn a_gc_profile_gives_the_account() {
    let simulator = simulator("+0 customer Ada: Hello\n+0 close", &[]).await;
    let home = home_with_profile(simulator.client_id(), simulator.client_secret());
    let command = |args: &[&str]| {
        let mut command = program(&simulator, args);
        command.env_remove("GENESYS_CLIENT_ID").env_remove("GENESYS_CLIENT_SECRET").env("HOME", home.path());
        command
    };
    let followed = Running::start(&mut command(&["--profile", "Work"])).finish().await;
    assert_eq!(followed.code, Some(0), "{}", followed.stderr);
    assert!(followed.stdout.contains("] Ada: Hello\n"));
    let checked = Running::start(&mut command(&["check", "--profile", "work"])).finish().await;
    assert!(checked.stdout.contains("ok    sign-in at "), "{}{}", checked.stdout, checked.stderr);
    let missing = Running::start(&mut command(&["--profile", "prod"])).finish().await;
    assert_eq!(missing.code, Some(78));
    assert!(
        missing.stderr.contains("--profile prod: ") && missing.stderr.contains("which contains work"),
        "{}",
        missing.stderr
    );
    let without_profile = Running::start(&mut command(&[])).finish().await;
    assert_eq!(without_profile.code, Some(78));
    assert!(
        without_profile.stderr.contains("settings missing: ") && without_profile.stderr.contains("--profile NAME"),
        "{}",
        without_profile.stderr
    );
    let output =
        [followed, checked, missing, without_profile].map(|finished| finished.stdout + &finished.stderr).concat();
    assert!(!output.contains(simulator.client_secret()), "{output}");
}

#[tokio::test]
async fn every_json_line_is_valid_under_the_schema() {
    let printed = Running::start(&mut bare_program(&["schema"])).finish().await;
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
    let schema = serde_json::from_str(&printed.stdout).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for source in ["transcript", "notifications"] {
        let script = "+0 customer Ada: Hello\n+0 agent Sam: here\n    @ a.png image/png 7\n+0 system Sam: joined\n+0 update\n+0 close";
        let simulator = simulator(script, &[]).await;
        let finished = run(&simulator, &["--json", "--system", "--source", source]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        for line in finished.stdout.lines() {
            let object: Value = serde_json::from_str(line).unwrap();
            assert!(validator.is_valid(&object), "{line}");
            kinds.insert(object["type"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["closed", "message", "update"]);
}

/// A bash script that reads command lines and prints what bash completes at the end of each.
const COMPLETION_DRIVER: &str = r#"
script=$(genesys-tail completions bash) && eval "$script" || exit 1
compopt() { :; }
while IFS= read -r line; do
    eval "COMP_WORDS=($line)"
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    _genesys__tail genesys-tail "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    echo "${COMPREPLY[*]}"
done
"#;

#[tokio::test]
async fn bash_completes_flags_values_and_files() {
    let cases = [
        ("genesys-tail --st", "--stall-buffer"),
        ("genesys-tail sch", "schema"),
        ("genesys-tail --source ''", "auto transcript notifications"),
        ("genesys-tail -o ''", "text json raw"),
        ("genesys-tail --only c", "customer"),
        ("genesys-tail --cursor-file a", "a file.txt"),
        ("genesys-tail --since a", "a"),
        ("genesys-tail --no-c", ""),
        ("genesys-tail check --pro", "--profile --proxy"),
        ("genesys-tail check --env-file a", "a file.txt"),
        ("genesys-tail simulate --script a", "a file.txt"),
        ("genesys-tail simulate --script ''", "demo billing flood call quiet content email queue a file.txt"),
        (
            "genesys-tail simulate --fault h",
            "help handshake:bad-accept handshake:echo handshake:forbidden-page handshake:hang handshake:huge handshake:not-json handshake:ok handshake:redirect handshake:reset handshake:silence-all handshake:slow handshake:status",
        ),
        ("genesys-tail simulate --fault socket : re", "replay reserved-bits reset"),
        ("genesys-tail simulate --fault transcript :", "absent"),
        ("genesys-tail --region eu-w", "eu-west-1 eu-west-2"),
        ("genesys-tail check --region us-w", "us-west-2"),
        ("genesys-tail --color ''", "auto always never"),
        ("genesys-tail simulate --se", "--seed"),
        ("genesys-tail completions z", "zsh"),
    ];
    assert_completions("bash", COMPLETION_DRIVER, &cases).await;
}

/// A fish script that reads command lines and prints what fish completes at the end of each, without explanations.
const FISH_DRIVER: &str = r#"
genesys-tail completions fish | source
while read -l line
    string join -- ' ' (complete -C (string replace "''" '' -- $line) | string split -f 1 \t)
end
"#;

#[tokio::test]
async fn fish_completes_flags_values_and_files() {
    let cases = [
        ("genesys-tail --st", "--stall-buffer"),
        ("genesys-tail --source ''", "auto notifications transcript"),
        ("genesys-tail check --region eu-w", "eu-west-1 eu-west-2"),
        ("genesys-tail simulate --script ''", "a file.txt billing call content demo email flood queue quiet"),
        ("genesys-tail simulate --fault socket:re", "socket:replay socket:reserved-bits socket:reset"),
        ("genesys-tail completions z", "zsh"),
    ];
    assert_completions("fish", FISH_DRIVER, &cases).await;
}

/// Asserts what a shell completes in a folder with the file `a file.txt`. Passes if this machine does not have the shell.
async fn assert_completions(shell: &str, driver: &str, cases: &[(&str, &str)]) {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("a file.txt"), "").unwrap();
    let home = tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_genesys-tail")).parent().unwrap();
    let mut command = Command::new(shell);
    command.args(["-c", driver]).env_clear().env("PATH", format!("{}:/usr/bin:/bin", binary.display()));
    command.env("HOME", home.path()).current_dir(folder.path()).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else { return };
    let lines: String = cases.iter().flat_map(|(command_line, _)| [command_line, "\n"]).collect();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).await.unwrap();
    let output = within_timeout(child.wait_with_output()).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let expected: Vec<&str> = cases.iter().map(|(_, completions)| *completions).collect();
    assert_eq!(stdout.lines().collect::<Vec<_>>(), expected, "{shell}");
}
