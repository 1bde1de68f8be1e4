//! Membership changes.

use super::*;

#[test]
fn membership_changes_are_emitted_once_and_only_those_after_the_start() {
    let mut scenario = Scenario::new();
    scenario.snapshot(&[ada(&[]), participant("Billing", "acd", "terminated", &[])]);
    assert!(scenario.events().is_empty());
    let mut sam = participant("Sam", "agent", "alerting", &[]);
    let steps: [(&str, &str, &[&str]); 5] = [
        ("alerting", "", &[]),
        ("connected", "", &["[Sam joined]"]),
        ("connected", "", &[]),
        ("disconnected", "transfer", &["[Sam transferred the conversation]"]),
        ("disconnected", "transfer", &[]),
    ];
    for (state, disconnect_type, expected) in steps {
        (sam["state"], sam["disconnectType"]) = (json!(state), json!(disconnect_type));
        scenario.notification(&[sam.clone()]);
        assert_eq!(scenario.events(), expected, "{state}");
        scenario.snapshot(&[ada(&[]), sam.clone()]);
        assert!(scenario.events().is_empty(), "{state}");
    }
    scenario.reconnect(5);
    let mut noor = participant("Noor", "agent", "disconnected", &[]);
    noor["connectedTime"] = Value::Null;
    scenario.snapshot(&[ada(&[]), sam, noor]);
    assert!(scenario.events().is_empty(), "an agent who never answered does not leave");
}

#[test]
fn an_agent_who_came_and_left_between_two_snapshots_is_told_both() {
    let mut scenario = Scenario::live();
    scenario.snapshot(&[ada(&[]), participant("Noor", "agent", "disconnected", &[])]);
    assert_eq!(scenario.events(), ["[Noor joined]", "[Noor left]"]);
    scenario.snapshot(&[ada(&[]), participant("Noor", "agent", "disconnected", &[])]);
    assert!(scenario.events().is_empty());
}

#[test]
fn a_membership_change_keeps_its_place_among_messages() {
    let mut scenario = Scenario::live();
    scenario.advance(250);
    let mut sam = participant("Sam", "agent", "connected", &["4a"]);
    sam["connectedTime"] = json!(at(3));
    scenario.notification(&[ada(&["2a"]), sam]);
    assert!(scenario.events().is_empty());
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["Ada: 2a", "[Sam joined]", "Sam: 4a"]);
}

#[test]
fn a_membership_change_follows_earlier_messages_that_were_not_requested_yet() {
    let mut scenario = Scenario::live();
    scenario.advance(250);
    scenario.notification(&[ada(&["2a"])]);
    scenario.start_request().expect("a request");
    let mut sam = participant("Sam", "agent", "connected", &[]);
    sam["connectedTime"] = json!(at(4));
    scenario.notification(&[ada(&["3a"]), sam]);
    scenario.answer(&["2a"]);
    assert_eq!(scenario.events(), ["Ada: 2a"]);
    scenario.advance(250);
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["Ada: 3a", "[Sam joined]"]);
}
