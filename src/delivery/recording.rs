//! Raw frames with their times of arrival: what `--record` writes and `--replay` reads.
//!
//! A recording is a text file of one JSON object a line. Every run starts with a [`Header`]; what follows is enough to
//! print the same bytes again: which connection brought which frame, and where there was none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::event::{EventBody, Message, RawFrame, TranscriptEvent};
use crate::system::io_error;

/// The version of the format that this program writes and reads.
const VERSION: u32 = 1;

/// The first line of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Always 1 so far.
    #[serde(rename = "genesys-tail-recording")]
    version: u32,
    started: DateTime<Utc>,
    /// The conversations of the run, in the order they were given.
    pub(crate) conversations: Vec<String>,
    /// Whether others could join.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) grows: bool,
}

/// Every other line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordingEntry {
    /// When it happened.
    pub(crate) at: DateTime<Utc>,
    /// The conversation it belongs to.
    pub(crate) conversation: String,
    /// What happened.
    #[serde(flatten)]
    pub(crate) item: RecordedItem,
}

/// What can happen in a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RecordedItem {
    /// A text frame, and the number of the connection that brought it.
    Text(u32, String),
    /// A binary frame, in base64.
    Binary(u32, String),
    /// A message that came in no frame of its own, and when it was said.
    Message(Option<DateTime<Utc>>, Box<Message<'static>>),
    /// A change that came in no frame of its own, when it was, and what it was.
    Update(Option<DateTime<Utc>>, Option<String>),
    /// An end that came in no frame of its own, and when it was.
    Closed(Option<DateTime<Utc>>),
    /// A stretch without a connection.
    Gap {
        /// The last sign of life before it.
        from: DateTime<Utc>,
        /// Why the connection was lost.
        reason: String,
    },
}

/// A line of a recording.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RecordingLine {
    /// A run starts.
    Header(Header),
    /// Something happened in it.
    Entry(RecordingEntry),
}

/// Why a file cannot be recorded to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// There is something else in it.
    #[error("{} is there and is no recording; it is left as it is", .0.display())]
    Foreign(PathBuf),
    /// It is a folder, a pipe, a device or a link that leads nowhere.
    #[error("there can be no recording in {}: it is {what}", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// Another process records to it.
    #[error("another process is recording to {}", .0.display())]
    Busy(PathBuf),
    /// It cannot be opened or written.
    #[error("cannot record to {}: {}", path.display(), io_error::describe(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Writes a recording.
#[derive(Debug)]
pub(crate) struct Recorder {
    path: PathBuf,
    file: BufWriter<File>,
    failure: Option<io::Error>,
}

impl Recorder {
    /// Opens a recording for appending, creating it readable by its owner alone, and starts a run in it. A line that an
    /// earlier run left unfinished is removed.
    ///
    /// # Errors
    ///
    /// When the file is no recording, is being recorded to, or cannot be written.
    pub(crate) fn open(path: &Path, conversations: &[String], grows: bool) -> Result<Self, RecordError> {
        let failed = |source| RecordError::Io { path: path.to_owned(), source };
        refuse_all_but_files(path)?;
        let file = open_or_create(path).map_err(failed)?;
        if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(RecordError::Busy(path.to_owned()));
        }
        if !is_recording(&file).map_err(failed)? {
            return Err(RecordError::Foreign(path.to_owned()));
        }
        warn_if_exposed(path, &file);
        drop_torn_line(&file).map_err(failed)?;
        let mut recorder = Self { path: path.to_owned(), file: BufWriter::new(file), failure: None };
        let header = Header { version: VERSION, started: Utc::now(), conversations: conversations.to_vec(), grows };
        recorder.write(&header);
        recorder.flush()?;
        Ok(recorder)
    }

    /// Records a frame as it came over the connection of this number.
    pub(crate) fn record_frame(&mut self, conversation: &str, connection: u32, at: DateTime<Utc>, frame: RawFrame<'_>) {
        let item = match frame {
            RawFrame::Text(text) => RecordedItem::Text(connection, text.to_owned()),
            RawFrame::Binary(bytes) => RecordedItem::Binary(connection, BASE64_STANDARD.encode(bytes)),
        };
        self.write(&RecordingEntry { at, conversation: conversation.to_owned(), item });
    }

    /// Records an event that came in no frame of its own.
    pub(crate) fn record_event(&mut self, event: &TranscriptEvent<'_>) {
        let item = match &event.body {
            EventBody::Gap(gap) => RecordedItem::Gap { from: gap.from, reason: gap.reason.clone() },
            EventBody::Message(message) => RecordedItem::Message(event.at, Box::new(message.clone().into_owned())),
            EventBody::Update { description } => {
                RecordedItem::Update(event.at, description.as_deref().map(str::to_owned))
            }
            EventBody::Closed => RecordedItem::Closed(event.at),
        };
        self.write(&RecordingEntry { at: event.received, conversation: event.conversation.to_owned(), item });
    }

    /// Hands what was recorded to the file.
    ///
    /// # Errors
    ///
    /// When that failed, now or since the last call; the recording is of no more use then.
    pub(crate) fn flush(&mut self) -> Result<(), RecordError> {
        let result = self.failure.take().map_or_else(|| self.file.flush(), Err);
        result.map_err(|source| RecordError::Io { path: self.path.clone(), source })
    }

    fn write(&mut self, line: &impl Serialize) {
        if self.failure.is_none() {
            let written = serde_json::to_writer(&mut self.file, line).map_err(io::Error::from);
            self.failure = written.and_then(|()| self.file.write_all(b"\n")).err();
        }
    }
}

