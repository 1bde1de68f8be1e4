//! Queues and users by name or e-mail address (TGT-7 to TGT-9).

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Simulator, Sources};

use crate::support::program::{Finished, Running, program, simulator_with};

/// Queues and users with names that are hard to tell apart.
fn options() -> Options {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Options {
        sources: Sources::NotificationsOnly,
        queues: names(&[
            "Billing",
            "billing",
            "Billing EMEA",
            "Insurance",
            "Insurance",
            "Sales/EMEA",
            "Tom \"T\" O'Neil & Co?",
            "山田 100%",
            "STRASSE",
            "Zürich",
            "0bad0bad-0000-4000-8000-000000000003",
        ]),
        users: names(&["Sam Okafor", "Ann Lee", "Ann Lee", "Smith, Matt", "Renée Öz"]),
        ..Options::default()
    }
}

/// Returns a command that prints the history of these queues and users.
fn command(simulator: &Simulator, args: &[&str]) -> tokio::process::Command {
    let retries: &[&str] = if args.contains(&"--max-retries") { &[] } else { &["--max-retries", "0"] };
    let mut command = program(simulator, &[&["--no-follow"], retries].concat());
    command.args(args).env_remove("GENESYS_CONVERSATION_ID");
    command
}

async fn run(simulator: &Simulator, args: &[&str]) -> Finished {
    Running::start(&mut command(simulator, args)).finish().await
}

/// The final error of a run, without the host and without ids.
fn error_of(finished: &Finished, simulator: &Simulator) -> String {
    let host = simulator.base_url().trim_start_matches("http://");
    finished
        .stderr
        .replace(host, "HOST")
        .replace("genesys-tail: error: ", "")
        .replace("\n  tip: ", " | ")
        .trim()
        .to_owned()
}

#[tokio::test]
async fn a_name_follows_the_queue_or_user_with_this_id() {
    let cases: [(&str, &str, &str); 13] = [
        ("--queue", "Billing", "Billing"),
        ("--queue", "billing", "billing"),
        ("--queue", "BILLING emea", "Billing EMEA"),
        ("--queue", "sales/emea", "Sales/EMEA"),
        ("--queue", "Tom \"T\" O'Neil & Co?", "Tom \"T\" O'Neil & Co?"),
        ("--queue", "山田 100%", "山田 100%"),
        ("--queue", "straße", "STRASSE"),
        ("--queue", "Zu\u{308}rich", "Zürich"),
        ("--queue", "ZU\u{308}RICH", "Zürich"),
        ("--user", "sam okafor", "Sam Okafor"),
        ("--user", "Sam.Okafor@Northwind.Example", "Sam Okafor"),
        ("--user", "smith, matt", "Smith, Matt"),
        ("--user", "rene\u{301}e o\u{308}z", "Renée Öz"),
    ];
    let simulator = simulator_with("", &[], options()).await;
    join_all(cases.map(async |(flag, name, expected)| {
        let finished = run(&simulator, &["-v", flag, name]).await;
        let id = if flag == "--queue" { Simulator::queue_id(expected) } else { Simulator::user_id(expected) };
        let line = format!("found {} {id} ({expected})", &flag[2..]);
        assert!(finished.code == Some(0) && finished.stderr.contains(&line), "{name}: {}", finished.stderr);
    }))
    .await;
}

