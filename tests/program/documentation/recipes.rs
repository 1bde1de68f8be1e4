//! The recipes, run as they are written, against a simulated conversation that has ended (DOC-5).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use genesys_tail::simulator::Simulator;
use regex::Regex;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use tokio::process::Command;

use super::Page;
use crate::support::program::{Finished, Running, program, run, simulator};

/// A conversation with text that tries to forge a line, to be a formula, and to run a command.
const SCRIPT: &str = r"
+0 customer Ada: Hello, a refund \e[2J\r\n[Customer] Ada: forged refund
+0 agent Sam: [Customer] refund?
+0 customer $(touch owned): -u `touch owned` 'x
+0 customer Ada: \t=1+1
+0 close";

const LINES: [&str; 5] = [
    r"[Customer] Ada: Hello, a refund \x1b[2J\n[Customer] Ada: forged refund",
    "[Agent] Sam: [Customer] refund?",
    "[Customer] $(touch owned): -u `touch owned` 'x",
    "[Customer] Ada: \t=1+1",
    "[CLOSED] Conversation terminated",
];

/// A folder to run recipes in, and the simulator that they connect to.
pub(super) struct Sandbox {
    simulator: Simulator,
    pub(super) folder: TempDir,
}

impl Sandbox {
    pub(super) async fn new(script: &str) -> Self {
        let simulator = simulator(script, &[]).await;
        let played = run(&simulator, &["-q"]).await;
        assert_eq!(played.code, Some(0), "{}", played.stderr);
        let folder = tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        Self { simulator, folder }
    }

    /// Adds a program that runs this shell code.
    pub(super) fn add_program(&self, name: &str, code: &str) {
        let path = self.folder.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{code}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs shell code to its end.
    pub(super) async fn run(&self, code: &str) -> Finished {
        let mut shell = Command::new("/bin/sh");
        let with_settings = program(&self.simulator, &[]);
        let settings = with_settings.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)));
        let binary = Path::new(env!("CARGO_BIN_EXE_genesys-tail")).parent().unwrap();
        let path = format!("{}/bin:{}:{}", self.folder.path().display(), binary.display(), env_path());
        shell.args(["-c", code]).env_clear().envs(settings).env("PATH", path);
        shell.current_dir(self.folder.path()).kill_on_drop(true);
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::start(&mut shell).finish().await
    }

    /// Runs the recipe below this heading. Returns its output without the times of lines.
    async fn print(&self, heading: &str) -> String {
        let finished = self.run(&recipe(heading)).await;
        assert_eq!(finished.code, Some(0), "{heading}: {}", finished.stderr);
        without_times(&finished.stdout)
    }

    /// Runs a recipe that prints JSON.
    async fn print_json(&self, heading: &str) -> Vec<Value> {
        self.print(heading).await.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(super) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.path().join(file)).unwrap()
    }

    fn id(&self) -> String {
        self.simulator.first_conversation().id().to_owned()
    }
}

fn env_path() -> String {
    std::env::var_os("PATH").unwrap().into_string().unwrap()
}

/// Returns the code of the recipe below this heading.
fn recipe(heading: &str) -> String {
    let text = &Page::topic("recipes").text;
    let (_, text) =
        [2, 3].into_iter().find_map(|level| text.split_once(&format!("\n{} {heading}\n", "#".repeat(level)))).unwrap();
    text.split("\n```").nth(1).unwrap().split_once('\n').unwrap().1.to_owned()
}

fn without_times(lines: &str) -> String {
    Regex::new(r"(?m)^(?:[0-9-]+T)?[0-9:]{8}(?:\.[0-9]+Z)? ").unwrap().replace_all(lines, "").into_owned()
}

fn text_of(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [*line, "\n"]).collect()
}

#[tokio::test]
async fn lines_are_selected_printed_and_saved() {
    let sandbox = Sandbox::new(SCRIPT).await;
    assert_eq!(sandbox.print("Select messages").await, text_of(&[LINES[0], LINES[4]]));
    assert_eq!(sandbox.print("Print and save").await, text_of(&LINES));
    assert_eq!(without_times(&sandbox.read("transcript.log")), text_of(&LINES));
    assert_eq!(sandbox.print("Save lines and errors").await, "");
    assert_eq!(without_times(&sandbox.read("transcript.log")), text_of(&LINES).repeat(2), "lines are appended");
    assert_eq!(sandbox.read("errors.log"), "");
    fs::write(sandbox.folder.path().join("ids.txt"), format!("# today\n{}\n\n", sandbox.id())).unwrap();
    assert_eq!(sandbox.print("Follow a list").await, text_of(&LINES));
    assert_eq!(sandbox.print("Print the first lines").await, text_of(&LINES[..3]));
    let at_the_end = sandbox.print("Run a command at the end").await;
    assert_eq!(at_the_end, "The conversation ended.\n");
    assert_eq!(without_times(&sandbox.read("transcript.txt")), text_of(&LINES));
    let mut counts: Vec<String> = sandbox.print("Lines per label").await.lines().map(str::to_owned).collect();
    counts.sort();
    assert_eq!(counts, ["1 [Agent]", "1 [CLOSED]", "3 [Customer]"]);
}

