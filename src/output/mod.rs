//! How events are shown, and the thread that owns standard output.

mod writer;

pub use self::writer::{Fate, Writer, WriterHandle, Written};
