//! What is followed, and what is checked.

use std::time::Duration;

use super::*;
use crate::config::Targets;

const URL: &str = "https://apps.mypurecloud.ie/directory/#/admin/queues/97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";
const UUID: &str = "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";

impl Given<'_> {
    fn check(&self, args: &[&str]) -> Check {
        match self.resolve(&[&["check"], args].concat()).unwrap().task {
            Task::Check(check) => *check,
            task => panic!("not a check: {task:?}"),
        }
    }
}

/// What signing in needs, and no conversation.
fn signed_in<'a>() -> Given<'a> {
    Given { env: COMPLETE[1..].to_vec(), ..nothing() }
}

#[test]
fn with_a_queue_or_a_user_only_the_conversations_that_are_typed_are_followed() {
    type Case<'a> = (&'a [&'a str], &'a [&'a str], Targets);
    let owned = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
    let groups = |queues, users| Targets { queues: owned(queues), users: owned(users) };
    let cases: [Case<'_>; 5] = [
        (&[], &["one"], groups(&[], &[])),
        (&["--queue", "", "--user", " "], &["one"], groups(&[], &[])),
        (&["--queue", "q", "--queue", URL, "--queue", "q"], &[], groups(&["q", UUID], &[])),
        (&["--user", "u", "--no-follow"], &[], groups(&[], &["u"])),
        (&["--user", "u", "--queue", "q", "-c", "two", "three"], &["two", "three"], groups(&["q"], &["u"])),
    ];
    for (args, conversations, groups) in cases {
        let config = complete(&[]).tail(args);
        assert_eq!((config.conversations, config.targets), (owned(conversations), groups), "{args:?}");
    }
}

#[test]
fn an_unusable_group_is_the_only_thing_that_is_said_about_it() {
    for (args, reason) in [
        (["--queue", "a b"], "--queue: \"a b\" is no queue id (letters, digits, . _ -)"),
        (["--user", "@ids"], "--user: \"@ids\" is no user id (letters, digits, . _ -)"),
    ] {
        assert_eq!(signed_in().error(&args), reason);
        assert_eq!(signed_in().error(&[&["check"], &args[..]].concat()), reason);
    }
}

#[test]
fn groups_come_over_notifications_only() {
    let reason = "--source transcript cannot follow a queue or a user; notifications can";
    for group in [["--queue", "q"], ["--user", "u"]] {
        let with = |source| [&group[..], &["--source", source]].concat();
        assert_eq!(signed_in().error(&with("transcript")), reason);
        assert_eq!(signed_in().error(&[vec!["check"], with("transcript")].concat()), reason);
        for source in ["auto", "notifications"] {
            assert_eq!(signed_in().tail(&with(source)).source, SourceChoice::Notifications);
            assert_eq!(signed_in().check(&with(source)).source, SourceChoice::Notifications);
        }
    }
    for (word, source) in [("transcript", SourceChoice::Transcript), ("notifications", SourceChoice::Notifications)] {
        assert_eq!(complete(&[]).tail(&["--source", word]).source, source);
        assert_eq!(complete(&[]).check(&["--source", word]).source, source);
    }
}

#[test]
fn how_much_of_the_past_is_taken_over() {
    let history = complete(&[]).tail(&["-n", "20", "--since", "2026-01-02T03:04:05Z", "--no-follow"]).history;
    let since = chrono::DateTime::from_timestamp(1_767_323_045, 0);
    assert_eq!(history, History { lines: Some(20), since, follow: false });
    assert_eq!(complete(&[]).tail(&[]).history, History { lines: None, since: None, follow: true });
    let since = complete(&[]).tail(&["--since", "1h"]).history.since.unwrap();
    let ago = (Utc::now() - since).num_seconds();
    assert!((3_600..3_660).contains(&ago), "{ago}");
}

#[test]
fn a_check_needs_no_conversation_and_takes_the_one_that_is_set() {
    let ids = |given: Given<'_>, args: &[&str]| given.check(args).conversations;
    let none: [&str; 0] = [];
    assert_eq!(ids(signed_in(), &[]), none);
    assert_eq!(ids(complete(&[("GENESYS_CONVERSATION_ID", " , ")]), &[]), none);
    assert_eq!(ids(complete(&[]), &[]), ["one"]);
    assert_eq!(ids(complete(&[]), &["two", "-c", "three"]), ["three", "two"]);
    assert_eq!(ids(complete(&[]), &["--queue", "q"]), none);
    assert_eq!(ids(Given { stdin: "x\n", ..complete(&[]) }, &["@-"]), ["x"]);
    assert!(complete(&[("GENESYS_CONVERSATION_ID", "../x")]).error(&["check"]).contains("GENESYS_CONVERSATION_ID: "));
}

#[test]
fn a_check_takes_its_settings_where_tailing_does() {
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
fn what_a_check_is_not_told_is_said_at_once() {
    let given = Given { env: vec![("GENESYS_REGION", "europe"), ("HTTPS_PROXY", "ftp://p")], ..nothing() };
    let error = given.error(&["check", "--cacert", "/nowhere/ca.pem"]);
    for part in [
        "settings missing: client id (--client-id, ",
        "client secret (GENESYS_CLIENT_SECRET, ",
        "HTTPS_PROXY: a proxy is http, https",
        "GENESYS_REGION: \"europe\" is no known region",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("conversation"), "{error}");
    assert_eq!(complete(&[]).resolve(&["check", "--region", "ap-east-9"]).unwrap().warnings.len(), 1);
}
