//! `genesys-tail check`: a line a step, how to mend what is wrong, and the exit code of the first failure.

use std::net::TcpListener as Port;

use genesys_tail::simulator::{Options, Script, Simulator, Wires};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::support::front::{Authority, Front, text};
use crate::support::program::{Finished, Running, program, run, simulator, simulator_with, soon};
use crate::support::proxy::{Manner, Proxy};

/// A conversation that a queue and an agent have to do with before anybody listens.
const TALK: &str = "+0 customer Ada: Hello\n+0 join agent Sam Okafor\n+0 agent Sam Okafor: Hi\n+60 close";

/// Runs a check and holds it to what is true of each: a line a step, nothing on standard error, no secret.
async fn check(simulator: &Simulator, args: &[&str]) -> Finished {
    let finished = run(simulator, &[&["check"], args].concat()).await;
    assert_proper(simulator, &finished);
    finished
}

fn assert_proper(simulator: &Simulator, finished: &Finished) {
    assert_eq!(finished.stderr, "", "{}", finished.stdout);
    for line in finished.stdout.lines() {
        assert!(["ok    ", "warn  ", "fail  "].iter().any(|verdict| line.starts_with(verdict)), "{line:?}");
    }
    let ledger = simulator.ledger();
    let tokens = ledger.tokens.iter().filter_map(|request| request.token.as_deref());
    let channels = ledger.channels.iter().map(|channel| channel.id.as_str());
    for secret in tokens.chain(channels).chain([simulator.client_secret()]) {
        assert!(!finished.stdout.contains(secret), "{secret} is in {}", finished.stdout);
    }
    assert!(ledger.channels.len() <= ledger.tokens.len(), "a channel cannot be deleted: one for each check");
}

/// The only line with this verdict.
fn only<'a>(finished: &'a Finished, verdict: &str) -> &'a str {
    let lines: Vec<&str> = finished.stdout.lines().filter(|line| line.starts_with(verdict)).collect();
    let [line] = lines.as_slice() else { panic!("not one {verdict} in {}", finished.stdout) };
    line
}

fn lacks(finished: &Finished, verdict: &str) {
    assert!(!finished.stdout.lines().any(|line| line.starts_with(verdict)), "{verdict} in {}", finished.stdout);
}

/// Checks a simulator with these faults, and returns the only line that is not `ok`.
async fn finds(faults: &[&str], args: &[&str], code: i32, verdict: &str) -> String {
    let simulator = simulator(TALK, faults).await;
    let finished = check(&simulator, args).await;
    assert_eq!(finished.code, Some(code), "{faults:?} {args:?}: {}", finished.stdout);
    let other = if verdict == "warn" { "fail" } else { "warn" };
    lacks(&finished, other);
    only(&finished, verdict).to_owned()
}

/// A conversation in which everybody is there already.
async fn under_way(faults: &[&str]) -> Simulator {
    let simulator = simulator("", faults).await;
    let conversation = simulator.first_conversation();
    for act in ["customer Ada: Hello", "join agent Sam Okafor", "agent Sam Okafor: Hi"] {
        conversation.play(act).await.unwrap();
    }
    simulator
}

#[tokio::test]
async fn where_all_is_well_every_step_is_ok() {
    let simulator = under_way(&[]).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    lacks(&finished, "warn");
    lacks(&finished, "fail");
    let conversation = simulator.first_conversation();
    let conversation = format!("conversation {}: messages, open, ", conversation.id());
    for step in [
        &format!("settings: client {}, API at {}/, sign-in at", simulator.client_id(), simulator.base_url()),
        "api and login host 127.0.0.1:",
        "clock agrees",
        "signed in at 127.0.0.1:",
        "a token is renewed after 21h 36m",
        "transcript socket opens",
        "permission conversation:communication:view",
        "permission conversation:message:view or conversation:webmessaging:view",
        "permission analytics:conversationDetail:view",
        "notification channel made and found again",
        "notification socket of 127.0.0.1:",
        "topics for queue messages: 1 topic subscribed, which takes routing:queue:view",
        "topics for agent messages: 1 topic subscribed, which takes conversation:communication:view",
        "topics for joins and leaves: 4 topics subscribed, which takes analytics:conversationDetail:view",
        "topics for the words of calls: not tried, which takes conversation:transcription:view",
        conversation.as_str(),
    ] {
        assert!(finished.stdout.contains(step), "{step:?} is not in {}", finished.stdout);
    }
}

