//! The time at the head of a line.

use chrono::{DateTime, Datelike, Local, Offset, TimeZone, Timelike, Utc};

use crate::config::Timestamps;

/// Seconds east of UTC at a moment.
type OffsetAt = fn(&DateTime<Utc>) -> i32;

/// Writes times, remembering what the next one is likely to share with the last: its second and its zone offset.
pub(super) struct Stamp {
    kind: Timestamps,
    /// `None` is UTC, written as `Z`.
    offset_at: Option<OffsetAt>,
    block: Option<i64>,
    offset: i32,
    second: Option<i64>,
    rendered: Vec<u8>,
    first: Option<DateTime<Utc>>,
}

impl Stamp {
    /// Times as the user asked for them.
    pub(super) fn new(kind: Timestamps, utc: bool) -> Self {
        Self::in_zone(kind, if utc { None } else { Some(local_offset) })
    }

    fn in_zone(kind: Timestamps, offset_at: Option<OffsetAt>) -> Self {
        Self { kind, offset_at, block: None, offset: 0, second: None, rendered: Vec::new(), first: None }
    }

    /// Appends the time alone; nothing for [`Timestamps::None`].
    pub(super) fn push(&mut self, out: &mut Vec<u8>, at: DateTime<Utc>) {
        match self.kind {
            Timestamps::Time => self.push_second(out, at),
            Timestamps::Iso => {
                self.push_second(out, at);
                out.push(b'.');
                // A leap second counts on beyond 999.
                push_digits(out, at.timestamp_subsec_millis().min(999), 3);
                self.push_offset(out);
            }
            Timestamps::Relative => self.push_relative(out, at),
            Timestamps::None => {}
        }
    }

    fn push_second(&mut self, out: &mut Vec<u8>, at: DateTime<Utc>) {
        if self.second != Some(at.timestamp()) {
            self.render(at);
        }
        out.extend_from_slice(&self.rendered);
    }

    fn render(&mut self, at: DateTime<Utc>) {
        self.refresh_offset(at);
        // Only the last hours of the calendar have no local time; there UTC will do.
        let local = DateTime::from_timestamp(at.timestamp() + i64::from(self.offset), 0).unwrap_or(at);
        self.rendered.clear();
        if self.kind == Timestamps::Iso {
            push_date(&mut self.rendered, local);
        }
        push_clock(&mut self.rendered, local.hour(), local.minute(), local.second());
        self.second = Some(at.timestamp());
    }

    /// Asks for the zone's offset once per quarter of an hour: no zone changes its offset in between.
    fn refresh_offset(&mut self, at: DateTime<Utc>) {
        let Some(offset_at) = self.offset_at else { return };
        let block = at.timestamp().div_euclid(15 * 60);
        if self.block != Some(block) {
            self.offset = offset_at(&at);
            self.block = Some(block);
        }
    }

    fn push_offset(&self, out: &mut Vec<u8>) {
        if self.offset_at.is_none() {
            return out.push(b'Z');
        }
        let minutes = self.offset.unsigned_abs() / 60;
        out.push(if self.offset < 0 { b'-' } else { b'+' });
        push_digits(out, minutes / 60, 2);
        out.push(b':');
        push_digits(out, minutes % 60, 2);
    }

    fn push_relative(&mut self, out: &mut Vec<u8>, at: DateTime<Utc>) {
        let since = (at - *self.first.get_or_insert(at)).num_seconds();
        out.push(if since < 0 { b'-' } else { b'+' });
        let seconds = since.unsigned_abs();
        out.extend_from_slice((seconds / 3600).to_string().as_bytes());
        for part in [seconds / 60 % 60, seconds % 60] {
            out.push(b':');
            push_digits(out, u32::try_from(part).unwrap_or(0), 2);
        }
    }
}

fn local_offset(at: &DateTime<Utc>) -> i32 {
    /// The last second of the year 9999.
    const LATEST: i64 = 253_402_300_799;
    // A peer may send any year, and the zone rules of the far past and future are made up and may even be refused.
    let sane = DateTime::from_timestamp(at.timestamp().clamp(0, LATEST), 0).unwrap_or_default();
    Local.offset_from_utc_datetime(&sane.naive_utc()).fix().local_minus_utc()
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
    out.push(b'T');
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

    fn push(stamp: &mut Stamp, at: DateTime<Utc>) -> String {
        let mut out = Vec::new();
        stamp.push(&mut out, at);
        String::from_utf8(out).unwrap()
    }

    /// Central Europe around the start of summer time in 2026.
    fn central_europe(at: &DateTime<Utc>) -> i32 {
        if at.timestamp() < 1_774_746_000 { 3600 } else { 7200 }
    }

    #[test]
    fn each_form_is_as_documented() {
        for (kind, zone, expected) in [
            (Timestamps::Time, None, "03:04:05"),
            (Timestamps::Time, Some(central_europe as OffsetAt), "04:04:05"),
            (Timestamps::Iso, None, "2026-01-02T03:04:05.612Z"),
            (Timestamps::Iso, Some(central_europe), "2026-01-02T04:04:05.612+01:00"),
            (Timestamps::Iso, Some(|_| -12_600), "2026-01-01T23:34:05.612-03:30"),
            (Timestamps::None, None, ""),
        ] {
            assert_eq!(push(&mut Stamp::in_zone(kind, zone), at(0)), expected);
        }
    }

    #[test]
    fn relative_times_count_from_the_first() {
        let mut stamp = Stamp::new(Timestamps::Relative, false);
        let times = [0, 67, 36_000 * 11 + 59, -3].map(|seconds| push(&mut stamp, at(seconds)));
        assert_eq!(times, ["+0:00:00", "+0:01:07", "+110:00:59", "-0:00:03"]);
    }

    #[test]
    fn the_caches_notice_a_new_second_and_a_new_offset() {
        let mut stamp = Stamp::in_zone(Timestamps::Iso, Some(central_europe));
        let change = DateTime::from_timestamp(1_774_746_000, 0).unwrap();
        let mut around = |millis| push(&mut stamp, change + chrono::TimeDelta::milliseconds(millis));
        assert_eq!(around(-1), "2026-03-29T01:59:59.999+01:00");
        assert_eq!(around(0), "2026-03-29T03:00:00.000+02:00");
        assert_eq!(around(999), "2026-03-29T03:00:00.999+02:00");
        assert_eq!(around(-1), "2026-03-29T01:59:59.999+01:00");
    }

    #[test]
    fn no_time_a_peer_can_send_is_too_much() {
        let (far, early) = (DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC);
        for kind in [Timestamps::Time, Timestamps::Iso, Timestamps::Relative] {
            for zone in [None, Some(local_offset as OffsetAt), Some(central_europe)] {
                let mut stamp = Stamp::in_zone(kind, zone);
                assert!(push(&mut stamp, early).len() < 40);
                assert!(push(&mut stamp, far).len() < 40);
            }
        }
        let leap = DateTime::from_timestamp(1_767_323_099, 1_500_000_000).unwrap();
        assert_eq!(push(&mut Stamp::new(Timestamps::Iso, true), leap), "2026-01-02T03:04:59.999Z");
    }
}
