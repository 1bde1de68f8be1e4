//! `genesys-tail list` (CLI-2, TGT-20 to TGT-25).

use std::process::Stdio;

use genesys_tail::simulator::{Options, Simulator, Sources};
use tokio::io::AsyncWriteExt;

use crate::support::program::{Finished, Running, program, run, simulator_with};
#[cfg(unix)]
use crate::support::pty::{StdoutTarget, Terminal};

const AGENT_SCRIPT: &str = "+0 customer Ada Marlow: hello\n+0 update queue=Billing\n+0 agent Sam Okafor: hi";

fn options(conversations: usize) -> Options {
    Options {
        sources: Sources::NotificationsOnly,
        conversations: Options::conversation_ids(conversations),
        users: vec!["Noor Haddad".to_owned()],
        ..Options::default()
    }
}

async fn list(simulator: &Simulator, args: &[&str]) -> Finished {
    run(simulator, &[&["list"], args].concat()).await
}

/// Starts a simulator with a message conversation with an agent, an ended one and a call in a queue.
async fn three_conversations() -> Simulator {
    let more_scripts = vec![AGENT_SCRIPT.parse().unwrap(), "call\nupdate queue=Phone".parse().unwrap()];
    let simulator = simulator_with(AGENT_SCRIPT, &[], Options { more_scripts, ..options(3) }).await;
    let ids = Options::conversation_ids(3);
    for (id, lines) in [
        (&ids[0], &["update queue=Billing", "agent Sam Okafor: hi"][..]),
        (&ids[1], &["update queue=Billing", "agent Noor Haddad: hi", "close"]),
        (&ids[2], &["call", "update queue=Phone"]),
    ] {
        for line in lines {
            simulator.conversation(id).unwrap().play(line).await.unwrap();
        }
    }
    simulator
}

/// The first columns of each line, without the time.
fn rows(finished: &Finished) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let mut cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        assert_eq!(cells.len(), 7, "{line:?}");
        cells.remove(1);
        cells
    };
    finished.stdout.lines().map(cells).collect()
}

#[tokio::test]
async fn a_pipe_gets_open_conversations_with_tabs_newest_first() {
    let simulator = three_conversations().await;
    let ids = Options::conversation_ids(3);
    let open = list(&simulator, &[]).await;
    assert_eq!((open.code, open.stderr.as_str()), (Some(0), ""));
    let call = [&ids[2], "call", "Phone", "", "Ada Marlow", "waiting"];
    let first = [&ids[0], "webmessaging", "Billing", "Sam Okafor", "Ada Marlow", "active"];
    let ended = [&ids[1], "webmessaging", "Billing", "Noor Haddad", "Ada Marlow", "ended"];
    let without_customer =
        |rows: &[[&str; 6]]| rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect::<Vec<_>>();
    let mut found = rows(&open);
    found.iter_mut().filter(|row| row[1] == "call").for_each(|row| row[4] = "Ada Marlow".to_owned());
    assert_eq!(found, without_customer(&[call, first]));
    let mut all = rows(&list(&simulator, &["--all"]).await);
    all.iter_mut().filter(|row| row[1] == "call").for_each(|row| row[4] = "Ada Marlow".to_owned());
    assert_eq!(all, without_customer(&[call, ended, first]));
}

#[tokio::test]
async fn filters_are_combined() {
    let simulator = three_conversations().await;
    let ids = Options::conversation_ids(3);
    let cases: [(&[&str], &[usize]); 12] = [
        (&["--queue", "billing"], &[0]),
        (&["--queue", "billing", "--queue", "Phone"], &[2, 0]),
        (&["--queue", "Billing", "--all"], &[1, 0]),
        (&["--user", "sam.okafor@northwind.example"], &[0]),
        (&["--user", "Noor Haddad", "--all"], &[1]),
        (&["--user", "Noor Haddad", "--queue", "Phone", "--all"], &[]),
        (&["--media", "call"], &[2]),
        (&["--media", "Voice"], &[2]),
        (&["--media", "message,call", "--queue", "Billing"], &[0]),
        (&["--customer", "MARLOW", "--media", "message"], &[0]),
        (&["--customer", "Casey"], &[]),
        (&["--since", "1h", "--all"], &[2, 1, 0]),
    ];
    for (args, expected) in cases {
        let finished = list(&simulator, args).await;
        let found: Vec<String> = rows(&finished).into_iter().map(|mut row| row.remove(0)).collect();
        let expected: Vec<String> = expected.iter().map(|index| ids[*index].clone()).collect();
        assert_eq!((finished.code, found), (Some(0), expected), "{args:?}: {}", finished.stderr);
    }
}

