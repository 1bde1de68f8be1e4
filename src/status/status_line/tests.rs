//! The texts of the status line and the times at which it appears, on a paused clock.

use std::cell::Cell;

use tokio::time::{advance, timeout};

use super::*;
use crate::system::last_activity::LastActivity;

const SILENT_AFTER: Duration = seconds(25);

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn status_line() -> StatusLine {
    StatusLine::new(seconds(20))
}

fn connected_at(last_activity: Instant) -> ConnectionStatus {
    ConnectionStatus::connected(Some(LastActivity::new(last_activity)))
}

fn inactive_for(inactive: u64) -> ConnectionStatus {
    connected_at(Instant::now() - seconds(inactive))
}

fn first_attempt(retry: impl Into<Option<RetryCount>>) -> Attempt {
    Attempt { is_reconnect: false, retry: retry.into() }
}

fn reconnect(retry: impl Into<Option<RetryCount>>) -> Attempt {
    Attempt { is_reconnect: true, retry: retry.into() }
}

fn of_five(number: u32) -> RetryCount {
    RetryCount { number, limit: Retries::Limited(5) }
}

fn unlimited(number: u32) -> RetryCount {
    RetryCount { number, limit: Retries::Unlimited }
}

fn retrying(attempt: Attempt, wait: u64) -> ConnectionStatus {
    ConnectionStatus::Retrying { attempt, at: Instant::now() + seconds(wait) }
}

#[tokio::test(start_paused = true)]
async fn one_connection_is_described_with_its_last_activity_or_its_retry() {
    use ConnectionStatus::Connecting;
    advance(seconds(60)).await;
    for (connection, expected) in [
        (inactive_for(3), "alive, quiet for 12 min; last sign of life 3 s ago"),
        (inactive_for(31), "quiet for 12 min; no sign of life for 31 s"),
        (Connecting(first_attempt(None)), "connecting"),
        (retrying(first_attempt(of_five(1)), 2), "connecting, retry 1 of 5 in 2 s"),
        (retrying(reconnect(of_five(2)), 3), "reconnecting, retry 2 of 5 in 3 s"),
        (Connecting(reconnect(of_five(2))), "reconnecting, retry 2 of 5"),
        (retrying(reconnect(unlimited(70)), 30), "reconnecting, retry 70 in 30 s"),
    ] {
        assert_eq!(render(&[connection], seconds(750), SILENT_AFTER).as_deref(), Some(expected));
    }
    assert_eq!(render(&[], seconds(750), SILENT_AFTER), None);
}

