//! `list` with a service whose pages, order and delays the simulator does not have (TGT-20 to TGT-25, ERR-14).

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::watch;

#[cfg(target_os = "linux")]
use crate::support::memory::peak_memory_mib;
use crate::support::program::{Finished, Running};
#[cfg(unix)]
use crate::support::pty::{StdoutTarget, Terminal};
use crate::support::raw_server::{RawServer, Response, json_response};

const ROWS_PER_PAGE: usize = 100;

/// A service of conversation analytics.
struct Service {
    server: RawServer,
    /// The number of queries so far.
    queries: watch::Receiver<usize>,
}

/// Responds to a request for analytics other than the query; `None` is an empty object.
type Others = fn(&str) -> Option<Value>;

impl Service {
    /// Starts a service whose pages, counted from 1, are those of `page`. It does not respond to a query for `None`.
    async fn start(page: impl Fn(usize) -> Option<Value> + Send + Sync + 'static, others: Others) -> Self {
        let (sender, queries) = watch::channel(0);
        let sender = Arc::new(sender);
        let server = RawServer::start(move |head| {
            if !head.contains("/conversations/details/query ") {
                return json_response(200, &others(head).unwrap_or_else(|| json!({})).to_string());
            }
            sender.send_modify(|queries| *queries += 1);
            let number = *sender.borrow();
            match page(number) {
                Some(page) => json_response(200, &page.to_string()),
                None => Response::Endless(Vec::new(), Vec::new(), Duration::from_secs(1)),
            }
        });
        Self { server: server.await, queries }
    }

    fn command(&self, args: &[&str]) -> tokio::process::Command {
        let url = format!("http://{}", self.server.address);
        let mut command = crate::support::program::bare_program(&["list", "--api-url", &url, "--client-id", "id"]);
        command.args(args).env("GENESYS_CLIENT_SECRET", "invented");
        command
    }

    async fn list(&self, args: &[&str]) -> Finished {
        Running::start(&mut self.command(args)).finish().await
    }

    // Windows shows that a reader has gone only when the next line is written, and the peak memory is that of Linux.
    #[cfg(unix)]
    async fn wait_for_queries(&mut self, count: usize) {
        crate::support::program::within_timeout(self.queries.wait_for(|queries| *queries >= count)).await.unwrap();
    }

    fn count_requests(&self, path: &str) -> usize {
        self.server.request_lines().iter().filter(|line| line.contains(path)).count()
    }
}

fn nothing(_: &str) -> Option<Value> {
    None
}

/// Returns a row of a conversation in queue `q1`, whose name it does not hold.
fn row(number: usize, started: DateTime<Utc>) -> Value {
    let segments = json!([{ "segmentStart": started.to_rfc3339(), "segmentType": "interact", "queueId": "q1" }]);
    let sessions = json!([{ "mediaType": "message", "messageType": "webmessaging", "segments": segments }]);
    json!({
        "conversationId": format!("c{number}"),
        "conversationStart": started.to_rfc3339(),
        "participants": [{ "purpose": "customer", "participantName": "Ada Marlow", "sessions": sessions }],
    })
}

/// Returns a page of rows, the first of which started this many minutes ago.
fn page(rows: impl Iterator<Item = usize>, total: usize) -> Value {
    let now = Utc::now();
    let rows: Vec<Value> =
        rows.map(|number| row(number, now - TimeDelta::minutes(i64::try_from(number).unwrap()))).collect();
    json!({ "conversations": rows, "totalHits": total })
}