#[tokio::test]
async fn nothing_that_matches_is_no_error_and_one_line_on_stderr() {
    let simulator = three_conversations().await;
    let finished = list(&simulator, &["--queue", "Delivery"]).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""));
    let line = "genesys-tail: no open conversation that matches has started since ";
    assert!(
        finished.stderr.starts_with(line) && finished.stderr.ends_with("; --all lists ended ones too\n"),
        "{}",
        finished.stderr
    );
    let quiet = list(&simulator, &["--queue", "Delivery", "-q"]).await;
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
}

// Windows has no pseudo-terminals without unsafe code.
#[cfg(unix)]
#[tokio::test]
async fn a_terminal_gets_a_table_that_fits() {
    let script = "+0 customer 山田太郎山田太郎山田太郎: hello\n+0 update queue=Billing";
    let simulator = simulator_with(script, &[], options(1)).await;
    simulator.first_conversation().play("agent Sam Okafor: hi").await.unwrap();
    for (columns, header, customer) in [
        (
            150,
            "MEDIA         QUEUE    AGENT       CUSTOMER                  STATE",
            "Sam Okafor  山田太郎山田太郎山田太郎  active",
        ),
        (110, "MEDIA         QUEUE    AGENT      CUSTOMER   STATE", "Sam Okaf…  山田太郎…  active"),
    ] {
        let mut terminal = Terminal::open(columns);
        let running = Running::start(&mut terminal.command(&program(&simulator, &["list"]), StdoutTarget::Screen));
        terminal.wait_for_screen(|screen| screen.contents().contains("active")).await;
        let lines = terminal.lines();
        assert!(lines[0].starts_with("ID      ") && lines[0].contains(header), "{lines:?}");
        assert!(lines[1].starts_with(&Options::conversation_ids(1)[0]) && lines[1].ends_with(customer), "{lines:?}");
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(running.finish().await.code, Some(0));
    }
}

#[tokio::test]
async fn json_has_one_object_per_line() {
    let simulator = three_conversations().await;
    let finished = list(&simulator, &["--json", "--media", "message"]).await;
    let row: serde_json::Value = serde_json::from_str(finished.stdout.trim_end()).unwrap();
    assert_eq!(row["id"], Options::conversation_ids(1)[0]);
    assert_eq!((&row["media"], &row["state"]), (&"webmessaging".into(), &"active".into()));
    assert_eq!(row["queue"]["id"], Simulator::queue_id("Billing"));
    assert_eq!((&row["queue"]["name"], &row["agent"]["name"]), (&"Billing".into(), &"Sam Okafor".into()));
    assert_eq!(
        (&row["agent"]["id"], &row["customer"]["name"]),
        (&Simulator::user_id("Sam Okafor").into(), &"Ada Marlow".into())
    );
    assert!(row["started"].as_str().is_some_and(|time| time.ends_with('Z')) && row.get("ended").is_none(), "{row}");
}

