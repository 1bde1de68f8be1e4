//! History, and the order of the events around it.

use super::*;

#[test]
fn history_is_emitted_together_and_in_order_before_later_events() {
    let mut scenario = Scenario::new();
    assert!(!scenario.conversation.is_known() && scenario.conversation.is_backfilling());
    scenario.snapshot(&[ada(&["3a", "1a"]), participant("Sam", "agent", "connected", &["2a"])]);
    assert!(scenario.conversation.is_known() && scenario.conversation.is_backfilling());
    assert_eq!(scenario.start_request().expect("a request"), ["1a", "2a", "3a"]);
    // A message that is announced after the history was listed neither delays it nor belongs to it.
    scenario.notification(&[ada(&["3a", "1a", "0z"]), participant("Noor", "agent", "connected", &["9a"])]);
    scenario.answer(&["2a", "3a", "1a"]);
    let history = ["<Startup", "Ada: 1a (old)", "Sam: 2a (old)", "Ada: 3a (old)", ">", "[Noor joined]"];
    assert_eq!(scenario.events(), history);
    scenario.advance(250);
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["Ada: 0z", "Noor: 9a"]);
    assert!(scenario.conversation.is_caught_up());
}

#[test]
fn a_long_history_is_requested_in_batches_and_emitted_as_one_backfill() {
    let mut scenario = Scenario::new();
    let ids: Vec<String> = (0..450).map(|number| format!("{number}a")).collect();
    scenario.snapshot(&[ada_with(&ids)]);
    for size in [200, 200, 50] {
        assert!(scenario.events().is_empty());
        // A flood of new messages does not delay the history.
        scenario.notification(&[ada(&[&format!("{}n", 500 + size)])]);
        let ids = scenario.start_request().expect("a request");
        assert_eq!(ids.len(), size);
        scenario.answer(&ids);
        scenario.advance(250);
    }
    scenario.answer_requests();
    let lines = scenario.events();
    assert_eq!((lines.len(), lines[1].as_str(), lines[450].as_str()), (454, "Ada: 0a (old)", "Ada: 449a (old)"));
}

#[test]
fn messages_from_before_the_wanted_history_are_skipped_at_the_start_only() {
    let no_history = DateTime::<Utc>::MAX_UTC;
    for (not_before, expected) in [(at(2), &["Ada: 2a (old)", "Ada: 3a (old)"][..]), (no_history, &[])] {
        let start = ConversationStart { not_before: Some(not_before), reason: BackfillReason::Startup };
        let mut scenario = Scenario::with(Mode::Full, start);
        scenario.snapshot(&[ada(&["1a", "2a", "3a"])]);
        scenario.answer_requests();
        let lines = scenario.events();
        assert_eq!(lines.get(1..lines.len().saturating_sub(1)).unwrap_or_default(), expected);
        scenario.advance(250);
        scenario.notification(&[ada(&["1a", "1b"])]);
        scenario.answer_requests();
        assert_eq!(scenario.events(), ["Ada: 1b"], "the age of a later message is irrelevant");
    }
}

#[test]
fn the_messages_of_a_joined_conversation_are_new_and_not_history() {
    let start = ConversationStart { not_before: None, reason: BackfillReason::Joined };
    let mut scenario = Scenario::with(Mode::Full, start);
    scenario.snapshot(&[ada(&["1a", "2a"])]);
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["<Joined", "Ada: 1a", "Ada: 2a", ">"]);
}