#[tokio::test]
async fn it_leaves_nothing_open_behind_it() {
    let simulator = under_way(&[]).await;
    check(&simulator, &[]).await;
    let ledger = soon(simulator.until(|ledger| ledger.open() + ledger.listening() == 0)).await;
    assert_eq!((ledger.tokens.len(), ledger.channels.len()), (1, 1));
    assert_eq!((ledger.connections[0].close_code, ledger.listeners[0].close_code), (Some(1000), Some(1000)));
    assert_eq!(ledger.strays.len(), 0, "{:?}", ledger.strays);
    let mut subscribing = ledger.requests.iter().filter(|request| request.path.ends_with("/subscriptions"));
    assert!(subscribing.all(|request| request.query == "ignoreErrors=true"));
    let topics = &ledger.subscriptions[0].topics;
    assert_eq!(topics.len(), 6, "{topics:?}");

    // A connection that is dropped while something is on its way is reset, and the goodbye lost.
    let talkative = simulator_with("", &["socket:burst=20000"], Options::default()).await;
    check(&talkative, &[]).await;
    let ledger = soon(talkative.until(|ledger| ledger.open() == 0)).await;
    assert_eq!(ledger.connections[0].close_code, Some(1000));
}

#[tokio::test]
async fn without_a_conversation_it_asks_for_one_that_does_not_exist() {
    let simulator = under_way(&[]).await;
    let mut command = program(&simulator, &["check", "--source", "notifications"]);
    let finished = Running::start(command.env_remove("GENESYS_CONVERSATION_ID")).finish().await;
    assert_proper(&simulator, &finished);
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    lacks(&finished, "warn");
    assert!(finished.stdout.contains("ok    permission conversation:communication:view\n"), "{}", finished.stdout);
    assert!(
        !finished.stdout.contains("transcript endpoint") && !finished.stdout.contains("transcript socket"),
        "{}",
        finished.stdout
    );
    assert_eq!(simulator.ledger().handshakes.len(), 0);

    // Its answer may be that of an endpoint that works, so it warns; where that endpoint is asked for, it fails.
    let mut command = program(&simulator, &["check"]);
    let finished = Running::start(command.env_remove("GENESYS_CONVERSATION_ID")).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(only(&finished, "warn").contains("transcript endpoint"), "{}", finished.stdout);
    let mut command = program(&simulator, &["check", "--source", "transcript"]);
    let finished = Running::start(command.env_remove("GENESYS_CONVERSATION_ID")).finish().await;
    assert_eq!(finished.code, Some(66), "{}", finished.stdout);
    assert!(only(&finished, "fail").contains("name one with -c"), "{}", finished.stdout);
}

#[tokio::test]
async fn what_is_wrong_with_the_credentials_is_told_apart() {
    let simulator = simulator(TALK, &[]).await;
    let uuid = "0f6d2a51-7f0e-4a44-8f1a-6d1f0b9f1c02";
    for (id, secret, status, mend) in [
        (simulator.client_id(), "invented", "401 (authentication failed)", "check the client secret"),
        (uuid, "invented", "400 (client not found)", "a client exists only in its own"),
        ("swapped-secret", uuid, "400 (client not found)", "look as if they had changed places"),
    ] {
        let mut command = program(&simulator, &["check"]);
        command.env("GENESYS_CLIENT_ID", id).env("GENESYS_CLIENT_SECRET", secret);
        let finished = Running::start(&mut command).finish().await;
        assert_proper(&simulator, &finished);
        assert_eq!(finished.code, Some(77), "{}", finished.stdout);
        let line = finished.stdout.lines().last().unwrap();
        assert!(line.starts_with("fail  sign-in at 127.0.0.1:"), "{line}");
        assert!(line.contains(status) && line.contains(mend), "{line}");
        assert!(line.contains("what needs it was not tried"), "{line}");
        assert!(!finished.stdout.contains(secret), "{}", finished.stdout);
        assert!(!finished.stdout.contains("swapped-secret"), "{}", finished.stdout);
    }
    assert_eq!(simulator.ledger().requests.len(), 3, "only to see that the host is there");
}

#[tokio::test]
async fn a_client_of_another_grant_is_told_which() {
    for body in ["unauthorized_client", "grant type not allowed"] {
        let line = finds(&[&format!("token:status=400,body={body}")], &[], 77, "fail").await;
        assert!(line.contains("give the client the grant \"Client Credentials\""), "{line}");
    }
}