#[tokio::test]
async fn json_tells_when_a_conversation_ended() {
    let simulator = three_conversations().await;
    let finished = list(&simulator, &["--json", "--all", "--user", "Noor Haddad"]).await;
    let row: serde_json::Value = serde_json::from_str(finished.stdout.trim_end()).unwrap();
    assert_eq!(row["state"], "ended");
    let time = |name: &str| row[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert!(time("ended") >= time("started"), "{row}");
}

#[tokio::test]
async fn a_list_can_be_followed() {
    let simulator = three_conversations().await;
    let listed = list(&simulator, &["--media", "message"]).await;
    let id = listed.stdout.split('\t').next().unwrap();
    let mut command = program(&simulator, &["--no-follow", "--timestamps", "none", "-c", "@-"]);
    let mut running = Running::start(command.stdin(Stdio::piped()));
    running.child.stdin.take().unwrap().write_all(format!("{id}\n").as_bytes()).await.unwrap();
    let finished = running.finish().await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), "[Agent] Sam Okafor: hi\n"), "{}", finished.stderr);
}

#[tokio::test]
async fn pages_are_read_until_the_thousandth_row_which_has_a_warning() {
    let simulator = simulator_with("", &[], options(1_100)).await;
    let query = "POST /api/v2/analytics/conversations/details/query";
    let finished = list(&simulator, &[]).await;
    assert_eq!((finished.code, finished.stdout.lines().count()), (Some(0), 1_000), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("warning: only the newest 1,000 conversations are listed; "),
        "{}",
        finished.stderr
    );
    assert_eq!(simulator.request_log().count_requests(query), 11);
    let ids: std::collections::HashSet<_> = rows(&finished).into_iter().map(|mut row| row.remove(0)).collect();
    assert_eq!(ids.len(), 1_000);
}

#[tokio::test]
async fn a_long_interval_without_filters_is_queried_in_parts() {
    let simulator = three_conversations().await;
    let finished = list(&simulator, &["--all", "--since", "30days"]).await;
    assert_eq!((finished.code, finished.stdout.lines().count()), (Some(0), 3), "{}", finished.stderr);
    assert_eq!(simulator.request_log().count_requests("/details/query"), 5);
    let older = list(&simulator, &["--since", "32days"]).await;
    assert_eq!(older.code, Some(78), "{}", older.stderr);
}

#[tokio::test]
async fn without_the_permission_for_analytics_the_exit_code_is_77() {
    let simulator = simulator_with("", &["rest:deny=analytics:conversationDetail:view"], options(1)).await;
    let finished = list(&simulator, &[]).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(77), ""), "{}", finished.stderr);
    assert!(finished.stderr.contains("analytics:conversationDetail:view"), "{}", finished.stderr);
}

/// The mistakes that a user can make with `list`, and the messages.
#[tokio::test]
async fn every_mistake_has_its_message() {
    let simulator = simulator_with("", &[], options(1)).await;
    let media = "message, call, email, callback, chat, cobrowse, internalmessage, screenshare, video";
    let times = "examples: 1h30m, today, 2026-01-02, '2026-01-02 03:04', 2026-01-02T03:04:05Z";
    let cases: [(&[&str], i32, String); 9] = [
        (&["--queue", "Suport"], 66, "queue 'Suport' not found at HOST | a similar queue exists: 'Support'".into()),
        (&["--user", "Xyz"], 66, "user 'Xyz' not found at HOST | check the name or e-mail address and the region; a user exists only in its own region".into()),
        (&["--since", "32days"], 78, "--since: must be at most 31 days ago | use a later time, such as --since 30days".into()),
        (&["--since", "tomorrow"], 2, format!("invalid value 'tomorrow' for '--since <DURATION|TIME>': not a duration or time; {times}")),
        (&["--media", "fax"], 2, format!("invalid value 'fax' for '--media <MEDIUM>'\n  [possible values: {media}]")),
        (&["Billing"], 2, "unexpected argument 'Billing' found | use '--queue NAME', '--user NAME', '--customer TEXT' or '--media MEDIUM'".into()),
        (&["--limit", "5"], 2, "unexpected argument '--limit' found | the newest come first: | head -10".into()),
        (&["-o", "json"], 2, "unexpected argument '-o' found | use '--json'; a table is for terminals, and a pipe gets columns separated by tabs".into()),
        (&["--queue"], 2, "a value is required for '--queue <ID|NAME>' but none was supplied".into()),
    ];
    let host = simulator.base_url().trim_start_matches("http://");
    for (args, code, expected) in cases {
        let finished = list(&simulator, args).await;
        let error = finished.stderr.replace(host, "HOST").replace("genesys-tail: ", "").replace("\n\n  tip: ", " | ");
        let error = error.replace("\n  tip: ", " | ").replace("\n\nFor more information, try '--help'.", "");
        assert_eq!((finished.code, error.trim()), (Some(code), format!("error: {expected}").as_str()), "{args:?}");
        assert_eq!(finished.stdout, "", "{args:?}");
    }
}

