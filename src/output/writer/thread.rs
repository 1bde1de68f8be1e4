//! The thread: writes chunk after chunk until there are no more, or no more can be written.

use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::Fate;
use super::batch::Chunk;
use super::queue::Queue;
use crate::cursor::CursorFile;

/// Runs until the queue says that there is no more, or a write fails.
pub(super) fn drain(mut out: impl Write + AsFd, queue: &Queue) {
    each(queue, |chunk| write(&mut out, chunk, 0..chunk.bytes().len(), queue));
}

/// The same, one record at a time, and what was written is noted in the cursor before the next one is begun.
pub(super) fn drain_noting(mut out: impl Write + AsFd, queue: &Queue, mut cursor: CursorFile) {
    each(queue, |chunk| {
        note(chunk, 0, &mut cursor)?;
        let mut done = 0;
        for &end in chunk.ends() {
            write(&mut out, chunk, done..end, queue)?;
            note(chunk, end, &mut cursor)?;
            done = end;
        }
        Ok(())
    });
}

fn each(queue: &Queue, mut take: impl FnMut(&Chunk) -> Result<(), Fate>) {
    let _ended = Ended(queue);
    while let Some(chunk) = queue.next() {
        if let Err(fate) = take(&chunk) {
            return queue.fail(fate);
        }
        queue.recycle(chunk);
    }
}

/// Tells those who wait, even if the thread should end in a panic.
struct Ended<'a>(&'a Queue);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn note(chunk: &Chunk, length: usize, cursor: &mut CursorFile) -> Result<(), Fate> {
    cursor.note(chunk.marks_at(length)).map_err(|error| Fate::Unmarked(Arc::new(error)))
}

fn write(out: &mut (impl Write + AsFd), chunk: &Chunk, range: Range<usize>, queue: &Queue) -> Result<(), Fate> {
    let mut done = range.start;
    while done < range.end {
        match out.write(&chunk.bytes()[done..range.end]) {
            Ok(0) => return Err(failed(ErrorKind::WriteZero.into())),
            Ok(length) => {
                queue.count(chunk, done, done + length);
                done += length;
            }
            Err(error) => recover(out, error)?,
        }
    }
    Ok(())
}

fn recover(out: &impl AsFd, error: io::Error) -> Result<(), Fate> {
    match error.kind() {
        ErrorKind::Interrupted => Ok(()),
        ErrorKind::WouldBlock => wait_until_writable(out),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Err(Fate::ReaderGone),
        _ => Err(failed(error)),
    }
}

/// Standard output is non-blocking when ssh or node share theirs with us; we must not change what is theirs.
fn wait_until_writable(out: &impl AsFd) -> Result<(), Fate> {
    match poll(&mut [PollFd::new(out, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(failed(error.into())),
    }
}

fn failed(error: io::Error) -> Fate {
    Fate::Failed(Arc::new(error))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::fs::File;
    use std::os::fd::BorrowedFd;

    use super::super::Written;
    use super::*;
    use crate::config::Targets;
    use crate::cursor::{self, Checkpoint, Followed};

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

    fn run(answers: impl Into<VecDeque<io::Result<usize>>>) -> (Result<Written, Fate>, Written, Vec<u8>) {
        let queue = Queue::new(usize::MAX);
        let mut chunk = Chunk::default();
        for record in ["one\n", "two\n", "three\n"] {
            chunk.record(|out| out.extend_from_slice(record.as_bytes()));
        }
        queue.push(&mut chunk);
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
        assert!(matches!(outcome, Err(Fate::Failed(error)) if error.kind() == ErrorKind::StorageFull));
    }

    #[test]
    fn what_is_written_is_noted_and_what_is_not_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor");
        let nobody = Targets::default();
        let followed = Followed { conversations: &["c".to_owned()], groups: &nobody, since: None };
        let (_, cursor) = cursor::open(&path, followed).unwrap();
        let queue = Queue::new(usize::MAX);
        let mut chunk = Chunk::default();
        for (key, record) in ["", "one\n", "two\n", "three\n"].into_iter().enumerate() {
            if key > 0 {
                chunk.record(|out| out.extend_from_slice(record.as_bytes()));
            }
            chunk.mark(Checkpoint { conversation: "c".into(), key: key as u64 + 1, at: None });
        }
        queue.push(&mut chunk);
        queue.close();
        let fd = File::options().write(true).open("/dev/null").unwrap();
        let answers = VecDeque::from([Ok(4), Ok(2), Err(Errno::NOSPC.into())]);
        drain_noting(&mut Scripted { answers, taken: Vec::new(), fd }, &queue, cursor);
        assert_eq!(queue.written(), Written { records: 1, bytes: 6 });
        let (_, cursor) = cursor::open(&path, followed).unwrap();
        let noted: Vec<u64> = cursor.resume_points().flat_map(|(_, _, keys)| keys).collect();
        assert_eq!(noted, [1, 2]);
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        for kind in [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset] {
            assert!(matches!(run([Err(kind.into())]).0, Err(Fate::ReaderGone)));
        }
        assert!(matches!(run([Ok(0)]).0, Err(Fate::Failed(_))));
    }
}
