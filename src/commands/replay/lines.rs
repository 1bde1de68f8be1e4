//! Reads the lines of a recording on a thread of their own: a pipe may keep it waiting.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};

use tokio::sync::mpsc;

use super::error::ReplayError;
use crate::config::ReplayFrom;

/// The approximate size of the lines that travel together from the reading thread to the printing one.
const BATCH_SIZE: usize = 64 * 1024;

type Recording = BufReader<Box<dyn Read + Send>>;

/// Opens a recording and reads it in batches of whole lines.
///
/// # Errors
///
/// The recording is missing or cannot be opened.
pub(super) async fn read_batches(
    recording: &ReplayFrom,
) -> Result<mpsc::Receiver<io::Result<Vec<String>>>, ReplayError> {
    let from = recording.clone();
    // Opening a named pipe waits for its writer.
    let opened = tokio::task::spawn_blocking(move || open(&from)).await;
    let mut opened = opened.map_err(|error| ReplayError::io(recording, io::Error::other(error)))??;
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        loop {
            let lines = read_batch(&mut opened);
            let is_last = !matches!(&lines, Ok(lines) if !lines.is_empty());
            if sender.blocking_send(lines).is_err() || is_last {
                break;
            }
        }
    });
    Ok(receiver)
}

fn open(recording: &ReplayFrom) -> Result<Recording, ReplayError> {
    let input: Box<dyn Read + Send> = match recording {
        ReplayFrom::Stdin => Box::new(io::stdin()),
        ReplayFrom::File(path) => match File::open(path) {
            Ok(file) => Box::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ReplayError::Missing(path.clone())),
            Err(error) => return Err(ReplayError::io(recording, error)),
        },
    };
    Ok(BufReader::with_capacity(BATCH_SIZE, input))
}

/// Reads the next line, with its line break, and all others that need no waiting; none at the end.
fn read_batch(recording: &mut Recording) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        if recording.read_until(b'\n', &mut line)? > 0 {
            lines.push(String::from_utf8_lossy(&line).into_owned());
        }
        if memchr::memchr(b'\n', recording.buffer()).is_none() {
            return Ok(lines);
        }
    }
}
