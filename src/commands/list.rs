//! `list`: prints conversations (TGT-20 to TGT-25).

mod columns;
mod json_line;
mod names;
mod row_filter;
mod search;
mod table;

use std::sync::Arc;

use chrono::{DateTime, Local, Utc};
use terminal_size::terminal_size_of;
use tokio_util::sync::CancellationToken;

use self::columns::TimeForm;
use self::search::{ConversationSearch, Found, Limit};
use super::error::Error;
use super::print;
use crate::api::http::Http;
use crate::api::oauth::Auth;
use crate::api::rest::Rest;
use crate::config::{List, ListFilter, ListFormat};
use crate::output::reader_closed;
use crate::status::logging::Log;
use crate::status::status_line::StatusLine;
use crate::system::stdout::Stdout;
use crate::wire::conversation_row::ConversationRow;

/// The time between two updates of the state of the connection in the status line. A list has no pings.
const UPDATE_INTERVAL: std::time::Duration = std::time::Duration::from_secs(20);

/// Prints the conversations that match until `stop` is cancelled or the reader closes the pipe.
///
/// # Errors
///
/// The failure, which was not reported.
pub(super) async fn list(list: List, mut stdout: Stdout, log: &Log, stop: &CancellationToken) -> Result<(), Error> {
    let secrets = log.secrets.clone();
    let http = Http::new(&list.network, &list.endpoints, secrets.clone()).map_err(Error::Network)?;
    let auth = Arc::new(Auth::new(http.clone(), list.endpoints.token.clone(), list.credentials.clone(), secrets));
    let rest = Rest::new(http, auth, list.endpoints.api.clone());
    let status_line = StatusLine::new(&log.stderr, UPDATE_INTERVAL);
    let (status, progress) = (status_line.add_connection(), status_line.add_work());
    let now = Utc::now();
    let search =
        ConversationSearch { rest: &rest, filter: &list.filter, status: &status, progress: &progress, stop, now };
    let found = tokio::select! {
        biased;
        found = status_line.show(Box::pin(search.run()), || true, stop) => found,
        () = reader_closed(&stdout) => Ok(None),
    };
    drop((status, progress));
    let failed = |failure| Error::Tail { conversation: None, failure: Box::new(failure) };
    let Some(found) = found.map_err(failed)? else { return Ok(()) };
    let text = format_rows(&found.rows, list.format, stdout_width(&stdout));
    print(&mut stdout, &text)?;
    log_notes(&found, &list.filter, now);
    Ok(())
}

/// Returns the width of a terminal in columns; `None` for other outputs.
fn stdout_width(stdout: &Stdout) -> Option<usize> {
    terminal_size_of(stdout).map(|(width, _)| usize::from(width.0))
}

fn format_rows(rows: &[ConversationRow], format: ListFormat, width: Option<usize>) -> Vec<u8> {
    match format {
        ListFormat::Json => rows.iter().flat_map(json_line::json_line).collect(),
        ListFormat::Tabs => rows
            .iter()
            .map(|row| columns::cells(row, TimeForm::Full).join("\t") + "\n")
            .collect::<String>()
            .into_bytes(),
        ListFormat::Table => table::table(rows, width).into_bytes(),
    }
}

/// Logs that nothing was found, or that there is more.
fn log_notes(found: &Found, filter: &ListFilter, now: DateTime<Utc>) {
    if found.rows.is_empty() {
        let since = search::earliest_start(filter, now).with_timezone(&Local).format("%Y-%m-%d %H:%M");
        let (state, tip) = if filter.all { ("", "") } else { ("open ", "; --all lists ended ones too") };
        tracing::info!("no {state}conversation that matches has started since {since}{tip}");
    }
    match found.limit {
        Some(Limit::Rows) => {
            tracing::warn!(
                "only the newest 1,000 conversations are listed; narrow the list with --since, --queue or --user"
            );
        }
        Some(Limit::Scanned) => tracing::warn!(
            "only the newest 10,000 conversations were searched; narrow the search with --since, --queue or --user"
        ),
        None => {}
    }
}
