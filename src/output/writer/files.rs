//! The files of `--output-dir`: one for each conversation, of which a limited number is open (SVC-5 to SVC-8).

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Access, access};
use tokio::time::Instant;

use super::WriterExit;
use super::batch::Batch;
use super::queue::Queue;
use super::record_writer::RecordWriter;
use super::thread::WriteRecords;
use crate::config::{Format, is_valid_id};
use crate::output::escape::escape;
use crate::system::io_error;
use crate::system::private_file::{self, PrivateFileError};

/// The maximum number of open files (SVC-6).
const MAX_OPEN_FILES: usize = 128;

/// The minimum time between two checks whether a file still has its name (SVC-7).
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The permissions of a new folder. Transcripts are personal data.
const OWNER_ONLY: u32 = 0o700;

/// The name of the file for raw frames that belong to no conversation, such as heartbeats of notifications.
const WITHOUT_CONVERSATION: &str = "channel";

/// The reason why the files of conversations cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The path of the folder leads to something else.
    #[error("cannot use {} as output folder: it is {found}", path.display())]
    NotAFolder { path: PathBuf, found: &'static str },
    /// The folder cannot be created.
    #[error("cannot create output folder {}: {}", path.display(), io_error::describe(source))]
    CreateFolder { path: PathBuf, source: io::Error },
    /// The path of a file leads to a folder, a pipe, a device or nowhere.
    #[error("cannot write to {}: it is {found}", path.display())]
    NotAFile { path: PathBuf, found: &'static str },
    /// The id of a conversation in a recording, or from a server, is no file name.
    #[error("conversation id '{}' cannot be a file name", escape(.0))]
    Name(String),
    /// A file, or the folder, cannot be written.
    #[error("cannot write to {}: {}", path.display(), io_error::describe(source))]
    Io { path: PathBuf, source: Arc<io::Error> },
}

impl FileError {
    /// Returns the next step for the user.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NotAFolder { .. } => "use another folder for --output-dir",
            Self::CreateFolder { source, .. } if source.kind() == ErrorKind::NotFound => "create the folder above it",
            Self::CreateFolder { source, .. } => io_error::write_hint(source),
            Self::NotAFile { .. } => "remove it, or use another folder for --output-dir",
            Self::Name(_) => "run it without --output-dir",
            Self::Io { path, source } => io_error::write_hint_to(path, source),
        }
    }
}

/// A folder that holds a file for each conversation.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    path: PathBuf,
    extension: &'static str,
}

impl OutputFolder {
    /// Creates the folder if it is missing, and checks that files can be created in it.
    ///
    /// # Errors
    ///
    /// If the path leads to something else, or the folder cannot be created or written.
    pub(crate) fn create(path: &Path, format: Format) -> Result<Self, FileError> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => require_writable(path)?,
            Ok(_) => return Err(FileError::NotAFolder { path: path.to_owned(), found: "not a folder" }),
            Err(_) if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) => {
                return Err(FileError::NotAFolder { path: path.to_owned(), found: "a dangling symbolic link" });
            }
            Err(_) => create_folder(path)?,
        }
        let extension = match format {
            Format::Text => "log",
            Format::Json => "jsonl",
            Format::Raw => "raw",
        };
        Ok(Self { path: path.to_owned(), extension })
    }

    /// Returns the path of the file of a conversation.
    fn file_path(&self, conversation: &str) -> Result<PathBuf, FileError> {
        let name = if conversation.is_empty() { WITHOUT_CONVERSATION } else { conversation };
        if !is_valid_id(name) {
            return Err(FileError::Name(name.to_owned()));
        }
        Ok(self.path.join(format!("{name}.{}", self.extension)))
    }
}

fn create_folder(path: &Path) -> Result<(), FileError> {
    let created = DirBuilder::new().mode(OWNER_ONLY).create(path);
    created.map_err(|source| FileError::CreateFolder { path: path.to_owned(), source })
}

