//! The `braid` host tool.

fn main() {}
