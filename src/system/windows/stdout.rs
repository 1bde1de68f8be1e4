//! Standard output.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::windows::io::{AsHandle, BorrowedHandle};

use winapi_util::console::Console;
use winapi_util::file;

/// The maximum number of bytes that a console gets at once.
const MAX_CONSOLE_WRITE: usize = 8192;

/// The reader has disconnected a named pipe.
const ERROR_PIPE_NOT_CONNECTED: i32 = 233;

/// The standard output of this process.
#[derive(Debug)]
pub struct Stdout(Target);

#[derive(Debug)]
enum Target {
    /// The standard library converts UTF-8 to the text of the console, and keeps the start of a split character.
    Console(io::Stdout),
    /// A file, a pipe or a device, which gets the bytes.
    File(File),
}

/// Returns the standard output. Without one, writes are discarded (SVC-4).
///
/// # Errors
///
/// If no handle is free.
pub fn open_stdout() -> io::Result<Stdout> {
    let stdout = io::stdout();
    if Console::stdout().is_ok() {
        return Ok(Stdout(Target::Console(stdout)));
    }
    let is_open = file::typ(&stdout).is_ok_and(|kind| kind.is_disk() || kind.is_pipe() || kind.is_char());
    let file = if is_open { stdout.as_handle().try_clone_to_owned()?.into() } else { null_device()? };
    Ok(Stdout(Target::File(file)))
}

/// Leaves standard output to the end of the process, since only unsafe code can close it before.
pub(crate) fn close_stdout() {}

/// Lets a console obey escape sequences. Returns whether the terminal behind standard output does. A terminal without a
/// console, as that of Git Bash, does.
pub(crate) fn enable_escape_sequences() -> bool {
    Console::stdout().map_or(true, |mut console| console.set_virtual_terminal_processing(true).is_ok())
}

/// Returns whether another process, such as `more` or `findstr`, reads the output. It may write to the same console at any
/// time.
pub(crate) fn is_read_by_process(stdout: &Stdout) -> bool {
    match &stdout.0 {
        Target::Console(_) => false,
        Target::File(file) => file::typ(file).map_or(true, |kind| kind.is_pipe()),
    }
}

/// Returns an output to a file.
#[cfg(test)]
pub(crate) fn of_file(file: File) -> Stdout {
    Stdout(Target::File(file))
}

fn null_device() -> io::Result<File> {
    File::options().write(true).open("NUL")
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Target::Console(console) => {
                let bytes = &bytes[..bytes.len().min(MAX_CONSOLE_WRITE)];
                let mut console = console.lock();
                console.write_all(bytes)?;
                console.flush()?;
                Ok(bytes.len())
            }
            Target::File(file) => file.write(bytes).map_err(|error| match error.raw_os_error() {
                Some(ERROR_PIPE_NOT_CONNECTED) => ErrorKind::BrokenPipe.into(),
                _ => error,
            }),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsHandle for Stdout {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        match &self.0 {
            Target::Console(console) => console.as_handle(),
            Target::File(file) => file.as_handle(),
        }
    }
}
