//! Responses: refusals, failures and look-ups.

use super::*;

/// A conversation whose history, nothing, was read.
fn known(mode: Mode) -> Scenario {
    let mut scenario = Scenario::of(mode, &["c1"]);
    scenario.requests();
    scenario.snapshot("c1", &[customer(&[])]);
    scenario.events();
    scenario
}

#[test]
fn a_forbidden_snapshot_refuses_only_that_conversation() {
    for error in [forbidden(), not_found(), unexpected()] {
        let mut scenario = Scenario::of(Mode::Full, &["c1", "c2"]);
        assert_eq!(scenario.requests().len(), 2);
        assert_eq!(scenario.fail_snapshot("c1", error.clone()), None);
        assert_eq!(scenario.events(), [format!("c1 refused: {error}")]);
        assert_eq!(scenario.fail_snapshot("c1", error), None);
        assert!(scenario.events().is_empty(), "once");
        scenario.snapshot("c2", &[customer(&["m1"])]);
        assert_eq!(scenario.requests(), [request_messages("c2", &["m1"])]);
        assert_eq!(scenario.fail_bodies("c2", forbidden()), None);
        assert_eq!(scenario.events(), [format!("c2 refused: {}", forbidden())]);
        assert!(scenario.tracker.is_done() && scenario.requests().is_empty());
    }
}

#[test]
fn a_failed_snapshot_is_repeated_after_a_pause_and_a_missing_one_at_the_next_poll() {
    let snapshot = || [Request::Snapshot("c1".into())];
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    for error in [unavailable(), rate_limited()] {
        assert_eq!(scenario.requests(), snapshot());
        assert_eq!(scenario.fail_snapshot("c1", error.clone()), Some(error));
    }
    assert_eq!(scenario.requests(), snapshot());
    scenario.snapshot("c1", &[customer(&[])]);
    for error in [unavailable(), unexpected()] {
        scenario.advance(15_000);
        assert_eq!(scenario.requests(), snapshot());
        assert_eq!(scenario.fail_snapshot("c1", error.clone()), Some(error), "of a known conversation");
    }
}

/// (R2, CONN-19, CONN-20)
#[test]
fn a_snapshot_that_is_refused_after_a_success_is_repeated_and_then_the_conversation_is_refused() {
    for error in [forbidden(), not_found(), unauthorized(), unexpected()] {
        let mut scenario = known(Mode::Full);
        scenario.advance(15_000);
        for delay in [1, 2, 4, 8, 16] {
            assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())]);
            let repeated = scenario.fail_snapshot("c1", error.clone());
            let is_of_all = matches!(error, RestError::Unauthorized { .. } | RestError::UnexpectedResponse { .. });
            assert_eq!(repeated, is_of_all.then(|| error.clone()), "a refusal of one conversation delays no other");
            assert_eq!(scenario.warnings().len(), usize::from(delay == 1 && !is_of_all), "{error} once");
            assert_eq!(
                (scenario.time_to_request(), scenario.events()),
                (Some(Duration::from_secs(delay.min(15))), vec![])
            );
            scenario.advance(delay * 1000);
        }
        assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())]);
        assert_eq!(scenario.fail_snapshot("c1", error.clone()), None);
        assert_eq!(scenario.events(), [format!("c1 refused: {error}")]);
    }
}

#[test]
fn a_success_between_refused_snapshots_starts_the_count_anew() {
    let mut scenario = known(Mode::Full);
    for _ in 0..20 {
        scenario.advance(15_000);
        scenario.requests();
        assert_eq!(scenario.fail_snapshot("c1", forbidden()), None);
        scenario.advance(1_000);
        scenario.requests();
        scenario.snapshot("c1", &[customer(&[])]);
    }
    assert_eq!(scenario.events(), Vec::<String>::new());
}

