//! How events are shown: chosen, formatted, escaped, and handed to the thread that owns standard output.
//!
//! Nothing here knows where events come from. [`Output`] is the whole of it; the rest of the program needs beside it
//! only [`escape()`] for other places where network strings are shown, and [`Prefixes`] for its status lines.

mod color;
mod escape;
mod filter;
#[cfg(test)]
mod fixtures;
mod highlight;
mod json;
mod json_string;
mod prefix;
mod raw;
mod spelling;
mod text;
mod timestamp;
mod writer;

use std::time::Duration;

pub use self::escape::{escape, push_escaped};
pub use self::prefix::Prefixes;
pub use self::writer::{Writer, WriterExit, WriterHandle, Written};
use crate::config::Format;
pub use crate::config::Style;
use crate::event::{Checkpoint, RawFrame, TranscriptEvent};

use self::json::JsonLines;
pub(crate) use self::json::SCHEMA;
use self::text::TextLines;

/// Turns events into records and hands them to a [`Writer`].
///
/// No method waits for the reader; pace yourself by [`Output::is_over_limit`] and [`WriterHandle::wait_for_capacity`].
pub struct Output {
    style: Style,
    records: Records,
    writer: Writer,
    shown: u64,
}

/// The formatter of each [`Format`], with what it remembers.
enum Records {
    Text(Box<TextLines>),
    Json(JsonLines),
    Raw { as_is: bool },
}

impl Records {
    fn new(style: &Style, prefixes: Prefixes) -> Self {
        match style.format {
            Format::Text => Self::Text(Box::new(TextLines::new(style, prefixes))),
            Format::Json => Self::Json(JsonLines::new()),
            Format::Raw => Self::Raw { as_is: style.raw_control },
        }
    }
}

/// What [`Output::event`] writes in this style.
#[cfg(any(test, fuzzing))]
pub(crate) fn written(style: &Style, event: &TranscriptEvent<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    match Records::new(style, Prefixes::growing([])) {
        Records::Text(mut lines) => lines.push(&mut out, event),
        Records::Json(mut lines) => lines.push(&mut out, event),
        Records::Raw { .. } => {}
    }
    out
}

/// What [`Output::frame`] writes.
#[cfg(any(test, fuzzing))]
pub(crate) fn written_raw(frame: RawFrame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    raw::push_frame(&mut out, frame);
    out
}

/// How an output ended.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The records that were meant for the reader.
    pub shown: u64,
    /// What the reader was really given.
    pub written: Written,
    /// Why not all was written, unless it was the time limit.
    pub exit: Option<WriterExit>,
}

impl Output {
    /// An output in this style, with these prefixes, to this writer.
    #[must_use]
    pub fn new(style: Style, prefixes: Prefixes, writer: Writer) -> Self {
        Self { records: Records::new(&style, prefixes), style, writer, shown: 0 }
    }

    /// Starts a new run with these prefixes: what follows looks as if it came first.
    pub fn begin(&mut self, prefixes: Prefixes) {
        self.records = Records::new(&self.style, prefixes);
    }

    /// Formats an event unless it is not to be shown, and says whether it was. Raw output shows frames, no events.
    ///
    /// Nothing is promised to be on its way before [`Output::flush`].
    pub fn event(&mut self, event: &TranscriptEvent<'_>) -> bool {
        let shown = match &mut self.records {
            Records::Raw { .. } => false,
            _ if !self.style.selection.shows(event) => false,
            Records::Text(lines) => {
                self.writer.record(|out| lines.push(out, event));
                true
            }
            Records::Json(lines) => {
                self.writer.record(|out| lines.push(out, event));
                true
            }
        };
        self.shown += u64::from(shown);
        shown
    }

    /// Says what the cursor is to know once everything before it is written, where one is kept.
    pub(crate) fn checkpoint(&mut self, mark: Option<Checkpoint>) {
        if let Some(mark) = mark {
            self.writer.checkpoint(mark);
        }
    }