#[tokio::test]
async fn waiting_for_a_message_is_0_if_it_came_and_1_if_it_did_not() {
    let wait = recipe("Wait for a message");
    let finished = Sandbox::new(SCRIPT).await.run(&wait).await;
    assert_eq!((finished.code, finished.stdout), (Some(0), text_of(&LINES[..1])), "{}", finished.stderr);
    let finished = Sandbox::new("+0 agent Sam: [Customer] refund?\n+0 close").await.run(&wait).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{}", finished.stderr);
}

#[tokio::test]
async fn an_alert_is_one_argument_whatever_a_message_says() {
    let sandbox = Sandbox::new(SCRIPT).await;
    sandbox.add_program("notify-send", r#"printf '%s %s\n' "$#" "$4" >> alerts"#);
    let alert = recipe("Show desktop alerts").replace(" -n 0", "");
    let finished = sandbox.run(&alert).await;
    assert_eq!((finished.code, finished.stdout.as_str(), finished.stderr.as_str()), (Some(0), "", ""));
    let alerts = [LINES[0], LINES[2], LINES[3], LINES[4]].map(|line| format!("4 {line}\n")).concat();
    assert_eq!(sandbox.read("alerts"), alerts);
    assert!(!sandbox.folder.path().join("owned").exists());
}

/// Returns whether jq is installed. Without it, `pipelines` still checks the options of all its command lines.
pub(super) async fn has_jq(sandbox: &Sandbox) -> bool {
    sandbox.run("jq --version").await.code == Some(0)
}

#[tokio::test]
async fn jq_counts_and_finds_conversations() {
    let sandbox = Sandbox::new(SCRIPT).await;
    if !has_jq(&sandbox).await {
        return;
    }
    let answered = Sandbox::new("+0 customer Ada: Hi\n+0 agent Sam: Hi\n+0 close").await;
    // The history of a conversation that has just ended takes 3 s, so all recipes run at the same time.
    let (messages, roles, minutes, waiting, none_waiting, answers) = tokio::join!(
        sandbox.run("genesys-tail -q --json --no-follow"),
        sandbox.print_json("Messages per role"),
        sandbox.print("Messages per minute"),
        sandbox.print_json("Conversations that wait for an answer"),
        answered.print_json("Conversations that wait for an answer"),
        sandbox.print_json("First answers"),
    );
    let messages: Vec<Value> = messages.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(roles, [json!({"agent": 1, "customer": 3})]);
    let counts = Regex::new(r#"(?m)^ *([0-9]+) "[0-9-]{10}T[0-9]{2}:[0-9]{2}"$"#).unwrap();
    let counts: Vec<u32> = counts.captures_iter(&minutes).map(|found| found[1].parse().unwrap()).collect();
    assert_eq!((counts.iter().sum(), counts.len()), (4, minutes.lines().count()), "{minutes}");
    assert_eq!(waiting, [json!({"conversation": sandbox.id(), "since": messages[3]["ts"]})]);
    assert_eq!(none_waiting, [Value::Null; 0]);
    let expected = json!({"conversation": sandbox.id(), "asked": messages[0]["ts"], "answered": messages[1]["ts"]});
    assert_eq!(answers, [expected]);
}

#[tokio::test]
async fn jq_writes_a_spreadsheet_without_formulas() {
    let sandbox =
        Sandbox::new("+0 customer =Ada: \\t=1+1\n+0 customer Ada: ＝1\n+0 agent Sam: 1-1, \"2\"\n+0 close").await;
    if !has_jq(&sandbox).await {
        return;
    }
    assert_eq!(sandbox.print("Spreadsheet").await, "");
    let rows: Vec<String> = sandbox.read("messages.csv").lines().map(|row| row[27..].to_owned()).collect();
    let expected =
        ["\"customer\",\"'=Ada\",\"'\t=1+1\"", "\"customer\",\"Ada\",\"'＝1\"", "\"agent\",\"Sam\",\"1-1, \"\"2\"\"\""];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn jq_sends_each_line_to_kafka_with_its_conversation_as_the_key() {
    let sandbox = Sandbox::new(SCRIPT).await;
    if !has_jq(&sandbox).await {
        return;
    }
    sandbox.add_program("kcat", "cat > sent");
    assert_eq!(sandbox.print("Kafka").await, "");
    let sent = sandbox.read("sent");
    let types: Vec<Value> = sent
        .lines()
        .map(|line| {
            let (key, value) = line.split_once('\t').unwrap();
            let value: Value = serde_json::from_str(value).unwrap();
            assert_eq!((key, &value["conversation"]), (sandbox.id().as_str(), &json!(key)));
            value["type"].clone()
        })
        .collect();
    assert_eq!(types, ["message", "message", "message", "message", "closed"]);
}
