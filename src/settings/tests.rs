mod color;
mod endpoint_group;
mod env_file;
mod example_file;
mod profile;
mod targets;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::*;
use crate::config::{EventsTo, History, NoProxy, Retries, SourceChoice};

const ONE: &str = "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";
const TWO: &str = "0f6d2a51-7f0e-4a44-8f1a-6d1f0b9f1c02";

/// The variable of a local server, which allows any id (TGT-2).
const LOCAL: (&str, &str) = ("GENESYS_API_URL", "http://127.0.0.1:1");

const COMPLETE: [(&str, &str); 3] =
    [("GENESYS_CONVERSATION_ID", ONE), ("GENESYS_CLIENT_ID", "client"), ("GENESYS_CLIENT_SECRET", "hunter2")];

/// The environment of a run.
struct Given<'a> {
    env: Vec<(&'a str, &'a str)>,
    /// The content of `.env`.
    file: &'a str,
    stdin: &'a str,
    terminal: bool,
}

fn nothing<'a>() -> Given<'a> {
    Given { env: Vec::new(), file: "", stdin: "", terminal: false }
}

/// The variables that tailing needs, and `more`, which take precedence.
fn complete<'a>(more: &[(&'a str, &'a str)]) -> Given<'a> {
    Given { env: [&COMPLETE[..], more].concat(), ..nothing() }
}

impl Given<'_> {
    fn resolve(&self, args: &[&str]) -> Result<Resolved, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        if !self.file.is_empty() {
            std::fs::write(folder.path().join(".env"), self.file).unwrap();
        }
        self.resolve_in(folder.path(), args)
    }

    fn resolve_in(&self, folder: &Path, args: &[&str]) -> Result<Resolved, ConfigError> {
        let cli = Cli::parse_from_args(["genesys-tail"].iter().chain(args).map(OsString::from)).unwrap();
        let process = self.env.iter().map(|(name, value)| (name.into(), value.into()));
        let env = Env::read(process, &cli, folder);
        resolve(cli, &env, self.terminal, &mut self.stdin.as_bytes())
    }

    fn tail(&self, args: &[&str]) -> Config {
        match self.resolve(args).unwrap().task {
            Task::Tail(config) => *config,
            task => panic!("not a tail: {task:?}"),
        }
    }

    fn error(&self, args: &[&str]) -> String {
        self.resolve(args).expect_err("a problem").to_string()
    }
}

#[test]
fn all_missing_settings_are_named_together() {
    let error = nothing().resolve(&[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "settings missing: conversation (--conversation, GENESYS_CONVERSATION_ID), \
         client id (--client-id, GENESYS_CLIENT_ID), client secret (--client-secret-file, GENESYS_CLIENT_SECRET)"
    );
    assert_eq!(
        error.hint(),
        "set them in the environment or in .env: genesys-tail help settings; genesys-tail --demo needs no account"
    );
    let empty = Given { env: COMPLETE.map(|(name, _)| (name, " ")).into(), ..nothing() };
    assert_eq!(empty.error(&["--client-id", "", "-c", ""]), error.to_string());
}

#[test]
fn problems_of_every_kind_are_reported_together() {
    let given = Given { env: vec![("GENESYS_REGION", "europe"), ("HTTPS_PROXY", "ftp://u:hunter2@p")], ..nothing() };
    let error = given.error(&[
        "-c",
        "a b",
        "--idle-timeout",
        "5",
        "-o",
        "raw",
        "-i",
        "x",
        "--hide",
        "gap",
        "--client-id",
        "client",
    ]);
    for part in [
        "settings missing: client secret (",
        "--conversation: 'a b' is not a conversation id",
        "GENESYS_REGION: 'europe' is not a region such as us-east-1 or mypurecloud.ie",
        "HTTPS_PROXY: must be an http, https",
        "--idle-timeout 5s must be greater than --ping-interval 20s",
        "--include cannot be used with -o raw",
        "--hide cannot be used with -o raw",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("hunter2") && !error.contains('\n'));
}

#[test]
fn flags_precede_variables_and_variables_precede_the_file() {
    let file = "GENESYS_CONVERSATION_ID=0f6d2a51-7f0e-4a44-8f1a-6d1f0b9f1c02\nGENESYS_CLIENT_ID=file\nGENESYS_CLIENT_SECRET='of$file'\nGENESYS_REGION=eu-west-1";
    let given =
        Given { env: vec![("GENESYS_CLIENT_ID", "variable"), ("GENESYS_CLIENT_SECRET", "")], file, ..nothing() };
    let config = given.tail(&["--region", "eu-west-2"]);
    assert_eq!(config.conversations, [TWO]);
    assert_eq!(config.credentials.client_id, "variable");
    assert_eq!(config.credentials.client_secret.expose_secret(), "of$file");
    assert_eq!(config.endpoints.api.as_str(), "https://api.euw2.pure.cloud/");
    assert_eq!(given.tail(&["--client-id", "flag"]).credentials.client_id, "flag");
}

#[test]
fn variables_of_other_genesys_tools_are_read() {
    let env = vec![
        ("GENESYSCLOUD_REGION", "us-west-2"),
        ("GENESYSCLOUD_OAUTHCLIENT_ID", "other"),
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "secret"),
    ];
    let config = Given { env, ..nothing() }.tail(&[ONE]);
    assert_eq!(config.credentials.client_id, "other");
    assert_eq!(config.endpoints.token.as_str(), "https://login.usw2.pure.cloud/oauth/token");
}

