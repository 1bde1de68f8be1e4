//! The cursor, the recording and the writer of a run.

use std::fs::File;

use crate::commands::error::Error;
use crate::config::{Config, Targets};
use crate::cursor::{self, CursorFile, FollowedTargets};
use crate::dedup::Dedup;
use crate::delivery::recording::Recorder;
use crate::delivery::{Delivery, DeliveryOptions};
use crate::output::Prefixes;
use crate::status::logging::Log;

pub(super) fn prefixes(config: &Config) -> Prefixes {
    let ids = config.conversations.iter().map(String::as_str);
    if config.targets.is_empty() { Prefixes::new(ids) } else { Prefixes::growing(ids) }
}

pub(super) fn start_delivery(
    config: &Config,
    prefixes: Prefixes,
    cursor: Option<CursorFile>,
    stdout: File,
    log: &Log,
) -> Result<Delivery, Error> {
    let recorder = config.record.as_ref().map(|path| Recorder::open(path, &config.conversations, prefixes.grows()));
    let options = DeliveryOptions {
        output: config.output.clone(),
        history_lines: config.history.lines,
        prefixes,
        recorder: recorder.transpose()?,
        cursor,
    };
    Ok(Delivery::start(options, stdout, &log.stderr)?)
}

/// The progress of earlier runs.
pub(super) struct EarlierRuns {
    pub(super) dedup: Dedup,
    pub(super) cursor: CursorFile,
}

pub(super) fn open_cursor(config: &Config) -> Result<Option<EarlierRuns>, Error> {
    let Some(path) = &config.cursor else { return Ok(None) };
    let Config { conversations, targets, history, .. } = config;
    let Targets { queues, users } = targets;
    let cursor = cursor::open(path, FollowedTargets { conversations, queues, users, since: history.since })?;
    let dedup = Dedup::resumed(cursor.fingerprint_key(), cursor.earlier_deliveries());
    tracing::debug!("resuming after {}; -n and --since apply only to conversations that are not in it", path.display());
    Ok(Some(EarlierRuns { dedup, cursor }))
}
