//! What the built binary is told, and where it looks for it: contract section 6.

use std::fs;
use std::process::Stdio;

use crate::support::program::{Finished, Running, bare, program, run, simulator, simulator_with};
use genesys_tail::simulator::{Ledger, Options, Simulator};
use tempfile::{TempDir, tempdir};
use tokio::io::AsyncWriteExt as _;

const UUID: &str = "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";

/// A simulator whose conversation says one thing and ends.
async fn brief() -> Simulator {
    simulator("+0 customer Ada: Hello\n+0 close", &[]).await
}

/// A folder, and one below it, with a `.env` in the upper one that leads to this simulator.
fn settled(simulator: &Simulator) -> TempDir {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("below")).unwrap();
    fs::write(folder.path().join(".env"), simulator.dotenv()).unwrap();
    folder
}

fn assert_tailed(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains("] Ada: Hello\n"), "{}", finished.stdout);
}

fn tokens(ledger: &Ledger) -> Vec<&str> {
    ledger.tokens.iter().filter_map(|request| request.client_id.as_deref()).collect()
}

#[tokio::test]
async fn a_file_here_or_above_is_all_it_takes() {
    let simulator = brief().await;
    let folder = settled(&simulator);
    for place in [folder.path().to_owned(), folder.path().join("below")] {
        let finished = Running::start(bare(&[]).current_dir(place)).finish().await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    }
    let ledger = simulator.ledger();
    assert_eq!(tokens(&ledger), [simulator.client_id(); 2]);
    assert_eq!(ledger.handshakes[0].conversation, simulator.first_conversation().id());
}

#[tokio::test]
async fn a_flag_wins_over_a_variable_and_that_over_the_file_and_what_is_empty_is_not_there() {
    let simulator = brief().await;
    let folder = settled(&simulator);
    let tail = async |args: &[&str], variable: &str| {
        let mut command = bare(args);
        command.current_dir(folder.path()).env("GENESYS_CLIENT_ID", variable);
        Running::start(&mut command).finish().await.code
    };
    let id = simulator.client_id();
    assert_eq!(tail(&[], "of-the-variable").await, Some(77));
    assert_eq!(tail(&["--client-id", "of-the-flag"], "of-the-variable").await, Some(77));
    assert_eq!(tail(&["--client-id", id], "of-the-variable").await, Some(0));
    assert_eq!(tail(&["--client-id", ""], " ").await, Some(0));
    assert_eq!(tokens(&simulator.ledger()), ["of-the-variable", "of-the-flag", id, id]);
}

#[tokio::test]
async fn the_names_of_other_genesys_tools_come_after_our_own() {
    let simulator = brief().await;
    let mut other = program(&simulator, &[]);
    other.env_remove("GENESYS_CLIENT_ID").env("GENESYSCLOUD_OAUTHCLIENT_ID", simulator.client_id());
    other.env_remove("GENESYS_CLIENT_SECRET").env("GENESYSCLOUD_OAUTHCLIENT_SECRET", simulator.client_secret());
    assert_tailed(&Running::start(&mut other).finish().await);
    let mut both = program(&simulator, &[]);
    both.env("GENESYSCLOUD_OAUTHCLIENT_ID", "other").env("GENESYSCLOUD_OAUTHCLIENT_SECRET", "other");
    assert_eq!(Running::start(&mut both).finish().await.code, Some(0));
    let mut regions = bare(&["-c", "x"]);
    regions.env("GENESYS_REGION", "ours").env("GENESYSCLOUD_REGION", "theirs");
    let said = Running::start(&mut regions).finish().await.stderr;
    assert!(said.contains("GENESYS_REGION: \"ours\"") && !said.contains("theirs"), "{said}");
}

#[tokio::test]
async fn another_file_can_be_named_and_is_read_instead() {
    let simulator = brief().await;
    let folder = settled(&simulator);
    let elsewhere = folder.path().join("below/work.env");
    fs::rename(folder.path().join(".env"), &elsewhere).unwrap();
    fs::write(folder.path().join(".env"), "GENESYS_CLIENT_ID=wrong\n").unwrap();
    let finished = Running::start(bare(&["--env-file", "below/work.env"]).current_dir(folder.path())).finish().await;
    assert_tailed(&finished);
}

