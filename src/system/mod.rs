//! The operating system: signals, core dumps, suspends, private files, and the texts of its errors.

pub(crate) mod core_dump;
pub(crate) mod io_error;
pub(crate) mod private_file;
pub mod signals;
pub(crate) mod suspend;
