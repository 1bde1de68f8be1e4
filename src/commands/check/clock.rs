//! Clock skew between this machine and a server.

use chrono::{DateTime, TimeDelta, Utc};

use super::messages;
use super::report::CheckResult;

/// The skew that certificates, tokens and `--since` tolerate.
const MAX_SKEW: TimeDelta = TimeDelta::minutes(1);

/// Compares the time of a response with the local time at its arrival.
pub(super) fn compare(host: &str, server: DateTime<Utc>, local: DateTime<Utc>) -> CheckResult {
    let skew = local - server;
    if skew.abs() <= MAX_SKEW {
        return CheckResult::ok(format!("clock within 1 min of {host}"));
    }
    let amount = messages::span(skew.abs().to_std().unwrap_or_default());
    let direction = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
    CheckResult::warn(
        format!("clock {amount} {direction} {host}, which affects certificates, --since and times"),
        "set the clock, for example with timedatectl set-ntp true",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skew_of_more_than_a_minute_is_a_warning() {
        let now = Utc::now();
        let line = |seconds| compare("h", now, now + TimeDelta::seconds(seconds)).to_string();
        for tolerated in [0, 60, -60] {
            assert_eq!(line(tolerated), "ok    clock within 1 min of h", "{tolerated}");
        }
        let affected = "h, which affects certificates, --since and times; set the clock";
        assert!(line(61).starts_with(&format!("warn  clock 1 min 1 s ahead of {affected}")), "{}", line(61));
        assert!(line(-3600).starts_with(&format!("warn  clock 1 h behind {affected}")), "{}", line(-3600));
    }
}
