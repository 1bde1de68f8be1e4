//! The output of events: filters, formats and escapes them, and writes them in a thread that owns stdout.
//!
//! Everything goes through [`Output`]. Other modules use [`escape()`] for further texts from the network, and
//! [`Prefixes`] for their status lines.

mod color;
pub(crate) mod escape;
mod filter;
#[cfg(test)]
mod fixtures;
mod highlight;
mod json;
mod prefix;
mod raw;
mod text;
mod timestamp;
mod writer;

pub use self::escape::escape;
use self::json::JsonLines;
pub(crate) use self::json::SCHEMA;
pub use self::prefix::Prefixes;
use self::text::TextLines;
pub use self::writer::Writer;
pub(crate) use self::writer::{
    CheckpointWriter, FileError, OutputFolder, WriterExit, WriterHandle, Written, reader_closed,
};
use crate::config::Format;
pub use crate::config::Style;
use crate::event::{Checkpoint, EventBody, RawFrame, TranscriptEvent};

/// Formats events as records and passes them to a [`Writer`].
///
/// No method waits for the reader. The caller limits its pace with `Output::is_over_limit` and
/// `WriterHandle::wait_for_capacity`.
pub struct Output {
    style: Style,
    formatter: Formatter,
    writer: Writer,
}

/// The formatter of each [`Format`] with its state.
enum Formatter {
    Text(Box<TextLines>),
    Json(Box<JsonLines>),
    Raw { is_escaped: bool },
}

impl Formatter {
    fn new(style: &Style, prefixes: Prefixes) -> Self {
        match style.format {
            Format::Text => Self::Text(Box::new(TextLines::new(style, prefixes))),
            Format::Json => Self::Json(Box::new(JsonLines::new())),
            Format::Raw => Self::Raw { is_escaped: !style.raw_control },
        }
    }
}

/// Returns the record of [`Output::print`] in this style.
#[cfg(any(test, fuzzing))]
pub(crate) fn format_event(style: &Style, event: &TranscriptEvent<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    match Formatter::new(style, Prefixes::growing([])) {
        Formatter::Text(mut lines) => lines.push(&mut out, event),
        Formatter::Json(mut lines) => lines.push(&mut out, event),
        Formatter::Raw { .. } => {}
    }
    out
}

/// Returns the escaped frame of [`Output::print_frame`].
#[cfg(any(test, fuzzing))]
pub(crate) fn format_frame(frame: RawFrame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    raw::push_frame(&mut out, frame);
    out
}

impl Output {
    /// Creates an output that passes its records to `writer`.
    #[must_use]
    pub fn new(style: Style, prefixes: Prefixes, writer: Writer) -> Self {
        Self { formatter: Formatter::new(&style, prefixes), style, writer }
    }

    /// Starts a new run with these prefixes: relative times start again at 0.
    pub(crate) fn start_run(&mut self, prefixes: Prefixes) {
        self.formatter = Formatter::new(&self.style, prefixes);
    }

    /// Formats an event if the filter selects it. Raw output shows frames instead of events.
    ///
    /// The record may be buffered until `Output::flush`.
    pub fn print(&mut self, event: &TranscriptEvent<'_>) {
        self.writer.set_conversation(event.conversation);
        match &mut self.formatter {
            Formatter::Raw { .. } => {}
            _ if !self.style.filter.shows(event) => {}
            Formatter::Text(lines) => self.writer.record(|out| lines.push(out, event)),
            Formatter::Json(lines) => self.writer.record(|out| lines.push(out, event)),
        }
        if matches!(event.body, EventBody::Closed) {
            self.end_conversation(event.conversation);
        }
    }

    /// Closes the file of a conversation if it has one.
    pub(crate) fn end_conversation(&mut self, id: &str) {
        self.writer.end_conversation(id);
    }

    /// Returns whether frames are printed as received.
    pub(crate) fn prints_frames(&self) -> bool {
        matches!(self.formatter, Formatter::Raw { .. })
    }

    /// Formats a frame in raw output; other formats ignore it. Keep-alive frames need `--system`. `conversation` is empty for
    /// a frame that belongs to none.
    pub(crate) fn print_frame(&mut self, conversation: &str, frame: RawFrame<'_>, is_keepalive: bool) {
        let Formatter::Raw { is_escaped } = self.formatter else { return };
        if is_keepalive && !self.style.filter.system {
            return;
        }
        self.writer.set_conversation(conversation);
        self.writer.record(|out| {
            match (is_escaped, frame) {
                (true, _) => raw::push_frame(out, frame),
                (false, RawFrame::Text(text)) => out.extend_from_slice(text.as_bytes()),
                (false, RawFrame::Binary(bytes)) => out.extend_from_slice(bytes),
            }
            out.push(b'\n');
        });
    }

