//! The file that `--record` writes and `--replay` reads.

mod format;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use self::format::Header;
pub(crate) use self::format::{LineError, RecordedItem, RecordingEntry, RecordingLine, decode_binary, parse};
use crate::event::{EventContext, RawFrame, TranscriptEvent};
use crate::source::Item;
use crate::system::io_error;
use crate::system::private_file::{self, PrivateFileError, WriteMode};

/// The reason why a file cannot be recorded to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// The file exists and is not a recording.
    #[error("{} is not a recording; it was not changed", .0.display())]
    Foreign(PathBuf),
    /// The path leads to a folder, a pipe, a device or nowhere.
    #[error("cannot record to {}: it is {file_type}", path.display())]
    NotAFile { path: PathBuf, file_type: &'static str },
    /// Another process records to the file.
    #[error("another process records to {}", .0.display())]
    Busy(PathBuf),
    /// The file cannot be opened or written.
    #[error("cannot record to {}: {}", path.display(), io_error::describe(source))]
    Io { path: PathBuf, source: io::Error },
}

/// The writer of a recording.
#[derive(Debug)]
pub(crate) struct Recorder {
    path: PathBuf,
    file: BufWriter<File>,
    failure: Option<io::Error>,
}

impl Recorder {
    /// Opens or creates a recording, and starts a run at its end. Removes a line that an earlier run left incomplete.
    ///
    /// # Errors
    ///
    /// If the file is not a recording, another process records to it, or it cannot be written.
    pub(crate) fn open(path: &Path, conversations: &[String], grows: bool) -> Result<Self, RecordError> {
        let failed = |source| RecordError::Io { path: path.to_owned(), source };
        let file = private_file::resolve(path)
            .and_then(|resolved| private_file::open_locked(&resolved, WriteMode::Append))
            .map_err(|error| RecordError::new(path, error))?;
        if !is_recording(&file).map_err(failed)? {
            return Err(RecordError::Foreign(path.to_owned()));
        }
        warn_if_exposed(path, &file);
        remove_incomplete_line(&file).map_err(failed)?;
        // Windows does not append regardless of the position.
        (&file).seek(SeekFrom::End(0)).map_err(failed)?;
        let mut recorder = Self { path: path.to_owned(), file: BufWriter::new(file), failure: None };
        recorder.write(&Header::new(conversations, grows));
        recorder.flush()?;
        Ok(recorder)
    }

    /// Returns a recorder that can write nothing: its file is open for reading only.
    #[cfg(test)]
    pub(crate) fn that_cannot_write() -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let (path, file) = (file.path().to_owned(), File::open(file.path()).expect("a file"));
        Self { path, file: BufWriter::new(file), failure: None }
    }

    /// Records an item that arrived in a frame, with the number of the connection that delivered it.
    pub(crate) fn record_frame(
        &mut self,
        item: &Item<'_>,
        connection: u32,
        frame: RawFrame<'_>,
        context: Option<EventContext>,
    ) {
        let (at, conversation) = (item.received, item.conversation.to_owned());
        self.write(&RecordingEntry { at, conversation, context, item: RecordedItem::from_frame(connection, frame) });
    }

    /// Records an event that did not arrive in a frame.
    pub(crate) fn record_event(&mut self, event: &TranscriptEvent<'_>) {
        let item = RecordedItem::from_event(event);
        let context = event.context.as_deref().cloned();
        self.write(&RecordingEntry { at: event.received, conversation: event.conversation.to_owned(), context, item });
    }

    /// Writes the buffered entries to the file.
    ///
    /// # Errors
    ///
    /// If writing failed, now or since the last call. The recording ends there.
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

impl RecordError {
    /// Returns the next step for the user.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Foreign(_) | Self::NotAFile { .. } => "use another file for --record",
            Self::Busy(_) => "use one file per process; one process can follow several conversations",
            Self::Io { path, source } => io_error::write_hint_to(path, source),
        }
    }

    fn new(path: &Path, error: PrivateFileError) -> Self {
        let path = path.to_owned();
        match error {
            PrivateFileError::Locked => Self::Busy(path),
            PrivateFileError::NotAFile(file_type) => Self::NotAFile { path, file_type },
            PrivateFileError::Io(source) => Self::Io { path, source },
        }
    }
}

/// Warns if other users can read the recording. An existing file keeps its permissions.
fn warn_if_exposed(path: &Path, file: &File) {
    let path = path.display();
    if private_file::is_of_other_user(file) {
        tracing::warn!("recording {path} belongs to another user, who can read it; use another file for --record");
    } else if let Some(mode) = private_file::exposed_mode_of(file) {
        tracing::warn!("other users can read recording {path} (mode {mode:03o}); run chmod 600 {path}");
    }
}