/// Why something is no line of a recording.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    /// It may be the beginning of one.
    #[error("it ends too early")]
    Torn,
    /// Another version of this program has written it.
    #[error("it is of version {0}, and this program reads version {VERSION}")]
    Version(u32),
    /// It is something else.
    #[error("it is damaged or of something else (column {column})")]
    Foreign {
        /// Where that shows, in bytes from 1.
        column: usize,
    },
}

/// Reads a line of a recording.
pub(crate) fn parse(line: &str) -> Result<RecordingLine, LineError> {
    let error = match serde_json::from_str(line) {
        Ok(entry) => return Ok(RecordingLine::Entry(entry)),
        Err(error) => error,
    };
    match serde_json::from_str::<Header>(line) {
        Ok(header) if header.version == VERSION => Ok(RecordingLine::Header(header)),
        Ok(header) => Err(LineError::Version(header.version)),
        Err(_) if error.is_eof() => Err(LineError::Torn),
        Err(_) => Err(LineError::Foreign { column: error.column() }),
    }
}

/// The bytes of a binary frame; `None` when they were not written by this program.
pub(crate) fn decode_binary(base64: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(base64).ok()
}

/// Nothing is opened that is no file, as opening alone may wait or have an effect. A link to nothing is not followed:
/// somebody else may have laid it, to have a file of ours made where they cannot make one.
fn refuse_all_but_files(path: &Path) -> Result<(), RecordError> {
    let what = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => io_error::describe_file_type(metadata.file_type()),
        Err(_) if path.is_symlink() => "a symbolic link that leads nowhere",
        _ => return Ok(()),
    };
    Err(RecordError::NotAFile { path: path.to_owned(), what })
}

/// Opens what is there, else creates it, readable by its owner alone and in no other place than this.
fn open_or_create(path: &Path) -> io::Result<File> {
    let options = OpenOptions::new().read(true).append(true).mode(0o600).to_owned();
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        result => return result,
    }
    options.clone().create_new(true).open(path)
}

/// A recording that was there already keeps its permissions.
fn warn_if_exposed(path: &Path, file: &File) {
    let Ok(metadata) = file.metadata() else { return };
    let (mode, path) = (metadata.permissions().mode() & 0o777, path.display());
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        tracing::warn!("the recording {path} belongs to another user, who can read it; name another file for --record");
    } else if mode & 0o077 != 0 {
        tracing::warn!("others can read the recording {path} (mode {mode:03o}); chmod 600 {path}");
    }
}

fn is_recording(file: &File) -> io::Result<bool> {
    const LONGEST_HEADER: u64 = 1024 * 1024;
    let mut first = String::new();
    let mut reader = BufReader::new(file);
    reader.rewind()?;
    match reader.take(LONGEST_HEADER).read_line(&mut first) {
        Ok(0) => Ok(true),
        Ok(_) => Ok(matches!(parse(&first), Ok(RecordingLine::Header(_)))),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
        Err(error) => Err(error),
    }
}

