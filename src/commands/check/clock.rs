//! Whether the clock of this machine is right.

use chrono::{DateTime, TimeDelta, Utc};

use super::step::Step;
use super::words;

/// Certificates, tokens and `--since` bear this much.
const BEARABLE: TimeDelta = TimeDelta::minutes(1);

/// Compares what a host says with what we thought when it said so.
pub(super) fn compare(host: &str, server: DateTime<Utc>, ours: DateTime<Utc>) -> Step {
    let ahead = ours - server;
    if ahead.abs() <= BEARABLE {
        return Step::ok(format!("clock agrees with that of {host}"));
    }
    let by = words::span(ahead.abs().to_std().unwrap_or_default());
    let direction = if ahead > TimeDelta::zero() { "ahead of" } else { "behind" };
    Step::warn(
        format!("the clock of this machine is {by} {direction} that of {host}"),
        "set it (timedatectl set-ntp true): certificates, --since and the times of lines depend on it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_minute_is_said() {
        let now = Utc::now();
        let line = |seconds| compare("h", now, now + TimeDelta::seconds(seconds)).to_string();
        for bearable in [0, 60, -60] {
            assert_eq!(line(bearable), "ok    clock agrees with that of h", "{bearable}");
        }
        assert!(
            line(61).starts_with("warn  the clock of this machine is 1m 1s ahead of that of h; set it"),
            "{}",
            line(61)
        );
        assert!(line(-3600).starts_with("warn  the clock of this machine is 1h behind that of h;"), "{}", line(-3600));
    }
}
