//! The text of the status line, in ASCII.

use std::time::Duration;

use tokio::time::Instant;

use crate::status::connection_status::ConnectionStatus;
use crate::status::work::Work;

/// Returns the text about work in progress; `None` without any. Of several tasks, the messages are added up.
pub(super) fn describe_work(work: impl IntoIterator<Item = Work>) -> Option<String> {
    let mut history = None;
    for work in work {
        match work {
            Work::None => {}
            Work::Listing { found, total: 0 } => return Some(format!("list: {}", grouped(found))),
            Work::Listing { found, total } => {
                return Some(format!("list: {} of {}", grouped(found), grouped(total)));
            }
            Work::Replaying { percent } => return Some(format!("replay: {percent} %")),
            Work::ReadingHistory { read, listed } => {
                let (all_read, all_listed) = history.unwrap_or((0, 0));
                history = Some((all_read + read, all_listed + listed));
            }
        }
    }
    Some(match history? {
        (_, 0) => "reading history".to_owned(),
        (read, listed) => format!("reading history: {} of {} messages", grouped(read), grouped(listed)),
    })
}

/// Returns the text about these active connections, `quiet` after the last message. A connection counts as silent after
/// `silent_after` without activity.
pub(super) fn describe_connections(
    connections: &[ConnectionStatus],
    quiet: Duration,
    silent_after: Duration,
) -> Option<String> {
    let quiet = format!("no message for {}", format_span(quiet));
    match connections {
        [] | [ConnectionStatus::Idle] => None,
        [ConnectionStatus::Connecting(attempt)] => Some(attempt.to_string()),
        [ConnectionStatus::Retrying { attempt, at }] => {
            let wait = at.saturating_duration_since(Instant::now());
            Some(format!("{attempt} in {}", format_span(wait)))
        }
        [ConnectionStatus::Connected { last_activity, .. }] => {
            let inactive = last_activity.get().elapsed();
            let since = format_span(inactive);
            Some(if inactive > silent_after {
                format!("connected, {quiet}; no activity for {since}")
            } else {
                format!("connected, {quiet}; last activity {since} ago")
            })
        }
        several => Some(summarize(several, &quiet, silent_after)),
    }
}

fn summarize(connections: &[ConnectionStatus], quiet: &str, silent_after: Duration) -> String {
    let (mut connected, mut silent, mut is_reconnecting, mut longest) = (0, 0, false, Duration::ZERO);
    for connection in connections {
        match connection {
            ConnectionStatus::Connected { last_activity, .. } => {
                let inactive = last_activity.get().elapsed();
                connected += 1;
                silent += usize::from(inactive > silent_after);
                longest = longest.max(inactive);
            }
            ConnectionStatus::Connecting(attempt) | ConnectionStatus::Retrying { attempt, .. } => {
                is_reconnecting |= attempt.is_reconnect;
            }
            ConnectionStatus::Idle => {}
        }
    }
    let all = connections.len();
    let others =
        [(silent, "without activity"), (all - connected, if is_reconnecting { "reconnecting" } else { "connecting" })];
    let others: Vec<String> =
        others.iter().filter(|(count, _)| *count > 0).map(|(count, state)| format!("{count} {state}")).collect();
    if others.is_empty() {
        return format!("{all} connected, {quiet}; last activity of each within {}", format_span(longest));
    }
    format!("{connected} of {all} connected, {quiet}; {}", others.join(", "))
}

