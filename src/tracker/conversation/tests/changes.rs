//! Who joins and leaves.

use super::*;

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
