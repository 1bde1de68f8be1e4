//! Settings from flags, variables, `.env` and standard input (CLI-10, CLI-11, CLI-20 to CLI-25, CLI-57, CLI-61,
//! CLI-65 to CLI-69, CLI-82 to CLI-84, TGT-1 to TGT-6).

use std::fs;
use std::process::Stdio;

use crate::support::program::{Finished, Running, bare_program, program, run, simulator, simulator_with};
use genesys_tail::simulator::{Options, RequestLog, Simulator};
use tempfile::{TempDir, tempdir};
use tokio::io::AsyncWriteExt as _;

const UUID: &str = "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";

/// Starts a simulator whose conversation consists of one message and its end.
async fn one_message_simulator() -> Simulator {
    simulator("+0 customer Ada: Hello\n+0 close", &[]).await
}

/// Creates a folder with a `.env` for this simulator and an empty folder `below`.
fn folder_with_dotenv(simulator: &Simulator) -> TempDir {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("below")).unwrap();
    fs::write(folder.path().join(".env"), simulator.dotenv()).unwrap();
    folder
}

fn assert_followed(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains("] Ada: Hello\n"), "{}", finished.stdout);
}

/// Returns the client id of every token request.
fn client_ids(log: &RequestLog) -> Vec<&str> {
    log.token_requests.iter().filter_map(|request| request.client_id.as_deref()).collect()
}

#[tokio::test]
async fn a_dotenv_file_in_this_folder_or_above_is_enough() {
    let simulator = one_message_simulator().await;
    let folder = folder_with_dotenv(&simulator);
    for current_dir in [folder.path().to_owned(), folder.path().join("below")] {
        let finished = Running::start(bare_program(&[]).current_dir(current_dir)).finish().await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    }
    let log = simulator.request_log();
    assert_eq!(client_ids(&log), [simulator.client_id(); 2]);
    assert_eq!(log.transcript_handshakes[0].conversation, simulator.first_conversation().id());
}

#[tokio::test]
async fn a_flag_beats_a_variable_a_variable_beats_the_dotenv_file_and_an_empty_value_counts_as_missing() {
    let simulator = one_message_simulator().await;
    let folder = folder_with_dotenv(&simulator);
    let exit_code = async |args: &[&str], variable: &str| {
        let mut command = bare_program(args);
        command.current_dir(folder.path()).env("GENESYS_CLIENT_ID", variable);
        Running::start(&mut command).finish().await.code
    };
    let id = simulator.client_id();
    assert_eq!(exit_code(&[], "of-the-variable").await, Some(77));
    assert_eq!(exit_code(&["--client-id", "of-the-flag"], "of-the-variable").await, Some(77));
    assert_eq!(exit_code(&["--client-id", id], "of-the-variable").await, Some(0));
    assert_eq!(exit_code(&["--client-id", ""], " ").await, Some(0));
    assert_eq!(client_ids(&simulator.request_log()), ["of-the-variable", "of-the-flag", id, id]);
}

#[tokio::test]
async fn variables_of_other_genesys_tools_rank_after_our_own() {
    let simulator = one_message_simulator().await;
    let mut other = program(&simulator, &[]);
    other.env_remove("GENESYS_CLIENT_ID").env("GENESYSCLOUD_OAUTHCLIENT_ID", simulator.client_id());
    other.env_remove("GENESYS_CLIENT_SECRET").env("GENESYSCLOUD_OAUTHCLIENT_SECRET", simulator.client_secret());
    assert_followed(&Running::start(&mut other).finish().await);
    let mut both = program(&simulator, &[]);
    both.env("GENESYSCLOUD_OAUTHCLIENT_ID", "other").env("GENESYSCLOUD_OAUTHCLIENT_SECRET", "other");
    assert_eq!(Running::start(&mut both).finish().await.code, Some(0));
    let mut regions = bare_program(&["-c", "x"]);
    regions.env("GENESYS_REGION", "ours").env("GENESYSCLOUD_REGION", "theirs");
    let stderr = Running::start(&mut regions).finish().await.stderr;
    assert!(stderr.contains("GENESYS_REGION: 'ours'") && !stderr.contains("theirs"), "{stderr}");
}

