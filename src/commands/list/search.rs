//! The search for the conversations of a list.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::names::add_names;
use super::row_filter::RowFilter;
use crate::api::calls::{self, RowQuery};
use crate::api::rest::{Rest, RestError};
use crate::config::{ListFilter, NamedTarget, Retries, Target, Targets};
use crate::source::{SourceError, TargetLookup};
use crate::status::connection_status::ConnectionReporter;
use crate::status::work::{Work, WorkReporter};
use crate::supervisor::{Failure, retry_request};
use crate::wire::conversation_row::{ConversationRow, RowPage};
use crate::wire::open_conversations::ROWS_PER_PAGE;

/// The maximum number of rows of a list.
const MAX_ROWS: usize = 1_000;

/// The maximum number of rows to search for a customer.
const MAX_SCANNED: usize = 10_000;

/// The time that a list covers by default.
const DEFAULT_AGE: TimeDelta = TimeDelta::days(7);

/// The longest interval of a query without filters, and with filters.
const MAX_INTERVAL: TimeDelta = TimeDelta::days(7);
const MAX_FILTERED_INTERVAL: TimeDelta = TimeDelta::days(31);

/// The time after the present that a query covers: the clocks may differ, and an interval must not end at the present.
const MARGIN: TimeDelta = TimeDelta::hours(1);

/// The maximum number of retries of a request in a row.
const RETRIES: Retries = Retries::Limited(5);

/// A search in progress.
pub(super) struct ConversationSearch<'a> {
    pub(super) rest: &'a Rest,
    pub(super) filter: &'a ListFilter,
    pub(super) status: &'a ConnectionReporter,
    pub(super) progress: &'a WorkReporter,
    pub(super) stop: &'a CancellationToken,
    pub(super) now: DateTime<Utc>,
}

/// The rows that match, newest first.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) rows: Vec<ConversationRow>,
    /// Set if there may be more.
    pub(super) limit: Option<Limit>,
}

/// The limit that ended a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Rows,
    Scanned,
}

/// Returns the earliest start of the conversations of a list, apart from older ones that are observed in queues.
pub(super) fn earliest_start(filter: &ListFilter, now: DateTime<Utc>) -> DateTime<Utc> {
    filter.since.unwrap_or(now - DEFAULT_AGE)
}

