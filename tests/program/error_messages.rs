//! Agreement of the topic `errors` with the messages of the program (ERR-9, DOC-1).

use std::fs;
use std::sync::LazyLock;

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Script, Simulator, Sources};
use regex::Regex;
use tempfile::tempdir;
use tokio::process::Command;

use crate::support::process::{missing_folder_text, opened_folder_text};
use crate::support::program::{
    Finished, Running, bare_program, path_str, program, refusing_socket, simulator, simulator_with,
};
use crate::support::proxy::{Proxy, ProxyMode};
use crate::support::tls_proxy::{CertificateAuthority, TlsProxy, self_signed};

const SCRIPT: &str = "+0 customer Ada: one\n+0 customer Ada: two\n+0.1 customer Ada: three\n+0 close";

/// A conversation that does not end.
const OPEN_SCRIPT: &str = "+0 customer Ada: one\n+0 agent Sam: two";

const TRANSCRIPT: &[&str] = &["--source", "transcript"];
const NOTIFICATIONS: &[&str] = &["--source", "notifications"];

/// A host name that only a proxy resolves.
const HOST: &str = "api.example.test";

/// The topic in one line.
static TOPIC: LazyLock<String> =
    LazyLock::new(|| include_str!("../../src/help/errors.md").split_whitespace().collect::<Vec<_>>().join(" "));

/// Returns the difference between the final error of a run and the topic: the topic quotes the message with its exit code,
/// and the error has a tip on a second line.
fn difference(finished: &Finished, placeholders: &[(&str, &str)]) -> Option<String> {
    let lines: Vec<&str> = finished.stderr.lines().collect();
    let [error, tip] = lines[..] else { return Some(format!("not two lines: {lines:?}")) };
    let error = error.strip_prefix("genesys-tail: error: ")?;
    let last = error.strip_prefix("gave up after 1 attempt: ");
    let after_retries = if last.is_some() { ", after `--max-retries`" } else { "" };
    let message = with_placeholders(last.unwrap_or(error), placeholders);
    let entry = format!("`{message}` ({}{after_retries})", finished.code?);
    let has_tip = tip.strip_prefix("  tip: ").is_some_and(|tip| tip.len() > 10);
    (!has_tip || !TOPIC.contains(&entry)).then(|| format!("{entry} / {tip}"))
}

/// Asserts that the final errors of all runs agree with the topic.
async fn assert_quoted(runs: impl IntoIterator<Item = impl Future<Output = Option<String>>>) {
    let differences: Vec<String> = join_all(runs).await.into_iter().flatten().collect();
    assert!(differences.is_empty(), "not as the topic says:\n{}", differences.join("\n"));
}

/// Replaces what differs from run to run.
fn with_placeholders(message: &str, placeholders: &[(&str, &str)]) -> String {
    let message = placeholders.iter().fold(message.to_owned(), |text, (value, name)| text.replace(value, name));
    let patterns = [
        (r"127\.0\.0\.1:\d+", "HOST"),
        (r"\d{4}-\d\d-\d\d", "DATE"),
        (r"within \d+m?s", "within 10s"),
        (r"no data for \d+m?s", "no data for 45s"),
    ];
    let replaced = |text: String, (pattern, name): (&str, &str)| {
        Regex::new(pattern).unwrap().replace_all(&text, name).into_owned()
    };
    patterns.into_iter().fold(message, replaced)
}

/// Returns a command without retries that prints nothing but its final error.
fn command(simulator: &Simulator, args: &[&str]) -> Command {
    let mut command = program(simulator, &["-q", "--max-retries", "0"]);
    command.args(args);
    command
}

async fn finish(mut command: Command) -> Finished {
    Running::start(&mut command).finish().await
}

