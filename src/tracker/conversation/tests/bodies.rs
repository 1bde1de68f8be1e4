//! Words that are asked for, and come late or never.

use super::*;

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
        ["<Startup", "Ada: nothing (old)", "Ada: 2a (old)", ">"],
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
    assert_eq!(told(&mut watch), ["<Startup", "Ada: 1a (old)", ">"]);
    wait(500).await;
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["Ada: 2a (old)"]);
}
