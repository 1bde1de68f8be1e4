//! Fuzzes lines of an event stream.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| genesys_tail::fuzz::event_stream(data));
