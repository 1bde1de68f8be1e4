//! The interface to the operating system.

pub(crate) mod core_dump;
pub(crate) mod file_size_limit;
pub(crate) mod io_error;
pub(crate) mod job_control;
pub(crate) mod journal;
pub(crate) mod last_activity;
pub(crate) mod private_file;
pub(crate) mod service_manager;
pub(crate) mod signals;
pub(crate) mod suspend;
pub(crate) mod whole_lines;