/// (CONN-20)
#[test]
fn a_conversation_that_has_ended_is_closed_when_the_service_no_longer_knows_it() {
    for error in [not_found(), forbidden()] {
        let mut scenario = known(Mode::Full);
        scenario.advance(15_000);
        scenario.requests();
        scenario.snapshot("c1", &[left(customer(&[]))]);
        scenario.events();
        scenario.advance(3_000);
        assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())], "the final snapshot");
        assert_eq!(scenario.fail_snapshot("c1", error.clone()), None);
        let is_closed = scenario.events() == ["c1: closed"];
        assert_eq!((is_closed, scenario.tracker.is_done()), (error == not_found(), error == not_found()), "{error}");
    }
}

#[test]
fn bodies_that_are_refused_after_a_success_are_repeated_and_then_the_conversation_is_refused() {
    for error in [forbidden(), unauthorized()] {
        let mut scenario = Scenario::of(Mode::Full, &["c1"]);
        scenario.requests();
        scenario.snapshot("c1", &[customer(&["m1"])]);
        scenario.requests();
        scenario.bodies("c1", &["m1"]);
        assert_eq!(scenario.events(), ["c1 Startup: [m1]"]);
        scenario.notify(notification("c1", &[customer(&["m1", "m2"])]));
        for refusal in 1..=6 {
            scenario.advance(1000);
            assert_eq!(scenario.requests(), [request_messages("c1", &["m2"])]);
            let repeated = (refusal <= 5).then(|| error.clone());
            assert_eq!(scenario.fail_bodies("c1", error.clone()), repeated, "{refusal}");
        }
        assert_eq!(scenario.events(), [format!("c1 refused: {error}")]);
    }
}

/// (CONN-41, CONN-43)
#[test]
fn history_that_is_refused_after_a_success_is_a_gap_and_is_read_again_after_the_next_outage() {
    for error in [forbidden(), not_found(), unauthorized(), unexpected()] {
        let mut scenario = known(Mode::HistoryOnly);
        for second in [5, 10] {
            scenario.reconnect(second);
            for _ in 0..5 {
                assert!(scenario.events().is_empty() && scenario.tracker.is_backfilling());
                assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())]);
                assert_eq!(scenario.fail_snapshot("c1", error.clone()), Some(error.clone()));
            }
            assert_eq!(scenario.events(), [format!("c1: gap from {second}")]);
            assert!(!scenario.tracker.is_backfilling() && scenario.warnings().is_empty());
        }
        scenario.reconnect(15);
        scenario.requests();
        scenario.snapshot("c1", &[customer(&[])]);
        assert!(scenario.events().is_empty() && !scenario.tracker.is_backfilling());
    }
}

#[test]
fn unavailable_history_is_reported_once_and_each_outage_is_one_gap() {
    for error in [forbidden(), not_found(), unexpected()] {
        let mut scenario = Scenario::of(Mode::HistoryOnly, &["c1"]);
        assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())]);
        assert!(scenario.tracker.is_backfilling());
        assert_eq!(scenario.fail_snapshot("c1", error.clone()), None);
        assert_eq!(scenario.warnings(), [Warning::HistoryUnavailable(error.to_string())]);
        assert!(!scenario.tracker.is_backfilling() && !scenario.tracker.is_done());
        for second in [5, 10] {
            scenario.reconnect(second);
            assert_eq!(scenario.events(), [format!("c1: gap from {second}")]);
            assert!(!scenario.tracker.is_backfilling() && !scenario.tracker.has_pending_bodies());
            assert_eq!((scenario.requests(), scenario.time_to_request()), (vec![], None));
        }
        assert!(scenario.warnings().is_empty(), "once");
    }
}

#[test]
fn bodies_that_are_forbidden_make_the_history_unavailable() {
    let mut scenario = Scenario::of(Mode::HistoryOnly, &["c1"]);
    scenario.requests();
    scenario.snapshot("c1", &[customer(&["m1"])]);
    scenario.requests();
    assert_eq!(scenario.fail_bodies("c1", forbidden()), None);
    let warning = Warning::HistoryUnavailable(forbidden().to_string());
    assert_eq!((scenario.warnings(), scenario.requests()), (vec![warning], vec![]));
}

