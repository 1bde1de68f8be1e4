//! Windows. What the system does not have, such as core dump limits, systemd and job control, does nothing here.

pub(crate) mod clock;
pub(crate) mod core_dump;
pub(crate) mod environment;
pub(crate) mod io_error;
pub(crate) mod job_control;
pub(crate) mod journal;
pub(crate) mod limits;
pub(crate) mod nonblocking_pipe;
pub(crate) mod open_file;
pub(crate) mod private_file;
pub(crate) mod process;
pub(crate) mod reader_monitor;
pub(crate) mod service_manager;
pub(crate) mod signals;
pub(crate) mod stderr;
pub(crate) mod stdout;
pub(crate) mod stream;
