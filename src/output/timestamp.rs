//! The time at the beginning of a line (OUT-2, OUT-3).

use chrono::{DateTime, Datelike, Local, Offset, TimeZone, Timelike, Utc};

use crate::config::Timestamps;

/// A function that returns the zone offset at a time, in seconds east of UTC.
type OffsetAt = fn(&DateTime<Utc>) -> i32;

/// Formats times. Caches the last second, which the next time usually shares, and the offset of its zone.
pub(super) struct TimestampFormatter {
    format: Timestamps,
    zone: Zone,
    arrival_zone: Zone,
    /// The seconds that `rendered` is for.
    seconds: Option<Seconds>,
    rendered: Vec<u8>,
    /// The time that relative times count from.
    first: Option<DateTime<Utc>>,
}

/// The time of an event and of its arrival, in seconds since the epoch.
#[derive(PartialEq)]
struct Seconds {
    at: i64,
    received: i64,
}

impl TimestampFormatter {
    pub(super) fn new(format: Timestamps, is_utc: bool) -> Self {
        Self::in_zone(format, if is_utc { None } else { Some(local_offset) })
    }

    fn in_zone(format: Timestamps, offset_at: Option<OffsetAt>) -> Self {
        let zone = || Zone { offset_at, quarter: None, offset: 0 };
        let (zone, arrival_zone) = (zone(), zone());
        Self { format, zone, arrival_zone, seconds: None, rendered: Vec::new(), first: None }
    }

    /// Appends the time of an event that arrived at `received`; nothing for [`Timestamps::None`].
    pub(super) fn push(&mut self, out: &mut Vec<u8>, at: DateTime<Utc>, received: DateTime<Utc>) {
        match self.format {
            Timestamps::Time => self.push_second(out, at, received),
            Timestamps::Iso => {
                self.push_second(out, at, at);
                out.push(b'.');
                // In a leap second the milliseconds exceed 999.
                push_digits(out, at.timestamp_subsec_millis().min(999), 3);
                self.push_offset(out);
            }
            Timestamps::Relative => self.push_relative(out, at),
            Timestamps::None => {}
        }
    }

    fn push_second(&mut self, out: &mut Vec<u8>, at: DateTime<Utc>, received: DateTime<Utc>) {
        let seconds = Some(Seconds { at: at.timestamp(), received: received.timestamp() });
        if self.seconds != seconds {
            self.render(at, received);
            self.seconds = seconds;
        }
        out.extend_from_slice(&self.rendered);
    }

    fn render(&mut self, at: DateTime<Utc>, received: DateTime<Utc>) {
        // The last hours that chrono can represent have no local time; UTC stands in.
        let local = DateTime::from_timestamp(self.zone.local_second(at), 0).unwrap_or(at);
        self.rendered.clear();
        let is_iso = self.format == Timestamps::Iso;
        if is_iso || self.zone.day(at) != self.arrival_zone.day(received) {
            push_date(&mut self.rendered, local);
            self.rendered.push(if is_iso { b'T' } else { b' ' });
        }
        push_clock(&mut self.rendered, local.hour(), local.minute(), local.second());
    }

    fn push_offset(&self, out: &mut Vec<u8>) {
        if self.zone.offset_at.is_none() {
            return out.push(b'Z');
        }
        let offset = self.zone.offset;
        let minutes = offset.unsigned_abs() / 60;
        out.push(if offset < 0 { b'-' } else { b'+' });
        push_digits(out, minutes / 60, 2);
        out.push(b':');
        push_digits(out, minutes % 60, 2);
    }

    fn push_relative(&mut self, out: &mut Vec<u8>, at: DateTime<Utc>) {
        let elapsed = (at - *self.first.get_or_insert(at)).num_seconds();
        out.push(if elapsed < 0 { b'-' } else { b'+' });
        let seconds = elapsed.unsigned_abs();
        out.extend_from_slice((seconds / 3600).to_string().as_bytes());
        for part in [seconds / 60 % 60, seconds % 60] {
            out.push(b':');
            push_digits(out, u32::try_from(part).unwrap_or(0), 2);
        }
    }
}

/// A time zone that caches the offset of the last time.
struct Zone {
    /// `None` is UTC, written as `Z`.
    offset_at: Option<OffsetAt>,
    /// The quarter of an hour since the epoch for which `offset` holds.
    quarter: Option<i64>,
    offset: i32,
}

impl Zone {
    /// Returns the local time in seconds since the local epoch.
    fn local_second(&mut self, at: DateTime<Utc>) -> i64 {
        self.refresh_offset(at);
        at.timestamp() + i64::from(self.offset)
    }

    /// Returns the local date in days since the local epoch.
    fn day(&mut self, at: DateTime<Utc>) -> i64 {
        self.local_second(at).div_euclid(24 * 60 * 60)
    }

    /// Reads the zone offset once per quarter of an hour: zones change their offset only at its boundaries.
    fn refresh_offset(&mut self, at: DateTime<Utc>) {
        let Some(offset_at) = self.offset_at else { return };
        let quarter = at.timestamp().div_euclid(15 * 60);
        if self.quarter != Some(quarter) {
            self.offset = offset_at(&at);
            self.quarter = Some(quarter);
        }
    }
}

fn local_offset(at: &DateTime<Utc>) -> i32 {
    /// The last second of the year 9999.
    const LATEST: i64 = 253_402_300_799;
    // The server may send any year. The zone rules of the far past and future are invented, and chrono may reject them.
    let clamped = DateTime::from_timestamp(at.timestamp().clamp(0, LATEST), 0).unwrap_or_default();
    Local.offset_from_utc_datetime(&clamped.naive_utc()).fix().local_minus_utc()
}

