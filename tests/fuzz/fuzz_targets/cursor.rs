//! Fuzzes cursor files.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| genesys_tail::fuzz::cursor(data));
