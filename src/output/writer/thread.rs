//! The thread: writes batch after batch until there are no more, or no more can be written.

use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::WriterExit;
use super::batch::Batch;
use super::queue::Queue;
use crate::event::Checkpoint;

/// Runs until the queue says that there is no more, or a write fails.
pub(super) fn drain(mut out: impl Write + AsFd, queue: &Queue) {
    each(queue, |batch| write(&mut out, batch, 0..batch.bytes().len(), queue));
}

/// Like [`drain`], but writes one record at a time and stores its checkpoints before it begins the next record.
pub(super) fn drain_with_checkpoints(
    mut out: impl Write + AsFd,
    queue: &Queue,
    mut on_written: impl FnMut(&[Checkpoint]) -> io::Result<()>,
) {
    let mut store = |checkpoints: &[Checkpoint]| match checkpoints {
        [] => Ok(()),
        _ => on_written(checkpoints).map_err(|error| WriterExit::CheckpointFailed(Arc::new(error))),
    };
    each(queue, |batch| {
        store(batch.checkpoints_at(0))?;
        let mut done = 0;
        for &end in batch.ends() {
            write(&mut out, batch, done..end, queue)?;
            store(batch.checkpoints_at(end))?;
            done = end;
        }
        Ok(())
    });
}

fn each(queue: &Queue, mut take: impl FnMut(&Batch) -> Result<(), WriterExit>) {
    let _ended = FinishGuard(queue);
    while let Some(batch) = queue.next() {
        if let Err(fate) = take(&batch) {
            return queue.fail(fate);
        }
        queue.recycle(batch);
    }
}

/// Tells those who wait, even if the thread should end in a panic.
struct FinishGuard<'a>(&'a Queue);

impl Drop for FinishGuard<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn write(out: &mut (impl Write + AsFd), batch: &Batch, range: Range<usize>, queue: &Queue) -> Result<(), WriterExit> {
    let mut done = range.start;
    while done < range.end {
        match out.write(&batch.bytes()[done..range.end]) {
            Ok(0) => return Err(failed(ErrorKind::WriteZero.into())),
            Ok(length) => {
                queue.count(batch, done, done + length);
                done += length;
            }
            Err(error) => recover(out, error)?,
        }
    }
    Ok(())
}

fn recover(out: &impl AsFd, error: io::Error) -> Result<(), WriterExit> {
    match error.kind() {
        ErrorKind::Interrupted => Ok(()),
        ErrorKind::WouldBlock => wait_until_writable(out),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Err(WriterExit::ReaderClosed),
        _ => Err(failed(error)),
    }
}

/// Standard output is non-blocking when ssh or node share theirs with us; we must not change what is theirs.
fn wait_until_writable(out: &impl AsFd) -> Result<(), WriterExit> {
    match poll(&mut [PollFd::new(out, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(failed(error.into())),
    }
}

fn failed(error: io::Error) -> WriterExit {
    WriterExit::WriteFailed(Arc::new(error))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::fs::File;
    use std::os::fd::BorrowedFd;

    use super::super::Written;
    use super::*;

    /// Answers writes as told.
    struct Scripted {
        answers: VecDeque<io::Result<usize>>,
        taken: Vec<u8>,
        fd: File,
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let length = self.answers.pop_front().expect("no more writes than told")?;
            self.taken.extend_from_slice(&bytes[..length]);
            Ok(length)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl AsFd for Scripted {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.fd.as_fd()
        }
    }

    fn run(answers: impl Into<VecDeque<io::Result<usize>>>) -> (Result<Written, WriterExit>, Written, Vec<u8>) {
        let queue = Queue::new(usize::MAX);
        let mut batch = Batch::default();
        for record in ["one\n", "two\n", "three\n"] {
            batch.record(|out| out.extend_from_slice(record.as_bytes()));
        }
        queue.push(&mut batch);
        queue.close();
        let fd = File::options().write(true).open("/dev/null").unwrap();
        let mut out = Scripted { answers: answers.into(), taken: Vec::new(), fd };
        drain(&mut out, &queue);
        (queue.abandon(), queue.written(), out.taken)
    }

    #[test]
    fn partial_interrupted_and_refused_writes_go_on_where_they_were() {
        let interrupted = || Err(ErrorKind::Interrupted.into());
        let blocked = || Err(ErrorKind::WouldBlock.into());
        let (outcome, written, taken) = run([interrupted(), Ok(3), blocked(), Ok(5), interrupted(), Ok(6)]);
        assert_eq!(taken, b"one\ntwo\nthree\n");
        assert_eq!(written, Written { records: 3, bytes: 14 });
        assert!(outcome.is_ok());
    }

    #[test]
    fn only_what_was_written_is_counted_when_the_disk_is_full() {
        let (outcome, written, taken) = run([Ok(3), Ok(2), Err(Errno::NOSPC.into())]);
        assert_eq!(taken, b"one\nt");
        assert_eq!(written, Written { records: 1, bytes: 5 });
        assert!(matches!(outcome, Err(WriterExit::WriteFailed(error)) if error.kind() == ErrorKind::StorageFull));
    }

    /// Three records, each with a checkpoint, after a checkpoint without a record.
    fn with_checkpoints() -> Queue {
        let queue = Queue::new(usize::MAX);
        let mut batch = Batch::default();
        for (key, record) in ["", "one\n", "two\n", "three\n"].into_iter().enumerate() {
            if key > 0 {
                batch.record(|out| out.extend_from_slice(record.as_bytes()));
            }
            batch.checkpoint(Checkpoint { conversation: "c".into(), key: key as u64 + 1, at: None });
        }
        queue.push(&mut batch);
        queue.close();
        queue
    }

    #[test]
    fn only_the_checkpoints_of_written_records_are_stored() {
        let queue = with_checkpoints();
        let fd = File::options().write(true).open("/dev/null").unwrap();
        let answers = VecDeque::from([Ok(4), Ok(2), Err(Errno::NOSPC.into())]);
        let mut stored = Vec::new();
        drain_with_checkpoints(&mut Scripted { answers, taken: Vec::new(), fd }, &queue, |checkpoints| {
            stored.extend(checkpoints.iter().map(|checkpoint| checkpoint.key));
            Ok(())
        });
        assert_eq!(queue.written(), Written { records: 1, bytes: 6 });
        assert_eq!(stored, [1, 2]);
    }

    #[test]
    fn a_failed_checkpoint_ends_writing() {
        let queue = with_checkpoints();
        let fd = File::options().write(true).open("/dev/null").unwrap();
        let answers = VecDeque::from([Ok(4), Ok(4)]);
        drain_with_checkpoints(&mut Scripted { answers, taken: Vec::new(), fd }, &queue, |checkpoints| {
            if checkpoints[0].key < 3 { Ok(()) } else { Err(Errno::NOSPC.into()) }
        });
        assert_eq!(queue.written(), Written { records: 2, bytes: 8 });
        assert!(
            matches!(queue.abandon(), Err(WriterExit::CheckpointFailed(error)) if error.kind() == ErrorKind::StorageFull)
        );
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        for kind in [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset] {
            assert!(matches!(run([Err(kind.into())]).0, Err(WriterExit::ReaderClosed)));
        }
        assert!(matches!(run([Ok(0)]).0, Err(WriterExit::WriteFailed(_))));
    }
}
