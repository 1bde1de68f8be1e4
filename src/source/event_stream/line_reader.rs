//! Reads the lines of an event stream in large pieces, in a thread of their own: the producer may stall.
//!
//! A piece ends behind a line break, or behind an object without one: a live producer may write the line break later or never.

use std::fs::File;
use std::io::{self, Read};
use std::thread;

use tokio::sync::mpsc;

use super::error::EventStreamError;
use crate::config::EventInput;
use crate::wire::event_stream::ObjectScanner;

/// The size of the buffer for ordinary lines, and of the pieces.
const BUFFER_SIZE: usize = 256 * 1024;

/// The maximum length of a line, or of an object in it.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// The number of pieces that wait for the printing thread. More of them wait in the pipe.
const MAX_WAITING: usize = 2;

/// A piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Whole lines or objects.
    Lines(Vec<u8>),
    /// A line that was skipped: it is longer than 16 MiB.
    TooLong,
}

/// The pieces of the stream, until it ends or cannot be read.
pub(super) type Pieces = mpsc::Receiver<Result<Piece, EventStreamError>>;

/// Starts to read an input.
///
/// # Errors
///
/// If the thread cannot be started.
pub(super) fn start(input: EventInput) -> io::Result<Pieces> {
    let (sender, pieces) = mpsc::channel(MAX_WAITING);
    // Opening a named pipe waits for its writer.
    let read = move || match open(&input) {
        Ok(opened) => send_pieces(LineReader::new(opened), &input, &sender),
        Err(error) => drop(sender.blocking_send(Err(error))),
    };
    thread::Builder::new().name("events".to_owned()).spawn(read)?;
    Ok(pieces)
}

fn open(input: &EventInput) -> Result<Box<dyn Read>, EventStreamError> {
    match input {
        EventInput::Stdin => Ok(Box::new(io::stdin())),
        EventInput::File(path) => match File::open(path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(EventStreamError::Missing(path.clone())),
            Err(error) => Err(EventStreamError::new(input, error)),
        },
    }
}

fn send_pieces(
    mut reader: LineReader<impl Read>,
    input: &EventInput,
    sender: &mpsc::Sender<Result<Piece, EventStreamError>>,
) {
    loop {
        let piece = match reader.next_piece() {
            Ok(Some(piece)) => Ok(piece),
            Ok(None) => return,
            Err(error) => Err(EventStreamError::new(input, error)),
        };
        let is_last = piece.is_err();
        if sender.blocking_send(piece).is_err() || is_last {
            return;
        }
    }
}

/// Splits an input into pieces.
pub(super) struct LineReader<R> {
    input: R,
    buffer: Vec<u8>,
    /// The number of bytes that were read and not returned.
    filled: usize,
    /// The objects of the last line in the buffer.
    objects: ObjectScanner,
    is_skipping: bool,
    has_ended: bool,
}

