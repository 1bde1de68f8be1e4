//! Takes events to the user: records, deduplicates, prints and counts them.

pub(crate) mod recording;
pub(crate) mod sink;
pub(crate) mod stage;