#[tokio::test]
async fn the_env_file_flag_replaces_the_discovered_dotenv_file() {
    let simulator = one_message_simulator().await;
    let folder = folder_with_dotenv(&simulator);
    let other_file = folder.path().join("below/work.env");
    fs::rename(folder.path().join(".env"), &other_file).unwrap();
    fs::write(folder.path().join(".env"), "GENESYS_CLIENT_ID=wrong\n").unwrap();
    for (flags, is_named) in
        [(&["--env-file", "below/work.env"][..], false), (&["-v", "--env-file", "below/work.env"], true)]
    {
        let finished = Running::start(bare_program(flags).current_dir(folder.path())).finish().await;
        assert_followed(&finished);
        assert_eq!(finished.stderr.contains("read from below/work.env"), is_named, "{}", finished.stderr);
    }
}

#[tokio::test]
async fn the_client_secret_is_read_from_a_file_or_from_stdin() {
    let simulator = one_message_simulator().await;
    let folder = tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, format!("{}\n", simulator.client_secret())).unwrap();
    let mut from_file = program(&simulator, &["--client-secret-file", path.to_str().unwrap()]);
    from_file.env("GENESYS_CLIENT_SECRET", "wrong");
    assert_followed(&Running::start(&mut from_file).finish().await);
    let mut from_stdin = program(&simulator, &["--client-secret-file", "-"]);
    from_stdin.env_remove("GENESYS_CLIENT_SECRET").stdin(fs::File::open(&path).unwrap());
    assert_eq!(Running::start(&mut from_stdin).finish().await.code, Some(0));
}

#[tokio::test]
async fn conversations_are_accepted_in_every_form_and_a_repeated_one_is_followed_once() {
    let conversations = [UUID, "two", "three", "four"].map(str::to_owned).into();
    let simulator = simulator_with("+0 close", &[], Options { conversations, ..Options::default() }).await;
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("ids"), "# open\n\n three\ntwo\n").unwrap();
    let url = format!("https://apps.mypurecloud.ie/directory/#/analytics/interactions/{UUID}/admin/details");
    let base = simulator.base_url();
    let mut command =
        program(&simulator, &["-q", "-c", &url, "two", "-c", "@ids", "-c", "@-", UUID, "--api-url", base]);
    command.current_dir(folder.path()).stdin(Stdio::piped());
    let mut running = Running::start(&mut command);
    running.child.stdin.take().unwrap().write_all(b"four\r\ntwo\r\n").await.unwrap();
    assert_eq!(running.finish().await.code, Some(0));
    let mut followed: Vec<_> =
        simulator.request_log().transcript_handshakes.into_iter().map(|handshake| handshake.conversation).collect();
    followed.sort_unstable();
    assert_eq!(followed, [UUID, "four", "three", "two"]);
}

#[tokio::test]
async fn an_invalid_conversation_id_is_never_sent() {
    let simulator = one_message_simulator().await;
    for id in ["../x", "a b", ".x", "a/b", "a?b", "a%2fb", &"x".repeat(129)] {
        let finished = run(&simulator, &["-c", "fine", "-c", id]).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(78), ""), "{id}");
        assert!(finished.stderr.contains("--conversation: "), "{}", finished.stderr);
    }
    let log = simulator.request_log();
    assert!(log.token_requests.is_empty() && log.transcript_handshakes.is_empty() && log.unrouted_requests.is_empty());
}

#[tokio::test]
async fn a_queue_or_user_replaces_the_conversation_and_is_validated() {
    let simulator = one_message_simulator().await;
    let cases: [(&[&str], &str); 4] = [
        (&["--user", "a:b"], "--user: not a user: contains a colon"),
        (&["--user", "https://example.invalid/person"], "--user: 'https://example.invalid/person' contains no user id"),
        (&["--queue", "x", "--source", "transcript"], "--source transcript cannot be used with --queue or --user"),
        (
            &["check", "--user", "x", "--source", "transcript"],
            "--source transcript cannot be used with --queue or --user",
        ),
    ];
    for (args, message) in cases {
        let finished = run(&simulator, args).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(78), ""), "{args:?}");
        assert!(finished.stderr.contains(message), "{}", finished.stderr);
    }
    let without_account = Running::start(&mut bare_program(&["--queue", "x"])).finish().await;
    assert_eq!(without_account.code, Some(78));
    let stderr = without_account.stderr;
    assert!(stderr.contains("missing: client id (") && !stderr.contains("missing: conversation"), "{stderr}");
    assert!(simulator.request_log().token_requests.is_empty());
}

