//! Comparison of the printed lines with the sent messages.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::chaos::SentMessage;
use crate::chaos::plan::Plan;

/// Tolerance between the times that test and program take for the same moment.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::milliseconds(1500);

/// The lines of a run, as far as the verdict needs them.
#[derive(Default)]
struct Printed {
    /// Number of lines per message text.
    messages: HashMap<String, u32>,
    gaps: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    closed_events: u32,
}

/// Verifies that each message was printed once. Without history, a missing message must lie in a gap.
pub(crate) fn verify(plan: &Plan, sent: &[SentMessage], lines: &[String]) -> Result<(), String> {
    let printed = Printed::parse(lines)?;
    let repeated: Vec<_> = printed.messages.iter().filter(|(_, count)| **count > 1).collect();
    if !repeated.is_empty() {
        return Err(format!("printed more than once: {repeated:?}"));
    }
    let missing = sent.iter().filter(|message| !printed.messages.contains_key(&message.text));
    let lost: Vec<_> = missing.filter(|message| plan.history_available || !printed.in_gap(message.sent_at)).collect();
    if !lost.is_empty() {
        return Err(format!("lost: {lost:?}"));
    }
    if plan.history_available && !printed.gaps.is_empty() {
        return Err(format!("{} gaps although history can be read", printed.gaps.len()));
    }
    if printed.closed_events != 1 {
        return Err(format!("closed {} times", printed.closed_events));
    }
    Ok(())
}

impl Printed {
    fn parse(lines: &[String]) -> Result<Self, String> {
        let mut printed = Self::default();
        for line in lines {
            let line: Value = serde_json::from_str(line).map_err(|error| format!("no JSON: {error}: {line}"))?;
            match line["type"].as_str() {
                Some("message") => {
                    *printed.messages.entry(line["text"].as_str().unwrap_or("no text").to_owned()).or_default() += 1;
                }
                Some("gap") => printed.gaps.push((parse_time(&line["from"])?, parse_time(&line["to"])?)),
                Some("closed") => printed.closed_events += 1,
                _ => {}
            }
        }
        Ok(printed)
    }

    fn in_gap(&self, time: DateTime<Utc>) -> bool {
        self.gaps.iter().any(|(from, to)| *from - CLOCK_TOLERANCE <= time && time <= *to + CLOCK_TOLERANCE)
    }
}

fn parse_time(value: &Value) -> Result<DateTime<Utc>, String> {
    value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| format!("no time: {value}"))
}
