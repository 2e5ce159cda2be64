//! A target under libFuzzer, which has the command line. Started by `fuzz`: the environment's `PARSER` names the target, and
//! `CORPUS` the directory where its seeds are written first. Without `PARSER` it names the targets.

#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use braid_parsers::{TARGETS, Target, find};

static TARGET: OnceLock<&Target> = OnceLock::new();

fn begin() {
    let Ok(name) = std::env::var("PARSER") else {
        TARGETS
            .iter()
            .for_each(|target| println!("{}", target.name));
        std::process::exit(0);
    };
    let target = find(&name).unwrap_or_else(|| panic!("PARSER={name} is no target"));
    if let Some(corpus) = std::env::var_os("CORPUS").map(PathBuf::from) {
        for (index, seed) in (target.seeds)().iter().enumerate() {
            let path = corpus.join(format!("seed-{index}"));
            std::fs::write(&path, seed)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
    let _ = TARGET.set(target);
}

libfuzzer_sys::fuzz_target!(init: begin(), |bytes: &[u8]| {
    if let Some(target) = TARGET.get() {
        (target.read)(bytes);
    }
});
