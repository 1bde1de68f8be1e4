//! The thread: writes batches until the producer is done or a write fails.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::WriterExit;
use super::batch::Batch;
use super::queue::Queue;
use crate::event::Checkpoint;

/// The destination of records, which counts them in the queue.
pub(super) trait WriteRecords {
    /// Writes whole records of a batch.
    fn write(&mut self, batch: &Batch, range: Range<usize>) -> Result<(), WriterExit>;

    /// Is called once all records of a batch are written.
    fn end_batch(&mut self, _batch: &Batch) {}
}

/// Writes whole batches.
pub(super) fn write_batches(mut out: impl WriteRecords, queue: &Queue) {
    for_each_batch(queue, |batch| {
        out.write(batch, 0..batch.bytes().len())?;
        out.end_batch(batch);
        Ok(())
    });
}

/// Writes one record at a time, and hands its checkpoints to `on_written` before it begins the next record.
pub(super) fn write_records(
    mut out: impl WriteRecords,
    queue: &Queue,
    mut on_written: impl FnMut(&[Checkpoint]) -> io::Result<()>,
) {
    let mut store = |checkpoints: &[Checkpoint]| match checkpoints {
        [] => Ok(()),
        _ => on_written(checkpoints).map_err(|error| WriterExit::CheckpointFailed(Arc::new(error))),
    };
    for_each_batch(queue, |batch| {
        store(batch.checkpoints_at(0))?;
        let mut start = 0;
        for &end in batch.record_ends() {
            out.write(batch, start..end)?;
            store(batch.checkpoints_at(end))?;
            start = end;
        }
        out.end_batch(batch);
        Ok(())
    });
}

fn for_each_batch(queue: &Queue, mut process: impl FnMut(&Batch) -> Result<(), WriterExit>) {
    let _guard = FinishGuard(queue);
    while let Some(batch) = queue.next() {
        if let Err(exit) = process(&batch) {
            return queue.fail(exit);
        }
        queue.recycle(batch);
    }
}

/// Releases the waiting tasks when the thread ends, even by a panic.
struct FinishGuard<'a>(&'a Queue);

impl Drop for FinishGuard<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::fs::File;
    use std::io::{ErrorKind, Write};

    use super::super::Written;
    use super::super::record_writer::RecordWriter;
    use super::*;
    use crate::system::stream::{AsStream, BorrowedStream};

    const RECORDS: [&str; 3] = ["one\n", "two\n", "three\n"];

    /// An output that answers writes with scripted results.
    struct ScriptedOutput {
        results: VecDeque<io::Result<usize>>,
        accepted: Vec<u8>,
        file: File,
    }

    impl ScriptedOutput {
        fn new(results: impl Into<VecDeque<io::Result<usize>>>) -> Self {
            Self { results: results.into(), accepted: Vec::new(), file: tempfile::tempfile().unwrap() }
        }
    }

    impl Write for ScriptedOutput {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let length = self.results.pop_front().expect("no more writes than scripted")?;
            self.accepted.extend_from_slice(&bytes[..length]);
            Ok(length)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl AsStream for &mut ScriptedOutput {
        fn as_stream(&self) -> BorrowedStream<'_> {
            self.file.as_stream()
        }
    }

    fn closed_queue(mut batch: Batch) -> Queue {
        let queue = Queue::new(usize::MAX);
        queue.push(&mut batch);
        queue.close();
        queue
    }

    /// Writes [`RECORDS`], and returns the result and the accepted bytes.
    fn run(results: impl Into<VecDeque<io::Result<usize>>>) -> (Queue, Vec<u8>) {
        let mut batch = Batch::default();
        for record in RECORDS {
            batch.push_record(|out| out.extend_from_slice(record.as_bytes()));
        }
        let queue = closed_queue(batch);
        let mut out = ScriptedOutput::new(results);
        write_batches(RecordWriter::new(&mut out, &queue), &queue);
        (queue, out.accepted)
    }

    #[test]
    fn partial_interrupted_and_blocked_writes_are_continued() {
        let interrupted = || Err(ErrorKind::Interrupted.into());
        let blocked = || Err(ErrorKind::WouldBlock.into());
        let (queue, accepted) = run([interrupted(), Ok(3), blocked(), Ok(5), interrupted(), Ok(6)]);
        assert_eq!(accepted, b"one\ntwo\nthree\n");
        assert_eq!(queue.written(), Written { records: 3, bytes: 14 });
        assert!(queue.abandon().is_ok());
    }

    #[test]
    fn on_a_full_disk_only_the_written_part_is_counted() {
        let (queue, accepted) = run([Ok(3), Ok(2), Err(ErrorKind::StorageFull.into())]);
        assert_eq!(accepted, b"one\nt");
        assert_eq!(queue.written(), Written { records: 1, bytes: 5 });
        let result = queue.abandon();
        assert!(matches!(result, Err(WriterExit::WriteFailed(error)) if error.kind() == ErrorKind::StorageFull));
    }

    /// Returns a queue with the checkpoint 1 and [`RECORDS`] with the checkpoints 2 to 4.
    fn queue_with_checkpoints() -> Queue {
        let checkpoint = |key| Checkpoint { conversation: "c".into(), key, at: None };
        let mut batch = Batch::default();
        batch.push_checkpoint(checkpoint(1));
        for (record, key) in RECORDS.into_iter().zip(2..) {
            batch.push_record(|out| out.extend_from_slice(record.as_bytes()));
            batch.push_checkpoint(checkpoint(key));
        }
        closed_queue(batch)
    }

    #[test]
    fn only_the_checkpoints_of_written_records_are_stored() {
        let queue = queue_with_checkpoints();
        let mut stored = Vec::new();
        write_records(
            RecordWriter::new(&mut ScriptedOutput::new([Ok(4), Ok(2), Err(ErrorKind::StorageFull.into())]), &queue),
            &queue,
            |checkpoints| {
                stored.extend(checkpoints.iter().map(|checkpoint| checkpoint.key));
                Ok(())
            },
        );
        assert_eq!(queue.written(), Written { records: 1, bytes: 6 });
        assert_eq!(stored, [1, 2]);
    }

    #[test]
    fn a_failed_checkpoint_ends_writing() {
        let queue = queue_with_checkpoints();
        write_records(RecordWriter::new(&mut ScriptedOutput::new([Ok(4), Ok(4)]), &queue), &queue, |checkpoints| {
            if checkpoints[0].key < 3 { Ok(()) } else { Err(ErrorKind::StorageFull.into()) }
        });
        assert_eq!(queue.written(), Written { records: 2, bytes: 8 });
        let result = queue.abandon();
        assert!(matches!(result, Err(WriterExit::CheckpointFailed(error)) if error.kind() == ErrorKind::StorageFull));
    }

    #[test]
    fn a_closed_reader_is_told_apart_from_a_failed_write() {
        for kind in [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset] {
            assert!(matches!(run([Err(kind.into())]).0.abandon(), Err(WriterExit::ReaderClosed)));
        }
        assert!(matches!(run([Ok(0)]).0.abandon(), Err(WriterExit::WriteFailed(_))));
    }
}