#[tokio::test]
async fn the_topic_quotes_the_errors_of_requests_and_connections() {
    let silence = ["--idle-timeout", "200ms", "--ping-interval", "100ms", "--source", "transcript"];
    let cases: &[(&[&str], &[&str])] = &[
        (&["token:status=401"], &[]),
        (&[], &["--client-id", "wrong"]),
        (&["token:status=400,body=Grant type not allowed"], &[]),
        (&["token:status=503"], &[]),
        (&["token:not-json"], &[]),
        (&["token:garbage"], &[]),
        (&["token:status=404"], &[]),
        (&["token:reset"], &[]),
        (&["token:hang"], &["--connect-timeout", "200ms"]),
        (&["handshake:status=401,times=always"], &[]),
        (&["handshake:status=403"], &[]),
        (&["handshake:status=404"], TRANSCRIPT),
        (&["handshake:status=404", "rest:status=404"], &[]),
        (&["handshake:status=501,body=Not Implemented", "rest:status=404"], &[]),
        (&["handshake:status=429"], &[]),
        (&["handshake:ok"], TRANSCRIPT),
        (&["handshake:bad-accept"], &[]),
        (&["rest:status=401,times=always"], NOTIFICATIONS),
        (&["rest:status=404"], NOTIFICATIONS),
        (&["rest:status=429"], NOTIFICATIONS),
        (&["rest:not-json"], NOTIFICATIONS),
        (&["rest:empty"], NOTIFICATIONS),
        (&["channel:not-json"], NOTIFICATIONS),
        (&["notify-handshake:forbidden-page"], NOTIFICATIONS),
        (&["socket:forbid"], &[]),
        (&["socket:close=1011"], &[]),
        (&["socket:reset"], &[]),
        (&["socket:eof"], &[]),
        (&["socket:silence"], &silence),
        (&["socket:oversize=20000000"], &[]),
        (&["socket:bad-utf8"], &[]),
        (&["socket:reserved-bits"], &[]),
        (&["notify:close=1011"], NOTIFICATIONS),
        (&["notify:reset"], NOTIFICATIONS),
        (&["notify:oversize=20000000"], NOTIFICATIONS),
    ];
    assert_quoted(cases.iter().map(async |(faults, args)| {
        let simulator = simulator(SCRIPT, faults).await;
        let id = simulator.first_conversation().id().to_owned();
        difference(&finish(command(&simulator, args)).await, &[(&id, "ID")])
    }))
    .await;
}

#[tokio::test]
async fn the_topic_quotes_the_errors_of_queues_and_users() {
    const UNKNOWN: &str = "0bad0bad-0000-4000-8000-000000000003";
    assert_quoted(["--queue", "--user"].map(async |flag| {
        let simulator = simulator(SCRIPT, &[]).await;
        difference(&finish(command(&simulator, &[flag, UNKNOWN])).await, &[(UNKNOWN, "ID")])
    }))
    .await;
}

#[tokio::test]
async fn the_topic_quotes_the_errors_of_names() {
    let more = |name: &str| vec![name.to_owned(); 2];
    let queues = vec!["Billing".to_owned(), "BILLING".to_owned()];
    let options = Options { queues, users: more("Sam Okafor"), ..Options::default() };
    let denied = ["rest:deny=routing:queue:view", "rest:deny=directory:user:view"];
    let cases: [(&str, &str, &[&str]); 6] = [
        ("--queue", "Nonesuch", &[]),
        ("--user", "Nonesuch", &[]),
        ("--queue", "bILLing", &[]),
        ("--user", "sam okafor", &[]),
        ("--queue", "Nonesuch", &denied),
        ("--user", "Nonesuch", &denied),
    ];
    let id = Regex::new("[0-9a-f]{8}-[0-9a-f-]{27}").unwrap();
    assert_quoted(cases.map(async |(flag, name, faults)| {
        let simulator = simulator_with(SCRIPT, faults, options.clone()).await;
        let mut finished = finish(command(&simulator, &[flag, name])).await;
        finished.stderr = id.replace_all(&finished.stderr, "ID").into_owned();
        difference(&finished, &[(name, "NAME")])
    }))
    .await;
}

#[tokio::test]
async fn the_topic_quotes_the_errors_of_addresses_and_proxies() {
    let simulator = simulator(SCRIPT, &[]).await;
    let refusing = refusing_socket();
    let refused = format!("http://{}", refusing.local_addr().unwrap());
    let no_tls = simulator.base_url().replace("http", "https");
    let addresses = [&refused, &no_tls].map(|url| {
        let mut command = command(&simulator, &["--api-url", url, "--login-url", url]);
        command.env_remove("GENESYS_API_URL").env_remove("GENESYS_LOGIN_URL");
        command
    });
    let upstream = refusing.local_addr().unwrap();
    let forbidding = Proxy::start(ProxyMode::Rejects(403), upstream).await;
    let asking = Proxy::start(ProxyMode::RequiresLogin("nothing"), upstream).await;
    let proxies = [upstream, forbidding.address, asking.address].map(|proxy| {
        let mut command = command(&simulator, &["--proxy", &format!("http://{proxy}")]);
        command.env_remove("GENESYS_LOGIN_URL").env("GENESYS_API_URL", format!("https://{HOST}"));
        command
    });
    assert_quoted(addresses.into_iter().chain(proxies).map(async |command| {
        let placeholders = [&upstream, &forbidding.address].map(|proxy| format!("proxy {proxy} "));
        let [refusing, forbidding] = &placeholders;
        let placeholders = [(HOST, "HOST"), (refusing.as_str(), "proxy PROXY "), (forbidding, "proxy PROXY ")];
        difference(&finish(command).await, &placeholders)
    }))
    .await;
}

