//! Whether what was printed is what was said.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::chaos::Said;
use crate::chaos::plan::Plan;

/// The service and the program stamp the same moment a little apart.
const SLACK: TimeDelta = TimeDelta::milliseconds(1500);

/// Each message once; where history cannot be read, what is missing lies in a gap.
pub(crate) fn judge(plan: &Plan, said: &Said, lines: &[String]) -> Result<(), String> {
    let mut printed: HashMap<String, u32> = HashMap::new();
    let mut gaps = Vec::new();
    let mut closed = 0;
    for line in lines {
        let line: Value = serde_json::from_str(line).map_err(|error| format!("no JSON: {error}: {line}"))?;
        match line["type"].as_str() {
            Some("message") => *printed.entry(line["text"].as_str().unwrap_or("no text").to_owned()).or_default() += 1,
            Some("gap") => gaps.push((time(&line["from"])?, time(&line["to"])?)),
            Some("closed") => closed += 1,
            _ => {}
        }
    }
    let twice: Vec<_> = printed.iter().filter(|(_, count)| **count > 1).collect();
    if !twice.is_empty() {
        return Err(format!("printed more than once: {twice:?}"));
    }
    let in_gap = |at: DateTime<Utc>| gaps.iter().any(|(from, to)| *from - SLACK <= at && at <= *to + SLACK);
    let lost: Vec<_> = said.iter().filter(|(text, _)| !printed.contains_key(text)).collect();
    let lost: Vec<_> = lost.into_iter().filter(|(_, at)| plan.history || !in_gap(*at)).collect();
    if !lost.is_empty() {
        return Err(format!("lost: {lost:?}"));
    }
    if plan.history && !gaps.is_empty() {
        return Err(format!("{} gaps although history can be read", gaps.len()));
    }
    if closed != 1 {
        return Err(format!("closed {closed} times"));
    }
    Ok(())
}

fn time(value: &Value) -> Result<DateTime<Utc>, String> {
    value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| format!("no time: {value}"))
}