#[test]
fn conversations_are_followed_once_each_in_the_order_given() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("ids");
    std::fs::write(&list, "# open\r\ntwo\r\n\r\n  three \r\none\r\n").unwrap();
    let list = format!("@{}", list.display());
    let given = complete(&[LOCAL]);
    assert_eq!(given.tail(&["-c", "one", "-c", &list, "four", "one"]).conversations, ["one", "two", "three", "four"]);
    let variable = complete(&[LOCAL, ("GENESYS_CONVERSATION_ID", " a,b\n 'c',,a \"d\"\r")]);
    assert_eq!(variable.tail(&[]).conversations, ["a", "b", "c", "d"]);
    assert_eq!(Given { stdin: "x\ny\n", ..complete(&[LOCAL]) }.tail(&["@-"]).conversations, ["x", "y"]);
    assert!(given.error(&["@-"]).contains("--conversation @-: contains no conversation id"));
    assert!(given.error(&["@/nowhere/ids"]).contains("--conversation @/nowhere/ids: "));
    assert!(complete(&[("GENESYS_CONVERSATION_ID", ",")]).error(&[]).contains("missing: conversation"));
    assert!(complete(&[("GENESYS_CONVERSATION_ID", "../x")]).error(&[]).contains("GENESYS_CONVERSATION_ID: "));
}

#[test]
fn endpoints_come_from_the_region_unless_urls_are_given() {
    let default = ("https://api.mypurecloud.com/", "https://login.mypurecloud.com/oauth/token");
    let cases: [(&[&str], (&str, &str)); 5] = [
        (&[], default),
        (&["--api-url", "https://x/p/"], ("https://x/p/", "https://x/p/oauth/token")),
        (&["--api-url", "ws://127.0.0.1:1"], ("http://127.0.0.1:1/", "http://127.0.0.1:1/oauth/token")),
        (&["--login-url", "https://l"], (default.0, "https://l/oauth/token")),
        (&["--api-url", "https://x", "--login-url", "https://l/t"], ("https://x/", "https://l/t")),
    ];
    for (args, (api, token)) in cases {
        let endpoints = complete(&[]).tail(args).endpoints;
        assert_eq!((endpoints.api.as_str(), endpoints.token.as_str()), (api, token), "{args:?}");
    }
    let error = complete(&[]).error(&["--api-url", "http://u:hunter2@x", "--login-url", "x"]);
    assert!(error.contains("--api-url: ") && error.contains("--login-url: ") && !error.contains("hunter2"));
}

