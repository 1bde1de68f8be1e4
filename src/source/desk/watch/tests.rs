//! A conversation as the desk sees it, from look to look, on a paused clock.

use serde_json::{Value, json};
use tokio::time::advance;

use super::*;
use crate::event::Role;
use crate::genesys::message_data::parse_bulk;

/// Long ago, in seconds since 1970.
const THEN: i64 = 1_000_000;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(THEN + second, 0).expect("in range")
}

/// Somebody with messages, whose ids begin with the second they were sent in.
fn person(id: &str, purpose: &str, state: &str, messages: &[&str]) -> Value {
    let entry = |id: &&str| json!({ "messageId": id, "messageTime": at(second(id)) });
    let messages: Vec<Value> = messages.iter().map(entry).collect();
    json!({ "id": id, "purpose": purpose, "name": id, "state": state, "connectedTime": at(0), "messages": messages })
}

fn second(id: &str) -> i64 {
    id.trim_end_matches(char::is_alphabetic).parse().expect("an id that begins with a number")
}

fn ada(messages: &[&str]) -> Value {
    person("Ada", "customer", "connected", messages)
}

fn list(people: &[Value]) -> Snapshot {
    Snapshot::of(&json!({ "id": "c1", "participants": people }))
}

fn words(ids: &[&str]) -> Vec<Said> {
    let said = |id: &&str| json!({ "id": id, "timestamp": at(second(id)), "normalizedMessage": { "text": id } });
    let entities: Vec<Value> = ids.iter().map(said).collect();
    parse_bulk(&json!({ "entities": entities }).to_string()).expect("a listing")
}

fn watch_of(scope: Scope) -> Watch {
    Watch::new("c1".into(), scope, None, Why::Start)
}

fn watch() -> Watch {
    watch_of(Scope::Everything)
}

fn unknown(_: &str, _: Option<DateTime<Utc>>) -> bool {
    false
}

fn looks(watch: &mut Watch, people: &[Value]) {
    watch.begin_look(Duration::from_secs(25));
    watch.see(list(people), true, unknown);
}

fn hears(watch: &mut Watch, people: &[Value]) {
    watch.see(list(people), false, unknown);
}

/// Answers every request that is due with everything that is asked for.
fn fetch(watch: &mut Watch) -> Vec<Vec<String>> {
    let mut asked = Vec::new();
    while let Some(ids) = watch.request() {
        watch.fetched(words(&ids.iter().map(String::as_str).collect::<Vec<_>>()));
        asked.push(ids);
    }
    asked
}

/// What the reader gets, in few words: `<` and `>` around what is past.
fn told(watch: &mut Watch) -> Vec<String> {
    let mut lines = Vec::new();
    for out in watch.take() {
        match out {
            Out::Live(told) => lines.push(word(&told)),
            Out::Past(events, why) => {
                lines.push(format!("<{why:?}"));
                lines.extend(events.iter().map(word));
                lines.push(">".into());
            }
        }
    }
    lines
}

fn word(told: &Told) -> String {
    match &told.body {
        Body::Message(message) => {
            let text = message.text.as_deref().unwrap_or("nothing");
            let old = if message.origin == Origin::History { " (old)" } else { "" };
            format!("{}: {text}{old}", message.from.name.as_deref().unwrap_or("-"))
        }
        Body::Update { what } => format!("[{}]", what.as_deref().unwrap_or_default()),
        Body::Closed => "closed".into(),
        Body::Gap(gap) => format!("gap from {}", gap.from.timestamp() - THEN),
    }
}

fn loss(second: i64) -> Loss {
    Loss { last_sign: at(second), reason: "reset".into() }
}

/// One that has told its past, a single message.
fn live() -> Watch {
    let mut watch = watch();
    looks(&mut watch, &[ada(&["1a"])]);
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Start", "Ada: 1a (old)", ">"]);
    watch
}

