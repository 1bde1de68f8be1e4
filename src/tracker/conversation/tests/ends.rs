//! The end of a conversation, and the snapshots that confirm it.

use super::*;

#[test]
fn the_end_is_emitted_after_a_final_snapshot_three_seconds_later() {
    let mut scenario = Scenario::live();
    let left = |messages: &[&str]| [participant("Ada", "customer", "disconnected", messages)];
    scenario.notification(&left(&["1a"]));
    assert!(scenario.conversation.is_ending() && !scenario.conversation.is_caught_up());
    assert_eq!(scenario.time_to_poll(), Some(Duration::from_secs(3)));
    scenario.snapshot(&left(&["1a"]));
    assert_eq!(scenario.events(), ["[Ada left]"], "an earlier snapshot is not the final one");
    scenario.advance(3000);
    scenario.snapshot(&left(&["1a", "2a"]));
    assert!(scenario.events().is_empty());
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["Ada: 2a", "closed"]);
    scenario.snapshot(&left(&["1a", "2a"]));
    assert!(scenario.events().is_empty(), "once");
}

#[test]
fn a_participant_who_joins_after_a_supposed_end_keeps_the_conversation_open() {
    let mut scenario = Scenario::live();
    let ada = || participant("Ada", "customer", "disconnected", &[]);
    scenario.notification(&[ada()]);
    scenario.advance(3000);
    scenario.snapshot(&[ada(), participant("Sam", "agent", "parked", &[])]);
    assert!(!scenario.conversation.is_ending(), "a parked participant may come back");
    assert_eq!(scenario.events(), ["[Ada left]", "[Sam joined]"]);
}

#[test]
fn a_customer_who_leaves_causes_one_snapshot_and_no_end() {
    let mut scenario = Scenario::live();
    let sam = || participant("Sam", "agent", "connected", &[]);
    let ada = |state| participant("Ada", "customer", state, &[]);
    scenario.snapshot(&[ada("connected"), sam()]);
    for round in 0..2 {
        scenario.advance(5000);
        scenario.notification(&[ada("disconnected"), sam()]);
        assert_eq!(scenario.time_to_poll(), Some(Duration::ZERO), "round {round}");
        scenario.snapshot(&[ada("disconnected"), sam()]);
        assert!(!scenario.conversation.is_ending());
        assert_eq!(scenario.time_to_poll(), Some(POLL_PERIOD), "one snapshot is enough");
        scenario.notification(&[ada("disconnected"), sam()]);
        assert_eq!(scenario.time_to_poll(), Some(POLL_PERIOD));
        scenario.notification(&[ada("connected"), sam()]);
    }
}

#[test]
fn a_conversation_that_ended_long_ago_needs_no_final_snapshot() {
    let mut scenario = Scenario::new();
    let mut ended = snapshot(&[participant("Ada", "customer", "disconnected", &["1a"])]);
    ended.ended_at = Some(at(9));
    scenario.apply(ended, SnapshotKind::Complete);
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["<Startup", "Ada: 1a (old)", ">", "closed"]);
}

#[test]
fn a_flood_of_hints_brings_one_snapshot_forward() {
    let mut scenario = Scenario::live();
    scenario.conversation.poll_soon(scenario.now.mono);
    assert_eq!(scenario.time_to_poll(), Some(Duration::from_secs(1)));
    let due = scenario.conversation.next_poll_at();
    scenario.advance(1500);
    scenario.conversation.poll_soon(scenario.now.mono);
    assert_eq!(scenario.conversation.next_poll_at(), due, "the snapshot is overdue, and is not put off");
}
