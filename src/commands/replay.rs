//! A recording as a source: the same frames through the same way, so that the same bytes come out.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use crate::config::ReplayFrom;
use crate::dedup::{Dedup, OccurrenceCounter};
use crate::delivery::recording::{self, LineError, RecordedItem, RecordingEntry, RecordingLine};
use crate::delivery::sink::Delivery;
use crate::event::{EventBody, Gap, RawFrame, TranscriptEvent};
use crate::output::Prefixes;
use crate::source::transcript::arrival;
use crate::source::{Item, ItemKind};
use crate::system::io_error;
use crate::wire::notification::{self, Notification};
use crate::wire::transcript::fast_path::TemplateCache;

/// About how many bytes of lines travel together from the thread that reads to the one that prints.
const BATCH: usize = 64 * 1024;

type Source = BufReader<Box<dyn Read + Send>>;

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// There is none.
    #[error("there is no recording {}", .0.display())]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("cannot read the recording{of}: {}", io_error::describe(source))]
    Io {
        /// Its name after a blank; nothing where it is standard input.
        of: String,
        /// The cause.
        source: io::Error,
    },
    /// It is none, or is damaged.
    #[error("line {line} is no line of a recording: {reason}")]
    Corrupt {
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// Prints a recording through `delivery`. A last line that was cut short is reported as a warning, and so is a recording
/// without any. Cancel safe.
///
/// # Errors
///
/// When there is none, or it cannot be read to its end; everything before that was delivered.
pub(crate) async fn replay(recording: &ReplayFrom, delivery: &RefCell<Delivery>) -> Result<(), ReplayError> {
    let mut batches = read(opened(recording).await?);
    let reader = delivery.borrow().output.handle();
    let mut run = Run::default();
    let mut number = 0;
    while let Some(batch) = batches.recv().await {
        for line in batch.map_err(|source| failed(recording, source))? {
            number += 1;
            match recording::parse(line.trim_end()) {
                Ok(line) => run.take(line, number, &mut delivery.borrow_mut())?,
                Err(LineError::Torn) if !line.ends_with('\n') => {
                    tracing::warn!(line = number, "the recording is cut short: line {number} is not whole");
                }
                Err(error) => return Err(ReplayError::Corrupt { line: number, reason: error.to_string() }),
            }
            if delivery.borrow().output.is_over_limit() {
                delivery.borrow_mut().flush();
                reader.wait_for_capacity().await;
            }
        }
        delivery.borrow_mut().flush();
    }
    if number == 0 {
        tracing::warn!("the recording is empty");
    }
    Ok(())
}

/// What is remembered between the lines of one run.
#[derive(Default)]
struct Run {
    started: bool,
    ledger: Dedup,
    tallies: HashMap<(String, u32), OccurrenceCounter>,
    shapes: TemplateCache,
}

impl Run {
    fn take(&mut self, line: RecordingLine, number: u64, delivery: &mut Delivery) -> Result<(), ReplayError> {
        match line {
            RecordingLine::Header(header) => {
                *self = Self { started: true, ..Self::default() };
                let ids = header.conversations.iter().map(String::as_str);
                let prefixes = if header.grows { Prefixes::growing(ids) } else { Prefixes::new(ids) };
                delivery.output.start_run(prefixes);
                Ok(())
            }
            RecordingLine::Entry(entry) if self.started => self.entry(entry, number, delivery),
            RecordingLine::Entry(_) => {
                Err(ReplayError::Corrupt { line: number, reason: "its head is missing".to_owned() })
            }
        }
    }

    fn entry(&mut self, entry: RecordingEntry, number: u64, delivery: &mut Delivery) -> Result<(), ReplayError> {
        let RecordingEntry { at, conversation, item } = entry;
        match item {
            RecordedItem::Text(connection, text) => {
                self.frame(&conversation, connection, at, RawFrame::Text(&text), delivery);
            }
            RecordedItem::Binary(connection, base64) => {
                let reason = || "its base64 is broken".to_owned();
                let bytes = recording::decode_binary(&base64)
                    .ok_or_else(|| ReplayError::Corrupt { line: number, reason: reason() })?;
                self.frame(&conversation, connection, at, RawFrame::Binary(&bytes), delivery);
            }
            RecordedItem::Gap { from, reason } => {
                let gap = Gap { from, to: at, reason };
                self.event(&conversation, at, (Some(at), EventBody::Gap(gap)), delivery);
            }
            RecordedItem::Message(said, message) => {
                self.event(&conversation, at, (said, EventBody::Message(*message)), delivery);
            }
            RecordedItem::Update(when, what) => {
                let what = what.map(Into::into);
                self.event(&conversation, at, (when, EventBody::Update { description: what }), delivery);
            }
            RecordedItem::Closed(when) => self.event(&conversation, at, (when, EventBody::Closed), delivery),
        }
        Ok(())
    }

    fn frame(
        &mut self,
        conversation: &str,
        connection: u32,
        received: DateTime<Utc>,
        raw: RawFrame<'_>,
        delivery: &mut Delivery,
    ) {
        let key = (conversation.to_owned(), connection);
        let tally = self.tallies.entry(key).or_insert_with(|| OccurrenceCounter::for_connection(connection));
        let mut arrival = arrival(raw, conversation, received, &self.shapes);
        let unknown = matches!(arrival.meaning, ItemKind::Ignored(_));
        if unknown && matches!(notification::decode(raw), Notification::Heartbeat | Notification::Pong) {
            arrival.meaning = ItemKind::Keepalive;
        }
        delivery.take(arrival, &mut self.ledger, tally);
    }

    fn event(
        &mut self,
        conversation: &str,
        received: DateTime<Utc>,
        (at, body): (Option<DateTime<Utc>>, EventBody<'_>),
        delivery: &mut Delivery,
    ) {
        let meaning = ItemKind::Event(TranscriptEvent { conversation, at, received, body });
        let arrival = Item { conversation, received, raw: None, meaning, last: false };
        delivery.take(arrival, &mut self.ledger, &mut OccurrenceCounter::default());
    }
}

/// Opens it on a thread of its own, since a named pipe keeps it waiting until somebody writes.
async fn opened(recording: &ReplayFrom) -> Result<Source, ReplayError> {
    let opening = recording.clone();
    let opened = tokio::task::spawn_blocking(move || open(&opening)).await;
    opened.map_err(|error| failed(recording, io::Error::other(error)))?
}

fn open(recording: &ReplayFrom) -> Result<Source, ReplayError> {
    let source: Box<dyn Read + Send> = match recording {
        ReplayFrom::Stdin => Box::new(io::stdin()),
        ReplayFrom::File(path) => match File::open(path) {
            Ok(file) => Box::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ReplayError::Missing(path.clone())),
            Err(error) => return Err(failed(recording, error)),
        },
    };
    Ok(BufReader::with_capacity(BATCH, source))
}

fn failed(recording: &ReplayFrom, source: io::Error) -> ReplayError {
    let of = match recording {
        ReplayFrom::Stdin => String::new(),
        ReplayFrom::File(path) => format!(" {}", path.display()),
    };
    ReplayError::Io { of, source }
}

/// Reads lines on a thread of its own, since a pipe on standard input may keep it waiting.
fn read(mut source: Source) -> mpsc::Receiver<io::Result<Vec<String>>> {
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        loop {
            let lines = batch(&mut source);
            let last = !matches!(&lines, Ok(lines) if !lines.is_empty());
            if sender.blocking_send(lines).is_err() || last {
                break;
            }
        }
    });
    receiver
}

/// The next line, with its line break, and all others that need not be waited for; none at the end.
fn batch(source: &mut Source) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        if source.read_until(b'\n', &mut line)? > 0 {
            lines.push(String::from_utf8_lossy(&line).into_owned());
        }
        if memchr::memchr(b'\n', source.buffer()).is_none() {
            return Ok(lines);
        }
    }
}