#[test]
fn a_guessed_region_causes_a_warning() {
    let resolved = complete(&[]).resolve(&["--region", "ap-east-9"]).unwrap();
    let [warning] = resolved.messages.warnings.as_slice() else { panic!("{:?}", resolved.messages.warnings) };
    assert!(warning.contains("api.ap-east-9.mypurecloud.com") && warning.contains("us-east-1, "), "{warning}");
    assert!(!warning.contains("similar"), "{warning}");
    let misspelt = complete(&[]).resolve(&["--region", "eu-wst-1"]).unwrap().messages.warnings.concat();
    assert!(misspelt.contains("mypurecloud.com; a similar region exists: 'eu-west-1'; known regions: us-east-1, "));
    assert!(complete(&[]).resolve(&[]).unwrap().messages.warnings.is_empty());
}

// Windows has no file modes.
#[cfg(unix)]
#[test]
fn an_exposed_secret_of_a_local_simulator_causes_no_warning() {
    let local = "GENESYS_API_URL=http://127.0.0.1:1\nGENESYS_CLIENT_SECRET=sim";
    let given = Given { file: local, ..complete(&[]) };
    assert!(given.resolve(&[]).unwrap().messages.warnings.is_empty());
    let real = Given { file: "GENESYS_CLIENT_SECRET=real", ..complete(&[]) };
    let warnings = real.resolve(&[]).unwrap().messages.warnings;
    // With a strict umask the file is private from the start.
    assert!(warnings.iter().all(|warning| warning.contains("chmod 600")));
}

#[test]
fn the_secret_is_read_from_a_file_or_stdin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let path = path.to_str().unwrap();
    for text in ["s3cret\n", "s3cret\r\n", "s3cret"] {
        std::fs::write(path, text).unwrap();
        let config = complete(&[]).tail(&["--client-secret-file", path]);
        assert_eq!(config.credentials.client_secret.expose_secret(), "s3cret", "{text:?}");
    }
    let given = Given { stdin: "s3cret\n", ..complete(&[]) };
    assert_eq!(given.tail(&["--client-secret-file", "-"]).credentials.client_secret.expose_secret(), "s3cret");
    assert!(complete(&[]).error(&["--client-secret-file", "-"]).contains("contains no secret"));
    assert!(
        given
            .error(&["@-", "--client-secret-file", "-"])
            .contains("standard input is already used by --conversation @-")
    );
    assert!(complete(&[]).error(&["--client-secret-file", "/nowhere/secret"]).contains("/nowhere/secret: "));
}

/// (R6) CLI-70.
#[test]
fn byte_order_marks_line_breaks_blanks_and_quotes_around_client_id_and_secret_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let file = ["--client-secret-file", path.to_str().unwrap()];
    let utf16 = [0xFEFF].into_iter().chain("s3cret\r\n".encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let texts = [
        "\u{feff}s3cret",
        "s3cret\n\n",
        "s3cret \n",
        "\ns3cret",
        "s3cret\r",
        " \t\u{feff}\r\n s3cret\r\r\n\n",
        "\"s3cret\"\r\n",
        "'s3cret'",
    ];
    for bytes in texts.map(Vec::from).into_iter().chain([utf16]) {
        std::fs::write(&path, &bytes).unwrap();
        let resolved = complete(&[]).resolve(&file).unwrap();
        let Task::Tail(config) = resolved.task else { panic!("not a tail") };
        assert_eq!(config.credentials.client_secret.expose_secret(), "s3cret", "{bytes:?}");
        let [note] = resolved.messages.notes.as_slice() else { panic!("{:?}", resolved.messages) };
        assert!(note.contains(" around the client secret removed") && !note.contains("s3cret"), "{note}");
        let stdin = String::from_utf8(bytes).unwrap_or_default();
        if !stdin.is_empty() {
            let config = Given { stdin: &stdin, ..complete(&[]) }.tail(&["--client-secret-file", "-"]);
            assert_eq!(config.credentials.client_secret.expose_secret(), "s3cret", "{stdin:?}");
        }
    }
    for text in texts {
        let of_client = [("GENESYS_CLIENT_ID", text), ("GENESYS_CLIENT_SECRET", text)];
        let config = complete(&of_client).tail(&[]);
        assert_eq!(config.credentials.client_id, "s3cret", "{text:?}");
        assert_eq!(config.credentials.client_secret.expose_secret(), "s3cret", "{text:?}");
        assert_eq!(complete(&[]).tail(&["--client-id", text]).credentials.client_id, "s3cret", "{text:?}");
    }
    for text in ["", "\n\n", "\u{feff}", " \r\n", "\"\""] {
        std::fs::write(&path, text).unwrap();
        assert!(complete(&[]).error(&file).ends_with(": contains no secret"), "{text:?}");
        let variables = vec![COMPLETE[0], COMPLETE[1], ("GENESYS_CLIENT_SECRET", text)];
        let error = Given { env: variables, ..nothing() }.error(&[]);
        assert_eq!(error, "settings missing: client secret (--client-secret-file, GENESYS_CLIENT_SECRET)");
    }
    for text in ["one\ntwo\n", "GENESYS_CLIENT_SECRET=s3cret\n", "export GENESYS_CLIENT_SECRET='s3cret'\n", "s3\0cret"]
    {
        std::fs::write(&path, text).unwrap();
        let error = complete(&[]).resolve(&file).unwrap_err();
        assert!(error.to_string().ends_with(": must contain the secret alone, in one line"), "{text:?}: {error}");
        assert_eq!(error.hint(), "for NAME=value lines, use --env-file FILE");
    }
    for text in ["a secret\r\n", "\"s3\n", "s\"3\"\n", "\"3'\n"] {
        std::fs::write(&path, text).unwrap();
        let resolved = complete(&[]).resolve(&file).unwrap();
        assert!(resolved.messages.notes.is_empty(), "{text:?}: {:?}", resolved.messages);
    }
}

