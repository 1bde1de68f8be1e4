//! Fuzzes frames of the transcript socket.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| genesys_tail::fuzz::frame(data));