/// Cuts the file after its last line break.
fn drop_torn_line(mut file: &File) -> io::Result<()> {
    const STEP: usize = 64 * 1024;
    let mut end = file.metadata()?.len();
    while end > 0 {
        let step = end.min(STEP as u64);
        let mut tail = vec![0; usize::try_from(step).unwrap_or(STEP)];
        file.seek(SeekFrom::Start(end - step))?;
        file.read_exact(&mut tail)?;
        if let Some(last) = memchr::memrchr(b'\n', &tail) {
            return file.set_len(end - step + last as u64 + 1);
        }
        end -= step;
    }
    file.set_len(0)
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;
    use crate::event::Gap;

    fn at() -> DateTime<Utc> {
        "2026-01-02T03:04:05.678901234Z".parse().expect("a time")
    }

    fn record(path: &Path) -> Recorder {
        Recorder::open(path, &["c1".to_owned()], false).expect("a recording")
    }

    fn lines(path: &Path) -> Vec<RecordingLine> {
        let text = std::fs::read_to_string(path).expect("a file");
        text.lines().map(|line| parse(line).expect("a line")).collect()
    }

    #[test]
    fn what_is_recorded_can_be_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.rec");
        let mut recorder = record(&path);
        recorder.record_frame("c1", 0, at(), RawFrame::Text("{\n\u{202e}"));
        recorder.record_frame("c1", 1, at(), RawFrame::Binary(&[0xff, 0]));
        let gap = EventBody::Gap(Gap { from: at(), to: at(), reason: "lost".into() });
        recorder.record_event(&TranscriptEvent { conversation: "c1", at: Some(at()), received: at(), body: gap });
        recorder.flush().expect("written");
        let lines = lines(&path);
        assert!(matches!(&lines[0], RecordingLine::Header(header) if header.conversations == ["c1"]));
        let whats: Vec<RecordedItem> = lines
            .into_iter()
            .filter_map(|line| match line {
                RecordingLine::Entry(entry) => {
                    assert_eq!((entry.at, entry.conversation.as_str()), (at(), "c1"));
                    Some(entry.item)
                }
                RecordingLine::Header(_) => None,
            })
            .collect();
        assert_eq!(whats[0], RecordedItem::Text(0, "{\n\u{202e}".into()));
        assert!(
            matches!(&whats[1], RecordedItem::Binary(1, bytes) if decode_binary(bytes).as_deref() == Some(&[0xff, 0]))
        );
        assert_eq!(whats[2], RecordedItem::Gap { from: at(), reason: "lost".into() });
    }

    #[test]
    fn a_recording_is_private_and_appended_to_after_its_last_whole_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.rec");
        drop(record(&path));
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        OpenOptions::new().append(true).open(&path).expect("a file").write_all(b"{\"at\":\"2026").expect("torn");
        drop(record(&path));
        assert_eq!(lines(&path).len(), 2);
    }

    #[test]
    fn what_is_no_recording_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.txt");
        for notes in [
            &b"dear diary\n"[..],
            b"{}",
            b"\xff\xfe",
            b"{\"genesys-tail-recording\":2,\"started\":\"2026-01-02T03:04:05Z\",\"conversations\":[]}\n",
        ] {
            std::fs::write(&path, notes).expect("a file");
            assert!(matches!(Recorder::open(&path, &[], false), Err(RecordError::Foreign(_))));
            assert_eq!(std::fs::read(&path).expect("a file"), notes);
        }
    }

    #[test]
    fn a_link_is_followed_to_a_recording_and_not_to_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let (link, file) = (folder.path().join("link"), folder.path().join("a.rec"));
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        let error = Recorder::open(&link, &[], false).expect_err("there is nothing");
        assert!(error.to_string().ends_with("it is a symbolic link that leads nowhere") && !file.exists(), "{error}");
        drop(record(&file));
        drop(record(&link));
        assert_eq!(lines(&file).len(), 2);
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let fifo = folder.path().join("fifo");
        mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).expect("a pipe");
        for (path, what) in [
            (fifo.as_path(), "a named pipe"),
            (folder.path(), "a folder"),
            (Path::new("/dev/null"), "a device"),
            (Path::new("/dev/full"), "a device"),
        ] {
            let error = Recorder::open(path, &[], false).expect_err("it is no file").to_string();
            assert_eq!(error, format!("there can be no recording in {}: it is {what}", path.display()));
        }
    }

    #[test]
    fn two_cannot_record_to_one_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.rec");
        let _first = record(&path);
        assert!(matches!(Recorder::open(&path, &[], false), Err(RecordError::Busy(_))));
    }
}