fn require_writable(path: &Path) -> Result<(), FileError> {
    let writable = access(path, Access::WRITE_OK | Access::EXEC_OK);
    writable.map_err(|error| FileError::Io { path: path.to_owned(), source: Arc::new(error.into()) })
}

/// The open files.
pub(super) struct ConversationFiles<'a, F> {
    folder: OutputFolder,
    queue: &'a Queue,
    open: HashMap<Arc<str>, OpenFile<'a>>,
    max_open: usize,
    /// The number of writes so far, the clock of the least recently used file.
    writes: u64,
    on_write: F,
}

struct OpenFile<'a> {
    path: PathBuf,
    writer: RecordWriter<'a, File>,
    /// Device and inode.
    identity: (u64, u64),
    checked_at: Instant,
    last_write: u64,
}

impl<'a, F: FnMut()> ConversationFiles<'a, F> {
    /// Creates the files of a folder. `on_write` is called before each write.
    pub(super) fn new(folder: OutputFolder, queue: &'a Queue, on_write: F) -> Self {
        Self { folder, queue, open: HashMap::new(), max_open: MAX_OPEN_FILES, writes: 0, on_write }
    }

    /// Writes records of one conversation to its file.
    fn write_to(
        &mut self,
        conversation: &Arc<str>,
        batch: &Batch,
        range: Range<usize>,
        now: Instant,
    ) -> Result<(), WriterExit> {
        (self.on_write)();
        self.writes += 1;
        let writes = self.writes;
        let file = self.file(conversation, now).map_err(|error| WriterExit::FileFailed(Arc::new(error)))?;
        file.last_write = writes;
        file.writer.write(batch, range).map_err(|exit| match exit {
            WriterExit::WriteFailed(source) => {
                WriterExit::FileFailed(Arc::new(FileError::Io { path: file.path.clone(), source }))
            }
            exit => exit,
        })
    }

    /// Returns the open file of a conversation, which has its name.
    fn file(&mut self, conversation: &Arc<str>, now: Instant) -> Result<&mut OpenFile<'a>, FileError> {
        if self.open.get_mut(conversation).is_some_and(|file| !file.has_name(now)) {
            self.open.remove(conversation);
        }
        if !self.open.contains_key(conversation) {
            let file = self.open(conversation, now)?;
            self.open.insert(Arc::clone(conversation), file);
        }
        Ok(self.open.get_mut(conversation).expect("the file was just opened"))
    }

    /// Opens a file. Closes others beyond the limit, and if the process has no descriptor left.
    fn open(&mut self, conversation: &str, now: Instant) -> Result<OpenFile<'a>, FileError> {
        while self.open.len() >= self.max_open {
            self.close_least_recent();
        }
        let path = self.folder.file_path(conversation)?;
        loop {
            match private_file::open_to_append(&path) {
                Ok((file, identity)) => {
                    let writer = RecordWriter::new(file, self.queue);
                    return Ok(OpenFile { path, writer, identity, checked_at: now, last_write: 0 });
                }
                Err(PrivateFileError::Io(error)) if io_error::is_short_of_files(&error) && !self.open.is_empty() => {
                    self.close_least_recent();
                }
                Err(PrivateFileError::NotAFile(found)) => return Err(FileError::NotAFile { path, found }),
                Err(PrivateFileError::Io(error)) => return Err(FileError::Io { path, source: Arc::new(error) }),
                Err(PrivateFileError::Locked) => unreachable!("the file is not locked"),
            }
        }
    }

    fn close_least_recent(&mut self) {
        let least_recent = self.open.iter().min_by_key(|(_, file)| file.last_write).map(|(id, _)| Arc::clone(id));
        if let Some(conversation) = least_recent {
            self.open.remove(&conversation);
        }
    }
}

