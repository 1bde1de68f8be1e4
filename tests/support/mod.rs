//! What the tests of the built binary have in common.

#![expect(dead_code, reason = "every test file needs another part of it")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

pub(crate) mod front;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod shell;
pub(crate) mod stranger;
