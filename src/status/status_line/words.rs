//! What the foot says, of what the tails are doing. All of it is ASCII.

use std::time::Duration;

use crate::config::Retries;

/// What a tail is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// It has a connection, which gave its last sign of life so long ago; `silent` when one is overdue.
    Listening { sign: Duration, silent: bool },
    /// It has none.
    Connecting(Attempt),
}

/// An attempt to connect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Attempt {
    /// Whether it would bring back something.
    pub(super) again: bool,
    /// Which one in a row, of how many, unless it is the first.
    pub(super) retry: Option<(u32, Retries)>,
    /// How long it is until it begins; `None` when it has.
    pub(super) wait: Option<Duration>,
}

/// What is said when nothing else was for so long; `None` where nobody is doing anything.
pub(super) fn line(doings: &[Doing], quiet: Duration) -> Option<String> {
    let quiet = format!("quiet for {}", span(quiet));
    match doings {
        [] => None,
        [Doing::Listening { sign, silent: false }] => {
            Some(format!("alive, {quiet}; last sign of life {} ago", span(*sign)))
        }
        [Doing::Listening { sign, silent: true }] => Some(format!("{quiet}; no sign of life for {}", span(*sign))),
        [Doing::Connecting(attempt)] => Some(attempt.in_words()),
        several => Some(of_several(several, &quiet)),
    }
}

fn of_several(doings: &[Doing], quiet: &str) -> String {
    let (mut alive, mut silent, mut again, mut oldest) = (0, 0, false, Duration::ZERO);
    for doing in doings {
        match doing {
            Doing::Listening { sign, silent: false } => {
                alive += 1;
                oldest = oldest.max(*sign);
            }
            Doing::Listening { silent: true, .. } => silent += 1,
            Doing::Connecting(attempt) => again |= attempt.again,
        }
    }
    let all = doings.len();
    if alive == all {
        return format!("{all} connections alive, {quiet}; last signs of life within {}", span(oldest));
    }
    let connecting = all - alive - silent;
    let rest = [(silent, "silent"), (connecting, if again { "reconnecting" } else { "connecting" })];
    let rest: Vec<String> =
        rest.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    format!("{alive} of {all} connections alive, {quiet}; {}", rest.join(", "))
}

impl Attempt {
    fn in_words(self) -> String {
        let verb = if self.again { "reconnecting" } else { "connecting" };
        let retry = match self.retry {
            Some((retry, Retries::Limited(most))) => format!(", retry {retry} of {most}"),
            Some((retry, Retries::Unlimited)) => format!(", retry {retry}"),
            None => String::new(),
        };
        let wait = self.wait.map_or_else(String::new, |wait| format!(" in {}", span(wait)));
        format!("{verb}{retry}{wait}")
    }
}

/// A stretch of time as people say it, rounded down.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn listening(sign: u64, silent: bool) -> Doing {
        Doing::Listening { sign: seconds(sign), silent }
    }

    fn connecting(again: bool, retry: Option<(u32, Retries)>, wait: Option<u64>) -> Doing {
        Doing::Connecting(Attempt { again, retry, wait: wait.map(seconds) })
    }

    #[test]
    fn one_connection_is_alive_or_not_and_the_line_says_since_when() {
        let five = Retries::Limited(5);
        for (doing, expected) in [
            (listening(3, false), "alive, quiet for 12 min; last sign of life 3 s ago"),
            (listening(31, true), "quiet for 12 min; no sign of life for 31 s"),
            (connecting(false, None, None), "connecting"),
            (connecting(false, Some((1, five)), Some(2)), "connecting, retry 1 of 5 in 2 s"),
            (connecting(true, Some((2, five)), Some(3)), "reconnecting, retry 2 of 5 in 3 s"),
            (connecting(true, Some((2, five)), None), "reconnecting, retry 2 of 5"),
            (connecting(true, Some((70, Retries::Unlimited)), Some(30)), "reconnecting, retry 70 in 30 s"),
        ] {
            assert_eq!(line(&[doing], seconds(750)).as_deref(), Some(expected));
        }
        assert_eq!(line(&[], seconds(750)), None);
    }

    #[test]
    fn several_connections_have_one_line_and_none_of_them_hides_behind_another() {
        let (alive, lost) = (listening(3, false), connecting(true, None, None));
        let new = connecting(false, None, None);
        for (doings, expected) in [
            (&[alive, listening(19, false)][..], "2 connections alive, quiet for 10 s; last signs of life within 19 s"),
            (&[alive, lost, alive], "2 of 3 connections alive, quiet for 10 s; 1 reconnecting"),
            (&[alive, listening(40, true), lost], "1 of 3 connections alive, quiet for 10 s; 1 silent, 1 reconnecting"),
            (&[new, new], "0 of 2 connections alive, quiet for 10 s; 2 connecting"),
        ] {
            assert_eq!(line(doings, seconds(10)).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_usual_line_fits_a_terminal_however_long_it_is_quiet() {
        let spans = [0, 59, 60, 3599, 3600, 86_399, 86_400, 9_000_000].map(|second| span(seconds(second)));
        assert_eq!(spans, ["0 s", "59 s", "1 min", "59 min", "1 h 0 min", "23 h 59 min", "1 d 0 h", "104 d 4 h"]);
        let longest = line(&[listening(44, false)], seconds(86_399)).unwrap();
        assert!(longest.is_ascii() && "genesys-tail: ".len() + longest.len() < 80, "{longest}");
    }
}
