//! The writer as a whole, on real pipes. The clock is paused where time matters: an idle runtime then skips ahead.

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, Read, pipe};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::time::{Instant, timeout};

use super::*;

const MIB: usize = 1024 * 1024;
const LONG: Duration = Duration::from_secs(3600);
/// More than anything takes that works.
const BOUND: Duration = Duration::from_secs(10);

/// The `n`-th record, 64 bytes long.
fn line(n: usize) -> String {
    format!("{n:063}\n")
}

fn record_lines(writer: &mut Writer, numbers: std::ops::Range<usize>, flush_each: bool) {
    for n in numbers {
        writer.record(|out| out.extend_from_slice(line(n).as_bytes()));
        if flush_each {
            writer.flush();
        }
    }
    writer.flush();
}

/// Reads to the end on a thread of its own and checks that every line is there, once and in order.
fn read_all(reader: impl Read + Send + 'static) -> std::thread::JoinHandle<usize> {
    std::thread::spawn(move || {
        let lines = BufReader::new(reader).lines().enumerate();
        lines.map(|(n, read)| assert_eq!(read.unwrap() + "\n", line(n))).count()
    })
}

fn stalled_pipe(stall_buffer: usize) -> (PipeReader, Writer) {
    let (reader, out) = pipe().unwrap();
    (reader, Writer::spawn(out, stall_buffer).unwrap())
}

