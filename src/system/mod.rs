//! The interface to the operating system. `unix` and `windows` contain the same items; one of them is compiled.

#[cfg(any(windows, test))]
mod device_name;
pub(crate) mod io_error;
pub(crate) mod last_activity;
pub(crate) mod private_file;
pub(crate) mod signals;
pub(crate) mod stream;
pub(crate) mod suspend;
pub(crate) mod whole_lines;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use self::unix as platform;
#[cfg(windows)]
use self::windows as platform;

pub(crate) use self::platform::{
    core_dump, environment, job_control, journal, limits, nonblocking_pipe, open_file, process, reader_monitor,
    service_manager, stderr, stdout,
};
