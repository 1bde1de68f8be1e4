//! The tracker as a whole: pure tables and random input sequences.
