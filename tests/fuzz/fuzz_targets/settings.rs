//! Fuzzes flags, variables and `.env` files.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| genesys_tail::fuzz::settings(data));
