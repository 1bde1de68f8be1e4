//! The writer as a whole, on real pipes. Tests of waiting times pause the clock: an idle runtime then advances it.

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, Read, pipe};
use std::ops::Range;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::time::{Instant, timeout};

use super::*;

const KIB: usize = 1024;
const MIB: usize = 1024 * 1024;
const HOUR: Duration = Duration::from_secs(3600);

/// A limit that only a failure reaches.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the `n`-th line, 64 bytes long.
fn line(n: usize) -> String {
    format!("{n:063}\n")
}

fn record_line(writer: &mut Writer, n: usize) {
    writer.record(|out| out.extend_from_slice(line(n).as_bytes()));
}

/// Records lines and flushes once.
fn record_lines(writer: &mut Writer, numbers: Range<usize>) {
    numbers.for_each(|n| record_line(writer, n));
    writer.flush();
}

/// Records lines and flushes each.
fn record_lines_one_by_one(writer: &mut Writer, numbers: Range<usize>) {
    for n in numbers {
        record_line(writer, n);
        writer.flush();
    }
}

/// Records lines from the `n`-th on until the writer is over its limit. Returns the number of the next line.
fn record_until_over_limit(writer: &mut Writer, mut n: usize) -> usize {
    while !writer.is_over_limit() {
        record_lines(writer, n..n + 100);
        n += 100;
    }
    n
}

/// Reads to the end on another thread, asserts that every line arrives once and in order, and returns their number.
fn read_all(reader: impl Read + Send + 'static) -> JoinHandle<usize> {
    std::thread::spawn(move || {
        let lines = BufReader::new(reader).lines().enumerate();
        lines.map(|(n, read)| assert_eq!(read.unwrap() + "\n", line(n))).count()
    })
}

/// Returns a writer to a pipe, and the reader, which has not read yet.
fn stalled_pipe(stall_buffer: usize) -> (PipeReader, Writer) {
    let (reader, out) = pipe().unwrap();
    (reader, Writer::spawn(out, stall_buffer).unwrap())
}

#[tokio::test]
async fn a_flushed_line_is_readable_at_once() {
    let (reader, mut writer) = stalled_pipe(MIB);
    let (send, received) = mpsc::channel();
    std::thread::spawn(move || BufReader::new(reader).lines().try_for_each(|line| send.send(line.unwrap())));
    for n in 0..3 {
        record_lines(&mut writer, n..n + 1);
        assert_eq!(received.recv_timeout(TIMEOUT).unwrap() + "\n", line(n));
    }
    assert_eq!(writer.finish(None).await.unwrap(), Written { records: 3, bytes: 192 });
}

#[tokio::test]
async fn a_reader_that_stalls_and_continues_gets_every_line() {
    let (reader, mut writer) = stalled_pipe(64 * MIB);
    record_lines_one_by_one(&mut writer, 0..20_000);
    record_lines(&mut writer, 20_000..40_000);
    let reading = read_all(reader);
    assert_eq!(writer.finish(None).await.unwrap(), Written { records: 40_000, bytes: 40_000 * 64 });
    assert_eq!(reading.join().unwrap(), 40_000);
}

