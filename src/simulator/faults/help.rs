//! The text of `--fault help`.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Fault, tables};

const USAGE: &str = "\
Usage: genesys-tail simulate --fault PLACE:FAULT[=VALUE][,OPTION=VALUE]...

Places:
  token                     requests for a token (sign-in)
  handshake                 WebSocket handshakes of transcript sockets
  socket                    open transcript sockets
  transcript                the transcript endpoint as a whole
  rest                      REST requests
  channel                   REST requests about channels, and the channels
  notify-handshake          WebSocket handshakes of notification sockets
  notify                    open notification sockets
  call                      stored transcripts of ended calls
  events                    the event stream of --events

Options:
  after=N                   start after N requests; on a socket, after N frames
                            of the script; in the event stream, after N events
  times=N|always            happen N times in total, or on N sockets
                            [default: 1; a fault marked * always happens]
  skip=N                    spare the first N sockets
                            (socket, notify, channel:expire, channel:evict)
  conversation=ID           only this conversation (handshake, socket, rest,
                            events)
  path=TEXT                 only requests whose method and path contain TEXT,
                            such as path=POST (rest, channel)

--fault is repeatable. One request gets every delay and change that is due, and
the first response that is due. Other responses wait for the next request.
A comma before a space is part of the value: reason=going away, sorry

Examples:
  --fault token:status=503,retry-after=2      the first sign-in gets 503
  --fault socket:close=1011,after=4           close 1011 after 4 frames
  --fault rest:status=429,path=/bulk,times=3  3 requests for text get 429
  --fault transcript:absent                   an ordinary organization
";

/// The width of the column of faults. The effects fit in the rest of 80 columns.
const FAULT_WIDTH: usize = 28;

/// Returns the places and names of all faults without values, such as `socket:reset`, in alphabetical order.
#[must_use]
pub fn fault_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for table in tables::TABLES {
        for (fault, _) in table.faults {
            let name = fault.split(['=', ',']).next().unwrap_or(fault);
            names.extend(table.places.iter().map(|place| format!("{place}:{name}")));
        }
    }
    names
}

/// Returns the list of faults with an example of each, as text for a terminal.
#[must_use]
pub fn fault_help() -> String {
    let mut help = USAGE.to_owned();
    for table in tables::TABLES {
        // Writing to a String cannot fail.
        let _ = write!(help, "\nFaults of {}:\n", table.places.join(", "));
        for (fault, effect) in table.faults {
            let mark = if always_happens(table.places[0], fault) { " *" } else { "" };
            let (fault, line_break) = (format!("  {fault}{mark}"), format!("\n{:FAULT_WIDTH$}", ""));
            let separator = if fault.len() < FAULT_WIDTH { "" } else { &line_break };
            let _ = writeln!(help, "{fault:FAULT_WIDTH$}{separator}{}", effect.replace('\n', &line_break));
        }
    }
    help
}

fn always_happens(place: &str, fault: &str) -> bool {
    format!("{place}:{fault}").parse().is_ok_and(|fault: Fault| fault.times.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_valid_at_each_of_its_places() {
        for table in tables::TABLES {
            for (place, (fault, _)) in
                table.places.iter().flat_map(|place| table.faults.iter().map(move |f| (place, f)))
            {
                let spec = format!("{place}:{fault}");
                assert!(spec.parse::<Fault>().is_ok(), "{spec}");
            }
        }
    }

    #[test]
    fn every_example_is_a_valid_fault() {
        let examples: Vec<&str> = USAGE.lines().filter_map(|line| line.strip_prefix("  --fault ")).collect();
        assert_eq!(examples.len(), 4);
        for example in examples {
            let spec = example.split("  ").next().unwrap_or_default();
            assert!(spec.parse::<Fault>().is_ok(), "{spec}");
        }
    }

    #[test]
    fn every_fault_of_the_topic_is_valid() {
        let rows = include_str!("../../help/simulator.md").lines().filter_map(|line| line.strip_prefix("| `"));
        let faults: Vec<&str> = rows.filter_map(|row| row.split('`').next()).filter(|cell| is_fault(cell)).collect();
        assert!(faults.len() > 10, "{faults:?}");
        for fault in faults {
            assert!(fault.parse::<Fault>().is_ok(), "{fault}");
        }
    }

    fn is_fault(cell: &str) -> bool {
        let places: Vec<&str> = tables::TABLES.iter().flat_map(|table| table.places).copied().collect();
        cell.split_once(':').is_some_and(|(place, _)| places.contains(&place))
    }

    #[test]
    fn the_help_fits_into_80_columns() {
        let help = fault_help();
        for line in help.lines() {
            assert!(line.len() <= 80, "{line}");
        }
        assert!(help.contains("\n  replay *                  a new connection first receives "), "{help}");
        assert!(help.contains("\n  hang                      no response\n"), "{help}");
        let long = "\n  status=429,ratelimit-reset=45\n                            429 with inin-ratelimit-reset: 45\n";
        assert!(help.contains(long), "{help}");
    }
}