#[tokio::test]
async fn check_requires_an_account_but_no_conversation_and_reads_the_given_env_file() {
    let without_account = Running::start(&mut bare_program(&["check"])).finish().await;
    assert_eq!((without_account.code, without_account.stdout.as_str()), (Some(78), ""));
    assert!(without_account.stderr.contains("missing: client id ("), "{}", without_account.stderr);
    let missing_file = Running::start(&mut bare_program(&["check", "--env-file", "/nowhere/.env"])).finish().await;
    assert_eq!(missing_file.code, Some(78));
    assert!(missing_file.stderr.contains("--env-file /nowhere/.env: file not found"), "{}", missing_file.stderr);
}

#[tokio::test]
async fn contradictory_flags_and_unusable_values_are_wrong_usage() {
    let cases: [&[&str]; 6] = [
        &["--no-follow", "-F"],
        &["-n", "some"],
        &["--since", "tomorrow"],
        &["--replay", "x", "-n", "3"],
        &["--demo", "--user", "x"],
        &["-c", "x", "check"],
    ];
    for args in cases {
        let finished = Running::start(&mut bare_program(args)).finish().await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{args:?}");
    }
}

#[tokio::test]
async fn an_api_url_may_have_a_path_and_a_trailing_slash_and_serves_tokens_if_no_login_url_is_given() {
    let simulator = one_message_simulator().await;
    let gateway = format!("{}/gateway/v1/", simulator.base_url());
    let mut command = program(&simulator, &["--api-url", &gateway]);
    assert_eq!(Running::start(command.env_remove("GENESYS_LOGIN_URL")).finish().await.code, Some(76));
    let login = format!("{}/oauth/token", simulator.base_url());
    assert_eq!(run(&simulator, &["--api-url", &gateway, "--login-url", &login, "-c", "x"]).await.code, Some(66));
    let unrouted: Vec<_> = simulator.request_log().unrouted_requests.into_iter().map(|request| request.path).collect();
    let expected = ["oauth/token", "api/v2/messaging/conversations/x/transcript", "api/v2/conversations/x"]
        .map(|path| format!("/gateway/v1/{path}"));
    assert_eq!(unrouted, expected);
    let with_slash = format!("{}/", simulator.base_url());
    let mut command = program(&simulator, &["--api-url", &with_slash]);
    assert_followed(&Running::start(command.env_remove("GENESYS_LOGIN_URL")).finish().await);
}

#[tokio::test]
async fn plain_http_is_accepted_for_loopback_only() {
    let simulator = one_message_simulator().await;
    for args in [["--api-url", "http://api.example.invalid"], ["--login-url", "ws://198.51.100.1/oauth/token"]] {
        let finished = run(&simulator, &args).await;
        assert_eq!(finished.code, Some(78), "{args:?}");
        assert!(finished.stderr.contains(args[0]) && finished.stderr.contains("https"), "{}", finished.stderr);
    }
    assert!(simulator.request_log().token_requests.is_empty());
}

#[tokio::test]
async fn an_unknown_aws_region_is_tried_with_a_warning_and_any_other_value_is_refused() {
    let simulator = one_message_simulator().await;
    let run_with_region = async |region: &str| {
        // An unreachable proxy keeps the attempt on this machine.
        let args = ["--max-retries", "0", "--proxy", "http://127.0.0.1:1", "--region", region];
        let mut command = program(&simulator, &args);
        command.env_remove("GENESYS_API_URL").env_remove("GENESYS_LOGIN_URL");
        Running::start(&mut command).finish().await
    };
    let guessed = run_with_region("AP_East_9").await;
    assert_eq!(guessed.code, Some(69));
    let warning = "warning: --region: 'AP_East_9' is not a known region, using api.ap-east-9.mypurecloud.com; known regions: us-east-1, us-east-2, ";
    assert!(guessed.stderr.contains(warning), "{}", guessed.stderr);
    assert!(
        guessed.stderr.contains("cannot reach the proxy 127.0.0.1:1 (--proxy) for api.ap-east-9.mypurecloud.com: "),
        "{}",
        guessed.stderr
    );
    let refused = run_with_region("europe").await;
    assert_eq!(refused.code, Some(78));
    let error = "error: --region: 'europe' is not a region such as us-east-1 or mypurecloud.ie\n";
    assert!(refused.stderr.contains(error), "{}", refused.stderr);
    assert_eq!(refused.stderr.matches("us-east-1, us-east-2, ").count(), 1, "{}", refused.stderr);
}

