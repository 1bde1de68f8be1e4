use std::time::Duration;

use serde_json::json;

use super::parse::DEFAULT_PAUSE;
use super::*;

fn error(text: &str) -> String {
    text.parse::<Script>().expect_err(text).to_string()
}

#[test]
fn every_built_in_script_parses() {
    for name in Script::built_in_names() {
        assert!(Script::built_in(name).is_some(), "{name}");
    }
    assert_eq!(Script::built_in("flood:7").expect("built in").playback().count(), 8);
    assert_eq!(Script::built_in("flood:x"), None);
    assert_eq!(Script::built_in("nonesuch"), None);
}

#[test]
fn the_demo_ends_within_seven_seconds() {
    let length: Duration = Script::default().playback().map(|step| step.pause).sum();
    assert!(length <= Duration::from_secs(7), "{length:?}");
}

#[test]
fn indented_lines_add_text_quick_replies_and_attachments() {
    let script: Script = "\
        # a comment\n\n\
        +0.5 customer Ada Marlow: a\\tb \\u{202e}: c\n  | second\n  ? Yes | No\n  @ a.png image/png 12\n  ~ half\n\
        \t& {\"contentType\":\"Push\"}\n  &{}\n  = {\"status\":\"sent\"}\n  = {\"status\":\"read\"}\n\
        customer: nameless\n"
        .parse()
        .expect("a script");
    let line = MessageLine {
        speaker: Speaker::Customer,
        name: "Ada Marlow".to_owned(),
        text: "a\tb \u{202e}: c\nsecond".to_owned(),
        quick_replies: vec!["Yes".to_owned(), "No".to_owned()],
        attachments: vec![Attachment { name: "a.png".to_owned(), mime: "image/png".to_owned(), size: 12 }],
        partial_transcripts: vec!["half".to_owned()],
        parts: vec![json!({ "contentType": "Push" }), json!({})],
        members: [("status".to_owned(), json!("read"))].into_iter().collect(),
    };
    assert_eq!(script.steps[0], Step { pause: Duration::from_millis(500), action: Action::Message(line) });
    assert_eq!(script.steps[1].pause, DEFAULT_PAUSE);
    assert!(matches!(&script.steps[1].action, Action::Message(MessageLine { name, .. }) if name.is_empty()));
}

#[test]
fn repeat_plays_that_many_lines_and_continues() {
    let script: Script = "customer: 1\nagent: 2\nrepeat 5\nupdate a=b\nclose".parse().expect("a script");
    assert_eq!(script.playback().count(), 7);
    assert_eq!(script.playback().last().map(|step| &step.action), Some(&Action::Close));
}

#[test]
fn actions_name_their_participants() {
    let script: Script =
        "customer Ada: hi\nbot Quill: hello\nalert agent Sam O\njoin agent Sam O\ntransfer agent Noor\n\
        park\nresume\nleave agent Noor\nleave customer\nclose"
            .parse()
            .expect("a script");
    assert_eq!(script.steps[3].action, Action::Join { speaker: Speaker::Agent, name: "Sam O".to_owned() });
    assert_eq!(script.steps[8].action, Action::Leave { speaker: Speaker::Customer, name: String::new() });
    assert_eq!(script.agents(), ["Sam O", "Sam O", "Noor"]);
    assert!(script.begins_with_bot() && !script.is_call());
    assert!(Script::built_in("call").expect("built in").is_call());
}