#[tokio::test]
async fn dropping_the_writer_flushes_and_ends_the_thread() {
    let (reader, mut writer) = stalled_pipe(MIB);
    record_line(&mut writer, 0);
    drop(writer);
    assert_eq!(read_all(reader).join().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_raised_for_a_stalled_reader_up_to_the_stall_buffer() {
    let (reader, mut writer) = stalled_pipe(256 * KIB);
    let handle = writer.handle();
    let (mut n, mut bytes_at_limit) = (0, Vec::new());
    for _ in 0..2 {
        n = record_until_over_limit(&mut writer, n);
        bytes_at_limit.push(n * 64);
        let start = Instant::now();
        handle.wait_for_capacity().await;
        assert_eq!(start.elapsed().as_millis() / 10, 20);
    }
    n = record_until_over_limit(&mut writer, n);
    bytes_at_limit.push(n * 64);
    // The record ends are a ninth of the cost. Up to two batches have left the queue, and one more was handed over.
    let limits = [64 * KIB, 128 * KIB, 256 * KIB].map(|limit| limit * 8 / 9);
    let fits = |(bytes, limit)| (limit..limit + 96 * KIB).contains(bytes);
    assert!(bytes_at_limit.iter().zip(limits).all(fits), "{bytes_at_limit:?}");

    assert!(timeout(HOUR, handle.wait_for_capacity()).await.is_err(), "at the stall buffer there is no time limit");
    tokio::time::resume();
    let reading = read_all(reader);
    timeout(TIMEOUT, handle.wait_for_capacity()).await.unwrap();
    assert!(!writer.is_over_limit());
    drop(handle);
    assert_eq!(writer.finish(None).await.unwrap().records, n as u64);
    assert_eq!(reading.join().unwrap(), n);
}

#[tokio::test]
async fn the_limit_is_reset_once_the_reader_has_caught_up() {
    let queue = Queue::new(64 * MIB);
    let mut batch = Batch::default();
    queue.raise_limit();
    assert!(!queue.is_at_stall_limit());
    batch.push_record(|out| out.resize(96 * KIB, b'x'));
    queue.push(&mut batch);
    assert!(!queue.is_over_limit());
    let written = queue.next().unwrap();
    queue.recycle(written);
    batch.push_record(|out| out.resize(96 * KIB, b'x'));
    queue.push(&mut batch);
    assert!(queue.is_over_limit());
}

#[tokio::test(start_paused = true)]
async fn finishing_for_a_stalled_reader_is_bounded_and_counts_only_written_records() {
    let (mut reader, mut writer) = stalled_pipe(64 * MIB);
    record_lines(&mut writer, 0..50_000);
    let handle = writer.handle();
    let start = Instant::now();
    let written = timeout(HOUR, writer.finish(Some(Duration::from_millis(500)))).await.unwrap().unwrap();
    assert_eq!(handle.written(), written);
    assert_eq!(start.elapsed().as_millis() / 10, 50);
    assert!(written.records < 50_000 && written.bytes >= written.records * 64);
    drop(handle);
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert!(rest.len() as u64 >= written.bytes && rest.len() < 50_000 * 64);
}

#[tokio::test]
async fn output_is_appended_to_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for numbers in [0..2, 2..5] {
        let out = File::options().append(true).open(file.path()).unwrap();
        let mut writer = Writer::spawn(out, MIB).unwrap();
        record_lines_one_by_one(&mut writer, numbers);
        writer.finish(Some(HOUR)).await.unwrap();
    }
    assert_eq!(read_all(file.reopen().unwrap()).join().unwrap(), 5);
}

#[tokio::test]
async fn many_small_flushes_are_merged_into_full_batches() {
    let queue = Queue::new(MIB);
    let mut batch = Batch::default();
    for n in 0..2_000 {
        batch.push_record(|out| out.extend_from_slice(line(n).as_bytes()));
        queue.push(&mut batch);
    }
    queue.close();
    let sizes: Vec<usize> = std::iter::from_fn(|| queue.next()).map(|batch| batch.bytes().len()).collect();
    assert_eq!(sizes, [32 * KIB, 32 * KIB, 32 * KIB, 2_000 * 64 - 96 * KIB]);
}

// Windows has no non-blocking pipes, no stream sockets of this kind and no full device, and detects a closed pipe only by a write.
#[cfg(unix)]
mod unix {
    use std::os::unix::net::UnixStream;

    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

    use super::*;

    #[tokio::test]
    // Other systems write a pipe in a thread.
    #[cfg(target_os = "linux")]
    async fn a_few_lines_are_in_the_pipe_when_flush_returns() {
        let (mut reader, mut writer) = stalled_pipe(MIB);
        for n in 0..3 {
            record_lines(&mut writer, n..n + 1);
            assert_eq!(writer.handle().written().records, n as u64 + 1);
        }
        let mut read = vec![0; 3 * 64];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(read, [line(0), line(1), line(2)].concat().as_bytes());
    }

    #[tokio::test]
    async fn a_non_blocking_pipe_loses_no_line() {
        let (reader, out) = pipe().unwrap();
        fcntl_setfl(&out, fcntl_getfl(&out).unwrap() | OFlags::NONBLOCK).unwrap();
        let mut writer = Writer::spawn(out, 64 * MIB).unwrap();
        record_lines(&mut writer, 0..30_000);
        let reading = read_all(reader);
        assert_eq!(writer.finish(None).await.unwrap().records, 30_000);
        assert_eq!(reading.join().unwrap(), 30_000);
    }

    #[tokio::test]
    async fn a_closed_reader_is_detected_while_nothing_is_written() {
        let (reader, mut writer) = stalled_pipe(MIB);
        record_lines(&mut writer, 0..1);
        let handle = writer.handle();
        let (exit, ()) = tokio::join!(timeout(TIMEOUT, handle.exit()), async { drop(reader) });
        assert!(matches!(exit, Ok(WriterExit::ReaderClosed)));
        record_lines(&mut writer, 1..2);
        assert!(matches!(writer.finish(None).await, Err(WriterExit::ReaderClosed)));
    }

    #[tokio::test]
    async fn a_stalled_reader_that_closes_ends_the_wait_for_capacity() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut writer = Writer::spawn(ours, MIB).unwrap();
        record_lines(&mut writer, 0..40_000);
        assert!(writer.is_over_limit());
        let handle = writer.handle();
        let (waited, ()) = tokio::join!(timeout(TIMEOUT, handle.wait_for_capacity()), async { drop(theirs) });
        waited.unwrap();
        assert!(!writer.is_over_limit());
        assert!(matches!(handle.exit().await, WriterExit::ReaderClosed));
    }

    #[tokio::test]
    async fn a_full_disk_is_a_failure_and_nothing_counts_as_written() {
        let mut writer = Writer::spawn(File::options().write(true).open("/dev/full").unwrap(), MIB).unwrap();
        let handle = writer.handle();
        record_lines(&mut writer, 0..10);
        let exit = handle.exit().await;
        assert!(matches!(exit, WriterExit::WriteFailed(error) if error.kind() == io::ErrorKind::StorageFull));
        record_lines(&mut writer, 10..20);
        assert!(matches!(writer.finish(None).await, Err(WriterExit::WriteFailed(_))));
        assert_eq!(handle.written(), Written::default());
    }
}
