//! Routing, the limit of open files, rotation, and names.

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
    write(&mut files, &[("a", "1\n"), ("a", "2\n"), ("b", "3\n"), ("a", "4\n"), ("c", "5\n"), ("b", "6\n")]).unwrap();
    assert_eq!(["a", "b", "c"].map(|id| fixture.content(id)), ["1\n2\n4\n", "3\n6\n", "5\n"]);
    assert_eq!(fixture.queue.written().records, 6);
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

// Fails in Wine 8, where a removed file keeps its name until it is closed.
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
fn a_folder_in_the_place_of_a_file_is_refused() {
    let fixture = Fixture::new();
    let mut files = fixture.files(8);
    fs::create_dir(fixture.path("a")).unwrap();
    let WriterExit::FileFailed(error) = write(&mut files, &[("a", "one\n")]).unwrap_err() else { panic!("a folder") };
    assert_eq!(error.to_string(), format!("cannot write to {}: it is a folder", fixture.path("a").display()));
}

#[test]
fn a_missing_folder_is_created_and_nothing_else_is_replaced() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, file) = (parent.path().join("new"), parent.path().join("file"));
    OutputFolder::create(&folder, Format::Json).unwrap();
    assert!(folder.is_dir());
    fs::write(&file, "text").unwrap();
    let created = OutputFolder::create(&file, Format::Json);
    assert!(matches!(created, Err(FileError::NotAFolder { .. })), "{created:?}");
    let deep = OutputFolder::create(&parent.path().join("a/b"), Format::Json);
    assert!(matches!(deep, Err(FileError::CreateFolder { .. })), "{deep:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "text");
}

// Windows has no file modes, and lets only administrators create links.
#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_folder_and_its_files_are_for_their_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let (path, queue) = (parent.path().join("new"), Queue::new(usize::MAX));
        let folder = OutputFolder::create(&path, Format::Json).unwrap();
        write(&mut ConversationFiles::new(folder, &queue, || {}), &[("a", "one\n")]).unwrap();
        assert_eq!((mode(&path), mode(&path.join("a.jsonl"))), (0o700, 0o600));
    }

    #[test]
    fn a_link_to_nowhere_is_refused() {
        let fixture = Fixture::new();
        let mut files = fixture.files(8);
        symlink(fixture.folder.path().join("nowhere"), fixture.path("a")).unwrap();
        let WriterExit::FileFailed(error) = write(&mut files, &[("a", "one\n")]).unwrap_err() else { panic!("a link") };
        let expected = format!("cannot write to {}: it is a dangling symbolic link", fixture.path("a").display());
        assert_eq!(error.to_string(), expected);
        assert!(!fixture.folder.path().join("nowhere").exists());
        let created = OutputFolder::create(&fixture.path("a"), Format::Json);
        assert!(matches!(created, Err(FileError::NotAFolder { .. })), "{created:?}");
    }
}
