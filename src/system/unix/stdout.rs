//! Standard output.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileTypeExt as _;

use rustix::stdio::dup2_stdout;

/// The standard output of this process, without the buffer of the standard library.
pub type Stdout = File;

/// Returns a descriptor of its own.
///
/// # Errors
///
/// If no descriptor is free.
pub fn open_stdout() -> io::Result<Stdout> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Closes standard output, so that its reader sees the end. Later output is discarded.
pub(crate) fn close_stdout() {
    if let Ok(null) = File::options().write(true).open("/dev/null") {
        // If this fails, the end of the process closes it.
        let _ = dup2_stdout(null);
    }
}

/// Returns whether escape sequences work in the terminal behind standard output. The variable `TERM` tells more.
pub(crate) fn enable_escape_sequences() -> bool {
    true
}

/// Returns whether another process, such as `grep` or `less`, reads the output. It may write to the same terminal at any
/// time.
pub(crate) fn is_read_by_process(stdout: &Stdout) -> bool {
    !stdout.metadata().is_ok_and(|metadata| !metadata.file_type().is_fifo() && !metadata.file_type().is_socket())
}

/// Returns an output to a file.
#[cfg(test)]
pub(crate) fn of_file(file: File) -> Stdout {
    file
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn pipes_and_sockets_lead_to_another_process_and_files_do_not() {
        let (_reader, writer) = std::io::pipe().unwrap();
        assert!(is_read_by_process(&OwnedFd::from(writer).into()));
        let (socket, _peer) = UnixStream::pair().unwrap();
        assert!(is_read_by_process(&OwnedFd::from(socket).into()));
        assert!(!is_read_by_process(&tempfile::tempfile().unwrap()));
        assert!(!is_read_by_process(&File::options().write(true).open("/dev/null").unwrap()));
    }
}
