//! The `genesys-tail` binary.

fn main() {}