impl<R: Read> LineReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            buffer: vec![0; BUFFER_SIZE],
            filled: 0,
            objects: ObjectScanner::default(),
            is_skipping: false,
            has_ended: false,
        }
    }

    /// Returns the next piece; `None` at the end.
    pub(super) fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        while !self.has_ended {
            let before = self.filled;
            let count = self.read()?;
            if count == 0 {
                self.has_ended = true;
                return Ok(self.take(self.filled));
            }
            self.filled += count;
            let before = if self.is_skipping { self.skip() } else { before };
            let complete = self.complete_until(before);
            if complete > 0 {
                return Ok(self.take(complete));
            }
            if self.filled >= MAX_LINE {
                self.is_skipping = true;
                self.drop_first(self.filled);
                return Ok(Some(Piece::TooLong));
            }
        }
        Ok(None)
    }

    fn read(&mut self) -> io::Result<usize> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(2 * self.filled, 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Returns the length of the complete lines and objects, of which everything from `start` on is new.
    fn complete_until(&mut self, start: usize) -> usize {
        let new = &self.buffer[start..self.filled];
        let in_lines = memchr::memrchr(b'\n', new).map_or(0, |at| start + at + 1);
        let from = in_lines.max(start);
        if in_lines > 0 {
            self.objects = ObjectScanner::default();
        }
        let in_objects = self.objects.end_of_last(&self.buffer[from..self.filled]).map_or(0, |length| from + length);
        in_lines.max(in_objects)
    }

    /// Drops the rest of a line that is too long, up to its end if that was read. Returns the start of what is new then.
    fn skip(&mut self) -> usize {
        let rest = &self.buffer[..self.filled];
        let line = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let object = self.objects.next_end(&rest[..line]);
        let has_line_break = rest[..line].ends_with(b"\n");
        self.is_skipping = object.is_none() && !has_line_break;
        if !self.is_skipping {
            self.objects = ObjectScanner::default();
        }
        self.drop_first(object.unwrap_or(line));
        0
    }

    /// Takes the first bytes of the buffer; `None` if there are none.
    fn take(&mut self, length: usize) -> Option<Piece> {
        let piece = (length > 0).then(|| Piece::Lines(self.buffer[..length].to_vec()));
        self.drop_first(length);
        piece
    }

    /// Drops the first bytes, and gives the memory of a long line back.
    fn drop_first(&mut self, length: usize) {
        self.buffer.copy_within(length..self.filled, 0);
        self.filled -= length;
        if self.buffer.len() > BUFFER_SIZE && self.filled < BUFFER_SIZE {
            self.buffer.truncate(BUFFER_SIZE);
            self.buffer.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An input that arrives in these parts.
    struct Parts(Vec<Vec<u8>>);

    impl Read for Parts {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some(part) = self.0.first_mut() else { return Ok(0) };
            let count = part.len().min(buffer.len());
            buffer[..count].copy_from_slice(&part[..count]);
            part.drain(..count);
            if part.is_empty() {
                self.0.remove(0);
            }
            Ok(count)
        }
    }

    fn reader(parts: &[&[u8]]) -> LineReader<Parts> {
        LineReader::new(Parts(parts.iter().filter(|part| !part.is_empty()).map(|part| part.to_vec()).collect()))
    }

    fn pieces(parts: &[&[u8]]) -> Vec<String> {
        let mut reader = reader(parts);
        let next = || match reader.next_piece().expect("no error") {
            Some(Piece::Lines(bytes)) => Some(String::from_utf8(bytes).expect("UTF-8")),
            Some(Piece::TooLong) => Some("too long".to_owned()),
            None => None,
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn a_piece_ends_behind_a_line_break_or_an_object() {
        for (parts, expected) in [
            (&["a\nb\n"][..], &["a\nb\n"][..]),
            (&["a\nb", "c\n"], &["a\n", "bc\n"]),
            (&["a", "\n", "b"], &["a\n", "b"]),
            (&[r#"{"a":{}}"#, "\n"], &[r#"{"a":{}}"#, "\n"]),
            (&[r#"{"a":"#, r#"{}}{"b":"#, "1}"], &[r#"{"a":{}}"#, r#"{"b":1}"#]),
            (&["{}{", "}\n"], &["{}", "{}\n"]),
            (&[r#"{"a":"}\"#, r#""}"}"#, " x"], &[r#"{"a":"}\"}"}"#, " x"]),
            (&["{\n{}", "x"], &["{\n{}", "x"]),
            (&["}}", "{}", "\n"], &["}}", "{}", "\n"]),
            (&[], &[]),
        ] {
            let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
            assert_eq!(pieces(&parts), expected, "{parts:?}");
        }
    }

    #[test]
    fn a_line_beyond_the_limit_is_skipped_and_its_memory_given_back() {
        let long = vec![b'x'; MAX_LINE + 1];
        let mut reader = reader(&[b"{}\n", &long, b"xx\n{\"a\":1}\nrest"]);
        let next = |reader: &mut LineReader<Parts>| reader.next_piece().expect("no error");
        assert_eq!(next(&mut reader), Some(Piece::Lines(b"{}\n".to_vec())));
        assert_eq!(next(&mut reader), Some(Piece::TooLong));
        assert_eq!(reader.buffer.capacity(), BUFFER_SIZE);
        assert_eq!(next(&mut reader), Some(Piece::Lines(b"{\"a\":1}\n".to_vec())));
        assert_eq!(next(&mut reader), Some(Piece::Lines(b"rest".to_vec())));
        assert_eq!(next(&mut reader), None);
    }

    #[test]
    fn a_line_within_the_limit_is_read_as_a_whole() {
        let mut line = vec![b'x'; MAX_LINE - 1];
        line.push(b'\n');
        let mut reader = reader(&[&line]);
        assert_eq!(reader.next_piece().expect("no error"), Some(Piece::Lines(line)));
        assert_eq!((reader.buffer.capacity(), reader.filled), (BUFFER_SIZE, 0));
    }

    #[test]
    fn a_long_object_without_a_line_break_is_skipped_up_to_its_end() {
        let mut long = br#"{"a":""#.to_vec();
        long.resize(MAX_LINE + 1, b'x');
        assert_eq!(pieces(&[&long, br#"}"}{"b":1}"#, b"{}"]), ["too long", r#"{"b":1}"#, "{}"]);
    }

    proptest! {
        #[test]
        fn the_parts_of_an_input_do_not_change_it(
            text in r#"([{}"\\ab\n]{0,12}\n?){0,6}"#,
            cuts in prop::collection::vec(0usize..80, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(pieces(&parts).concat(), text);
        }
    }
}