fn ids(finished: &Finished) -> Vec<String> {
    finished.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_row_that_moves_to_the_next_page_is_printed_once_and_the_newest_is_first() {
    let pages = |number| match number {
        1 => Some(page((1..=ROWS_PER_PAGE).rev(), 103)),
        _ => Some(page(98..=103, 103)),
    };
    let service = Service::start(pages, nothing).await;
    let finished = service.list(&[]).await;
    let expected: Vec<String> = (1..=103).map(|number| format!("c{number}")).collect();
    assert_eq!((finished.code, ids(&finished)), (Some(0), expected), "{}", finished.stderr);
    assert_eq!(*service.queries.borrow(), 2);
}

#[tokio::test]
async fn a_search_for_a_customer_ends_after_ten_thousand_rows_with_a_warning() {
    let pages = |number: usize| Some(page(number * ROWS_PER_PAGE..(number + 1) * ROWS_PER_PAGE, 50_000));
    let service = Service::start(pages, nothing).await;
    let finished = service.list(&["--customer", "Casey"]).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
    let warning = "warning: only the newest 10,000 conversations were searched; narrow the search with --since, ";
    assert!(finished.stderr.contains(warning), "{}", finished.stderr);
    assert_eq!(*service.queries.borrow(), 100);
}

// The memory of another process is read from /proc.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn ten_thousand_rows_need_little_memory() {
    let pages =
        |number: usize| (number < 100).then(|| page(number * ROWS_PER_PAGE..(number + 1) * ROWS_PER_PAGE, 50_000));
    let mut service = Service::start(pages, nothing).await;
    let running = Running::start(&mut service.command(&["--customer", "Casey"]));
    service.wait_for_queries(100).await;
    let peak = peak_memory_mib(running.child.id()).unwrap();
    assert!(peak <= 40, "{peak} MiB");
}

#[tokio::test]
async fn the_last_seven_days_are_listed_unless_since_is_given() {
    let pages = |_| {
        let days_ago = |days| row(days, Utc::now() - TimeDelta::days(i64::try_from(days).unwrap()));
        // An interval selects whole days.
        Some(json!({ "conversations": [days_ago(6), days_ago(8), days_ago(20)] }))
    };
    let service = Service::start(pages, nothing).await;
    assert_eq!(ids(&service.list(&[]).await), ["c6"]);
    assert_eq!(ids(&service.list(&["--since", "10days"]).await), ["c6", "c8"]);
}

const ID: &str = "398ff9f1-934f-4b6b-befa-20a9af1ed0f0";

/// Responds with the name of a queue, and with its observations: one conversation more than a search covers.
fn busy_queue(head: &str) -> Option<Value> {
    let observations =
        || (0..=10_000).map(|number| json!({ "conversationId": format!("o{number}") })).collect::<Vec<_>>();
    if head.contains("/observations/query") {
        return Some(json!({ "results": [{ "data": [{ "observations": observations() }] }] }));
    }
    if head.contains("/routing/queues/") {
        return Some(json!({ "id": "q1", "name": "Billing" }));
    }
    head.contains("/details?id=o0,").then(|| json!({ "conversations": [old_row()] }))
}

/// Returns a row of an open conversation in the queue of [`ID`], older than the queries cover.
fn old_row() -> Value {
    let mut row = row(0, Utc::now() - TimeDelta::days(90));
    row["participants"][0]["sessions"][0]["segments"][0]["queueId"] = ID.into();
    row
}

#[tokio::test]
async fn older_conversations_of_a_queue_are_listed_with_its_name_and_at_most_ten_thousand_are_searched() {
    let service = Service::start(|_| Some(json!({})), busy_queue).await;
    let finished = service.list(&["--queue", ID]).await;
    let cells: Vec<&str> = finished.stdout.trim_end().split('\t').collect();
    assert_eq!((finished.code, cells[0], cells[3]), (Some(0), "c0", "Billing"), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("warning: only the newest 10,000 conversations were searched"),
        "{}",
        finished.stderr
    );
    assert_eq!(service.count_requests("/analytics/conversations/details?id="), 100);
}

// Windows shows that a reader has gone only when the next line is written.
#[cfg(unix)]
#[tokio::test]
async fn a_list_ends_when_the_reader_closes_the_pipe() {
    let mut service = Service::start(|_| None, nothing).await;
    let mut running = Running::start(&mut service.command(&[]));
    service.wait_for_queries(1).await;
    drop(running.stdout.take());
    let finished = crate::support::program::within_timeout(running.finish()).await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
}

// Windows has no pseudo-terminals without unsafe code.
#[cfg(unix)]
#[tokio::test]
async fn a_long_list_shows_its_progress_on_a_terminal() {
    let pages =
        |number: usize| (number < 4).then(|| page(number * ROWS_PER_PAGE..(number + 1) * ROWS_PER_PAGE, 50_000));
    let service = Service::start(pages, nothing).await;
    let mut terminal = Terminal::open(80);
    let running = Running::start(&mut terminal.command(&service.command(&[]), StdoutTarget::Screen));
    let progress = "genesys-tail: list: 300 of 1,000";
    terminal.wait_for_screen(|screen| screen.contents().trim_end() == progress).await;
    drop(running);
}
