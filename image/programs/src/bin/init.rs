//! The first program of the demonstration.

fn main() {}