async fn wait(milliseconds: u64) {
    advance(Duration::from_millis(milliseconds)).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_there_is_told_at_once_and_in_order_and_what_comes_later_after_it() {
    let mut watch = watch();
    assert!(!watch.is_seen() && watch.is_reading());
    looks(&mut watch, &[ada(&["3a", "1a"]), person("Sam", "agent", "connected", &["2a"])]);
    assert!(watch.is_seen() && watch.is_reading());
    let asked = watch.request().expect("words to ask for");
    assert_eq!(asked, ["1a", "2a", "3a"]);
    // It was heard of after everything was listed: it holds back nothing, and is no history.
    hears(&mut watch, &[ada(&["3a", "1a", "0z"]), person("Noor", "agent", "connected", &["9a"])]);
    watch.fetched(words(&["2a", "3a", "1a"]));
    assert_eq!(told(&mut watch), ["<Start", "Ada: 1a (old)", "Sam: 2a (old)", "Ada: 3a (old)", ">", "[Noor joined]"]);
    wait(250).await;
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["Ada: 0z", "Noor: 9a"]);
    assert!(watch.is_caught_up());
}

#[tokio::test(start_paused = true)]
async fn a_long_past_is_read_in_pieces_and_told_in_one() {
    let mut watch = watch();
    let ids: Vec<String> = (0..450).map(|number| format!("{number}a")).collect();
    looks(&mut watch, &[ada(&ids.iter().map(String::as_str).collect::<Vec<_>>())]);
    for size in [200, 200, 50] {
        assert!(told(&mut watch).is_empty());
        // A flood of new messages does not put off the end of the old ones.
        hears(&mut watch, &[ada(&[&format!("{}n", 500 + size)])]);
        let sizes: Vec<usize> = fetch(&mut watch).iter().map(Vec::len).collect();
        assert_eq!(sizes, [size]);
        wait(250).await;
    }
    let lines = told(&mut watch);
    assert_eq!((lines.len(), lines[1].as_str(), lines[450].as_str()), (452, "Ada: 0a (old)", "Ada: 449a (old)"));
}

