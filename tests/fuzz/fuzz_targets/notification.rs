//! Fuzzes frames of the notification socket.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| genesys_tail::fuzz::notification(data));
