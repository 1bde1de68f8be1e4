//! Fuzzes escaping and the round trip through JSON.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| genesys_tail::fuzz::text(data));