/// CLI-76.
// Windows has no file modes.
#[cfg(unix)]
#[test]
fn a_secret_file_that_other_users_can_read_causes_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "hunter2").unwrap();
    for (mode, variables, warnings) in [(0o644, &[][..], 1), (0o600, &[], 0), (0o640, &[], 1), (0o644, &[LOCAL], 0)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let resolved = complete(variables).resolve(&["--client-secret-file", path.to_str().unwrap()]).unwrap();
        assert_eq!(resolved.messages.warnings.len(), warnings, "{mode:o}: {:?}", resolved.messages);
    }
}

#[test]
fn proxy_variables_have_an_order() {
    let all = [
        ("HTTPS_PROXY", "https://a"),
        ("https_proxy", "https://b"),
        ("ALL_PROXY", "https://c"),
        ("all_proxy", "https://d"),
    ];
    let host = |given: Given<'_>, args: &[&str]| {
        given.tail(args).connection.network.proxy.and_then(|proxy| proxy.url.host_str().map(str::to_owned))
    };
    // Windows does not distinguish upper case and lower case in the names of variables.
    for skipped in (0..all.len()).step_by(if cfg!(windows) { 2 } else { 1 }) {
        let expected = ["a", "b", "c", "d"][skipped];
        let given: Vec<_> = all[skipped..].iter().copied().step_by(if cfg!(windows) { 2 } else { 1 }).collect();
        assert_eq!(host(complete(&given), &[]).as_deref(), Some(expected));
    }
    assert_eq!(host(complete(&all), &["--proxy", "flag:1"]).as_deref(), Some("flag"));
    assert_eq!(host(complete(&[]), &[]), None);
    let certificates = [
        ("no_proxy", "x"),
        ("SSL_CERT_FILE", "/certs"),
        ("SSL_CERT_DIR", if cfg!(windows) { "/a;/b;" } else { "/a:/b:" }),
    ];
    let network = complete(&certificates).tail(&[]).connection.network;
    assert_eq!((network.no_proxy, network.ssl_cert_file), (NoProxy::parse("x").0, Some("/certs".into())));
    assert_eq!(network.ssl_cert_dirs, ["/a", "/b"].map(PathBuf::from));
    assert!(complete(&[]).error(&["--cacert", "/nowhere/ca.pem"]).contains("--cacert /nowhere/ca.pem: "));
}

#[test]
fn follow_retries_without_limit_unless_a_limit_is_given() {
    let cases: [(&[&str], Retries); 4] = [
        (&[], Retries::Limited(5)),
        (&["-F"], Retries::Unlimited),
        (&["-F", "--max-retries", "2"], Retries::Limited(2)),
        (&["--max-retries", "unlimited"], Retries::Unlimited),
    ];
    for (args, retries) in cases {
        let connection = complete(&[]).tail(args).connection;
        assert_eq!((connection.retries, connection.follow), (retries, args.contains(&"-F")), "{args:?}");
    }
    assert!(complete(&[]).error(&["--idle-timeout", "20s"]).contains("--idle-timeout 20s"));
}

