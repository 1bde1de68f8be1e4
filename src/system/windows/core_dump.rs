//! Core dumps.

/// Does nothing: Windows writes crash dumps only if its administrator enables them.
pub(crate) fn disable() {}
