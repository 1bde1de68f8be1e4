//! Events and bodies that come otherwise than one would wish.

use futures_util::future::join_all;

use crate::{TALK, api, flood, long_tail, named, numbers, tail, texts};

#[tokio::test]
async fn whatever_is_odd_about_events_and_bodies_each_message_is_told_once() {
    let oddities: &[&[&str]] = &[
        &["rest:newest-first"],
        &["rest:omit=1,times=3"],
        &["rest:late-body=700ms"],
        &["rest:textbody"],
        &["rest:empty,path=/bulk"],
        &["rest:not-json,path=/bulk"],
        &["notify:duplicate"],
        &["notify:reorder,after=1"],
        &["notify:lose=3,after=2"],
        &["notify:truncate=1"],
        &["notify:status-updates"],
        &["notify:unknown,after=2"],
        &["notify:malformed,after=2"],
        &["notify:binary-junk,after=2"],
        &["notify:duplicate", "rest:late-body=300ms", "rest:newest-first", "notify:status-updates", "rest:textbody"],
    ];
    join_all(oddities.iter().map(async |faults| {
        let simulator = api(TALK, faults).await;
        let (finished, ledger) = tail(&simulator, &[]).await;
        assert_eq!(finished.code, Some(0), "{faults:?}: {}", finished.stderr);
        let mut told = texts(&finished);
        if faults.iter().any(|fault| fault.contains("late") || fault.contains("omit")) {
            // What lags holds back nothing.
            told.sort_by_key(|text| ["one", "two", "three"].iter().position(|one| one == text));
        }
        assert_eq!(told, ["one", "two", "three"], "{faults:?}: {}", finished.stdout);
        assert_eq!((ledger.listeners.len(), finished.stdout.matches("Sam joined").count()), (1, 1), "{faults:?}");
        let unreadable = faults[0].contains("malformed") || faults[0].contains("junk") || faults[0].contains("unknown");
        assert_eq!(finished.stderr.contains("cannot be read"), unreadable, "{faults:?}: {}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn a_thousand_messages_in_ten_seconds_cost_few_requests_and_each_is_told_once() {
    // Events that repeat a thousand messages are more than a build for tests can make and read at that pace.
    let simulator = flood(1000, 100.0, &["notify:truncate=20"]).await;
    let (finished, ledger) = long_tail(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(numbers(&finished), (1..=1000).collect::<Vec<_>>());
    eprintln!("took {:?}", ledger.listeners[0].closed.unwrap() - ledger.listeners[0].opened);
    let start = ledger.listeners[0].opened;
    let requests = ledger.requests.iter().filter(|request| request.at > start).count();
    eprintln!("{requests} requests");
    assert!(requests <= 60, "{requests} requests");
    assert_eq!(ledger.listeners.len(), 1);
}

#[tokio::test]
async fn an_afternoon_is_told_in_all_of_its_lines() {
    let simulator = named("billing", 10.0, &[]).await;
    let (finished, _) = tail(&simulator, &["--system"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    println!("{}", finished.stdout);
}