#[tokio::test]
async fn what_is_flushed_can_be_read_at_once() {
    let (reader, mut writer) = stalled_pipe(MIB);
    let (send, received) = mpsc::channel();
    std::thread::spawn(move || BufReader::new(reader).lines().try_for_each(|line| send.send(line.unwrap())));
    for n in 0..3 {
        record_lines(&mut writer, n..n + 1, false);
        assert_eq!(received.recv_timeout(BOUND).unwrap() + "\n", line(n));
    }
    assert_eq!(writer.finish(None).await.unwrap(), Written { records: 3, bytes: 192 });
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_few_lines_are_in_the_pipe_when_the_flush_returns() {
    let (mut reader, mut writer) = stalled_pipe(MIB);
    for n in 0..3 {
        record_lines(&mut writer, n..n + 1, false);
        assert_eq!(writer.handle().written().records, n as u64 + 1);
    }
    let mut read = vec![0; 3 * 64];
    reader.read_exact(&mut read).unwrap();
    assert_eq!(read, [line(0), line(1), line(2)].concat().as_bytes());
}

#[tokio::test]
async fn a_reader_that_stalls_and_goes_on_loses_nothing() {
    let (reader, mut writer) = stalled_pipe(64 * MIB);
    record_lines(&mut writer, 0..20_000, true);
    record_lines(&mut writer, 20_000..40_000, false);
    let reading = read_all(reader);
    assert_eq!(writer.finish(None).await.unwrap(), Written { records: 40_000, bytes: 40_000 * 64 });
    assert_eq!(reading.join().unwrap(), 40_000);
}

#[tokio::test]
async fn a_non_blocking_pipe_loses_nothing() {
    let (reader, out) = pipe().unwrap();
    fcntl_setfl(&out, fcntl_getfl(&out).unwrap() | OFlags::NONBLOCK).unwrap();
    let mut writer = Writer::spawn(out, 64 * MIB).unwrap();
    record_lines(&mut writer, 0..30_000, false);
    let reading = read_all(reader);
    assert_eq!(writer.finish(None).await.unwrap().records, 30_000);
    assert_eq!(reading.join().unwrap(), 30_000);
}

#[tokio::test]
async fn dropping_flushes_and_ends_the_thread() {
    let (reader, mut writer) = stalled_pipe(MIB);
    writer.record(|out| out.extend_from_slice(line(0).as_bytes()));
    drop(writer);
    assert_eq!(read_all(reader).join().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_limit_widens_for_a_stalled_reader_up_to_the_stall_buffer() {
    const KIB: usize = 1024;
    let (reader, mut writer) = stalled_pipe(MIB);
    let handle = writer.handle();
    let (mut n, mut held) = (0, Vec::new());
    for _ in 0..2 {
        while !writer.is_over_limit() {
            record_lines(&mut writer, n..n + 100, false);
            n += 100;
        }
        held.push(n * 64);
        let start = Instant::now();
        handle.wait_for_capacity().await;
        assert_eq!(start.elapsed().as_millis() / 10, 20);
    }
    while !writer.is_over_limit() {
        record_lines(&mut writer, n..n + 100, false);
        n += 100;
    }
    held.push(n * 64);
    // A ninth of the cost are the record ends, up to two batches have left the queue, and one was handed over last.
    let limits = [256 * KIB, 512 * KIB, MIB].map(|limit| limit * 8 / 9);
    let is_fit = |(held, limit)| (limit..limit + 192 * KIB).contains(held);
    assert!(held.iter().zip(limits).all(is_fit), "{held:?}");

    assert!(timeout(LONG, handle.wait_for_capacity()).await.is_err(), "at the stall buffer there is no end to waiting");
    tokio::time::resume();
    let reading = read_all(reader);
    timeout(BOUND, handle.wait_for_capacity()).await.unwrap();
    assert!(!writer.is_over_limit());
    drop(handle);
    assert_eq!(writer.finish(None).await.unwrap().records, n as u64);
    assert_eq!(reading.join().unwrap(), n);
}

#[tokio::test]
async fn the_limit_is_small_again_once_the_reader_has_caught_up() {
    let queue = Queue::new(64 * MIB);
    queue.widen();
    assert!(!queue.is_at_stall_limit());
    let mut batch = Batch::default();
    batch.record(|out| out.resize(MIB * 3 / 8, b'x'));
    queue.push(&mut batch);
    assert!(!queue.is_over_limit());
    let taken = queue.next().unwrap();
    queue.recycle(taken);
    batch.record(|out| out.resize(MIB * 3 / 8, b'x'));
    queue.push(&mut batch);
    assert!(queue.is_over_limit());
}

#[tokio::test(start_paused = true)]
async fn the_end_is_bounded_when_the_reader_stalls_and_claims_only_what_was_written() {
    let (mut reader, mut writer) = stalled_pipe(64 * MIB);
    record_lines(&mut writer, 0..50_000, false);
    let handle = writer.handle();
    let start = Instant::now();
    let written = timeout(LONG, writer.finish(Some(Duration::from_millis(500)))).await.unwrap().unwrap();
    assert_eq!(handle.written(), written);
    assert_eq!(start.elapsed().as_millis() / 10, 50);
    assert!(written.records < 50_000 && written.bytes >= written.records * 64);
    drop(handle);
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert!(rest.len() as u64 >= written.bytes && rest.len() < 50_000 * 64);
}

#[tokio::test]
async fn a_reader_that_goes_while_nothing_is_written_is_noticed() {
    let (reader, mut writer) = stalled_pipe(MIB);
    record_lines(&mut writer, 0..1, false);
    let handle = writer.handle();
    let (fate, ()) = tokio::join!(timeout(BOUND, handle.exit()), async { drop(reader) });
    assert!(matches!(fate, Ok(WriterExit::ReaderClosed)));
    record_lines(&mut writer, 1..2, false);
    assert!(matches!(writer.finish(None).await, Err(WriterExit::ReaderClosed)));
}

#[tokio::test]
async fn a_stalled_reader_that_goes_frees_whoever_waits_for_it() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut writer = Writer::spawn(ours, MIB).unwrap();
    record_lines(&mut writer, 0..40_000, false);
    assert!(writer.is_over_limit());
    let handle = writer.handle();
    let (room, ()) = tokio::join!(timeout(BOUND, handle.wait_for_capacity()), async { drop(theirs) });
    room.unwrap();
    assert!(!writer.is_over_limit());
    assert!(matches!(handle.exit().await, WriterExit::ReaderClosed));
}

#[tokio::test]
async fn a_full_disk_is_a_failure_and_nothing_is_claimed() {
    let mut writer = Writer::spawn(File::options().write(true).open("/dev/full").unwrap(), MIB).unwrap();
    let handle = writer.handle();
    record_lines(&mut writer, 0..10, false);
    assert!(
        matches!(handle.exit().await, WriterExit::WriteFailed(error) if error.kind() == io::ErrorKind::StorageFull)
    );
    record_lines(&mut writer, 10..20, false);
    assert!(matches!(writer.finish(None).await, Err(WriterExit::WriteFailed(_))));
    assert_eq!(handle.written(), Written::default());
}

#[tokio::test]
async fn a_file_is_appended_to() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for numbers in [0..2, 2..5] {
        let out = File::options().append(true).open(file.path()).unwrap();
        let mut writer = Writer::spawn(out, MIB).unwrap();
        record_lines(&mut writer, numbers, true);
        writer.finish(Some(LONG)).await.unwrap();
    }
    assert_eq!(read_all(file.reopen().unwrap()).join().unwrap(), 5);
}

#[tokio::test]
async fn many_small_flushes_cost_no_more_than_their_bytes() {
    let queue = Queue::new(MIB);
    let mut batch = Batch::default();
    for n in 0..2_000 {
        batch.record(|out| out.extend_from_slice(line(n).as_bytes()));
        queue.push(&mut batch);
    }
    queue.close();
    let sizes: Vec<usize> = std::iter::from_fn(|| queue.next()).map(|batch| batch.bytes().len()).collect();
    assert_eq!(sizes, [64 * 1024, 2_000 * 64 - 64 * 1024]);
}