#[tokio::test]
async fn the_secret_comes_from_a_file_or_from_standard_input() {
    let simulator = brief().await;
    let folder = tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, format!("{}\n", simulator.client_secret())).unwrap();
    let mut from_file = program(&simulator, &["--client-secret-file", path.to_str().unwrap()]);
    from_file.env("GENESYS_CLIENT_SECRET", "wrong");
    assert_tailed(&Running::start(&mut from_file).finish().await);
    let mut from_stdin = program(&simulator, &["--client-secret-file", "-"]);
    from_stdin.env_remove("GENESYS_CLIENT_SECRET").stdin(fs::File::open(&path).unwrap());
    assert_eq!(Running::start(&mut from_stdin).finish().await.code, Some(0));
}

#[tokio::test]
async fn conversations_come_in_every_form_and_each_once() {
    let conversations = [UUID, "two", "three", "four"].map(str::to_owned).into();
    let simulator = simulator_with("+0 close", &[], Options { conversations, ..Options::default() }).await;
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("ids"), "# open\n\n three\ntwo\n").unwrap();
    let url = format!("https://apps.mypurecloud.ie/directory/#/analytics/interactions/{UUID}/admin/details");
    let mut command = program(&simulator, &["-q", "-c", &url, "two", "-c", "@ids", "-c", "@-", UUID]);
    command.current_dir(folder.path()).stdin(Stdio::piped());
    let mut running = Running::start(&mut command);
    running.child.stdin.take().unwrap().write_all(b"four\r\ntwo\r\n").await.unwrap();
    assert_eq!(running.finish().await.code, Some(0));
    let mut asked: Vec<_> = simulator.ledger().handshakes.into_iter().map(|one| one.conversation).collect();
    asked.sort_unstable();
    assert_eq!(asked, [UUID, "four", "three", "two"]);
}

#[tokio::test]
async fn an_id_that_is_none_is_never_sent() {
    let simulator = brief().await;
    for id in ["../x", "a b", ".x", "a/b", "a?b", "a%2fb", &"x".repeat(129)] {
        let finished = run(&simulator, &["-c", "fine", "-c", id]).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(78), ""), "{id}");
        assert!(finished.stderr.contains("--conversation: "), "{}", finished.stderr);
    }
    let ledger = simulator.ledger();
    assert!(ledger.tokens.is_empty() && ledger.handshakes.is_empty() && ledger.strays.is_empty());
}

#[tokio::test]
async fn a_queue_or_a_user_takes_the_place_of_a_conversation_and_its_id_is_checked_like_one() {
    let simulator = brief().await;
    let cases: [(&[&str], &str); 4] = [
        (&["--queue", "a b"], "--queue: \"a b\" is no queue id"),
        (&["--user", "https://example.invalid/person"], "--user: \"https://example.invalid/person\" holds no user id"),
        (&["--queue", "x", "--source", "transcript"], "--source transcript cannot follow a queue or a user"),
        (&["check", "--user", "x", "--source", "transcript"], "--source transcript cannot follow a queue or a user"),
    ];
    for (args, words) in cases {
        let finished = run(&simulator, args).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(78), ""), "{args:?}");
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
    let nothing = Running::start(&mut bare(&["--queue", "x"])).finish().await;
    assert_eq!(nothing.code, Some(78));
    assert!(nothing.stderr.contains("missing: client id (") && !nothing.stderr.contains("missing: conversation"));
    assert!(simulator.ledger().tokens.is_empty());
}

#[tokio::test]
async fn a_check_wants_an_account_but_no_conversation_and_reads_the_file_that_is_named() {
    let nothing = Running::start(&mut bare(&["check"])).finish().await;
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(78), ""));
    assert!(nothing.stderr.contains("missing: client id ("), "{}", nothing.stderr);
    let nowhere = Running::start(&mut bare(&["check", "--env-file", "/nowhere/.env"])).finish().await;
    assert_eq!(nowhere.code, Some(78));
    assert!(nowhere.stderr.contains("--env-file /nowhere/.env: there is no such file"), "{}", nowhere.stderr);
}

