//! Escaping, and the round trip through json.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| genesys_tail::fuzz::text(data));