/// Every error that a user can make with a name, and the message.
#[tokio::test]
async fn every_mistake_with_a_name_has_its_message() {
    let check_name = "check the name and the region; a queue exists only in its own region";
    let check_user = "check the name or e-mail address and the region; a user exists only in its own region";
    let simulator = simulator_with("", &[], options()).await;
    let cases: [(&[&str], i32, String); 17] = [
        (&["--queue", "Insurence"], 66, "queue 'Insurence' not found at HOST | some similar queues exist: 'Insurance', 'Insurance'".into()),
        (&["--queue", "Billing APAC"], 66, "queue 'Billing APAC' not found at HOST | some similar queues exist: 'Billing', 'billing', 'Billing EMEA'".into()),
        (&["--queue", "*EMEA*"], 66, "queue '*EMEA*' not found at HOST | some similar queues exist: 'Sales/EMEA', 'Billing EMEA'".into()),
        (&["--queue", "Xyz"], 66, format!("queue 'Xyz' not found at HOST | {check_name}")),
        (&["--queue", "Xyz,Zyx"], 66, "queue 'Xyz,Zyx' not found at HOST | repeat --queue for each name".into()),
        (&["--queue", "BILLING"], 66, format!("2 queues have the name 'BILLING': {} 'Billing', {} 'billing' | use the id: --queue {}", Simulator::queue_id("Billing"), Simulator::queue_id("billing"), Simulator::queue_id("Billing"))),
        (&["--queue", "0bad0bad-0000-4000-8000-000000000003"], 66, "queue 0bad0bad-0000-4000-8000-000000000003 not found at HOST: 404 (The requested resource was not found.) | check the queue id and the region; a queue exists only in its own region".into()),
        (&["--queue", "https://apps.example/queues"], 78, "--queue: 'https://apps.example/queues' contains no queue id | use the URL of the queue's page, the id or the name".into()),
        (&["--queue", "Billing", "../EMEA"], 78, "--conversation: '../EMEA' contains no conversation id | quote a name that contains blanks: --queue 'Billing EMEA'".into()),
        (&["--user", "Sam Okafr"], 66, "user 'Sam Okafr' not found at HOST | a similar user exists: 'Sam Okafor' (sam.okafor@northwind.example)".into()),
        (&["--user", "sam.okafor@northwind.exampl"], 66, "user 'sam.okafor@northwind.exampl' not found at HOST | a similar user exists: 'Sam Okafor' (sam.okafor@northwind.example)".into()),
        (&["--user", "casey@example.com"], 66, format!("user 'casey@example.com' not found at HOST | {check_user}")),
        (&["--user", "client:secret"], 78, "--user: not a user: contains a colon | use the id, the e-mail address or the name of a user".into()),
        (&["--user", "Okafor"], 66, "user 'Okafor' not found at HOST | a similar user exists: 'Sam Okafor' (sam.okafor@northwind.example)".into()),
        (&["--user", "0bad0bad-0000-4000-8000-000000000003"], 66, "user 0bad0bad-0000-4000-8000-000000000003 not found at HOST: 404 (The requested resource was not found.) | check the user id and the region; a user exists only in its own region".into()),
        (&["--queue", "Billing", "--source", "transcript"], 78, "--source transcript cannot be used with --queue or --user; use notifications | remove one of the two; see genesys-tail help settings".into()),
        (&["--user", "Sam Okafor", "--queue", "Xyz"], 66, format!("queue 'Xyz' not found at HOST | {check_name}")),
    ];
    join_all(cases.map(async |(args, code, expected)| {
        let finished = run(&simulator, args).await;
        assert_eq!((finished.code, error_of(&finished, &simulator)), (Some(code), expected), "{args:?}");
        assert_eq!(finished.stdout, "", "{args:?}");
    }))
    .await;
    assert!(simulator.request_log().channels.is_empty());
    let ambiguous = run(&simulator, &["--user", "Ann Lee"]).await;
    let error = error_of(&ambiguous, &simulator);
    assert!(error.starts_with("2 users have the name 'Ann Lee': "), "{error}");
    assert_eq!(error.matches(" 'Ann Lee' (ann.lee@northwind.example)").count(), 2, "{error}");
}

#[tokio::test]
async fn a_forbidden_search_is_77_and_names_the_permission() {
    let cases = [
        ("--queue", "Billing", "routing:queue:view"),
        ("--user", "Sam Okafor", "directory:user:view"),
        ("--user", "sam@example.com", "directory:user:view"),
    ];
    join_all(cases.map(async |(flag, name, permission)| {
        let simulator = simulator_with("", &[&format!("rest:deny={permission}")], options()).await;
        let finished = run(&simulator, &[flag, name]).await;
        let noun = &flag[2..];
        let expected = format!(
            "permission to look up {noun} '{name}' denied by HOST: 403 (Unable to perform the requested action. You are missing the following \
             permission(s): {permission}) | grant {permission} to a role of the OAuth client, or use the id: {flag} ID"
        );
        assert_eq!((finished.code, error_of(&finished, &simulator)), (Some(77), expected));
    }))
    .await;
}

#[tokio::test]
async fn one_of_thousands_of_queues_is_found_with_one_request_and_an_unknown_one_with_few() {
    let queues = (0..5_000).map(|number| format!("Queue {number}")).collect();
    let simulator = simulator_with("", &[], Options { queues, ..options() }).await;
    let requests = || simulator.request_log().count_requests("GET /api/v2/routing/queues");
    assert_eq!(run(&simulator, &["--queue", "queue 4321"]).await.code, Some(0));
    assert_eq!(requests(), 1);
    let unknown = run(&simulator, &["--queue", "Queue 43210"]).await;
    assert_eq!(unknown.code, Some(66), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("tip: some similar queues exist: 'Queue 4321', "), "{}", unknown.stderr);
    assert!((4..=14).contains(&requests()), "{} requests", requests());
}

#[tokio::test]
async fn a_name_with_any_characters_is_found_with_one_request() {
    let cases = [
        ("--queue", "Tom \"T\" O'Neil & Co?"),
        ("--queue", "山田 100%"),
        ("--queue", "Sales/EMEA"),
        ("--queue", "Zu\u{308}rich"),
        ("--user", "sam.okafor@northwind.example"),
        ("--user", "Smith, Matt"),
    ];
    join_all(cases.map(async |(flag, name)| {
        let simulator = simulator_with("", &[], options()).await;
        let finished = run(&simulator, &[flag, name]).await;
        assert_eq!(finished.code, Some(0), "{name}: {}", finished.stderr);
        let searches = ["GET /api/v2/routing/queues", "POST /api/v2/users/search"];
        let requests = searches.map(|search| simulator.request_log().count_requests(search));
        assert_eq!(requests.iter().sum::<usize>(), 1, "{name}");
    }))
    .await;
}