#[tokio::test]
async fn what_contradicts_itself_or_makes_no_sense_on_the_command_line_is_wrong_usage() {
    let cases: [&[&str]; 6] = [
        &["--no-follow", "-F"],
        &["-n", "some"],
        &["--since", "yesterday"],
        &["--replay", "x", "-n", "3"],
        &["--demo", "--user", "x"],
        &["-c", "x", "check"],
    ];
    for args in cases {
        let finished = Running::start(&mut bare(args)).finish().await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{args:?}");
    }
}

#[tokio::test]
async fn an_address_may_have_a_path_and_a_slash_and_is_asked_for_tokens_unless_another_is_given() {
    let simulator = brief().await;
    let gateway = format!("{}/gateway/v1/", simulator.base_url());
    let mut tail = program(&simulator, &["--api-url", &gateway]);
    assert_eq!(Running::start(tail.env_remove("GENESYS_LOGIN_URL")).finish().await.code, Some(76));
    assert_eq!(run(&simulator, &["--api-url", &gateway, "-c", "x"]).await.code, Some(66));
    let strays: Vec<_> = simulator.ledger().strays.into_iter().map(|stray| stray.path).collect();
    let expected = ["oauth/token", "api/v2/messaging/conversations/x/transcript", "api/v2/conversations/x"]
        .map(|path| format!("/gateway/v1/{path}"));
    assert_eq!(strays, expected);
    let with_slash = format!("{}/", simulator.base_url());
    let mut tail = program(&simulator, &["--api-url", &with_slash]);
    assert_tailed(&Running::start(tail.env_remove("GENESYS_LOGIN_URL")).finish().await);
}

#[tokio::test]
async fn nothing_goes_out_in_the_clear() {
    let simulator = brief().await;
    for args in [["--api-url", "http://api.example.invalid"], ["--login-url", "ws://198.51.100.1/oauth/token"]] {
        let finished = run(&simulator, &args).await;
        assert_eq!(finished.code, Some(78), "{args:?}");
        assert!(finished.stderr.contains(args[0]) && finished.stderr.contains("https"), "{}", finished.stderr);
    }
    assert!(simulator.ledger().tokens.is_empty());
}

#[tokio::test]
async fn a_region_nobody_knows_is_tried_by_its_pattern_with_a_warning_and_any_other_word_refused() {
    let simulator = brief().await;
    let tail = async |region: &str| {
        // A proxy that is not there keeps the attempt on this machine.
        let proxy = ["--max-retries", "0", "--proxy", "http://127.0.0.1:1", "--region", region];
        let mut command = program(&simulator, &proxy);
        command.env_remove("GENESYS_API_URL").env_remove("GENESYS_LOGIN_URL");
        Running::start(&mut command).finish().await
    };
    let guessed = tail("AP_East_9").await;
    assert_eq!(guessed.code, Some(69));
    let warning =
        "warning: --region: \"AP_East_9\" is no known region, trying api.ap-east-9.mypurecloud.com; known are";
    assert!(guessed.stderr.contains(warning) && guessed.stderr.contains("us-east-1, us-east-2, "));
    assert!(
        guessed.stderr.contains("cannot reach the proxy before api.ap-east-9.mypurecloud.com: "),
        "{}",
        guessed.stderr
    );
    let refused = tail("europe").await;
    assert_eq!(refused.code, Some(78));
    assert!(refused.stderr.contains("--region: \"europe\"") && refused.stderr.contains("us-east-1, us-east-2, "));
}

#[tokio::test]
async fn a_secret_on_the_command_line_is_refused_without_being_shown() {
    let finished = Running::start(&mut bare(&["-c", "x", "--client-secret", "hunter2"])).finish().await;
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("GENESYS_CLIENT_SECRET") && !finished.stderr.contains("hunter2"));
}