fn is_recording(file: &File) -> io::Result<bool> {
    const MAX_HEADER_BYTES: u64 = 1024 * 1024;
    let mut first_line = String::new();
    let mut reader = BufReader::new(file);
    reader.rewind()?;
    match reader.take(MAX_HEADER_BYTES).read_line(&mut first_line) {
        Ok(0) => Ok(true),
        Ok(_) => Ok(matches!(parse(&first_line), Ok(RecordingLine::Header(_)))),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
        Err(error) => Err(error),
    }
}

/// Truncates the file after its last line break.
fn remove_incomplete_line(mut file: &File) -> io::Result<()> {
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
    use std::fs::{self, OpenOptions};
    use std::sync::Arc;

    use tempfile::TempDir;

    use chrono::{DateTime, Utc};

    use super::*;
    use crate::event::{EventBody, EventContext, Gap, Message, MessageDetails, Origin, Party, Role};
    use crate::source::{ConnectionRole, ItemKind};

    fn at() -> DateTime<Utc> {
        "2026-01-02T03:04:05.678901234Z".parse().expect("a time")
    }

    fn folder_with_path() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.rec");
        (folder, path)
    }

    fn record(path: &Path) -> Recorder {
        Recorder::open(path, &["c1".to_owned()], false).expect("a recording")
    }

    fn lines(path: &Path) -> Vec<RecordingLine> {
        let text = fs::read_to_string(path).expect("a file");
        text.lines().map(|line| parse(line).expect("a line")).collect()
    }

    fn entry(item: RecordedItem) -> RecordingLine {
        RecordingLine::Entry(RecordingEntry { at: at(), conversation: "c1".to_owned(), context: None, item })
    }

    /// Records a frame without an event.
    fn record_frame(recorder: &mut Recorder, connection: u32, raw: RawFrame<'_>) {
        let (kind, connection_role) = (ItemKind::Keepalive, ConnectionRole::Live);
        let item = Item { conversation: "c1", received: at(), raw: Some(raw), kind, connection: connection_role };
        recorder.record_frame(&item, connection, raw, None);
    }

    #[test]
    fn recorded_frames_and_gaps_are_read_back() {
        let (_folder, path) = folder_with_path();
        let mut recorder = record(&path);
        record_frame(&mut recorder, 0, RawFrame::Text("{\n\u{202e}"));
        record_frame(&mut recorder, 1, RawFrame::Binary(&[0xff, 0]));
        let gap = EventBody::Gap(Gap { from: at(), to: at(), reason: "lost".into() });
        recorder.record_event(&TranscriptEvent {
            conversation: "c1",
            at: Some(at()),
            received: at(),
            body: gap,
            context: None,
        });
        recorder.flush().expect("written");

        let lines = lines(&path);
        assert!(matches!(&lines[0], RecordingLine::Header(header) if header.conversations == ["c1"]));
        let expected = [
            RecordedItem::Text(0, "{\n\u{202e}".into()),
            RecordedItem::Binary(1, "/wA=".into()),
            RecordedItem::Gap { from: at(), reason: "lost".into() },
        ];
        assert_eq!(lines[1..], expected.map(entry));
        assert_eq!(decode_binary("/wA=").as_deref(), Some(&[0xff, 0][..]));
    }

    #[test]
    fn a_message_of_an_earlier_version_is_read() {
        let message = r#"{"id":"m1","role":"Bot","from":{"id":null,"name":"Quill"},"to":{"id":null,"name":null},"text":"Hi",
            "attachments":[{"kind":"quick reply","name":"A","mime":null,"url":null,"size":null}],"origin":"Live"}"#;
        let line = format!(r#"{{"at":"2026-01-02T03:04:05Z","conversation":"c1","message":[null,{message}]}}"#);
        let RecordingLine::Entry(entry) = parse(&line).expect("a line") else { panic!("{line}") };
        let RecordedItem::Message(_, message) = entry.item else { panic!("{line}") };
        assert_eq!(message.display_text(), "Hi [quick reply: A]");
    }

    #[test]
    fn numbers_are_read_back_to_the_last_digit() {
        let (_folder, path) = folder_with_path();
        let mut recorder = record(&path);
        let confidences = (1..200).map(|number| 1.0 - 1.0 / f64::from(number + 7).powf(1.7)).collect::<Vec<f64>>();
        for confidence in &confidences {
            let mut message = empty_message();
            let details = MessageDetails { confidence: Some(*confidence), ..MessageDetails::default() };
            message.details = Some(Box::new(details));
            let body = EventBody::Message(message);
            recorder.record_event(&TranscriptEvent {
                conversation: "c1",
                at: None,
                received: at(),
                body,
                context: None,
            });
        }
        recorder.flush().expect("written");
        let read = lines(&path).into_iter().skip(1).map(|line| match line {
            RecordingLine::Entry(RecordingEntry { item: RecordedItem::Message(_, message), .. }) => {
                message.details.and_then(|details| details.confidence).expect("a confidence")
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(read.collect::<Vec<_>>(), confidences);
    }

    fn empty_message() -> Message<'static> {
        Message {
            id: None,
            role: Role::Customer,
            from: Party::default(),
            to: Party::default(),
            text: None,
            attachments: Vec::new(),
            origin: Origin::Live,
            status: None,
            details: None,
        }
    }

    #[test]
    fn the_surroundings_of_an_event_are_read_back_and_may_be_absent() {
        let (_folder, path) = folder_with_path();
        let mut recorder = record(&path);
        let queue = Party { id: Some("q".into()), name: Some("Billing".into()) };
        let context = EventContext { media: Some("sms".into()), queue: Some(queue), agent: None };
        for context in [Some(context.clone()), None] {
            let body = EventBody::Closed;
            let context = context.map(Arc::new);
            recorder.record_event(&TranscriptEvent { conversation: "c1", at: None, received: at(), body, context });
        }
        recorder.flush().expect("written");
        let contexts = lines(&path).into_iter().skip(1).map(|line| match line {
            RecordingLine::Entry(entry) => entry.context,
            RecordingLine::Header(_) => panic!("an entry"),
        });
        assert_eq!(contexts.collect::<Vec<_>>(), [Some(context), None]);
    }

    #[test]
    fn a_recording_continues_after_its_last_complete_line() {
        let (_folder, path) = folder_with_path();
        drop(record(&path));
        OpenOptions::new().append(true).open(&path).expect("a file").write_all(b"{\"at\":\"2026").expect("torn");
        drop(record(&path));
        assert_eq!(lines(&path).len(), 2);
    }

    #[test]
    fn a_file_of_another_kind_is_refused_and_unchanged() {
        let (_folder, path) = folder_with_path();
        for content in [
            &b"dear diary\n"[..],
            b"{}",
            b"\xff\xfe",
            b"{\"genesys-tail-recording\":2,\"started\":\"2026-01-02T03:04:05Z\",\"conversations\":[]}\n",
        ] {
            fs::write(&path, content).expect("a file");
            assert!(matches!(Recorder::open(&path, &[], false), Err(RecordError::Foreign(_))));
            assert_eq!(fs::read(&path).expect("a file"), content);
        }
    }

    #[test]
    fn a_second_process_cannot_record_to_the_same_file() {
        let (_folder, path) = folder_with_path();
        let _first = record(&path);
        assert!(matches!(Recorder::open(&path, &[], false), Err(RecordError::Busy(_))));
    }

    // Windows has no file modes and no named pipes in folders, and lets only administrators create links.
    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{PermissionsExt, symlink};

        use nix::sys::stat::Mode;
        use nix::unistd::mkfifo;

        use super::*;

        #[test]
        fn a_recording_is_private() {
            let (_folder, path) = folder_with_path();
            drop(record(&path));
            assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        }

        #[test]
        fn a_link_to_a_recording_is_followed_and_a_dangling_link_is_refused() {
            let (folder, path) = folder_with_path();
            let link = folder.path().join("link");
            symlink(&path, &link).expect("a link");
            let error = Recorder::open(&link, &[], false).expect_err("the link is dangling");
            assert!(error.to_string().ends_with("it is a dangling symbolic link") && !path.exists(), "{error}");
            drop(record(&path));
            drop(record(&link));
            assert_eq!(lines(&path).len(), 2);
        }

        #[test]
        fn pipes_folders_and_devices_are_refused_without_blocking() {
            let (folder, path) = folder_with_path();
            mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe");
            for (path, file_type) in [
                (path.as_path(), "a named pipe"),
                (folder.path(), "a folder"),
                (Path::new("/dev/null"), "a device"),
                (Path::new("/dev/full"), "a device"),
            ] {
                let error = Recorder::open(path, &[], false).expect_err("not a file").to_string();
                assert_eq!(error, format!("cannot record to {}: it is {file_type}", path.display()));
            }
        }
    }
}