#[tokio::test]
async fn a_name_that_the_service_holds_in_decomposed_form_is_found() {
    let users = vec!["Rene\u{301}e".to_owned()];
    let simulator = simulator_with("", &[], Options { users, ..options() }).await;
    let finished = run(&simulator, &["--user", "Rene\u{301}e"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(simulator.request_log().count_requests("POST /api/v2/users/search"), 2);
}

#[tokio::test]
async fn an_outage_of_a_search_is_retried() {
    let faults =
        ["rest:status=503,times=1,path=GET /api/v2/routing/queues", "rest:status=429,times=1,path=/users/search"];
    let simulator = simulator_with("", &faults, options()).await;
    let mut command = command(&simulator, &["--max-retries", "5", "--queue", "Billing", "--user", "Sam Okafor"]);
    let finished = Running::start(&mut command).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    for retry in ["retry 1 of 5 in ", "retry 2 of 5 in "] {
        assert!(finished.stderr.contains(retry), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn an_exhausted_outage_of_a_search_is_69() {
    let simulator = simulator_with("", &["rest:status=503,always,path=/routing/queues"], options()).await;
    let finished = run(&simulator, &["--queue", "Billing"]).await;
    assert_eq!(finished.code, Some(69), "{}", finished.stderr);
    assert!(
        finished.stderr.contains(
            "gave up after 1 attempt: HOST is temporarily unavailable"
                .replace("HOST", simulator.base_url().trim_start_matches("http://"))
                .as_str()
        ),
        "{}",
        finished.stderr
    );
}

#[tokio::test]
async fn a_service_without_matches_may_respond_with_404() {
    let simulator = simulator_with("", &["rest:status=404,always,path=/users/search"], options()).await;
    let finished = run(&simulator, &["--user", "Sam Okafor"]).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stderr);
    assert!(finished.stderr.contains("user 'Sam Okafor' not found at "), "{}", finished.stderr);
}

#[tokio::test]
async fn names_from_the_network_and_from_the_user_are_escaped() {
    let queues = vec!["Bill\u{1b}[2Jing".to_owned()];
    let simulator = simulator_with("", &[], Options { queues, ..options() }).await;
    let finished = run(&simulator, &["--queue", "Bill\u{1b}[3Jing"]).await;
    assert_eq!(finished.code, Some(66));
    assert!(finished.stderr.contains(r"queue 'Bill\x1b[3Jing' not found"), "{}", finished.stderr);
    assert!(finished.stderr.contains(r"a similar queue exists: 'Bill\x1b[2Jing'"), "{}", finished.stderr);
}

#[tokio::test]
async fn a_queue_of_this_name_is_followed_live_and_looked_up_once() {
    let faults = ["rest:status=404,always,after=1,path=GET /api/v2/routing/queues"];
    let simulator = simulator_with("", &faults, options()).await;
    let conversation = simulator.first_conversation();
    conversation.play("agent Sam: one").await.unwrap();
    let mut command = program(&simulator, &["--queue", "support", "--timestamps", "none"]);
    let mut running = Running::start(command.env_remove("GENESYS_CONVERSATION_ID"));
    running.wait_for_stderr("connected to ").await;
    assert_eq!(running.next_line().await, "85c0155f [Agent] Sam: one");
    simulator.apply_fault("notify:reset").await.unwrap();
    running.wait_for_stderr("reconnected to ").await;
    conversation.play("agent Sam: two").await.unwrap();
    assert_eq!(running.next_line().await, "85c0155f [Agent] Sam: two");
}

// Windows has no signals.
#[cfg(unix)]
#[tokio::test]
async fn a_look_up_ends_with_a_signal_or_with_the_reader_of_stdout() {
    let faults = ["rest:status=503,always,path=/routing/queues"];
    let start = async || {
        let simulator = simulator_with("", &faults, options()).await;
        let mut command = program(&simulator, &["-F", "--queue", "Support"]);
        let mut running = Running::start(command.env_remove("GENESYS_CONVERSATION_ID"));
        running.wait_for_stderr("retry 1 in ").await;
        (simulator, running)
    };
    let (_simulator, running) = start().await;
    running.signal(rustix::process::Signal::INT);
    let finished = running.finish().await;
    assert_eq!(finished.signal, Some(2), "{}", finished.stderr);
    assert!(finished.stderr.ends_with("genesys-tail: stopped: 0 lines\n"), "{}", finished.stderr);
    let (_simulator, mut running) = start().await;
    drop(running.stdout.take());
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

#[tokio::test]
async fn a_cursor_holds_the_id_of_a_name() {
    let simulator = simulator_with("", &[], options()).await;
    simulator.first_conversation().play("agent Sam: one").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cursor = folder.path().join("cursor");
    let run = async |queue: &str| {
        let mut command = command(&simulator, &["--queue", queue, "--timestamps", "none", "--cursor-file"]);
        Running::start(command.arg(&cursor)).finish().await
    };
    assert_eq!(run("support").await.stdout, "85c0155f [Agent] Sam: one\n");
    let again = run(&Simulator::queue_id("Support")).await;
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), ""), "{}", again.stderr);
}
