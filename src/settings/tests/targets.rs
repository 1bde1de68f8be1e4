//! Targets of a tail and of `check`.

use std::time::Duration;

use super::*;
use crate::config::{EventInput, FollowedMedia, SourceChoice, TargetKey, TargetKind, TargetQuery};

const URL: &str = "https://apps.mypurecloud.ie/directory/#/admin/queues/97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";
const UUID: &str = ONE;

impl Given<'_> {
    fn check(&self, args: &[&str]) -> Check {
        match self.resolve(&[&["check"], args].concat()).unwrap().task {
            Task::Check(check) => *check,
            task => panic!("not a check: {task:?}"),
        }
    }
}

/// The variables that signing in needs, without a conversation.
fn credentials_only<'a>() -> Given<'a> {
    Given { env: COMPLETE[1..].to_vec(), ..nothing() }
}

#[test]
fn with_a_queue_or_a_user_the_conversation_variable_is_ignored() {
    type Case<'a> = (&'a [&'a str], &'a [&'a str], Vec<TargetQuery>);
    let owned = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
    let cases: [Case<'_>; 5] = [
        (&[], &[ONE], vec![]),
        (&["--queue", "", "--user", " "], &[ONE], vec![]),
        (&["--queue", "q", "--queue", URL, "--queue", "q"], &[], vec![queue("q"), queue_id(UUID)]),
        (&["--user", "u", "--no-follow"], &[], vec![user("u")]),
        (&["--user", "u", "--queue", "q", "-c", TWO, ONE], &[TWO, ONE], vec![queue("q"), user("u")]),
    ];
    for (args, conversations, expected) in cases {
        let config = complete(&[]).tail(args);
        assert_eq!((config.conversations, config.targets), (owned(conversations), expected), "{args:?}");
    }
}

/// CLI-13, STR-3.
#[test]
fn an_event_stream_needs_neither_a_conversation_nor_an_account() {
    let config = complete(&[]).tail(&["--events", "feed", "--media", "call"]);
    assert_eq!(
        (config.conversations.len(), config.source),
        (0, SourceChoice::Notifications),
        "the variable is ignored"
    );
    assert_eq!(config.events, Some(EventInput::File("feed".into())));
    assert_eq!(config.media, FollowedMedia { messages: false, calls: true });
    let named = complete(&[]).tail(&["--events", "-", "-c", ONE, "--queue", "q"]);
    assert_eq!(
        (named.conversations, named.targets, named.events),
        (vec![ONE.to_owned()], vec![queue("q")], Some(EventInput::Stdin))
    );
    let events = |given: Given<'_>, args: &[&str]| match given.resolve(args).map(|resolved| resolved.task) {
        Ok(Task::Events(events)) => Ok(*events),
        Ok(task) => panic!("with an account: {task:?}"),
        Err(error) => Err(error.to_string()),
    };
    let alone = events(nothing(), &["--events", "-", "--media", "call"]).unwrap();
    assert_eq!((alone.input, alone.media.messages), (EventInput::Stdin, false));
    for (args, problem) in [
        (&["--events", "-", "--queue", "q"][..], "client id"),
        (&["--events", "-", "-c", ONE], "client secret"),
        (&["--events", "-", "--client-id", "x"], "client secret"),
    ] {
        let error = events(nothing(), args).unwrap_err();
        assert!(error.starts_with("settings missing: ") && error.contains(problem), "{args:?} {error}");
    }
}

fn queue(name: &str) -> TargetQuery {
    TargetQuery { kind: TargetKind::Queue, key: TargetKey::Name(name.to_owned()) }
}

fn queue_id(id: &str) -> TargetQuery {
    TargetQuery { kind: TargetKind::Queue, key: TargetKey::Id(id.to_owned()) }
}

fn user(name: &str) -> TargetQuery {
    TargetQuery { kind: TargetKind::User, key: TargetKey::Name(name.to_owned()) }
}

/// TGT-7.
#[test]
fn a_uuid_and_an_admin_url_with_one_are_ids_and_all_else_is_a_name() {
    let (upper, braces) = (UUID.to_uppercase(), format!("{{{UUID}}}"));
    let without_scheme = format!("apps.mypurecloud.ie/directory/#/admin/queues/{UUID}");
    for value in [UUID, &upper, URL, &without_scheme] {
        assert_eq!(credentials_only().tail(&["--queue", value]).targets, [queue_id(UUID)], "{value}");
    }
    let names = [
        "Billing EMEA",
        "Sales/EMEA",
        "Tom \"T\" O'Neil",
        "山田 / 日本",
        "*",
        "a?b&c=d#e%20",
        "Sales: EMEA",
        "@ids",
        &UUID[1..],
        &braces,
        &UUID.replace('-', ""),
        "-5",
        "..",
    ];
    for name in names {
        let given = format!("--queue={name}");
        assert_eq!(credentials_only().tail(&[&given]).targets, [queue(name)], "{name}");
    }
    assert_eq!(credentials_only().tail(&["--user", " sam@example.com "]).targets, [user("sam@example.com")]);
}

/// CLI-12.
#[test]
fn media_are_those_of_queues_and_users() {
    let given = credentials_only();
    let media = |args: &[&str]| given.tail(&[&["--queue", "q"], args].concat()).media;
    assert_eq!(media(&[]), FollowedMedia { messages: true, calls: true });
    assert_eq!(media(&["--media", "call"]), FollowedMedia { messages: false, calls: true });
    assert_eq!(media(&["--media", "message"]), FollowedMedia { messages: true, calls: false });
    assert_eq!(media(&["--media", "message,call"]), FollowedMedia::default());
    let error = given.resolve(&["--media", "call", "-c", UUID]).unwrap_err();
    assert!(error.to_string().contains("--media needs --queue, --user or --events"), "{error}");
}

#[test]
fn a_name_without_quotes_leads_to_quotes() {
    let given = credentials_only();
    let hint = |args: &[&str]| given.resolve(args).unwrap_err().hint().to_owned();
    assert_eq!(hint(&["--queue", "Billing", "EMEA"]), "quote a name that contains blanks: --queue 'Billing EMEA'");
    assert_eq!(hint(&["--user", "Sam", "Okafor"]), "quote a name that contains blanks: --user 'Sam Okafor'");
}

#[test]
fn a_list_takes_the_last_31_days_at_most() {
    let list = |args: &[&str]| match credentials_only().resolve(&[&["list"], args].concat()).unwrap().task {
        Task::List(list) => list.filter,
        task => panic!("not a list: {task:?}"),
    };
    let filter = list(&["--queue", "Billing", "--user", UUID, "--media", "call,message", "--customer", "Ada", "--all"]);
    assert_eq!(filter.targets.len(), 2);
    assert_eq!(
        (filter.customer.as_deref(), filter.all, filter.since, filter.media.len()),
        (Some("Ada"), true, None, 2)
    );
    assert!(list(&["--since", "30days"]).since.is_some());
    assert_eq!(credentials_only().error(&["list", "--since", "32days"]), "--since: must be at most 31 days ago");
}

#[test]
fn an_invalid_queue_or_user_is_the_only_problem() {
    for (args, reason) in [
        (["--queue", "https://x/queues"], "--queue: 'https://x/queues' contains no queue id"),
        (["--user", "client:secret"], "--user: not a user: contains a colon"),
    ] {
        assert_eq!(credentials_only().error(&args), reason);
        assert_eq!(credentials_only().error(&[&["check"], &args[..]].concat()), reason);
    }
}

#[test]
fn queues_and_users_need_notifications() {
    let reason = "--source transcript cannot be used with --queue or --user; use notifications";
    for target in [["--queue", "q"], ["--user", "u"]] {
        let with = |source| [&target[..], &["--source", source]].concat();
        assert_eq!(credentials_only().error(&with("transcript")), reason);
        assert_eq!(credentials_only().error(&[vec!["check"], with("transcript")].concat()), reason);
        for source in ["auto", "notifications"] {
            assert_eq!(credentials_only().tail(&with(source)).source, SourceChoice::Notifications);
            assert_eq!(credentials_only().check(&with(source)).source, SourceChoice::Notifications);
        }
    }
    for (word, source) in [("transcript", SourceChoice::Transcript), ("notifications", SourceChoice::Notifications)] {
        assert_eq!(complete(&[]).tail(&["--source", word]).source, source);
        assert_eq!(complete(&[]).check(&["--source", word]).source, source);
    }
}

#[test]
fn flags_of_the_history_are_resolved() {
    let history = complete(&[]).tail(&["-n", "20", "--since", "2026-01-02T03:04:05Z", "--no-follow"]).history;
    let since = chrono::DateTime::from_timestamp(1_767_323_045, 0);
    assert_eq!(history, History { lines: Some(20), since, follow: false, call_transcript_wait: Duration::ZERO });
    assert_eq!(
        complete(&[]).tail(&[]).history,
        History { lines: None, since: None, follow: true, call_transcript_wait: Duration::ZERO }
    );
    let since = complete(&[]).tail(&["--since", "1h"]).history.since.unwrap();
    let ago = (chrono::Utc::now() - since).num_seconds();
    assert!((3_600..3_660).contains(&ago), "{ago}");
}

#[test]
fn check_uses_the_conversations_that_are_set_and_needs_none() {
    let ids = |given: Given<'_>, args: &[&str]| given.check(args).conversations;
    let none: [&str; 0] = [];
    assert_eq!(ids(credentials_only(), &[]), none);
    assert_eq!(ids(complete(&[("GENESYS_CONVERSATION_ID", " , ")]), &[]), none);
    assert_eq!(ids(complete(&[]), &[]), [ONE]);
    assert_eq!(ids(complete(&[]), &[ONE, "-c", TWO]), [TWO, ONE]);
    assert_eq!(ids(complete(&[]), &["--queue", "q"]), none);
    assert_eq!(ids(Given { stdin: "x\n", ..complete(&[LOCAL]) }, &["@-"]), ["x"]);
    assert!(complete(&[("GENESYS_CONVERSATION_ID", "../x")]).error(&["check"]).contains("GENESYS_CONVERSATION_ID: "));
}

#[test]
fn check_resolves_settings_like_a_tail() {
    let file = "GENESYS_CLIENT_ID=file\nGENESYS_CLIENT_SECRET='of$file'\nGENESYS_REGION=eu-west-1";
    let given = Given { file, env: vec![("HTTPS_PROXY", "https://u:hunter2@proxy.example")], ..nothing() };
    let check = given.check(&["--client-id", "flag", "--connect-timeout", "3s"]);
    assert_eq!(check.credentials.client_id, "flag");
    assert_eq!(check.credentials.client_secret.expose_secret(), "of$file");
    assert_eq!(check.endpoints.api.as_str(), "https://api.mypurecloud.ie/");
    assert_eq!(check.network.connect_timeout, Duration::from_secs(3));
    assert_eq!(check.network.proxy.unwrap().url.as_str(), "https://proxy.example/");
    assert!(given.check(&["--proxy", "flag:1"]).network.proxy.unwrap().url.as_str().contains("flag:1"));
}

#[test]
fn problems_of_check_are_reported_together() {
    let given = Given { env: vec![("GENESYS_REGION", "europe"), ("HTTPS_PROXY", "ftp://p")], ..nothing() };
    let error = given.error(&["check", "--cacert", "/nowhere/ca.pem"]);
    for part in [
        "settings missing: client id (--client-id, ",
        "client secret (--client-secret-file, ",
        "HTTPS_PROXY: must be an http, https",
        "GENESYS_REGION: 'europe' is not a region",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("conversation"), "{error}");
    assert_eq!(complete(&[]).resolve(&["check", "--region", "ap-east-9"]).unwrap().messages.warnings.len(), 1);
}

/// TGT-1: the whole message and its tip.
#[test]
fn a_value_that_is_no_conversation_id_is_refused_before_a_request() {
    for (value, tip) in [
        ("foo", "use the id of the conversation, such as 97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77, or its URL"),
        ("97b9dcb3", "use the id of the conversation, such as 97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77, or its URL"),
        ("chekc", "a similar command exists: genesys-tail check"),
        ("chek", "a similar command exists: genesys-tail check"),
        ("Simulate", "a similar command exists: genesys-tail simulate"),
        ("halp", "a similar command exists: genesys-tail help"),
        ("one,two", "repeat -c for each id, or use -c @FILE for a file with one id per line"),
    ] {
        for args in [&[value][..], &["-c", value], &[ONE, value], &["check", value]] {
            let error = complete(&[]).resolve(args).unwrap_err();
            assert_eq!(error.to_string(), format!("--conversation: '{value}' is not a conversation id"), "{args:?}");
            assert_eq!(error.hint(), tip, "{args:?}");
        }
        let error = complete(&[("GENESYS_CONVERSATION_ID", value)]).resolve(&[]).unwrap_err();
        // The variable takes several ids, separated by commas.
        let first = value.split(',').next().unwrap();
        assert!(error.to_string().starts_with(&format!("GENESYS_CONVERSATION_ID: '{first}' is not a conversation id")));
    }
    let without_settings = nothing().resolve(&["chekc"]).unwrap_err();
    assert_eq!(without_settings.hint(), "a similar command exists: genesys-tail check");
}

/// TGT-1, TGT-6.
#[test]
fn a_conversation_id_in_any_case_is_followed_in_lower_case_and_once() {
    let (upper, url) = (ONE.to_uppercase(), format!("https://apps.mypurecloud.ie/interactions/{}", ONE.to_uppercase()));
    assert_eq!(complete(&[]).tail(&[&upper, ONE, &url]).conversations, [ONE]);
    assert_eq!(complete(&[("GENESYS_CONVERSATION_ID", &upper)]).tail(&[]).conversations, [ONE]);
    assert_eq!(complete(&[]).check(&[&upper]).conversations, [ONE]);
}

/// TGT-2: an API URL allows any id, unless the command line names a region.
#[test]
fn with_an_api_url_any_id_is_used_unchanged() {
    let upper = ONE.to_uppercase();
    let file = Given { file: "GENESYS_API_URL=http://127.0.0.1:1", ..complete(&[]) };
    for (given, args) in
        [(complete(&[LOCAL]), &[][..]), (file, &[]), (complete(&[]), &["--api-url", "https://gateway.example"])]
    {
        let ids = ["foo", "97b9dcb3", &upper, "x.y_z-1"];
        assert_eq!(given.tail(&[&ids, args].concat()).conversations, ids);
        let error = given.resolve(&[&["chekc"], args].concat()).unwrap_err();
        assert_eq!(error.to_string(), "--conversation: 'chekc' resembles the command check");
        let tip = "use genesys-tail check, or -c chekc for the conversation with this id";
        assert_eq!(error.hint(), tip);
        assert_eq!(given.tail(&[&["-c", "chekc", "x", "chekc"], args].concat()).conversations, ["chekc", "x"]);
        let invalid = given.error(&[&["-c", "a b"], args].concat());
        assert_eq!(invalid, "--conversation: 'a b' is not a conversation id (letters, digits, . _ -)");
    }
    let error = complete(&[LOCAL]).error(&["foo", "--region", "eu-west-1"]);
    assert_eq!(error, "--conversation: 'foo' is not a conversation id");
}

/// (R7) TGT-5, CLI-70.
#[test]
fn a_list_of_ids_may_have_a_byte_order_mark_quotes_and_any_line_break() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ids.txt");
    let list = format!("@{}", path.display());
    let text = format!(
        "\u{feff}\"{ONE}\"\r\n# open\r\n\r\n ' {TWO} '\r\n\"\"\n\"https://apps.mypurecloud.ie/interactions/{ONE}\""
    );
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [text.clone().into_bytes(), utf16, format!("\u{feff}# all\n{ONE}\n{TWO}").into_bytes()] {
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(complete(&[]).tail(&["-c", &list]).conversations, [ONE, TWO], "{bytes:?}");
    }
    assert_eq!(Given { stdin: &text, ..complete(&[]) }.tail(&["@-"]).conversations, [ONE, TWO]);
    for text in ["", "\u{feff}", "\u{feff}\r\n# none\r\n", "\"\"\n''\n"] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(complete(&[]).error(&[&list]), format!("--conversation {list}: contains no conversation id"));
    }
    std::fs::write(&path, b"\xff").unwrap();
    assert_eq!(complete(&[]).error(&[&list]), format!("--conversation {list}: not UTF-8 text"));
}
