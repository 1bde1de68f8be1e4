//! The progress of everything that is followed.

use super::*;

#[test]
fn conversations_go_from_backfilling_to_following_to_ending_to_done() {
    let mut scenario = Scenario::of(Mode::Full, &["c1", "c2"]);
    assert_eq!(scenario.tracker.status(), Status::Backfilling);
    scenario.requests();
    for id in ["c1", "c2"] {
        scenario.snapshot(id, &[customer(&["m1"])]);
        assert_eq!(scenario.tracker.status(), Status::Backfilling);
    }
    assert_eq!(scenario.requests().len(), 2);
    scenario.bodies("c1", &["m1"]);
    assert_eq!(scenario.tracker.status(), Status::Backfilling, "of the other one");
    scenario.bodies("c2", &["m1"]);
    assert_eq!(scenario.tracker.status(), Status::Following);
    assert!(!scenario.tracker.is_caught_up(), "events wait");
    assert_eq!(scenario.events().len(), 2);
    assert!(scenario.tracker.is_caught_up());

    for (id, status) in [("c1", Status::Following), ("c2", Status::Ending)] {
        scenario.notify(notification(id, &[left(customer(&["m1"]))]));
        assert_eq!(scenario.tracker.status(), status);
    }
    scenario.advance(3000);
    assert_eq!(scenario.requests().len(), 2);
    for id in ["c1", "c2"] {
        scenario.snapshot(id, &[left(customer(&["m1"]))]);
    }
    assert_eq!(scenario.tracker.status(), Status::Ending, "until the user has the end");
    assert_eq!(scenario.events(), ["c1: Ada left", "c2: Ada left", "c1: closed", "c2: closed"]);
    assert_eq!((scenario.tracker.status(), scenario.tracker.conversation_count()), (Status::Done, 0));
}

#[test]
fn an_outage_is_backfilled_again() {
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    scenario.requests();
    scenario.snapshot("c1", &[customer(&[])]);
    assert_eq!(scenario.tracker.status(), Status::Following);
    scenario.reconnect(5);
    assert_eq!(scenario.tracker.status(), Status::Backfilling);
    scenario.requests();
    scenario.snapshot("c1", &[customer(&["m1"])]);
    scenario.requests();
    scenario.bodies("c1", &["m1"]);
    assert_eq!((scenario.tracker.status(), scenario.events()), (Status::Following, vec!["c1 Outage: [m1]".to_owned()]));
}

#[test]
fn a_queue_is_never_done() {
    let mut scenario = Scenario::of_queue();
    assert_eq!(scenario.tracker.status(), Status::Following);
    scenario.follow("c1");
    scenario.requests();
    let mut ended = snapshot("c1", &[left(customer(&[]))]);
    ended.ended_at = Some(at(-3600));
    assert_eq!(scenario.respond(Response::Snapshot { conversation: "c1".into(), result: Ok(ended) }), None);
    assert_eq!(scenario.tracker.status(), Status::Following);
    assert_eq!(scenario.events(), ["c1: closed"]);
    assert_eq!(scenario.tracker.status(), Status::Following);
}

#[test]
fn the_first_unknown_conversation_is_one_only_until_any_is_known() {
    let mut scenario = Scenario::of(Mode::Full, &["c2", "c1"]);
    assert_eq!(scenario.tracker.first_unknown(), Some("c1"));
    scenario.requests();
    scenario.fail_snapshot("c1", forbidden());
    assert_eq!(scenario.tracker.first_unknown(), Some("c2"));
    scenario.follow("c3");
    scenario.snapshot("c2", &[customer(&[])]);
    assert_eq!(scenario.tracker.first_unknown(), None);
}