#[tokio::test(start_paused = true)]
async fn several_connections_are_counted_by_state() {
    advance(seconds(60)).await;
    let (alive, lost) = (inactive_for(3), ConnectionStatus::Connecting(reconnect(None)));
    let new = ConnectionStatus::Connecting(first_attempt(None));
    for (connections, expected) in [
        (vec![alive.clone(), inactive_for(19)], "2 connections alive, quiet for 10 s; last signs of life within 19 s"),
        (vec![alive.clone(), lost.clone(), alive.clone()], "2 of 3 connections alive, quiet for 10 s; 1 reconnecting"),
        (vec![alive, inactive_for(40), lost], "1 of 3 connections alive, quiet for 10 s; 1 silent, 1 reconnecting"),
        (vec![new.clone(), new], "0 of 2 connections alive, quiet for 10 s; 2 connecting"),
    ] {
        assert_eq!(render(&connections, seconds(10), SILENT_AFTER).as_deref(), Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn the_usual_text_fits_a_terminal_of_80_columns_after_any_silence() {
    advance(seconds(60)).await;
    let spans = [0, 59, 60, 3599, 3600, 86_399, 86_400, 9_000_000].map(|second| format_span(seconds(second)));
    assert_eq!(spans, ["0 s", "59 s", "1 min", "59 min", "1 h 0 min", "23 h 59 min", "1 d 0 h", "104 d 4 h"]);
    let longest = render(&[inactive_for(44)], seconds(86_399), seconds(45)).unwrap();
    assert!(longest.is_ascii() && "genesys-tail: ".len() + longest.len() < 80, "{longest}");
}

/// The times of the last line of output and of the last line on stderr.
type LastLines = Cell<(Option<Instant>, Option<Instant>)>;

/// Returns each update of the next `time` seconds with its second; an empty text stands for no status line.
async fn updates(status_line: &StatusLine, last_lines: &LastLines, time: u64) -> Vec<(u64, String)> {
    let (start, updates) = (Instant::now(), RefCell::new(Vec::new()));
    let show = |text: Option<String>| updates.borrow_mut().push((start.elapsed().as_secs(), text.unwrap_or_default()));
    let silence = || status_line.silence(last_lines.get().0, last_lines.get().1);
    let _ = timeout(seconds(time), status_line.update_regularly(silence, show)).await;
    updates.into_inner()
}

fn owned<const N: usize>(updates: [(u64, &str); N]) -> Vec<(u64, String)> {
    updates.map(|(at, text)| (at, text.to_owned())).to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_is_shown_after_ten_seconds_and_then_every_five() {
    let status_line = status_line();
    let connection = status_line.add_connection();
    connection.send_replace(connected_at(Instant::now()));
    let expected = [
        (5, ""),
        (10, "alive, quiet for 10 s; last sign of life 10 s ago"),
        (15, "alive, quiet for 15 s; last sign of life 15 s ago"),
    ];
    assert_eq!(updates(&status_line, &LastLines::default(), 16).await, owned(expected));
}

#[tokio::test(start_paused = true)]
async fn a_line_of_output_ends_the_silence_and_a_line_on_stderr_only_hides_the_status_line() {
    let (status_line, last_lines) = (status_line(), LastLines::default());
    let last_activity = LastActivity::new(Instant::now());
    let connection = status_line.add_connection();
    connection.send_replace(ConnectionStatus::connected(Some(last_activity.clone())));
    let activity = async {
        for (after, is_output) in [(61, false), (22, true)] {
            sleep(seconds(after)).await;
            last_lines.set((is_output.then(Instant::now), Some(Instant::now())));
            last_activity.set(Instant::now());
        }
        pending::<()>().await;
    };
    let updates = tokio::select! {
        updates = updates(&status_line, &last_lines, 97) => updates,
        () = activity => Vec::new(),
    };
    let updates: Vec<_> = updates.into_iter().skip(10).collect();
    let expected = [
        (55, "quiet for 55 s; no sign of life for 55 s"),
        (60, "quiet for 1 min; no sign of life for 1 min"),
        (65, ""),
        (70, ""),
        (71, "alive, quiet for 1 min; last sign of life 10 s ago"),
        (76, "alive, quiet for 1 min; last sign of life 15 s ago"),
        (81, "alive, quiet for 1 min; last sign of life 20 s ago"),
        (86, ""),
        (91, ""),
        (93, "alive, quiet for 10 s; last sign of life 10 s ago"),
    ];
    assert_eq!(updates, owned(expected));
}

#[tokio::test(start_paused = true)]
async fn the_text_follows_a_connection_through_attempts_and_retries() {
    let (status_line, last_lines) = (status_line(), LastLines::default());
    let connection = status_line.add_connection();
    advance(QUIET_AFTER).await;
    let text = || status_line.text(status_line.silence(None, None)).unwrap_or_default();
    assert_eq!(text(), "", "no attempt has started");
    connection.send_modify(ConnectionStatus::start_attempt);
    assert_eq!(text(), "connecting");
    connection.send_replace(retrying(first_attempt(of_five(1)), 2));
    assert_eq!(text(), "connecting, retry 1 of 5 in 2 s");
    connection.send_modify(ConnectionStatus::start_attempt);
    assert_eq!(text(), "connecting, retry 1 of 5");
    connection.send_replace(connected_at(Instant::now()));
    assert_eq!(text(), "alive, quiet for 10 s; last sign of life 0 s ago");
    connection.send_replace(retrying(reconnect(unlimited(2)), 3));
    let later = updates(&status_line, &last_lines, 11).await;
    assert_eq!(later[1..], owned([(10, "reconnecting, retry 2 in 0 s")]));
    connection.send_modify(ConnectionStatus::start_attempt);
    assert_eq!(text(), "reconnecting, retry 2");
    connection.send_replace(ConnectionStatus::Idle);
    assert_eq!(text(), "");
}

#[tokio::test(start_paused = true)]
async fn idle_and_closed_connections_do_not_count() {
    let status_line = status_line();
    let [first, second, without_socket, _not_started] = [(); 4].map(|()| status_line.add_connection());
    let (later, earlier) = (Instant::now() + seconds(15), Instant::now());
    advance(seconds(20)).await;
    first.send_replace(connected_at(later));
    second.send_replace(connected_at(earlier));
    without_socket.send_replace(ConnectionStatus::connected(None));
    let text = || status_line.text(status_line.silence(None, None)).unwrap_or_default();
    assert_eq!(text(), "2 connections alive, quiet for 20 s; last signs of life within 20 s");
    drop(second);
    assert_eq!(text(), "alive, quiet for 20 s; last sign of life 5 s ago");
    first.send_replace(ConnectionStatus::Idle);
    assert_eq!(text(), "");
}

#[tokio::test(start_paused = true)]
async fn without_a_terminal_only_the_work_runs() {
    let work = async {
        sleep(seconds(60)).await;
        7
    };
    let (status_line, stop) = (status_line(), CancellationToken::new());
    assert_eq!(status_line.show(work, &Stderr::default(), || true, &stop).await, 7);
}