/// (CONN-41)
#[test]
fn an_outage_is_a_gap_after_five_failed_attempts_and_the_start_has_no_limit() {
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    for _ in 0..20 {
        assert_eq!(scenario.requests().len(), 1);
        assert_eq!(scenario.fail_snapshot("c1", unavailable()), Some(unavailable()));
    }
    assert!(scenario.events().is_empty());
    scenario.requests();
    scenario.snapshot("c1", &[customer(&[])]);
    scenario.reconnect(5);
    for failures in 1..=5 {
        assert!(scenario.events().is_empty(), "{failures}");
        assert_eq!(scenario.requests().len(), 1);
        assert_eq!(scenario.fail_snapshot("c1", unavailable()), Some(unavailable()));
    }
    assert_eq!(scenario.events(), ["c1: gap from 5"]);
    assert_eq!(scenario.requests().len(), 1, "polling goes on");
}

/// (CONN-41)
#[test]
fn history_that_fails_five_times_is_abandoned_until_the_next_outage() {
    let mut scenario = Scenario::of(Mode::HistoryOnly, &["c1"]);
    for _ in 0..5 {
        assert!(scenario.tracker.is_backfilling());
        assert_eq!(scenario.requests().len(), 1);
        assert_eq!(scenario.fail_snapshot("c1", unavailable()), Some(unavailable()));
    }
    assert_eq!((scenario.requests(), scenario.time_to_request(), scenario.events()), (vec![], None, vec![]));
    assert_eq!(scenario.warnings(), [Warning::HistoryUnavailable(unavailable().to_string())]);
    scenario.reconnect(5);
    assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())]);
}

#[test]
fn a_body_that_does_not_exist_leaves_its_message_without_text() {
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    scenario.requests();
    scenario.snapshot("c1", &[customer(&["m1"])]);
    scenario.requests();
    assert_eq!(scenario.fail_bodies("c1", not_found()), None);
    assert_eq!(scenario.events(), ["c1 Startup: [m1?]"]);
}

#[test]
fn an_unreadable_body_is_requested_five_times() {
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    scenario.requests();
    scenario.snapshot("c1", &[customer(&["m1"])]);
    for _ in 0..4 {
        assert_eq!(scenario.requests(), [request_messages("c1", &["m1"])]);
        assert_eq!(scenario.fail_bodies("c1", unexpected()), Some(unexpected()));
        assert!(scenario.events().is_empty());
        scenario.advance(250);
    }
    assert_eq!(scenario.requests(), [request_messages("c1", &["m1"])]);
    assert_eq!(scenario.fail_bodies("c1", unexpected()), None);
    assert_eq!(scenario.events(), ["c1 Startup: [m1?]"]);
}

#[test]
fn a_rate_limited_name_look_up_is_repeated_and_no_other_failure_is() {
    let user_name = |result| Response::UserNames { users: vec!["u1".into()], result };
    for failure in [unavailable(), forbidden(), not_found()] {
        let mut scenario = known(Mode::Full);
        scenario.notify(notification("c1", &[agent("u1")]));
        assert_eq!(scenario.requests(), [look_up("u1")]);
        assert_eq!(scenario.respond(user_name(Err(rate_limited()))), Some(rate_limited()));
        assert_eq!(scenario.requests(), [look_up("u1")]);
        assert_eq!(scenario.respond(user_name(Err(failure))), None);
        assert_eq!(scenario.requests(), []);
    }
}

#[test]
fn a_name_is_looked_up_once_for_all_conversations() {
    let mut scenario = Scenario::of(Mode::Full, &["c1", "c2"]);
    scenario.requests();
    scenario.snapshot("c1", &[customer(&["m1"]), agent("u1")]);
    assert_eq!(scenario.requests(), [look_up("u1")], "bodies wait for the names");
    let result = Ok([("u1".to_owned(), "Sam".to_owned())].into());
    assert_eq!(scenario.respond(Response::UserNames { users: vec!["u1".into()], result }), None);
    scenario.snapshot("c2", &[agent("u1")]);
    assert_eq!(scenario.requests(), [request_messages("c1", &["m1"])]);
    let participants = scenario.tracker.conversations["c2"].participants();
    let name = participants.get("u1").and_then(|agent| agent.user.as_ref()?.name.as_deref());
    assert_eq!(name, Some("Sam"));
}