    /// Where the last `lines` of these events begin that would be shown.
    pub(crate) fn first_of_last(&self, events: &[TranscriptEvent<'_>], lines: usize) -> usize {
        let shown = events.iter().enumerate().rev().filter(|(_, event)| self.style.selection.shows(event));
        shown.take(lines).last().map_or(events.len(), |(index, _)| index)
    }

    /// Formats a frame in raw output; elsewhere it does nothing. One that is a mere sign of `life` is shown with system
    /// messages only.
    pub fn frame(&mut self, frame: RawFrame<'_>, life: bool) {
        let Records::Raw { as_is } = self.records else { return };
        if life && !self.style.selection.system {
            return;
        }
        self.writer.record(|out| {
            match (as_is, frame) {
                (false, _) => raw::push_frame(out, frame),
                (true, RawFrame::Text(text)) => out.extend_from_slice(text.as_bytes()),
                (true, RawFrame::Binary(bytes)) => out.extend_from_slice(bytes),
            }
            out.push(b'\n');
        });
        self.shown += 1;
    }

    /// Hands over everything formatted so far, so that the reader has it as soon as it reads.
    pub fn flush(&mut self) {
        self.writer.flush();
    }

    /// Whether the reader is so far behind that it is time to await [`WriterHandle::wait_for_capacity`].
    #[must_use]
    pub fn is_over_limit(&self) -> bool {
        self.writer.is_over_limit()
    }

    /// What can be awaited and asked without borrowing the output.
    #[must_use]
    pub fn handle(&self) -> WriterHandle {
        self.writer.handle()
    }

    /// Flushes, ends the writer, and waits until all is written, the writer has failed, or the limit is reached.
    ///
    /// Without a limit a reader that stops reading is waited for until it goes away. Dropping the future gives up the
    /// wait, not what was flushed.
    pub async fn finish(self, limit: Option<Duration>) -> Summary {
        let handle = self.writer.handle();
        let exit = self.writer.finish(limit).await.err();
        Summary { shown: self.shown, written: handle.written(), exit }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read, pipe};

    use super::fixtures::{event, gap, said};
    use super::*;
    use crate::config::Timestamps;
    use crate::event::{EventBody, Role};

    fn output(style: Style) -> (PipeReader, Output) {
        let (reader, out) = pipe().unwrap();
        (reader, Output::new(style, Prefixes::default(), Writer::spawn(out, 1024 * 1024).unwrap()))
    }

    async fn finish(mut reader: PipeReader, output: Output) -> (String, Summary) {
        let summary = output.finish(None).await;
        let mut written = String::new();
        reader.read_to_string(&mut written).unwrap();
        (written, summary)
    }

    #[tokio::test]
    async fn what_is_shown_is_what_is_written() {
        let (reader, mut output) = output(Style { timestamps: Timestamps::None, ..Style::default() });
        assert!(output.event(&said(Role::Customer, "Ada", "Hello")));
        assert!(!output.event(&said(Role::System, "Sam", "joined")));
        assert!(output.event(&event(EventBody::Closed)));
        output.frame(RawFrame::Text("{}"), false);
        let (written, summary) = finish(reader, output).await;
        assert_eq!(written, "[Customer] Ada: Hello\n[CLOSED] Conversation terminated\n");
        assert_eq!((summary.shown, summary.written.records), (2, 2));
        assert_eq!(summary.written.bytes, written.len() as u64);
        assert!(summary.exit.is_none());
    }

    #[tokio::test]
    async fn json_is_chosen_and_selected_from() {
        let (reader, mut output) = output(Style { format: Format::Json, ..Style::default() });
        assert!(output.event(&gap()));
        assert!(!output.event(&said(Role::System, "Sam", "joined")));
        let (written, summary) = finish(reader, output).await;
        assert!(written.starts_with(r#"{"v":1,"type":"gap","#) && summary.shown == 1, "{written}");
    }

    #[tokio::test]
    async fn raw_output_shows_frames_and_nothing_else() {
        for (raw_control, expected) in [(false, "{ \"a\":1}\nno\\njson\\x1b\n"), (true, "{\n\"a\":1}\nno\njson\x1b\n")]
        {
            let (reader, mut output) = output(Style { format: Format::Raw, raw_control, ..Style::default() });
            assert!(!output.event(&event(EventBody::Closed)));
            output.frame(RawFrame::Text("{\n\"a\":1}"), false);
            output.frame(RawFrame::Text("pong"), true);
            output.frame(RawFrame::Binary(b"no\njson\x1b"), false);
            let (written, summary) = finish(reader, output).await;
            assert_eq!(written, expected);
            assert_eq!((summary.shown, summary.written.records), (2, 2));
        }
    }

    #[tokio::test]
    async fn nothing_is_claimed_that_was_not_written() {
        let (reader, mut output) = output(Style::default());
        let handle = output.handle();
        drop(reader);
        let fate = tokio::time::timeout(Duration::from_secs(10), handle.exit()).await;
        assert!(matches!(fate, Ok(WriterExit::ReaderClosed)));
        assert!(output.event(&said(Role::Customer, "Ada", "Hello")));
        let summary = output.finish(None).await;
        assert_eq!((summary.shown, summary.written), (1, Written::default()));
        assert!(matches!(summary.exit, Some(WriterExit::ReaderClosed)));
    }
}
