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
        return CheckResult::ok(format!("clock agrees with that of {host}"));
    }
    let amount = messages::seconds(skew.abs().to_std().unwrap_or_default());
    let direction = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
    CheckResult::warn(
        format!("the clock of this machine is {amount} {direction} that of {host}"),
        "set it (timedatectl set-ntp true): certificates, --since and the times of lines depend on it",
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
            assert_eq!(line(tolerated), "ok    clock agrees with that of h", "{tolerated}");
        }
        let ahead = "warn  the clock of this machine is 1m 1s ahead of that of h; set it";
        assert!(line(61).starts_with(ahead), "{}", line(61));
        assert!(line(-3600).starts_with("warn  the clock of this machine is 1h behind that of h;"), "{}", line(-3600));
    }
}