    /// Stores the checkpoint in the cursor, if there is one, once all records before it are written.
    pub(crate) fn checkpoint(&mut self, checkpoint: Option<Checkpoint>) {
        if let Some(checkpoint) = checkpoint {
            self.writer.checkpoint(checkpoint);
        }
    }

    /// Returns the index of the event at which the last `lines` shown events start.
    pub(crate) fn start_of_last(&self, events: &[TranscriptEvent<'_>], lines: usize) -> usize {
        let shown = events.iter().enumerate().rev().filter(|(_, event)| self.style.filter.shows(event));
        shown.take(lines).last().map_or(events.len(), |(index, _)| index)
    }

    /// Passes all buffered records to the writer, so that the reader gets them as soon as it reads.
    pub(crate) fn flush(&mut self) {
        self.writer.flush();
    }

    /// Returns whether the reader is so far behind that the caller should await `WriterHandle::wait_for_capacity`.
    pub(crate) fn is_over_limit(&self) -> bool {
        self.writer.is_over_limit()
    }

    /// Returns a handle for waiting without borrowing the output.
    pub(crate) fn handle(&self) -> WriterHandle {
        self.writer.handle()
    }

    /// Flushes and waits until all is written. Waits for a stalled reader until it closes the pipe.
    ///
    /// Dropping the future ends the wait; flushed records are still written.
    ///
    /// # Errors
    ///
    /// Returns an error if not all could be written.
    pub(crate) async fn finish(self) -> Result<Written, WriterExit> {
        self.writer.finish(None).await
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read, pipe};

    use super::fixtures::{event, gap, message_event};
    use super::*;
    use crate::config::Timestamps;
    use crate::event::{EventBody, Role};

    fn output(style: Style) -> (PipeReader, Output) {
        let (reader, out) = pipe().unwrap();
        (reader, Output::new(style, Prefixes::default(), Writer::spawn(out, 1024 * 1024).unwrap()))
    }

    /// Finishes the output and returns what the reader got, after comparing it with the reported counts.
    async fn finish(mut reader: PipeReader, output: Output, records: u64) -> String {
        let written = output.finish().await.unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(written, Written { records, bytes: text.len() as u64 });
        text
    }

    #[tokio::test]
    async fn shown_events_are_written_and_counted() {
        let (reader, mut output) = output(Style { timestamps: Timestamps::None, ..Style::default() });
        output.print(&message_event(Role::Customer, "Ada", "Hello"));
        output.print(&message_event(Role::System, "Sam", "joined"));
        output.print(&event(EventBody::Closed));
        output.print_frame("c1", RawFrame::Text("{}"), false);
        let written = finish(reader, output, 2).await;
        assert_eq!(written, "[Customer] Ada: Hello\n[CLOSED] Conversation terminated\n");
    }

    #[tokio::test]
    async fn json_output_is_filtered_like_text() {
        let (reader, mut output) = output(Style { format: Format::Json, ..Style::default() });
        output.print(&gap());
        output.print(&message_event(Role::System, "Sam", "joined"));
        let written = finish(reader, output, 1).await;
        assert!(written.starts_with(r#"{"v":1,"type":"gap","#), "{written}");
    }

    #[tokio::test]
    async fn raw_output_shows_frames_only() {
        for (raw_control, expected) in [(false, "{ \"a\":1}\nno\\njson\\x1b\n"), (true, "{\n\"a\":1}\nno\njson\x1b\n")]
        {
            let (reader, mut output) = output(Style { format: Format::Raw, raw_control, ..Style::default() });
            output.print(&event(EventBody::Closed));
            output.print_frame("c1", RawFrame::Text("{\n\"a\":1}"), false);
            output.print_frame("c1", RawFrame::Text("pong"), true);
            output.print_frame("c1", RawFrame::Binary(b"no\njson\x1b"), false);
            assert_eq!(finish(reader, output, 2).await, expected);
        }
    }

    // Windows shows that a reader has gone only when the next line is written.
    #[cfg(unix)]
    #[tokio::test]
    async fn records_that_the_reader_did_not_take_are_not_counted_as_written() {
        let (reader, mut output) = output(Style::default());
        let handle = output.handle();
        drop(reader);
        let exit = tokio::time::timeout(std::time::Duration::from_secs(10), handle.exit()).await;
        assert!(matches!(exit, Ok(WriterExit::ReaderClosed)));
        output.print(&message_event(Role::Customer, "Ada", "Hello"));
        assert!(matches!(output.finish().await, Err(WriterExit::ReaderClosed)));
        assert_eq!(handle.written(), Written::default());
    }
}
