//! Every parser on good input with changes in it. `fuzz` goes further, guided by coverage.

use braid_parsers::{TARGETS, mutate};

/// Changed inputs for each seed.
const CHANGES: u64 = 2000;

#[test]
fn no_parser_panics() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has seeds", target.name);
        for (index, seed) in seeds.iter().enumerate() {
            (target.read)(seed);
            let mut random = fastrand::Rng::with_seed(index as u64);
            for _ in 0..CHANGES {
                let mut bytes = seed.clone();
                mutate::change(&mut bytes, &mut random);
                (target.read)(&bytes);
            }
        }
    }
}
