//! What the tests of the built binary have in common.

pub(crate) mod front;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod pty;
pub(crate) mod shell;
pub(crate) mod stranger;
