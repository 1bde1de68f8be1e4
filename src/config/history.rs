//! The part of the history that is printed before new messages.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};

/// The history to print, and whether to follow the conversation afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct History {
    /// The maximum number of earlier lines of each conversation. `None` prints all of them.
    pub(crate) lines: Option<usize>,
    /// The time before which nothing is printed. May lie in the future.
    pub(crate) since: Option<DateTime<Utc>>,
    /// Prints new messages as well.
    pub(crate) follow: bool,
    /// The time to wait for the stored transcript of a call; may be zero.
    pub(crate) call_transcript_wait: Duration,
}

/// The value of `--lines`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineLimit {
    All,
    Lines(usize),
}

/// The value of `--since`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// A duration before now, at most one year.
    Ago(Duration),
    At(DateTime<Utc>),
    /// A time without a zone, which is the local one.
    AtLocal(NaiveDateTime),
    /// The beginning of today, or of a day before it.
    Midnight {
        days_ago: u64,
    },
}

impl Since {
    /// Returns the time, in the zone of `now` if it has none. A local time that the clocks pass twice is the first of
    /// both; one that they skip is the end of the skipped time.
    pub(crate) fn resolve<Z: TimeZone>(self, now: &DateTime<Z>) -> DateTime<Utc> {
        match self {
            Self::Ago(duration) => now.to_utc() - duration,
            Self::At(time) => time,
            Self::AtLocal(local) => first_instant(local, &now.timezone()),
            Self::Midnight { days_ago } => {
                let today = now.naive_local().date();
                let day = today.checked_sub_days(Days::new(days_ago)).unwrap_or(today);
                first_instant(day.and_time(NaiveTime::MIN), &now.timezone())
            }
        }
    }
}

/// Returns the first time that a local clock shows `local` or later.
fn first_instant(local: NaiveDateTime, zone: &impl TimeZone) -> DateTime<Utc> {
    /// All zones change their offset at multiples of it.
    const STEP: TimeDelta = TimeDelta::minutes(15);
    /// Some zones have skipped a whole day.
    const MAX_STEPS: usize = 25 * 4;
    let candidates = std::iter::successors(Some(local), |time| time.checked_add_signed(STEP)).take(MAX_STEPS);
    let mut instants = candidates.filter_map(|time| zone.from_local_datetime(&time).earliest());
    instants.next().map_or_else(|| local.and_utc(), |time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use chrono::offset::{LocalResult, MappedLocalTime};
    use chrono::{FixedOffset, NaiveDate};

    use super::*;

    /// Central Europe in 2026: summer time from 2026-03-29 01:00 UTC to 2026-10-25 01:00 UTC.
    #[derive(Debug, Clone, Copy)]
    struct CentralEurope;

    const SUMMER: (i64, i64) = (1_774_746_000, 1_792_890_000);

    fn offset(is_summer: bool) -> FixedOffset {
        FixedOffset::east_opt(if is_summer { 7200 } else { 3600 }).unwrap()
    }

    impl TimeZone for CentralEurope {
        type Offset = FixedOffset;

        fn from_offset(_: &FixedOffset) -> Self {
            Self
        }

        fn offset_from_local_date(&self, _: &NaiveDate) -> MappedLocalTime<FixedOffset> {
            LocalResult::None
        }

        fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<FixedOffset> {
            let is_valid = |offset: &FixedOffset| self.offset_from_utc_datetime(&(*local - *offset)) == *offset;
            let mut valid = [offset(true), offset(false)].into_iter().filter(is_valid);
            match (valid.next(), valid.next()) {
                (Some(first), Some(second)) => LocalResult::Ambiguous(first, second),
                (Some(only), None) => LocalResult::Single(only),
                _ => LocalResult::None,
            }
        }

        fn offset_from_utc_date(&self, _: &NaiveDate) -> FixedOffset {
            offset(false)
        }

        fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> FixedOffset {
            offset((SUMMER.0..SUMMER.1).contains(&utc.and_utc().timestamp()))
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn durations_and_days_count_back_from_now() {
        let now = at("2026-06-10T22:30:00Z").with_timezone(&CentralEurope);
        for (since, expected) in [
            (Since::Ago(Duration::from_secs(90)), "2026-06-10T22:28:30Z"),
            (Since::At(at("2030-01-01T00:00:00Z")), "2030-01-01T00:00:00Z"),
            // Here it is June 11th already.
            (Since::Midnight { days_ago: 0 }, "2026-06-10T22:00:00Z"),
            (Since::Midnight { days_ago: 1 }, "2026-06-09T22:00:00Z"),
        ] {
            assert_eq!(since.resolve(&now), at(expected), "{since:?}");
        }
    }

    #[test]
    fn local_times_are_those_of_the_zone_even_where_clocks_change() {
        let now = at("2026-06-10T22:30:00Z").with_timezone(&CentralEurope);
        for (local, expected) in [
            ("2026-01-02T03:04:00", "2026-01-02T02:04:00Z"),
            ("2026-07-02T00:00:00", "2026-07-01T22:00:00Z"),
            ("2026-03-29T02:10:00", "2026-03-29T01:10:00Z"),
            ("2026-10-25T02:10:00", "2026-10-25T00:10:00Z"),
        ] {
            assert_eq!(Since::AtLocal(local.parse().unwrap()).resolve(&now), at(expected), "{local}");
        }
    }
}