#[tokio::test]
async fn a_token_endpoint_that_cannot_or_is_none_has_its_own_code() {
    for (fault, code) in
        [("token:status=503", 69), ("token:status=404", 76), ("token:not-json", 76), ("token:reset", 69)]
    {
        let line = finds(&[fault], &[], code, "fail").await;
        assert!(line.contains("what needs it was not tried"), "{line}");
    }
}

#[tokio::test]
async fn a_secret_that_the_server_repeats_is_struck_out() {
    let line = finds(&["token:echo=401"], &[], 77, "fail").await;
    assert!(line.contains("[redacted]"), "{line}");
    finds(&["handshake:echo=403"], &[], 77, "fail").await;
    finds(&["rest:echo=403,path=availabletopics,after=1"], &[], 0, "warn").await;
    let swapped = simulator(TALK, &["token:echo=400"]).await;
    let mut command = program(&swapped, &["check"]);
    command.env("GENESYS_CLIENT_ID", "swapped-secret").env("GENESYS_CLIENT_SECRET", swapped.client_id());
    let finished = Running::start(&mut command).finish().await;
    assert!(!finished.stdout.contains("swapped-secret"), "{}", finished.stdout);
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    for permission in ["conversation:communication:view", "conversation:message:view"] {
        for source in ["auto", "notifications"] {
            let simulator = under_way(&[&format!("rest:deny={permission}")]).await;
            let finished = check(&simulator, &["--source", source]).await;
            assert_eq!(finished.code, Some(77), "{}", finished.stdout);
            let line = only(&finished, "fail");
            assert!(line.contains(&format!("permission {permission}")), "{line}");
            assert!(line.contains("403 (") && line.contains("give the OAuth client a role"), "{line}");
        }
    }
}

