//! Writes the records of a batch, and keeps the lines of a regular file whole (OUT-44 to OUT-46).

use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::sync::Arc;

use super::WriterExit;
use super::batch::Batch;
use super::queue::Queue;
use super::thread::WriteRecords;
use crate::system::stream::{AsStream, wait_until_writable};
use crate::system::whole_lines;

/// The writer of records, which counts them in the queue.
pub(super) struct RecordWriter<'a, W> {
    out: W,
    queue: &'a Queue,
    has_started: bool,
}

impl<'a, W: Write + AsStream> RecordWriter<'a, W> {
    pub(super) fn new(out: W, queue: &'a Queue) -> Self {
        Self { out, queue, has_started: false }
    }

    /// Ends an incomplete line that another run or program has left at the end of a regular file.
    ///
    /// This is checked just before the first record, not at the start of the run: other processes may write in between.
    fn start(&mut self) -> Result<(), WriterExit> {
        if !self.has_started && whole_lines::is_within_line(&self.out) {
            self.write_part(b"\n")?;
        }
        self.has_started = true;
        Ok(())
    }

    /// Writes at least one byte.
    fn write_part(&mut self, bytes: &[u8]) -> Result<usize, WriterExit> {
        loop {
            match self.out.write(bytes) {
                Ok(0) => return Err(write_failed(ErrorKind::WriteZero.into())),
                Ok(length) => return Ok(length),
                Err(error) => recover(&self.out, error)?,
            }
        }
    }
}

impl<W: Write + AsStream> WriteRecords for RecordWriter<'_, W> {
    /// Writes a range of a batch. If that fails, removes an incomplete record from the end of a regular file.
    fn write(&mut self, batch: &Batch, range: Range<usize>) -> Result<(), WriterExit> {
        self.start()?;
        let mut position = range.start;
        while position < range.end {
            match self.write_part(&batch.bytes()[position..range.end]) {
                Ok(length) => {
                    self.queue.count_written_range(batch, position, position + length);
                    position += length;
                }
                Err(exit) => {
                    whole_lines::remove_fragment(&self.out, batch.incomplete_record(position));
                    return Err(exit);
                }
            }
        }
        Ok(())
    }
}

/// Returns once the write can be repeated.
fn recover(out: &impl AsStream, error: io::Error) -> Result<(), WriterExit> {
    match error.kind() {
        ErrorKind::Interrupted => Ok(()),
        ErrorKind::WouldBlock => wait_until_writable(out.as_stream()).map_err(write_failed),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Err(WriterExit::ReaderClosed),
        _ => Err(write_failed(error)),
    }
}

fn write_failed(error: io::Error) -> WriterExit {
    WriterExit::WriteFailed(Arc::new(error))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read as _, Seek as _};

    use super::*;
    use crate::system::stream::BorrowedStream;

    const RECORDS: [&str; 3] = ["one\n", "two\nlines\n", "three\n"];

    /// A file on a disk with this much space.
    struct FileOnDisk {
        file: File,
        space: usize,
        error: Option<ErrorKind>,
    }

    impl Write for FileOnDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let length = bytes.len().min(self.space);
            self.space -= length;
            match self.error {
                Some(error) if length == 0 => Err(error.into()),
                _ => self.file.write(&bytes[..length]),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            self.file.flush()
        }
    }

    impl AsStream for FileOnDisk {
        fn as_stream(&self) -> BorrowedStream<'_> {
            self.file.as_stream()
        }
    }

    /// Returns a writer to a file with this content. The position is the end of the content.
    fn writer<'a>(
        content: &str,
        space: usize,
        error: Option<ErrorKind>,
        queue: &'a Queue,
    ) -> RecordWriter<'a, FileOnDisk> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        RecordWriter::new(FileOnDisk { file, space, error }, queue)
    }

    fn batch() -> Batch {
        let mut batch = Batch::default();
        for record in RECORDS {
            batch.push_record(|out| out.extend_from_slice(record.as_bytes()));
        }
        batch
    }

    fn content(writer: RecordWriter<'_, FileOnDisk>) -> String {
        let (mut file, mut content) = (writer.out.file, String::new());
        file.rewind().unwrap();
        file.read_to_string(&mut content).unwrap();
        content
    }

    #[test]
    fn after_a_failed_write_a_file_ends_with_the_last_whole_record() {
        let batch = batch();
        let errors =
            [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge, ErrorKind::Other].map(Some);
        for error in errors.into_iter().chain([None]) {
            for space in 0..batch.bytes().len() {
                let queue = Queue::new(usize::MAX);
                let mut writer = writer("before\n", space, error, &queue);
                assert!(matches!(writer.write(&batch, 0..batch.bytes().len()), Err(WriterExit::WriteFailed(_))));
                let written = queue.written();
                let whole = RECORDS[..batch.records_within(space)].concat();
                assert_eq!(content(writer), format!("before\n{whole}"), "{error:?} after {space}");
                assert_eq!((written.records, written.bytes), (batch.records_within(space) as u64, space as u64));
            }
        }
    }

    #[test]
    fn a_record_that_is_written_alone_is_removed_alone() {
        let (batch, queue) = (batch(), Queue::new(usize::MAX));
        let mut writer = writer("", 9, Some(ErrorKind::StorageFull), &queue);
        writer.write(&batch, 0..4).unwrap();
        assert!(writer.write(&batch, 4..14).is_err());
        assert_eq!(content(writer), "one\n");
    }

    #[test]
    fn only_the_first_record_after_an_incomplete_line_starts_with_a_line_break() {
        let (batch, queue) = (batch(), Queue::new(usize::MAX));
        for (before, line_break) in [("", ""), ("before\n", ""), ("befo", "\n")] {
            let mut writer = writer(before, usize::MAX, None, &queue);
            writer.write(&batch, 0..4).unwrap();
            // Another process leaves an incomplete line. It is not checked again: that would cost a call per batch.
            writer.out.file.write_all(b"x").unwrap();
            writer.write(&batch, 4..14).unwrap();
            assert_eq!(content(writer), format!("{before}{line_break}one\nxtwo\nlines\n"));
        }
    }

    #[test]
    fn a_line_that_is_completed_before_the_first_record_needs_no_line_break() {
        let (batch, queue) = (batch(), Queue::new(usize::MAX));
        let mut writer = writer("befo", usize::MAX, None, &queue);
        writer.out.file.write_all(b"re\n").unwrap();
        writer.write(&batch, 0..4).unwrap();
        assert_eq!(content(writer), "before\none\n");
    }

    #[test]
    fn a_disk_that_is_full_after_the_line_break_keeps_it() {
        let (batch, queue) = (batch(), Queue::new(usize::MAX));
        for (space, expected) in [(0, "befo"), (1, "befo\n"), (3, "befo\n")] {
            let mut writer = writer("befo", space, Some(ErrorKind::StorageFull), &queue);
            assert!(writer.write(&batch, 0..4).is_err());
            assert_eq!(content(writer), expected);
        }
        assert_eq!(queue.written().records, 0);
    }
}
