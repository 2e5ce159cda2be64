//! A target under libFuzzer, which has the command line; the environment's `PARSER` names the target. Started by `fuzz`.

#![no_main]

use std::sync::LazyLock;

use braid_parsers::{Target, find};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("PARSER").unwrap_or_default();
    find(&name).unwrap_or_else(|| panic!("PARSER={name} is no target"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.read)(bytes));