// Fails in Wine 8, which checks no certificates against roots of a program.
#[tokio::test]
async fn the_topic_quotes_the_errors_of_certificates() {
    let (simulator, authority) = (simulator(SCRIPT, &[]).await, CertificateAuthority::new());
    let file = authority.pem_file();
    let without_file = TlsProxy::start(&simulator, authority.certificate("127.0.0.1")).await;
    let mut command_without_file = command(&simulator, &[]);
    let url = format!("https://{}", without_file.address);
    command_without_file.env_remove("GENESYS_LOGIN_URL").env("GENESYS_API_URL", url);
    assert_eq!(difference(&finish(command_without_file).await, &[]), None);
    assert_quoted(
        [
            self_signed("127.0.0.1", false),
            authority.expired_certificate("127.0.0.1"),
            authority.not_yet_valid_certificate("127.0.0.1"),
            authority.certificate(HOST),
            self_signed("127.0.0.1", true),
        ]
        .map(async |certificate| {
            let tls_proxy = TlsProxy::start(&simulator, certificate).await;
            let mut command = command(&simulator, &["--cacert", path_str(&file)]);
            let url = format!("https://{}", tls_proxy.address);
            command.env_remove("GENESYS_LOGIN_URL").env("GENESYS_API_URL", url);
            difference(&finish(command).await, &[(path_str(&file), "FILE")])
        }),
    )
    .await;
}

#[tokio::test]
async fn the_topic_quotes_the_errors_of_files() {
    let simulator = simulator(SCRIPT, &[]).await;
    let folder = tempdir().unwrap();
    let path = |name: &str| path_str(&folder.path().join(name)).to_owned();
    let header = "{\"genesys-tail-cursor\":1,\"keys\":[1,2]}\n";
    let recording =
        "{\"genesys-tail-recording\":1,\"started\":\"2026-01-02T03:04:05Z\",\"conversations\":[\"c\"]}\nx\n";
    for (name, content) in [
        ("notes", "dear diary\n"),
        ("damaged", &format!("{header}[]\n")),
        ("newer", "{\"genesys-tail-cursor\":2}\n"),
        ("other", &format!("{header}{{\"conversation\":\"other\"}}\n")),
        ("damaged.rec", recording),
    ] {
        fs::write(path(name), content).unwrap();
    }
    let folder_path = path_str(folder.path()).to_owned();
    let cases = [
        ("--record", folder_path.clone()),
        ("--record", path("notes")),
        ("--record", "/nowhere/x".to_owned()),
        ("--cursor-file", folder_path.clone()),
        ("--cursor-file", path("notes")),
        ("--cursor-file", path("damaged")),
        ("--cursor-file", path("newer")),
        ("--cursor-file", path("other")),
        ("--cursor-file", "/nowhere/x".to_owned()),
    ];
    let tails = cases.iter().map(|(flag, path)| (command(&simulator, &[flag, path]), path.clone()));
    let replays = [path("none"), folder_path.clone(), path("damaged.rec")]
        .map(|path| (bare_program(&["-q", "--replay", &path]), path));
    let (no_folder, opened_folder) = (missing_folder_text(), opened_folder_text(folder.path()));
    let texts = [(no_folder.as_str(), "No such file or directory"), (opened_folder.as_str(), "Is a directory")];
    assert_quoted(tails.chain(replays).map(async |(command, path)| {
        difference(&finish(command).await, &[&[(path.as_str(), "FILE")][..], &texts].concat())
    }))
    .await;
}

// Windows has no device that is always full.
#[cfg(unix)]
#[tokio::test]
async fn the_topic_quotes_the_error_of_a_full_disk() {
    let simulator = simulator(SCRIPT, &[]).await;
    let mut command = command(&simulator, &[]);
    command.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
    assert_eq!(difference(&finish(command).await, &[]), None);
}

#[tokio::test]
async fn the_topic_quotes_the_error_of_a_file_that_another_process_uses() {
    let simulator = simulator("", &[]).await;
    let folder = tempdir().unwrap();
    for flag in ["--record", "--cursor-file"] {
        let path = folder.path().join(flag);
        let mut first = Running::start(&mut program(&simulator, &[flag, path_str(&path)]));
        first.wait_for_stderr("connected").await;
        let second = finish(command(&simulator, &[flag, path_str(&path)])).await;
        assert_eq!(difference(&second, &[(path_str(&path), "FILE")]), None);
    }
}

