//! Fuzzes bodies of the REST API and of the token endpoint.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| genesys_tail::fuzz::response_body(data));