#[tokio::test]
async fn a_missing_setting_and_a_misspelt_region_have_a_tip() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    std::fs::write(&file, "GENESYS_CLIENT_ID=client\n").unwrap();
    for args in [&["-c", UUID][..], &["check"]] {
        let finished = Running::start(bare_program(args).current_dir(folder.path()).args(["--region", "Ireland"]));
        let finished = finished.finish().await;
        assert_eq!(finished.code, Some(78));
        let tip = format!(
            "\n  tip: set it in {}, which has no value for it; a similar region exists: 'eu-west-1'\n",
            file.display()
        );
        assert!(finished.stderr.ends_with(&tip), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn a_secret_on_the_command_line_is_refused_and_never_printed() {
    let finished = Running::start(&mut bare_program(&["-c", "x", "--client-secret", "hunter2"])).finish().await;
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("GENESYS_CLIENT_SECRET") && !finished.stderr.contains("hunter2"));
}

/// (R14) TGT-4. An unreachable proxy keeps the attempt on this machine.
#[tokio::test]
async fn the_region_of_a_pasted_url_is_used() {
    let url = format!("https://apps.mypurecloud.ie/directory/#/engage/admin/interactions/{UUID}");
    let mut command = bare_program(&[&url, "--max-retries", "0", "--proxy", "http://127.0.0.1:1"]);
    command.envs([("GENESYS_CLIENT_ID", "id"), ("GENESYS_CLIENT_SECRET", "secret")]);
    let finished = Running::start(&mut command).finish().await;
    assert_eq!(finished.code, Some(69));
    let error = " login.mypurecloud.ie: connection refused";
    assert!(finished.stderr.contains(error) && !finished.stderr.contains("warning"), "{}", finished.stderr);
}

/// (R15) CLI-62.
#[tokio::test]
async fn a_region_flag_replaces_the_url_that_a_simulator_left_behind() {
    let simulator = one_message_simulator().await;
    let folder = folder_with_dotenv(&simulator);
    for args in [&["check"][..], &["-c", UUID, "--max-retries", "0"]] {
        let region = ["--region", "eu-west-1", "--proxy", "http://127.0.0.1:1"];
        let mut command = bare_program(&[args, &region].concat());
        let finished = Running::start(command.current_dir(folder.path())).finish().await;
        assert_eq!(finished.code, Some(69), "{}", finished.stderr);
        assert!((finished.stdout + &finished.stderr).contains("mypurecloud.ie"));
        let warning = "warning: --region overrides GENESYS_API_URL in ";
        assert!(finished.stderr.contains(warning) && finished.stderr.contains(", GENESYS_LOGIN_URL in "));
    }
    let log = simulator.request_log();
    assert!(log.token_requests.is_empty() && log.unrouted_requests.is_empty());
}

/// (R5) CLI-69.
#[tokio::test]
async fn the_dotenv_file_of_another_program_does_not_stop_a_run() {
    let simulator = one_message_simulator().await;
    let folder = tempdir().unwrap();
    for content in [&b"APP_NAME=My App\n"[..], b"# Caf\xe9\nCITY=M\xfcnchen\n", b"MOTTO=It's fine\n"] {
        fs::write(folder.path().join(".env"), content).unwrap();
        assert_followed(&Running::start(program(&simulator, &[]).current_dir(folder.path())).finish().await);
    }
    let debug = Running::start(program(&simulator, &["-v"]).current_dir(folder.path())).finish().await.stderr;
    assert!(debug.contains("debug: line 1 of ") && !debug.contains("MOTTO"), "{debug}");
    fs::write(folder.path().join(".env"), vec![b'#'; (1 << 20) + 1]).unwrap();
    let finished = Running::start(program(&simulator, &[]).current_dir(folder.path())).finish().await;
    assert_followed(&finished);
    assert!(finished.stderr.contains(".env ignored: cannot read it: larger than 1 MiB"), "{}", finished.stderr);
}

/// TGT-1.
#[tokio::test]
async fn a_misspelt_command_is_refused_as_an_id_with_a_tip() {
    let mut command = bare_program(&["chekc"]);
    command.envs([("GENESYS_CLIENT_ID", "id"), ("GENESYS_CLIENT_SECRET", "secret")]);
    let finished = Running::start(&mut command).finish().await;
    assert_eq!(finished.code, Some(78));
    let message = "genesys-tail: error: --conversation: 'chekc' is not a conversation id\n  \
                   tip: a similar command exists: genesys-tail check\n";
    assert_eq!(finished.stderr, message);
}