#[test]
fn a_syntax_error_names_the_line_and_the_reason() {
    for (text, wanted) in [
        ("customer Ada: hi\nperson Bo: hi", "line 2: unknown keyword 'person' [possible values: customer, "),
        ("\n\ncustomer Ada hi", "line 3: a message must have a colon"),
        ("  | hi", "line 1: an indented line must follow a message"),
        ("customer: hi\n  hi", "line 2: an indented line must begin with"),
        ("customer: hi\n  @ a.png", "line 2: an attachment must be NAME TYPE SIZE"),
        ("customer: hi\n  & Push", "line 2: '&' and '=' must be followed by a JSON object: expected value"),
        ("customer: hi\n  = [1]", "line 2: '&' and '=' must be followed by a JSON object: invalid type: sequence"),
        ("close\ncustomer: hi", "line 2: 'close' must be the last action"),
        ("+x customer: hi", "line 1: the pause '+x' must be a number of seconds"),
        ("+-1 customer: hi", "line 1: the pause '+-1' must be 0 or greater"),
        ("+1", "line 1: the pause must be followed by an action"),
        ("repeat", "line 1: 'repeat' must follow the actions to repeat"),
        ("customer: \\q", "line 1: unknown escape '\\q' [possible values: \\n, "),
        ("customer: \\u{110000}", "line 1: '\\u' must be followed"),
        ("customer: hi\ncall", "line 2: 'call' must be the first action"),
        ("customer: hi\nemail", "line 2: 'email' must be the first action"),
        ("join Sam", "line 1: unknown keyword 'Sam' "),
        ("join agent", "line 1: 'agent' must be followed by a name"),
        ("leave api", "line 1: 'api' must be followed by a name"),
        ("transfer bot Q", "line 1: 'alert' and 'transfer' require an agent"),
        ("join system Sam", "line 1: 'system' is not a participant"),
        ("customer: hi\nrepeat x", "line 2: the value of 'repeat' must be a whole number"),
        ("update a", "line 1: 'a' is not KEY=VALUE"),
    ] {
        assert!(error(text).starts_with(wanted), "{}", error(text));
    }
}

/// (R7) CLI-70.
#[test]
fn a_script_may_begin_with_a_byte_order_mark() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    for text in ["customer: hi\n", "# greeting\r\ncustomer: hi\r\n"] {
        std::fs::write(file.path(), format!("\u{feff}{text}")).expect("written");
        let [script] = &Script::load(file.path().to_str().expect("Unicode")).expect("a script")[..] else { panic!() };
        assert_eq!(*script, text.parse().expect("a script"));
    }
}

#[test]
fn an_error_names_the_script() {
    let error = |name: &str| Script::load(name).expect_err(name).to_string();
    for name in ["nonesuch", "flood:x", "flood:"] {
        assert_eq!(error(name), format!("'{name}': no such file"));
    }
    assert_eq!(error("/"), "'/': not a file");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.txt");
    let name = path.to_str().expect("Unicode");
    std::fs::write(&path, "customer: hi\nsing\n").expect("written");
    assert!(error(name).starts_with(&format!("'{name}': line 2: unknown keyword 'sing' ")), "{}", error(name));
    std::fs::write(&path, b"customer: \xff").expect("written");
    assert_eq!(error(name), format!("'{name}': not UTF-8"));
}

#[test]
fn a_line_separates_conversations_which_may_begin_later() {
    let scripts = Script::parse_all("customer: one\nclose\n---\n+2 begin\n+0 call\nagent Sam: two\n").expect("two");
    assert_eq!(scripts.iter().map(Script::begins_later).collect::<Vec<_>>(), [false, true]);
    assert!(scripts[1].is_call() && !scripts[0].is_call());
    let error = |text: &str| Script::parse_all(text).expect_err(text).to_string();
    assert_eq!(error("close\n---\ncustomer: hi\nbegin"), "line 4: 'begin' must be the first action");
    assert_eq!(error("customer: hi\ncall"), "line 2: 'call' must be the first action");
}

#[test]
fn the_queue_has_an_open_conversation_and_others_that_begin_one_of_them_a_call() {
    let scripts = Script::load("queue").expect("built in");
    assert_eq!(scripts.iter().map(Script::begins_later).collect::<Vec<_>>(), [false, true, true, true, true]);
    assert_eq!(scripts.iter().filter(|script| script.is_call()).count(), 1);
    assert!(scripts.iter().all(|script| script.queues().last().is_some_and(|queue| queue == "Billing")));
    assert_eq!(scripts[4].queues(), ["Delivery", "Billing"]);
}

#[test]
fn the_topic_shows_a_valid_script_and_lists_every_keyword_and_built_in_script() {
    let topic = include_str!("../../help/simulator.md");
    let (_, block) = topic.split_once("```text\n").expect("a script");
    let (script, _) = block.split_once("```").expect("its end");
    assert_eq!(script.parse::<Script>().expect("a script").playback().count(), 8);
    for name in super::parse::KEYWORDS.split(", ").chain(Script::built_in_names()) {
        assert!(topic.contains(&format!("`{name}")), "{name}");
    }
}