#[tokio::test]
async fn a_queue_with_a_forbidden_name_is_listed_by_its_id() {
    let simulator = simulator_with("", &["rest:deny=routing:queue:view"], options(1)).await;
    let id = Simulator::queue_id("Support");
    let finished = list(&simulator, &["--queue", &id]).await;
    assert_eq!((finished.code, finished.stdout.lines().count()), (Some(0), 1), "{}", finished.stderr);
    let warning = format!("warning: the name of queue {id} is not available (403 (Unable to ");
    assert!(finished.stderr.contains(&warning) && finished.stderr.contains("); using its id\n"), "{}", finished.stderr);
    assert_eq!(list(&simulator, &["--queue", "Support"]).await.code, Some(77));
}

#[tokio::test]
async fn without_observations_older_conversations_of_a_queue_are_missing_with_a_warning() {
    let simulator = three_conversations().await;
    let with_fault = simulator_with(AGENT_SCRIPT, &["rest:deny=analytics:queueObservation:view"], options(1)).await;
    let queries = "/queues/observations/query";
    assert_eq!(list(&simulator, &["--queue", "Billing"]).await.stderr, "");
    assert_eq!(list(&simulator, &["--queue", "Billing", "--since", "1h"]).await.stderr, "");
    assert_eq!(simulator.request_log().count_requests(queries), 1);
    let finished = list(&with_fault, &["--queue", "Support"]).await;
    assert_eq!(finished.code, Some(0));
    let warning = "warning: open conversations that started more than 7 days ago are not listed: permission denied by ";
    assert!(finished.stderr.contains(warning), "{}", finished.stderr);
}

#[tokio::test]
async fn an_outage_is_retried_and_the_page_is_requested_again() {
    let simulator = simulator_with("", &["rest:status=503,times=1,path=/details/query"], options(1)).await;
    let finished = list(&simulator, &[]).await;
    assert_eq!((finished.code, finished.stdout.lines().count()), (Some(0), 1), "{}", finished.stderr);
    assert!(finished.stderr.contains("retry 1 of 5 in "), "{}", finished.stderr);
}

#[tokio::test]
async fn names_of_agents_are_optional() {
    let simulator = three_conversations().await;
    let fault = simulator_with(AGENT_SCRIPT, &["rest:status=403,always,path=GET /api/v2/users"], options(1)).await;
    fault.first_conversation().play("agent Sam Okafor: hi").await.unwrap();
    let finished = list(&fault, &[]).await;
    assert_eq!(rows(&finished)[0][3], Simulator::user_id("Sam Okafor"), "{}", finished.stderr);
    assert_eq!(rows(&list(&simulator, &["--media", "message"]).await)[0][3], "Sam Okafor");
}

#[tokio::test]
async fn hostile_names_are_escaped_in_every_form() {
    let simulator = simulator_with("+0 customer A\tda\u{1b}[2J\u{202e}x: hello", &[], options(1)).await;
    let tabs = list(&simulator, &[]).await;
    assert!(tabs.stdout.contains(r"A\x09da\x1b[2J\u{202e}x"), "{:?}", tabs.stdout);
    let json = list(&simulator, &["--json"]).await.stdout;
    assert!(!json.trim_end().contains(|c: char| c.is_control() || c == '\u{202e}'), "{json:?}");
}