/// Formats a duration in its one or two largest units, rounded down.
fn format_span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// Formats a number with a comma between each three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::config::Retries;
    use crate::status::connection_status::{Attempt, RetryCount};
    use crate::system::last_activity::LastActivity;

    const SILENT_AFTER: Duration = seconds(25);

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn inactive_for(inactive: u64) -> ConnectionStatus {
        ConnectionStatus::connected(Some(LastActivity::new(Instant::now() - seconds(inactive))))
    }

    fn attempt(is_reconnect: bool, number: u32, limit: Retries) -> Attempt {
        Attempt { is_reconnect, retry: Some(RetryCount { number, limit }) }
    }

    fn retrying(attempt: Attempt, wait: u64) -> ConnectionStatus {
        ConnectionStatus::Retrying { attempt, at: Instant::now() + seconds(wait) }
    }

    #[tokio::test(start_paused = true)]
    async fn one_connection_is_described_with_its_last_activity_or_its_retry() {
        use ConnectionStatus::Connecting;
        use Retries::{Limited, Unlimited};
        advance(seconds(60)).await;
        for (connection, expected) in [
            (inactive_for(3), "connected, no message for 12 min; last activity 3 s ago"),
            (inactive_for(31), "connected, no message for 12 min; no activity for 31 s"),
            (Connecting(Attempt::default()), "connecting"),
            (retrying(attempt(false, 1, Limited(5)), 2), "connecting, retry 1 of 5 in 2 s"),
            (retrying(attempt(true, 2, Limited(5)), 3), "reconnecting, retry 2 of 5 in 3 s"),
            (Connecting(attempt(true, 2, Limited(5))), "reconnecting, retry 2 of 5"),
            (retrying(attempt(true, 70, Unlimited), 30), "reconnecting, retry 70 in 30 s"),
        ] {
            assert_eq!(describe_connections(&[connection], seconds(750), SILENT_AFTER).as_deref(), Some(expected));
        }
        assert_eq!(describe_connections(&[], seconds(750), SILENT_AFTER), None);
    }

    #[tokio::test(start_paused = true)]
    async fn several_connections_are_counted_by_state() {
        advance(seconds(60)).await;
        let lost = ConnectionStatus::Connecting(attempt(true, 1, Retries::Limited(5)));
        let (live, new) = (inactive_for(3), ConnectionStatus::Connecting(Attempt::default()));
        for (connections, expected) in [
            (
                vec![live.clone(), inactive_for(19)],
                "2 connected, no message for 10 s; last activity of each within 19 s",
            ),
            (vec![live.clone(), lost.clone(), live.clone()], "2 of 3 connected, no message for 10 s; 1 reconnecting"),
            (
                vec![live.clone(), inactive_for(40), lost],
                "2 of 3 connected, no message for 10 s; 1 without activity, 1 reconnecting",
            ),
            (vec![live, inactive_for(40)], "2 of 2 connected, no message for 10 s; 1 without activity"),
            (vec![new.clone(), new], "0 of 2 connected, no message for 10 s; 2 connecting"),
        ] {
            assert_eq!(describe_connections(&connections, seconds(10), SILENT_AFTER).as_deref(), Some(expected));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_usual_text_fits_a_terminal_of_80_columns_after_any_silence() {
        advance(seconds(60)).await;
        let spans = [0, 59, 60, 3599, 3600, 86_399, 86_400, 9_000_000].map(|second| format_span(seconds(second)));
        assert_eq!(spans, ["0 s", "59 s", "1 min", "59 min", "1 h 0 min", "23 h 59 min", "1 d 0 h", "104 d 4 h"]);
        let longest = describe_connections(&[inactive_for(44)], seconds(86_399), seconds(45)).unwrap();
        assert!(longest.is_ascii() && "genesys-tail: ".len() + longest.len() < 80, "{longest}");
    }

    #[test]
    fn progress_is_described_by_the_kind_of_work() {
        let history = |read, listed| Work::ReadingHistory { read, listed };
        for (work, expected) in [
            (&[][..], None),
            (&[Work::None], None),
            (&[history(0, 0)], Some("reading history")),
            (&[history(0, 7)], Some("reading history: 0 of 7 messages")),
            (&[Work::None, history(1200, 4000)], Some("reading history: 1,200 of 4,000 messages")),
            (
                &[history(200, 999), history(0, 0), history(1_000_000, 2_000_001)],
                Some("reading history: 1,000,200 of 2,001,000 messages"),
            ),
            (&[Work::Replaying { percent: 40 }], Some("replay: 40 %")),
            (&[Work::Listing { found: 300, total: 1000 }], Some("list: 300 of 1,000")),
            (&[Work::Listing { found: 1300, total: 0 }], Some("list: 1,300")),
        ] {
            assert_eq!(describe_work(work.iter().copied()).as_deref(), expected);
        }
    }
}