fn push_date(out: &mut Vec<u8>, at: DateTime<Utc>) {
    match u32::try_from(at.year()) {
        Ok(year @ 0..=9999) => push_digits(out, year, 4),
        _ => out.extend_from_slice(at.year().to_string().as_bytes()),
    }
    out.push(b'-');
    push_digits(out, at.month(), 2);
    out.push(b'-');
    push_digits(out, at.day(), 2);
}

fn push_clock(out: &mut Vec<u8>, hour: u32, minute: u32, second: u32) {
    push_digits(out, hour, 2);
    out.push(b':');
    push_digits(out, minute, 2);
    out.push(b':');
    push_digits(out, second, 2);
}

fn push_digits(out: &mut Vec<u8>, value: u32, digits: u32) {
    for place in (0..digits).rev() {
        out.push(b"0123456789"[(value / 10_u32.pow(place) % 10) as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::at;
    use super::*;

    fn format(formatter: &mut TimestampFormatter, at: DateTime<Utc>) -> String {
        let mut out = Vec::new();
        formatter.push(&mut out, at, at);
        String::from_utf8(out).unwrap()
    }

    /// Returns the offset of Central Europe around the start of summer time in 2026.
    fn central_europe(at: &DateTime<Utc>) -> i32 {
        if at.timestamp() < 1_774_746_000 { 3600 } else { 7200 }
    }

    #[test]
    fn each_format_is_as_documented() {
        for (timestamps, zone, expected) in [
            (Timestamps::Time, None, "03:04:05"),
            (Timestamps::Time, Some(central_europe as OffsetAt), "04:04:05"),
            (Timestamps::Iso, None, "2026-01-02T03:04:05.612Z"),
            (Timestamps::Iso, Some(central_europe), "2026-01-02T04:04:05.612+01:00"),
            (Timestamps::Iso, Some(|_| -12_600), "2026-01-01T23:34:05.612-03:30"),
            (Timestamps::None, None, ""),
        ] {
            assert_eq!(format(&mut TimestampFormatter::in_zone(timestamps, zone), at(0)), expected);
        }
    }

    #[test]
    fn the_date_precedes_the_time_of_an_event_from_another_day() {
        const DAY: i64 = 24 * 3600;
        let mut utc = TimestampFormatter::new(Timestamps::Time, true);
        let mut zone = TimestampFormatter::in_zone(Timestamps::Time, Some(|_| -4 * 3600));
        let mut formats = |at_second, received| {
            [&mut utc, &mut zone].map(|formatter| {
                let mut out = Vec::new();
                formatter.push(&mut out, at(at_second), at(received));
                String::from_utf8(out).unwrap()
            })
        };
        assert_eq!(formats(0, 1), ["03:04:05", "23:04:05"]);
        // The same second, read on the next day, and read again on its own day.
        assert_eq!(formats(0, DAY), ["2026-01-02 03:04:05", "2026-01-01 23:04:05"]);
        assert_eq!(formats(0, 1), ["03:04:05", "23:04:05"]);
        // Midnight is that of the zone.
        assert_eq!(formats(0, 3600), ["03:04:05", "2026-01-01 23:04:05"]);
        assert_eq!(formats(0, -4 * 3600), ["2026-01-02 03:04:05", "23:04:05"]);
        // The clock of the service may be ahead.
        assert_eq!(formats(DAY, 0), ["2026-01-03 03:04:05", "2026-01-02 23:04:05"]);
    }

    #[test]
    fn relative_times_count_from_the_first_line() {
        let mut formatter = TimestampFormatter::new(Timestamps::Relative, false);
        let times = [0, 67, 36_000 * 11 + 59, -3].map(|seconds| format(&mut formatter, at(seconds)));
        assert_eq!(times, ["+0:00:00", "+0:01:07", "+110:00:59", "-0:00:03"]);
    }

    #[test]
    fn the_caches_follow_a_new_second_and_a_new_offset() {
        let mut formatter = TimestampFormatter::in_zone(Timestamps::Iso, Some(central_europe));
        let change = DateTime::from_timestamp(1_774_746_000, 0).unwrap();
        let mut around = |millis| format(&mut formatter, change + chrono::TimeDelta::milliseconds(millis));
        assert_eq!(around(-1), "2026-03-29T01:59:59.999+01:00");
        assert_eq!(around(0), "2026-03-29T03:00:00.000+02:00");
        assert_eq!(around(999), "2026-03-29T03:00:00.999+02:00");
        assert_eq!(around(-1), "2026-03-29T01:59:59.999+01:00");
    }

    #[test]
    fn every_time_that_a_server_can_send_is_formatted() {
        let (latest, earliest) = (DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC);
        for timestamps in [Timestamps::Time, Timestamps::Iso, Timestamps::Relative] {
            for zone in [None, Some(local_offset as OffsetAt), Some(central_europe)] {
                let mut formatter = TimestampFormatter::in_zone(timestamps, zone);
                assert!(format(&mut formatter, earliest).len() < 40);
                assert!(format(&mut formatter, latest).len() < 40);
            }
        }
        let leap = DateTime::from_timestamp(1_767_323_099, 1_500_000_000).unwrap();
        assert_eq!(format(&mut TimestampFormatter::new(Timestamps::Iso, true), leap), "2026-01-02T03:04:59.999Z");
    }
}