impl ConversationSearch<'_> {
    /// Finds the conversations. `None` if the user stops the program.
    pub(super) async fn run(&self) -> Result<Option<Found>, Failure> {
        let mut lookup = TargetLookup::new(&self.filter.targets);
        let Some(named) = self.retried(async || lookup.complete(self.rest).await).await? else { return Ok(None) };
        let targets = Targets::of(&named);
        let Some(mut found) = self.query(&targets).await? else { return Ok(None) };
        if self.filter.since.is_none() && !targets.queues.is_empty() && !self.add_older(&targets, &mut found).await? {
            return Ok(None);
        }
        found.rows.sort_by_key(|row| std::cmp::Reverse(row.started));
        if found.rows.len() > MAX_ROWS {
            found.rows.truncate(MAX_ROWS);
            found.limit = Some(Limit::Rows);
        }
        add_queue_names(&mut found.rows, &named);
        self.stop.run_until_cancelled(add_names(self.rest, &mut found.rows)).await;
        Ok((!self.stop.is_cancelled()).then_some(found))
    }

    /// Reads the pages of each interval, the latest first.
    async fn query(&self, targets: &Targets) -> Result<Option<Found>, Failure> {
        let mut query = RowQuery {
            queues: targets.queues.clone(),
            users: targets.users.clone(),
            media_types: self.filter.media.iter().map(|medium| medium.media_type()).collect(),
            only_open: !self.filter.all,
            ..RowQuery::default()
        };
        let since = earliest_start(self.filter, self.now);
        let conditions = RowFilter { filter: self.filter, targets, since: Some(since) };
        let (mut found, mut seen, mut scanned) = (Found::default(), HashSet::new(), 0);
        let longest = if query.has_filter() { MAX_FILTERED_INTERVAL } else { MAX_INTERVAL };
        for (start, end) in intervals(since, self.now + MARGIN, longest) {
            (query.start, query.end) = (start, end);
            for page in 1.. {
                query.page = page;
                let Some(RowPage { rows, listed, total }) = self.page(&query).await? else { return Ok(None) };
                scanned += listed;
                // Rows move between pages meanwhile, and a day belongs to both intervals that touch it.
                let rows = rows.into_iter().filter(|row| seen.insert(row.id.clone()) && conditions.matches(row));
                found.rows.extend(rows);
                self.progress.report(Work::Listing { found: found.rows.len(), total: total.min(MAX_ROWS) });
                if found.rows.len() > MAX_ROWS {
                    found.limit = Some(Limit::Rows);
                    return Ok(Some(found));
                }
                if listed < ROWS_PER_PAGE {
                    break;
                }
                if scanned >= MAX_SCANNED {
                    found.limit = Some(Limit::Scanned);
                    return Ok(Some(found));
                }
            }
        }
        Ok(Some(found))
    }

    async fn page(&self, query: &RowQuery) -> Result<Option<RowPage>, Failure> {
        self.retried(async || calls::conversation_rows(self.rest, query).await.map_err(from_rest)).await
    }

    /// Adds open conversations of the queues that are older, or that analytics do not know yet. Returns false if the user
    /// stops the program. A missing permission is a warning.
    async fn add_older(&self, targets: &Targets, found: &mut Found) -> Result<bool, Failure> {
        let observed = self
            .retried(async || match calls::observed_conversations(self.rest, &targets.queues).await {
                Err(
                    error @ (RestError::Forbidden { .. }
                    | RestError::NotFound { .. }
                    | RestError::UnexpectedResponse { .. }),
                ) => Ok(Err(error)),
                result => result.map(Ok).map_err(from_rest),
            })
            .await?;
        let mut ids = match observed {
            None => return Ok(false),
            Some(Ok(ids)) => ids,
            Some(Err(error)) => {
                tracing::warn!("open conversations that started more than 7 days ago are not listed: {error}");
                return Ok(true);
            }
        };
        ids.retain(|id| !found.rows.iter().any(|row| row.id == *id));
        if ids.len() > MAX_SCANNED {
            ids.truncate(MAX_SCANNED);
            found.limit = found.limit.or(Some(Limit::Scanned));
        }
        let conditions = RowFilter { filter: self.filter, targets, since: None };
        for ids in ids.chunks(ROWS_PER_PAGE) {
            let rows = self.retried(async || calls::rows_of(self.rest, ids).await.map_err(from_rest)).await?;
            let Some(rows) = rows else { return Ok(false) };
            found.rows.extend(rows.into_iter().filter(|row| conditions.matches(row)));
        }
        Ok(true)
    }

    async fn retried<T>(&self, mut request: impl AsyncFnMut() -> Result<T, SourceError>) -> Result<Option<T>, Failure> {
        let paced = async || {
            self.rest.wait_for_rate_limit().await;
            request().await
        };
        retry_request(RETRIES, self.status, self.stop, paced).await
    }
}

fn from_rest(error: RestError) -> SourceError {
    SourceError::from_rest(error, "")
}

/// Adds the names of the queues that were looked up.
fn add_queue_names(rows: &mut [ConversationRow], named: &[NamedTarget]) {
    for queue in rows.iter_mut().filter_map(|row| row.queue.as_mut()).filter(|queue| queue.name.is_none()) {
        let known = named.iter().find(|known| known.target == Target::Queue(queue.id.clone()));
        queue.name = known.and_then(|known| known.name.clone());
    }
}

/// Returns the intervals of at most this length that cover the time between, the latest first.
fn intervals(
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    longest: TimeDelta,
) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
    let mut end = until;
    std::iter::from_fn(move || {
        let start = since.max(end - longest);
        let interval = (start, end);
        end = start;
        (interval.0 < interval.1).then_some(interval)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_cover_the_time_without_gaps_from_the_present_back() {
        let at = |hour: i64| DateTime::from_timestamp(hour * 3_600, 0).unwrap();
        let intervals = |since, until| intervals(at(since), at(until), TimeDelta::hours(7)).collect::<Vec<_>>();
        assert_eq!(intervals(0, 7), [(at(0), at(7))]);
        assert_eq!(intervals(0, 15), [(at(8), at(15)), (at(1), at(8)), (at(0), at(1))]);
        assert_eq!(intervals(9, 8), []);
    }
}