#[tokio::test]
async fn the_topic_quotes_the_errors_of_the_settings_and_of_several_conversations() {
    let missing = finish(bare_program(&["-q"])).await;
    assert!(missing.stderr.contains("error: settings missing: ") && TOPIC.contains("`settings missing: …` (78)"));
    assert!(
        missing.stderr.contains("\n  tip: set them in the environment or in .env: genesys-tail help settings"),
        "{}",
        missing.stderr
    );
    let simulator = simulator(SCRIPT, &[]).await;
    let mut unusable = command(&simulator, &["--region", "europe"]);
    unusable.env_remove("GENESYS_API_URL").env_remove("GENESYS_LOGIN_URL");
    assert_eq!(difference(&finish(unusable).await, &[]), None);
    let mut no_roots = command(&simulator, &["--api-url", "https://127.0.0.1:1"]);
    no_roots.env("SSL_CERT_FILE", "/nowhere");
    let no_roots = finish(no_roots).await;
    assert!(no_roots.stderr.contains("error: cannot use SSL_CERT_FILE /nowhere: "), "{}", no_roots.stderr);
    assert!(TOPIC.contains("`cannot use SSL_CERT_FILE FILE: …` (78)"));
    let failed = finish(command(&simulator, &["-c", "a", "-c", "b", "-c", simulator.first_conversation().id()])).await;
    let last = failed.stderr.lines().rev().take(2).collect::<Vec<_>>();
    assert_eq!(
        last,
        ["  tip: see the error of each conversation above", "genesys-tail: error: 2 of 3 conversations failed"]
    );
    assert!(TOPIC.contains("`2 of 3 conversations failed` (code of the first failure)"));
}

#[tokio::test]
async fn the_topic_quotes_the_warnings_of_a_run_that_continues() {
    let notifications = || Options { sources: Sources::NotificationsOnly, ..Options::default() };
    let transcript = || Options { sources: Sources::TranscriptOnly, ..Options::default() };
    let without = |denied: &str| {
        let permissions =
            notifications().permissions.into_iter().filter(|held| !denied.contains(held.as_str())).collect();
        Options { permissions, ..notifications() }
    };
    let warnings = documented_warnings();
    let queue = Simulator::queue_id("Support");
    let of_queue = ["--queue", &queue];
    let cases: [(Options, &[&str], &[&str], &str); 7] = [
        (Options::default(), &["socket:malformed"], &[], "malformed frame"),
        (transcript(), &[], &[], "history"),
        (without("routing:queue:view"), &[], &[], "messages of queues"),
        (without("routing:queue:view"), &[], &of_queue, "messages and calls of queues"),
        (Options::default(), &["channel:reject=.calls"], &of_queue, "new calls are found within 60 s"),
        (
            without("routing:queue:view, analytics:conversationDetail:view, analytics:queueObservation:view"),
            &[],
            &of_queue,
            "; new conversations are missed",
        ),
        (without("conversation:transcription:view"), &[], &[], "transcriptions of calls"),
    ];
    join_all(cases.into_iter().map(async |(options, faults, args, topic)| {
        let script =
            if topic.contains("calls") { Script::built_in("call").unwrap() } else { OPEN_SCRIPT.parse().unwrap() };
        let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let simulator = Simulator::start(Options { script, faults, rate: Some(4.0), ..options }).await.unwrap();
        simulator.first_conversation().start();
        let mut running = Running::start(&mut program(&simulator, args));
        running.wait_for_stderr(topic).await;
        let stderr = running.stderr();
        let line = stderr.lines().find(|line| line.contains(topic)).unwrap();
        assert!(warnings.iter().any(|warning| warning.is_match(line)), "{line:?} is not in the topic");
    }))
    .await;
}

/// Returns the warnings that the topic quotes, as patterns: an ellipsis stands for any text.
fn documented_warnings() -> Vec<Regex> {
    let (_, section) = TOPIC.split_once("## Warnings").unwrap();
    let quoted = Regex::new("- `([^`]+)`").unwrap();
    let pattern = |text: &str| regex::escape(text).replace('…', ".+");
    quoted
        .captures_iter(section)
        .map(|quote| Regex::new(&format!("^genesys-tail: (?:warning: )?{}$", pattern(&quote[1]))).unwrap())
        .collect()
}