fn cli_and_env(args: &[&str], variables: &[(&str, &str)]) -> (Cli, Env) {
    let cli = Cli::parse_from_args(["genesys-tail"].iter().chain(args).map(OsString::from)).unwrap();
    let env = Env::of_process(variables.iter().map(|(name, value)| (name.into(), value.into())), &cli);
    (cli, env)
}

#[test]
fn flags_of_the_output_are_resolved() {
    assert_eq!(complete(&[]).tail(&["--only", "agent"]).output.style.filter.only, [crate::event::Role::Agent]);
    assert_eq!(complete(&[]).tail(&["--json"]).output.style.format, crate::config::Format::Json);
}

#[test]
fn demo_replay_simulate_and_completions_ignore_account_settings() {
    let unusable = Given { env: vec![("GENESYS_REGION", "europe"), ("HTTPS_PROXY", "ftp://x")], ..nothing() };
    assert!(
        matches!(unusable.resolve(&["--demo"]).unwrap().task, Task::Demo(demo) if demo.connection.network.proxy.is_none())
    );
    let demo = unusable.resolve(&["--demo", "--source", "notifications", "-n", "3", "--no-follow"]).unwrap().task;
    let history = History { lines: Some(3), since: None, follow: false, call_transcript_wait: Duration::ZERO };
    assert!(matches!(demo, Task::Demo(demo) if demo.history == history && demo.source == SourceChoice::Notifications));
    let replay = unusable.resolve(&["--replay", "-"]).unwrap().task;
    assert!(matches!(replay, Task::Replay(Replay { from: ReplayFrom::Stdin, .. })));
    let simulate = unusable.resolve(&["simulate", "--rate", "10/s", "--fault", "a", "--fault", "b"]).unwrap().task;
    assert!(matches!(simulate, Task::Simulate(Simulate { faults, rate: Some(_), .. }) if faults == ["a", "b"]));
    for (value, expected) in [("-", EventsTo::Stdout), ("feed.jsonl", EventsTo::File("feed.jsonl".into()))] {
        let simulate = unusable.resolve(&["simulate", "--events", value]).unwrap().task;
        assert!(matches!(simulate, Task::Simulate(Simulate { events: Some(to), .. }) if to == expected));
    }
    assert!(matches!(unusable.resolve(&["completions", "bash"]).unwrap().task, Task::Print(_)));
}

#[test]
fn the_log_filter_variable_applies_unless_q_or_v_is_given() {
    let filter =
        |value, args: &[&str]| complete(&[("GENESYS_TAIL_LOG", value)]).resolve(args).map(|resolved| resolved.filter);
    assert_eq!(filter("debug", &[]).unwrap(), verbosity_filter(false, 1));
    assert_eq!(filter("debug", &["-q"]).unwrap(), verbosity_filter(true, 0));
    assert!(
        filter("genesys_tail=loud", &[])
            .unwrap_err()
            .to_string()
            .contains("GENESYS_TAIL_LOG: not a filter such as debug")
    );
}

#[test]
fn q_leaves_only_errors_and_each_v_adds_a_level() {
    for (flags, level) in [
        (&["-q"][..], LevelFilter::ERROR),
        (&[], LevelFilter::INFO),
        (&["-v"], LevelFilter::DEBUG),
        (&["-vv"], LevelFilter::TRACE),
        (&["-vvvvvvvvv"], LevelFilter::TRACE),
    ] {
        let filter = complete(&[]).resolve(flags).unwrap().filter;
        assert_eq!(filter, filter::Targets::new().with_default(level), "{flags:?}");
    }
}

#[test]
fn debug_output_never_holds_the_secret() {
    let given = complete(&[("HTTPS_PROXY", "http://u:hunter2@p")]);
    assert!(!format!("{:?}", given.resolve(&[]).unwrap()).contains("hunter2"));
}