#[tokio::test]
async fn an_optional_permission_that_is_missing_is_a_warning() {
    for (permission, warnings) in [
        (
            "analytics:conversationDetail:view",
            &["permission analytics", "topics for joins and leaves: 4 of 4 rejected"][..],
        ),
        ("routing:queue:view", &["topics for queue messages: 1 of 1 rejected"]),
    ] {
        let simulator = under_way(&[&format!("rest:deny={permission}")]).await;
        let finished = check(&simulator, &[]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        lacks(&finished, "fail");
        let warned: Vec<&str> = finished.stdout.lines().filter(|line| line.starts_with("warn")).collect();
        assert_eq!(warned.len(), warnings.len(), "{}", finished.stdout);
        for (line, expected) in warned.iter().zip(warnings) {
            assert!(line.contains(expected) && line.contains(permission), "{line}");
        }
    }
    // The past is all that the transcript socket itself does without.
    for permission in ["conversation:communication:view", "conversation:message:view"] {
        let simulator = under_way(&[&format!("rest:deny={permission}")]).await;
        let finished = check(&simulator, &["--source", "transcript"]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        assert!(finished.stdout.contains(&format!("warn  permission {permission}")), "{}", finished.stdout);
    }
}

#[tokio::test]
async fn either_permission_for_the_text_will_do() {
    let permissions = Options::default().permissions;
    let permissions = permissions.iter().map(|name| name.replace(":message:", ":webmessaging:")).collect();
    let simulator = simulator_with(TALK, &[], Options { permissions, ..Options::default() }).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    lacks(&finished, "warn");
}

#[tokio::test]
async fn a_conversation_that_does_not_exist_is_66() {
    let simulator = simulator(TALK, &[]).await;
    for source in ["auto", "notifications"] {
        let finished = check(&simulator, &["--source", source, "-c", "nonesuch"]).await;
        assert_eq!(finished.code, Some(66), "{}", finished.stdout);
        let line = only(&finished, "fail");
        assert!(line.starts_with("fail  conversation nonesuch: 127.0.0.1:") && line.contains("404 ("), "{line}");
    }
    // The others are looked at all the same.
    let there = simulator.first_conversation();
    let finished = check(&simulator, &["-c", "nonesuch", "-c", there.id()]).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stdout);
    assert!(finished.stdout.contains(&format!("ok    conversation {}: messages", there.id())), "{}", finished.stdout);
}

#[tokio::test]
async fn a_transcript_endpoint_that_is_not_there_is_a_warning_unless_asked_for() {
    let line = finds(&["transcript:absent"], &[], 0, "warn").await;
    assert!(line.contains("transcript endpoint") && line.contains("404 ("), "{line}");
    let line = finds(&["transcript:absent"], &["--source", "transcript"], 66, "fail").await;
    assert!(line.contains("transcript endpoint") && line.contains("404 ("), "{line}");
    finds(&["handshake:ok"], &[], 0, "warn").await;
    finds(&["handshake:ok"], &["--source", "transcript"], 76, "fail").await;
    finds(&["handshake:status=403"], &[], 77, "fail").await;
    finds(&["handshake:bad-accept"], &[], 76, "fail").await;
    finds(&["handshake:status=503"], &[], 69, "fail").await;
}

#[tokio::test]
async fn a_server_without_the_published_api_will_do_while_its_transcript_socket_opens() {
    let options = Options { wires: Wires::TranscriptOnly, ..Options::default() };
    let simulator = simulator_with(TALK, &[], options).await;
    for (source, code) in [("auto", 0), ("transcript", 0), ("notifications", 76)] {
        let finished = check(&simulator, &["--source", source]).await;
        assert_eq!(finished.code, Some(code), "{source}: {}", finished.stdout);
    }
}

#[tokio::test]
async fn a_channel_that_cannot_be_had_is_a_failure_and_its_socket_not_tried() {
    let line =
        finds(&["channel:status=503,path=POST /api/v2/notifications"], &["--source", "notifications"], 69, "fail")
            .await;
    assert!(line.contains("notification channel (what needs it was not tried)"), "{line}");
    let simulator = simulator(TALK, &["channel:status=404,path=HEAD"]).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(only(&finished, "warn").contains("gone at once"), "{}", finished.stdout);
}

#[tokio::test]
async fn a_topic_that_is_rejected_is_a_warning() {
    let simulator = under_way(&["channel:reject=v2.users."]).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let line = only(&finished, "warn");
    assert!(line.contains("topics for agent messages: 1 of 1 rejected: Not authorized for this topic."), "{line}");
    assert!(line.contains("It takes conversation:communication:view"), "{line}");
    finds(&["channel:status=503,path=subscriptions"], &[], 0, "warn").await;
    finds(&["rest:not-json,path=availabletopics,after=1"], &[], 0, "warn").await;
}

#[tokio::test]
async fn an_answer_that_is_something_else_is_76() {
    for path in ["GET /api/v2/conversations/", "/messages/bulk", "POST /api/v2/notifications/channels"] {
        let fault = format!("rest:not-json,path={path}");
        finds(&[&fault], &["--source", "notifications"], 76, "fail").await;
    }
}

#[tokio::test]
async fn a_call_is_told_and_its_topic_tried() {
    let script = Script::named("call").unwrap();
    for (faults, warnings) in [(&[][..], 1), (&["rest:deny=conversation:transcription:view"], 2)] {
        let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let simulator =
            Simulator::start(Options { script: script.clone(), faults, ..Options::default() }).await.unwrap();
        let finished = check(&simulator, &[]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        assert!(finished.stdout.contains(": a call, open, "), "{}", finished.stdout);
        let warned: Vec<&str> = finished.stdout.lines().filter(|line| line.starts_with("warn")).collect();
        assert_eq!(warned.len(), warnings, "{}", finished.stdout);
        assert!(warned[0].contains("transcript endpoint"), "{warned:?}");
        let rejected = warned.get(1).is_none_or(|line| {
            line.contains("the words of calls: 1 of 1 rejected") && line.contains("conversation:transcription:view")
        });
        assert!(rejected, "{warned:?}");
    }
}

#[tokio::test]
async fn a_call_does_without_the_permission_for_messages() {
    let faults = vec!["rest:deny=conversation:message:view".parse().unwrap()];
    let script = Script::named("call").unwrap();
    let simulator = Simulator::start(Options { script, faults, ..Options::default() }).await.unwrap();
    let finished = check(&simulator, &["--source", "notifications"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(only(&finished, "warn").contains("permission conversation:message:view"), "{}", finished.stdout);
}

#[tokio::test]
async fn no_channel_is_shown_on_standard_error_either() {
    let simulator = under_way(&[]).await;
    let finished = run(&simulator, &["check", "-vv", "--log-format", "json"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(finished.stderr.contains("/api/v2/notifications/channels/[channel]"), "{}", finished.stderr);
    assert!(!finished.stderr.contains(&simulator.ledger().channels[0].id), "{}", finished.stderr);
}

#[tokio::test]
async fn queues_and_users_are_looked_up_and_their_topics_tried() {
    let simulator = under_way(&[]).await;
    let (queue, user) = (Simulator::queue_id("Support"), Simulator::user_id("Sam Okafor"));
    let args = ["--queue", &queue, "--user", &user];
    let mut command = program(&simulator, &[&["check"], &args[..]].concat());
    let finished = Running::start(command.env_remove("GENESYS_CONVERSATION_ID")).finish().await;
    assert_proper(&simulator, &finished);
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    lacks(&finished, "warn");
    for line in [
        format!("ok    queue {queue}: Support"),
        format!("ok    user {user}: Sam Okafor"),
        "topics for queue messages: 1 topic subscribed".to_owned(),
        "topics for agent messages: 1 topic subscribed".to_owned(),
        "1 open conversation in these queues and users".to_owned(),
    ] {
        assert!(finished.stdout.contains(&line), "{line:?} is not in {}", finished.stdout);
    }
    let finished = check(&simulator, &["--queue", "nonesuch"]).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stdout);
    assert!(only(&finished, "fail").starts_with("fail  queue nonesuch: "), "{}", finished.stdout);
}

#[tokio::test]
async fn a_host_that_refuses_connections_is_69_and_the_rest_is_not_tried() {
    let simulator = simulator(TALK, &[]).await;
    let free = Port::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    for (name, role) in
        [("GENESYS_API_URL", "api host: cannot reach"), ("GENESYS_LOGIN_URL", "login host: cannot reach")]
    {
        let mut command = program(&simulator, &["check"]);
        let finished = Running::start(command.env(name, &nobody)).finish().await;
        assert_proper(&simulator, &finished);
        assert_eq!(finished.code, Some(69), "{}", finished.stdout);
        let line = only(&finished, "fail");
        assert!(line.contains(role) && line.contains("connection refused; what needs it was not tried"), "{line}");
        assert!(line.contains("--proxy"), "{line}");
        assert!(finished.stdout.contains("ok    api host") ^ (name == "GENESYS_API_URL"), "{}", finished.stdout);
    }
    assert_eq!(simulator.ledger().tokens.len(), 0);
}

#[tokio::test]
async fn a_host_that_says_nothing_is_not_waited_for() {
    let simulator = simulator(TALK, &[]).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut command = program(&simulator, &["check", "--connect-timeout", "300ms"]);
    command.env("GENESYS_API_URL", format!("http://{}", silent.local_addr().unwrap()));
    let finished = Running::start(&mut command).finish().await;
    assert_eq!(finished.code, Some(69), "{}", finished.stdout);
    assert!(only(&finished, "fail").contains("no answer from 127.0.0.1:"), "{}", finished.stdout);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_explained() {
    let (simulator, authority) = (simulator(TALK, &[]).await, Authority::new());
    let front = Front::start(&simulator, authority.certificate("127.0.0.1")).await;
    let mut command = program(&simulator, &["check"]);
    command.env("GENESYS_API_URL", format!("https://{}", front.address));
    let finished = Running::start(&mut command).finish().await;
    assert_proper(&simulator, &finished);
    assert_eq!(finished.code, Some(69), "{}", finished.stdout);
    let line = only(&finished, "fail");
    assert!(line.contains("is refused: its issuer is not known here") && line.contains("--cacert"), "{line}");
    assert!(finished.stdout.contains(&format!("ok    api host {} reachable\n", front.address)), "{}", finished.stdout);
    assert_eq!(simulator.ledger().tokens.len(), 0, "no credentials where something is wrong");

    let finished = Running::start(command.args(["--cacert", text(&authority.file())])).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(
        finished.stdout.contains(&format!("ok    certificate of {} trusted\n", front.address)),
        "{}",
        finished.stdout
    );
}

/// A name that only the proxy knows.
const HOST: &str = "api.example.test";

async fn behind_proxy(manner: Manner, login: &str) -> (Finished, String) {
    let (simulator, authority) = (simulator(TALK, &[]).await, Authority::new());
    let front = Front::start(&simulator, authority.certificate(HOST)).await;
    let proxy = Proxy::start(manner, front.address).await;
    let mut command: Command = program(&simulator, &["check", "--cacert", text(&authority.file())]);
    command.env_remove("GENESYS_LOGIN_URL").env("GENESYS_API_URL", format!("https://{HOST}"));
    let finished =
        Running::start(command.env("HTTPS_PROXY", format!("http://{login}{}", proxy.address))).finish().await;
    assert_proper(&simulator, &finished);
    (finished, proxy.address.to_string())
}

#[tokio::test]
async fn a_proxy_is_named_without_its_password() {
    let (finished, address) = behind_proxy(Manner::Open, "ada:s3cret@").await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let line = format!("ok    api and login host {HOST} reachable through the proxy http://{address}\n");
    assert!(finished.stdout.contains(&line), "{}", finished.stdout);
    assert!(!finished.stdout.contains("s3cret"), "{}", finished.stdout);
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_is_77() {
    let (finished, address) = behind_proxy(Manner::Guarded("YWRhOnMzY3JldA=="), "").await;
    assert_eq!(finished.code, Some(77), "{}", finished.stdout);
    let line = only(&finished, "fail");
    assert!(line.contains("(407)") && line.contains(&address) && line.contains("USER:PASSWORD"), "{line}");
    let (finished, _) = behind_proxy(Manner::Refusing(403), "").await;
    assert_eq!(finished.code, Some(69), "{}", finished.stdout);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_a_warning() {
    let simulator = simulator(TALK, &[]).await;
    let yesterday = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut command = program(&simulator, &["check"]);
    command.env("GENESYS_API_URL", format!("http://{}", yesterday.local_addr().unwrap()));
    let date = chrono::Utc::now() - chrono::TimeDelta::hours(1);
    let head = format!(
        "HTTP/1.1 404 Not Found\r\nDate: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        date.format("%a, %d %b %Y %H:%M:%S GMT")
    );
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = yesterday.accept().await {
            let mut asked = [0; 4096];
            let _ = tcp.read(&mut asked).await;
            let _ = tcp.write_all(head.as_bytes()).await;
        }
    });
    let finished = Running::start(&mut command).finish().await;
    let line = finished.stdout.lines().find(|line| line.starts_with("warn  clock is ")).unwrap_or_default();
    assert!(line.contains(" ahead of the server's; set it"), "{}", finished.stdout);
    assert!(line.contains("clock is 1h ") || line.contains("clock is 59m "), "{line}");
}

#[tokio::test]
async fn a_signal_ends_it_at_once_and_a_reader_that_went_away_has_seen_enough() {
    let simulator = simulator(TALK, &["handshake:hang"]).await;
    let running = Running::start(&mut program(&simulator, &["check", "--connect-timeout", "1h"]));
    soon(simulator.until(|ledger| ledger.handshakes.len() == 1)).await;
    running.signal(rustix::process::Signal::TERM);
    let finished = running.finish().await;
    assert_eq!((finished.code, finished.signal), (None, Some(15)), "{}", finished.stdout);
    assert!(finished.stdout.contains("ok    signed in"), "it has printed what it knew: {}", finished.stdout);

    let mut gone = Running::start(&mut program(&simulator, &["check", "-c", "nonesuch"]));
    drop(gone.stdout.take());
    let finished = gone.finish().await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn an_output_that_cannot_be_written_is_74() {
    let simulator = simulator(TALK, &[]).await;
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let finished = Running::start(program(&simulator, &["check"]).stdout(full)).finish().await;
    assert_eq!(finished.code, Some(74), "{}", finished.stderr);
    assert!(finished.stderr.contains("cannot write the output"), "{}", finished.stderr);
}

#[tokio::test]
async fn everything_is_bounded() {
    for fault in ["rest:hang,after=1", "handshake:hang", "token:hang"] {
        let simulator = simulator(TALK, &[fault]).await;
        let source = if fault.starts_with("rest") { "notifications" } else { "auto" };
        let finished = check(&simulator, &["--connect-timeout", "1s", "--source", source]).await;
        assert_eq!(finished.code, Some(69), "{fault}: {}", finished.stdout);
        assert!(only(&finished, "fail").contains("no answer from 127.0.0.1:"), "{}", finished.stdout);
    }
}

#[tokio::test]
async fn the_lines_in_the_readme_are_what_it_says() {
    let simulator = under_way(&["transcript:absent", "rest:deny=conversation:communication:view"]).await;
    let finished = check(&simulator, &[]).await;
    let host = simulator.base_url().trim_start_matches("http://");
    let words = regex::Regex::new(r"(40\d) \((?:[^()]|\([^()]*\))*\)").unwrap();
    let said = words.replace_all(&finished.stdout, "$1 (…)").replace(host, "HOST");
    let readme =
        include_str!("../../README.md").replace("login.mypurecloud.ie", "HOST").replace("api.mypurecloud.ie", "HOST");
    let shown: Vec<&str> = readme
        .lines()
        .filter(|line| ["ok  ", "warn  ", "fail  "].iter().any(|verdict| line.starts_with(verdict)))
        .collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    for line in shown {
        assert!(said.lines().any(|said| said == line), "{line:?} is not in {said}");
    }
}
