//! Parts of the tests that only run on Unix.

pub(crate) mod pty;
pub(crate) mod shell;
mod signal;
