//! Notifications: conversations that are joined, and facts about the service.

use super::*;

#[test]
fn at_most_ten_thousand_conversations_are_joined_and_the_limit_is_reported_once() {
    let mut scenario = Scenario::of_queue();
    let Scenario { tracker, now, dedup } = &mut scenario;
    (1..MAX_CONVERSATIONS).for_each(|number| tracker.follow_discovered(&number.to_string(), *now, dedup));
    let open = |number: usize| notification(&number.to_string(), &[customer(&[])]);
    (0..5).for_each(|number| scenario.notify(open(MAX_CONVERSATIONS + number)));
    assert_eq!(scenario.tracker.conversation_count(), MAX_CONVERSATIONS);
    assert_eq!(scenario.warnings(), [Warning::TooManyConversations]);
    scenario.tracker.stop_following("7");
    scenario.notify(open(MAX_CONVERSATIONS + 7));
    let count = scenario.tracker.conversation_count();
    assert_eq!(count, MAX_CONVERSATIONS, "one has ended, and another one takes its place");
}

#[test]
fn a_service_message_is_emitted_as_a_warning() {
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    scenario.notify(Notification::RequestRefused("no".to_owned()));
    assert_eq!(scenario.warnings(), [Warning::ServiceMessage("no".to_owned())]);
}

#[test]
fn a_conversation_of_a_queue_is_joined_with_its_first_notification() {
    let mut scenario = Scenario::of_queue();
    scenario.notify(notification("c1", &[customer(&["m1"])]));
    scenario.notify(notification("ended", &[left(customer(&["m1"]))]));
    scenario.notify(notification("not/an/id", &[customer(&["m1"])]));
    assert_eq!(scenario.requests(), [Request::Snapshot("c1".into()), observe()]);
    scenario.snapshot("c1", &[customer(&["m1"])]);
    assert_eq!(scenario.requests(), [request_messages("c1", &["m1"])]);
    scenario.bodies("c1", &["m1"]);
    assert_eq!(scenario.events(), ["c1 Joined: m1"]);
}

#[test]
fn only_named_conversations_are_followed_without_a_queue_or_user() {
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    scenario.notify(notification("c2", &[customer(&["m1"])]));
    assert_eq!(scenario.tracker.conversation_count(), 1);
}

#[test]
fn a_notification_before_the_first_snapshot_tells_nothing() {
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    scenario.notify(notification("c1", &[customer(&["m2"])]));
    assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())]);
    scenario.snapshot("c1", &[customer(&["m1"])]);
    assert_eq!(scenario.requests(), [request_messages("c1", &["m1"])]);
    scenario.bodies("c1", &["m1"]);
    assert_eq!(scenario.events(), ["c1 Startup: [m1]"]);
    scenario.advance(250);
    scenario.notify(notification("c1", &[customer(&["m2"])]));
    assert_eq!(scenario.requests(), [request_messages("c1", &["m2"])]);
}

#[test]
fn an_ended_conversation_is_not_joined_again() {
    let mut scenario = Scenario::of_queue();
    scenario.tracker.follow_discovered("c1", scenario.now, &scenario.dedup);
    scenario.tracker.stop_following("c1");
    scenario.notify(notification("c1", &[customer(&["m1"])]));
    assert_eq!(scenario.tracker.conversation_count(), 0);
}

#[test]
fn a_detail_event_brings_the_next_snapshot_forward() {
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    scenario.requests();
    scenario.snapshot("c1", &[customer(&[])]);
    assert_eq!(scenario.time_to_request(), Some(Duration::from_secs(15)));
    scenario.advance(4000);
    scenario.notify(Notification::DetailEvent { conversation: "c1".into(), event: "user.start".into() });
    assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())]);
}