#[tokio::test(start_paused = true)]
async fn only_what_is_new_enough_is_wanted_of_the_past() {
    let none = Some(DateTime::<Utc>::MAX_UTC);
    for (since, wanted) in [(Some(at(2)), &["Ada: 2a (old)", "Ada: 3a (old)"][..]), (none, &[])] {
        let mut watch = Watch::new("c1".into(), Scope::Everything, since, Why::Start);
        looks(&mut watch, &[ada(&["1a", "2a", "3a"])]);
        fetch(&mut watch);
        let lines = told(&mut watch);
        assert_eq!(lines.get(1..lines.len().saturating_sub(1)).unwrap_or_default(), wanted);
        // Later on, age is no reason.
        wait(250).await;
        hears(&mut watch, &[ada(&["1a", "1b"])]);
        fetch(&mut watch);
        assert_eq!(told(&mut watch), ["Ada: 1b"]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_joins_a_conversation_that_has_just_begun_gets_all_of_it_as_it_happens() {
    let mut watch = Watch::new("c1".into(), Scope::Everything, None, Why::Joined);
    looks(&mut watch, &[ada(&["1a", "2a"])]);
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Joined", "Ada: 1a", "Ada: 2a", ">"]);
}

#[tokio::test(start_paused = true)]
async fn an_id_is_told_once_whatever_comes_of_it() {
    let mut watch = live();
    let mut sam = person("Sam", "agent", "connected", &["2a"]);
    for status in ["sent", "delivery-success", "read", "removed"] {
        sam["messages"][0]["messageStatus"] = json!(status);
        hears(&mut watch, &[sam.clone()]);
        wait(300).await;
        fetch(&mut watch);
        looks(&mut watch, &[ada(&["1a"]), sam.clone(), person("Noor", "agent", "alerting", &["2a"])]);
        fetch(&mut watch);
    }
    assert_eq!(told(&mut watch), ["[Sam joined]", "Sam: 2a"]);
    // Another wire may have brought it.
    watch.see(list(&[ada(&["3a"])]), false, |id, _| id == "3a");
    wait(300).await;
    assert_eq!((fetch(&mut watch).len(), told(&mut watch).len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_asked_for_together_and_what_fails_again() {
    let mut watch = live();
    wait(250).await;
    hears(&mut watch, &[ada(&["5a"])]);
    assert_eq!(watch.request().expect("a request"), ["5a"]);
    hears(&mut watch, &[ada(&["4a", "2a"])]);
    assert_eq!(watch.request(), None, "one at a time");
    watch.fetch_failed();
    assert_eq!((watch.request(), watch.failures()), (None, 1));
    wait(250).await;
    assert_eq!(watch.request().expect("a request"), ["2a", "4a", "5a"]);
    watch.fetched(words(&["5a", "4a", "2a"]));
    assert_eq!((told(&mut watch), watch.failures()), (vec!["Ada: 2a".into(), "Ada: 4a".into(), "Ada: 5a".into()], 0));
}

#[tokio::test(start_paused = true)]
async fn words_that_lag_are_asked_for_again_for_a_minute_and_hold_back_nothing() {
    let mut watch = live();
    let start = Instant::now();
    wait(250).await;
    hears(&mut watch, &[ada(&["2a"])]);
    assert_eq!(watch.request().expect("a request"), ["2a"]);
    watch.fetched(Vec::new());
    hears(&mut watch, &[ada(&["3a"])]);
    wait(250).await;
    assert_eq!(watch.request().expect("a request"), ["3a"]);
    watch.fetched(words(&["3a"]));
    assert_eq!(told(&mut watch), ["Ada: 3a"], "it waits for nobody");
    assert!(!watch.is_caught_up());
    let mut asked = 0;
    while told(&mut watch).is_empty() {
        advance(watch.fetch_due().expect("a next time") - Instant::now()).await;
        asked += watch.request().map_or(0, |ids| ids.len());
        assert!(start.elapsed() < Duration::from_secs(70));
        let body = parse_bulk(r#"{"entities": [{"id": "2a", "normalizedMessage": {"text": ""}}]}"#).expect("a listing");
        watch.fetched(body);
    }
    assert!((Duration::from_secs(60)..Duration::from_secs(70)).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert!((8..15).contains(&asked), "{asked}");
    assert!(watch.is_caught_up());
    wait(100_000).await;
    assert!(watch.request().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_never_had_words_is_said_to_have_none() {
    let mut watch = watch();
    looks(&mut watch, &[ada(&["1a", "2a"])]);
    watch.request().expect("a request");
    watch.fetched(words(&["2a"]));
    assert_eq!(
        told(&mut watch),
        ["<Start", "Ada: nothing (old)", "Ada: 2a (old)", ">"],
        "it is old, and is not waited for"
    );
}

#[tokio::test(start_paused = true)]
async fn late_words_of_the_past_hold_back_none_of_it() {
    let mut watch = watch();
    let mut ada = ada(&["1a", "2a"]);
    ada["messages"][1]["messageTime"] = json!(Utc::now());
    looks(&mut watch, &[ada]);
    watch.request().expect("a request");
    watch.fetched(words(&["1a"]));
    assert_eq!(told(&mut watch), ["<Start", "Ada: 1a (old)", ">"]);
    wait(500).await;
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["Ada: 2a (old)"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_comes_in_order_before_anything_newer() {
    let mut watch = live();
    watch.resume(&loss(5));
    assert_eq!(watch.looks.due, Some(Instant::now()));
    hears(&mut watch, &[ada(&["9a"])]);
    wait(250).await;
    fetch(&mut watch);
    assert!(told(&mut watch).is_empty(), "it may not be the first that was missed");
    looks(&mut watch, &[ada(&["1a", "7a", "6a", "9a"]), person("Sam", "agent", "connected", &["8a"])]);
    wait(250).await;
    fetch(&mut watch);
    let missed = ["<Missed", "[Sam joined]", "Ada: 6a (old)", "Ada: 7a (old)", "Sam: 8a (old)", "Ada: 9a (old)", ">"];
    assert_eq!(told(&mut watch), missed);
    watch.resume(&loss(20));
    looks(&mut watch, &[ada(&["1a", "7a", "6a", "9a"])]);
    assert!(told(&mut watch).is_empty() && watch.is_caught_up(), "nothing was missed");
}

#[tokio::test(start_paused = true)]
async fn what_was_wanted_before_a_loss_comes_before_what_was_missed() {
    for under_way in [false, true] {
        let mut watch = live();
        wait(250).await;
        hears(&mut watch, &[ada(&["2a"])]);
        let asked = under_way.then(|| watch.request().expect("a request"));
        watch.resume(&loss(5));
        looks(&mut watch, &[ada(&["1a", "2a", "6a"])]);
        if asked.is_some() {
            watch.fetched(words(&["2a"]));
            wait(250).await;
        }
        fetch(&mut watch);
        assert_eq!(told(&mut watch), ["<Missed", "Ada: 2a", "Ada: 6a (old)", ">"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_from_before_the_loss_does_not_end_the_search() {
    let mut watch = live();
    watch.begin_look(Duration::from_secs(25));
    watch.resume(&loss(5));
    watch.see(list(&[ada(&["1a"])]), true, unknown);
    assert!(watch.is_recovering());
    looks(&mut watch, &[ada(&["1a", "6a"])]);
    wait(250).await;
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Missed", "Ada: 6a (old)", ">"]);
}

#[tokio::test(start_paused = true)]
async fn a_loss_before_the_past_was_read_changes_nothing_about_it() {
    let mut watch = watch();
    looks(&mut watch, &[ada(&["1a"])]);
    watch.request().expect("a request");
    watch.fetch_failed();
    watch.resume(&loss(5));
    wait(250).await;
    looks(&mut watch, &[ada(&["1a", "6a"])]);
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Start", "Ada: 1a (old)", "Ada: 6a (old)", ">"]);
}

#[tokio::test(start_paused = true)]
async fn words_that_come_are_no_patience_with_looks_that_fail() {
    let mut watch = live();
    watch.look_failed(Instant::now());
    watch.resume(&loss(5));
    for failures in 1..=6 {
        assert_eq!(watch.failures(), failures - 1);
        watch.begin_look(Duration::from_secs(25));
        watch.look_failed(Instant::now());
        hears(&mut watch, &[ada(&[&format!("{failures}b")])]);
        wait(250).await;
        fetch(&mut watch);
    }
    assert_eq!(watch.failures(), 6);
    watch.despair();
    let told = told(&mut watch);
    assert_eq!((told.len(), told[0].as_str(), told[1].as_str()), (9, "gap from 5", "<Missed"));
}

#[tokio::test(start_paused = true)]
async fn a_past_that_cannot_be_had_is_one_gap_a_loss() {
    let mut watch = watch_of(Scope::Past);
    watch.despair();
    assert!(told(&mut watch).is_empty() && !watch.is_reading(), "none at the start");
    for second in [5, 10] {
        watch.resume(&loss(second));
        watch.despair();
        watch.despair();
        assert_eq!(told(&mut watch), [format!("gap from {second}")]);
    }
    assert_eq!(watch.looks.due, None, "told later, it would stand among newer messages");
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_hope_was_lost_comes_after_the_gap_and_the_rest_with_the_next() {
    let mut watch = watch_of(Scope::Past);
    looks(&mut watch, &[ada(&[])]);
    watch.resume(&loss(5));
    let mut ids: Vec<String> = (6..206).map(|number| format!("{number}a")).collect();
    ids.push("300a".into());
    looks(&mut watch, &[ada(&ids.iter().map(String::as_str).collect::<Vec<_>>())]);
    watch.request().expect("the first two hundred");
    watch.fetched(words(&ids[..200].iter().map(String::as_str).collect::<Vec<_>>()));
    watch.despair();
    let lines = told(&mut watch);
    assert_eq!((lines.len(), &lines[..3]), (203, &["gap from 5".into(), "<Missed".into(), "Ada: 6a (old)".into()][..]));
    assert!(watch.fetch_due().is_none(), "what is told later than the gap is told in disorder");
    watch.resume(&loss(400));
    looks(&mut watch, &[ada(&["300a", "401a"])]);
    wait(250).await;
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Missed", "Ada: 300a (old)", "Ada: 401a (old)", ">"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_the_start_is_not_missed_in_a_later_loss() {
    let mut watch = watch_of(Scope::Past);
    watch.despair();
    watch.resume(&loss(5));
    let mut ada = ada(&["1a", "2a"]);
    ada["messages"][1]["messageTime"] = json!(Utc::now() + chrono::TimeDelta::seconds(1));
    looks(&mut watch, &[ada]);
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Missed", "Ada: 2a (old)", ">"]);
}

#[tokio::test(start_paused = true)]
async fn changes_are_told_once_and_only_those_after_the_start() {
    let mut watch = watch();
    looks(&mut watch, &[ada(&[]), person("Billing", "acd", "terminated", &[])]);
    assert!(told(&mut watch).is_empty());
    let mut sam = person("Sam", "agent", "alerting", &[]);
    let steps: [(&str, &str, &[&str]); 5] = [
        ("alerting", "", &[]),
        ("connected", "", &["[Sam joined]"]),
        ("connected", "", &[]),
        ("disconnected", "transfer", &["[Sam transferred the conversation]"]),
        ("disconnected", "transfer", &[]),
    ];
    for (state, how, wanted) in steps {
        (sam["state"], sam["disconnectType"]) = (json!(state), json!(how));
        hears(&mut watch, &[sam.clone()]);
        assert_eq!(told(&mut watch), wanted, "{state}");
        looks(&mut watch, &[ada(&[]), sam.clone()]);
        assert!(told(&mut watch).is_empty(), "{state}");
    }
    watch.resume(&loss(5));
    looks(&mut watch, &[ada(&[]), sam, person("Noor", "agent", "disconnected", &[])]);
    assert!(told(&mut watch).is_empty(), "who never came does not leave");
}

#[tokio::test(start_paused = true)]
async fn a_change_stands_in_its_place_among_messages() {
    let mut watch = live();
    wait(250).await;
    let mut sam = person("Sam", "agent", "connected", &["4a"]);
    sam["connectedTime"] = json!(at(3));
    hears(&mut watch, &[ada(&["2a"]), sam]);
    assert!(told(&mut watch).is_empty());
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["Ada: 2a", "[Sam joined]", "Sam: 4a"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_waits_for_messages_before_it_that_are_not_asked_for_yet() {
    let mut watch = live();
    wait(250).await;
    hears(&mut watch, &[ada(&["2a"])]);
    watch.request().expect("a request");
    let mut sam = person("Sam", "agent", "connected", &[]);
    sam["connectedTime"] = json!(at(4));
    hears(&mut watch, &[ada(&["3a"]), sam]);
    watch.fetched(words(&["2a"]));
    assert_eq!(told(&mut watch), ["Ada: 2a"]);
    wait(250).await;
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["Ada: 3a", "[Sam joined]"]);
}

#[tokio::test(start_paused = true)]
async fn the_end_is_told_after_one_more_look_some_seconds_later() {
    let mut watch = live();
    let gone = |messages: &[&str]| [person("Ada", "customer", "disconnected", messages)];
    hears(&mut watch, &gone(&["1a"]));
    assert!(watch.is_ending() && !watch.is_caught_up());
    let due = watch.looks.due.expect("a look") - Instant::now();
    assert_eq!(due, Duration::from_secs(3));
    looks(&mut watch, &gone(&["1a"]));
    assert_eq!(told(&mut watch), ["[Ada left]"], "too early a look does not count");
    wait(3000).await;
    looks(&mut watch, &gone(&["1a", "2a"]));
    assert!(told(&mut watch).is_empty());
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["Ada: 2a", "closed"]);
    looks(&mut watch, &gone(&["1a", "2a"]));
    assert!(told(&mut watch).is_empty(), "once");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_none_is_taken_back() {
    let mut watch = live();
    hears(&mut watch, &[person("Ada", "customer", "disconnected", &[])]);
    wait(3000).await;
    looks(&mut watch, &[person("Ada", "customer", "disconnected", &[]), person("Sam", "agent", "parked", &[])]);
    assert!(!watch.is_ending(), "who is parked may come back");
    assert_eq!(told(&mut watch), ["[Ada left]", "[Sam joined]"]);
}

#[tokio::test(start_paused = true)]
async fn a_customer_who_leaves_only_makes_us_look() {
    let mut watch = live();
    let sam = || person("Sam", "agent", "connected", &[]);
    looks(&mut watch, &[ada(&[]), sam()]);
    for round in 0..2 {
        wait(5000).await;
        hears(&mut watch, &[person("Ada", "customer", "disconnected", &[]), sam()]);
        assert_eq!(watch.looks.due, Some(Instant::now()), "round {round}");
        looks(&mut watch, &[person("Ada", "customer", "disconnected", &[]), sam()]);
        assert!(!watch.is_ending());
        assert_eq!(watch.looks.due, Some(Instant::now() + Duration::from_secs(25)), "once is enough");
        hears(&mut watch, &[person("Ada", "customer", "disconnected", &[]), sam()]);
        assert_eq!(watch.looks.due, Some(Instant::now() + Duration::from_secs(25)));
        hears(&mut watch, &[person("Ada", "customer", "connected", &[]), sam()]);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_was_over_long_ago_is_told_and_done_with() {
    let mut watch = watch();
    let mut over = list(&[person("Ada", "customer", "disconnected", &["1a"])]);
    over.ended = Some(at(9));
    watch.see(over, true, unknown);
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Start", "Ada: 1a (old)", ">", "closed"]);
}

#[tokio::test(start_paused = true)]
async fn a_hint_asks_for_a_look_and_a_flood_of_them_for_few() {
    let mut watch = live();
    watch.look_soon();
    assert_eq!(watch.looks.due.expect("a look") - Instant::now(), Duration::from_secs(1));
    wait(1500).await;
    watch.look_soon();
    assert_eq!(watch.looks.due, Some(Instant::now() - Duration::from_millis(500)), "it is due already");
}

fn heard(id: &str, side: &str, last: bool) -> Transcription {
    let heard = json!({ "utteranceId": id, "isFinal": last, "channel": side,
        "alternatives": [{ "decoratedTranscript": id, "words": [{ "startTimeMs": at(second(id)).timestamp_millis() }] }] });
    Transcription::of(&json!({ "transcripts": [heard] }))
}

fn on_call() -> Watch {
    let mut watch = watch();
    let mut ada = ada(&[]);
    ada["calls"] = json!([{ "id": "x", "state": "connected" }]);
    looks(&mut watch, &[ada, person("Sam", "agent", "connected", &[])]);
    assert!(watch.has_calls() && told(&mut watch).is_empty());
    watch
}

#[tokio::test(start_paused = true)]
async fn what_is_heard_on_a_call_is_told_when_it_is_final_and_by_who_is_there() {
    let mut watch = on_call();
    wait(1000).await;
    watch.hear(heard("1a", "EXTERNAL", false));
    assert!(told(&mut watch).is_empty(), "a hypothesis");
    watch.hear(heard("1a", "EXTERNAL", true));
    watch.hear(heard("2a", "INTERNAL", true));
    watch.hear(heard("3a", "BOTH", true));
    assert!(told(&mut watch).len() < 3, "who it is may be about to be found out");
    looks(&mut watch, &[ada(&[])]);
    wait(1000).await;
    watch.hear(heard("4a", "INTERNAL", true));
    assert_eq!(told(&mut watch).last().map(String::as_str), Some("Sam: 4a"));
}

#[tokio::test(start_paused = true)]
async fn what_was_said_on_a_call_during_a_loss_is_a_gap_and_after_its_end_is_none() {
    let mut watch = on_call();
    for second in [5, 10] {
        watch.resume(&loss(second));
        assert_eq!(told(&mut watch), [format!("gap from {second}")]);
    }
    watch.despair();
    assert!(told(&mut watch).is_empty(), "once");
    watch.hear(Transcription { ended: true, ..Transcription::default() });
    watch.resume(&loss(15));
    assert!(told(&mut watch).is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_while_a_name_is_awaited() {
    let mut watch = watch();
    let mut nameless = person("p", "agent", "connected", &["1a"]);
    (nameless["name"], nameless["userId"]) = (json!(null), json!("u1"));
    looks(&mut watch, &[nameless]);
    assert_eq!(watch.people.nameless(), ["u1"]);
    watch.people.ask("u1");
    assert_eq!((watch.request(), watch.fetch_due()), (None, None));
    watch.people.name("u1", Some(&"Sam".to_owned()));
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Start", "Sam: 1a (old)", ">"]);
}

#[tokio::test(start_paused = true)]
async fn ids_that_no_list_has_any_more_are_forgotten_some_time() {
    let mut watch = live();
    let ids: Vec<String> = (2..STALE + 100).map(|number| format!("{number}a")).collect();
    watch.see(list(&[ada(&ids.iter().map(String::as_str).collect::<Vec<_>>())]), false, |_, _| true);
    assert!(watch.known.len() > STALE);
    looks(&mut watch, &[ada(&["1a"])]);
    assert_eq!(watch.known.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn signs_are_told_without_a_request() {
    let mut watch = live();
    wait(250).await;
    let mut ada = ada(&["2a"]);
    ada["messages"][0]["messageMetadata"] = json!({ "type": "Event", "events": [{ "eventType": "Typing" }] });
    hears(&mut watch, &[ada]);
    assert_eq!(watch.request(), None);
    let Some(Out::Live(Told { body: Body::Message(message), .. })) = watch.take().pop() else { panic!("a message") };
    assert_eq!(message.role, Role::System);
}
