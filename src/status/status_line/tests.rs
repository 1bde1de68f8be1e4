//! The times at which the status line appears and changes, on a paused clock.

use std::cell::Cell;

use tokio::time::{advance, timeout};

use super::*;
use crate::config::Retries;
use crate::status::connection_status::{Attempt, RetryCount};
use crate::status::work::Work;
use crate::system::last_activity::LastActivity;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn status_line() -> StatusLine {
    StatusLine::new(&Stderr::default(), seconds(20))
}

fn connected_at(last_activity: Instant) -> ConnectionStatus {
    ConnectionStatus::connected(Some(LastActivity::new(last_activity)))
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

type Writes = Cell<LastWrites>;

/// Returns each update of the next `time` seconds with its second; an empty text stands for no status line.
async fn updates(status_line: &StatusLine, last_writes: &Writes, time: u64) -> Vec<(u64, String)> {
    let (start, updates) = (Instant::now(), RefCell::new(Vec::new()));
    let show = |text: Option<String>| updates.borrow_mut().push((start.elapsed().as_secs(), text.unwrap_or_default()));
    let _ = timeout(seconds(time), status_line.update_regularly(|| last_writes.get(), show)).await;
    updates.into_inner()
}

fn owned<const N: usize>(updates: [(u64, &str); N]) -> Vec<(u64, String)> {
    updates.map(|(at, text)| (at, text.to_owned())).to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_is_shown_after_ten_seconds_and_then_every_five() {
    let status_line = status_line();
    let connection = status_line.add_connection();
    connection.report(connected_at(Instant::now()));
    let expected = [
        (5, ""),
        (10, "connected, no message for 10 s; last activity 10 s ago"),
        (15, "connected, no message for 15 s; last activity 15 s ago"),
    ];
    assert_eq!(updates(&status_line, &Writes::default(), 16).await, owned(expected));
}

#[tokio::test(start_paused = true)]
async fn a_line_of_output_ends_the_silence_and_a_line_on_stderr_only_hides_the_status_line() {
    let (status_line, last_writes) = (status_line(), Writes::default());
    let last_activity = LastActivity::new(Instant::now());
    let connection = status_line.add_connection();
    connection.report(ConnectionStatus::connected(Some(last_activity.clone())));
    let activity = async {
        for (after, is_output) in [(61, false), (22, true)] {
            sleep(seconds(after)).await;
            let output = is_output.then(Instant::now);
            last_writes.set(LastWrites { output, line: Some(Instant::now()), shared: true });
            last_activity.set(Instant::now());
        }
        pending::<()>().await;
    };
    let updates = tokio::select! {
        updates = updates(&status_line, &last_writes, 97) => updates,
        () = activity => Vec::new(),
    };
    let updates: Vec<_> = updates.into_iter().skip(10).collect();
    let expected = [
        (55, "connected, no message for 55 s; no activity for 55 s"),
        (60, "connected, no message for 1 min; no activity for 1 min"),
        (65, ""),
        (70, ""),
        (71, "connected, no message for 1 min; last activity 10 s ago"),
        (76, "connected, no message for 1 min; last activity 15 s ago"),
        (81, "connected, no message for 1 min; last activity 20 s ago"),
        (86, ""),
        (91, ""),
        (93, "connected, no message for 10 s; last activity 10 s ago"),
    ];
    assert_eq!(updates, owned(expected));
}

#[tokio::test(start_paused = true)]
async fn the_text_follows_a_connection_through_attempts_and_retries() {
    let (status_line, last_writes) = (status_line(), Writes::default());
    let connection = status_line.add_connection();
    advance(QUIET_AFTER).await;
    let text = || status_line.text(status_line.silence(LastWrites::default())).unwrap_or_default();
    assert_eq!(text(), "", "no attempt has started");
    connection.start_attempt();
    assert_eq!(text(), "connecting");
    connection.report(retrying(first_attempt(of_five(1)), 2));
    assert_eq!(text(), "connecting, retry 1 of 5 in 2 s");
    connection.start_attempt();
    assert_eq!(text(), "connecting, retry 1 of 5");
    connection.report(connected_at(Instant::now()));
    assert_eq!(text(), "connected, no message for 10 s; last activity 0 s ago");
    connection.report(retrying(reconnect(unlimited(2)), 3));
    let later = updates(&status_line, &last_writes, 11).await;
    assert_eq!(later[1..], owned([(10, "reconnecting, retry 2 in 0 s")]));
    connection.start_attempt();
    assert_eq!(text(), "reconnecting, retry 2");
    connection.report(ConnectionStatus::Idle);
    assert_eq!(text(), "");
}

#[tokio::test(start_paused = true)]
async fn idle_and_closed_connections_do_not_count() {
    let status_line = status_line();
    let [first, second, without_socket, _not_started] = [(); 4].map(|()| status_line.add_connection());
    let (later, earlier) = (Instant::now() + seconds(15), Instant::now());
    advance(seconds(20)).await;
    first.report(connected_at(later));
    second.report(connected_at(earlier));
    without_socket.report(ConnectionStatus::connected(None));
    let text = || status_line.text(status_line.silence(LastWrites::default())).unwrap_or_default();
    assert_eq!(text(), "2 connected, no message for 20 s; last activity of each within 20 s");
    drop(second);
    assert_eq!(text(), "connected, no message for 20 s; last activity 5 s ago");
    first.report(ConnectionStatus::Idle);
    assert_eq!(text(), "");
}

#[tokio::test(start_paused = true)]
async fn without_a_terminal_only_the_work_runs() {
    let work = async {
        sleep(seconds(60)).await;
        7
    };
    let (status_line, stop) = (status_line(), CancellationToken::new());
    assert_eq!(status_line.show(work, || true, &stop).await, 7);
}

/// Reports progress after each of these times, in milliseconds.
async fn report_after(reporter: &WorkReporter, reports: &[(u64, Work)]) {
    for (after, work) in reports {
        sleep(Duration::from_millis(*after)).await;
        reporter.report(*work);
    }
    pending::<()>().await;
}

#[tokio::test(start_paused = true)]
async fn the_progress_of_work_is_shown_after_a_second_and_then_every_second() {
    let (status_line, writes) = (status_line(), Writes::default());
    let reporter = status_line.add_work();
    let history = |read| Work::ReadingHistory { read, listed: 4000 };
    let reports = [(2000, history(0)), (500, history(100)), (1000, history(200)), (1000, Work::None)];
    let updates = tokio::select! {
        updates = updates(&status_line, &writes, 8) => updates,
        () = report_after(&reporter, &reports) => Vec::new(),
    };
    let texts: Vec<&str> = updates.iter().map(|(_, text)| text.as_str()).filter(|text| !text.is_empty()).collect();
    assert_eq!(texts, ["reading history: 100 of 4,000 messages", "reading history: 200 of 4,000 messages"]);
    assert_eq!(updates.last().map(|(_, text)| text.as_str()), Some(""), "the line is cleared: {updates:?}");
}

#[tokio::test(start_paused = true)]
async fn work_that_takes_less_than_a_second_is_not_shown() {
    let (status_line, writes) = (status_line(), Writes::default());
    let reporter = status_line.add_work();
    let updates = async {
        for _ in 0..20 {
            reporter.report(Work::Replaying { percent: 1 });
            sleep(Duration::from_millis(900)).await;
            reporter.report(Work::None);
            sleep(Duration::from_millis(100)).await;
        }
    };
    let (shown, ()) = tokio::join!(self::updates(&status_line, &writes, 9), updates);
    assert!(shown.iter().all(|(_, text)| text.is_empty()), "{shown:?}");
}

#[tokio::test(start_paused = true)]
async fn output_hides_the_progress_only_on_the_same_terminal() {
    for (shared, expected) in [(true, ""), (false, "replay: 40 %")] {
        let status_line = status_line();
        let reporter = status_line.add_work();
        reporter.report(Work::Replaying { percent: 40 });
        advance(seconds(5)).await;
        let writes = LastWrites { output: Some(Instant::now()), line: None, shared };
        assert_eq!(status_line.text(status_line.silence(writes)).unwrap_or_default(), expected);
        drop(reporter);
        assert_eq!(status_line.text(status_line.silence(writes)), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_requested_update_comes_at_once() {
    let (status_line, writes) = (status_line(), Writes::default());
    let connection = status_line.add_connection();
    connection.report(connected_at(Instant::now()));
    let request = async {
        sleep(seconds(12)).await;
        status_line.stderr.request_update();
    };
    let (updates, ()) = tokio::join!(updates(&status_line, &writes, 14), request);
    assert_eq!(updates.last(), Some(&(12, "connected, no message for 12 s; last activity 12 s ago".to_owned())));
}
