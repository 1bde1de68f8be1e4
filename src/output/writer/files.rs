//! The files of `--output-dir`: one for each conversation, of which a limited number is open (SVC-5 to SVC-8).

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::WriterExit;
use super::batch::Batch;
use super::queue::Queue;
use super::record_writer::RecordWriter;
use super::thread::WriteRecords;
use crate::config::{Format, is_valid_id};
use crate::output::escape::escape;
use crate::system::io_error;
use crate::system::private_file::{self, FileId, PrivateFileError};

/// The maximum number of open files (SVC-6).
const MAX_OPEN_FILES: usize = 128;

/// The minimum time between two checks whether a file still has its name (SVC-7).
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

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
    private_file::create_folder(path).map_err(|source| FileError::CreateFolder { path: path.to_owned(), source })
}

fn require_writable(path: &Path) -> Result<(), FileError> {
    let writable = private_file::require_writable(path);
    writable.map_err(|error| FileError::Io { path: path.to_owned(), source: Arc::new(error) })
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
    id: FileId,
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

    /// Opens a file. Closes others beyond the limit. If the process has no descriptor left, halves the limit: sockets need
    /// some as well.
    fn open(&mut self, conversation: &str, now: Instant) -> Result<OpenFile<'a>, FileError> {
        let path = self.folder.file_path(conversation)?;
        loop {
            while self.open.len() >= self.max_open {
                self.close_least_recent();
            }
            match private_file::open_to_append(&path) {
                Ok((file, id)) => {
                    let writer = RecordWriter::new(file, self.queue);
                    return Ok(OpenFile { path, writer, id, checked_at: now, last_write: 0 });
                }
                Err(PrivateFileError::Io(error)) if io_error::is_short_of_files(&error) && !self.open.is_empty() => {
                    self.max_open = self.open.len().div_ceil(2);
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
        FileId::of_path(&self.path).is_ok_and(|found| found == self.id)
    }
}

#[cfg(test)]
mod tests;