impl<F: FnMut()> WriteRecords for ConversationFiles<'_, F> {
    fn write(&mut self, batch: &Batch, range: Range<usize>) -> Result<(), WriterExit> {
        let now = Instant::now();
        for (conversation, range) in batch.by_conversation(range) {
            self.write_to(conversation, batch, range, now)?;
        }
        Ok(())
    }

    fn end_batch(&mut self, batch: &Batch) {
        for conversation in batch.ended_conversations() {
            self.open.remove(conversation);
        }
    }
}

impl OpenFile<'_> {
    /// Returns whether the file still has its name, as of at most one second ago.
    fn has_name(&mut self, now: Instant) -> bool {
        if now.duration_since(self.checked_at) < CHECK_INTERVAL {
            return true;
        }
        self.checked_at = now;
        fs::metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use tempfile::TempDir;

    use super::*;

    struct Fixture {
        folder: TempDir,
        queue: Queue,
    }

    impl Fixture {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), queue: Queue::new(usize::MAX) }
        }

        fn files(&self, max_open: usize) -> ConversationFiles<'_, impl FnMut() + use<>> {
            let folder = OutputFolder::create(self.folder.path(), Format::Text).unwrap();
            ConversationFiles { max_open, ..ConversationFiles::new(folder, &self.queue, || {}) }
        }

        fn path(&self, conversation: &str) -> PathBuf {
            self.folder.path().join(format!("{conversation}.log"))
        }

        fn content(&self, conversation: &str) -> String {
            fs::read_to_string(self.path(conversation)).unwrap()
        }
    }

    /// Returns a batch with these records, each with its conversation.
    fn batch(records: &[(&str, &str)]) -> Batch {
        let mut batch = Batch::default();
        for (conversation, record) in records {
            batch.set_conversation(conversation);
            batch.push_record(|out| out.extend_from_slice(record.as_bytes()));
        }
        batch
    }

    fn write(files: &mut impl WriteRecords, records: &[(&str, &str)]) -> Result<(), WriterExit> {
        let batch = batch(records);
        files.write(&batch, 0..batch.bytes().len())?;
        files.end_batch(&batch);
        Ok(())
    }

    #[test]
    fn each_record_goes_to_the_file_of_its_conversation() {
        let fixture = Fixture::new();
        let mut files = fixture.files(2);
        write(&mut files, &[("a", "1\n"), ("a", "2\n"), ("b", "3\n"), ("a", "4\n"), ("c", "5\n"), ("b", "6\n")])
            .unwrap();
        assert_eq!(["a", "b", "c"].map(|id| fixture.content(id)), ["1\n2\n4\n", "3\n6\n", "5\n"]);
        assert_eq!(fixture.queue.written().records, 6);
        let mode = fs::metadata(fixture.path("a")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_limited_number_of_files_is_open_and_the_least_recently_used_is_closed() {
        let fixture = Fixture::new();
        let mut files = fixture.files(8);
        let ids: Vec<String> = (0..300).map(|number| format!("c{number}")).collect();
        for round in ["one\n", "two\n"] {
            for id in &ids {
                // The first conversation writes all the time, so its file stays open.
                write(&mut files, &[("c0", "now\n"), (id, round)]).unwrap();
                assert!(files.open.len() <= 8 && files.open.contains_key("c0"));
            }
        }
        assert!(ids[1..].iter().all(|id| fixture.content(id) == "one\ntwo\n"));
    }

    #[test]
    fn the_file_of_a_conversation_that_ended_is_closed_and_a_late_line_opens_it_again() {
        let fixture = Fixture::new();
        let mut files = fixture.files(8);
        let mut batch = batch(&[("a", "one\n"), ("b", "two\n")]);
        batch.push_end("a");
        files.write(&batch, 0..batch.bytes().len()).unwrap();
        files.end_batch(&batch);
        assert!(!files.open.contains_key("a") && files.open.contains_key("b"));
        write(&mut files, &[("a", "late\n")]).unwrap();
        assert_eq!(fixture.content("a"), "one\nlate\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_renamed_or_removed_file_is_created_again_after_at_most_a_second() {
        let fixture = Fixture::new();
        let mut files = fixture.files(8);
        let rotated = fixture.folder.path().join("rotated");
        let rename = |path: &Path| fs::rename(path, &rotated).unwrap();
        let remove = |path: &Path| fs::remove_file(path).unwrap();
        let replace = |path: &Path| {
            fs::rename(path, &rotated).unwrap();
            fs::write(path, "").unwrap();
        };
        for (id, rotate) in [("a", &rename as &dyn Fn(&Path)), ("b", &remove), ("c", &replace)] {
            write(&mut files, &[(id, "one\n")]).unwrap();
            rotate(&fixture.path(id));
            tokio::time::advance(Duration::from_millis(999)).await;
            write(&mut files, &[(id, "two\n")]).unwrap();
            let content = fs::read_to_string(fixture.path(id)).unwrap_or_default();
            assert_eq!(content, "", "{id}: not checked yet");
            tokio::time::advance(Duration::from_millis(1)).await;
            write(&mut files, &[(id, "three\n")]).unwrap();
            assert_eq!(fixture.content(id), "three\n", "{id}");
        }
        assert_eq!(fs::read_to_string(&rotated).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn an_incomplete_line_is_completed_whenever_a_file_is_opened() {
        let fixture = Fixture::new();
        let mut files = fixture.files(1);
        fs::write(fixture.path("a"), "befo").unwrap();
        for id in ["a", "b", "a"] {
            write(&mut files, &[(id, "one\n")]).unwrap();
        }
        assert_eq!(fixture.content("a"), "befo\none\none\n");
    }

    #[test]
    fn an_id_that_is_no_file_name_is_refused_and_frames_without_one_have_their_own_file() {
        let fixture = Fixture::new();
        let mut files = fixture.files(8);
        let long = "a".repeat(129);
        for id in [".", "..", ".a", "../a", "a/b", "a\n", &long] {
            let error = write(&mut files, &[(id, "one\n")]).unwrap_err();
            assert!(matches!(&error, WriterExit::FileFailed(error) if matches!(**error, FileError::Name(_))), "{id}");
        }
        write(&mut files, &[("", "one\n")]).unwrap();
        assert_eq!(fixture.content("channel"), "one\n");
        assert_eq!(fs::read_dir(fixture.folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_to_nowhere_and_a_folder_in_the_place_of_a_file_are_refused() {
        let fixture = Fixture::new();
        let mut files = fixture.files(8);
        symlink(fixture.folder.path().join("nowhere"), fixture.path("a")).unwrap();
        fs::create_dir(fixture.path("b")).unwrap();
        for (id, found) in [("a", "a dangling symbolic link"), ("b", "a folder")] {
            let WriterExit::FileFailed(error) = write(&mut files, &[(id, "one\n")]).unwrap_err() else {
                panic!("{id}")
            };
            let path = fixture.path(id);
            assert_eq!(error.to_string(), format!("cannot write to {}: it is {found}", path.display()));
        }
        assert!(!fixture.folder.path().join("nowhere").exists());
    }

    #[test]
    fn a_missing_folder_is_created_for_its_owner_only_and_nothing_else_is_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let (folder, file, link) = (parent.path().join("new"), parent.path().join("file"), parent.path().join("link"));
        OutputFolder::create(&folder, Format::Json).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        fs::write(&file, "text").unwrap();
        symlink(parent.path().join("nowhere"), &link).unwrap();
        for path in [&file, &link] {
            let created = OutputFolder::create(path, Format::Json);
            assert!(matches!(created, Err(FileError::NotAFolder { .. })), "{created:?}");
        }
        let deep = OutputFolder::create(&parent.path().join("a/b"), Format::Json);
        assert!(matches!(deep, Err(FileError::CreateFolder { .. })), "{deep:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "text");
    }
}
